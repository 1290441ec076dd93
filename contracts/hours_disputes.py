"""Disputes of hours: filed by the client in a week's review, answered, decided per segment.

A dispute is of segments that were invoiced. While it is open the week's payment is held, whether it
was paid before or is paid meanwhile; what is settled is taken back as the difference of two
amounts: from that payment, or from what is still owed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from contracts import billing, notices, positions, rules, weeks
from contracts.models import Contract, DisputedSegment, HoursDispute, Stretch, Week
from marketplace import clock, moments, once, policy, transitions
from marketplace.actors import PLATFORM, Actor
from marketplace.money import Money, zero
from marketplace.refusals import InvalidInput, Overtaken
from payments import ledger, refunds
from payments.models import Payment, Refund

Segment = tuple[int, datetime]
"""A stretch's id and the start of one of its segments."""

SETTLED: Final = "This dispute is settled already. Here is what happened."


def may_be_filed(week: Week, *, now: datetime) -> str:
    """Why no dispute of this week can be filed now, as a sentence; empty when one can be."""
    if week.is_unbilled:
        return "This week is not invoiced yet. You can dispute its hours once it is."
    if week.invoiced_at is None:
        return "Nothing was billed for this week."
    if week.is_written_off:
        return "These hours were written off. Nothing is owed for them."
    if getattr(week, "dispute", None) is not None:
        return "Hours of this week were disputed already. That is possible once per week."
    until = weeks.review_until(week.starts_on)
    if now >= until:
        return f"The review of this week ended on {moments.full(until)}."
    return ""


def billed_segments(week: Week) -> list[tuple[Stretch, datetime]]:
    """The segments of an invoiced week that can be disputed, in order; one query."""
    assert week.billable_minutes is not None
    stretches = list(week.stretches.order_by("starts_at", "id"))
    return list(weeks.billable_segments(stretches, week.billable_minutes))


def worth(week: Week, minutes: int, payment: Payment | None) -> Money:
    """What taking back so many of an invoiced week's minutes moves now.

    Args:
        payment: the week's, if it is paid; then at most what is left of it.
    """
    assert week.billable_minutes is not None
    amount = weeks.taken_back(week.contract.hourly_rate, week.billable_minutes, minutes)
    return amount if payment is None else min(amount, payment.refundable)


def at_stake(dispute: HoursDispute) -> Money:
    """What goes back if all of it is accepted; of a settled dispute, what was disputed."""
    payment = dispute.week.payment if dispute.is_open else None
    return worth(dispute.week, dispute.minutes, payment)


def given_back(dispute: HoursDispute) -> Money:
    """What went back, or is not owed any more, once a dispute is settled."""
    if dispute.reversal is not None:
        amount: Money = dispute.reversal.amount
        return amount
    minutes = dispute.reversed_minutes or 0
    return zero(dispute.week.currency) if was_paid(dispute) else worth(dispute.week, minutes, None)


def was_paid(dispute: HoursDispute) -> bool:
    """Whether the week is paid; of a settled dispute, whether it was then."""
    paid_at = dispute.week.paid_at
    return paid_at is not None and (dispute.settled_at is None or paid_at <= dispute.settled_at)


@transaction.atomic
def file(
    week: Week, *, segments: Collection[Segment], reason: str, key: str, by: Actor
) -> HoursDispute:
    """The client disputes segments of an invoiced week; its payment waits until it is settled.

    Args:
        segments: which, of those that were billed.
        reason: what the talent and support read.
        key: the form's key; the same form again gives the first dispute.

    Raises:
        NotYours: not an owner or manager of the client.
        Overtaken: the week is not in review, or was disputed before.
        InvalidInput: on ``segments`` or ``reason``: none chosen, one not billed, or no reason.
    """
    contract = transitions.enter(week.contract)
    chosen = sorted(set(segments), key=lambda one: (one[1], one[0]))
    earlier = once.claim(
        key, dispute_of=week.pk, segments=[[pk, start] for pk, start in chosen], reason=reason
    )
    if earlier is not None:
        return HoursDispute.objects.get(pk=earlier.result)
    rules.refuse(rules.client_disputes(contract, by))
    now = clock.now()
    week = _in_review(contract, week, now)
    _check(week, chosen, reason)
    dispute = _create(contract, week, chosen, reason.strip(), now, by=by)
    if week.is_paid:
        refunds.hold(_payment(contract, week))
    contract.open_disputes.append(dispute)
    contract.disputed_weeks.add(week.pk)
    positions.touch(contract, now=now)
    notices.hours_disputed(contract, dispute, amount=at_stake(dispute), by=by)
    once.keep(key, dispute.pk)
    return dispute


@transaction.atomic
def accept(dispute: HoursDispute, *, by: Actor) -> HoursDispute:
    """The talent gives all disputed hours back, at once; possible until support has decided.

    Raises:
        NotYours: not an owner or manager of the talent.
        Overtaken: it is settled already.
    """
    dispute = _enter(dispute)
    transitions.refuse_unless_possible(dispute, "accept", by=by)
    segments = list(dispute.segments.all())
    reversal = _settle(dispute, segments, segments, reason=dispute.reason, by=by)
    transitions.move(dispute, "accept", reversal=reversal, at=clock.now(), by=by)
    return _closed(dispute, by=by)


@transaction.atomic
def decline(dispute: HoursDispute, *, because: str, by: Actor) -> HoursDispute:
    """The talent stands by the hours; the payment waits until support has decided.

    Args:
        because: the reason that the client and support read.

    Raises:
        NotYours, Overtaken: as :func:`accept`; or it was answered before.
        InvalidInput: no reason.
    """
    dispute = _enter(dispute)
    transitions.refuse_unless_possible(dispute, "decline", by=by)
    if not because.strip():
        raise InvalidInput("Say why. Support and the other side read it.", field="because")
    transitions.move(dispute, "decline", because=because.strip(), by=by)
    positions.touch(dispute.contract, now=clock.now())
    amount = at_stake(dispute)
    notices.hours_dispute_declined(dispute.contract, dispute, amount=amount, by=by)
    return dispute


@transaction.atomic
def withdraw(dispute: HoursDispute, *, by: Actor) -> HoursDispute:
    """The client takes the dispute back; the hours stay paid, or owed.

    Raises:
        NotYours: not an owner or manager of the client.
        Overtaken: it is settled already.
    """
    dispute = _enter(dispute)
    transitions.refuse_unless_possible(dispute, "withdraw", by=by)
    _settle(dispute, list(dispute.segments.all()), [], reason="", by=by)
    transitions.move(dispute, "withdraw", at=clock.now(), by=by)
    return _closed(dispute, by=by)


@transaction.atomic
def decide(
    dispute: HoursDispute, *, reversed_segments: Collection[int], because: str, by: Actor
) -> HoursDispute:
    """Support decides each segment of a dispute that was declined or not answered.

    Args:
        reversed_segments: ids of the :class:`DisputedSegment` that go back; perhaps none, or all.
        because: the reason both sides read.

    Raises:
        NotYours: not support.
        Overtaken: it still waits for the talent, or is settled already.
        InvalidInput: a segment of another dispute, or no reason.
    """
    dispute = _enter(dispute)
    transitions.refuse_unless_possible(dispute, "decide", by=by)
    segments = list(dispute.segments.all())
    back = [one for one in segments if one.pk in set(reversed_segments)]
    if len(back) != len(set(reversed_segments)):
        raise InvalidInput("Choose segments of this dispute.", field="reversed_segments")
    if not because.strip():
        raise InvalidInput("Give the reason that both sides will read.", field="because")
    reversal = _settle(dispute, segments, back, reason=because.strip(), by=by)
    transitions.move(
        dispute,
        "decide",
        minutes=_minutes(back),
        reversal=reversal,
        because=because.strip(),
        at=clock.now(),
        by=by,
    )
    return _closed(dispute, by=by)


def escalate_unanswered(contract: Contract, now: datetime) -> None:
    """Hand disputes that the talent did not answer in time to support.

    Called while the contract is entered.
    """
    for dispute in contract.open_disputes:
        if dispute.is_pending and dispute.answer_by <= now:
            transitions.move(dispute, "escalate", by=PLATFORM)
            positions.touch_again(contract)
            notices.hours_dispute_escalated(contract, dispute, amount=at_stake(dispute))


def _in_review(contract: Contract, week: Week, now: datetime) -> Week:
    """The week as it is now, of those that entering the contract locked."""
    locked = next((one for one in contract.open_weeks if one.pk == week.pk), week)
    refusal = may_be_filed(locked, now=now)
    if refusal:
        raise Overtaken(refusal)
    return locked


def _check(week: Week, chosen: Sequence[Segment], reason: str) -> None:
    if not chosen:
        raise InvalidInput("Choose the time that you dispute.", field="segments")
    billed = {(stretch.pk, start) for stretch, start in billed_segments(week)}
    if not billed.issuperset(chosen):
        raise InvalidInput("Choose time of this week that was billed.", field="segments")
    if not reason.strip():
        raise InvalidInput("Say why. The other side and support read it.", field="reason")


def _create(
    contract: Contract,
    week: Week,
    chosen: Sequence[Segment],
    reason: str,
    now: datetime,
    *,
    by: Actor,
) -> HoursDispute:
    dispute = HoursDispute(
        contract=contract,
        week=week,
        minutes=_minutes(chosen),
        reason=reason,
        filed_at=now,
        answer_by=now + policy.HOURS_ANSWER_WINDOW,
    )
    dispute.save(force_insert=True)
    DisputedSegment.objects.bulk_create(
        DisputedSegment(dispute=dispute, stretch_id=pk, starts_at=start) for pk, start in chosen
    )
    transitions.created(dispute, by=by)
    return dispute


def _enter(dispute: HoursDispute) -> HoursDispute:
    """Lock the contract and with it the dispute, as it is now."""
    contract = transitions.enter(dispute.contract)
    found = next((one for one in contract.open_disputes if one.pk == dispute.pk), None)
    if found is None:
        raise Overtaken(SETTLED)
    week = next(one for one in contract.open_weeks if one.pk == found.week_id)
    week.contract, found.week = contract, week
    return found


def _settle(
    dispute: HoursDispute,
    segments: Iterable[DisputedSegment],
    back: Sequence[DisputedSegment],
    *,
    reason: str,
    by: Actor,
) -> Refund | None:
    """Say of each segment whether it goes back, and move the money; the payment waits no longer."""
    week, minutes = dispute.week, _minutes(back)
    for segment in segments:
        segment.is_reversed = segment in back
    DisputedSegment.objects.bulk_update(segments, ["is_reversed"])
    reversal = None
    if week.is_paid:
        reversal = _give_back(dispute, minutes, reason=reason, by=by)
    week.reversed_minutes = minutes
    week.save(update_fields=["reversed_minutes"])
    if week.is_owed and not billing.owed(week):
        transitions.move(week, "reverse_all", by=by)
        billing.lift_hold(dispute.contract, at=clock.now())
    return reversal


def _give_back(dispute: HoursDispute, minutes: int, *, reason: str, by: Actor) -> Refund | None:
    payment = _payment(dispute.contract, dispute.week)
    amount = worth(dispute.week, minutes, payment)
    reversal = None
    if amount:
        reversal = refunds.reverse(
            payment,
            amount,
            key=f"hours_dispute:{dispute.pk}:reversal",
            reason=reason,
            at=clock.now(),
            by=by,
        )
    refunds.let_go(payment)
    return reversal


def _payment(contract: Contract, week: Week) -> Payment:
    """The week's payment as it is now, under its book's lock."""
    book = ledger.lock(contract.book_id)
    payment = Payment.objects.get(week=week)
    payment.book = book
    return payment


def _closed(dispute: HoursDispute, *, by: Actor) -> HoursDispute:
    contract = dispute.contract
    contract.open_disputes.remove(dispute)
    positions.touch(contract, now=clock.now())
    notices.hours_dispute_settled(
        contract, dispute, amount=at_stake(dispute), back=given_back(dispute), by=by
    )
    return dispute


def _minutes(segments: Collection[object]) -> int:
    return weeks.minutes_in(len(segments))
