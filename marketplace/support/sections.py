"""What stands on a row's page below its own facts: tables, links, and who did it when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from marketplace import moments
from marketplace.actors import Actor

ACTOR: Final = ("actor_membership__user", "actor_membership__party", "actor_staff")
"""To be read along with records whose actor is named."""

LATEST: Final = 100
"""So many rows of a table that may grow without end."""


@dataclass(frozen=True, slots=True)
class Section:
    """A table on a row's page; a cell is text, or markup that is known to be safe."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Any]]
    note: str = ""


Maker = Callable[[Any], Sequence[Section]]
M = TypeVar("M", bound=Maker)

_more: dict[type[Model], list[Maker]] = {}


def below(model: type[Model]) -> Callable[[M], M]:
    """Put an upper floor's tables on the page of a row of a lower one."""

    def declare(make: M) -> M:
        _more.setdefault(model, []).append(make)
        return make

    return declare


def more(row: Model) -> list[Section]:
    """What upper floors show below a row."""
    return [section for make in _more.get(type(row), ()) for section in make(row)]


def address(row: Model) -> str:
    """Where a row is looked at on the support desk."""
    return reverse(f"admin:{row._meta.label_lower.replace('.', '_')}_change", args=[row.pk])


def link(row: Model | None, words: str = "") -> SafeString | str:
    """A link to a row's page; nothing for no row."""
    if row is None:
        return "–"
    return format_html('<a href="{}">{}</a>', address(row), words or str(row))


def when(moment: datetime | None) -> str:
    return "–" if moment is None else moments.full(moment)


def who(actor: Actor) -> str:
    """Anna Bell for North Studio; Support, Sam Cole; Closeout."""
    if actor.membership is not None:
        return f"{actor.membership.user.name} for {actor.membership.party.name}"
    return f"Support, {actor.staff.name}" if actor.staff else "Closeout"
