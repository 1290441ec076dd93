"""Input of the escrow refund request's pages."""

from __future__ import annotations

from typing import Any

from django import forms

from contracts.forms.base import KeyedForm, LinksField, Refusable, prose
from marketplace import policy
from marketplace.fields import AmountField
from marketplace.money import Money


class SplitForm(Refusable, KeyedForm):
    """How much of the amount is the talent's. ``shown`` is the part whose figures were read."""

    to_talent = AmountField(label="To you")
    message = prose("Why this split?", rows=3, limit=policy.NOTE_LENGTH, required=False)
    shown = forms.CharField(required=False, max_length=20, widget=forms.HiddenInput)

    def __init__(self, *args: Any, whole: Money, other: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to_talent"].help_text = f"Of the {whole} in escrow, before the fee."
        self.fields["message"].help_text = f"{other} reads it, and support if it comes to that."
        self.fields["to_talent"].limit(  # type: ignore[attr-defined]
            currency=whole.currency,
            maximum=Money(whole.minor - 1, whole.currency),
            above=f"Type less than {whole}. To ask for all of it, dispute the return.",
        )

    @property
    def split(self) -> Money | None:
        """The talent's part, as far as what was typed makes one."""
        typed: Money | None = getattr(self, "cleaned_data", {}).get("to_talent")
        return typed

    @property
    def has_shown(self) -> bool:
        """Whether the form was sent with the figures of the very part that it proposes."""
        return self.split is not None and self.cleaned_data["shown"] == self.split.typed()


class StatementForm(Refusable, KeyedForm):
    """What a side says about a request, with links to what shows it."""

    text = prose("What happened?", rows=6)
    links = LinksField(label="Links to what shows it")

    def __init__(self, *args: Any, asks: str, other: str, **kwargs: Any) -> None:
        """Make the form.

        Args:
            asks: the question that the text answers.
            other: the name of who reads it, besides support.
        """
        super().__init__(*args, **kwargs)
        self.fields["text"].label = asks
        self.fields["text"].error_messages["required"] = f"Write what {other} and support read."
        self.fields["text"].help_text = f"{other} and support read it. It cannot be changed."
