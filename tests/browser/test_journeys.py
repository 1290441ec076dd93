"""What people come for, walked in a real browser: ends, payments, answers, feedback, the list."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from contracts.models import Contract
from contracts.states import ContractState
from feedback.models import Feedback
from marketplace.models import Party
from tests import factories
from tests.browser.walking import (
    Visit,
    end,
    expect_ended,
    expect_figures,
    room,
    state_of,
    tab_to,
    with_and_without_scripts,
)
from tests.factories import money_of, owner_of, usd

pytestmark = pytest.mark.django_db(transaction=True)

# Ends --------------------------------------------------------------------------------------------


@with_and_without_scripts
def test_talent_ends_and_gives_up_what_is_in_escrow(
    visit: Visit, sides: dict[str, Party], scripts: bool
) -> None:
    contract = factories.submitted(usd(500), title="Atlas", **sides).contract
    page = visit(sides["talent"], "/jobs/", scripts=scripts)

    page.get_by_role("button", name="More options for Atlas").press("Enter")
    page.get_by_role("link", name="End contract").click()
    dialog = page.get_by_role("dialog", name="End contract")
    ways = dialog.get_by_label("Three ways to end, and what you receive")
    expect(ways).to_contain_text(
        re.compile(r"Ask North to end\s*\$450.00.*Wait\s*\$450.00", re.DOTALL)
    )
    expect(ways).to_contain_text(re.compile(r"End now\s*\$0.00"))
    tick = "I give up the $500.00 that is in escrow."
    expect(dialog.get_by_label(tick)).not_to_be_checked()
    end(dialog)

    expect(page.get_by_text("Tick that you give up the $500.00")).to_be_visible()
    assert money_of(contract) == ("$500.00", "$0.00", "$0.00", "$0.00")
    page.get_by_label(tick).check()
    end(page)

    expect_ended(page, contract)
    assert money_of(contract) == ("$0.00", "$500.00", "$0.00", "$0.00")


@with_and_without_scripts
def test_client_pays_all_and_ends(visit: Visit, sides: dict[str, Party], scripts: bool) -> None:
    contract = factories.leftover(usd(300), **sides)
    page = visit(sides["client"], room(contract), scripts=scripts)

    page.get_by_role("button", name="End contract", exact=True).first.click()
    dialog = page.get_by_role("dialog", name="End contract")
    for choice in dialog.get_by_role("radio").all():
        expect(choice).not_to_be_checked()
    dialog.get_by_label("Pay all of it").check()
    if scripts:
        expect_figures(dialog, "Paid to Kim", "$300.00")
        expect(dialog.locator("#end-sum")).to_have_text("End Contract pays Kim $300.00 now.")
    else:
        end(dialog)
        expect_figures(page, "Paid to Kim", "$300.00")
        assert state_of(contract) == ContractState.ACTIVE
    end(page)

    expect_ended(page, contract)
    assert money_of(contract) == ("$0.00", "$0.00", "$274.50", "$0.00")


def test_client_pays_part_and_talent_lets_the_rest_go(
    visit: Visit, sides: dict[str, Party]
) -> None:
    contract = factories.leftover(usd(300), title="Atlas", **sides)
    page = visit(sides["client"], f"{room(contract)}?end=1")
    page.get_by_label("Amount to pay").fill("100")
    expect(page.get_by_label("Pay another amount")).to_be_checked()
    expect_figures(page, "Paid to Kim", "$100.00")
    expect_figures(page, "Requested back from escrow", "$200.00")
    end(page)
    expect_ended(page, contract)
    assert money_of(contract) == ("$200.00", "$0.00", "$94.50", "$0.00")

    page = visit(sides["talent"], "/jobs/?tab=ended")
    page.get_by_role("link", name=re.compile("Answer|return|go back", re.IGNORECASE)).first.click()
    page.get_by_role("link", name="Let $200.00 go back").click()
    page.get_by_role("button", name="Let $200.00 go back").click()

    expect(page.get_by_role("heading", name="You let $200.00 go back")).to_be_visible()
    assert money_of(contract) == ("$0.00", "$200.00", "$94.50", "$0.00")


def test_pay_now_then_end_this_contract(visit: Visit, sides: dict[str, Party]) -> None:
    contract = factories.submitted(usd(500), **sides).contract
    page = visit(sides["client"], room(contract))
    pay(page, "You release $500.00")

    page.get_by_role("link", name="End this contract").click()
    dialog = page.get_by_role("dialog", name="End contract")
    expect(dialog).to_contain_text("Nothing is in escrow. Nothing is charged.")
    end(dialog)

    expect_ended(page, contract)
    assert money_of(contract) == ("$0.00", "$0.00", "$450.00", "$0.00")


def test_pay_now_then_keep_it_open(visit: Visit, sides: dict[str, Party]) -> None:
    contract = factories.submitted(usd(500), **sides).contract
    page = visit(sides["client"], room(contract))
    pay(page, "You release $500.00")

    page.goto(room(contract))
    page.get_by_role("button", name="Keep it open").click()

    expect(page.get_by_text("The contract stays open.")).to_be_visible()
    expect(page.get_by_role("link", name="End this contract")).to_have_count(0)
    assert state_of(contract) == ContractState.ACTIVE


def test_new_milestone_from_leftover_escrow_is_active_at_once(
    visit: Visit, sides: dict[str, Party]
) -> None:
    contract = factories.leftover(usd(120), **sides)
    factories.milestones.keep_open(contract, by=owner_of(sides["client"]))
    page = visit(sides["client"], room(contract))

    page.get_by_role("link", name="Add new milestone").first.click()
    page.get_by_role("link", name="Use all of it").click()
    page.get_by_label("Description").fill("The rest")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("nothing was charged")).to_be_visible()
    pay(page, "You release $120.00")
    page.get_by_role("link", name="End this contract").click()
    end(page.get_by_role("dialog"))

    expect_ended(page, contract)
    assert money_of(contract) == ("$0.00", "$0.00", "$112.50", "$0.00")


@with_and_without_scripts
def test_enter_in_a_field_shows_figures_and_ends_nothing(
    visit: Visit, sides: dict[str, Party], scripts: bool
) -> None:
    contract = factories.leftover(usd(300), **sides)
    page = visit(sides["client"], f"{room(contract)}end/", scripts=scripts)

    page.get_by_label("Pay another amount").check()
    page.get_by_label("Amount to pay").fill("100")
    page.get_by_label("Amount to pay").press("Enter")

    expect_figures(page, "Paid to Kim", "$100.00")
    expect(page.get_by_label("Amount to pay")).to_have_value(re.compile(r"100(\.00)?"))
    assert state_of(contract) == ContractState.ACTIVE


def test_whole_end_by_keyboard_alone(visit: Visit, sides: dict[str, Party]) -> None:
    contract = factories.leftover(usd(300), **sides)
    page = visit(sides["client"], room(contract))
    keys = page.keyboard

    tab_to(page, "More options")
    keys.press("Enter")
    tab_to(page, "End contract")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="End contract")).to_be_focused()
    tab_to(page, "Pay all of it")
    keys.press("Space")
    expect_figures(page, "Paid to Kim", "$300.00")
    tab_to(page, "End Contract")
    keys.press("Enter")

    expect_ended(page, contract)


def test_second_tab_hears_quietly_that_it_is_done(visit: Visit, sides: dict[str, Party]) -> None:
    contract = factories.funded(usd(500), **sides).contract
    slow = visit(sides["talent"], f"{room(contract)}end/")
    slow.get_by_label("I give up the $500.00").check()
    fast = visit(sides["client"], f"{room(contract)}?end=1")
    fast.get_by_label("Pay all of it").check()
    expect_figures(fast, "Paid to Kim", "$500.00")
    end(fast)
    expect_ended(fast, contract)

    end(slow)

    expect(slow.get_by_role("status")).to_contain_text("North ended this contract")
    assert money_of(contract) == ("$0.00", "$0.00", "$450.00", "$0.00")


def test_dialog_closes_on_purpose_only_and_gives_focus_back(
    visit: Visit, sides: dict[str, Party]
) -> None:
    contract = factories.leftover(usd(300), **sides)
    page = visit(sides["client"], room(contract))
    dialog = page.get_by_role("dialog")
    opener = page.get_by_role("button", name="End contract", exact=True).first

    for close in (
        lambda: page.keyboard.press("Escape"),
        lambda: dialog.get_by_role("button", name="Close").click(),
        lambda: dialog.get_by_role("button", name="Keep contract").click(),
    ):
        opener.click()
        expect(dialog.get_by_role("heading", name="End contract")).to_be_focused()
        page.mouse.click(5, 5)
        expect(dialog).to_be_visible()
        close()
        expect(dialog).to_be_hidden()
        expect(opener).to_be_focused()
    assert state_of(contract) == ContractState.ACTIVE


def test_buttons_come_after_the_content_on_phones(
    open_page: Callable[..., Page], sign_in: Callable[..., None], sides: dict[str, Party]
) -> None:
    contract = factories.leftover(usd(300), **sides)
    page = open_page(viewport={"width": 360, "height": 640})
    user = owner_of(sides["client"]).user
    assert user is not None
    sign_in(page, user.email)

    page.goto(f"{room(contract)}?end=1")

    button = page.get_by_role("button", name="End Contract", exact=True)
    expect(button).not_to_be_in_viewport()
    button.scroll_into_view_if_needed()
    expect(page.locator("#end-sum")).to_be_in_viewport()


# Around an end -----------------------------------------------------------------------------------


def test_offer_is_made_and_accepted(visit: Visit, sides: dict[str, Party]) -> None:
    user = owner_of(sides["talent"]).user
    assert user is not None
    page = visit(sides["client"], "/jobs/new/")
    page.get_by_label("Their e-mail address").fill(user.email)
    page.get_by_label("Title").fill("Atlas")
    page.get_by_label("Description").fill("Maps")
    page.get_by_label("Amount").fill("250")
    page.get_by_label(re.compile("Fund it now")).check()
    page.get_by_label(re.compile("Pay with")).select_option("accepts")
    page.get_by_role("button", name="Send offer").click()
    expect(page.get_by_text("Waiting for an answer")).to_be_visible()

    page = visit(sides["talent"], "/jobs/?tab=offers")
    page.get_by_role("link", name="Atlas").click()
    page.get_by_role("button", name="Accept").click()

    expect(page.get_by_role("heading", name="Atlas")).to_be_visible()
    contract = Contract.objects.get(title="Atlas")
    assert contract.state == ContractState.ACTIVE
    assert money_of(contract) == ("$250.00", "$0.00", "$0.00", "$0.00")


def test_feedback_is_sealed_until_both_have_given(visit: Visit, sides: dict[str, Party]) -> None:
    factories.approve(factories.submitted(usd(500), **sides))
    contract = factories.ended(Contract.objects.get())
    path = f"{room(contract)}feedback/"

    client = visit(sides["client"], path)
    give_feedback(client, stars=5, text="Wonderful maps.")
    expect(client.get_by_text("Your feedback is sealed")).to_be_visible()
    talent = visit(sides["talent"], path)
    expect(talent.get_by_text("Wonderful maps.")).to_have_count(0)
    give_feedback(talent, stars=4, text="A clear brief.")

    expect(talent.get_by_text("Wonderful maps.")).to_be_visible()
    client.goto(path)
    expect(client.get_by_text("A clear brief.")).to_be_visible()
    assert Feedback.objects.count() == len(sides)


def test_checklist_is_ticked_undone_skipped_and_reminds(
    visit: Visit, sides: dict[str, Party]
) -> None:
    factories.approve(factories.submitted(usd(500), **sides))
    contract = factories.ended(Contract.objects.get())
    page = visit(sides["client"], room(contract))
    items = page.get_by_role("list", name="Post-close checklist")
    tick = items.get_by_role("button", name=re.compile("Done: Change or revoke"))

    tick.click()
    expect(tick).to_have_attribute("aria-pressed", "true")
    tick.click()
    expect(tick).to_have_attribute("aria-pressed", "false")
    items.get_by_role("button", name="Skip").nth(1).click()
    expect(items.get_by_text("Skipped just now")).to_be_visible()
    items.get_by_text("Read the reminder before you send it").click()
    expect(items.get_by_text("Please remove our property")).to_be_visible()
    items.get_by_role("button", name="Send reminder").click()
    expect(items.get_by_text("Sent just now")).to_be_visible()

    page = visit(sides["talent"], room(contract))
    expect(page.get_by_text("North reminded you")).to_be_visible()


def pay(page: Page, sentence: str) -> None:
    """Approve and release all of the active milestone."""
    page.get_by_role("link", name="Approve and release").first.click()
    expect(page.get_by_label("The whole milestone")).to_be_checked()
    expect(page.locator("#approve-sum")).to_have_text(sentence, use_inner_text=True)
    page.get_by_role("button", name="Pay now").click()
    expect(page.get_by_text("You have paid a milestone. Is the work done?")).to_be_visible()


def give_feedback(page: Page, *, stars: int, text: str) -> None:
    page.get_by_role("radio", name=f"{stars} stars").check(force=True)
    page.get_by_label("Public feedback").fill(text)
    page.get_by_role("button", name="Leave feedback").click()
