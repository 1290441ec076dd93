"""Business days: Monday to Friday, UTC. Holidays are not counted out; they differ by country."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Final

_SATURDAY: Final = 5
_DAY: Final = timedelta(days=1)


def after(start: datetime, days: int) -> datetime:
    """The instant so many business days later, at the same time of day.

    A weekend counts for nothing: what starts in it starts on Monday 00:00.

    Args:
        days: at least one.
    """
    moment = _from_a_workday(start.astimezone(UTC))
    for _ in range(days):
        moment = _from_a_workday(moment + _DAY, keep_time=True)
    return moment


def _from_a_workday(moment: datetime, *, keep_time: bool = False) -> datetime:
    if moment.weekday() < _SATURDAY:
        return moment
    while moment.weekday() >= _SATURDAY:
        moment += _DAY
    return moment if keep_time else datetime.combine(moment.date(), time.min, tzinfo=UTC)
