"""Week arithmetic, for any instant in any zone: weeks, segments, days, limits, amounts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import weeks
from marketplace.money import Money
from tests.factories import usd

SEGMENT, DAY, WEEK = timedelta(minutes=10), timedelta(days=1), timedelta(days=7)
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
    "Pacific/Apia",
    "America/St_Johns",
]

instants = st.datetimes(
    min_value=datetime(1990, 1, 8),  # noqa: DTZ001 - the zone comes with the strategy
    max_value=datetime(2090, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from(ZONES).map(ZoneInfo),
)
days = st.dates(min_value=date(1990, 1, 1), max_value=date(2090, 1, 1))
mondays = days.map(lambda day: day - timedelta(days=day.weekday()))
lengths = st.integers(min_value=0, max_value=14 * 24 * 3600).map(lambda n: timedelta(seconds=n))
minutes = st.integers(min_value=0, max_value=7 * 24 * 60)
rates = st.integers(min_value=100, max_value=100_000).map(lambda minor: Money(minor, "USD"))


# Weeks -------------------------------------------------------------------------------------------


@given(instants)
def test_every_instant_lies_in_exactly_its_week(moment):
    week = weeks.week_of(moment)

    assert weeks.is_a_monday(week)
    assert weeks.starts(week) <= moment < weeks.ends(week)
    assert weeks.week_of(weeks.starts(week)) == week
    assert weeks.week_of(weeks.ends(week)) == week + WEEK


@given(instants, st.sampled_from(ZONES))
def test_week_is_the_same_in_whatever_zone_an_instant_is_told(moment, zone):
    assert weeks.week_of(moment.astimezone(ZoneInfo(zone))) == weeks.week_of(moment)


@given(mondays)
def test_dates_of_a_week_follow_each_other(week):
    noon = datetime.combine(week, datetime.min.time(), UTC) + WEEK + timedelta(hours=12)

    assert weeks.ends(week) - weeks.starts(week) == WEEK
    assert weeks.bills_at(week) == noon
    assert weeks.review_until(week).isoweekday() == 6
    assert noon < weeks.review_until(week) < weeks.available_at(week, noon)
    assert weeks.available_at(week, noon).isoweekday() == 3


@given(mondays, lengths)
def test_money_is_available_on_wednesday_or_five_days_after_the_charge(week, late):
    paid_at = weeks.bills_at(week) + late

    available = weeks.available_at(week, paid_at)

    assert available >= paid_at + 5 * DAY
    assert available in (weeks.starts(week) + 16 * DAY, paid_at + 5 * DAY)


@pytest.mark.parametrize(
    ("moment", "week"),
    [
        (datetime(2026, 12, 31, 23, 59, tzinfo=UTC), date(2026, 12, 28)),
        (datetime(2027, 1, 1, tzinfo=UTC), date(2026, 12, 28)),
        (datetime(2027, 1, 3, 23, 59, 59, 999_999, tzinfo=UTC), date(2026, 12, 28)),
        (datetime(2027, 1, 4, tzinfo=UTC), date(2027, 1, 4)),
        (datetime(2024, 2, 29, 12, tzinfo=UTC), date(2024, 2, 26)),
        (datetime(2026, 11, 23, 0, 30, tzinfo=ZoneInfo("Europe/Berlin")), date(2026, 11, 16)),
        (datetime(2026, 11, 22, 20, 0, tzinfo=ZoneInfo("America/New_York")), date(2026, 11, 23)),
    ],
)
def test_week_of_the_ends_of_years_months_and_days(moment, week):
    assert weeks.week_of(moment) == week


@pytest.mark.parametrize(
    ("first", "last", "hours"),
    [
        (datetime(2026, 3, 29), datetime(2026, 3, 30), 23),  # noqa: DTZ001
        (datetime(2026, 10, 25), datetime(2026, 10, 26), 25),  # noqa: DTZ001
        (datetime(2026, 3, 28), datetime(2026, 3, 29), 24),  # noqa: DTZ001
    ],
    ids=["clocks forward", "clocks back", "a usual one"],
)
def test_local_day_of_any_length_counts_all_its_minutes(first, last, hours):
    berlin = ZoneInfo("Europe/Berlin")
    start = first.replace(tzinfo=berlin).astimezone(UTC)
    stop = last.replace(tzinfo=berlin).astimezone(UTC)

    spans = list(weeks.by_day(start, stop))

    assert sum(weeks.minutes_between(*span) for span in spans) == hours * 60
    assert len(list(weeks.segments(start, stop))) == hours * 6


# Segments and days -------------------------------------------------------------------------------


@given(instants)
def test_segments_start_every_ten_minutes_of_utc(moment):
    start = weeks.floor(moment)

    assert start <= moment < start + SEGMENT
    assert weeks.is_on_a_segment(start)
    told = start.astimezone(UTC)
    assert (told.minute % 10, told.second, told.microsecond) == (0, 0, 0)
    assert weeks.is_on_a_segment(moment) == (start == moment)


@given(instants, lengths)
def test_whole_segments_are_all_that_fit_and_no_more(moment, length):
    start = moment.astimezone(UTC)
    stop = start + length

    first, last = weeks.whole_segments(start, stop)

    assert weeks.is_on_a_segment(first)
    assert weeks.is_on_a_segment(last)
    assert start <= first < start + SEGMENT
    if first == last:
        assert first + SEGMENT > stop
    else:
        assert first < last <= stop < last + SEGMENT


@given(instants, lengths)
def test_span_cut_at_midnight_loses_nothing_and_joins_up(moment, length):
    start = moment.astimezone(UTC)
    stop = start + length

    spans = list(weeks.by_day(start, stop))

    assert sum((last - first for first, last in spans), timedelta(0)) == length
    for first, last in spans:
        assert first < last
        assert (last - timedelta(microseconds=1)).date() == first.date()
        assert weeks.week_of(first) == weeks.week_of(last - timedelta(microseconds=1))
    assert all(one[1] == other[0] for one, other in pairwise(spans))
    assert bool(spans) == bool(length)


@given(instants, st.integers(min_value=0, max_value=72 * 6))
def test_segments_of_a_span_are_its_minutes(moment, number):
    start = weeks.floor(moment.astimezone(UTC))

    starts = list(weeks.segments(start, start + number * SEGMENT))

    assert len(starts) == number
    assert weeks.minutes_in(number) == weeks.minutes_between(start, start + number * SEGMENT)
    assert all(weeks.is_on_a_segment(one) for one in starts)


# Limits and amounts ------------------------------------------------------------------------------


@given(st.lists(minutes, max_size=30), minutes)
def test_time_within_the_limit_is_filled_in_order(recorded, limit):
    billed = weeks.within_limit(recorded, limit)

    assert sum(billed) == weeks.billable(sum(recorded), limit)
    assert all(0 <= one <= whole for one, whole in zip(billed, recorded, strict=True))
    cut = [one < whole for one, whole in zip(billed, recorded, strict=True)]
    after = billed[cut.index(True) + 1 :] if True in cut else []
    assert not any(after)


@given(minutes, minutes)
def test_billable_never_exceeds_what_was_recorded_nor_the_limit(recorded, limit):
    assert weeks.billable(recorded, limit) in (recorded, limit)
    assert weeks.billable(recorded, limit) <= min(recorded, limit)


@given(rates, minutes)
def test_amount_is_the_exact_one_rounded_half_up(rate, number):
    exact = Fraction(rate.minor * number, 60)

    rounded = weeks.amount(rate, number).minor

    assert Fraction(-1, 2) < rounded - exact <= Fraction(1, 2)


@given(rates, minutes, minutes)
def test_more_minutes_never_cost_less(rate, one, other):
    assert weeks.amount(rate, min(one, other)) <= weeks.amount(rate, max(one, other))


@given(rates, minutes, st.data())
def test_what_is_taken_back_and_what_stays_make_the_invoice(rate, billable, data):
    back = data.draw(st.integers(min_value=0, max_value=billable))

    stays = weeks.amount(rate, billable - back)

    assert weeks.taken_back(rate, billable, back) + stays == weeks.amount(rate, billable)
    assert weeks.taken_back(rate, billable, billable) == weeks.amount(rate, billable)


@pytest.mark.parametrize(
    ("rate", "number", "amount"),
    [
        ("60", 10, "10"),
        ("0.03", 10, "0.01"),
        ("7.77", 50, "6.48"),
        ("100", 370, "616.67"),
        ("45.50", 0, "0"),
    ],
)
def test_amount_in_figures(rate, number, amount):
    assert weeks.amount(usd(rate), number) == usd(amount)


@given(st.lists(mondays, min_size=1, max_size=6, unique=True), mondays)
def test_limit_of_a_week_is_the_last_one_up_to_it(from_weeks, week):
    limits = [
        SimpleNamespace(from_week=one, minutes=60 * number)
        for number, one in enumerate(sorted(from_weeks), start=1)
    ]

    so_far = [one for one in limits if one.from_week <= week]

    assert weeks.limit_in(limits, week) == (so_far or limits[:1])[-1].minutes
