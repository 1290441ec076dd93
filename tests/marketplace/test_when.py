"""Moments and durations in words: the reader's zone is named, what is left is rounded down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.template import engines
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from marketplace import clock, moments

NOW = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)
RELEASE = datetime(2026, 12, 2, 14, 5, tzinfo=UTC)
MIDNIGHT = datetime(2026, 12, 4, 0, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _berlin():
    with timezone.override(ZoneInfo("Europe/Berlin")), clock.at(NOW):
        yield


def shown(source: str, **context) -> str:
    return engines["django"].from_string(f"{{% load when %}}{source}").render(context)


# The reader's zone ------------------------------------------------------------------------------


def test_moment_names_the_readers_zone_by_its_city():
    assert moments.full(RELEASE) == "Wednesday 2 December 2026, 15:05 (Berlin)"


@pytest.mark.parametrize(
    ("zone", "named"),
    [
        ("America/New_York", "Wednesday 2 December 2026, 09:05 (New York)"),
        ("America/Argentina/Buenos_Aires", "Wednesday 2 December 2026, 11:05 (Buenos Aires)"),
        ("UTC", "Wednesday 2 December 2026, 14:05 (UTC)"),
        ("Etc/UTC", "Wednesday 2 December 2026, 14:05 (UTC)"),
        ("Asia/Kolkata", "Wednesday 2 December 2026, 19:35 (Kolkata)"),
    ],
)
def test_moment_reads_in_any_zone(zone, named):
    with timezone.override(ZoneInfo(zone)):
        assert moments.full(RELEASE) == named


def test_end_at_midnight_utc_is_never_24_00():
    assert moments.full(MIDNIGHT) == "Friday 4 December 2026, 01:00 (Berlin)"
    with timezone.override(ZoneInfo("UTC")):
        assert moments.full(MIDNIGHT) == "Friday 4 December 2026, 00:00 (UTC)"
    with timezone.override(ZoneInfo("America/New_York")):
        assert moments.full(MIDNIGHT) == "Thursday 3 December 2026, 19:00 (New York)"


def test_day_is_the_readers_day():
    late = datetime(2026, 12, 1, 23, 30, tzinfo=UTC)

    assert moments.day(late) == "2 December 2026"
    assert moments.day(late, weekday=True) == "Wednesday 2 December 2026"
    assert moments.day(late, year=False) == "2 December"


# What is left -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        (timedelta(days=12, hours=23, minutes=59), "in 12 days"),
        (timedelta(days=1), "in 1 day"),
        (timedelta(hours=23, minutes=59), "in 23 hours"),
        (timedelta(hours=1), "in 1 hour"),
        (timedelta(minutes=59, seconds=59), "in 59 minutes"),
        (timedelta(minutes=1), "in 1 minute"),
        (timedelta(seconds=59), "in less than a minute"),
        (timedelta(0), "now due"),
        (timedelta(seconds=-1), "now due"),
    ],
)
def test_time_left_is_rounded_down(rest, words):
    assert moments.left(NOW + rest, NOW) == words


@given(st.timedeltas(min_value=timedelta(minutes=1), max_value=timedelta(days=400)))
def test_time_left_never_promises_more_than_there_is(rest):
    _, number, unit = moments.left(NOW + rest, NOW).split()
    promised = timedelta(**{unit if unit.endswith("s") else f"{unit}s": int(number)})

    assert promised <= rest < promised * 2


# How long ago -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (NOW, "just now"),
        (NOW - timedelta(seconds=59), "just now"),
        (NOW - timedelta(minutes=1), "1 minute ago"),
        (NOW - timedelta(minutes=59), "59 minutes ago"),
        (NOW - timedelta(hours=2), "today, 14:00"),
        (NOW - timedelta(hours=16), "today, 00:00"),
        (NOW - timedelta(hours=16, minutes=1), "yesterday, 23:59"),
        (NOW - timedelta(days=1), "yesterday, 16:00"),
        (NOW - timedelta(days=2), "17 November 2026"),
        (NOW + timedelta(hours=1), "Thursday 19 November 2026, 17:00 (Berlin)"),
    ],
)
def test_past_reads_as_people_say_it(moment, words):
    assert moments.ago(moment, NOW) == words


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(370, "6 h 10 min"), (60, "1 h"), (20, "20 min"), (0, "0 min"), (1200, "20 h")],
)
def test_durations_read_in_hours_and_minutes(minutes, words):
    assert moments.hours(minutes) == words


# Tags -------------------------------------------------------------------------------------------


def test_when_is_a_time_element_in_utc():
    assert shown("{% when moment %}", moment=RELEASE) == (
        '<time datetime="2026-12-02T14:05:00+00:00">'
        "Wednesday 2 December 2026, 15:05 (Berlin)</time>"
    )


def test_shorter_words_carry_the_full_moment_as_title():
    html = shown("{% day moment %}", moment=RELEASE)

    assert 'title="Wednesday 2 December 2026, 15:05 (Berlin)">2 December 2026</time>' in html


def test_deadline_adds_what_is_left():
    assert shown("{% deadline moment now=now %}", moment=RELEASE, now=NOW).endswith(
        "15:05 (Berlin)</time>, in 12 days"
    )


def test_now_is_the_sites_clock_unless_given():
    assert ">in 12 days</time>" in shown("{% left moment %}", moment=RELEASE)
    assert ">4 minutes ago</time>" in shown("{% ago moment %}", moment=NOW - timedelta(minutes=4))
    assert ">now due</time>" in shown("{% left moment now=now %}", moment=NOW, now=NOW)


def test_hours_are_tabular_figures():
    assert shown("{% hours 370 %}") == '<span class="clock">6 h 10 min</span>'
