"""What the end page of an hourly contract points out before the Work Diary locks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, Max, Min, Q

from contracts import rules, weeks
from contracts.models import Stretch, Timer
from contracts.plans import HoursFacts
from contracts.queries.room import Room
from contracts.states import UNBILLED_WEEKS
from contracts.timers import counted


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


def before_the_lock(
    room: Room, hours: HoursFacts, *, timers: Sequence[Timer] | None = None
) -> BeforeTheLock:
    """For one side's end page, in at most three queries.

    Args:
        timers: the contract's running ones with their people, if they were read already.
    """
    contract = room.contract
    unnamed = Q(memo="", week__state__in=UNBILLED_WEEKS)
    diary = Stretch.objects.filter(contract=contract).aggregate(
        last=Max("ends_at"),
        unnamed=Count("pk", filter=unnamed),
        first=Min("week__starts_on", filter=unnamed),
    )
    return BeforeTheLock(
        timers=_timers(room, timers) if hours.timers else (),
        free=_free(room, hours),
        without_memo=diary["unnamed"],
        first_without=diary["first"],
        last_at=diary["last"],
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


def _free(room: Room, hours: HoursFacts) -> int | None:
    """What is left of this week's limit, and not more than the time that has passed in it."""
    contract = room.contract
    if not room.is_talent or rules.records_by_hand(contract, room.actor):
        return None
    this_week = weeks.week_of(room.now)
    recorded = sum(one.in_all for one in hours.weeks if one.starts_on == this_week)
    assert contract.answered_at is not None
    since = max(weeks.starts(this_week), contract.answered_at)
    people = contract.assignments.filter(until=None).count()
    passed = weeks.minutes_between(*weeks.whole_segments(since, max(since, room.now))) * people
    return max(0, min(hours.limit - recorded, passed - recorded)) or None
