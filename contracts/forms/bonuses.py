"""Input about bonuses, and its messages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django import forms

from contracts import quotes, weeks
from contracts.forms.base import KeyedForm, MethodForm, Refusable, prose
from contracts.models import Contract
from marketplace import money, policy
from marketplace.fields import AmountField
from marketplace.money import Money, NotAnAmount
from marketplace.refusals import InvalidInput, Refused

SEGMENT: Final = policy.SEGMENT // timedelta(minutes=1)
HOUR: Final = 60


class BonusForm(MethodForm):
    """How much, and a note for who receives it."""

    amount = AmountField(label="Amount")
    note = prose("Note", rows=2, limit=policy.NOTE_LENGTH, required=False)
    request = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, contract: Contract, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        limit_to_bonuses(self.fields["amount"], contract.currency)
        self.fields["note"].label = f"Note to {contract.talent.name}"
        self.fields["note"].help_text = f"{contract.talent.name} will read it."
        self.currency = contract.currency

    @property
    def bonus(self) -> Money | None:
        """The amount whose figures are shown: what stands in the field, if it is one."""
        if self.is_bound:
            typed: Money | None = getattr(self, "cleaned_data", {}).get("amount")
            return typed
        return _amount(self.initial.get("amount"), self.currency)

    def seen_for(self, amount: Money) -> str:
        """The mark of what was read, if it was read for this amount: what changed stands out."""
        return self.seen if quotes.is_mark_of(self.seen, amount) else ""


class AskForm(Refusable, KeyedForm):
    """Time that was not recorded, what it is worth, and why the diary does not have it.

    ``shown`` is the amount that was read.
    """

    hours = forms.IntegerField(
        label="Hours",
        min_value=0,
        max_value=policy.WEEKLY_HOURS,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages=dict.fromkeys(
            ("invalid", "min_value", "max_value"),
            f"Type whole hours, at most {policy.WEEKLY_HOURS}.",
        ),
    )
    minutes = forms.TypedChoiceField(
        label="Minutes",
        coerce=int,
        required=False,
        choices=[(one, f"{one:02}") for one in range(0, HOUR, SEGMENT)],
        error_messages={"invalid_choice": "Choose whole segments."},
    )
    amount = AmountField(label="Amount", required=False)
    reason = prose(
        "Why is it not in the Work Diary?",
        rows=3,
        limit=policy.NOTE_LENGTH,
        error_messages={"required": "Say why this time is not in the Work Diary."},
    )

    shown = forms.CharField(required=False, max_length=20, widget=forms.HiddenInput)

    def __init__(self, *args: Any, contract: Contract, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rate: Money = contract.rate or money.zero(contract.currency)
        limit_to_bonuses(self.fields["amount"], contract.currency)
        self.fields["reason"].help_text = f"{contract.client.name} will read it."

    @property
    def time(self) -> int:
        """In minutes, of what was typed so far."""
        typed = getattr(self, "cleaned_data", {})
        return int(typed.get("hours") or 0) * HOUR + int(typed.get("minutes") or 0)

    @property
    def worth(self) -> Money:
        """The rate × the time."""
        return weeks.amount(self.rate, self.time)

    @property
    def asked(self) -> Money:
        """What is asked for: the amount that was typed, otherwise what the time is worth."""
        typed: Money | None = getattr(self, "cleaned_data", {}).get("amount")
        return self.worth if typed is None else typed

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.time and not {"hours", "minutes"} & set(self.errors):
            self.add_error("hours", "Type how much time it was.")
        return cleaned

    def refuse(self, refused: Refused) -> None:
        """What is wrong with the time stands at its first field."""
        if isinstance(refused, InvalidInput) and refused.field == "minutes":
            refused = InvalidInput(refused.sentence, field="hours")
        super().refuse(refused)


class DeclineForm(Refusable, forms.Form):
    """Why the client says no; may be left empty."""

    because = prose("Reason", rows=2, limit=policy.NOTE_LENGTH, required=False)

    def __init__(self, *args: Any, other: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["because"].help_text = f"{other} will read it."


def limit_to_bonuses(field: Any, currency: str) -> None:
    """An amount that a bonus may have."""
    field.limit(currency=currency, minimum=policy.minimum_bonus(currency))


def _amount(given: Any, currency: str) -> Money | None:
    """An initial value: an amount of ours, or what was typed before signing in."""
    if given is None or isinstance(given, Money):
        return given
    try:
        return money.parse(str(given), currency)
    except NotAnAmount:
        return None
