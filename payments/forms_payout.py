"""Input of the page on which a talent withdraws."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from marketplace import once
from marketplace.fields import AmountField
from marketplace.money import Money
from marketplace.refusals import InvalidInput
from payments import payouts
from payments.forms import PART, WHOLE, HowMuchForm
from payments.models import GatewayOperation
from payments.payouts import Plan
from payments.queries import WithdrawPage

LOOK_AGAIN: Final = "Here is what leaves your balance. Confirm it with Withdraw."


class WithdrawForm(HowMuchForm):
    """How much, and where it goes; ``shown`` says which figures the person has read."""

    choice = forms.ChoiceField(
        choices=[(WHOLE, "All of it"), (PART, "Another amount")],
        initial=WHOLE,
        error_messages={"required": "Choose how much to withdraw."},
    )
    amount = AmountField(label="Amount to withdraw", required=False)
    destination = forms.ChoiceField(
        error_messages=dict.fromkeys(("required", "invalid_choice"), payouts.NOWHERE)
    )
    key = forms.CharField(max_length=64, widget=forms.HiddenInput)
    shown = forms.CharField(required=False, max_length=120, widget=forms.HiddenInput)

    def __init__(self, page: WithdrawPage, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.page = page
        self.fields["key"].initial = once.new_key()
        amount, destination = self.fields["amount"], self.fields["destination"]
        assert isinstance(amount, AmountField)
        assert isinstance(destination, forms.ChoiceField)
        amount.limit(
            currency=page.currency,
            maximum=page.available,
            above=payouts.too_much(page.available),
        )
        destination.choices = [(one.token, one.label) for one in page.destinations]
        destination.initial = page.destinations[0].token if page.destinations else ""

    @property
    def plan(self) -> Plan | None:
        """What would happen with what stands in the form, if that can be."""
        try:
            amount = self._amount()
            return payouts.plan(amount, self.page.available) if amount else None
        except (ValidationError, InvalidInput):
            return None

    @property
    def goes_to(self) -> str:
        """How people call the place that is chosen; empty when none is."""
        chosen = self["destination"].value()
        return next((one.label for one in self.page.destinations if one.token == chosen), "")

    @property
    def mark(self) -> str:
        """The figures that are on the page, for the next time the form is sent."""
        plan = self.plan
        if plan is None:
            return ""
        return f"{plan.amount.minor}:{self['destination'].value()}:{plan.after.minor}"

    @property
    def has_shown(self) -> bool:
        return bool(self["shown"].value() == self.mark != "")

    def led_to(self, operation: GatewayOperation) -> bool:
        """Whether this withdrawal is what a form with these figures began."""
        shown = str(self["shown"].value() or "")
        return shown.startswith(f"{operation.amount.minor}:{operation.method}:")

    @property
    def whole_chosen(self) -> bool:
        return bool(self["choice"].value() == WHOLE)

    @property
    def places(self) -> list[dict[str, Any]]:
        """The places it can go to, one of them chosen."""
        chosen = self["destination"].value()
        return [{"method": one, "chosen": one.token == chosen} for one in self.page.destinations]

    def try_again(self) -> None:
        """What was asked for did not happen, and that is settled: sent again, it is a new try."""
        self.data = {**self.data.dict(), "key": once.new_key()}  # type: ignore[attr-defined]

    def _amount(self) -> Money | None:
        if self.whole_chosen:
            return self.page.available
        amount: Money | None = self.fields["amount"].clean(self["amount"].value())
        return amount
