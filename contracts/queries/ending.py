"""What the end page of an hourly contract points out before the Work Diary locks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum

from contracts import closing, rules, weeks
from contracts.models import Assignment, Contract, Timer
from contracts.plans import HoursFacts
from contracts.queries.room import Room
from contracts.states import UNBILLED_WEEKS
from contracts.timers import counted
from marketplace.money import Money
from payments.models import Payment


@dataclass(frozen=True, slots=True)
class RunningTimer:
    """A timer that the end would stop.

    ``minutes`` are those it runs, ``counted`` those of whole segments so far.
    """

    person: str
    minutes: int
    counted: int


@dataclass(frozen=True, slots=True)
class BeforeTheLock:
    """What is still possible, or was perhaps forgotten, before an end locks the Work Diary.

    Attributes:
        free: minutes of manual time that can still be added and billed; None where none can.
        without_memo: how many entries that are not billed yet say nothing.
        first_without: the week of the first of them.
        last_at: when time was last recorded; None when it never was.
    """

    timers: Sequence[RunningTimer]
    free: int | None
    without_memo: int
    first_without: date | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class DiaryFigures:
    """What the end page says of a contract's whole diary.

    Attributes:
        last_at: when time was last recorded; None when it never was.
        without_memo: how many entries that are not billed yet say nothing.
        first_without: the week of the first of them.
        people: how many are assigned now.
        kept: what the talent received so far, after fees and refunds.
    """

    last_at: datetime | None
    without_memo: int
    first_without: date | None
    people: int
    kept: Money


def diary_figures(contract: Contract) -> DiaryFigures:
    """One query."""
    unnamed = Q(stretches__memo="", stretches__week__state__in=UNBILLED_WEEKS)
    last_at, without_memo, first, people, kept = (
        Contract.objects.filter(pk=contract.pk)
        .order_by()
        .values("pk")
        .annotate(
            last=Max("stretches__ends_at"),
            unnamed=Count("stretches", filter=unnamed),
            first=Min("stretches__week__starts_on", filter=unnamed),
            people=Subquery(_people_of_it()),
            kept=Subquery(_kept_of_it()),
        )
        .values_list("last", "unnamed", "first", "people", "kept")
        .get()
    )
    received = Money(kept or 0, contract.currency)
    return DiaryFigures(last_at, without_memo, first, people or 0, received)


def _people_of_it() -> QuerySet[Any]:
    working = Assignment.objects.filter(contract=OuterRef("pk"), until=None).order_by()
    return working.values("contract").annotate(number=Count("pk")).values("number")


def _kept_of_it() -> QuerySet[Any]:
    payments = Payment.objects.filter(book=OuterRef("book")).order_by()
    return payments.values("book").annotate(kept=Sum(closing.KEPT)).values("kept")


def before_the_lock(
    room: Room, hours: HoursFacts, diary: DiaryFigures, *, timers: Sequence[Timer] | None = None
) -> BeforeTheLock:
    """For one side's end page; a query for running timers if they were not read.

    Args:
        timers: the contract's running ones with their people, if they were read already.
    """
    return BeforeTheLock(
        timers=_timers(room, timers) if hours.timers else (),
        free=_free(room, hours, diary.people),
        without_memo=diary.without_memo,
        first_without=diary.first_without,
        last_at=diary.last_at,
    )


def _timers(room: Room, running: Sequence[Timer] | None) -> list[RunningTimer]:
    if running is None:
        own = Timer.objects.filter(contract=room.contract, stopped_at=None)
        running = list(own.select_related("person"))
    return [
        RunningTimer(
            person=one.person.name,
            minutes=weeks.minutes_between(one.started_at, room.now),
            counted=counted(one, room.now),
        )
        for one in running
        if one.runs_out_at > room.now
    ]


def _free(room: Room, hours: HoursFacts, people: int) -> int | None:
    """What is left of this week's limit, and not more than the time that has passed in it."""
    contract = room.contract
    if not room.is_talent or rules.records_by_hand(contract, room.actor):
        return None
    this_week = weeks.week_of(room.now)
    recorded = sum(one.in_all for one in hours.weeks if one.starts_on == this_week)
    assert contract.answered_at is not None
    since = max(weeks.starts(this_week), contract.answered_at)
    passed = weeks.minutes_between(*weeks.whole_segments(since, max(since, room.now))) * people
    return max(0, min(hours.limit - recorded, passed - recorded)) or None
