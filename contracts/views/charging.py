"""How pages say where the money of a charge comes from."""

from __future__ import annotations

from typing import Final

from contracts import quotes
from contracts.quotes import Quote
from marketplace.components import Effect

_WORDS: Final = {
    "from_escrow": ("From what is left in escrow", ""),
    "from_credit": ("From your credit", ""),
    "charge": ("Charged now", ""),
    "surplus": ("Stays as your credit", "the least a card takes"),
}


def sources(quote: Quote, *, seen: str = "") -> list[Effect]:
    """Where the money comes from; parts of zero are left out.

    Args:
        seen: the mark that a form was sent with; what differs from it says what it was.
    """
    before = quotes.parts_seen(quote, seen)
    return [
        Effect(
            term=_WORDS[name][0],
            detail=_WORDS[name][1],
            value=value,
            was=None if before[name] == value else before[name],
        )
        for name, value in quotes.parts(quote).items()
        if value or before[name]
    ]
