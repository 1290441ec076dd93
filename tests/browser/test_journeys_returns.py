"""Money that comes back, walked in a browser: a request to its end, bonuses, sleep."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from contracts import escrow_answers
from contracts.models import Bonus, Contract
from contracts.states import ContractState, DormancyState
from marketplace import clock, sweeping
from marketplace.models import Party
from payments.models import EscrowRefundRequest
from payments.states import RequestState
from tests import desk, factories
from tests.browser.walking import (
    OpenAs,
    Visit,
    press_to,
    room,
    state_of,
    type_to,
    with_and_without_scripts,
)
from tests.factories import money_of, owner_of, usd
from tests.support.asserting import assert_audit_clean

pytestmark = pytest.mark.django_db(transaction=True)

Sides = dict[str, Party]
WHY = "The drafts were delivered and are in use."
WHY_NOT = "One of the two drafts cannot be used."


@pytest.fixture(autouse=True)
def _books_are_right(settings: Any) -> Iterator[None]:
    """Support signs in without a second factor on a demo market only."""
    settings.DEMO = True
    yield
    assert_audit_clean()


def asked(sides: Sides, *, delivered: bool = False) -> Contract:
    """The client ended and asks for the $400.00 that stayed in escrow."""
    milestone = factories.funded(usd(400), title="Atlas", **sides)
    if delivered:
        factories.submit(milestone)
    return factories.ended(milestone.contract)


def request_of(contract: Contract) -> EscrowRefundRequest:
    return EscrowRefundRequest.objects.get(book=contract.book)


def page_of(contract: Contract) -> str:
    return f"/escrow-refunds/{request_of(contract).pk}/"


def desk_of(contract: Contract) -> str:
    return desk.page(request_of(contract))


# Escrow -------------------------------------------------------------------------------------------


@with_and_without_scripts
def test_request_is_walked_to_its_end_by_keyboard(
    visit: Visit, open_as: OpenAs, sides: Sides, scripts: bool
) -> None:
    """A split, a no, a dispute, a rejection, support's split, and two yeses."""
    contract = asked(sides)
    talent = visit(sides["talent"], page_of(contract), scripts=scripts)
    client = visit(sides["client"], page_of(contract), scripts=scripts)
    support = open_as(desk.support(), desk_of(contract), scripts=scripts)

    _propose(talent, scripts=scripts)
    assert request_of(contract).time_left is not None
    _decline(client)
    _dispute(talent)
    assert request_of(contract).state == RequestState.DISPUTED
    _reject(client)
    assert money_of(contract) == ("$400.00", "$0.00", "$0.00", "$0.00")
    _propose_in_mediation(support)
    _accept(client, says="as soon as Kim accepts too")
    assert money_of(contract) == ("$400.00", "$0.00", "$0.00", "$0.00")
    _accept(talent, says="it holds")

    assert request_of(contract).state == RequestState.AGREED
    assert money_of(contract) == ("$0.00", "$200.00", "$180.00", "$0.00")


def _propose(talent: Page, *, scripts: bool) -> None:
    """Figures come while one types, or by their button."""
    press_to(talent, "Propose a split")
    type_to(talent, "To you", "300")
    if not scripts:
        press_to(talent, "Update figures")
    expect(talent.get_by_role("main")).to_contain_text("$270.00")
    press_to(talent, "Propose a split")
    expect(talent.get_by_role("status")).to_contain_text("You proposed $300.00")


def _decline(client: Page) -> None:
    client.reload()
    press_to(client, "Decline the split")
    press_to(client, "Decline the split")
    expect(client.get_by_role("status")).to_contain_text("Nothing moved")


def _dispute(talent: Page) -> None:
    talent.reload()
    press_to(talent, "Dispute")
    type_to(talent, re.compile("Why should it not go back"), WHY)
    press_to(talent, "Dispute")
    expect(talent.get_by_role("status")).to_contain_text("You disputed the return")


def _reject(client: Page) -> None:
    client.reload()
    expect(client.get_by_text(WHY).first).to_be_visible()
    press_to(client, "Reject the dispute")
    type_to(client, re.compile("Why do you reject"), WHY_NOT)
    press_to(client, "Reject the dispute")
    expect(client.get_by_role("status")).to_contain_text("support mediates")


def _propose_in_mediation(support: Page) -> None:
    support.reload()
    expect(support.get_by_text(WHY_NOT).first).to_be_visible()
    press_to(support, "Propose a split")
    type_to(support, re.compile("Amount to the talent"), "200")
    type_to(support, re.compile("Reason"), "One draft is in use, the other is not.")
    press_to(support, "Show what will happen")
    press_to(support, "Propose")
    expect(support.get_by_text("Both sides are told")).to_be_visible()


def _accept(page: Page, *, says: str) -> None:
    page.reload()
    press_to(page, "Accept the split")
    press_to(page, re.compile("^Accept"))
    expect(page.get_by_role("status")).to_contain_text(says)


def test_support_decides_in_the_admin_and_both_read_why(
    visit: Visit, open_as: OpenAs, sides: Sides
) -> None:
    contract = asked(sides, delivered=True)
    escrow_answers.dispute(contract, text=WHY, by=owner_of(sides["talent"]))
    escrow_answers.reject(contract, text=WHY_NOT, by=owner_of(sides["client"]))
    support = open_as(desk.support(), "/admin/")

    support.goto(desk_of(contract))
    support.get_by_role("link", name="Decide", exact=True).click()
    support.get_by_label("Amount to the talent").fill("150")
    support.get_by_label("Reason").fill("A third of it is in use.")
    support.get_by_role("button", name="Show what will happen").click()
    expect(support.get_by_role("main")).to_contain_text("$135.00 after the fee")
    assert money_of(contract) == ("$400.00", "$0.00", "$0.00", "$0.00")
    support.get_by_role("button", name="Decide").click()
    expect(support.get_by_text("Both are told, with your reason")).to_be_visible()

    assert money_of(contract) == ("$0.00", "$250.00", "$135.00", "$0.00")
    for side in ("client", "talent"):
        page = visit(sides[side], page_of(contract))
        expect(page.get_by_text("A third of it is in use.").first).to_be_visible()


# Bonuses ------------------------------------------------------------------------------------------


@with_and_without_scripts
def test_bonus_says_first_that_money_is_in_escrow(
    visit: Visit, sides: Sides, scripts: bool
) -> None:
    contract = factories.leftover(usd(300), **sides)
    page = visit(sides["client"], f"{room(contract)}bonus/", scripts=scripts)

    expect(page.get_by_role("main")).to_contain_text("$300.00")
    expect(page.get_by_text("does not use it")).to_be_visible()
    page.get_by_label("Amount", exact=True).fill("50")
    page.get_by_label("Pay with").select_option("accepts")
    if not scripts:
        page.get_by_role("button", name="Update figures").click()
    expect(page.get_by_role("main")).to_contain_text("$45.00")
    assert not Bonus.objects.exists()
    page.get_by_role("button", name="Give bonus").click()

    expect(page.get_by_role("status")).to_contain_text("$50.00")
    assert money_of(contract) == ("$300.00", "$0.00", "$49.50", "$0.00")


# Quiet contracts ----------------------------------------------------------------------------------


def test_dormant_contract_asks_on_its_page_and_wakes(
    visit: Visit, sides: Sides, settings: Any
) -> None:
    contract = _asleep(sides)
    page = visit(sides["talent"], room(contract))

    expect(page.get_by_role("main")).to_contain_text("dormant")
    page.get_by_role("button", name="Still working").first.click()

    expect(page.get_by_role("status")).to_be_visible()
    assert contract.dormancies.get().state == DormancyState.WOKEN
    assert state_of(contract) == ContractState.ACTIVE


def test_talent_asks_for_the_release_of_a_dormant_contract(visit: Visit, sides: Sides) -> None:
    contract = _asleep(sides)
    page = visit(sides["talent"], room(contract))

    page.get_by_role("link", name=re.compile("release", re.IGNORECASE)).first.click()
    page.get_by_label(re.compile("note|write", re.IGNORECASE)).first.fill("All of it is done.")
    page.get_by_role("button", name=re.compile("Ask")).click()
    expect(page.get_by_role("status")).to_be_visible()

    clock.forward(timedelta(days=15))
    sweeping.run()
    assert money_of(contract)[0] == "$0.00"
    assert state_of(contract) == ContractState.ACTIVE


def _asleep(sides: Sides) -> Contract:
    """Nobody did anything for ninety days; the demo market's clock stands at the next one."""
    now = clock.now()
    with clock.at(now - timedelta(days=91)):
        contract = factories.funded(usd(500), **sides).contract
    clock.start_at(now)
    sweeping.run()
    return contract
