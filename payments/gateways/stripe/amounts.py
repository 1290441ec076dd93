"""Amounts as Stripe writes them: its minor units differ from ours for some currencies."""

from __future__ import annotations

from typing import Final

from marketplace.money import Money, exponent

ZERO_DECIMAL: Final = frozenset(
    (
        *("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA"),
        *("PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"),
    )
)
THREE_DECIMAL: Final = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))
"""Written with three decimals, of which the last has to be zero."""
WHOLE_CHARGES: Final = frozenset(("ISK", "UGX"))
WHOLE_PAYOUTS: Final = frozenset(("HUF", "ISK", "TWD", "UGX"))
"""Written with two decimals, which have to be zero."""


class NotPossible(ValueError):
    """Stripe cannot move this amount; the message is for people."""


def to_charge(amount: Money) -> int:
    """An amount that is charged or given back.

    Raises:
        NotPossible: see there.
    """
    return _written(amount, whole=amount.currency in WHOLE_CHARGES)


def to_pay_out(amount: Money) -> int:
    """An amount that is sent to a bank account.

    Raises:
        NotPossible: see there.
    """
    return _written(amount, whole=amount.currency in WHOLE_PAYOUTS)


def read(minor: int, currency: str) -> Money:
    """An amount that Stripe names.

    Raises:
        ValueError: it has more decimals than the currency.
    """
    code = currency.upper()
    step = _places(code) - exponent(code)
    ours, rest = divmod(minor * _ten(-step), _ten(step))
    if rest:
        raise ValueError(f"{minor} of {code} is no whole amount")
    return Money(ours, code)


def _written(amount: Money, *, whole: bool) -> int:
    code = amount.currency
    step = _places(code) - exponent(code)
    written, rest = divmod(amount.minor * _ten(step), _ten(-step))
    needed = 100 if whole else 10 if code in THREE_DECIMAL else 1
    if rest or written % needed:
        raise NotPossible(f"{amount} cannot be moved: {code} has no such small coins at the bank.")
    return written


def _ten(steps: int) -> int:
    """Ten to the power of the steps, one when they lead the other way."""
    power: int = 10 ** max(steps, 0)
    return power


def _places(currency: str) -> int:
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2
