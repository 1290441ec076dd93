"""A new contract, and the offer of it."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from contracts.forms.base import KeyedForm, Refusable, offer_methods, prose
from marketplace import policy
from marketplace.fields import AmountField
from marketplace.refusals import InvalidInput, Refused
from payments.gateways.base import Method


class NewContractForm(Refusable, KeyedForm):
    """A new contract of either kind: to whom, for what, and how it is paid."""

    talent = forms.ChoiceField(
        label="Who works",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose who gets the offer."},
    )
    email = forms.EmailField(
        label="Their e-mail address",
        required=False,
        max_length=policy.EMAIL_LENGTH,
        help_text="They get the offer by e-mail, also when they have no account yet.",
    )
    title = forms.CharField(label="Title", max_length=policy.TITLE_LENGTH)
    description = prose("What is to be done", required=False)
    currency = forms.ChoiceField(
        label="Currency", choices=[(one, one) for one in policy.CURRENCIES]
    )
    method = forms.ChoiceField(label="Pay with", required=False)

    OTHER: Final = "email"

    def __init__(
        self,
        *args: Any,
        partners: list[tuple[str, str]],
        methods: tuple[Method, ...],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        others = [(self.OTHER, "Somebody else, by e-mail")] if partners else []
        self.fields["talent"].choices = [*partners, *others]  # type: ignore[attr-defined]
        # An address alone says enough, as in a form that was sent before there were any partners.
        self.fields["talent"].required = not self.data.get("email")
        if not partners:
            del self.fields["talent"]
        offer_methods(self.fields["method"], methods)

    @property
    def has_partners(self) -> bool:
        return "talent" in self.fields

    @property
    def by_email(self) -> bool:
        """Whether the offer goes to the address that was typed."""
        if not self.has_partners or self.cleaned_data.get("talent") == self.OTHER:
            return True
        return not self.cleaned_data.get("talent") and "talent" not in self.errors

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.by_email and not cleaned.get("email") and "email" not in self.errors:
            self.add_error("email", "Type the e-mail address of who gets the offer.")
        if not self.by_email and cleaned.get("email"):
            self.add_error("email", "Leave this empty, or choose somebody else, by e-mail.")
        return cleaned

    def refuse(self, refused: Refused) -> None:
        """What is wrong with an invited talent is wrong with its address."""
        if isinstance(refused, InvalidInput) and refused.field == "talent" and self.by_email:
            refused = InvalidInput(refused.sentence, field="email")
        super().refuse(refused)

    @property
    def typed_currency(self) -> str:
        typed = self.data.get("currency") or self.initial.get("currency") or policy.CURRENCIES[0]
        return typed if typed in policy.CURRENCIES else policy.CURRENCIES[0]


class OfferForm(NewContractForm):
    """A fixed price: the first milestone, and when it is funded."""

    milestone = forms.CharField(label="Description", max_length=policy.TITLE_LENGTH)
    amount = AmountField(label="Amount")
    due_on = forms.DateField(
        label="Due date",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Type a date, such as 2026-12-24."},
    )
    fund = forms.ChoiceField(
        label="When is it funded?",
        choices=[
            (
                "now",
                "Fund it now: the money waits in escrow, and comes back if the offer is not taken",
            ),
            ("later", "Fund it later: nothing is charged now"),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose when the milestone is funded."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].limit(currency=self.typed_currency)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("fund") == "now" and not cleaned.get("method"):
            self.add_error("method", "Choose how to pay.")
        return cleaned
