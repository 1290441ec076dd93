"""Figures that a page quoted, kept with its form, and compared where the money is moved."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, TypeAlias

from marketplace.money import Money
from marketplace.refusals import FiguresChanged

if TYPE_CHECKING:
    from contracts import billing, funding

    Quote: TypeAlias = funding.Quote | billing.Quote


def parts(quote: Quote) -> dict[str, Money]:
    """A quote's amounts by their names, in its order."""
    return {one.name: getattr(quote, one.name) for one in fields(quote)}


def mark(quote: Quote) -> str:
    """A quote in one word, for the form of the page that shows it."""
    return ":".join(str(part.minor) for part in parts(quote).values())


def refuse_changed(quote: Quote, seen: str | None) -> None:
    """What a person read is what is taken. The book is locked.

    Args:
        seen: the mark of what was read; None from callers that are no forms.

    Raises:
        FiguresChanged: it is another quote now.
    """
    if seen is not None and seen != mark(quote):
        raise FiguresChanged("The figures have changed since you saw them. Nothing was charged.")


def parts_seen(quote: Quote, seen: str) -> dict[str, Money]:
    """The amounts behind a mark, to tell what was; those of now when it is no mark of ours."""
    now, typed = parts(quote), seen.split(":")
    if len(typed) != len(now) or not all(one.isascii() and one.isdecimal() for one in typed):
        return now
    return {
        name: Money(int(minor), part.currency)
        for (name, part), minor in zip(now.items(), typed, strict=True)
    }
