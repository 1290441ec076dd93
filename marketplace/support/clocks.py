"""Who must act by when: one shape for columns of lists, and one page across all that waits.

An app declares what waits as sources, each a few rows of one index; the page merges them by their
moment and turns by keyset, so that it costs the same on a market of a million contracts. What has
no deadline of its own is to be done within ``policy.SUPPORT_ANSWERS`` of when it came.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import Any, ClassVar, Final, TypeVar

from django.contrib import admin
from django.db.models import Model, Q, QuerySet, TextChoices
from django.utils.html import format_html
from django.utils.safestring import SafeString

from marketplace import clock, moments
from marketplace.models import User
from marketplace.support.sections import link, when

SUPPORT: Final = "Support"
PAGE: Final = 50
FIRST: Final = 8
"""So many stand on the desk's first page."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Who must act by when, and what happens if they do not.

    Attributes:
        who: a side's name, or support; empty once it is over.
        by: when; None while nobody's time runs.
        silence: what happens without them.
        over: what stands there instead once it is over.
    """

    who: str = ""
    by: datetime | None = None
    silence: str = ""
    over: str = ""

    @property
    def is_overdue(self) -> bool:
        return self.by is not None and self.by <= clock.now()


def settled(at: datetime | None) -> Clock:
    """Nobody has to act any more."""
    return Clock(over=f"settled {when(at)}")


def in_words(shown: Clock) -> SafeString | str:
    """When, and how long that is: what is overdue stands out."""
    if shown.by is None:
        return shown.over or "–"
    now = clock.now()
    left = moments.late(shown.by, now) if shown.is_overdue else moments.left(shown.by, now)
    kind = "overdue" if shown.is_overdue else "quiet"
    return format_html('{}<br><span class="{}">{}</span>', moments.full(shown.by), kind, left)


class HasClock:
    """The three columns of a list of what waits for somebody."""

    def clock_of(self, row: Any) -> Clock:
        raise NotImplementedError

    @admin.display(description="must act")
    def must_act(self, row: Any) -> str:
        return self.clock_of(row).who or "–"

    @admin.display(description="by when")
    def by_when(self, row: Any) -> SafeString | str:
        return in_words(self.clock_of(row))

    @admin.display(description="otherwise")
    def otherwise(self, row: Any) -> str:
        return self.clock_of(row).silence or "–"


CLOCK: Final = ("must_act", "by_when", "otherwise")


class Whose(TextChoices):
    """Whose clocks the page shows."""

    SUPPORT = "support", "Support must act"
    SIDES = "sides", "A side must act"
    ALL = "all", "All"

    @classmethod
    def read(cls, text: str) -> Whose:
        """What a link says; support's own for what is none."""
        return cls(text) if text in cls.values else cls.SUPPORT

    @property
    def of_support(self) -> bool | None:
        return None if self == Whose.ALL else self == Whose.SUPPORT


# All of it ---------------------------------------------------------------------------------------


class Source:
    """One kind of row that waits for somebody.

    Attributes:
        name: its place among what is due at the same moment; part of the page's cursor.
        permission: of those who see it.
        of_support: support must act, not a side.
        column: an indexed moment; ``later`` after it the time is over.
    """

    name: ClassVar[str]
    permission: ClassVar[str]
    of_support: ClassVar[bool]
    column: ClassVar[str]
    later: ClassVar[timedelta] = timedelta(0)

    def rows(self) -> QuerySet[Any]:
        """Exactly what waits, with what its words need."""
        raise NotImplementedError

    def clock(self, row: Any) -> Clock:
        raise NotImplementedError

    def words(self, row: Any) -> str:
        """What it is."""
        raise NotImplementedError

    def page(self, row: Any) -> Model:
        """The row on whose page it is looked at."""
        found: Model = row
        return found

    def contract(self, row: Any) -> str:
        """The reference and title of the contract it is about, if any."""
        raise NotImplementedError


S = TypeVar("S", bound="type[Source]")

_sources: list[Source] = []


def source(declared: S) -> S:
    """Have the rows of a source on the page."""
    _sources.append(declared())
    return declared


@dataclass(frozen=True, slots=True)
class Waits:
    """One line of the page."""

    at: datetime
    name: str
    pk: int
    link: SafeString | str
    contract: str
    clock: Clock

    @property
    def by_when(self) -> SafeString | str:
        return in_words(self.clock)

    @property
    def cursor(self) -> str:
        return f"{self.at.isoformat()}~{self.name}~{self.pk}"


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines, soonest first; ``after`` is where the next page begins, if there is one."""

    rows: Sequence[Waits]
    after: str = ""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The line after which a page begins."""

    at: datetime
    name: str
    pk: int

    @classmethod
    def read(cls, text: str) -> Cursor | None:
        """What a link says; None for the first page, and for what is no cursor."""
        at, _, rest = text.partition("~")
        name, _, pk = rest.partition("~")
        try:
            return cls(datetime.fromisoformat(at), name, int(pk))
        except ValueError:
            return None

    def rows_after(self, one: Source) -> Q:
        """Those of a source that come later: by moment, then name, then id."""
        at = self.at - one.later
        later = Q(**{f"{one.column}__gt": at})
        if one.name == self.name:
            return later | Q(**{one.column: at, "pk__gt": self.pk})
        return later | Q(**{one.column: at}) if one.name > self.name else later


def sources_for(user: User, *, of_support: bool | None = None) -> list[Source]:
    """What this person may see, of support's own or of the sides', or both."""
    return [
        one
        for one in sorted(_sources, key=attrgetter("name"))
        if user.has_perm(one.permission) and of_support in (None, one.of_support)
    ]


def page(sources: Sequence[Source], *, after: str = "", size: int = PAGE) -> Page:
    """The next lines across sources, in one query of each."""
    cursor = Cursor.read(after)
    lines = [_lines(one, cursor, size + 1) for one in sources]
    found = list(islice(merge(*lines, key=attrgetter("at", "name", "pk")), size + 1))
    shown = found[:size]
    return Page(shown, shown[-1].cursor if len(found) > size else "")


def _lines(one: Source, cursor: Cursor | None, most: int) -> Iterable[Waits]:
    rows = one.rows() if cursor is None else one.rows().filter(cursor.rows_after(one))
    for row in rows.order_by(one.column, "pk")[:most]:
        yield Waits(
            at=_moment(row, one.column) + one.later,
            name=one.name,
            pk=row.pk,
            link=link(one.page(row), one.words(row)),
            contract=one.contract(row),
            clock=one.clock(row),
        )


def _moment(row: Any, column: str) -> datetime:
    value = row
    for name in column.split("__"):
        value = getattr(value, name)
    assert isinstance(value, datetime)
    return value
