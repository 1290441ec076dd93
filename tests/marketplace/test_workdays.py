"""Business days: Monday to Friday, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace import workdays

# Monday 23 November 2026 to Sunday 29 November 2026.
MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        (MONDAY, 1, MONDAY + DAY),
        (MONDAY, 4, MONDAY + 4 * DAY),
        (MONDAY, 5, MONDAY + 7 * DAY),
        (MONDAY + 4 * DAY, 1, MONDAY + 7 * DAY),
        (MONDAY + 4 * DAY, 5, MONDAY + 11 * DAY),
        (MONDAY + 2 * DAY, 10, MONDAY + 16 * DAY),
    ],
)
def test_after_keeps_the_time_of_day_and_leaves_weekends_out(start, days, end):
    assert workdays.after(start, days) == end


@pytest.mark.parametrize(
    "start",
    [
        datetime(2026, 11, 28, tzinfo=UTC),
        datetime(2026, 11, 28, 17, 30, tzinfo=UTC),
        datetime(2026, 11, 29, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2026, 11, 30, tzinfo=UTC),
    ],
)
def test_after_a_weekend_counts_from_monday_midnight(start):
    assert workdays.after(start, 5) == datetime(2026, 12, 7, tzinfo=UTC)


def test_after_the_last_instant_of_friday_is_that_of_a_working_day():
    friday = datetime(2026, 11, 27, 23, 59, 59, 999999, tzinfo=UTC)

    assert workdays.after(friday, 1) == friday + 3 * DAY
    assert workdays.after(friday, 5) == friday + 7 * DAY


def test_after_reads_the_day_in_utc():
    """Saturday morning in Auckland is still Friday in UTC."""
    auckland = timezone(timedelta(hours=13))
    saturday = datetime(2026, 11, 28, 9, tzinfo=auckland)

    assert workdays.after(saturday, 1) == datetime(2026, 11, 30, 20, tzinfo=UTC)


moments = st.integers(0, 21 * 24 * 60).map(lambda minutes: MONDAY + timedelta(minutes=minutes))


@given(moments, st.integers(1, 20))
def test_exactly_so_many_days_outside_of_weekends_lie_between(start, days):
    end = workdays.after(start, days)

    assert end.weekday() < 5
    assert worked_between(start, end) == days * DAY


def worked_between(start, end):
    """The time between two moments that is not of a Saturday or Sunday."""
    worked, moment = timedelta(0), start
    while moment < end:
        midnight = moment.replace(hour=0, minute=0) + DAY
        if moment.weekday() < 5:
            worked += min(midnight, end) - moment
        moment = midnight
    return worked


@given(moments, moments, st.integers(1, 10))
def test_who_begins_later_never_ends_earlier(one, other, days):
    first, second = sorted((one, other))

    assert workdays.after(first, days) <= workdays.after(second, days)


@given(moments, st.integers(1, 10), st.integers(1, 10))
def test_days_add_up(start, first, second):
    assert workdays.after(workdays.after(start, first), second) == workdays.after(
        start, first + second
    )
