"""Input of the pages about credit that goes back, and about ways to pay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django import forms

from marketplace import once
from marketplace.fields import AmountField
from marketplace.money import Money
from payments.credits import Part, Sendable
from payments.forms import PART, HowMuchForm

ALL: Final = "all"
KEEP: Final = "keep"
BACK: Final = "back"


class CreditBackForm(HowMuchForm):
    """How much credit goes back: all that can, or less.

    ``shown`` says which figures the person has read; only those are carried out.
    """

    choice = forms.ChoiceField(
        choices=[(ALL, "All that can go back"), (PART, "Another amount")],
        error_messages={"required": "Choose how much to send back."},
    )
    amount = AmountField(label="Amount to send back", required=False)
    key = forms.CharField(max_length=64, widget=forms.HiddenInput)
    shown = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def __init__(self, found: Sendable, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.found = found
        self.fields["key"].initial = once.new_key()
        amount = self.fields["amount"]
        assert isinstance(amount, AmountField)
        amount.limit(currency=found.credit.currency)

    @property
    def chosen(self) -> Money:
        """How much, of a valid form."""
        if self.cleaned_data["choice"] == ALL:
            return self.found.possible
        amount: Money = self.cleaned_data["amount"]
        return amount

    @property
    def all_chosen(self) -> bool:
        return bool(self["choice"].value() == ALL)

    def has_shown(self, parts: Iterable[Part]) -> bool:
        return bool(self.cleaned_data["shown"] == figures(parts))

    def show(self, parts: Iterable[Part]) -> None:
        """Note that these figures are on the page that is about to be rendered."""
        self.data = {**self.data.dict(), "shown": figures(parts)}  # type: ignore[attr-defined]


class CreditChoiceForm(forms.Form):
    """What should happen to money that comes back to a client."""

    choice = forms.ChoiceField(
        choices=[(KEEP, "Keep it as credit"), (BACK, "Send it back at once")],
        error_messages={"required": "Choose what should happen."},
    )

    @property
    def goes_back(self) -> bool:
        """Of a valid form."""
        return bool(self.cleaned_data["choice"] == BACK)

    @property
    def keep_chosen(self) -> bool:
        return bool(self["choice"].value() == KEEP)

    @property
    def back_chosen(self) -> bool:
        return bool(self["choice"].value() == BACK)


def figures(parts: Iterable[Part]) -> str:
    """A mark of how much goes where."""
    return once.digest_of(parts=[[part.charge.pk, part.amount] for part in parts])
