"""Disputes of hours: who files and answers until when, what waits, what goes back to the cent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db import transaction

from contracts import billing, hours_disputes, weeks
from contracts.models import Contract, DisputedSegment, HoursDispute, Week
from contracts.models.contract import NOBODY_WAITS
from contracts.states import DisputeState, WeekState
from marketplace import clock, sweeping
from marketplace.actors import PLATFORM, Actor
from marketplace.models import Notice
from marketplace.refusals import InvalidInput, KeyReused, NotYours, Overtaken, Refused
from marketplace.states import Role
from payments import ledger, refunds
from payments.gateways import sandbox
from payments.models import Entry, Payment, Refund
from payments.states import EntryKind, RefundKind
from tests.factories import (
    NOON,
    TUESDAY,
    StaffFactory,
    ended,
    hourly,
    in_review,
    member_of,
    money_of,
    owner_of,
    recorded,
    reread,
    usd,
    week_of,
)
from tests.support.asserting import assert_audit_clean

pytestmark = pytest.mark.django_db

REVIEWED = datetime(2026, 11, 21, tzinfo=UTC)
AVAILABLE = datetime(2026, 11, 25, tzinfo=UTC)
SEGMENT = timedelta(minutes=10)
DAYS_3 = timedelta(days=3)


def again(week: Week) -> Week:
    return week_of(week.contract)


def segments(week: Week, *places: int) -> list[hours_disputes.Segment]:
    """Segments of the week by their places, all of them when none is named."""
    billed = [(stretch.pk, start) for stretch, start in hours_disputes.billed_segments(week)]
    return [billed[place] for place in places] if places else billed


def file(week: Week, *places: int, by: Actor | None = None, key: str = "") -> HoursDispute:
    return hours_disputes.file(
        week,
        segments=segments(week, *places),
        reason="Nobody worked then.",
        key=key,
        by=by or owner_of(week.contract.client),
    )


def declined(dispute: HoursDispute) -> HoursDispute:
    by = owner_of(dispute.contract.talent)
    return hours_disputes.decline(dispute, because="I was at it.", by=by)


def decide(dispute: HoursDispute, number: int) -> HoursDispute:
    """Support takes the first so many segments back."""
    chosen = dispute.segments.values_list("pk", flat=True)[:number]
    return hours_disputes.decide(
        dispute,
        reversed_segments=list(chosen),
        because="The log shows it.",
        by=Actor.support(StaffFactory()),
    )


def accept(dispute: HoursDispute) -> HoursDispute:
    return hours_disputes.accept(dispute, by=owner_of(dispute.contract.talent))


def withdraw(dispute: HoursDispute) -> HoursDispute:
    return hours_disputes.withdraw(dispute, by=owner_of(dispute.contract.client))


def state_of(dispute: HoursDispute) -> str:
    return str(HoursDispute.objects.get(pk=dispute.pk).state)


# Filing ------------------------------------------------------------------------------------------


def test_file_keeps_what_is_disputed_and_holds_the_payment():
    week = in_review()
    dispute = file(week, 0, 1, 5)

    assert (dispute.minutes, dispute.answer_by) == (30, NOON + DAYS_3)
    assert list(dispute.segments.values_list("starts_at", "is_reversed")) == [
        (TUESDAY, None),
        (TUESDAY + SEGMENT, None),
        (TUESDAY + 5 * SEGMENT, None),
    ]
    assert again(week).payment.held
    assert money_of(week.contract) == ("$0.00", "$0.00", "$108.00", "$0.00")
    assert_audit_clean()


def test_file_twice_with_one_key_is_one_dispute():
    week = in_review()

    assert file(week, 0, key="k" * 22) == file(week, 0, key="k" * 22)
    with pytest.raises(KeyReused):
        file(week, 1, key="k" * 22)
    assert HoursDispute.objects.count() == 1


@pytest.mark.parametrize(
    ("at", "possible"),
    [
        (REVIEWED - timedelta(seconds=1), True),
        (REVIEWED, False),
    ],
)
def test_file_is_possible_until_saturday(at, possible):
    week = in_review()
    with clock.at(at):
        if possible:
            file(week)
        else:
            with pytest.raises(Overtaken, match="review of this week ended"):
                file(week)

    assert again(week).payment.held is possible


def test_file_after_the_end_of_the_contract():
    week = in_review()
    ended(week.contract)

    assert file(again(week)).is_pending


def test_file_before_the_invoice_is_refused():
    with clock.at(TUESDAY):
        contract = hourly()
    with clock.at(TUESDAY + timedelta(hours=1)):
        recorded(contract, TUESDAY, 60)
        week = week_of(contract)
        with pytest.raises(Overtaken, match="not invoiced yet"):
            hours_disputes.file(
                week, segments=[], reason="No.", key="", by=owner_of(contract.client)
            )
    assert not HoursDispute.objects.exists()


def test_second_dispute_of_a_week_is_refused_also_after_the_first_is_settled():
    week = in_review()
    dispute = file(week, 0)

    with pytest.raises(Overtaken, match="disputed already"):
        file(week, 1)
    withdraw(dispute)
    with pytest.raises(Overtaken, match="disputed already"):
        file(week, 1)
    assert HoursDispute.objects.get().minutes == 10


def test_time_beyond_the_limit_cannot_be_disputed():
    week = in_review(120, hours=1)
    stretch = week.stretches.get()

    assert len(segments(week)) == 6
    with pytest.raises(InvalidInput, match="that was billed") as refused:
        hours_disputes.file(
            week,
            segments=[(stretch.pk, TUESDAY + 6 * SEGMENT)],
            reason="Too much.",
            key="",
            by=owner_of(week.contract.client),
        )
    assert refused.value.field == "segments"
    assert not HoursDispute.objects.exists()


@pytest.mark.parametrize(
    ("places", "reason", "field"), [((), "Why not.", "segments"), ((0,), "  ", "reason")]
)
def test_file_needs_time_and_a_reason(places, reason, field):
    week = in_review()
    chosen = segments(week, *places) if places else []

    with pytest.raises(InvalidInput) as refused:
        hours_disputes.file(
            week, segments=chosen, reason=reason, key="", by=owner_of(week.contract.client)
        )

    assert refused.value.field == field
    assert not again(week).payment.held


def test_only_owners_and_managers_of_the_client_file():
    week = in_review()
    contract = week.contract

    for by in (
        owner_of(contract.talent),
        member_of(contract.client),
        owner_of(in_review().contract.client),
    ):
        with pytest.raises(NotYours):
            file(week, by=by)
    assert not HoursDispute.objects.exists()
    assert file(week, by=member_of(contract.client, Role.MANAGER)).is_pending


# What waits meanwhile ----------------------------------------------------------------------------


def test_held_payment_does_not_mature_and_is_not_refunded():
    week = in_review()
    file(week)

    sweeping.run(as_of=AVAILABLE + timedelta(hours=1))

    assert again(week).payment.matured_at is None
    with pytest.raises(Refused, match="hours of this payment are disputed"):
        refunds.give(
            again(week).payment,
            amount=usd(5),
            reason="",
            key="",
            by=owner_of(week.contract.talent),
        )
    assert not Refund.objects.exists()


def test_payment_whose_time_has_come_matures_once_the_dispute_is_settled():
    week = in_review()
    dispute = file(week, 0)
    sweeping.run(as_of=AVAILABLE + timedelta(hours=1))

    with clock.at(AVAILABLE + timedelta(hours=2)):
        withdraw(dispute)
        sweeping.run()

    assert money_of(week.contract) == ("$0.00", "$0.00", "$0.00", "$108.00")
    assert_audit_clean()


# Answers -----------------------------------------------------------------------------------------


def test_accept_takes_the_difference_of_two_amounts_back():
    week = in_review()
    dispute = accept(file(week, 0, 1, 2))

    assert money_of(week.contract) == ("$0.00", "$30.00", "$81.00", "$0.00")
    assert (dispute.state, dispute.reversed_minutes) == (DisputeState.ACCEPTED, 30)
    reversal = dispute.reversal
    assert (reversal.amount, reversal.fee, reversal.kind) == (usd(30), usd(3), RefundKind.REVERSAL)
    entry = Entry.objects.get(kind=EntryKind.HOURS_REVERSAL)
    assert list(entry.transfers.order_by("pk").values_list("amount_minor", flat=True)) == [
        2700,
        300,
    ]
    week = again(week)
    assert (week.reversed_minutes, week.payment.held) == (30, False)
    assert (week.payment.refunded, week.payment.pending_left) == (usd(30), usd(81))
    assert set(dispute.segments.values_list("is_reversed", flat=True)) == {True}
    assert_audit_clean()


@pytest.mark.parametrize(
    ("minutes", "places", "back", "fee"),
    [
        (50, 1, "6.25", "0.62"),
        (50, 2, "12.49", "1.25"),
        (20, 1, "6.25", "0.63"),
        (10, 1, "6.25", "0.63"),
    ],
)
def test_reversal_is_rounded_once_like_the_invoice(minutes, places, back, fee):
    """At $37.49 an hour 50 minutes are $31.242, 40 are $24.993, 30 are $18.745, 10 are $6.248."""
    week = in_review(minutes, rate=usd("37.49"))
    dispute = accept(file(week, *range(places)))

    assert dispute.reversal.amount == weeks.taken_back(usd("37.49"), minutes, places * 10)
    assert (dispute.reversal.amount, dispute.reversal.fee) == (usd(back), usd(fee))
    assert_audit_clean()


def test_accept_all_gives_the_whole_payment_back():
    week = in_review()
    accept(file(week))

    assert money_of(week.contract) == ("$0.00", "$120.00", "$0.00", "$0.00")
    week = again(week)
    assert (week.state, week.payment.refundable) == (WeekState.PAID, usd(0))
    sweeping.run(as_of=AVAILABLE + timedelta(hours=1))
    assert_audit_clean()


def test_reversal_is_at_most_what_is_left_of_a_payment_that_was_refunded_before():
    week = in_review()
    refunds.give(
        week.payment, amount=usd(100), reason="", key="", by=owner_of(week.contract.talent)
    )
    dispute = accept(file(again(week), 0, 1, 2))

    assert (dispute.reversal.amount, dispute.reversal.fee) == (usd(20), usd(2))
    assert hours_disputes.given_back(dispute) == usd(20)
    assert money_of(week.contract) == ("$0.00", "$120.00", "$0.00", "$0.00")
    assert_audit_clean()


def test_accept_after_a_whole_refund_moves_nothing():
    week = in_review()
    refunds.give(
        week.payment, amount=usd(120), reason="", key="", by=owner_of(week.contract.talent)
    )
    dispute = accept(file(again(week), 0))

    assert (dispute.reversal, dispute.reversed_minutes) == (None, 10)
    assert hours_disputes.given_back(dispute) == usd(0)
    assert again(week).payment.held is False
    assert_audit_clean()


def test_decline_hands_it_to_support_and_the_payment_still_waits():
    week = in_review()
    dispute = declined(file(week, 0))

    assert (dispute.state, dispute.declined_because) == (DisputeState.DECLINED, "I was at it.")
    assert again(week).payment.held
    assert not Refund.objects.exists()


def test_decline_needs_a_reason():
    dispute = file(in_review(), 0)

    with pytest.raises(InvalidInput):
        hours_disputes.decline(dispute, because=" ", by=owner_of(dispute.contract.talent))

    assert state_of(dispute) == DisputeState.PENDING


def test_talent_may_still_accept_and_the_client_withdraw_while_support_has_it():
    accepted, withdrawn = declined(file(in_review(), 0)), declined(file(in_review(), 0))

    accept(accepted)
    withdraw(withdrawn)

    assert state_of(accepted) == DisputeState.ACCEPTED
    assert state_of(withdrawn) == DisputeState.WITHDRAWN
    assert_audit_clean()


def test_withdraw_lets_the_payment_go_untouched():
    week = in_review()
    dispute = withdraw(file(week, 0))

    assert (dispute.reversed_minutes, dispute.reversal) == (0, None)
    assert set(dispute.segments.values_list("is_reversed", flat=True)) == {False}
    assert money_of(week.contract) == ("$0.00", "$0.00", "$108.00", "$0.00")
    assert again(week).payment.held is False


def test_silence_of_three_days_hands_it_to_support():
    week = in_review()
    dispute = file(week, 0)

    sweeping.run(as_of=NOON + DAYS_3 - timedelta(seconds=1))
    assert state_of(dispute) == DisputeState.PENDING
    sweeping.run(as_of=NOON + DAYS_3)

    assert state_of(dispute) == DisputeState.ESCALATED
    assert Notice.objects.filter(kind="contracts.hours_dispute_escalated").count() == 2
    assert again(week).payment.held


def test_decline_after_three_days_comes_too_late():
    dispute = file(in_review(), 0)

    with clock.at(NOON + DAYS_3), pytest.raises(Overtaken):
        declined(dispute)
    sweeping.run(as_of=NOON + DAYS_3)

    assert state_of(dispute) == DisputeState.ESCALATED


@pytest.mark.parametrize("first", [accept, withdraw])
@pytest.mark.parametrize("second", [accept, withdraw, declined, partial(decide, number=1)])
def test_second_answer_is_overtaken_and_moves_nothing(first, second):
    week = in_review()
    dispute = file(week, 0)
    first(dispute)
    before = money_of(week.contract)

    with pytest.raises(Overtaken, match="settled already"):
        second(dispute)

    assert money_of(week.contract) == before


def test_answers_belong_to_the_managers_of_their_side():
    dispute = file(in_review(), 0)
    contract = dispute.contract
    strangers = {
        hours_disputes.accept: [owner_of(contract.client), member_of(contract.talent)],
        hours_disputes.withdraw: [owner_of(contract.talent), member_of(contract.client)],
    }

    for answer, others in strangers.items():
        for by in others:
            with pytest.raises(NotYours):
                answer(dispute, by=by)
    assert state_of(dispute) == DisputeState.PENDING
    assert Payment.objects.get().held


# Support -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "back"), [(0, "$0.00"), (2, "$20.00"), (6, "$60.00")])
def test_decide_takes_back_exactly_the_chosen_segments(number, back):
    week = in_review()
    dispute = decide(declined(file(week, *range(6))), number)

    assert (dispute.state, dispute.reversed_minutes) == (DisputeState.DECIDED, number * 10)
    assert str(hours_disputes.given_back(dispute)) == back
    assert money_of(week.contract)[1] == back
    assert [one.is_reversed for one in dispute.segments.all()] == [
        place < number for place in range(6)
    ]
    week = again(week)
    assert (week.reversed_minutes, week.payment.held) == (number * 10, False)
    assert_audit_clean()


def test_decide_waits_for_the_talents_answer():
    dispute = file(in_review(), 0)

    with pytest.raises(Overtaken):
        decide(dispute, 1)

    assert state_of(dispute) == DisputeState.PENDING


def test_decide_needs_a_reason_segments_of_its_own_and_support():
    dispute, other = declined(file(in_review(), 0)), file(in_review(), 0)
    support, foreign = Actor.support(StaffFactory()), other.segments.get().pk
    own = dispute.segments.get().pk

    with pytest.raises(InvalidInput):
        hours_disputes.decide(dispute, reversed_segments=[own], because=" ", by=support)
    with pytest.raises(InvalidInput):
        hours_disputes.decide(dispute, reversed_segments=[foreign], because="So.", by=support)
    with pytest.raises(NotYours):
        hours_disputes.decide(
            dispute, reversed_segments=[own], because="So.", by=owner_of(dispute.contract.client)
        )
    assert state_of(dispute) == DisputeState.DECLINED
    assert DisputedSegment.objects.filter(is_reversed=None).count() == 2


# Hours that are not paid yet ---------------------------------------------------------------------


def test_part_of_an_unpaid_week_that_goes_back_is_owed_no_longer():
    week = in_review(method=sandbox.DECLINES)
    dispute = accept(file(week, 0, 1, 2))

    week = again(week)
    assert (week.state, week.reversed_minutes) == (WeekState.UNPAID, 30)
    assert (dispute.reversal, hours_disputes.given_back(dispute)) == (None, usd(30))
    assert billing.owed(week) == usd(90)
    assert week.contract.hold_since is not None
    assert_audit_clean()


def test_unpaid_week_that_goes_back_whole_is_reversed_and_ends_the_hold():
    week = in_review(method=sandbox.DECLINES)
    assert week.contract.hold_since is not None

    accept(file(week))

    week = again(week)
    assert (week.state, week.unpaid_since) == (WeekState.REVERSED, None)
    assert week.contract.hold_since is None
    assert not Payment.objects.exists()
    assert_audit_clean()


def test_week_that_is_paid_while_it_is_disputed_waits_too():
    week = in_review(method=sandbox.TIMES_OUT)
    dispute = file(week, 0)
    sweeping.run()
    week = again(week)
    assert (week.state, week.payment.held) == (WeekState.PAID, True)

    accept(dispute)

    assert money_of(week.contract) == ("$0.00", "$10.00", "$99.00", "$0.00")
    assert_audit_clean()


def test_charge_that_is_confirmed_after_everything_went_back_stays_credit():
    week = in_review(method=sandbox.TIMES_OUT)
    accept(file(week))
    assert again(week).state == WeekState.REVERSED

    sweeping.run()

    assert again(week).state == WeekState.REVERSED
    assert money_of(week.contract) == ("$0.00", "$120.00", "$0.00", "$0.00")
    assert_audit_clean()


# Books -------------------------------------------------------------------------------------------


def test_reverse_needs_a_held_payment():
    week = in_review()
    with transaction.atomic():
        payment = Payment.objects.get()
        payment.book = ledger.lock(week.contract.book_id)
        with pytest.raises(ValueError, match="cannot be reversed"):
            refunds.reverse(payment, usd(5), key="x", reason="", at=NOON, by=PLATFORM)

    assert reread(week.contract.book).credit == usd(0)


def test_dispute_is_sorted_by_its_deadline_in_my_jobs():
    week = in_review()
    file(week, 0)

    contract = Contract.objects.get(pk=week.contract_id)
    assert contract.talent_position == int((NOON + DAYS_3).timestamp())


@pytest.mark.parametrize("settled", [False, True])
def test_week_that_was_disputed_waits_for_the_client_no_more(settled):
    week = in_review()
    dispute = file(week, 0)
    if settled:
        withdraw(dispute)

    contract = Contract.objects.get(pk=week.contract_id)
    assert contract.client_position > NOBODY_WAITS // 2
    assert_audit_clean()
