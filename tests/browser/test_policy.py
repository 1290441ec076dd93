"""What the page needs loads from this site, under its own Content-Security-Policy."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page


def test_styles_and_font_load_from_here(page: Page) -> None:
    page.goto("/accounts/login/")
    assert page.evaluate("document.styleSheets.length") >= 1
    assert page.evaluate("document.fonts.load('1em Figtree').then(found => found.length)") >= 1


def test_page_works_without_scripts(open_page: Callable[..., Page]) -> None:
    page = open_page(java_script_enabled=False)
    page.goto("/accounts/login/")
    assert page.locator("main form").count() >= 1
