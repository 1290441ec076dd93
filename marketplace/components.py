"""What the lists on pages are made of.

Plain values that queries hand to the component tags: a mistyped or missing field fails here,
where the list is made, and not as a gap in a page. docs/components.md shows their use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marketplace.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuItem:
    """One line of a menu: a link, a form that posts, or a dialog that opens."""

    label: str
    url: str = ""
    icon: str = ""
    method: str = "get"
    dialog: str = ""
    disabled_reason: str = ""
    separator_before: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """A tab is a link to a page; ``count`` may also be words such as "2 open"."""

    label: str
    url: str
    current: bool = False
    count: int | str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a contract's money.

    ``kind`` is one of paid, review, held, returned, refunded, planned, fee.
    """

    kind: str
    label: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One thing that will happen; ``was`` is the value people saw before it changed."""

    term: str
    value: Money | str
    detail: str = ""
    was: Money | str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stop on the way of an amount; ``state`` is past, here or future."""

    word: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """An amount, where it goes, and how far it is."""

    amount: Money | str
    what: str
    stages: Sequence[Stage]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Recorded time in minutes since midnight; ``kind`` is auto, manual, run or over."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DiaryDay:
    """A day of the week grid, with its total in words."""

    label: str
    total: str
    stretches: Sequence[Stretch] = ()
