"""Amounts: typed, formatted, divided, never lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace import money
from marketplace.money import CurrencyMismatch, Money, NotAnAmount

CURRENCIES = st.sampled_from(["JPY", "USD", "KWD"])  # no, two and three decimals
MINOR = st.integers(min_value=0, max_value=10**14)


@given(MINOR, CURRENCIES)
def test_amount_typed_and_parsed_is_the_same(minor, currency):
    amount = Money(minor, currency)

    assert money.parse(amount.typed(), currency) == amount


@given(MINOR, CURRENCIES)
def test_amount_formatted_and_parsed_is_the_same(minor, currency):
    amount = Money(minor, currency)

    assert money.parse(amount.format(), currency) == amount


@given(
    MINOR,
    st.lists(st.integers(min_value=0, max_value=10**6), min_size=1, max_size=20).filter(any),
    CURRENCIES,
)
def test_allocation_loses_nothing_and_stays_within_one_unit(minor, weights, currency):
    shares = Money(minor, currency).allocate(weights)

    assert money.total(shares, currency) == Money(minor, currency)
    for share, weight in zip(shares, weights, strict=True):
        exact = minor * weight // sum(weights)
        assert exact <= share.minor <= exact + 1
        assert weight or not share


@pytest.mark.parametrize(
    ("minor", "currency", "shown", "typed"),
    [
        (123450, "USD", "$1,234.50", "1234.50"),
        (1234, "JPY", "¥1,234", "1234"),
        (1234567, "KWD", "KWD1,234.567", "1234.567"),
        (5, "USD", "$0.05", "0.05"),
    ],
)
def test_amount_is_shown_with_the_decimals_of_its_currency(minor, currency, shown, typed):
    assert (Money(minor, currency).format(), Money(minor, currency).typed()) == (shown, typed)


@pytest.mark.parametrize(
    ("text", "minor"),
    [("25", 2500), (" $25.5 ", 2550), ("1,234.56", 123456), ("0.05", 5), ("7.", 700)],
)
def test_parse_reads_what_people_type(text, minor):
    assert money.parse(text, "USD") == Money(minor)


@pytest.mark.parametrize(
    ("text", "currency", "sentence"),
    [
        ("-5", "USD", "Type an amount above zero."),
        ("−5", "USD", "Type an amount above zero."),
        ("1.234", "USD", "Use at most 2 decimals."),
        ("1.5", "JPY", "Use no decimals."),
        ("five", "USD", "Type an amount in figures, such as 25.00."),
        ("", "USD", "Type an amount in figures, such as 25.00."),
        ("12,34", "USD", "Type an amount in figures, such as 25.00."),
        ("1e5", "USD", "Type an amount in figures, such as 25.00."),
        ("\N{ARABIC-INDIC DIGIT FIVE}", "USD", "Type an amount in figures, such as 25.00."),
        ("9" * 14, "USD", "This amount is too large."),
    ],
)
def test_parse_refuses_with_what_to_type(text, currency, sentence):
    with pytest.raises(NotAnAmount, match=sentence.replace(".", r"\.")):
        money.parse(text, currency)


def test_amounts_of_two_currencies_do_not_mix():
    with pytest.raises(CurrencyMismatch):
        Money(1, "USD") + Money(1, "EUR")
    with pytest.raises(CurrencyMismatch):
        assert Money(1, "USD") < Money(1, "EUR")


def test_amount_of_a_float_or_a_bool_is_an_error():
    for minor in (1.5, True):
        with pytest.raises(TypeError):
            Money(minor)


@pytest.mark.parametrize(
    ("minor", "basis_points", "share"), [(50000, 1000, 5000), (5, 1000, 1), (4, 1000, 0)]
)
def test_fraction_rounds_half_up(minor, basis_points, share):
    assert Money(minor).fraction(basis_points) == Money(share)


def test_proportion_of_a_zero_whole_is_zero():
    assert Money(100).proportion(Money(0), Money(0)) == Money(0)


def test_proportion_rounds_half_up():
    assert Money(5000).proportion(Money(1), Money(3)) == Money(1667)


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1, 5]])
def test_allocation_without_sensible_weights_is_an_error(weights):
    with pytest.raises(ValueError, match="weights"):
        Money(100).allocate(weights)
