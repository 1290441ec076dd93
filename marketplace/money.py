"""Money: integer minor units and a currency, never a float, never a bare decimal.

The one type in which amounts travel between functions. Columns hold the minor units beside a
currency; :func:`money_property` reads the pair back as :class:`Money`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache, total_ordering
from typing import Any, Final

from babel.numbers import format_currency, get_currency_precision

BASIS_POINTS: Final = 10_000
LOCALE: Final = "en_US"

_TYPED: Final = re.compile(r"(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?:\.(?P<fraction>\d*))?")


class CurrencyMismatch(ValueError):
    """Amounts of different currencies were added, subtracted or compared."""


class NotAnAmount(ValueError):
    """What was typed is not an amount of this currency; the message is for people."""


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (cents for USD) of one ISO 4217 currency."""

    minor: int
    currency: str = "USD"

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"minor units are whole numbers, not {type(self.minor).__name__}")

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __str__(self) -> str:
        return self.format()

    def _same(self, other: Money) -> int:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not mix")
        return other.minor

    def format(self) -> str:
        """The amount as people read it: ``$1,234.50``."""
        return _formatted(self.minor, self.currency)

    def typed(self) -> str:
        """The amount as people type it into a field: ``1234.50``."""
        places = exponent(self.currency)
        return f"{Decimal(self.minor).scaleb(-places):.{places}f}"

    def fraction(self, basis_points: int) -> Money:
        """A share of this amount in basis points, half up to the minor unit.

        Args:
            basis_points: hundredths of a percent; 1,000 is ten percent.
        """
        return Money(half_up(self.minor * basis_points, BASIS_POINTS), self.currency)

    def proportion(self, part: Money, whole: Money) -> Money:
        """This amount × part ÷ whole, half up to the minor unit; zero of a zero whole."""
        if not whole:
            return Money(0, self.currency)
        return Money(half_up(self.minor * self._same(part), self._same(whole)), self.currency)

    def allocate(self, weights: Sequence[int]) -> list[Money]:
        """Split by weights without losing a minor unit; the remainder goes to the first ones.

        Raises:
            ValueError: no weights, a negative one, or all of them zero.
        """
        total = sum(weights)
        if total <= 0 or any(weight < 0 for weight in weights):
            raise ValueError("weights are not negative and not all zero")
        shares = [self.minor * weight // total for weight in weights]
        takers = [index for index, weight in enumerate(weights) if weight]
        for index in takers[: self.minor - sum(shares)]:
            shares[index] += 1
        return [Money(share, self.currency) for share in shares]


def zero(currency: str) -> Money:
    return Money(0, currency)


def total(amounts: Sequence[Money], currency: str) -> Money:
    """The sum of amounts of one currency; zero of that currency when there are none."""
    return sum(amounts, start=Money(0, currency))


def half_up(numerator: int, denominator: int) -> int:
    """Divide two whole numbers, rounding halves away from zero (both not negative)."""
    return (2 * numerator + denominator) // (2 * denominator)


@lru_cache
def exponent(currency: str) -> int:
    """How many decimals the currency has: 2 for USD, 0 for JPY, 3 for KWD."""
    return get_currency_precision(currency)


def parse(text: str, currency: str) -> Money:
    """What a person typed, as an amount.

    Args:
        text: digits, with commas between thousands and a point before the decimals if wanted;
            the currency's sign is allowed in front.
        currency: ISO 4217 code.

    Raises:
        NotAnAmount: with a sentence that says what to type.
    """
    cleaned = text.strip().removeprefix(_sign(currency)).strip()
    if cleaned.startswith(("-", "−")):
        raise NotAnAmount("Type an amount above zero.")
    typed = _TYPED.fullmatch(cleaned)
    if typed is None or not cleaned.isascii():
        raise NotAnAmount(f"Type an amount in figures, such as {Money(2500, currency).typed()}.")
    places = exponent(currency)
    fraction = typed["fraction"] or ""
    if len(fraction) > places:
        raise NotAnAmount(f"Use at most {places} decimals." if places else "Use no decimals.")
    digits = typed["whole"].replace(",", "") + fraction.ljust(places, "0")
    if len(digits) > 15:
        raise NotAnAmount("This amount is too large.")
    return Money(int(digits), currency)


def money_property(column: str) -> Any:
    """A read-only attribute that pairs a minor-units column with the row's ``currency``."""

    def read(row: Any) -> Money | None:
        minor = getattr(row, column)
        return None if minor is None else Money(minor, row.currency)

    return property(read)


@lru_cache(maxsize=4096)
def _formatted(minor: int, currency: str) -> str:
    amount = Decimal(minor).scaleb(-exponent(currency))
    return format_currency(amount, currency, locale=LOCALE)


@lru_cache
def _sign(currency: str) -> str:
    return format_currency(0, currency, locale=LOCALE, format="¤")
