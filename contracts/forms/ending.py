"""The end of a contract, and asking for it."""

from __future__ import annotations

from typing import Any

from django import forms

from contracts.forms.base import Refusable, amount_goes_with_part, prose
from contracts.plans import Choice, ChoiceKind, above_escrow
from contracts.states import EndReason
from marketplace import policy
from marketplace.fields import AmountField
from marketplace.money import Money


class EndForm(Refusable, forms.Form):
    """How a contract is ended.

    ``seen`` is the signed record of the facts the figures were made from, ``shown`` which choice
    they were shown for.
    """

    choice = forms.ChoiceField(
        required=False,
        choices=[
            (ChoiceKind.ALL.value, "Pay all of it"),
            (ChoiceKind.PART.value, "Pay another amount"),
            (ChoiceKind.NOTHING.value, "Pay nothing and request an escrow refund"),
        ],
    )
    amount = AmountField(label="Amount to pay", required=False)
    gives_up = forms.BooleanField(required=False)
    reason = forms.ChoiceField(
        label="Reason",
        required=False,
        choices=[("", "No reason given"), *EndReason.choices],
        help_text="Only you and support see it.",
    )
    note = prose("Note", rows=2, limit=policy.NOTE_LENGTH, required=False)
    seen = forms.CharField(required=False, max_length=20_000, widget=forms.HiddenInput)
    shown = forms.CharField(required=False, max_length=100, widget=forms.HiddenInput)

    def __init__(self, *args: Any, escrow: Money, asks: bool, other: str, **kwargs: Any) -> None:
        """Make the form for one side.

        Args:
            escrow: what is held now.
            asks: whether this side decides about it; nothing is typed about it otherwise.
            other: the name of who will read the note.
        """
        super().__init__(*args, **kwargs)
        self.asks = asks
        self.fields["note"].label = f"Note to {other}"
        self.fields["note"].help_text = f"{other} will read it."
        self.fields["amount"].limit(  # type: ignore[attr-defined]
            currency=escrow.currency, maximum=escrow, above=above_escrow(escrow)
        )
        if not asks:
            del self.fields["choice"], self.fields["amount"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.asks:
            return cleaned
        if not cleaned.get("choice") and "choice" not in self.errors:
            self.add_error("choice", "Choose what should happen to the money in escrow.")
        amount_goes_with_part(self, cleaned, part=ChoiceKind.PART.value)
        return cleaned

    @property
    def decided(self) -> Choice | None:
        """The choice, as far as what was typed makes one."""
        if not self.asks:
            return Choice.nothing()
        if not self.is_bound:
            return None
        kind, amount = self.cleaned_data.get("choice"), self.cleaned_data.get("amount")
        if not kind or "amount" in self.errors or "choice" in self.errors:
            return None
        return Choice(ChoiceKind(kind), amount if kind == ChoiceKind.PART else None)

    @property
    def chosen(self) -> str:
        """What was chosen, also when nothing is left to decide about."""
        given = self.data if self.is_bound else self.initial
        return str(given.get("choice") or "")


class AskToEndForm(Refusable, forms.Form):
    """A member asks their owners and managers to end a contract."""

    text = forms.CharField(
        label="A line for them",
        required=False,
        max_length=policy.MEMO_LENGTH,
        help_text="They read it with your name.",
    )
