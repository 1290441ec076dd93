"""Input of feedback and its messages."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from feedback.giving import STARS
from feedback.models import Feedback
from marketplace import once, policy

ANSWERS: Final = {"yes": True, "no": False, "": None}
WORDS: Final = {answer: word for word, answer in ANSWERS.items()}


class Note(forms.CharField):
    """A text of several lines; the browser's line ends count as one character each."""

    def __init__(self, *, rows: int, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": rows})
        super().__init__(required=False, max_length=policy.NOTE_LENGTH, widget=widget, **kwargs)
        self.error_messages["max_length"] = f"Use at most {policy.NOTE_LENGTH:,} characters."

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")


class FeedbackForm(forms.Form):
    """One side's opinion of working with the other."""

    key = forms.CharField(
        widget=forms.HiddenInput, initial=once.new_key, required=False, max_length=64
    )
    stars = forms.TypedChoiceField(
        label="How was it to work together?",
        choices=[(number, number) for number in STARS],
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose one to five stars."},
    )
    text = Note(label="Public feedback", rows=6)
    would_work_again = forms.ChoiceField(
        label="Would you work together again?",
        choices=[("yes", "Yes"), ("no", "No"), ("", "No answer")],
        required=False,
        widget=forms.RadioSelect,
    )
    private_note = Note(label="Private note to support", rows=3)

    def __init__(self, *args: Any, other: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        limit = f"Up to {policy.NOTE_LENGTH:,} characters."
        self.fields["stars"].label = f"How was it to work with {other}?"
        self.fields["text"].help_text = f"What would you tell others about it? {limit}"
        self.fields["private_note"].help_text = f"{other} and the public never read it. {limit}"

    @classmethod
    def initial_of(cls, feedback: Feedback) -> dict[str, Any]:
        """What was given, to be changed."""
        return {
            "stars": feedback.stars,
            "text": feedback.text,
            "would_work_again": WORDS[feedback.would_work_again],
            "private_note": feedback.private_note,
        }

    def clean_would_work_again(self) -> bool | None:
        return ANSWERS[self.cleaned_data["would_work_again"]]

    @property
    def given(self) -> dict[str, Any]:
        """What :func:`feedback.giving.give` and :func:`feedback.giving.edit` take."""
        return {name: value for name, value in self.cleaned_data.items() if name != "key"}
