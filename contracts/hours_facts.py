"""What ending an hourly contract depends on, read from its weeks, timers, limits and disputes.

For a page what is due already is applied in memory, in the order in which entering the contract
carries it out: a timer that is over has stopped, a week whose Monday noon has passed is invoiced.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from contracts import weeks
from contracts.models import Contract, HoursDispute, Timer, Week, WeekLimit
from contracts.models.week import UNFINISHED
from contracts.plans import DisputeFacts, HoursFacts, OwedFacts, WeekFacts
from contracts.states import WeekState
from marketplace.money import Money


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of an hourly contract that an end looks at."""

    weeks: Sequence[Week]
    timers: Sequence[Timer]
    disputes: Sequence[HoursDispute]
    limits: Sequence[WeekLimit]


def read(contract: Contract) -> Rows:
    """For a page, unlocked; three queries."""
    found = list(contract.weeks.filter(UNFINISHED).select_related("dispute"))
    disputes = [week.dispute for week in found if getattr(week, "dispute", None)]
    return Rows(
        weeks=found,
        timers=list(contract.timers.filter(stopped_at=None).select_related("person")),
        disputes=[one for one in disputes if one.is_open],
        limits=list(contract.week_limits.order_by("from_week")),
    )


def locked(contract: Contract) -> Rows:
    """Of an entered contract; one query, for the limits."""
    by_key = {week.pk: week for week in contract.open_weeks}
    for dispute in contract.open_disputes:
        dispute.week = by_key[dispute.week_id]
    return Rows(
        weeks=contract.open_weeks,
        timers=contract.running_timers,
        disputes=contract.open_disputes,
        limits=list(contract.week_limits.order_by("from_week")),
    )


def facts(contract: Contract, rows: Rows, now: datetime) -> HoursFacts:
    """The facts at a moment, with what is due by then already applied."""
    running = [one for one in rows.timers if one.runs_out_at > now]
    over = [one for one in rows.timers if one.runs_out_at <= now]
    counting, counted = _per_week(running, now), _per_week(over, now)
    unbilled = {one.starts_on: one for one in rows.weeks if one.is_unbilled}
    mondays = sorted({*unbilled, *counting, *counted, *_now_of(running, now)})
    found = [
        WeekFacts(
            starts_on=monday,
            minutes=counted[monday] + (unbilled[monday].minutes if monday in unbilled else 0),
            counting=counting[monday],
            timed=monday in counting or monday in _now_of(running, now),
            limit=weeks.limit_in(rows.limits, monday),
            bills_at=_bills_at(monday, unbilled.get(monday), now),
        )
        for monday in mondays
    ]
    rate = contract.hourly_rate
    due = [one for one in found if one.bills_at <= now]
    return HoursFacts(
        rate=rate,
        limit=weeks.limit_in(rows.limits, weeks.week_of(now)),
        weeks=tuple(one for one in found if one not in due),
        timers=tuple(sorted(one.pk for one in running)),
        owed=(*_owed(rate, rows.weeks, now), *_invoiced_now(rate, due)),
        disputes=tuple(DisputeFacts(one.week.starts_on, one.minutes) for one in rows.disputes),
    )


def figures(hours: HoursFacts) -> dict[str, Any]:
    """What the confirmation compares: recorded minutes, those billed, and who still counts.

    What running timers have counted so far is left out, and so are invoices and disputes: ending
    changes nothing about them.
    """
    return {
        "weeks": [
            [one.starts_on.isoformat(), one.minutes, weeks.billable(one.minutes, one.limit)]
            for one in hours.weeks
            if one.minutes
        ],
        "timers": list(hours.timers),
    }


def behind(seen: dict[str, Any], hours: HoursFacts) -> HoursFacts:
    """The facts behind a token's figures, with those of now for what never changes."""
    now = {one.starts_on: one for one in hours.weeks}
    timers = tuple(seen["timers"])
    found = []
    for day, minutes, billable in seen["weeks"]:
        monday = date.fromisoformat(day)
        before = now.get(monday) or _unknown(monday)
        limit = billable if billable < minutes else max(before.limit, minutes)
        found.append(replace(before, minutes=minutes, limit=limit))
    known = {one.starts_on for one in found}
    found += [replace(one, minutes=0) for one in hours.weeks if one.starts_on not in known]
    if not timers:
        found = [replace(one, counting=0, timed=False) for one in found]
    ordered = sorted(found, key=lambda one: one.starts_on)
    return replace(hours, weeks=tuple(ordered), timers=timers)


def without_segments_of(hours: HoursFacts, stopped: Iterable[Timer]) -> HoursFacts:
    """The facts as if timers that have stopped meanwhile were still running.

    Whoever read "at least 6 h 10 min" has read the right thing, also when a timer stopped since.
    """
    stopped = list(stopped)
    counted: Counter[date] = Counter()
    for timer in stopped:
        counted += _counted(timer, timer.stopped_at or timer.runs_out_at)
    return replace(
        hours,
        weeks=tuple(
            replace(one, minutes=max(0, one.minutes - counted[one.starts_on]))
            for one in hours.weeks
        ),
        timers=tuple(sorted({*hours.timers, *(one.pk for one in stopped)})),
    )


def _unknown(monday: date) -> WeekFacts:
    """A week that is no longer among those to bill."""
    return WeekFacts(
        starts_on=monday,
        minutes=0,
        counting=0,
        timed=False,
        limit=0,
        bills_at=weeks.bills_at(monday),
    )


def _per_week(timers: Sequence[Timer], now: datetime) -> Counter[date]:
    """The minutes that timers have counted, week by week."""
    sums: Counter[date] = Counter()
    for timer in timers:
        sums += _counted(timer, min(now, timer.runs_out_at))
    return sums


def _counted(timer: Timer, stop: datetime) -> Counter[date]:
    sums: Counter[date] = Counter()
    for start, end in weeks.by_day(*weeks.whole_segments(timer.started_at, stop)):
        sums[weeks.week_of(start)] += weeks.minutes_between(start, end)
    return sums


def _now_of(running: Sequence[Timer], now: datetime) -> set[date]:
    """The week in which running timers go on counting."""
    return {weeks.week_of(now)} if running else set()


def _bills_at(monday: date, week: Week | None, now: datetime) -> datetime:
    """When a week is billed if the contract ends at a moment, or since when it is due."""
    usual = week.bills_at if week else weeks.bills_at(monday)
    return usual if usual <= now else min(usual, weeks.billed_next(now))


def _owed(rate: Money, found: Sequence[Week], now: datetime) -> list[OwedFacts]:
    """Invoices that are not paid, or that the client can still dispute."""
    return [
        _invoice(rate, one)
        for one in found
        if one.is_owed or (one.is_paid and one.is_in_review(now))
    ]


def _invoice(rate: Money, week: Week) -> OwedFacts:
    return OwedFacts(
        starts_on=week.starts_on,
        amount=weeks.cost(rate, week),
        is_paid=week.is_paid,
        has_failed=week.state == WeekState.UNPAID,
        review_until=week.review_until,
    )


def _invoiced_now(rate: Money, due: Sequence[WeekFacts]) -> list[OwedFacts]:
    """Weeks whose Monday noon has passed without anybody looking."""
    return [
        OwedFacts(
            starts_on=one.starts_on,
            amount=weeks.amount(rate, one.billable),
            is_paid=False,
            has_failed=False,
            review_until=weeks.review_until(one.starts_on),
        )
        for one in due
        if one.billable
    ]
