"""The timesheet of an hourly contract: this week, the recent weeks in words, their way to payment.

What was paid has its track from the books; a week that is not paid yet is known here alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import OuterRef, Q, Subquery
from django.urls import reverse
from django.utils import dateformat

from contracts import timers, weeks
from contracts.hours_facts import Rows
from contracts.models import Contract, HoursDispute, Timer, Week, WeekLimit
from contracts.models.week import UNFINISHED
from contracts.states import Side, WeekState
from contracts.waiting.hours import dispute_of
from marketplace import moments
from marketplace.components import Part, Stage, Track
from marketplace.money import Money, total
from payments.models import Payment

SHOWN: Final = 8
"""The recent weeks of the sheet."""

READ: Final = 20
"""The recent weeks that the timeline can name."""

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """What the room reads of the hours: the recent and unsettled weeks, newest first.

    Limits and running timers only of a contract that goes on.
    """

    weeks: Sequence[Week]
    limits: Sequence[WeekLimit] = ()
    timers: Sequence[Timer] = ()

    @property
    def rows(self) -> Rows:
        """As an end looks at them."""
        open_ones = [one for one in self.weeks if one.is_unbilled or one.is_owed]
        reviewed = [one for one in self.weeks if one.review_until and one not in open_ones]
        disputes = [one for one in self.disputes if one.is_open]
        return Rows(
            weeks=[*open_ones, *reviewed],
            timers=self.timers,
            disputes=disputes,
            limits=self.limits,
        )

    @property
    def disputes(self) -> list[HoursDispute]:
        return [one for one in map(dispute_of, self.weeks) if one is not None]

    @property
    def unpaid(self) -> list[Week]:
        """Weeks with a declined charge, oldest first."""
        return [one for one in reversed(self.weeks) if one.is_unpaid]

    @property
    def reviewed_until(self) -> dict[int, datetime]:
        """By payment, until when its hours can be disputed."""
        return {
            one.payment_id: one.review_until
            for one in self.weeks
            if one.payment_id and one.review_until
        }


@dataclass(frozen=True, slots=True)
class WeekRow:
    """One week of the sheet: how much time, what it costs, and where it stands."""

    title: str
    time: str
    amount: Money
    note: str
    url: str
    dispute: HoursDispute | None


@dataclass(frozen=True, slots=True)
class ThisWeek:
    """The current week against its limit.

    ``minutes`` are recorded, ``amount`` is what those within the limit cost; ``next_limit`` holds
    from ``next_monday`` on, zero when it stays.
    """

    minutes: int
    limit: int
    amount: Money
    receives: str
    running: str
    bills_at: datetime
    next_limit: int
    next_monday: datetime

    @property
    def words(self) -> str:
        return f"{self.minutes_words} {self.limit_words}"

    @property
    def minutes_words(self) -> str:
        return moments.hours(self.minutes)

    @property
    def limit_words(self) -> str:
        return f"of {moments.hours(self.limit)}"

    @property
    def beyond(self) -> int:
        """Minutes that are not billed, because they are beyond the limit."""
        return max(0, self.minutes - self.limit)


@dataclass(frozen=True, slots=True)
class Timesheet:
    """This week, while the contract goes on, and the recent weeks."""

    this_week: ThisWeek | None
    rows: list[WeekRow]
    url: str


def hours_of(contract: Contract) -> Hours:
    """One query; three while the contract goes on."""
    found = _weeks_of(contract)
    if not contract.is_running:
        return Hours(found)
    return Hours(
        weeks=found,
        limits=list(contract.week_limits.order_by("from_week")),
        timers=list(
            contract.timers.filter(stopped_at=None).select_related("person").order_by("started_at")
        ),
    )


def _weeks_of(contract: Contract) -> list[Week]:
    """The recent weeks and those that are not settled, each with its limit; one query."""
    latest = contract.weeks.order_by("-starts_on").values("pk")[:READ]
    then = WeekLimit.objects.filter(contract=contract, from_week__lte=OuterRef("starts_on"))
    found: list[Week] = list(
        contract.weeks.filter(Q(pk__in=latest) | UNFINISHED)
        .select_related("payment", "dispute")
        .annotate(limit=Subquery(then.order_by("-from_week").values("minutes")[:1]))
        .order_by("-starts_on")
    )
    for week in found:
        week.contract = contract
    return found


def timesheet_of(contract: Contract, hours: Hours, side: Side, now: datetime) -> Timesheet:
    """The sheet; no queries."""
    past = [one for one in hours.weeks if contract.is_ended or not _is_this_week(one, now)]
    return Timesheet(
        this_week=_this_week(contract, hours, side, now) if contract.is_running else None,
        rows=[_row(contract, one, now) for one in past[:SHOWN]],
        url=reverse("diary", args=[contract.reference]),
    )


def parts_of(contract: Contract, hours: Hours, now: datetime) -> tuple[Money, list[Part]]:
    """For the money bar: what of the paid hours can still be disputed, and what is to come."""
    reviewed = [
        one.payment.refundable
        for one in hours.weeks
        if one.payment is not None and (one.is_in_review(now) or one.payment.held)
    ]
    owed = [weeks.cost(contract.hourly_rate, one) for one in hours.weeks if one.is_owed]
    to_bill = [_unbilled_amount(contract, one) for one in hours.weeks if one.is_unbilled]
    currency = contract.currency
    return total(reviewed, currency), [
        Part(kind="planned", label="Invoiced, not paid yet", amount=total(owed, currency)),
        Part(kind="planned", label="Recorded, not billed yet", amount=total(to_bill, currency)),
    ]


def tracks_of(contract: Contract, hours: Hours, side: Side, now: datetime) -> list[Track]:
    """The way of each week that is not paid yet, oldest first."""
    whose = "to you" if side is Side.TALENT else f"to {contract.talent.name}"
    return [
        Track(
            amount=contract.book.net_of(amount) if side is Side.TALENT else amount,
            what=f"Hours, {week}, {whose}",
            stages=list(_stages(week, now)),
        )
        for week, amount in _to_come(contract, hours)
        if amount
    ]


def title_of(monday: date) -> str:
    """The days of a week: 16 – 22 November 2026."""
    sunday = monday + 6 * _DAY
    pattern = "j" if sunday.month == monday.month else "j F"
    pattern += " Y" if sunday.year != monday.year else ""
    return f"{dateformat.format(monday, pattern)} – {dateformat.format(sunday, 'j F Y')}"


def _this_week(contract: Contract, hours: Hours, side: Side, now: datetime) -> ThisWeek:
    monday = weeks.week_of(now)
    following = weeks.week_of(weeks.ends(monday))
    limit, then = (weeks.limit_in(hours.limits, one) for one in (monday, following))
    minutes = sum(one.minutes for one in hours.weeks if _is_this_week(one, now))
    amount = weeks.amount(contract.hourly_rate, weeks.billable(minutes, limit))
    received = contract.book.net_of(amount)
    return ThisWeek(
        minutes=minutes,
        limit=limit,
        amount=amount,
        receives=f"you receive {received}" if side is Side.TALENT else "",
        running=_running(hours.timers, now),
        bills_at=weeks.bills_at(monday),
        next_limit=then if then != limit else 0,
        next_monday=weeks.ends(monday),
    )


def _is_this_week(week: Week, now: datetime) -> bool:
    return week.starts_on == weeks.week_of(now)


def _running(running: Sequence[Timer], now: datetime) -> str:
    """Who records now, and how much of it would count."""
    names = [
        f"{one.person.name}, {moments.hours(timers.counted(one, now))}"
        for one in running
        if now < one.runs_out_at
    ]
    return "; ".join(names)


def _unbilled_amount(contract: Contract, week: Week) -> Money:
    """What a week costs that is not invoiced yet."""
    billable = weeks.billable(week.minutes, week.limit)  # type: ignore[attr-defined]
    return weeks.amount(contract.hourly_rate, billable)


def _row(contract: Contract, week: Week, now: datetime) -> WeekRow:
    dispute = dispute_of(week)
    diary = reverse("diary", args=[contract.reference])
    invoiced = week.billable_minutes is not None
    return WeekRow(
        title=title_of(week.starts_on),
        time=moments.hours(week.minutes),
        amount=weeks.cost(contract.hourly_rate, week)
        if invoiced
        else _unbilled_amount(contract, week),
        note=". ".join(_notes(week, now)) + ".",
        url=f"{diary}?week={week.starts_on}",
        dispute=dispute if dispute and dispute.is_open else None,
    )


def _notes(week: Week, now: datetime) -> Iterator[str]:
    """Where a week stands, in words."""
    yield _state(week, now)
    if week.billable_minutes is not None and week.billable_minutes < week.minutes:
        beyond = moments.hours(week.minutes - week.billable_minutes)
        yield f"{beyond} beyond the limit, not billed"
    if week.reversed_minutes:
        yield f"{moments.hours(week.reversed_minutes)} reversed"


def _state(week: Week, now: datetime) -> str:
    if week.is_unbilled:
        return _unbilled(week, now)
    if week.is_unpaid:
        return "Not paid, the charge was declined"
    if week.is_owed:
        return "Invoiced, the charge is not confirmed yet"
    if week.payment is not None:
        return _paid(week, week.payment, now)
    if week.is_written_off:
        return "Written off, nothing is owed any more"
    every = week.state == WeekState.REVERSED
    return "Nothing is owed" if every else "Nothing to bill"


def _unbilled(week: Week, now: datetime) -> str:
    if week.bills_at <= now:
        return "Being billed"
    billed = f"billed on {moments.full(week.bills_at)}"
    return f"Open, {billed}" if week.is_open else f"Locked since the end, {billed}"


def _paid(week: Week, payment: Payment, now: datetime) -> str:
    if payment.held:
        return "Disputed, held until it is settled"
    if week.review_until is not None and week.is_in_review(now):
        return f"Paid, in review until {moments.full(week.review_until)}"
    if now < payment.available_at:
        return f"Paid, available on {moments.day(payment.available_at)}"
    return "Paid"


def _to_come(contract: Contract, hours: Hours) -> Iterator[tuple[Week, Money]]:
    for week in reversed(hours.weeks):
        if week.is_unbilled:
            yield week, _unbilled_amount(contract, week)
        elif week.is_owed:
            yield week, weeks.cost(contract.hourly_rate, week)


def _stages(week: Week, now: datetime) -> Iterator[Stage]:
    if week.is_owed:
        word = "not paid, the charge was declined" if week.is_unpaid else "invoiced, being charged"
        yield Stage(word="locked", state="past")
        yield Stage(word=word, state="here")
    else:
        is_due = week.bills_at <= now
        locked = "locked" if is_due else f"locked, billed on {moments.day(week.bills_at)}"
        yield Stage(word=locked, state="past" if is_due else "here")
        yield Stage(word="invoiced", state="here" if is_due else "future")
    yield Stage(word="in review", state="future")
    yield Stage(word="available", state="future")
