"""What waits for a side: the shape in which the row of My Jobs and the room's strip show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from marketplace.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A button of the strip: a link, or a form that posts."""

    label: str
    url: str
    main: bool = False
    posts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits.

    Attributes:
        words: short, for a row of My Jobs.
        note: the row's small line, when there is no deadline.
        title, detail: the strip's sentence, and what goes with it.
        until: when silence decides; ``then`` says what, with ``amount`` where money is at stake.
        owes: it is about money that is owed.
    """

    words: str
    icon: str
    url: str
    title: str
    note: str = ""
    detail: str = ""
    until: datetime | None = None
    amount: Money | None = None
    then: str = ""
    owes: bool = False
    actions: Sequence[Action] = ()
