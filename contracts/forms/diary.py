"""Input of the Work Diary, and its messages."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django import forms
from django.utils import dateformat

from contracts import weeks
from contracts.forms.base import KeyedForm, Refusable
from contracts.models import Stretch
from marketplace import policy

_DAY: Final = timedelta(days=1)


def _memo(label: str, **kwargs: Any) -> forms.CharField:
    return forms.CharField(
        label=label, required=False, max_length=policy.MEMO_LENGTH, strip=True, **kwargs
    )


def _time(label: str, steps: range) -> forms.ChoiceField:
    """A time of day, chosen: 24 hours for everybody, whole segments, and 24:00 as an end."""
    times = [_clock(number * policy.SEGMENT) for number in steps]
    messages = {"required": "Choose a time.", "invalid_choice": "Choose one of these times."}
    choices = [("", "Choose"), *((one, one) for one in times)]
    return forms.ChoiceField(label=label, choices=choices, error_messages=messages)


def _clock(passed: timedelta) -> str:
    hours, minutes = divmod(passed // timedelta(minutes=1), 60)
    return f"{hours:02}:{minutes:02}"


class TimeForm(Refusable, KeyedForm):
    """A range of one UTC day, and what was done."""

    day = forms.ChoiceField(
        label="Day", error_messages={"invalid_choice": "Choose one of the days of this week."}
    )
    starts = _time("From", range(_DAY // policy.SEGMENT))
    ends = _time("To", range(1, _DAY // policy.SEGMENT + 1))
    memo = _memo("What you worked on")

    def __init__(self, *args: Any, days: list[date], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["day"].choices = [(one.isoformat(), day_words(one)) for one in days]  # type: ignore[attr-defined]

    @property
    def starts_at(self) -> datetime:
        return self._at("starts")

    @property
    def ends_at(self) -> datetime:
        return self._at("ends")

    def _at(self, field: str) -> datetime:
        """A chosen time of the chosen day, UTC; 24:00 is the next day's midnight."""
        day = date.fromisoformat(self.cleaned_data["day"])
        hours, minutes = map(int, self.cleaned_data[field].split(":"))
        midnight = datetime.combine(day, time.min, tzinfo=UTC)
        return midnight + timedelta(hours=hours, minutes=minutes)


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
    monday = weeks.week_of(stretch.starts_at)
    midnight = datetime.combine(day_of(stretch), time.min, tzinfo=UTC)
    initial = {
        "day": day_of(stretch).isoformat(),
        "starts": _clock(stretch.starts_at - midnight),
        "ends": _clock(stretch.ends_at - midnight),
        "memo": stretch.memo,
    }
    return TimeForm(data, days=days_of(monday, now), initial=initial)


def days_of(monday: date, now: datetime) -> list[date]:
    """The days of a week up to today, UTC."""
    today = now.astimezone(UTC).date()
    week = [monday + timedelta(days=number) for number in range(weeks.WEEK.days)]
    return [day for day in week if day <= today]


def day_of(stretch: Stretch) -> date:
    """The UTC day of a stretch; none has two."""
    return stretch.starts_at.astimezone(UTC).date()


def day_words(day: date) -> str:
    """Monday 16 November."""
    return dateformat.format(day, "l j F")
