"""Money that leaves, walked in a browser: withdrawn, sent back, on a statement, in an export."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from contracts.models import Contract
from contracts.states import Side
from marketplace import clock, policy, sweeping
from marketplace.models import Party
from payments.models import Account, GatewayOperation
from payments.states import AccountKind, OperationKind, OperationState
from tests import factories
from tests.browser.walking import (
    Visit,
    press_to,
    room,
    tab_to,
    type_to,
    with_and_without_scripts,
)
from tests.factories import usd
from tests.support.asserting import assert_audit_clean

pytestmark = pytest.mark.django_db(transaction=True)

Sides = dict[str, Party]
PASSWORD = "secret"
"""Of the people that factories make."""


@pytest.fixture(autouse=True)
def _books_are_right() -> Iterator[None]:
    yield
    assert_audit_clean()


def earned(sides: Sides) -> Contract:
    """$450.00 that the talent was paid and that is available now."""
    milestone = factories.submitted(usd(500), title="Atlas", **sides)
    factories.approve(milestone)
    return milestone.contract


def wait_until_available() -> None:
    sweeping.run(as_of=clock.now() + policy.SECURITY_PERIOD + timedelta(minutes=1))


def confirm_who(page: Page) -> None:
    """Type the password once more, where it is asked for."""
    expect(page).to_have_url(re.compile("reauthenticate"))
    type_to(page, re.compile("^Password"), PASSWORD)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def balance(party: Party, kind: AccountKind) -> str:
    return str(Account.objects.get(party=party, kind=kind).balance)


def last_of(kind: OperationKind) -> GatewayOperation:
    return GatewayOperation.objects.filter(kind=kind).latest("pk")


@with_and_without_scripts
def test_withdrawal_by_keyboard(visit: Visit, sides: Sides, scripts: bool) -> None:
    """From Payments, through who one is, to the bank; what was typed is read before it leaves."""
    earned(sides)
    wait_until_available()
    page = visit(sides["talent"], "/payments/", scripts=scripts)

    press_to(page, "Withdraw")
    confirm_who(page)
    expect(page.get_by_role("heading", name="Withdraw", exact=True)).to_be_visible()
    tab_to(page, re.compile("^All of it"))
    page.keyboard.press("ArrowDown")
    type_to(page, re.compile("^Another amount|^Amount"), "120")
    if not scripts:
        press_to(page, "Update figures")
    expect(page.get_by_role("main")).to_contain_text("$330.00 available")
    press_to(page, "Withdraw")

    expect(page.get_by_role("status")).to_contain_text("$120.00")
    assert balance(sides["talent"], AccountKind.AVAILABLE) == "$330.00"
    assert last_of(OperationKind.PAYOUT).state == OperationState.SUCCEEDED


@with_and_without_scripts
def test_credit_is_sent_back_to_where_it_came_from(
    visit: Visit, sides: Sides, scripts: bool
) -> None:
    contract = factories.funded(usd(400), title="Atlas", **sides).contract
    factories.ended(contract, Side.TALENT)
    page = visit(sides["client"], "/payments/", scripts=scripts)

    press_to(page, "Send credit back")
    confirm_who(page)
    expect(page.get_by_role("main")).to_contain_text("$400.00")
    tab_to(page, re.compile("^All that can go back"))
    page.keyboard.press("Space")
    press_to(page, "Show what happens")
    press_to(page, re.compile(r"^Send \$400.00 back"))

    expect(page.get_by_role("status")).to_contain_text("$400.00")
    assert balance(sides["client"], AccountKind.CREDIT) == "$0.00"
    assert last_of(OperationKind.CREDIT_BACK).state == OperationState.SUCCEEDED


def test_statement_is_read_and_kept_as_file(visit: Visit, sides: Sides, tmp_path: Path) -> None:
    contract = earned(sides)
    factories.ended(contract)
    page = visit(sides["talent"], room(contract))

    page.get_by_role("link", name="Payments").last.click()
    page.get_by_role("link", name="Statement").first.click()

    expect(page.get_by_role("main")).to_contain_text("$450.00")
    assert saved(page, "PDF", tmp_path).startswith(b"%PDF")
    assert b"450.00" in saved(page, "CSV", tmp_path)


def test_payments_are_filtered_and_exported(visit: Visit, sides: Sides, tmp_path: Path) -> None:
    contract = earned(sides)
    earned_elsewhere = factories.submitted(usd(100), title="Globe", **sides)
    factories.approve(earned_elsewhere)
    page = visit(sides["talent"], "/payments/")
    expect(page.get_by_role("main")).to_contain_text("Globe")

    page.get_by_label("Contract reference").fill(contract.reference)
    page.get_by_role("button", name="Show").click()

    expect(page.get_by_role("main")).to_contain_text("Atlas")
    expect(page.get_by_role("main")).not_to_contain_text("Globe")
    exported = saved(page, "Download CSV", tmp_path)
    assert b"450.00" in exported
    assert b"Globe" not in exported


def saved(page: Page, link: str, folder: Path) -> bytes:
    """What a link gives to keep."""
    with page.expect_download() as download:
        page.get_by_role("link", name=link).click()
    path = folder / link
    download.value.save_as(path)
    return path.read_bytes()
