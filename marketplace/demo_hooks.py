"""What the demo bar must ask the upper floors, which register their answers at start."""

from __future__ import annotations

from collections.abc import Callable

from marketplace.models import Party

Finder = Callable[[str, Party], Party | None]

_finders: list[Finder] = []


def finds_other_side(finder: Finder) -> Finder:
    """Register a function that knows the other party of the page at a path.

    It is given the path and the acting party, and returns None for pages it does not know.
    """
    _finders.append(finder)
    return finder


def other_side(path: str, party: Party) -> Party | None:
    """The party on the other side of what a page shows, seen from the acting one."""
    found = (finder(path, party) for finder in _finders)
    return next((other for other in found if other is not None), None)
