"""Where the money for something comes from: quoted on a page, compared where it is moved."""

from __future__ import annotations

from dataclasses import dataclass, fields

from marketplace import policy
from marketplace.money import Money, zero
from marketplace.refusals import FiguresChanged


@dataclass(frozen=True, slots=True)
class Quote:
    """The parts add up to what is needed + ``surplus``.

    ``charge`` is what the payment method is charged: at least the gateway's minimum; what that
    takes beyond the need stays as credit (``surplus``).
    """

    from_escrow: Money
    from_credit: Money
    charge: Money
    surplus: Money


def quote(needed: Money, *, credit: Money, leftover: Money | None = None) -> Quote:
    """Leftover escrow first, then credit, then a charge for the rest (rule book).

    Args:
        credit: what the client's credit holds.
        leftover: escrow that may be used; hours use none.
    """
    from_escrow = min(leftover or zero(needed.currency), needed)
    from_credit = min(credit, needed - from_escrow)
    rest = needed - from_escrow - from_credit
    charge = max(rest, policy.minimum_charge(needed.currency)) if rest else rest
    return Quote(from_escrow, from_credit, charge, charge - rest)


def parts(quote: Quote) -> dict[str, Money]:
    """A quote's amounts by their names, in its order."""
    return {one.name: getattr(quote, one.name) for one in fields(quote)}


def mark(quote: Quote) -> str:
    """A quote in one word, for the form of the page that shows it."""
    return ":".join(str(part.minor) for part in parts(quote).values())


def is_mark_of(seen: str, needed: Money) -> bool:
    """Whether a mark is of a quote of this amount, wherever the money came from then."""
    typed = seen.split(":")
    if len(typed) != len(fields(Quote)) or not all(map(_is_whole, typed)):
        return False
    from_escrow, from_credit, charge, surplus = map(int, typed)
    return from_escrow + from_credit + charge - surplus == needed.minor


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
    if len(typed) != len(now) or not all(map(_is_whole, typed)):
        return now
    return {
        name: Money(int(minor), part.currency)
        for (name, part), minor in zip(now.items(), typed, strict=True)
    }


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdecimal()
