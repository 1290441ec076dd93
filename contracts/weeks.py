"""Week arithmetic: pure functions from instants and minutes to weeks, segments and amounts.

A billing week runs from Monday 00:00 to the next Monday 00:00, UTC, wherever the reader is. A week
is named by its Monday. Time is counted in whole ten-minute segments that start at :00, :10, …
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from marketplace import policy
from marketplace.money import Money, half_up

if TYPE_CHECKING:
    from contracts.models import Stretch, Week, WeekLimit

WEEK: Final = timedelta(days=7)
_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def week_of(moment: datetime) -> date:
    """The Monday of the UTC week that holds a moment, given in any zone."""
    day = moment.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


def starts(week: date) -> datetime:
    """Monday 00:00 UTC."""
    return datetime.combine(week, time.min, tzinfo=UTC)


def ends(week: date) -> datetime:
    """The next Monday 00:00 UTC, which belongs to the next week."""
    return starts(week) + WEEK


def bills_at(week: date) -> datetime:
    """Monday 12:00 after the week: until then it can be tidied up, then it is invoiced."""
    return starts(week) + policy.WEEK_BILLED_AFTER


def billed_next(moment: datetime) -> datetime:
    """The first Monday 12:00 after a moment: when what an end locked then is invoiced.

    On a Monday morning that is the same day for the week before and the one just begun.
    """
    week = week_of(moment)
    return min(one for one in (bills_at(week - WEEK), bills_at(week)) if one > moment)


def review_until(week: date) -> datetime:
    """Saturday 00:00 of the week after: until then the client may dispute hours."""
    return starts(week) + policy.HOURS_REVIEWED_AFTER


def available_at(week: date, paid_at: datetime) -> datetime:
    """Wednesday 00:00 of the week after the review, or 5 days after the charge if that is later."""
    return max(starts(week) + policy.HOURS_AVAILABLE_AFTER, paid_at + policy.SECURITY_PERIOD)


def is_a_monday(day: date) -> bool:
    return day.weekday() == 0


def is_on_a_segment(moment: datetime) -> bool:
    """Whether a segment starts at this moment."""
    return not (moment - _EPOCH) % policy.SEGMENT


def floor(moment: datetime) -> datetime:
    """The start of the segment that holds a moment."""
    return moment - (moment - _EPOCH) % policy.SEGMENT


def whole_segments(start: datetime, stop: datetime) -> tuple[datetime, datetime]:
    """From the first segment that starts in a span to the last that ends in it.

    Returns:
        The first start and the last end; the same moment twice when no whole segment fits.
    """
    first = floor(start)
    if first < start:
        first += policy.SEGMENT
    return first, max(first, floor(stop))


def minutes_between(start: datetime, stop: datetime) -> int:
    """Whole minutes, rounded down."""
    return (stop - start) // _MINUTE


def by_day(start: datetime, stop: datetime) -> Iterator[tuple[datetime, datetime]]:
    """A span cut at each midnight UTC; nothing of an empty span."""
    while start < stop:
        midnight = datetime.combine(start.astimezone(UTC).date(), time.min, tzinfo=UTC) + _DAY
        yield start, min(stop, midnight)
        start = midnight


def segments(start: datetime, stop: datetime) -> Iterator[datetime]:
    """The starts of the segments of a stretch."""
    while start < stop:
        yield start
        start += policy.SEGMENT


def minutes_in(segments: int) -> int:
    """How long so many segments are together."""
    return segments * policy.SEGMENT // _MINUTE


def billable(minutes: int, limit: int) -> int:
    """The recorded minutes of a week that are billed: those within the limit, in order of start."""
    return min(minutes, limit)


def within_limit(lengths: Iterable[int], limit: int) -> list[int]:
    """How many minutes of each stretch of a week are billed: the first ones, up to the limit.

    Args:
        lengths: minutes of the week's stretches, in order of start.
    """
    billed = []
    for length in lengths:
        billed.append(min(length, limit))
        limit -= billed[-1]
    return billed


def billable_segments(
    stretches: Sequence[Stretch], limit: int
) -> Iterator[tuple[Stretch, datetime]]:
    """The segments of a week that are billed, as stretch and start.

    Args:
        stretches: all of the week's, in order of start.
        limit: in minutes; what was billed of an invoiced week does as well.
    """
    billed = within_limit((one.minutes for one in stretches), limit)
    for stretch, minutes in zip(stretches, billed, strict=True):
        stop = stretch.starts_at + minutes * _MINUTE
        yield from ((stretch, start) for start in segments(stretch.starts_at, stop))


def amount(rate: Money, minutes: int) -> Money:
    """What so many minutes cost: rate × minutes ÷ 60, half up once.

    Args:
        rate: of one hour.
    """
    return Money(half_up(rate.minor * minutes, 60), rate.currency)


def cost(rate: Money, week: Week) -> Money:
    """What an invoiced week costs: its billable minutes without those that a dispute took back.

    Args:
        rate: of one hour.
    """
    assert week.billable_minutes is not None
    return amount(rate, week.billable_minutes - week.reversed_minutes)


def taken_back(rate: Money, billable: int, minutes: int) -> Money:
    """What so many of the billable minutes of an invoice cost: the difference of two amounts.

    Args:
        rate: of one hour.
        minutes: at most ``billable``.
    """
    return amount(rate, billable) - amount(rate, billable - minutes)


def limit_in(limits: Sequence[WeekLimit], week: date) -> int:
    """The minutes that a week is limited to.

    Args:
        limits: the contract's, by ``from_week``; the first is from its beginning.
    """
    so_far = [one.minutes for one in limits if one.from_week <= week]
    return so_far[-1] if so_far else limits[0].minutes
