"""Input of the money floor's pages."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from marketplace import once, policy
from marketplace.fields import AmountField
from marketplace.money import Money
from marketplace.refusals import InvalidInput, Refused
from payments import rules
from payments.models import Payment, Refund, RefundRequest
from payments.refunds import RefundPreview

ASKED: Final = "asked"
WHOLE: Final = "whole"
PART: Final = "part"


class HowMuchForm(forms.Form):
    """An amount is typed only where another one than those that can be chosen is meant.

    Forms of this kind have the fields ``choice`` and ``amount``.
    """

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        choice, amount = cleaned.get("choice"), cleaned.get("amount")
        if choice and choice != PART and self["amount"].data:
            self.add_error("amount", "Leave this empty, or choose another amount.")
        if choice == PART and amount is None and "amount" not in self.errors:
            self.add_error("amount", "Type an amount.")
        return cleaned

    @property
    def part_chosen(self) -> bool:
        return bool(self["choice"].value() == PART)

    def refuse(self, refused: Refused) -> None:
        """Show a refusal beside what it is about; an amount, beside what was chosen."""
        field = refused.field if isinstance(refused, InvalidInput) else None
        if field == "amount" and not self.part_chosen:
            field = "choice"
        self.add_error(field if field in self.fields else None, refused.sentence)


class BackForm(HowMuchForm):
    """How much of a payment goes back: all that is left of it, or part."""

    choice = forms.ChoiceField(choices=[(WHOLE, "All of it"), (PART, "Another amount")])
    amount = AmountField(label="Amount", required=False)
    reason = forms.CharField(
        label="Reason", max_length=policy.NOTE_LENGTH, widget=forms.Textarea(attrs={"rows": 3})
    )
    key = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, payment: Payment, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.payment = payment
        self.fields["key"].initial = once.new_key()
        amount = self.fields["amount"]
        assert isinstance(amount, AmountField)
        amount.limit(
            currency=payment.currency,
            maximum=payment.refundable,
            above=rules.left_of(payment),
        )

    @property
    def chosen(self) -> Money:
        """How much, of a valid form."""
        if self.cleaned_data["choice"] == WHOLE:
            return self.payment.refundable
        amount: Money = self.cleaned_data["amount"]
        return amount

    @property
    def whole_chosen(self) -> bool:
        return bool(self["choice"].value() == WHOLE)


class RefundForm(BackForm):
    """How much of a payment is refunded, and why; what the client asks for is a choice of its own.

    ``shown`` says which figures, and which request, the person has read; only those are carried
    out.
    """

    shown = forms.CharField(required=False, max_length=120, widget=forms.HiddenInput)

    def __init__(
        self, payment: Payment, request: RefundRequest | None, *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(payment, *args, **kwargs)
        self.request = request
        choice, reason = self.fields["choice"], self.fields["reason"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [(ASKED, "What was asked for"), *choice.choices]  # type: ignore[misc]
        choice.error_messages["required"] = "Choose how much to refund."
        self.fields["amount"].label = "Amount to refund"
        reason.required = False
        reason.help_text = f"{payment.book.client.name} will read it."

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("choice") == ASKED and self.asked is None:
            client = self.payment.book.client.name
            self.add_error("choice", f"{client} does not ask for that any more.")
        return cleaned

    @property
    def asked(self) -> Money | None:
        """What the client asks for, when that is less than all that is left."""
        if self.request is None or self.request.amount >= self.payment.refundable:
            return None
        amount: Money = self.request.amount
        return amount

    @property
    def chosen(self) -> Money:
        if self.cleaned_data["choice"] == ASKED:
            assert self.asked is not None
            return self.asked
        return super().chosen

    @property
    def asked_chosen(self) -> bool:
        return bool(self["choice"].value() == ASKED)

    def has_shown(self, planned: RefundPreview) -> bool:
        return bool(self.cleaned_data["shown"] == _figures(planned, self.request))

    def led_to(self, refund: Refund) -> bool:
        """Whether this refund is what a form with these figures did."""
        answered = getattr(refund, "request", None)
        return bool(self["shown"].value() == _figures(refund, answered))

    def show(self, planned: RefundPreview) -> None:
        """Note that these figures are on the page that is about to be rendered."""
        shown = _figures(planned, self.request)
        self.data = {**self.data.dict(), "shown": shown}  # type: ignore[attr-defined]


class AskRefundForm(BackForm):
    """How much of a payment the client asks for, and why."""

    def __init__(self, payment: Payment, *args: Any, **kwargs: Any) -> None:
        super().__init__(payment, *args, **kwargs)
        talent = payment.book.talent.name
        self.fields["choice"].error_messages["required"] = "Choose how much to ask for."
        self.fields["amount"].label = "Amount to ask for"
        self.fields["reason"].help_text = f"{talent} will read it."
        self.fields["reason"].error_messages["required"] = f"Say why, so that {talent} can decide."


class DeclineForm(forms.Form):
    """Why the talent does not refund what was asked for; it need not say."""

    because = forms.CharField(
        label="Reason",
        required=False,
        max_length=policy.NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


def _figures(planned: RefundPreview | Refund, request: RefundRequest | None) -> str:
    parts = (planned.amount, planned.fee, planned.from_pending, planned.from_available)
    return ":".join(str(part.minor) for part in parts) + (f":{request.pk}" if request else "")
