"""How pages say where the money of a charge comes from."""

from __future__ import annotations

from marketplace.components import Effect
from marketplace.money import Money


def sources(
    *, from_credit: Money, charge: Money, surplus: Money, from_escrow: Money | None = None
) -> list[Effect]:
    """Where the money comes from; parts of zero are left out."""
    return [
        Effect(term=term, value=value, detail=detail)
        for term, value, detail in (
            ("From what is left in escrow", from_escrow, ""),
            ("From your credit", from_credit, ""),
            ("Charged now", charge, ""),
            ("Stays as your credit", surplus, "the least a card takes"),
        )
        if value
    ]


def mark(*parts: Money) -> str:
    """The figures of a quote, to tell whether a person has seen them."""
    return ":".join(str(part.minor) for part in parts)
