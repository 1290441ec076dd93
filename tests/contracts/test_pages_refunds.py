"""Refunds and asking for one, where the contract's pages show them: payments, strip, My Jobs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts import assignments, bonuses, hours_disputes, timers
from contracts.states import Side
from marketplace import clock
from marketplace.states import Role
from payments import refund_requests, refunds
from payments.models import Payment, RefundRequest
from tests.factories import (
    NOON,
    AgencyFactory,
    FreelancerFactory,
    active,
    add_milestone,
    approve,
    charge,
    ended,
    fund,
    in_review,
    member_of,
    owner_of,
    submitted,
    usd,
)
from tests.pages import Browser

pytestmark = pytest.mark.django_db

LAST = NOON + timedelta(days=180)


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


def payment_of(contract) -> Payment:
    return Payment.objects.select_related("book__client", "book__talent").get(book=contract.book_id)


def paid(**values):
    """A contract on which $500 were released; it goes on."""
    return approve(submitted(**values)).book.contract


def with_member():
    """Such a contract of an agency, and a plain member who works on it."""
    contract = paid(talent=AgencyFactory())
    member = member_of(contract.talent, Role.MEMBER)
    assignments.assign(contract, member.as_member, by=owner_of(contract.talent))
    return contract, member


def ask(contract, amount=None, reason="Half was missing.") -> RefundRequest:
    return refund_requests.ask(
        payment_of(contract),
        amount=amount or usd(50),
        reason=reason,
        key="",
        by=owner_of(contract.client),
    )


def payments_tab(contract, side) -> str:
    browser = Browser.of(owner_of(contract.party(side)))
    return browser.open(f"/contracts/{contract.reference}/payments/").part("ul.rows")


def strip(contract, by) -> str:
    return Browser.of(by).open(f"/contracts/{contract.reference}/").html


# The payments tab -------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [False, True])
@pytest.mark.parametrize(
    ("side", "label", "path"),
    [(Side.TALENT, "Give a refund", "refund/"), (Side.CLIENT, "Ask for a refund", "refund/ask/")],
)
def test_each_payment_leads_each_side_to_its_page(side, label, path, end):
    contract = paid()
    if end:
        ended(contract)

    page = Browser.of(owner_of(contract.party(side))).open(
        f"/contracts/{contract.reference}/payments/"
    )

    assert label in page.part("main")
    assert f"/payments/{payment_of(contract).pk}/{path}" in page.links()


@pytest.mark.parametrize("side", Side)
def test_a_payment_of_180_days_ago_can_be_refunded_to_the_second(side):
    contract = paid()
    label = "Ask for a refund" if side is Side.CLIENT else "Give a refund"

    with clock.at(LAST):
        assert label in payments_tab(contract, side)
    with clock.at(LAST + timedelta(seconds=1)):
        page = payments_tab(contract, side)
    assert label not in page
    assert "more than 180 days old" in page


def test_what_waits_is_read_by_each_side_in_its_own_words():
    contract = paid()
    ask(contract)

    talent, client = (payments_tab(contract, side) for side in (Side.TALENT, Side.CLIENT))

    assert f"{contract.client.name} asks for $50.00 back" in talent
    assert "Half was missing." in talent
    assert "Read and answer" in talent
    assert "You asked for $50.00 back" in client
    assert "Your request" in client


def test_what_was_declined_taken_back_or_over_is_told():
    contract = paid()
    request = ask(contract)
    refund_requests.decline(request, because="It was there.", by=owner_of(contract.talent))

    assert "You declined to refund $50.00" in payments_tab(contract, Side.TALENT)
    assert f"{contract.talent.name} declined to refund $50.00" in payments_tab(
        contract, Side.CLIENT
    )
    assert "It was there." in payments_tab(contract, Side.CLIENT)

    refund_requests.withdraw(ask(contract, usd(20)), by=owner_of(contract.client))
    assert "You took back asking for $20.00" in payments_tab(contract, Side.CLIENT)
    assert f"{contract.client.name} took back asking" in payments_tab(contract, Side.TALENT)

    last = ask(contract, usd(30))
    with clock.at(LAST + timedelta(seconds=1)):
        refund_requests.expire(last.pk)
        assert "Asking for $30.00 was not answered" in payments_tab(contract, Side.CLIENT)


def test_what_is_over_or_was_granted_is_asked_no_more():
    contract = paid()
    ask(contract)
    with clock.at(LAST + timedelta(seconds=1)):
        assert "back" not in payments_tab(contract, Side.CLIENT)

    refunds.give(
        payment_of(contract), amount=usd(50), reason="", key="", by=owner_of(contract.talent)
    )
    page = payments_tab(contract, Side.CLIENT)
    assert "You asked for" not in page
    assert "$50.00 refunded" in page


def test_a_plain_member_reads_what_is_asked_and_has_no_button():
    contract, member = with_member()
    ask(contract)

    page = Browser.of(member).open(f"/contracts/{contract.reference}/payments/").part("ul.rows")

    assert "asks for $50.00 back" in page
    assert "Read and answer" not in page


@pytest.mark.parametrize("side", Side)
def test_disputed_hours_wait(side):
    week = in_review()
    segments = [(one.pk, start) for one, start in hours_disputes.billed_segments(week)][:3]
    by = owner_of(week.contract.client)
    hours_disputes.file(week, segments=segments, reason="No.", key="", by=by)

    page = payments_tab(week.contract, side)

    assert "It can be refunded once that is settled." in page
    assert "Give a refund" not in page
    assert "Ask for a refund" not in page


def test_a_bonus_is_asked_for_and_refunded_as_any_payment():
    contract = ended(active())
    charge(contract.book, usd(20))
    by = owner_of(contract.client)
    bonuses.give(contract, amount=usd(20), note="", method="", key="", by=by)

    request = ask(contract, usd(20))
    assert "asks for $20.00 back" in payments_tab(contract, Side.TALENT)
    refund = refunds.give(
        payment_of(contract), amount=usd(20), reason="", key="", by=owner_of(contract.talent)
    )

    assert (refund.request, refund.fee) == (request, usd(2))


# What waits -------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [False, True])
def test_what_is_asked_waits_for_the_talents_managers(end):
    contract = paid()
    if end:
        ended(contract)
    ask(contract)
    title = f"{contract.client.name} asks for $50.00 back."

    assert title in strip(contract, owner_of(contract.talent))
    assert title not in strip(contract, owner_of(contract.client))
    jobs = Browser.of(owner_of(contract.talent)).open("/jobs/?tab=all").html
    assert "Answer about $50.00 asked back" in jobs
    assert f"/payments/{payment_of(contract).pk}/refund/" in jobs
    assert "asked back" not in Browser.of(owner_of(contract.client)).open("/jobs/?tab=all").html


def test_what_is_asked_waits_no_more_once_it_is_answered_or_over():
    contract = ended(paid())
    request = ask(contract)
    talent = owner_of(contract.talent)

    with clock.at(LAST + timedelta(seconds=1)):
        assert "asks for $50.00 back" not in strip(contract, talent)
        assert "asked back" not in Browser.of(talent).open("/jobs/?tab=all").html
    refund_requests.decline(request, because="", by=talent)
    assert "asked back" not in Browser.of(talent).open("/jobs/?tab=all").html


def test_a_deadline_comes_before_what_is_asked():
    contract = paid()
    fund(add_milestone(contract, usd(100)))
    ask(contract)
    contract = ended(contract)

    page = strip(contract, owner_of(contract.talent))

    assert "asks you to let $100.00 go back from escrow" in page
    assert "asks for $50.00 back." not in page


def test_a_running_timer_comes_before_what_is_asked():
    week = in_review()
    contract, talent = week.contract, owner_of(week.contract.talent)
    ask(contract)
    assert "asks for $50.00 back." in strip(contract, talent)

    timers.start(contract, by=talent)

    assert "Your timer is running" in strip(contract, talent)


def test_work_to_be_submitted_comes_after_what_is_asked():
    contract = paid()
    fund(add_milestone(contract, usd(100)))
    ask(contract)

    assert "asks for $50.00 back." in strip(contract, owner_of(contract.talent))


def test_a_plain_member_of_the_talent_is_not_asked():
    contract, member = with_member()
    ask(contract)

    assert "asks for $50.00 back" not in strip(contract, member)


# Still possible ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "words"), [(Side.CLIENT, "Ask for a refund"), (Side.TALENT, "Offer a refund")]
)
def test_still_possible_says_until_when(side, words):
    contract = ended(paid())

    page = Browser.of(owner_of(contract.party(side))).open(f"/contracts/{contract.reference}/")

    assert words in page.part("#still-possible")
    assert "18 May 2027" in page.part("#still-possible")
    with clock.at(LAST + timedelta(seconds=1)):
        later = Browser.of(owner_of(contract.party(side))).open(f"/contracts/{contract.reference}/")
    assert words not in later.part("#still-possible")


def test_still_possible_counts_a_bonus_and_leaves_out_what_was_refunded_in_full():
    contract = ended(paid())
    refunds.give(
        payment_of(contract), amount=usd(500), reason="", key="", by=owner_of(contract.talent)
    )
    talent = owner_of(contract.talent)
    url = f"/contracts/{contract.reference}/"
    assert "Offer a refund" not in Browser.of(talent).open(url).part("#still-possible")

    with clock.at(NOON + timedelta(days=30)):
        by = owner_of(contract.client)
        bonuses.give(contract, amount=usd(20), note="", method="", key="", by=by)
        page = Browser.of(talent).open(url).part("#still-possible")

    assert "17 June 2027" in page


# Cost -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 3])
def test_my_jobs_takes_as_many_queries_for_one_request_as_for_three(number):
    talent = FreelancerFactory()
    for _ in range(number):
        ask(paid(talent=talent))

    assert Browser.of(owner_of(talent)).count("/jobs/") == 8
