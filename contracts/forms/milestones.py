"""Milestones: planned, submitted, approved."""

from __future__ import annotations

from typing import Any

from django import forms

from contracts.forms.base import (
    PART,
    WHOLE,
    KeyedForm,
    LinksField,
    Refusable,
    amount_goes_with_part,
    prose,
)
from marketplace import policy
from marketplace.fields import AmountField
from marketplace.money import Money


class MilestoneForm(Refusable, KeyedForm):
    """A milestone's description, amount and due date."""

    title = forms.CharField(label="Description", max_length=policy.TITLE_LENGTH)
    amount = AmountField(label="Amount")
    due_on = forms.DateField(
        label="Due date",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Type a date, such as 2026-12-24."},
    )

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].limit(currency=currency)  # type: ignore[attr-defined]


class SubmitForm(Refusable, forms.Form):
    """Work handed in."""

    message = prose("What have you done?")
    links = LinksField(label="Links to the work")


class ChangesForm(Refusable, forms.Form):
    wanted = prose("What should change?")


class ApproveForm(Refusable, KeyedForm):
    """How much of a milestone is released. ``shown`` is the amount whose figures were read."""

    choice = forms.ChoiceField(
        choices=[(WHOLE, "The whole milestone"), (PART, "Part of it")],
        error_messages={"required": "Choose how much to release."},
    )
    amount = AmountField(label="Amount to release", required=False)
    shown = forms.CharField(required=False, max_length=20, widget=forms.HiddenInput)

    def __init__(self, *args: Any, whole: Money, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.whole = whole
        self.fields["amount"].limit(  # type: ignore[attr-defined]
            currency=whole.currency,
            maximum=whole,
            above=f"At most {whole}, the amount of this milestone, can be released.",
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        amount_goes_with_part(self, cleaned, part=PART)
        return cleaned

    @property
    def chosen(self) -> str:
        return str(self["choice"].value() or "")

    @property
    def release(self) -> Money:
        """What to release: the whole until what was typed makes another amount."""
        if not self.is_bound or {"choice", "amount"} & set(self.errors):
            return self.whole
        amount: Money | None = self.cleaned_data["amount"]
        return self.whole if amount is None else amount
