"""Paying what is owed for a week of hours."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from contracts import hours_disputes, weeks
from contracts.models import Contract, HoursDispute, Week
from contracts.states import Side, WeekState
from marketplace import clock, policy, sweeping
from marketplace.states import Role
from payments.gateways import sandbox
from payments.models import GatewayOperation
from tests.factories import (
    charge,
    hourly,
    in_review,
    member_of,
    owner_of,
    recorded,
    usd,
    week_of,
)
from tests.pages import Browser, Page
from tests.support.asserting import assert_audit_clean, everything_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def week() -> Week:
    """Two hours at $60.00, whose charge was declined on Monday."""
    return in_review(method=sandbox.DECLINES)


def path_of(week: Week) -> str:
    return f"/contracts/{week.contract.reference}/weeks/{week.starts_on}/pay/"


def page_of(week: Week, side: Side = Side.CLIENT) -> Page:
    return Browser.of(owner_of(week.contract.party(side))).open(path_of(week))


def again(week: Week) -> Week:
    return week_of(week.contract)


def test_page_says_what_is_owed_since_when_and_what_is_charged(week):
    page = page_of(week)

    assert "Pay the hours of the week of 9 November 2026" in page.text
    assert "2 h at $60.00 an hour" in page.text
    assert "Owed since Monday 16 November 2026, 12:00 (UTC), when the charge" in page.text
    assert "The contract is on hold" in page.text
    assert page.effects("Where it comes from") == {"Charged now": "$120.00"}
    assert page.part("#pay-sum") == "You pay $120.00"
    assert page.buttons() == ["Pay now"]
    assert "optional" not in page.text


def test_paying_pays_the_talent_and_lifts_the_hold(week):
    page = page_of(week).press("Pay now", method=sandbox.ACCEPTS)

    name = week.contract.talent.name
    assert page.flash == f"You paid $120.00 for the hours of {name} in the week of 9 November 2026."
    assert page.url == f"/contracts/{week.contract.reference}/"
    paid = again(week)
    assert (paid.state, paid.payment.gross, paid.payment.net) == (
        WeekState.PAID,
        usd(120),
        usd(108),
    )
    assert Contract.objects.get(pk=week.contract_id).hold_since is None
    assert_audit_clean()


def test_credit_pays_first_and_is_named(week):
    charge(week.contract.book, usd(20))

    page = page_of(week)

    assert page.effects("Where it comes from") == {
        "From your credit": "$20.00",
        "Charged now": "$100.00",
    }
    assert page.part("#pay-sum") == "You pay $120.00"
    page.press("Pay now", method=sandbox.ACCEPTS)
    assert GatewayOperation.objects.latest("pk").amount == usd(100)
    assert again(week).is_paid


def test_credit_that_covers_it_needs_no_method(week):
    charge(week.contract.book, usd(120))

    page = page_of(week)

    assert "Your credit covers it. Nothing is charged." in page.text
    assert "method" not in page.filled_in("Pay now")
    before = GatewayOperation.objects.count()
    page.press("Pay now")
    assert again(week).is_paid
    assert GatewayOperation.objects.count() == before


def test_declined_charge_stands_at_the_method_and_leaves_it_owed(week):
    page = page_of(week).press("Pay now", method=sandbox.DECLINES)

    assert page.alerts == [sandbox.REFUSED]
    assert again(week).state == WeekState.UNPAID
    assert Contract.objects.get(pk=week.contract_id).is_on_hold
    assert_audit_clean()


def test_another_method_can_be_tried_at_once_after_a_decline(week):
    declined = page_of(week).press("Pay now", method=sandbox.DECLINES)

    declined.press("Pay now", method=sandbox.ACCEPTS)

    assert again(week).is_paid
    assert_audit_clean()


@pytest.mark.parametrize("method", ["", "nothing"])
def test_without_a_method_nothing_is_charged(week, method):
    before = everything_of(week.contract)

    page = page_of(week).press("Pay now", method=method)

    assert len(page.alerts) == 1
    assert everything_of(week.contract) == before


def test_figures_that_changed_are_shown_before_they_are_paid(week):
    page = page_of(week)
    charge(week.contract.book, usd(20))

    page = page.press("Pay now", method=sandbox.ACCEPTS)

    assert page.alerts == ["The figures have changed since you saw them. Nothing was charged."]
    assert page.effects("Where it comes from") == {
        "From your credit": "$20.00 was $0.00",
        "Charged now": "$100.00 was $120.00",
    }
    assert page.filled_in("Pay now")["method"] == sandbox.ACCEPTS
    assert again(week).state == WeekState.UNPAID
    page.press("Pay now", method=sandbox.ACCEPTS)
    assert again(week).is_paid


def test_same_form_sent_twice_pays_once(week):
    page = page_of(week)

    for _ in range(2):
        page.press("Pay now", method=sandbox.ACCEPTS)

    assert again(week).payment.gross == usd(120)
    assert GatewayOperation.objects.filter(state="succeeded").count() == 1


def test_open_charge_is_waited_for(week):
    page = page_of(week).press("Pay now", method=sandbox.TIMES_OUT)
    assert page.flash == "Your charge was sent, and the answer is not in yet. You will be told."

    page = page_of(week)

    assert "A charge for these hours is still open." in page.flash
    assert page.url == f"/contracts/{week.contract.reference}/"


def test_paid_week_is_a_quiet_answer():
    week = in_review()

    page = page_of(week)

    assert page.flash == "Nothing is owed for the week of 9 November 2026."


def test_what_a_dispute_took_back_is_not_owed(week):
    hours_disputes.accept(_disputed(week), by=owner_of(week.contract.talent))

    page = page_of(again(week))

    assert "1 h 30 min at $60.00 an hour" in page.text
    assert page.part("#pay-sum") == "You pay $90.00"


def test_week_that_is_not_there_is_not_found(week):
    reference = week.contract.reference
    browser = Browser.of(owner_of(week.contract.client))

    browser.open(f"/contracts/{reference}/weeks/2026-11-02/pay/", status=404)
    browser.open(f"/contracts/{reference}/weeks/2026-13-45/pay/", status=404)
    browser.open(f"/contracts/{hourly().reference}/weeks/{week.starts_on}/pay/", status=404)


def test_talent_does_not_pay_and_a_plain_member_does_not_see_it(week):
    before = everything_of(week.contract)
    member = member_of(week.contract.client, Role.MEMBER)
    for who, status in ((owner_of(week.contract.talent), 403), (member, 404)):
        browser = Browser.of(who)
        browser.open(path_of(week), status=status)
        browser.send(path_of(week), {"method": sandbox.ACCEPTS, "key": "k"}, status=status)

    assert everything_of(week.contract) == before


# The payments tab -------------------------------------------------------------------------------


def tab_of(week: Week, side: Side) -> Page:
    browser = Browser.of(owner_of(week.contract.party(side)))
    return browser.open(f"/contracts/{week.contract.reference}/payments/")


def test_payments_tab_tells_hours_rate_fee_and_review():
    page = tab_of(in_review(), Side.TALENT)

    row = page.part("li.payment")
    assert "Hours, week of 9 November 2026" in row
    assert "2 h at $60.00 · $12.00 fee" in row
    assert "in review until 21 November 2026 · available on 25 November 2026" in row
    assert "$120.00 you receive $108.00" in row
    assert "Give a refund" in row
    assert "In review" in page.text


def test_payments_tab_says_that_disputed_hours_are_held():
    week = in_review()
    _disputed(week)

    row = tab_of(week, Side.TALENT).part("li.payment")

    assert "held: its hours are disputed" in row
    assert "available on" not in row
    assert "Give a refund" not in row


def test_payments_tab_tells_reversed_hours_from_refunds():
    week = in_review()
    hours_disputes.accept(_disputed(week), by=owner_of(week.contract.talent))

    page = tab_of(week, Side.CLIENT)

    assert "$30.00 reversed" in page.part("li.payment")
    assert "Hours reversed, back to you $30.00" in page.text
    assert "refunded" not in page.text


def test_payments_tab_takes_as_many_queries_for_three_weeks_as_for_one():
    week = in_review()
    browser = Browser.of(owner_of(week.contract.client))
    url = f"/contracts/{week.contract.reference}/payments/"
    browser.open(url)
    one = browser.count(url)
    for monday in (date(2026, 11, 16), date(2026, 11, 23)):
        start = weeks.starts(monday) + timedelta(hours=9)
        with clock.at(start + timedelta(hours=2)):
            recorded(week.contract, start, 60)
        for late in (0, 1):
            sweeping.run(as_of=weeks.bills_at(monday) + late * policy.OPERATION_RETRY[0])

    assert browser.count(url) == one
    assert week.contract.book.payments.count() == 3


def _disputed(week: Week) -> HoursDispute:
    segments = [(one.pk, start) for one, start in hours_disputes.billed_segments(week)][:3]
    return hours_disputes.file(
        week, segments=segments, reason="No.", key="", by=owner_of(week.contract.client)
    )
