"""Charges: a milestone funded on its page, a decline, the bank's question, hours off-session."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from contracts import billing
from contracts.models import Contract
from contracts.states import ContractState, MilestoneState
from marketplace.models import Party
from payments import operations
from payments.states import OperationState
from tests.factories import (
    TUESDAY,
    active,
    fund,
    hourly,
    milestone_of,
    money_of,
    owner_of,
    recorded,
    week_of,
)
from tests.pages import Browser, Page
from tests.payments.stripe_site.world import World, operation_of, token_of

MONDAY = datetime(2026, 11, 16, 12, tzinfo=UTC)


def fund_on_the_page(client: Party) -> tuple[Contract, Page]:
    """A milestone of $500, funded with the card the client saved; the page that answers."""
    contract = active(client=client)
    page = Browser.of(owner_of(client)).open(f"/contracts/{contract.reference}/milestones/1/fund/")
    return contract, page.press("Fund $500.00", method=token_of(client))


def billed_week(world: World, client: Party) -> Contract:
    """Two hours of last Tuesday at $60, billed on Monday."""
    with world.at(TUESDAY - timedelta(days=1)):
        contract = hourly(client=client, method=token_of(client))
    with world.at(TUESDAY + timedelta(hours=2)):
        recorded(contract, TUESDAY, 120)
    with world.at(MONDAY):
        billing.bill([contract.pk])
    return contract


def answer_bank(world: World, contract: Contract, *, agreed: bool) -> Page:
    """The client reads that the bank asks, answers it, and comes back."""
    browser = Browser.of(owner_of(contract.client))
    page = browser.open(reverse("confirm_charge", args=[operation_of(contract).pk]))
    (there,) = [link for link in page.links() if link.startswith(world.fake.base)]
    back = world.fake.answer_bank(there, agreed=agreed)
    assert back.startswith("http://testserver/")
    return browser.open(back.removeprefix("http://testserver"))


def test_milestone_is_funded_with_the_saved_card(world: World) -> None:
    contract, page = fund_on_the_page(world.client())

    assert f"$500.00 is in escrow. {contract.talent.name} can start." in page.flash
    (charge,) = world.fake.all("charge")
    operation = operation_of(contract)
    assert (charge["amount"], charge["currency"]) == (50_000, "usd")
    assert charge["metadata"] == {"key": operation.key}
    assert operation.reference == charge["payment_intent"]
    assert operation.method_label == "Visa ending 4242"
    assert money_of(contract)[:2] == ("$500.00", "$0.00")


@pytest.mark.parametrize(
    ("card", "sentence"),
    [
        ("pm_card_chargeCustomerFail", "The bank refused the charge."),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "The bank says that the card does not"),
        ("pm_card_chargeDeclinedExpiredCard", "The card has expired."),
    ],
)
def test_declined_card_is_said_beside_the_field(world: World, card: str, sentence: str) -> None:
    contract, page = fund_on_the_page(world.client(card))

    assert any(sentence in alert for alert in page.alerts)
    assert any("Nothing was charged" in alert for alert in page.alerts)
    assert milestone_of(contract).state == MilestoneState.PLANNED
    assert money_of(contract) == ("$0.00", "$0.00", "$0.00", "$0.00")
    assert world.fake.available() == 0


def test_declined_milestone_is_funded_with_another_card(world: World) -> None:
    client = world.client("pm_card_chargeCustomerFail")
    contract, page = fund_on_the_page(client)
    world.save_card(client)

    page = Browser.of(owner_of(client)).open(f"/contracts/{contract.reference}/milestones/1/fund/")
    page.press("Fund $500.00", method=token_of(client))

    assert money_of(contract)[:2] == ("$500.00", "$0.00")
    assert [one["paid"] for one in world.fake.all("charge")] == [False, True]


def test_charge_confirmed_at_the_bank_funds_the_milestone(world: World) -> None:
    contract, _ = fund_on_the_page(world.client("pm_card_authenticationRequired"))
    assert operation_of(contract).state == OperationState.UNKNOWN
    assert milestone_of(contract).state == MilestoneState.PLANNED

    page = answer_bank(world, contract, agreed=True)

    assert "$500.00 was charged. Nothing is left to confirm." in page.flash
    assert money_of(contract)[:2] == ("$500.00", "$0.00")


def test_charge_denied_at_the_bank_moves_nothing(world: World) -> None:
    contract, _ = fund_on_the_page(world.client("pm_card_authenticationRequired"))

    page = answer_bank(world, contract, agreed=False)

    assert "It was not confirmed at the bank. Nothing was charged; try again." in page.flash
    assert operation_of(contract).state == OperationState.DECLINED
    assert milestone_of(contract).state == MilestoneState.PLANNED
    assert world.fake.available() == 0


def test_charge_confirmed_at_the_bank_is_told_though_nobody_comes_back(world: World) -> None:
    contract, _ = fund_on_the_page(world.client("pm_card_authenticationRequired"))
    world.tell()
    assert operation_of(contract).state == OperationState.UNKNOWN
    world.fake.answer_bank(operation_of(contract).reference)

    world.tell()

    assert money_of(contract)[:2] == ("$500.00", "$0.00")


def test_charge_that_is_never_confirmed_is_called_off_after_a_day(world: World) -> None:
    contract, _ = fund_on_the_page(world.client("pm_card_authenticationRequired"))

    with world.later(days=1):
        operations.ask_again(operation_of(contract).pk)

    assert operation_of(contract).state == OperationState.DECLINED
    assert world.fake.all("payment_intent")[-1]["status"] == "canceled"
    world.fake.answer_bank(operation_of(contract).reference)
    assert world.fake.available() == 0


def test_charge_in_process_is_settled_when_it_is_told(world: World) -> None:
    client = world.client()
    world.fake.slow_next()
    contract, _ = fund_on_the_page(client)
    assert operation_of(contract).state == OperationState.UNKNOWN

    world.fake.finish(operation_of(contract).reference)
    world.tell()

    assert money_of(contract)[:2] == ("$500.00", "$0.00")


def test_hours_are_charged_while_nobody_is_there(world: World) -> None:
    contract = billed_week(world, world.client())

    assert week_of(contract).payment is not None
    assert [one["amount"] for one in world.fake.all("charge")] == [12_000]
    (call,) = world.fake.asked("POST /v1/payment_intents")
    assert call.params["off_session"] == "true"
    assert money_of(contract) == ("$0.00", "$0.00", "$108.00", "$0.00")


def test_hours_the_card_does_not_pay_hold_the_contract(world: World) -> None:
    contract = billed_week(world, world.client("pm_card_chargeCustomerFail"))

    contract.refresh_from_db()
    assert (contract.state, contract.hold_since) == (ContractState.ACTIVE, MONDAY)
    assert week_of(contract).payment is None
    assert world.fake.available() == 0


def test_hours_the_bank_asks_about_are_paid_once_confirmed(world: World) -> None:
    contract = billed_week(world, world.client("pm_card_authenticationRequired"))
    assert week_of(contract).payment is None

    with world.at(MONDAY + timedelta(hours=3)):
        answer_bank(world, contract, agreed=True)

    assert money_of(contract) == ("$0.00", "$0.00", "$108.00", "$0.00")


@pytest.mark.parametrize("acted", [True, False])
def test_lost_answer_is_settled_by_asking_and_charged_once(world: World, acted: bool) -> None:
    client = world.client()
    contract = active(client=client)
    world.fake.lose_next_answer("POST /v1/payment_intents", acted=acted)

    fund(milestone_of(contract), token_of(client))
    assert operation_of(contract).state == OperationState.UNKNOWN
    assert milestone_of(contract).state == MilestoneState.PLANNED
    with world.later(minutes=5):
        operations.ask_again(operation_of(contract).pk)

    assert len(world.fake.all("charge")) == 1
    assert money_of(contract)[:2] == ("$500.00", "$0.00")


def test_broken_answer_of_a_charge_that_was_made_is_found_out(world: World) -> None:
    client = world.client()
    contract = active(client=client)
    world.fake.break_next("POST /v1/payment_intents", acted=True)

    fund(milestone_of(contract), token_of(client))
    with world.later(minutes=5):
        operations.ask_again(operation_of(contract).pk)

    assert len(world.fake.all("charge")) == 1
    assert money_of(contract)[:2] == ("$500.00", "$0.00")


def test_call_that_stays_broken_is_called_off_and_charged_nothing(world: World) -> None:
    client = world.client()
    contract = active(client=client)
    world.fake.break_next("POST /v1/payment_intents")

    fund(milestone_of(contract), token_of(client))
    with world.later(minutes=5):
        operations.ask_again(operation_of(contract).pk)
    assert operation_of(contract).state == OperationState.UNKNOWN
    with world.later(days=1):
        operations.ask_again(operation_of(contract).pk)

    assert operation_of(contract).state == OperationState.DECLINED
    assert world.fake.all("charge") == []


def test_every_call_speaks_the_pinned_version(world: World) -> None:
    fund_on_the_page(world.client())

    assert {call.version for call in world.fake.calls} == {"2026-10-28.endive"}
