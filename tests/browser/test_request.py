"""An escrow refund request in a browser: a split by keyboard, a dispute, and who comes second."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from contracts import escrow_answers
from contracts.models import Contract
from marketplace.models import Party
from payments.models import EscrowRefundRequest, SplitProposal
from payments.states import RequestState
from tests import factories
from tests.browser.walking import Visit, press_to, type_to, with_and_without_scripts
from tests.factories import money_of, owner_of, usd

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def requested(sides: dict[str, Party]) -> Contract:
    """$400 left in escrow after the client ended."""
    return factories.ended(factories.leftover(usd(400), **sides))


def path_of(contract: Contract) -> str:
    return f"/escrow-refunds/{contract.book.escrow_refund_request.pk}/"


def state_of(contract: Contract) -> str:
    return EscrowRefundRequest.objects.get(book=contract.book_id).state


@with_and_without_scripts
def test_split_is_proposed_and_accepted_by_keyboard(
    visit: Visit, requested: Contract, scripts: bool
) -> None:
    page = visit(requested.talent, path_of(requested), scripts=scripts)
    press_to(page, "Propose a split")
    type_to(page, "To you", "150")
    if not scripts:
        with page.expect_navigation():
            page.keyboard.press("Enter")
    expect(page.locator("#split-figures")).to_contain_text("$135.00")
    assert not SplitProposal.objects.exists()
    press_to(page, "Propose a split")
    expect(page.get_by_role("status")).to_contain_text("You proposed $150.00 for you.")

    page = visit(requested.client, path_of(requested), scripts=scripts)
    expect(page.get_by_text("If you do not answer,")).to_be_visible()
    press_to(page, "Accept the split")
    assert state_of(requested) == RequestState.PENDING
    press_to(page, "Accept: $250.00 comes back to you")

    expect(page.get_by_role("heading", name="Both sides agreed to a split")).to_be_visible()
    assert money_of(requested)[:2] == ("$0.00", "$250.00")


@with_and_without_scripts
def test_link_that_is_none_is_refused_beside_its_field(
    visit: Visit, requested: Contract, scripts: bool
) -> None:
    page = visit(requested.talent, path_of(requested), scripts=scripts)
    page.get_by_role("link", name="Dispute", exact=True).click()
    page.get_by_label("Why should it not go back?").fill("I delivered.")
    page.get_by_label("Links to what shows it").fill("example")
    page.get_by_role("button", name="Dispute", exact=True).click()
    expect(page.get_by_text("is no web address")).to_be_visible()
    expect(page.get_by_label("Why should it not go back?")).to_have_value("I delivered.")

    page.get_by_label("Links to what shows it").fill("https://example.com/work")
    page.get_by_role("button", name="Dispute", exact=True).click()

    expect(page.get_by_role("heading", name="You dispute the return")).to_be_visible()
    assert state_of(requested) == RequestState.DISPUTED


def test_figures_wait_for_a_whole_amount(visit: Visit, requested: Contract) -> None:
    page = visit(requested.talent, f"{path_of(requested)}split/")

    page.get_by_label("To you").fill("400")
    expect(page.locator("#split-figures")).to_contain_text("Type less than $400.00.")
    page.get_by_label("To you").fill("40")

    expect(page.locator("#split-figures")).to_contain_text("$36.00")
    expect(page.get_by_label("To you")).to_be_focused()


def test_who_comes_second_reads_what_happened(visit: Visit, requested: Contract) -> None:
    page = visit(requested.talent, f"{path_of(requested)}let-go/")
    escrow_answers.pay_instead(requested, by=owner_of(requested.client))

    page.get_by_role("button", name="Let $400.00 go back").click()

    expect(page.get_by_role("status")).to_contain_text("settled already. Here is what happened.")
    expect(page.get_by_role("heading", name="paid you $400.00 instead")).to_be_visible()
    assert money_of(requested)[0] == "$0.00"
