"""How pages say where the money of a charge comes from."""

from __future__ import annotations

from contracts.funding import Quote
from marketplace.components import Effect


def sources(quote: Quote) -> list[Effect]:
    """Where the money comes from; parts of zero are left out."""
    rows = [
        Effect(term="From what is left in escrow", value=quote.from_escrow),
        Effect(term="From your credit", value=quote.from_credit),
        Effect(term="Charged now", value=quote.charge),
        Effect(term="Stays as your credit", value=quote.surplus, detail="the least a card takes"),
    ]
    return [row for row in rows if row.value]


def mark(quote: Quote) -> str:
    """The figures of a quote, to tell whether a person has seen them."""
    parts = (quote.from_escrow, quote.from_credit, quote.charge)
    return ":".join(str(part.minor) for part in parts)
