"""Hours, walked in a real browser: recorded, locked by an end, billed, reviewed and paid."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from playwright.sync_api import Page, expect

from contracts.models import Contract
from contracts.states import ContractState, WeekState
from marketplace import clock
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
from tests.factories import money_of
from tests.support.asserting import assert_audit_clean

pytestmark = pytest.mark.django_db(transaction=True)

MONDAY: Final = datetime(2026, 11, 16, 8, tzinfo=UTC)
THURSDAY: Final = datetime(2026, 11, 19, 14, 58, tzinfo=UTC)
BILLED: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)
REVIEWED: Final = datetime(2026, 11, 28, tzinfo=UTC)
AVAILABLE: Final = datetime(2026, 12, 2, tzinfo=UTC)

Sides = dict[str, Party]


@pytest.fixture(autouse=True)
def _thursday(settings: Any) -> Iterator[None]:
    """A demo market's clock, which runs from a Thursday afternoon and can be moved forward."""
    settings.DEMO = True
    clock.start_at(THURSDAY)
    yield
    assert_audit_clean()


def hourly(sides: Sides, minutes: int = 0) -> Contract:
    """A contract at $60 an hour since Monday; what was worked was typed in on Tuesday."""
    with clock.at(MONDAY):
        contract = factories.hourly(title="Atlas", **sides)
    tuesday = MONDAY + timedelta(days=1)
    if minutes:
        with clock.at(tuesday + timedelta(hours=12)):
            factories.recorded(contract, tuesday, minutes, memo="Maps")
    return contract


def diary(contract: Contract) -> str:
    return f"{room(contract)}diary/"


def minutes_of(contract: Contract) -> int:
    return sum(contract.weeks.values_list("minutes", flat=True))


# Recording ---------------------------------------------------------------------------------------


@with_and_without_scripts
def test_time_is_recorded_by_timer_and_by_hand(visit: Visit, sides: Sides, scripts: bool) -> None:
    contract = hourly(sides)
    page = visit(sides["talent"], diary(contract), scripts=scripts)

    page.get_by_label("What you are working on").fill("Coast lines")
    page.get_by_role("button", name="Start timer").click()
    timer = page.get_by_role("region", name="Timer")
    expect(timer).to_contain_text("Running since")
    clock.forward(timedelta(minutes=25))
    page.reload()
    expect(timer).to_contain_text("20 min count so far")
    page.get_by_role("button", name="Stop timer").click()
    expect(page.get_by_role("status")).to_contain_text("20 min")

    page.get_by_role("link", name="Add time").click()
    page.get_by_label("Day").select_option(label="Thursday 19 November")
    page.get_by_label("From").select_option("09:00")
    page.get_by_label("To", exact=True).select_option("10:00")
    page.get_by_label("What you worked on").fill("A call")
    page.get_by_role("button", name="Add time").click()

    expect(page.get_by_role("status")).to_contain_text("1 h")
    entries = page.get_by_role("table")
    expect(entries).to_contain_text(re.compile(r"Coast lines.*20 min|20 min", re.DOTALL))
    expect(entries).to_contain_text("A call")
    assert minutes_of(contract) == 80


def test_time_is_changed_and_deleted(visit: Visit, sides: Sides) -> None:
    contract = hourly(sides, minutes=60)
    page = visit(sides["talent"], diary(contract))

    page.get_by_role("link", name=re.compile("^Change")).click()
    page.get_by_label("To", exact=True).select_option("08:30")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("saved")
    assert minutes_of(contract) == 30

    page.get_by_role("link", name=re.compile("^Change")).click()
    page.get_by_role("button", name="Delete this time").click()
    expect(page.get_by_role("status")).to_contain_text("deleted")
    assert minutes_of(contract) == 0


# Ends --------------------------------------------------------------------------------------------


def test_freelancer_ends_by_keyboard_alone(visit: Visit, sides: Sides) -> None:
    contract = hourly(sides, minutes=370)
    page = visit(sides["talent"], room(contract))
    keys = page.keyboard

    tab_to(page, "More options")
    keys.press("Enter")
    tab_to(page, "End contract")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="End contract")).to_be_focused()
    expect_figures(page, "Billed for this week", "6 h 10 min, $370.00")
    tab_to(page, "End Contract")
    keys.press("Enter")

    expect_ended(page, contract)
    assert contract.weeks.get().state == WeekState.LOCKED


@with_and_without_scripts
def test_client_ends_and_reads_what_is_billed(visit: Visit, sides: Sides, scripts: bool) -> None:
    contract = hourly(sides, minutes=370)
    page = visit(sides["client"], room(contract), scripts=scripts)

    page.get_by_role("button", name="End contract", exact=True).first.click()
    dialog = page.get_by_role("dialog", name="End contract")
    expect_figures(dialog, "Billed for this week", "6 h 10 min, $370.00")
    expect(dialog).to_contain_text("Monday 23 November 2026")
    end(dialog)

    expect_ended(page, contract)
    expect(page.get_by_role("main")).to_contain_text("$370.00")


def test_diary_refuses_everything_after_the_lock(visit: Visit, sides: Sides) -> None:
    """Pages that were open when the client ended: each says what happened, nothing changes."""
    contract = hourly(sides, minutes=60)
    talent = sides["talent"]
    timer = visit(talent, diary(contract))
    timer.get_by_role("button", name="Start timer").click()
    clock.forward(timedelta(minutes=25))
    adding, changing = visit(talent, f"{diary(contract)}add/"), visit(talent, diary(contract))
    adding.get_by_label("From").select_option("09:00")
    adding.get_by_label("To", exact=True).select_option("10:00")
    changing.get_by_role("link", name=re.compile("^Change")).click()
    client = visit(sides["client"], f"{room(contract)}?end=1")
    end(client.get_by_role("dialog"))
    expect_ended(client, contract)
    assert minutes_of(contract) == 80

    timer.get_by_role("button", name="Stop timer").click()
    adding.get_by_role("button", name="Add time").click()
    changing.get_by_role("button", name="Delete this time").click()

    for page in (timer, adding, changing):
        expect(page.get_by_role("status").or_(page.get_by_role("alert"))).to_be_visible()
        expect(page.get_by_text("Locked since").first).to_be_visible()
        expect(page.get_by_role("button", name=re.compile("timer|time"))).to_have_count(0)
    assert minutes_of(contract) == 80
    assert state_of(contract) == ContractState.ENDED


# From the end to the payment ---------------------------------------------------------------------


def test_charge_review_and_payment_agree_to_the_cent(visit: Visit, sides: Sides) -> None:
    """The demo bar moves the clock through Monday, Saturday and Wednesday."""
    contract = hourly(sides, minutes=370)
    page = visit(sides["talent"], f"{room(contract)}?end=1")
    end(page.get_by_role("dialog"))
    expect_ended(page, contract)
    assert money_of(contract) == ("$0.00", "$0.00", "$0.00", "$0.00")

    forward_to(page, BILLED)
    payment = contract.book.payments.get()
    assert [str(one) for one in (payment.gross, payment.fee, payment.net)] == [
        "$370.00",
        "$37.00",
        "$333.00",
    ]
    assert str(contract.book.operations.get().amount) == "$370.00"
    assert money_of(contract) == ("$0.00", "$0.00", "$333.00", "$0.00")
    page.goto(f"{diary(contract)}?week=2026-11-16")
    expect(page.get_by_text("In review until")).to_be_visible()

    forward_to(page, REVIEWED)
    page.goto(f"{diary(contract)}?week=2026-11-16")
    expect(page.get_by_text("In review until")).to_have_count(0)
    assert money_of(contract) == ("$0.00", "$0.00", "$333.00", "$0.00")

    forward_to(page, AVAILABLE)
    assert money_of(contract) == ("$0.00", "$0.00", "$0.00", "$333.00")
    page.goto("/payments/")
    expect(page.get_by_role("main")).to_contain_text("$333.00")
    page.goto(room(contract))
    expect(page.get_by_role("main")).to_contain_text("$333.00")
    client = visit(sides["client"], f"{room(contract)}payments/")
    expect(client.get_by_role("main")).to_contain_text("$370.00")


def test_client_disputes_half_an_hour_and_gets_it_back(visit: Visit, sides: Sides) -> None:
    contract = hourly(sides, minutes=120)
    page = visit(sides["client"], room(contract))
    forward_to(page, BILLED)

    page.goto(f"{room(contract)}weeks/2026-11-16/dispute/")
    page.get_by_text("Only part of it").click()
    figures = page.get_by_label("What will happen")
    for time, back in (("08:00", "$10.00"), ("08:10", "$20.00"), ("08:20", "$30.00")):
        page.get_by_role("checkbox", name=time, exact=True).check()
        expect(figures).to_contain_text(back)
    page.get_by_label("Why is this time not right?").fill("We had no call then.")
    page.get_by_role("button", name="Dispute hours").click()
    expect(page.get_by_role("status")).to_be_visible()
    assert contract.book.payments.get().held

    talent = visit(sides["talent"], page.url)
    talent.get_by_role("button", name=re.compile("Accept|back|Give")).first.click()

    expect(talent.get_by_role("status")).to_contain_text("You accepted")
    assert money_of(contract) == ("$0.00", "$30.00", "$81.00", "$0.00")


def forward_to(page: Page, moment: datetime) -> None:
    """Press the demo bar's button until that moment has come."""
    for _ in range(10):
        if clock.now() >= moment:
            return
        page.get_by_role("button", name="Forward to the next deadline").click()
        page.wait_for_load_state()
    pytest.fail(f"The clock never reaches {moment}; it is {clock.now()}.")
