"""Input of the Work Diary, and its messages."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django import forms
from django.utils import dateformat

from contracts import weeks
from contracts.forms import KeyedForm, Refusable
from contracts.models import Stretch
from marketplace import policy

MIDNIGHT: Final = time.min
"""As an end it is the end of the day."""


def _memo(label: str, **kwargs: Any) -> forms.CharField:
    return forms.CharField(
        label=label, required=False, max_length=policy.MEMO_LENGTH, strip=True, **kwargs
    )


def _time(label: str, **kwargs: Any) -> forms.TimeField:
    seconds = int(policy.SEGMENT.total_seconds())
    widget = forms.TimeInput(attrs={"type": "time", "step": seconds}, format="%H:%M")
    messages = {"required": "Type a time.", "invalid": "Type a time, such as 14:30."}
    return forms.TimeField(label=label, widget=widget, error_messages=messages, **kwargs)


class TimeForm(Refusable, KeyedForm):
    """A range of one UTC day, and what was done."""

    day = forms.ChoiceField(
        label="Day", error_messages={"invalid_choice": "Choose one of the days of this week."}
    )
    starts = _time("From")
    ends = _time("To", help_text="00:00 is the end of the day.")
    memo = _memo("What you worked on")

    def __init__(self, *args: Any, days: list[date], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["day"].choices = [(one.isoformat(), day_words(one)) for one in days]  # type: ignore[attr-defined]

    @property
    def starts_at(self) -> datetime:
        return self._at("starts")

    @property
    def ends_at(self) -> datetime:
        moment = self._at("ends")
        return moment + timedelta(days=1) if moment.time() == MIDNIGHT else moment

    def _at(self, field: str) -> datetime:
        day = date.fromisoformat(self.cleaned_data["day"])
        return datetime.combine(day, self.cleaned_data[field], tzinfo=UTC)


class MemoForm(Refusable, forms.Form):
    """What was done in time that a timer recorded."""

    memo = _memo("What you worked on")


class TimerForm(forms.Form):
    """What is being done while the timer runs; may also be said when it stops."""

    memo = _memo("What you are working on")


def time_form(stretch: Stretch, now: datetime, data: Any = None) -> TimeForm | MemoForm:
    """The form that changes a stretch: a timer's range stays as it is."""
    if not stretch.is_manual:
        return MemoForm(data, initial={"memo": stretch.memo})
    start, stop = stretch.starts_at.astimezone(UTC), stretch.ends_at.astimezone(UTC)
    monday = weeks.week_of(start)
    initial = {
        "day": start.date().isoformat(),
        "starts": f"{start:%H:%M}",
        "ends": f"{stop:%H:%M}",
        "memo": stretch.memo,
    }
    return TimeForm(data, days=days_of(monday, now), initial=initial)


def days_of(monday: date, now: datetime) -> list[date]:
    """The days of a week up to today, UTC."""
    today = now.astimezone(UTC).date()
    week = [monday + timedelta(days=number) for number in range(weeks.WEEK.days)]
    return [day for day in week if day <= today]


def day_words(day: date) -> str:
    """Monday 16 November."""
    return dateformat.format(day, "l j F")
