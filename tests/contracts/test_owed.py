"""What stays owed: written off by support, or paid by the operator with a second person's yes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts import billing, hours_disputes, owed
from contracts.models import Contract, Week
from contracts.states import Side, WeekState
from marketplace import clock, sweeping
from marketplace.actors import PLATFORM, Actor
from marketplace.models import Notice
from marketplace.refusals import InvalidInput, NotYours, Overtaken, Refused
from payments import corrections, operations, refund_requests, refunds
from payments.gateways import sandbox
from payments.models import Correction, Entry, GatewayOperation
from payments.states import CorrectionState, EntryKind
from tests.factories import (
    NOON,
    StaffFactory,
    charge,
    ended,
    in_review,
    money_of,
    owner_of,
    recorded,
    usd,
    week_of,
)
from tests.support.asserting import assert_audit_clean

pytestmark = pytest.mark.django_db

SATURDAY = NOON + timedelta(days=2)
"""The review of the owed week is over."""
NOTHING = ("$0.00", "$0.00", "$0.00", "$0.00")
PAID_OUT = ("$0.00", "$0.00", "$108.00", "$0.00")
REASON = "The company is bankrupt."


@pytest.fixture(autouse=True)
def _saturday():
    with clock.at(SATURDAY):
        yield


def support() -> Actor:
    return Actor.support(StaffFactory())


def unpaid(**values) -> Week:
    """$120.00 for two hours of last week; the charge was declined, and the review is over."""
    with clock.at(NOON):
        return in_review(**({"method": sandbox.DECLINES} | values))


def handed_over() -> Week:
    """The same, 31 days after the contract ended."""
    week = unpaid()
    with clock.at(NOON):
        ended(week.contract)
    sweeping.run(as_of=NOON + timedelta(days=31))
    return week_of(week.contract)


def now(contract: Contract) -> Contract:
    return Contract.objects.get(pk=contract.pk)


def told(kind: str) -> dict[str, Notice]:
    return {one.facts["side"]: one for one in Notice.objects.filter(kind=f"contracts.{kind}")}


# Writing off -------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [unpaid, handed_over])
def test_written_off_hours_are_owed_by_nobody_and_paid_to_nobody(make):
    week, by = make(), support()

    owed.write_off(week, because=REASON, by=by)

    after = week_of(week.contract)
    assert (after.state, after.payment, after.retry_at) == (WeekState.WRITTEN_OFF, None, None)
    assert billing.owed(after) == usd(0)
    assert not billing.client_owes(week.contract.client)
    assert money_of(week.contract) == NOTHING
    made = week.contract.history.get(transition="write_off")
    assert (made.actor_staff, made.reason) == (by.staff, REASON)
    assert_audit_clean()


def test_writing_off_lifts_the_hold_and_work_goes_on():
    week = unpaid()

    owed.write_off(week, because=REASON, by=support())

    assert now(week.contract).hold_since is None
    assert set(told("hold_lifted")) == {"client", "talent"}
    recorded(week.contract, NOON - timedelta(hours=3), 60)


def test_hold_stays_while_another_week_is_not_paid():
    week = unpaid()
    other = Week.objects.get(pk=week.pk)
    other.pk, other.starts_on = None, week.starts_on - timedelta(days=7)
    other.save(force_insert=True)

    owed.write_off(week, because=REASON, by=support())

    assert now(week.contract).hold_since is not None


def test_both_sides_read_what_was_written_off_and_why():
    week = unpaid()

    owed.write_off(week, because=REASON, by=support())

    both = told("hours_written_off")
    assert set(both) == set(Side.values)
    for notice in both.values():
        assert (notice.facts["because"], notice.facts["time"]) == (REASON, "2 h")
        assert str(notice.facts["amount"]["minor"]) == "12000"


def test_written_off_hours_are_not_charged_or_disputed_again():
    week = unpaid()
    owed.write_off(week, because=REASON, by=support())
    begun = GatewayOperation.objects.count()

    sweeping.run(as_of=SATURDAY + timedelta(days=3))

    with pytest.raises(Overtaken, match="Nothing is owed"):
        billing.pay_now(week, method=sandbox.ACCEPTS, key="", by=owner_of(week.contract.client))
    assert GatewayOperation.objects.count() == begun
    assert hours_disputes.may_be_filed(week_of(week.contract), now=NOON).startswith("These hours")
    assert money_of(week.contract) == NOTHING


def test_writing_off_within_the_review_ends_it():
    with clock.at(NOON):
        week = in_review(method=sandbox.DECLINES)
        owed.write_off(week, because=REASON, by=support())

    assert week_of(week.contract).review_until is None
    assert_audit_clean()


@pytest.mark.parametrize("who", ["client", "talent", "platform"])
def test_only_support_writes_off_or_proposes_to_pay(who):
    week = unpaid()
    by = PLATFORM if who == "platform" else owner_of(getattr(week.contract, who))

    with pytest.raises(NotYours, match=r"Only support does this\."):
        owed.write_off(week, because=REASON, by=by)
    with pytest.raises(NotYours, match=r"Only support does this\."):
        owed.propose_settlement(week, because=REASON, by=by)

    assert week_of(week.contract).state == WeekState.UNPAID
    assert not Correction.objects.exists()


def test_both_take_a_reason():
    week = unpaid()

    with pytest.raises(InvalidInput, match="Give the reason"):
        owed.write_off(week, because=" ", by=support())
    with pytest.raises(InvalidInput, match="Give the reason"):
        owed.propose_settlement(week, because=" ", by=support())

    assert week_of(week.contract).state == WeekState.UNPAID
    assert not Correction.objects.exists()


# What stands in the way --------------------------------------------------------------------------


def paid_week() -> Week:
    with clock.at(NOON):
        return in_review()


def charging_week() -> Week:
    """The client tries another card, and no answer comes."""
    week = unpaid()
    billing.pay_now(week, method=sandbox.TIMES_OUT, key="", by=owner_of(week.contract.client))
    return week_of(week.contract)


def disputed_week() -> Week:
    week = unpaid()
    with clock.at(NOON):
        (segment, *_) = hours_disputes.billed_segments(week)
        hours_disputes.file(
            week,
            segments=[(segment[0].pk, segment[1])],
            reason="Nobody worked then.",
            key="",
            by=owner_of(week.contract.client),
        )
    return week_of(week.contract)


def written_off_week() -> Week:
    week = unpaid()
    return owed.write_off(week, because=REASON, by=support())


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (paid_week, "Nothing is owed for these hours any more."),
        (written_off_week, "Nothing is owed for these hours any more."),
        (charging_week, "A charge for these hours is still open."),
        (disputed_week, "Hours of this week are disputed."),
    ],
)
def test_neither_is_possible_while_something_else_decides(make, sentence):
    week = make()
    state, before = week.state, money_of(week.contract)

    for capability in (owed.write_off, owed.propose_settlement):
        with pytest.raises(Overtaken) as refused:
            capability(week, because=REASON, by=support())
        assert refused.value.sentence.startswith(sentence)

    assert owed.why_not(week, support()) is not None
    assert week_of(week.contract).state == state
    assert money_of(week.contract) == before
    assert not Correction.objects.exists()


def test_operator_waits_until_the_client_can_no_longer_dispute():
    with clock.at(NOON):
        week = in_review(method=sandbox.DECLINES)

        with pytest.raises(Overtaken, match="can dispute these hours until Saturday 21 November"):
            owed.propose_settlement(week, because=REASON, by=support())

    assert not Correction.objects.exists()


# The operator pays -------------------------------------------------------------------------------


def test_proposal_pays_nobody_yet():
    week, by = unpaid(), support()

    proposed = owed.propose_settlement(week, because=REASON, by=by)

    assert (proposed.amount, proposed.purpose, proposed.purpose_id) == (usd(120), "hours", week.pk)
    assert (proposed.state, proposed.proposed_by) == (CorrectionState.PROPOSED, by.staff)
    assert week_of(week.contract).state == WeekState.UNPAID
    assert money_of(week.contract) == NOTHING


@pytest.mark.parametrize("make", [unpaid, handed_over])
def test_approved_settlement_pays_the_week_at_once(make):
    week = make()
    proposed = owed.propose_settlement(week, because=REASON, by=support())

    corrections.approve(proposed, by=support())

    after = week_of(week.contract)
    assert (after.state, after.payment.gross, after.payment.net) == ("paid", usd(120), usd(108))
    assert money_of(week.contract) == PAID_OUT
    assert now(week.contract).hold_since is None
    kinds = list(Entry.objects.filter(book=week.contract.book_id).values_list("kind", flat=True))
    assert sorted(kinds) == [EntryKind.CORRECTION, EntryKind.HOURS]
    assert Correction.objects.get().state == CorrectionState.POSTED
    assert_audit_clean()


def test_clients_own_credit_stays_the_clients():
    week = unpaid()
    charge(week.contract.book, usd(50))

    corrections.approve(owed.propose_settlement(week, because=REASON, by=support()), by=support())

    assert money_of(week.contract) == ("$0.00", "$50.00", "$108.00", "$0.00")


def test_what_the_operator_paid_is_not_refunded_to_the_client():
    week = unpaid()
    corrections.approve(owed.propose_settlement(week, because=REASON, by=support()), by=support())
    paid = week_of(week.contract).payment

    with pytest.raises(Refused, match="paid this in the client's place"):
        refunds.give(paid, amount=usd(10), reason="", key="", by=owner_of(week.contract.talent))
    with pytest.raises(Refused, match="paid this in the client's place"):
        refund_requests.ask(
            paid, amount=usd(10), reason=REASON, key="", by=owner_of(week.contract.client)
        )

    assert money_of(week.contract) == PAID_OUT
    assert_audit_clean()


def test_both_sides_read_that_closeout_paid():
    week = unpaid()

    corrections.approve(owed.propose_settlement(week, because=REASON, by=support()), by=support())

    both = told("hours_settled")
    assert set(both) == set(Side.values)
    assert both["talent"].facts["received"]["minor"] == 10_800
    assert REASON not in str([one.facts for one in both.values()])
    assert not told("hours_paid")


def test_who_proposed_the_settlement_does_not_approve_it():
    week, by = unpaid(), support()
    proposed = owed.propose_settlement(week, because=REASON, by=by)

    with pytest.raises(NotYours, match="A second person"):
        corrections.approve(proposed, by=by)

    assert money_of(week.contract) == NOTHING
    assert week_of(week.contract).state == WeekState.UNPAID


def test_settlement_is_proposed_once_and_stands_before_a_write_off():
    week = unpaid()
    owed.propose_settlement(week, because=REASON, by=support())

    with pytest.raises(Overtaken, match="proposed already"):
        owed.propose_settlement(week, because=REASON, by=support())
    with pytest.raises(Overtaken, match="waits for a second person"):
        owed.write_off(week, because=REASON, by=support())

    assert Correction.objects.count() == 1
    assert week_of(week.contract).state == WeekState.UNPAID


def test_rejected_settlement_may_be_proposed_again():
    week = unpaid()
    first = owed.propose_settlement(week, because=REASON, by=support())
    corrections.reject(first, because="Ask them once more.", by=support())

    again = owed.propose_settlement(week, because=REASON, by=support())

    assert again.state == CorrectionState.PROPOSED
    assert week_of(week.contract).state == WeekState.UNPAID


def test_client_who_paid_meanwhile_is_not_paid_for_again():
    week = unpaid()
    proposed = owed.propose_settlement(week, because=REASON, by=support())
    billing.pay_now(week, method=sandbox.ACCEPTS, key="", by=owner_of(week.contract.client))

    with pytest.raises(Overtaken, match="Nothing is owed"):
        corrections.approve(proposed, by=support())

    assert Correction.objects.get().state == CorrectionState.PROPOSED
    assert money_of(week.contract) == PAID_OUT
    assert_audit_clean()


def test_settlement_waits_for_a_charge_that_was_begun_meanwhile():
    week = unpaid()
    proposed = owed.propose_settlement(week, because=REASON, by=support())
    billing.pay_now(week, method=sandbox.TIMES_OUT, key="", by=owner_of(week.contract.client))

    with pytest.raises(Overtaken, match="still open"):
        corrections.approve(proposed, by=support())

    operations.ask_again(GatewayOperation.objects.latest("pk").pk)
    assert money_of(week.contract) == PAID_OUT
    assert Correction.objects.get().state == CorrectionState.PROPOSED
