"""The Work Diary of a contract: one week as a grid and as a list, the same for both sides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Final

from django.db.models import Q
from django.urls import reverse
from django.utils import dateformat

from contracts import diary, hours_disputes, rules, timers, weeks
from contracts.forms.diary import day_of, day_words
from contracts.models import Contract, HoursDispute, Stretch, Timer, Week
from contracts.queries.room import Room
from marketplace import components, moments
from marketplace.components import DiaryDay
from marketplace.money import Money
from marketplace.refusals import Refusal

FIRST_HOUR: Final = 7
LAST_HOUR: Final = 19
"""The hours of the grid, unless there is time before or after them."""

DAYS: Final = 7
_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
_MIDNIGHT: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class Entry:
    """One stretch in the list.

    ``person`` is named where several people recorded; ``url`` is where the reader can change it.
    """

    span: str
    memo: str
    person: str
    total: str
    is_manual: bool = False
    is_running: bool = False
    unbilled: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class DayEntries:
    label: str
    total: str
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class Running:
    """A timer of this contract that runs now, and what it would count."""

    timer: Timer
    minutes: int
    is_over: bool


@dataclass(frozen=True, slots=True)
class DiaryPage:
    """A week as both sides see it, and what this reader can do.

    ``minutes`` are recorded, ``billable`` those within the limit; ``running`` counts the whole
    segments of running timers, which are not recorded yet. ``records`` and ``adds`` say why this
    reader cannot start a timer or add time; they are asked in the current week alone.
    """

    room: Room
    monday: date
    week: Week | None
    is_current: bool
    days: list[DiaryDay]
    hours: tuple[int, int]
    kinds: list[str]
    entries: list[DayEntries]
    minutes: int
    billable: int
    limit: int
    next_limit: int
    amount: Money
    running: int
    timer: Running | None
    elsewhere: Timer | None
    records: Refusal | None
    adds: Refusal | None
    earlier: date | None
    later: date | None
    latest: date

    @property
    def title(self) -> str:
        """16 – 22 November 2026."""
        sunday = self.monday + _DAY * (DAYS - 1)
        pattern = "j" if sunday.month == self.monday.month else "j F"
        pattern += " Y" if sunday.year != self.monday.year else ""
        first = dateformat.format(self.monday, pattern)
        return f"{first} – {dateformat.format(sunday, 'j F Y')}"

    @property
    def earlier_url(self) -> str:
        return self._url(self.earlier)

    @property
    def later_url(self) -> str:
        return self._url(self.later)

    @property
    def latest_words(self) -> str:
        return "Last week" if self.room.contract.is_ended else "This week"

    @property
    def reversed(self) -> int:
        """Minutes that a dispute took back."""
        return self.week.reversed_minutes if self.week else 0

    @property
    def locked_at(self) -> datetime:
        """Since when a week that waits for its invoice is locked."""
        return (self.week and self.week.locked_at) or self.bills_at

    @property
    def beyond(self) -> int:
        """Recorded minutes that are not billed, because they are beyond the limit."""
        return self.minutes - self.billable

    @property
    def received(self) -> Money:
        """What the talent receives of the amount, after the fee."""
        return self.room.contract.book.net_of(self.amount)

    @property
    def meter_words(self) -> str:
        return f"{moments.hours(self.minutes)} of {moments.hours(self.limit)}"

    @property
    def bills_at(self) -> datetime:
        return self.week.bills_at if self.week else weeks.bills_at(self.monday)

    @property
    def is_tidied(self) -> bool:
        """Its time can still be changed by who may."""
        if self.room.contract.is_ended or self.room.now >= self.bills_at:
            return False
        return self.week is None or self.week.is_open

    @property
    def is_in_review(self) -> bool:
        return self.week is not None and self.week.is_in_review(self.room.now)

    @property
    def is_due(self) -> bool:
        """Monday 12:00 has passed, and the invoice is being written."""
        return bool(self.week and self.week.is_unbilled and self.room.now >= self.bills_at)

    @property
    def dispute(self) -> HoursDispute | None:
        return getattr(self.week, "dispute", None)

    @property
    def may_dispute(self) -> bool:
        """This reader can dispute hours of the week now."""
        week, contract = self.week, self.room.contract
        if week is None or rules.client_disputes(contract, self.room.actor) is not None:
            return False
        return not hours_disputes.may_be_filed(week, now=self.room.now)

    @property
    def may_pay(self) -> bool:
        """This reader can pay what is owed for the week now."""
        week = self.week
        if week is None or not week.is_unpaid:
            return False
        week.contract = self.room.contract
        return rules.client_pays_week(week, self.room.actor) is None

    @property
    def is_available(self) -> bool:
        payment = self.week.payment if self.week else None
        return bool(payment and payment.available_at <= self.room.now)

    def _url(self, monday: date | None) -> str:
        return f"{reverse('diary', args=[self.room.reference])}?week={monday}" if monday else ""


def diary_page(room: Room, asked: str) -> DiaryPage:
    """A week of the diary, in six queries.

    Args:
        asked: any day of the week, as ``YYYY-MM-DD``; what is no date is the latest week, and what
            lies before the contract or after it is the nearest one.
    """
    contract, now = room.contract, room.now
    first, latest = weeks_of(contract, now)
    monday = min(max(_monday(asked) or latest, first), latest)
    is_current = monday == weeks.week_of(now) and not contract.is_ended
    week = contract.weeks.filter(starts_on=monday).select_related("payment", "dispute").first()
    stretches = _stretches(week)
    limits = list(contract.week_limits.order_by("from_week"))
    limit = weeks.limit_in(limits, monday)
    following = weeks.limit_in(limits, monday + weeks.WEEK)
    running = _running(room)
    here = [one for one in running if one.contract_id == contract.pk]
    billed = weeks.within_limit((one.minutes for one in stretches), _billed_of(week, limit))
    marked = list(zip(stretches, billed, strict=True))
    pieces = _pieces(marked, here, monday, now)
    own = _own(running, room)
    minutes = sum(one.minutes for one in stretches)
    records, adds = _refusals(room) if is_current and room.is_talent else (None, None)
    return DiaryPage(
        room=room,
        monday=monday,
        week=week,
        is_current=is_current,
        days=_days(monday, stretches, pieces),
        hours=_hours(pieces),
        kinds=_kinds(pieces),
        entries=_entries(room, week, marked, [one for one in here if is_current]),
        minutes=minutes,
        billable=sum(billed),
        limit=limit,
        next_limit=following if is_current and following != limit else 0,
        amount=_amount(contract, week, sum(billed)),
        running=sum(timers.counted(one, now) for one in here) if is_current else 0,
        timer=_shown(own, now) if own and own.contract_id == contract.pk else None,
        elsewhere=own if own and own.contract_id != contract.pk else None,
        records=records,
        adds=adds,
        earlier=monday - weeks.WEEK if monday > first else None,
        later=monday + weeks.WEEK if monday < latest else None,
        latest=latest,
    )


def weeks_of(contract: Contract, now: datetime) -> tuple[date, date]:
    """The first and the latest week of a contract's diary, as Mondays."""
    assert contract.answered_at is not None
    return weeks.week_of(contract.answered_at), weeks.week_of(contract.ended_at or now)


def _monday(asked: str) -> date | None:
    try:
        day = date.fromisoformat(asked)
    except ValueError:
        return None
    return day - _DAY * day.weekday()


def _stretches(week: Week | None) -> list[Stretch]:
    """In the order in which they fill the limit."""
    if week is None:
        return []
    return list(week.stretches.select_related("person").order_by("starts_at", "id"))


def _running(room: Room) -> list[Timer]:
    """The contract's running timers, and the reader's own wherever it runs."""
    own = Q(person=room.actor.as_member.user_id)
    return list(
        Timer.objects.filter(Q(contract=room.contract) | own, stopped_at=None)
        .select_related("person", "contract")
        .order_by("started_at", "id")
    )


def _own(running: Sequence[Timer], room: Room) -> Timer | None:
    if not room.is_talent:
        return None
    person = room.actor.as_member.user_id
    return next((one for one in running if one.person_id == person), None)


def _shown(timer: Timer, now: datetime) -> Running:
    return Running(timer, timers.counted(timer, now), is_over=timer.runs_out_at <= now)


def _refusals(room: Room) -> tuple[Refusal | None, Refusal | None]:
    """Why this reader cannot record, by timer and by hand."""
    contract, actor = room.contract, room.actor
    records = rules.talent_records(contract, actor)
    if records is None and not diary.is_assigned(contract, actor):
        records = rules.not_assigned(contract)
    return records, records or rules.records_by_hand(contract, actor)


def _billed_of(week: Week | None, limit: int) -> int:
    """How many minutes of a week can be billed: the limit, or what its invoice says."""
    if week is None or week.billable_minutes is None:
        return limit
    return week.billable_minutes


def _amount(contract: Contract, week: Week | None, billable: int) -> Money:
    """What the week costs: as invoiced, less what was reversed; or as of now."""
    if week is not None and week.billable_minutes is not None:
        billable = week.billable_minutes - week.reversed_minutes
    return weeks.amount(contract.hourly_rate, billable)


# The grid ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Piece:
    """What is drawn as one block: minutes since midnight of a day of the week, whose, which."""

    day: int
    person: int
    kind: str
    start: int
    end: int


def _pieces(
    marked: Iterable[tuple[Stretch, int]], running: Iterable[Timer], monday: date, now: datetime
) -> list[_Piece]:
    """All blocks of a week; what one person did of one kind without a gap is one block."""
    pieces = [piece for one in marked for piece in _parts(*one, monday)]
    pieces += [piece for timer in running for piece in _run(timer, monday, now)]
    pieces.sort(key=lambda one: (one.day, one.person, one.start))
    joined: list[_Piece] = []
    for piece in pieces:
        if joined and _follows(joined[-1], piece):
            joined[-1] = replace(joined[-1], end=piece.end)
        else:
            joined.append(piece)
    return sorted(joined, key=lambda one: (one.day, one.start, one.person))


def _follows(one: _Piece, other: _Piece) -> bool:
    same = (one.day, one.person, one.kind) == (other.day, other.person, other.kind)
    return same and one.end == other.start


def _parts(stretch: Stretch, billed: int, monday: date) -> Iterator[_Piece]:
    """What is billed of a stretch, and what is beyond the limit."""
    day, start = _place(stretch.starts_at, monday)
    kind = "manual" if stretch.is_manual else "auto"
    if billed:
        yield _Piece(day, stretch.person_id, kind, start, start + billed)
    if billed < stretch.minutes:
        yield _Piece(day, stretch.person_id, "over", start + billed, start + stretch.minutes)


def _run(timer: Timer, monday: date, now: datetime) -> Iterator[_Piece]:
    """A running timer from its start until now, day by day; a minute of it can be seen at once."""
    until = min(max(now, timer.started_at + _MINUTE), timer.runs_out_at)
    for first, last in weeks.by_day(timer.started_at, until):
        day, start = _place(first, monday)
        if 0 <= day < DAYS:
            yield _Piece(
                day, timer.person_id, "run", start, start + weeks.minutes_between(first, last)
            )


def _place(moment: datetime, monday: date) -> tuple[int, int]:
    """Which day of the week, and how many minutes after its midnight."""
    passed = weeks.minutes_between(weeks.starts(monday), moment)
    return divmod(passed, _MIDNIGHT)


def _days(monday: date, stretches: Sequence[Stretch], pieces: Sequence[_Piece]) -> list[DiaryDay]:
    totals = [0] * DAYS
    for stretch in stretches:
        totals[_place(stretch.starts_at, monday)[0]] += stretch.minutes
    return [
        DiaryDay(
            label=dateformat.format(monday + _DAY * number, "D j"),
            total=moments.hours(totals[number]) if totals[number] else "–",
            stretches=[
                components.Stretch(start=one.start, end=one.end, kind=one.kind)
                for one in pieces
                if one.day == number
            ],
        )
        for number in range(DAYS)
    ]


def _hours(pieces: Sequence[_Piece]) -> tuple[int, int]:
    """Between which hours the grid stands, so that everything is in it."""
    first = min((one.start // 60 for one in pieces), default=FIRST_HOUR)
    last = max((-(-one.end // 60) for one in pieces), default=LAST_HOUR)
    return min(first, FIRST_HOUR), max(last, LAST_HOUR)


def _kinds(pieces: Sequence[_Piece]) -> list[str]:
    """What the key explains: always what is usual, and what there is besides."""
    there = {one.kind for one in pieces}
    return [kind for kind in ("auto", "manual", "run", "over") if kind != "over" or kind in there]


# The list ---------------------------------------------------------------------------------------


def _entries(
    room: Room,
    week: Week | None,
    marked: Sequence[tuple[Stretch, int]],
    running: Sequence[Timer],
) -> list[DayEntries]:
    """The stretches day by day, each day with its sum; running timers stand last."""
    everybody = [one for one, _ in marked] + list(running)
    several = len({one.person_id for one in everybody}) > 1
    grouped = [
        _day_entries(room, week, day, list(those), several=several)
        for day, those in groupby(marked, key=lambda one: day_of(one[0]))
    ]
    now_running = [_running_entry(one, room.now, several=several) for one in running]
    if now_running:
        grouped.append(DayEntries("Running", "", now_running))
    return grouped


def _day_entries(
    room: Room,
    week: Week | None,
    day: date,
    marked: Sequence[tuple[Stretch, int]],
    *,
    several: bool,
) -> DayEntries:
    total = sum(stretch.minutes for stretch, _ in marked)
    entries = [
        _entry(stretch, billed, url=_url(room, week, stretch), several=several)
        for stretch, billed in marked
    ]
    return DayEntries(day_words(day), moments.hours(total), entries)


def _entry(stretch: Stretch, billed: int, *, url: str, several: bool) -> Entry:
    return Entry(
        span=span_of(stretch),
        memo=stretch.memo,
        person=stretch.person.name if several else "",
        total=moments.hours(stretch.minutes),
        is_manual=stretch.is_manual,
        unbilled=_unbilled(stretch.minutes, billed),
        url=url,
    )


def _url(room: Room, week: Week | None, stretch: Stretch) -> str:
    """Where the reader can change it, while that is possible."""
    stretch.contract = room.contract
    is_open = week is not None and week.is_open and room.now < week.bills_at
    if not is_open or rules.tidies(stretch, room.actor) is not None:
        return ""
    return reverse("diary_change", args=[room.reference, stretch.pk])


def _unbilled(minutes: int, billed: int) -> str:
    if billed == minutes:
        return ""
    return f"{moments.hours(minutes - billed)} not billed" if billed else "not billed"


def _running_entry(timer: Timer, now: datetime, *, several: bool) -> Entry:
    return Entry(
        span=f"since {diary.utc(timer.started_at)}",
        memo=timer.memo,
        person=timer.person.name if several else "",
        total=moments.hours(timers.counted(timer, now)),
        is_running=True,
    )


def span_of(stretch: Stretch) -> str:
    """09:00–10:30, UTC; the end of the day is 24:00."""
    stop = diary.utc(stretch.ends_at)
    return f"{diary.utc(stretch.starts_at)}–{'24:00' if stop == '00:00' else stop}"
