"""Input about the terms of hourly contracts, and about who works on a contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet

from contracts.forms.base import Refusable, prose
from contracts.forms.offers import NewContractForm
from marketplace import policy
from marketplace.fields import AmountField
from marketplace.models import Membership

WHOLE_HOURS = f"Type whole hours from 1 to {policy.WEEKLY_HOURS}."


def hours_field(label: str) -> forms.IntegerField:
    """A weekly limit, in whole hours."""
    return forms.IntegerField(
        label=label,
        min_value=1,
        max_value=policy.WEEKLY_HOURS,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value", "max_value"), WHOLE_HOURS
        ),
    )


class HourlyOfferForm(NewContractForm):
    """Hours: the rate, the weekly limit, whether time may be typed in, and what is charged."""

    rate = AmountField(label="Rate")
    hours = hours_field("Weekly limit")
    manual_time = forms.BooleanField(
        label="Manual time is allowed: time may also be typed in, not only recorded by a timer",
        required=False,
    )
    method = forms.ChoiceField(
        label="Charge the hours to", error_messages={"required": "Choose how to pay."}
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        currency = self.typed_currency
        self.fields["rate"].limit(  # type: ignore[attr-defined]
            currency=currency,
            minimum=policy.minimum_rate(currency),
            maximum=policy.maximum_rate(currency),
        )


class AcceptForm(Refusable, forms.Form):
    """Who works on a contract; for a talent of one person there is nothing to choose."""

    works = forms.MultipleChoiceField(
        label="Who works on it?",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "Choose people of your team."},
    )

    def __init__(self, *args: Any, team: Sequence[Membership], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.team = team
        self.fields["works"].choices = [  # type: ignore[attr-defined]
            (str(one.pk), f"{one.user.name} ({one.get_role_display().lower()})") for one in team
        ]

    @property
    def chosen(self) -> list[Membership]:
        return [one for one in self.team if str(one.pk) in self.cleaned_data["works"]]


class PersonForm(Refusable, forms.Form):
    """One of the team, to be assigned or released."""

    membership = forms.ModelChoiceField(
        queryset=Membership.objects.none(),
        error_messages=dict.fromkeys(("required", "invalid_choice"), "Choose one of your team."),
    )

    def __init__(self, *args: Any, people: QuerySet[Membership], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["membership"].queryset = people  # type: ignore[attr-defined]


class LimitForm(Refusable, forms.Form):
    hours = hours_field("New limit")


class ReleaseForm(Refusable, forms.Form):
    """What the talent of a dormant contract writes with its question, if anything."""

    note = prose("Note", rows=3, limit=policy.NOTE_LENGTH, required=False)

    def __init__(self, *args: Any, other: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["note"].help_text = f"{other} will read it."


class NoteForm(Refusable, forms.Form):
    """An optional reason, which the other side reads."""

    reason = prose("Reason", rows=2, limit=policy.NOTE_LENGTH, required=False)

    def __init__(self, *args: Any, other: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = f"{other} will read it."
