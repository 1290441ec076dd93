"""What people do in a browser again and again: open a room, end a contract, walk by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import pytest
from playwright.sync_api import Locator, Page, expect

from contracts.models import Contract
from contracts.states import ContractState

Visit = Callable[..., Page]
"""``visit(party, path, scripts=True)``: as somebody who owns the party."""
OpenAs = Callable[..., Page]
"""``open_as(user, path, scripts=True)``: in a browser of their own."""

FOCUSED: Final = """(node => {
    const label = node.labels?.[0]?.textContent
    return (node.ariaLabel || label || node.textContent || node.value || "").trim()
})(document.activeElement)"""
"""What is read aloud of the thing that has the focus."""

with_and_without_scripts = pytest.mark.parametrize(
    "scripts", [True, False], ids=["scripts", "no scripts"]
)


def room(contract: Contract) -> str:
    return f"/contracts/{contract.reference}/"


def state_of(contract: Contract) -> str:
    return Contract.objects.get(pk=contract.pk).state


def end(where: Page | Locator) -> None:
    where.get_by_role("button", name="End Contract", exact=True).click()


def expect_figures(where: Page | Locator, term: str, value: str) -> None:
    row = where.locator("#end-figures dl > div", has_text=term)
    expect(row).to_contain_text(value)


def expect_ended(page: Page, contract: Contract) -> None:
    expect(page.get_by_role("status")).to_contain_text("You ended")
    expect(page.get_by_role("heading", name="Post-close checklist")).to_be_visible()
    assert state_of(contract) == ContractState.ENDED


def tab_to(page: Page, name: str | re.Pattern[str]) -> None:
    """Press Tab until the thing of that name has the focus."""
    focused: Any = None
    for _ in range(80):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused == name if isinstance(name, str) else name.search(focused):
            return
    pytest.fail(f"Tab never reaches {name}; it is on {focused}.")


def press_to(page: Page, name: str | re.Pattern[str]) -> None:
    """Tab to a link or a button that leads to a page, and press Enter."""
    tab_to(page, name)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def type_to(page: Page, name: str | re.Pattern[str], text: str) -> None:
    """Tab to a field, and type."""
    tab_to(page, name)
    page.keyboard.type(text)
