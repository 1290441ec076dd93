"""What must be true of hours after each step, counted anew from the diary's raw rows.

Nothing here uses the product's own week arithmetic: a week is seven days from a Monday, a segment
ten minutes of the epoch, an amount whole numbers rounded half up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from contracts.models import (
    Contract,
    DisputedSegment,
    HoursDispute,
    Stretch,
    Timer,
    Week,
)
from contracts.plans import BillWeek
from contracts.states import (
    OPEN_DISPUTES,
    UNBILLED_WEEKS,
    ContractKind,
    ContractState,
    DisputeState,
    StretchKind,
    WeekState,
)
from payments.models import Entry, GatewayOperation, Payment, Refund
from payments.states import OPEN_OPERATIONS, EntryKind, PaymentKind, RefundKind

SEGMENT, DAY = timedelta(minutes=10), timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BooksBroken(AssertionError):
    """Something that must be true is not."""


class Kept:
    """What may not change any more, as it was when it was first seen."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, int], Any] = {}

    def first(self, what: str, pk: int, value: Any) -> Any:
        """The value as it was when it was first seen."""
        return self.seen.setdefault((what, pk), value)

    def same(self, what: str, pk: int, value: Any) -> None:
        before = self.first(what, pk, value)
        if before != value:
            raise BooksBroken(f"{what} of {pk} was {before} and is {value}")


def must(true: bool, sentence: str) -> None:
    if not true:
        raise BooksBroken(sentence)


def check_hours(kept: Kept) -> None:
    """All of it, from every hourly contract's rows."""
    contracts = Contract.objects.filter(kind=ContractKind.HOURLY).order_by("pk")
    if not contracts:
        return
    stretches = list(Stretch.objects.select_related("week").order_by("person", "starts_at"))
    weeks = list(Week.objects.select_related("contract", "payment").order_by("pk"))
    check_stretches(stretches)
    check_timers(stretches)
    check_weeks(weeks, stretches, kept)
    check_invoices(weeks, kept)
    check_disputes(stretches)
    for contract in contracts:
        check_contract(contract, [one for one in weeks if one.contract_id == contract.pk], kept)


def check_stretches(stretches: Iterable[Stretch]) -> None:
    """Whole segments of one day of their week; no two of one person overlap."""
    last: dict[int, datetime] = {}
    for one in stretches:
        monday = at_midnight(one.week.starts_on)
        length = one.ends_at - one.starts_at
        must(
            length > timedelta(0)
            and not (one.starts_at - EPOCH) % SEGMENT
            and not length % SEGMENT
            and monday <= one.starts_at
            and one.ends_at <= monday + 7 * DAY
            and (one.starts_at - EPOCH) // DAY == (one.ends_at - EPOCH - SEGMENT) // DAY,
            f"{one} is not whole segments of one day in the {one.week}",
        )
        must(one.starts_at >= last.get(one.person_id, one.starts_at), f"{one} overlaps")
        last[one.person_id] = one.ends_at


def check_timers(stretches: Iterable[Stretch]) -> None:
    """A timer counted its whole segments; what it recorded lies within it; nothing runs beside."""
    timers = list(Timer.objects.select_related("contract"))
    for timer in timers:
        if timer.stopped_at is None:
            later = [one for one in stretches if one.ends_at > timer.started_at]
            beside = [one for one in later if one.person_id == timer.person_id]
            must(not beside, f"{beside} was recorded beside the running {timer}")
            must(timer.contract.state == ContractState.ACTIVE, f"{timer} runs on")
            must(timer.contract.hold_since is None, f"{timer} runs on while on hold")
            continue
        first = -((EPOCH - timer.started_at) // SEGMENT)
        counted = max((timer.stopped_at - EPOCH) // SEGMENT - first, 0) * 10
        must(timer.minutes == counted, f"{timer} counted {timer.minutes}, not {counted}")
        must(timer.stopped_at <= timer.started_at + timedelta(hours=12), f"{timer} ran too long")
    for one in stretches:
        if one.kind == StretchKind.TIMER:
            must(
                any(
                    timer.person_id == one.person_id
                    and timer.contract_id == one.contract_id
                    and timer.stopped_at is not None
                    and timer.started_at <= one.starts_at
                    and one.ends_at <= timer.stopped_at
                    for timer in timers
                ),
                f"no timer recorded {one}",
            )


def check_weeks(weeks: Iterable[Week], stretches: Iterable[Stretch], kept: Kept) -> None:
    """A week keeps the sum of its time, and once locked, its time as it is."""
    by_week: dict[int, list[Stretch]] = defaultdict(list)
    for one in stretches:
        by_week[one.week_id].append(one)
        must(one.contract_id == one.week.contract_id, f"{one} is in another contract's week")
    for week in weeks:
        found = by_week[week.pk]
        minutes = sum(minutes_of(one) for one in found)
        must(week.minutes == minutes, f"{week} says {week.minutes}, its diary {minutes}")
        if week.state != WeekState.OPEN:
            kept.same("locked time", week.pk, fingerprint(found))


def check_invoices(weeks: Iterable[Week], kept: Kept) -> None:
    """An invoice is of the hours within the limit, once; it is paid once, to the cent."""
    disputes = {one.week_id: one for one in HoursDispute.objects.all()}
    charged = defaultdict(list)
    for operation in GatewayOperation.objects.filter(purpose="hours"):
        charged[operation.purpose_id].append(operation.state)
    for week in weeks:
        if week.invoiced_at is None:
            must(week.payment_id is None, f"{week} was paid without an invoice")
            must(not charged[week.pk], f"{week} was charged without an invoice")
            continue
        limit = limit_of(week)
        rate = week.contract.rate_minor
        must(week.billable_minutes == min(week.minutes, limit), f"{week} billed beyond {limit}")
        amount = priced(rate, week.billable_minutes)
        must(week.amount_minor == amount, f"{week} costs {week.amount_minor}, not {amount}")
        must(week.reversed_minutes <= week.billable_minutes, f"{week} reversed more than billed")
        kept.same("invoice", week.pk, (week.billable_minutes, amount, week.invoiced_at))
        dispute = disputes.get(week.pk)
        settled = dispute.reversed_minutes or 0 if dispute else 0
        must(week.reversed_minutes == settled, f"{week} reversed other minutes than its dispute")
        still_open = [state for state in charged[week.pk] if state in OPEN_OPERATIONS]
        must(len(still_open) <= 1, f"{week} is being charged {len(still_open)} times at once")
        check_payment(week, dispute)


def check_payment(week: Week, dispute: HoursDispute | None) -> None:
    must((week.state == WeekState.PAID) == (week.payment_id is not None), f"{week} is half paid")
    if week.payment is None:
        return
    payment, rate = week.payment, week.contract.rate_minor
    before, after = 0, 0
    if dispute is not None and dispute.reversed_minutes:
        was_paid = dispute.settled_at > payment.paid_at or dispute.reversal_id is not None
        before, after = (0, dispute.reversed_minutes) if was_paid else (dispute.reversed_minutes, 0)
    gross = priced(rate, week.billable_minutes - before)
    must(payment.gross_minor == gross, f"{week} was paid {payment.gross_minor}, not {gross}")
    kept = priced(rate, week.billable_minutes - before - after)
    back = sum(
        Refund.objects.filter(payment=payment, kind=RefundKind.REVERSAL).values_list(
            "amount_minor", flat=True
        )
    )
    refunded = payment.refunded_minor - back
    must(
        back == min(gross - kept, gross - refunded),
        f"{back} of {week} were reversed, not {gross - kept}",
    )
    is_open = dispute is not None and dispute.state in OPEN_DISPUTES
    must(payment.held == is_open, f"the payment of {week} is held: {payment.held}")
    must(not (payment.held and payment.matured_at), f"a held payment of {week} became available")


def check_disputes(stretches: Iterable[Stretch]) -> None:
    """A dispute's minutes are its segments, of time of its week that was billed."""
    by_pk = {one.pk: one for one in stretches}
    chosen: dict[int, list[DisputedSegment]] = defaultdict(list)
    for segment in DisputedSegment.objects.order_by("pk"):
        chosen[segment.dispute_id].append(segment)
    for dispute in HoursDispute.objects.select_related("week"):
        segments = chosen[dispute.pk]
        must(dispute.minutes == 10 * len(segments), f"{dispute} is of other segments")
        billed = billed_segments(dispute.week, stretches)
        for segment in segments:
            stretch = by_pk.get(segment.stretch_id)
            must(stretch is not None, f"{segment} of {dispute} was deleted")
            must((segment.stretch_id, segment.starts_at) in billed, f"{segment} was not billed")
        back = [one for one in segments if one.is_reversed]
        must(10 * len(back) == (dispute.reversed_minutes or 0), f"{dispute} reversed otherwise")


def check_contract(contract: Contract, weeks: list[Week], kept: Kept) -> None:
    """The hold, what an end locks, and that each paid week was posted once."""
    unpaid = any(week.state == WeekState.UNPAID for week in weeks)
    must((contract.hold_since is not None) == unpaid, f"{contract} is on hold without a reason")
    must(not contract.milestones.exists(), f"{contract} is hourly and has a milestone")
    paid = [week for week in weeks if week.state == WeekState.PAID]
    entries = Entry.objects.filter(book=contract.book_id, kind=EntryKind.HOURS).count()
    payments = Payment.objects.filter(book=contract.book_id, kind=PaymentKind.HOURS).count()
    must(
        entries == payments == len({week.payment_id for week in paid}) == len(paid),
        f"{contract}: {len(paid)} weeks were paid by {payments} payments in {entries} entries",
    )
    if contract.state != ContractState.ENDED:
        return
    still_open = [week for week in weeks if week.state == WeekState.OPEN]
    must(not still_open, f"{contract} has ended with {still_open} open")
    running = Timer.objects.filter(contract=contract, stopped_at=None)
    must(not running.exists(), f"{contract} has ended, and its timer runs")
    diary = Stretch.objects.filter(contract=contract).order_by("pk")
    late = [one for one in diary if max(one.recorded_at, one.ends_at) > contract.ended_at]
    must(not late, f"{late} came after the end of {contract}")
    kept.same("diary after the end", contract.pk, fingerprint(diary))


def check_hours_shown(ended: Contract, shown: Iterable[BillWeek]) -> None:
    """What the end showed is what it locked: which weeks, their minutes, what they cost."""
    locked = [
        (week.starts_on, week.minutes, min(week.minutes, limit_of(week)))
        for week in ended.weeks.filter(state=WeekState.LOCKED, minutes__gt=0)
    ]
    told = [(one.starts_on, one.minutes, one.billable) for one in shown if one.minutes]
    must(locked == told, f"{ended} locked {locked}, shown was {told}")
    for one in shown:
        cost = priced(ended.rate_minor, one.billable)
        must(one.amount.minor == cost, f"{ended} showed {one.amount}, it costs {cost}")


def check_no_hours_due(contract: Contract, now: datetime) -> None:
    """Whoever entered a contract first stopped its timers, billed its weeks, passed disputes on."""
    timers = Timer.objects.filter(contract=contract, stopped_at=None, runs_out_at__lte=now)
    must(not timers.exists(), f"{contract}: a timer that was over runs on")
    due = Week.objects.filter(contract=contract, state__in=UNBILLED_WEEKS, bills_at__lte=now)
    must(not due.exists(), f"{contract}: a week that was due was not billed")
    silent = HoursDispute.objects.filter(
        contract=contract, state=DisputeState.PENDING, answer_by__lte=now
    )
    must(not silent.exists(), f"{contract}: an unanswered dispute was left lying")


# In other words ----------------------------------------------------------------------------------


def at_midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def minutes_of(stretch: Stretch) -> int:
    return (stretch.ends_at - stretch.starts_at) // timedelta(minutes=1)


def fingerprint(stretches: Iterable[Stretch]) -> list[Any]:
    return sorted((one.pk, one.starts_at, one.ends_at, one.memo, one.kind) for one in stretches)


def priced(rate_minor: int, minutes: int) -> int:
    """Rate × minutes ÷ 60, half up, in minor units."""
    return (2 * rate_minor * minutes + 60) // 120


def limit_of(week: Week) -> int:
    """The minutes of the last limit that was set for this week or before."""
    limits = week.contract.week_limits.order_by("from_week").values_list("from_week", "minutes")
    known = list(limits)
    so_far = [minutes for monday, minutes in known if monday <= week.starts_on]
    return so_far[-1] if so_far else known[0][1]


def billed_segments(week: Week, stretches: Iterable[Stretch]) -> set[tuple[int, datetime]]:
    """The first segments of a week, in order of start, as many as were billed."""
    ordered = sorted(
        (one.starts_at, one.pk, minutes_of(one)) for one in stretches if one.week_id == week.pk
    )
    single = [
        (pk, start + number * SEGMENT)
        for start, pk, minutes in ordered
        for number in range(minutes // 10)
    ]
    return set(single[: (week.billable_minutes or 0) // 10])
