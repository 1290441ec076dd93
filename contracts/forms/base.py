"""Parts that the forms share."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.urls import reverse
from django.utils.html import format_html

from marketplace import once, policy
from marketplace.refusals import InvalidInput, Refused
from payments.gateways.base import Method

WHOLE: Final = "whole"
PART: Final = "part"


def prose(label: str, *, rows: int = 4, limit: int = policy.TEXT_LENGTH, **kwargs: Any) -> Any:
    """A text of several lines with the house's limit."""
    widget = forms.Textarea(attrs={"rows": rows})
    return forms.CharField(label=label, max_length=limit, widget=widget, **kwargs)


class KeyedForm(forms.Form):
    """A form that creates something: its key, made when it is rendered, makes it act once."""

    key = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["key"].initial = once.new_key()

    def try_again(self) -> None:
        """What was asked for did not happen, and that is settled: sent again, it is a new try."""
        self.data = {**self.data.dict(), "key": once.new_key()}  # type: ignore[attr-defined]


class Refusable:
    """A form that can show a capability's refusal beside the field it is about."""

    fields: dict[str, forms.Field]
    add_error: Any

    def refuse(self, refused: Refused) -> None:
        named = refused.field if isinstance(refused, InvalidInput) else None
        self.add_error(named if named in self.fields else None, refused.sentence)


class LinksField(forms.CharField):
    """Web addresses, one a line, cleaned to a list of them."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": 3})
        help_text = f"One address per line, at most {policy.LINKS}."
        super().__init__(required=False, widget=widget, help_text=help_text, **kwargs)

    def clean(self, value: Any) -> Any:
        typed: str = super().clean(value)
        links = [line.strip() for line in typed.splitlines() if line.strip()]
        if len(links) > policy.LINKS:
            raise ValidationError(f"Give at most {policy.LINKS} links.")
        check = URLValidator(schemes=["http", "https"])
        for link in links:
            try:
                check(link)
            except ValidationError:
                raise ValidationError(
                    f"“{link[:60]}” is no web address. Start with https://."
                ) from None
        return links


class MethodForm(Refusable, KeyedForm):
    """How a charge is paid. ``shown`` says which figures were read."""

    method = forms.ChoiceField(label="Pay with", required=False)
    shown = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput)

    def __init__(self, *args: Any, methods: tuple[Method, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_methods(self.fields["method"], methods)

    @property
    def seen(self) -> str:
        """The mark of the figures that the form was sent with; none before it was sent."""
        return getattr(self, "cleaned_data", {}).get("shown", "")

    def ask_for_method(self) -> None:
        """Show the method as what it is where something is charged: not optional."""
        self.fields["method"].required = True


class ReasonForm(Refusable, forms.Form):
    because = prose("Reason", limit=policy.NOTE_LENGTH)


def offer_methods(field: forms.Field, methods: tuple[Method, ...]) -> None:
    """Fill a choice with the gateway's methods."""
    field.choices = [  # type: ignore[attr-defined]
        ("", "Choose"),
        *((one.token, _in_full(one)) for one in methods),
    ]
    if not methods:
        page = reverse("payment_methods")
        field.help_text = format_html('None is saved yet. <a href="{}">Save one</a> first.', page)


def _in_full(method: Method) -> str:
    """A method with what there is to say of it."""
    more = method.help.rstrip(".").lower()
    return f"{method.label} ({more})" if more else method.label


def amount_goes_with_part(form: forms.Form, cleaned: dict[str, Any], *, part: str) -> None:
    """An amount belongs to *another amount* alone, and that choice needs one."""
    chosen, amount = cleaned.get("choice"), cleaned.get("amount")
    if chosen == part and amount is None and "amount" not in form.errors:
        form.add_error("amount", "Type the amount.")
    if chosen and chosen != part and form["amount"].data:
        form.add_error("amount", "Leave this empty, or choose to pay another amount.")
