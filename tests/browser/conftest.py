"""Real Chromium against a live server; a page that complains in its console fails its test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from marketplace.models import Party, User
from tests import factories
from tests.browser.walking import OpenAs, Visit
from tests.pages import be_sure
from tests.support import chromium

# Playwright runs an event loop in this thread, and Django then refuses to use its database in it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.path(), args=chromium.ARGUMENTS
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, live_server: LiveServer) -> Iterator[OpenPage]:
    """Open a page of a browser of its own: ``open_page(java_script_enabled=False)``.

    Options are those of Playwright's ``new_context``. At the end of the test no page may have
    written an error to its console or asked another host for anything.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_one(**options: Any) -> Page:
        context = browser.new_context(base_url=live_server.url, **options)
        contexts.append(context)
        page = context.new_page()
        _listen(page, complaints, host=urlsplit(live_server.url).netloc)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def sign_in(live_server: LiveServer) -> Callable[..., None]:
    """Sign somebody in, in the browser that the page belongs to: ``sign_in(page, email)``.

    With ``sure=True`` they have just shown once more who they are.
    """

    def sign_one_in(page: Page, email: str, *, sure: bool = False) -> None:
        session = Client()
        session.force_login(User.objects.get(email=email))
        if sure:
            be_sure(session)
        name = settings.SESSION_COOKIE_NAME
        cookie = {"name": name, "value": session.cookies[name].value, "url": live_server.url}
        page.context.add_cookies([cookie])  # type: ignore[list-item]

    return sign_one_in


@pytest.fixture
def sides() -> dict[str, Party]:
    """A client and a freelancer."""
    return {
        "client": factories.PartyFactory(name="North"),
        "talent": factories.FreelancerFactory(name="Kim"),
    }


@pytest.fixture
def open_as(open_page: OpenPage, sign_in: Callable[..., None]) -> OpenAs:
    """Open a page as a person, in a browser of their own."""

    def open_for(user: User, path: str, *, scripts: bool = True) -> Page:
        page = open_page(
            viewport={"width": 1280, "height": 900},
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        page.set_default_timeout(10_000)
        sign_in(page, user.email)
        page.goto(path)
        return page

    return open_for


@pytest.fixture
def visit(open_as: OpenAs) -> Visit:
    """Open a page as somebody who owns the party, in a browser of their own."""

    def visit_as(party: Party, path: str, *, scripts: bool = True) -> Page:
        user = factories.owner_of(party).user
        assert user is not None
        return open_as(user, path, scripts=scripts)

    return visit_as


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """One page on a wide screen."""
    return open_page(viewport={"width": 1280, "height": 800})


def _listen(page: Page, complaints: list[str], *, host: str) -> None:
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    page.on(
        "console",
        lambda message: (
            complaints.append(f"{page.url}: {message.text}")
            if message.type in ("error", "warning") and not _is_status(message.text)
            else None
        ),
    )
    page.on(
        "request",
        lambda request: (
            complaints.append(f"{page.url} asks {request.url}")
            if request.url.startswith("http") and urlsplit(request.url).netloc != host
            else None
        ),
    )


def _is_status(text: str) -> bool:
    """Chromium writes down each answer of 4xx; tests expect some of them."""
    return text.startswith("Failed to load resource: the server responded with a status of 4")
