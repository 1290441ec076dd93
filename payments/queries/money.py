"""The Payments page: what a party has, and every movement of its money, newest first.

What one action posted is one event with its lines. Pages are found by the ids of entries, and
never cut an action in two: a page ends above an action that goes on below, and the next one begins
below an action and leaves out what belongs to it. Actions of one currency lie one after the other,
because whoever posts them holds the party's account; those of another currency may have been posted
meanwhile and lie among them, so of a party with several currencies more is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, takewhile
from typing import Final

from django.db.models import Q, QuerySet
from django.utils.http import urlencode

from marketplace import clock
from marketplace.models import Party
from marketplace.money import Money, total
from payments.models import Book, Entry
from payments.queries import words
from payments.queries.balances import BalanceFigure, balances_of
from payments.queries.lines import READ, Line, entries_of, lines_of, signed
from payments.queries.running import balances_after
from payments.states import AccountKind, EntryKind

PAGE: Final = 25
"""Events on a page."""
WINDOW: Final = 100
"""Entries looked at for a page. Most events have one or two."""
LARGEST: Final = 5_000
"""Entries of the largest action: a weekly run pays a client's hours of many contracts at once."""
AHEAD: Final = 1_000
"""How far entries of one action may lie apart, of a party with several currencies."""
SHOWN: Final = 30
"""Lines of one event on the page; the file has all."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which movements are asked for.

    Attributes:
        book: of one contract.
        kind: a key of the kinds of this side, see :mod:`payments.queries.words`; empty for all.
        since, until: the first and the last day, UTC.
    """

    book: Book | None = None
    kind: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def narrows(self) -> bool:
        return bool(self.book or self.kind or self.since or self.until)

    def of(self, party: Party) -> QuerySet[Entry]:
        """The party's entries that are asked for."""
        found = entries_of(party)
        if self.book is not None:
            found = found.filter(book=self.book)
        if self.kind:
            found = found.filter(kind__in=kinds_of(party)[self.kind][1])
        if self.since is not None:
            found = found.filter(at__gte=_midnight(self.since))
        if self.until is not None:
            found = found.filter(at__lt=_midnight(self.until + timedelta(days=1)))
        return found

    def query(self, **more: int) -> str:
        """The same as the query of an address; ``more`` is added to it."""
        chosen = {
            "contract": self.book.reference if self.book else "",
            "kind": self.kind,
            "since": str(self.since or ""),
            "until": str(self.until or ""),
            **{key: str(number) for key, number in more.items()},
        }
        return "?" + urlencode({key: value for key, value in chosen.items() if value})


@dataclass(frozen=True, slots=True)
class Event:
    """What one action did to the party's money.

    Attributes:
        lines: oldest first; at most :data:`SHOWN` of them, ``more`` is how many follow.
        book: the contract all lines are about; None if there are several, or none.
        total: of several lines of one kind, what they did together.
        balance: what the party has right after it.
    """

    title: str
    detail: str
    lines: Sequence[Line]
    more: int
    book: Book | None
    total: str
    at: datetime
    balance: Money

    @property
    def alone(self) -> Line | None:
        """The only line."""
        return self.lines[0] if len(self.lines) == 1 else None

    @property
    def rows(self) -> int:
        """How many rows of a table it takes, below its first."""
        return len(self.lines) + bool(self.more) if self.alone is None else 0


@dataclass(frozen=True, slots=True)
class PaymentsPage:
    """Balances, and a page of events; ``newer`` and ``older`` are queries of addresses."""

    figures: list[BalanceFigure]
    events: list[Event]
    newer: str
    older: str

    @property
    def can_leave(self) -> bool:
        """Whether there is something to withdraw, or to send back."""
        return any(
            one.amount and one.account in (AccountKind.CREDIT, AccountKind.AVAILABLE)
            for one in self.figures
        )


def kinds_of(party: Party) -> Mapping[str, tuple[str, tuple[EntryKind, ...]]]:
    """What this side can choose among: by key the words and the kinds of entries."""
    return words.CLIENT_KINDS if party.is_client else words.TALENT_KINDS


def payments_page(
    party: Party, asked: Asked | None, *, before: int | None = None, after: int | None = None
) -> PaymentsPage:
    """Balances and one page of events; four queries, five of a talent, one more after a *Newer*.

    Args:
        asked: which movements; None: none at all.
        before: the newest entry of the last event of another page: those older than that event.
        after: the newest entry of the first event of another page: those newer than that event.
    """
    now = clock.now()
    figures = balances_of(party, now)
    if asked is None:
        return PaymentsPage(figures, [], "", "")
    found = asked.of(party)
    reach = AHEAD if len({one.amount.currency for one in figures}) > 1 else 1
    if after is not None:
        before = _just_above(found, after)
    entries, going_on = _window(found, before, reach)
    actions = _actions(lines_of(entries, party, now))
    shown = list(islice(takewhile(lambda one: _of(one[0]) not in going_on, actions), PAGE))
    groups = [group for action in shown for group in _by_currency(action)]
    balances = balances_after(party, [group[-1].last for group in groups])
    has_older = bool(going_on) or len(actions) > len(shown)
    return PaymentsPage(
        figures=figures,
        events=[_event(group, balances[group[-1].last]) for group in groups],
        newer=asked.query(after=shown[0][-1].number) if shown and before is not None else "",
        older=asked.query(before=shown[-1][-1].number) if shown and has_older else "",
    )


def _window(found: QuerySet[Entry], before: int | None, reach: int) -> tuple[list[Entry], set[int]]:
    """Entries for a page, newest first, and the actions that have entries further down.

    Those are left to a later page, unless it is the newest action: then the window is too small.
    """
    entries = found.select_related(*READ).order_by("-pk")
    if before is not None:
        entries = _below(entries, found, before, reach)
    for size in (WINDOW, LARGEST):
        read = list(entries[: size + 1])
        going_on = {_of(one) for one in read[size:]}
        if going_on and reach > 1:
            ahead = entries.filter(pk__lt=read[-1].pk).values_list("pk", "event")[:reach]
            going_on |= {_action(number, event) for number, event in ahead}
        if not going_on or _of(read[0]) not in going_on:
            break
    return read[:size], going_on


def _below(
    entries: QuerySet[Entry], found: QuerySet[Entry], before: int, reach: int
) -> QuerySet[Entry]:
    """What is older than the action that this entry belongs to.

    Left out is what belongs to that action, or to any other with entries just above.
    """
    above = found.filter(pk__gte=before, event__isnull=False).order_by("pk")
    beside = Q(event__in=above.values("event")[:reach])
    return entries.filter(pk__lt=before).exclude(beside, event__isnull=False)


def _just_above(found: QuerySet[Entry], after: int) -> int | None:
    """Where the page of the actions just newer than an entry begins; None: it is the first."""
    newer = found.filter(pk__gt=after).order_by("pk").values_list("pk", "event")
    begins: dict[int, int] = {}
    for count, (number, event) in enumerate(newer[:LARGEST], start=1):
        action = _action(number, event)
        if action not in begins and len(begins) == PAGE:
            return number
        begins.setdefault(action, number)
        if count > WINDOW and len(begins) > 1:
            return begins[action]
    return None


def _of(one: Entry | Line) -> int:
    return _action(one.pk if isinstance(one, Entry) else one.number, one.event)


def _action(number: int, event: int | None) -> int:
    """Alike for entries of one action; events are above zero."""
    return -number if event is None else event


def _actions(lines: Sequence[Line]) -> list[list[Line]]:
    """The lines of each action, oldest first; the newest action first."""
    found: dict[int, list[Line]] = {}
    for line in lines:
        found.setdefault(_of(line), []).insert(0, line)
    return list(found.values())


def _by_currency(action: Sequence[Line]) -> list[list[Line]]:
    """A balance is of one currency, so an action in several of them is several events."""
    found: dict[str, list[Line]] = {}
    for line in action:
        found.setdefault(line.currency, []).append(line)
    return sorted(found.values(), key=lambda lines: lines[-1].number, reverse=True)


def _event(lines: Sequence[Line], balance: Money) -> Event:
    first = min(lines, key=lambda line: words.rank(line.kind))
    alike = [line for line in lines if line.kind == first.kind]
    books = {line.book.pk if line.book else None for line in lines}
    is_several = len(alike) > 1
    return Event(
        title=words.several(first.kind, len(alike)) or first.title,
        detail="" if is_several else first.memo,
        lines=lines[:SHOWN],
        more=max(len(lines) - SHOWN, 0),
        book=first.book if len(books) == 1 else None,
        total=_together(alike) if is_several else "",
        at=lines[-1].at,
        balance=balance,
    )


def _together(lines: Sequence[Line]) -> str:
    """What lines did to the balance, or moved, if they left it as it was."""
    currency = lines[0].currency
    changed = signed(total([line.effect for line in lines], currency))
    return changed or str(total([line.gross for line in lines], currency))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
