"""The support desk's first page, below the clocks: how much waits, and whether all runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from django.db.models import QuerySet

from marketplace.models import User

MANY: Final = 100

F = TypeVar("F", bound=Callable[[], "Panel"])


@dataclass(frozen=True, slots=True)
class Panel:
    """One box: how much waits, and where all of it is."""

    title: str
    address: str
    summary: str


@dataclass(frozen=True, slots=True)
class _Declared:
    place: int
    permission: str
    make: Callable[[], Panel]


_panels: list[_Declared] = []


def panel(*, place: int, permission: str) -> Callable[[F], F]:
    """Put a box on the first page.

    Args:
        place: its order.
        permission: of those who see it.
    """

    def declare(function: F) -> F:
        _panels.append(_Declared(place, permission, function))
        return function

    return declare


def panels_for(user: User) -> list[Panel]:
    declared = sorted(_panels, key=lambda one: one.place)
    return [one.make() for one in declared if user.has_perm(one.permission)]


def how_many(rows: QuerySet[Any]) -> str:
    """How many rows wait, counted no further than anybody wants to know."""
    number = rows.order_by()[:MANY].count()
    return f"{MANY} or more" if number == MANY else str(number)
