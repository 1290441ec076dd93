"""Disputes of hours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms

from marketplace import policy
from marketplace.refusals import InvalidInput, Refused

if TYPE_CHECKING:
    from contracts.models import Stretch

from contracts.forms.base import KeyedForm, Refusable, prose


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
