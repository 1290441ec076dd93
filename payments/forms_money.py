"""Input of the Payments page: which movements are asked for."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q

from marketplace.models import Party
from payments.models import Book
from payments.queries import Asked, kinds_of

_DAY: Final = {"invalid": "Type a day such as 2026-11-19."}


class _DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class MoneyFilter(forms.Form):
    """A plain search form: nothing typed means everything.

    Args:
        party: whose contracts and kinds can be chosen.
    """

    contract = forms.CharField(label="Contract reference", required=False, max_length=40)
    kind = forms.ChoiceField(label="Kind", required=False)
    since = forms.DateField(
        label="From (UTC)", required=False, widget=_DayInput, error_messages=_DAY
    )
    until = forms.DateField(label="To (UTC)", required=False, widget=_DayInput, error_messages=_DAY)

    def __init__(self, party: Party, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.party = party
        kind = self.fields["kind"]
        assert isinstance(kind, forms.ChoiceField)
        kind.choices = [("", "All kinds"), *((key, one[0]) for key, one in kinds_of(party).items())]
        kind.error_messages["invalid_choice"] = "Choose one of the kinds."

    def clean_contract(self) -> Book | None:
        typed = self.cleaned_data["contract"]
        if not typed:
            return None
        mine = Book.objects.filter(Q(client=self.party) | Q(talent=self.party))
        book = mine.filter(reference=typed.upper()).first()
        if book is None:
            raise ValidationError("No contract of yours has this reference.")
        return book

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", "Choose a day that is not before the first one.")
        return cleaned

    @property
    def narrows(self) -> bool:
        """Whether anything was typed or chosen, right or wrong."""
        return any(self[name].data for name in self.fields)

    @property
    def asked(self) -> Asked | None:
        """What is asked for; None as long as something typed makes no sense."""
        if self.errors:
            return None
        chosen = self.cleaned_data
        return Asked(
            book=chosen["contract"],
            kind=chosen["kind"],
            since=chosen["since"],
            until=chosen["until"],
        )
