"""The gallery of components in a real browser: readable by all, at every width, by keyboard."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = [
    pytest.mark.urls("tests.browser.gallery.urls"),
    pytest.mark.django_db(transaction=True),
]

OpenPage = Callable[..., Page]


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in found]


def focused(page: Page) -> str:
    return page.evaluate(
        "document.activeElement.ariaLabel || document.activeElement.textContent.trim()"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_every_component_is_accessible(open_page: OpenPage, width: int, scheme: str):
    page = open_page(
        viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    )

    page.goto("/gallery/")
    assert violations(page) == []

    page.get_by_role("button", name="More options", exact=True).click()
    assert violations(page) == []

    page.goto("/gallery/?opened&told")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page) == []


@pytest.mark.parametrize("size", [(320, 800), (320, 225), (768, 800), (1280, 800)])
def test_nothing_scrolls_sideways(open_page: OpenPage, size: tuple[int, int]):
    page = open_page(viewport={"width": size[0], "height": size[1]})

    for address in ("/gallery/", "/gallery/?opened"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert page.evaluate(
            "[...document.querySelectorAll('dialog[open], dialog[open] *')]"
            ".every(node => node.getBoundingClientRect().right <= innerWidth + 1)"
        )


@pytest.mark.parametrize("scripts", [True, False])
def test_menu_and_dialog_work_with_and_without_scripts(open_page: OpenPage, scripts: bool):
    page = open_page(java_script_enabled=scripts)
    page.goto("/gallery/")
    dialog = page.get_by_role("dialog")

    page.get_by_role("button", name="More options for Logo refresh").press("Enter")
    page.locator("#menu-2").get_by_role("button", name="End contract").press("Enter")
    expect(dialog).to_be_visible()
    page.mouse.click(2, 2)
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()

    page.get_by_role("button", name="End contract", exact=True).first.click()
    expect(dialog).to_be_visible()
    page.get_by_role("button", name="Keep contract").click()
    expect(dialog).to_be_hidden()


def test_focus_starts_on_the_heading_and_returns_to_where_it_came_from(page: Page):
    page.goto("/gallery/")

    page.get_by_role("button", name="More options for Logo refresh").press("Enter")
    page.locator("#menu-2").get_by_role("button", name="End contract").press("Enter")
    assert focused(page) == "End contract"
    page.keyboard.press("Escape")

    expect(page.get_by_role("button", name="More options for Logo refresh")).to_be_focused()


def test_dialog_that_opens_with_its_page_is_modal_by_script(page: Page):
    page.goto("/gallery/?opened")

    expect(page.locator("dialog:modal")).to_be_visible()


def test_dialog_that_opens_with_its_page_stands_in_it_without_scripts(open_page: OpenPage):
    page = open_page(java_script_enabled=False)

    page.goto("/gallery/?opened")

    expect(page.locator("main > dialog")).to_be_visible()
    expect(page.get_by_role("heading", name="Landing page redesign")).to_be_visible()


def test_amount_typed_beside_a_choice_chooses_it(page: Page):
    page.goto("/gallery/?opened")

    page.get_by_role("textbox", name="The other amount").fill("100")

    expect(page.get_by_role("radio", name="Pay another amount")).to_be_checked()


def test_form_sent_twice_arrives_once(page: Page):
    page.goto("/gallery/")
    button = page.get_by_role("button", name="Save")

    button.evaluate("button => { button.click(); button.click(); }")
    page.wait_for_load_state("networkidle")

    page.goto("/arrived/")
    assert page.locator("body").inner_text() == "1"


def test_what_changed_is_announced(page: Page):
    page.goto("/gallery/?told")

    expect(page.get_by_role("status")).to_have_text("Milestone 2 is paid.")


def test_browser_tells_its_time_zone_once(open_page: OpenPage):
    page = open_page(timezone_id="Europe/Berlin")

    page.goto("/gallery/")

    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    assert cookies["zone"] == "Europe/Berlin"


def test_forced_colours_keep_every_mark(open_page: OpenPage):
    page = open_page(forced_colors="active")
    page.goto("/gallery/")

    marks = page.evaluate(
        "[...document.querySelectorAll('.moneybar rect, .tick, .stages li')]"
        ".map(node => node.checkVisibility())"
    )
    assert marks
    assert all(marks)
