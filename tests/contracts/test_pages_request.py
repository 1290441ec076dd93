"""The escrow refund request: both sides read the same, each answers once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts import escrow_answers
from contracts.models import Assignment, Contract
from contracts.states import Side
from marketplace import clock, sweeping
from marketplace.actors import Actor
from marketplace.states import Role
from payments.models import EscrowRefundRequest
from payments.states import RequestState
from tests.factories import (
    NOON,
    StaffFactory,
    approve,
    ended,
    funded,
    leftover,
    member_of,
    money_of,
    owner_of,
    submitted,
    usd,
)
from tests.pages import Browser, Page
from tests.support.asserting import assert_audit_clean, everything_of

pytestmark = pytest.mark.django_db


def url_of(contract: Contract) -> str:
    return f"/escrow-refunds/{contract.book.escrow_refund_request.pk}/"


def page_of(contract: Contract, side: Side) -> Page:
    return Browser.of(owner_of(contract.party(side))).open(url_of(contract))


def state_of(contract: Contract) -> str:
    return str(EscrowRefundRequest.objects.get(book=contract.book_id).state)


@pytest.fixture
def requested() -> Contract:
    """$400 left in escrow, no work submitted."""
    return ended(leftover(usd(400), title="App"))


def test_both_sides_read_the_same_facts_and_when_silence_decides(requested):
    for side in Side:
        page = page_of(requested, side)
        assert "Return of $400.00 from escrow" in page.text
        assert "Paid: Milestone 1, Draft $5.00" in page.text
        assert f"{requested.client.name} ended the contract; this was left in escrow" in page.text
        assert "Thursday 26 November 2026, 12:00 (UTC), in 7 days" in page.text
    assert "nothing is taken from your balance" in page_of(requested, Side.TALENT).text


def test_submitted_work_makes_silence_support_s_matter():
    contract = ended(submitted().contract)

    for side in Side:
        page = page_of(contract, side)
        assert "support decides, because work was submitted" in page.text
        assert "Here it is." in page.text


def test_talent_lets_it_go(requested):
    done = page_of(requested, Side.TALENT).press("Let $400.00 go back")

    assert f"It went back to {requested.client.name}." in done.flash
    assert money_of(requested)[:2] == ("$0.00", "$400.00")
    assert "Let $400.00 go back" not in done.buttons()
    assert_audit_clean()


def test_client_pays_instead(requested):
    name = requested.talent.name

    done = page_of(requested, Side.CLIENT).press(f"Pay {name} $400.00 instead")

    assert f"{name} is paid the whole of it" in done.flash
    assert money_of(requested)[0] == "$0.00"
    assert requested.book.payments.count() == 2
    assert_audit_clean()


def test_talent_declines_with_a_reason_that_both_read(requested):
    page = page_of(requested, Side.TALENT)

    empty = page.press("Decline the return", because=" ")
    assert len(empty.alerts) == 1
    assert state_of(requested) == RequestState.PENDING
    long = empty.press("Decline the return", because="x" * 2_001)
    assert "at most 2000 characters" in long.alerts[0]
    assert long.filled_in("Decline the return")["because"] == "x" * 2_001
    long.press("Decline the return", because="I delivered.")

    for side in Side:
        assert "“I delivered.”" in page_of(requested, side).text
    assert state_of(requested) == RequestState.DISPUTED


def test_after_declining_the_talent_can_still_let_go_and_the_client_still_pay(requested):
    page_of(requested, Side.TALENT).press("Decline the return", because="I delivered.")

    assert page_of(requested, Side.TALENT).buttons() == ["Let $400.00 go back"]
    name = requested.talent.name
    assert page_of(requested, Side.CLIENT).buttons() == [f"Pay {name} $400.00 instead"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Side.TALENT, Side.CLIENT),
        (Side.CLIENT, Side.TALENT),
        (Side.TALENT, Side.TALENT),
        (Side.CLIENT, Side.CLIENT),
    ],
)
def test_second_answer_is_told_quietly_and_moves_nothing(requested, first, second):
    button = {
        Side.TALENT: "Let $400.00 go back",
        Side.CLIENT: f"Pay {requested.talent.name} $400.00 instead",
    }
    pages = {side: page_of(requested, side) for side in Side}
    pages[first].press(button[first])
    before = everything_of(requested)

    late = pages[second].press(button[second])

    assert late.url == url_of(requested)
    assert late.flash
    assert everything_of(requested) == before


def test_decline_that_comes_second_is_told_quietly(requested):
    page = page_of(requested, Side.TALENT)
    page_of(requested, Side.CLIENT).press(f"Pay {requested.talent.name} $400.00 instead")

    late = page.press("Decline the return", because="I delivered.")

    assert late.flash
    assert state_of(requested) == RequestState.WITHDRAWN


def test_answer_after_the_last_second_finds_it_decided(requested):
    page = page_of(requested, Side.TALENT)

    with clock.at(NOON + timedelta(days=7)):
        assert page_of(requested, Side.TALENT).buttons() == []
        late = page.press("Decline the return", because="I delivered.")
        assert late.flash
        sweeping.run()
        assert "back to" in page_of(requested, Side.CLIENT).text
    assert state_of(requested) == RequestState.LAPSED
    assert money_of(requested)[:2] == ("$0.00", "$400.00")


def test_decision_of_support_is_read_by_both_with_its_reason(requested):
    page_of(requested, Side.TALENT).press("Decline the return", because="I delivered.")
    escrow_answers.decide(
        requested,
        to_talent=usd(100),
        because="Half a page was delivered.",
        by=Actor.support(StaffFactory()),
    )

    for side in Side:
        text = page_of(requested, side).text
        assert "“Half a page was delivered.”" in text
        assert "$100.00 was paid" in text
        assert "$300.00 went back" in text


def test_plain_member_reads_who_answers(requested):
    member = member_of(requested.talent, Role.MEMBER)
    Assignment.objects.create(contract=requested, membership=member.as_member, since=NOON)

    page = Browser.of(member).open(url_of(requested))

    assert f"Only an owner or manager of {requested.talent.name}" in page.text
    assert page.buttons() == []


@pytest.mark.parametrize("side", Side)
def test_room_leads_to_the_request_until_and_after_it_is_answered(requested, side):
    browser = Browser.of(owner_of(requested.party(side)))
    room = f"/contracts/{requested.reference}/"
    assert url_of(requested) in browser.open(room).links()

    page_of(requested, Side.TALENT).press("Let $400.00 go back")

    assert url_of(requested) in browser.open(room).links()


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("payments", [1, 3])
def test_request_takes_as_many_queries_for_one_payment_as_for_three(side, payments):
    milestone = funded(usd(500))
    contract = milestone.contract
    approve(milestone, usd(100))
    for number in range(2, payments + 1):
        page = Browser.of(owner_of(contract.client)).open(
            f"/contracts/{contract.reference}/milestones/new/"
        )
        page.press("Save", title="More", amount="50")
        approve(contract.milestones.get(number=number))
    ended(contract)

    assert Browser.of(owner_of(contract.party(side))).count(url_of(contract)) == 6
