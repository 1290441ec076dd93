"""Input of the money floor's pages."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from marketplace import once, policy
from marketplace.fields import AmountField
from marketplace.money import Money
from payments.models import Payment, Refund
from payments.refunds import RefundPreview

WHOLE: Final = "whole"
PART: Final = "part"


class RefundForm(forms.Form):
    """How much of a payment is refunded, and why.

    ``shown`` says which figures the person has read; only those are carried out.
    """

    choice = forms.ChoiceField(
        choices=[(WHOLE, "All of it"), (PART, "Another amount")],
        error_messages={"required": "Choose how much to refund."},
    )
    amount = AmountField(label="Amount to refund", required=False)
    reason = forms.CharField(
        label="Reason",
        required=False,
        max_length=policy.NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    key = forms.CharField(max_length=64, widget=forms.HiddenInput)
    shown = forms.CharField(required=False, max_length=100, widget=forms.HiddenInput)

    def __init__(self, payment: Payment, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.payment = payment
        self.fields["key"].initial = once.new_key()
        self.fields["reason"].help_text = f"{payment.book.client.name} will read it."
        amount = self.fields["amount"]
        assert isinstance(amount, AmountField)
        amount.limit(
            currency=payment.currency,
            maximum=payment.refundable,
            above=f"At most {payment.refundable} of this payment can still be refunded.",
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        choice, amount = cleaned.get("choice"), cleaned.get("amount")
        if choice == WHOLE and self["amount"].data:
            self.add_error("amount", "Leave this empty, or choose to refund another amount.")
        if choice == PART and amount is None and "amount" not in self.errors:
            self.add_error("amount", "Type an amount.")
        return cleaned

    @property
    def refund(self) -> Money:
        """What to refund, of a valid form."""
        if self.cleaned_data["choice"] == WHOLE:
            return self.payment.refundable
        amount: Money = self.cleaned_data["amount"]
        return amount

    @property
    def whole_chosen(self) -> bool:
        return bool(self["choice"].data == WHOLE)

    @property
    def part_chosen(self) -> bool:
        return bool(self["choice"].data == PART)

    def refuse(self, sentence: str) -> None:
        """Show a refusal beside what was chosen."""
        self.add_error("choice" if self.whole_chosen else "amount", sentence)

    def has_shown(self, planned: RefundPreview | Refund) -> bool:
        return bool(self.cleaned_data["shown"] == _figures(planned))

    def show(self, planned: RefundPreview) -> None:
        """Note that these figures are on the page that is about to be rendered."""
        self.data = {**self.data.dict(), "shown": _figures(planned)}  # type: ignore[attr-defined]


def _figures(planned: RefundPreview | Refund) -> str:
    parts = (planned.amount, planned.fee, planned.from_pending, planned.from_available)
    return ":".join(str(part.minor) for part in parts)
