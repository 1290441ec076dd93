"""Amounts typed into forms."""

from __future__ import annotations

import pytest
from django import forms

from marketplace.fields import AmountField
from marketplace.money import Money


class PayForm(forms.Form):
    amount = AmountField(minimum=Money(500), maximum=Money(30_000))


@pytest.mark.parametrize(
    ("typed", "minor"), [("5", 500), (" $1,00 ", None), ("$12.5", 1250), ("300.00", 30_000)]
)
def test_amount_as_typed(typed, minor):
    form = PayForm({"amount": typed})

    assert form.is_valid() is (minor is not None)
    assert form.cleaned_data.get("amount") == (None if minor is None else Money(minor))


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Type an amount."),
        ("0", "Type an amount above zero."),
        ("-5", "Type an amount above zero."),
        ("4.99", "Type at least $5.00."),
        ("300.01", "Type at most $300.00."),
        ("5.001", "Use at most 2 decimals."),
        ("five", "Type an amount in figures, such as 25.00."),
    ],
)
def test_amount_refused_keeps_what_was_typed(typed, sentence):
    form = PayForm({"amount": typed})

    assert form.errors["amount"] == [sentence]
    assert form["amount"].value() == typed


def test_amount_given_beforehand_is_shown_as_it_is_typed():
    form = PayForm(initial={"amount": Money(123_450)})

    assert form["amount"].value() == "1234.50"


def test_limit_of_one_form_leaves_others_alone():
    form = PayForm({"amount": "1"})
    form.fields["amount"].limit(
        currency="EUR", maximum=Money(50, "EUR"), above="At most €0.50 is in escrow."
    )

    assert form.errors["amount"] == ["At most €0.50 is in escrow."]
    assert PayForm().fields["amount"].currency == "USD"


def test_amount_without_limits_is_held_to_the_policy():
    field = AmountField()

    with pytest.raises(forms.ValidationError, match=r"at most \$1,000,000.00"):
        field.clean("1000000.01")
