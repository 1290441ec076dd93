"""Moments and durations in words, in the reader's time zone.

The reader's zone is the current one (``django.utils.timezone.get_current_timezone``) and is always
named where a time of day is shown. What is left is rounded down, so nobody is promised more time
than there is.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.utils import dateformat, timezone

_UNITS: Final = (
    ("day", timedelta(days=1)),
    ("hour", timedelta(hours=1)),
    ("minute", timedelta(minutes=1)),
)
_HOUR: Final = timedelta(hours=1)
_MINUTE: Final = timedelta(minutes=1)


def full(moment: datetime) -> str:
    """Wednesday 2 December 2026, 15:05 (Berlin)."""
    return f"{_format(moment, 'l j F Y, H:i')} ({zone()})"


def day(moment: datetime, *, weekday: bool = False, year: bool = True) -> str:
    """2 December 2026, with or without its weekday and year."""
    return _format(moment, f"{'l ' if weekday else ''}j F{' Y' if year else ''}")


def deadline(moment: datetime, now: datetime) -> str:
    """Wednesday 2 December 2026, 15:05 (Berlin), in 12 days."""
    return f"{full(moment)}, {left(moment, now)}"


def left(moment: datetime, now: datetime) -> str:
    """In 12 days, in 3 hours, in 5 minutes, in less than a minute, now due."""
    rest = moment - now
    if rest <= timedelta(0):
        return "now due"
    for name, unit in _UNITS:
        if rest >= unit:
            return f"in {_counted(rest // unit, name)}"
    return "in less than a minute"


def late(moment: datetime, now: datetime) -> str:
    """3 days late, 5 hours late, now due; rounded down, as what is left is."""
    passed = now - moment
    for name, unit in _UNITS:
        if passed >= unit:
            return f"{_counted(passed // unit, name)} late"
    return "now due"


def ago(moment: datetime, now: datetime) -> str:
    """Just now, 4 minutes ago, today, 14:05, yesterday, 15:05, or the day."""
    passed = now - moment
    if passed < timedelta(0):
        return full(moment)
    if passed < _MINUTE:
        return "just now"
    if passed < _HOUR:
        return f"{_counted(passed // _MINUTE, 'minute')} ago"
    days = (_local(now).date() - _local(moment).date()).days
    if days > 1:
        return day(moment)
    return f"{'yesterday' if days else 'today'}, {_format(moment, 'H:i')}"


def hours(minutes: int) -> str:
    """6 h 10 min; 20 min; 2 h."""
    whole, rest = divmod(minutes, 60)
    parts = [f"{whole} h"] if whole else []
    if rest or not whole:
        parts.append(f"{rest} min")
    return " ".join(parts)


def zone() -> str:
    """The city that names the reader's time zone."""
    name = timezone.get_current_timezone_name()
    city = name.rsplit("/", 1)[-1].replace("_", " ")
    return "UTC" if city in ("Universal", "Zulu") else city


def _local(moment: datetime) -> datetime:
    return timezone.localtime(moment)


def _format(moment: datetime, pattern: str) -> str:
    return dateformat.format(_local(moment), pattern)


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"
