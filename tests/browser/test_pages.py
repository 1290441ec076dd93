"""Every page in every state: readable by all, at every width, light and dark, and light to load."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from playwright.sync_api import Page, Response

from contracts.models import Contract
from marketplace.models import User
from tests.browser import hours, market
from tests.browser.market import Sight
from tests.pages import be_sure

pytestmark = pytest.mark.django_db(transaction=True)

WIDE: Final = 1280
PHONE: Final = 360
NARROW: Final = 320
WEIGHT: Final = 100 * 1024
"""Bytes of a page with its styles and scripts, compressed; the font is besides."""

MOST: Final = 12
"""Database queries of a page."""
MOST_OF_SOME: Final = 8
"""Of My Jobs and of the end page."""

READ: Final = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
OUTSIDE: Final = """[...document.querySelectorAll("dialog[open] *")]
    .filter(node => node.getBoundingClientRect().right > innerWidth + 1).length"""


@pytest.fixture
def town(settings: Any) -> None:
    settings.DEMO = True
    market.open_market()


PEOPLE: Final = {
    "others": market.OTHERS,
    "client": (market.CLIENT,),
    "talent": (market.FREELANCER,),
}


@pytest.mark.usefixtures("town")
@pytest.mark.parametrize("people", PEOPLE.values(), ids=PEOPLE)
def test_every_page_is_accessible_and_fits(
    open_page: Callable[..., Page], sign_in: Callable[..., None], people: tuple[str, ...]
) -> None:
    found: list[str] = []
    for who in people:
        page = open_page(viewport={"width": WIDE, "height": 800}, reduced_motion="reduce")
        if who:
            sign_in(page, who, sure=True)
        for sight in dict.fromkeys(one for one in market.sights() if one.who == who):
            found += [f"{sight}: {what}" for what in complaints(page, sight)]

    assert not found, "\n".join(found)


@pytest.mark.usefixtures("town")
def test_every_page_asks_the_database_little() -> None:
    """Of a market with every state; the demo market's own clock is asked for besides."""
    found: list[str] = []
    for who in (*market.OTHERS, *market.BOTH):
        browser = Client()
        if who:
            browser.force_login(User.objects.get(email=who))
            be_sure(browser)
        for path in dict.fromkeys(one.path for one in market.sights() if one.who == who):
            with CaptureQueriesContext(connection) as queries:
                browser.get(path)
            route = urlsplit(path).path
            most = MOST_OF_SOME if route == "/jobs/" or route.endswith("/end/") else MOST
            if len(queries) - 1 > most:
                found.append(f"{who} {path} takes {len(queries) - 1} queries")

    assert not found, "\n".join(found)


@pytest.mark.usefixtures("town")
def test_every_page_of_the_desk_opens() -> None:
    browser = Client()
    browser.force_login(User.objects.get(email=market.SUPPORT))

    answers = {one.path: browser.get(one.path).status_code for one in market.desk_sights()}

    assert {path: code for path, code in answers.items() if code != HTTPStatus.OK} == {}


@pytest.mark.usefixtures("town")
def test_pages_are_light_to_load(
    open_page: Callable[..., Page], sign_in: Callable[..., None]
) -> None:
    reference = Contract.objects.get(title="Landing page redesign").reference
    paths = [
        (market.CLIENT, reverse("jobs")),
        *((market.CLIENT, reverse(name, args=[reference])) for name in ("room", "end_contract")),
        (market.CLIENT, hours.at("diary", "Dense week")),
        (market.AGENCY, hours.at("diary", "Dense week")),
        (market.CLIENT, hours.at("end_contract", "Data pipeline support")),
        (market.CLIENT, hours.at("hours_dispute_new", "Data pipeline support", hours.LAST_WEEK)),
    ]

    for who, path in paths:
        page = open_page()
        sign_in(page, who)
        loaded: list[Response] = []
        page.on("response", lambda one, loaded=loaded: loaded.append(one))
        page.goto(path, wait_until="load")

        assert weight_of(loaded) <= WEIGHT, path


def weight_of(loaded: list[Response]) -> int:
    """Bytes of the page, its styles and its scripts, compressed."""
    kinds = {"document", "stylesheet", "script"}
    weighed = [one for one in loaded if one.request.resource_type in kinds]
    assert {one.request.resource_type for one in weighed} == kinds
    return sum(len(gzip.compress(one.body(), 6)) for one in weighed)


def complaints(page: Page, sight: Sight) -> Iterator[str]:
    """What is wrong with a page, in every width and scheme."""
    page.set_viewport_size({"width": WIDE, "height": 800})
    page.emulate_media(color_scheme="light")
    answer = page.goto(sight.path)
    if answer is not None and answer.status >= 500:
        yield f"answers {answer.status}"
        return
    if urlsplit(page.url).path != urlsplit(sight.path).path:
        yield f"leads to {page.url}"
        return
    if sight.ticks:
        page.get_by_label(sight.ticks).check()
    if sight.presses:
        page.get_by_role("button", name=sight.presses, exact=True).click()
        page.wait_for_load_state()
    page.evaluate(AXE_SCRIPT)
    yield from _widths_and_schemes(page)


def _widths_and_schemes(page: Page) -> Iterator[str]:
    for width in (WIDE, PHONE):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme="light")
        yield from _violations(page, f"{width} light", "axe.run()")
        yield from _overflow(page, width)
        page.emulate_media(color_scheme="dark")
        yield from _violations(page, f"{width} dark", "axe.run({runOnly: ['color-contrast']})")
    page.set_viewport_size({"width": NARROW, "height": 800})
    yield from _overflow(page, NARROW)


def _violations(page: Page, where: str, run: str) -> Iterator[str]:
    for one in page.evaluate(f"{run}.then(found => found.violations)"):
        yield f"{where}: {one['id']}: {[node['html'] for node in one['nodes']]}"


def _overflow(page: Page, width: int) -> Iterator[str]:
    if over := page.evaluate(READ):
        yield f"is {over} px too wide at {width}"
    if page.evaluate(OUTSIDE):
        yield f"has a dialog that is too wide at {width}"
