"""Clocks: everything that somebody must answer, soonest first, at the same cost however much."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from marketplace import clock, moments
from marketplace.support import clocks
from tests import desk
from tests.factories import NOON, StaffFactory

pytestmark = pytest.mark.django_db

URL = "/admin/clocks/"


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


@pytest.fixture
def browser():
    return desk.signed_in(desk.support())


def names(browser, **given) -> list[str]:
    return [one.name for one in browser.get(URL, given).context["clocks"].rows]


def test_support_reads_its_own_clocks_first(browser):
    desk.busy_market()

    assert names(browser) == ["case", "correction", "hours-held", "request-held"]
    assert names(browser, whose="nonsense") == names(browser)


def test_sides_are_listed_with_what_they_must_answer(browser):
    desk.busy_market()
    desk.disputed()

    assert names(browser, whose="sides") == [
        "owed-retried",
        "split",
        "dormant",
        "request-answerable",
    ]


def test_all_of_them_are_sorted_by_when(browser):
    desk.busy_market()

    rows = browser.get(URL, {"whose": "all"}).context["clocks"].rows

    assert len(rows) == 7
    assert [one.at for one in rows] == sorted(one.at for one in rows)


def test_line_says_who_must_act_by_when_on_what_and_what_happens_otherwise(browser):
    request = desk.mediated()

    page = browser.get(URL).content.decode()

    for words in (
        moments.full(NOON + timedelta(days=30)),
        "in 30 days",
        "Support",
        f'<a href="{desk.page(request)}">Return of $500.00 from escrow</a>',
        str(request.book),
        "The money stays in escrow",
    ):
        assert words in page, words


def test_page_turns_without_losing_or_repeating_a_line():
    """Several kinds are due at the same moment; the cursor tells them apart."""
    for _ in range(3):
        desk.mediated()
        desk.declined_dispute()
        desk.correction(desk.mediated().book.contract)
    everything = [one.cursor for one in page_of(size=100).rows]

    turned, after = [], ""
    while True:
        found = page_of(size=2, after=after)
        turned += [one.cursor for one in found.rows]
        after = found.after
        if not after:
            break

    assert len(everything) == 12
    assert turned == everything


def page_of(**given) -> clocks.Page:
    return clocks.page(clocks.sources_for(desk.superuser()), **given)


@pytest.mark.parametrize("after", ["nonsense", "2026-11-19~case", "~~", "2026-11-19T12:00~case~x"])
def test_cursor_that_is_none_shows_the_first_page(browser, after):
    desk.mediated()

    assert names(browser, after=after) == ["request-held"]


@pytest.mark.parametrize("whose", ["support", "sides", "all"])
def test_page_takes_as_many_queries_for_three_times_as_many_rows(browser, whose):
    desk.busy_market()
    browser.get(URL, {"whose": whose})
    with CaptureQueriesContext(connection) as once:
        browser.get(URL, {"whose": whose})
    desk.busy_market()
    desk.busy_market()
    with CaptureQueriesContext(connection) as thrice:
        browser.get(URL, {"whose": whose})

    assert len(once) == len(thrice) == {"support": 12, "sides": 10, "all": 17}[whose]


def test_person_sees_the_kinds_that_they_may_look_at():
    desk.busy_market()
    browser = desk.signed_in(desk.staff_with("marketplace.view_case"))

    assert names(browser, whose="all") == ["case"]
    assert browser.get(URL, {"whose": "sides"}).status_code == 403


def test_staff_without_the_group_see_no_clocks():
    assert desk.signed_in(StaffFactory()).get(URL).status_code == 403


def test_nothing_waits(browser):
    assert "Nothing waits." in browser.get(URL).content.decode()
