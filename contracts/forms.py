"""Input of the contracts pages, and its messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator

from contracts.plans import Choice, ChoiceKind, above_escrow
from contracts.states import EndReason
from marketplace import once, policy
from marketplace.fields import AmountField
from marketplace.money import Money
from marketplace.refusals import InvalidInput, Refused
from payments.gateways.base import Method

if TYPE_CHECKING:
    from contracts.models import Stretch

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


class SubmitForm(Refusable, forms.Form):
    """Work handed in."""

    message = prose("What have you done?")
    links = LinksField(label="Links to the work")


class ChangesForm(Refusable, forms.Form):
    wanted = prose("What should change?")


class ReasonForm(Refusable, forms.Form):
    because = prose("Reason", limit=policy.NOTE_LENGTH)


class HoursDisputeForm(Refusable, KeyedForm):
    """Which time of a week is disputed, and why.

    The names are short because a full week has a thousand boxes: ``e`` are whole entries by the id
    of their stretch, ``s`` single segments by their place among those that were billed.
    """

    e = forms.MultipleChoiceField(required=False)
    s = forms.MultipleChoiceField(required=False)
    reason = prose(
        "Why is this time not right?",
        limit=policy.NOTE_LENGTH,
        error_messages={"required": "Say why this time is not right."},
    )

    def __init__(
        self, *args: Any, billed: Sequence[tuple[Stretch, datetime]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.billed = billed
        entries = dict.fromkeys(stretch.pk for stretch, _ in billed)
        self.fields["e"].choices = [(pk, pk) for pk in entries]  # type: ignore[attr-defined]
        self.fields["s"].choices = [  # type: ignore[attr-defined]
            (place, place) for place in range(len(billed))
        ]

    @property
    def entries(self) -> set[int]:
        return self._ticked("e")

    @property
    def cells(self) -> set[int]:
        return self._ticked("s")

    @property
    def chosen(self) -> list[tuple[int, datetime]]:
        """The segments that are disputed, each once."""
        return [
            (stretch.pk, start)
            for place, (stretch, start) in enumerate(self.billed)
            if stretch.pk in self.entries or place in self.cells
        ]

    def refuse(self, refused: Refused) -> None:
        if isinstance(refused, InvalidInput) and refused.field == "segments":
            refused = InvalidInput(refused.sentence, field="s")
        super().refuse(refused)

    def _ticked(self, name: str) -> set[int]:
        typed = getattr(self, "cleaned_data", {}).get(name, ())
        return {int(one) for one in typed}


class MessageForm(KeyedForm):
    """A message to the other side."""

    text = prose("Message", rows=2)

    def __init__(self, *args: Any, other: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].widget.attrs["placeholder"] = f"Write to {other}"


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
        _amount_goes_with_part(self, cleaned, part=PART)
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
        _amount_goes_with_part(self, cleaned, part=ChoiceKind.PART.value)
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


def offer_methods(field: forms.Field, methods: tuple[Method, ...]) -> None:
    """Fill a choice with the gateway's methods."""
    field.choices = [  # type: ignore[attr-defined]
        ("", "Choose"),
        *((one.token, f"{one.label} ({one.help.rstrip('.').lower()})") for one in methods),
    ]


def _amount_goes_with_part(form: forms.Form, cleaned: dict[str, Any], *, part: str) -> None:
    """An amount belongs to *another amount* alone, and that choice needs one."""
    chosen, amount = cleaned.get("choice"), cleaned.get("amount")
    if chosen == part and amount is None and "amount" not in form.errors:
        form.add_error("amount", "Type the amount.")
    if chosen and chosen != part and form["amount"].data:
        form.add_error("amount", "Leave this empty, or choose to pay another amount.")
