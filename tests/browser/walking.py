"""What people do in a browser again and again: open a room, end a contract, walk by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from contracts.models import Contract
from contracts.states import ContractState

Visit = Callable[..., Page]

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


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the thing of that name has the focus."""
    focused: Any = None
    for _ in range(80):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "(node => node.ariaLabel || node.labels?.[0]?.textContent || node.textContent)"
            "(document.activeElement).trim()"
        )
        if focused == name:
            return
    pytest.fail(f"Tab never reaches {name}; it is on {focused}.")
