"""What stands above a row, or above a list: links to related rows, and actions.

An upper floor may give a tool to a row of a lower one: the contract's link on its book's page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar, cast

from django.db.models import Model
from django.http import HttpRequest

from marketplace.actors import Actor
from marketplace.models import User
from marketplace.refusals import Refusal

_tools: dict[type[Model], list[Tool]] = {}

T = TypeVar("T", bound="type[Tool]")


class Tool:
    """One link; the subclass says for which model, for whom, and where it leads."""

    model: ClassVar[type[Model]]
    label: ClassVar[str]
    permission: ClassVar[str]
    of_row: ClassVar[bool] = True

    def address(self, row: Any) -> str:
        """Where it leads."""
        raise NotImplementedError

    def refusal(self, row: Any, by: Actor) -> Refusal | None:
        """Why not now; the link is then shown as words."""
        return None


@dataclass(frozen=True, slots=True)
class Shown:
    """A tool as a page shows it: a link, or why there is none."""

    label: str
    address: str
    refusal: Refusal | None


def person(request: HttpRequest) -> User:
    """Who asks, behind the admin's door."""
    return cast("User", request.user)


def tool(declared: T) -> T:
    """Put a tool on the pages of its model."""
    _tools.setdefault(declared.model, []).append(declared())
    return declared


def of_model(model: type[Model]) -> list[Tool]:
    return _tools.get(model, [])


def every() -> list[Tool]:
    return [one for tools in _tools.values() for one in tools]


def of_row(row: Model, user: User) -> list[Shown]:
    """What this person finds above a row."""
    by = Actor.support(user)
    return [
        Shown(one.label, one.address(row), one.refusal(row, by))
        for one in of_model(type(row))
        if one.of_row and user.has_perm(one.permission)
    ]


def of_list(model: type[Model], user: User) -> list[Shown]:
    """What this person finds above a list."""
    return [
        Shown(one.label, one.address(None), None)
        for one in of_model(model)
        if not one.of_row and user.has_perm(one.permission)
    ]
