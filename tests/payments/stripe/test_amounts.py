"""Amounts as Stripe writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.money import Money
from payments.gateways.stripe import amounts

CURRENCIES = ("USD", "EUR", "JPY", "KWD", "ISK", "UGX", "HUF", "MGA")


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (Money(5_000, "USD"), 5_000),
        (Money(500, "JPY"), 500),
        (Money(5_120, "KWD"), 5_120),
        (Money(5, "ISK"), 500),
        (Money(5, "UGX"), 500),
        (Money(1_005, "HUF"), 1_005),
    ],
)
def test_charge_is_written_as_stripe_does(amount, written):
    assert amounts.to_charge(amount) == written
    assert amounts.read(written, amount.currency.lower()) == amount


@pytest.mark.parametrize("amount", [Money(5_124, "KWD"), Money(1, "BHD")])
def test_thousandths_cannot_be_charged(amount):
    with pytest.raises(amounts.NotPossible, match="no such small coins"):
        amounts.to_charge(amount)


def test_forint_is_paid_out_whole():
    assert amounts.to_pay_out(Money(1_000, "HUF")) == 1_000
    with pytest.raises(amounts.NotPossible):
        amounts.to_pay_out(Money(1_005, "HUF"))


def test_part_of_a_coin_is_no_amount():
    with pytest.raises(ValueError, match="no whole amount"):
        amounts.read(550, "isk")


@given(st.sampled_from(CURRENCIES), st.integers(1, 10**9))
def test_what_is_written_reads_the_same(currency, minor):
    amount = Money(minor, currency)
    try:
        written = amounts.to_charge(amount)
    except amounts.NotPossible:
        assert currency == "KWD"
        assert minor % 10
    else:
        assert amounts.read(written, currency.lower()) == amount
