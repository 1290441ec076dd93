"""Withdrawals: to the talent's account at the provider, and from there to the bank."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.urls import reverse

from marketplace import clock
from marketplace.models import Party
from marketplace.money import Money
from marketplace.refusals import Refused
from payments import operations, outgoing, payouts
from payments.models import Account, GatewayOperation
from payments.states import AccountKind, OperationKind, OperationState
from tests.factories import NOON, approve, funded, owner_of, usd
from tests.pages import Browser
from tests.payments.stripe_site.world import World, books_now, destination_of, token_of

DUE = NOON + timedelta(days=5)


@pytest.fixture
def paid(world: World) -> Iterator[World]:
    """The world five days after a client paid."""
    with world.at(DUE):
        yield world


def talent_with(world: World, bank: str = "receives") -> Party:
    """A talent with $450 available, who is paid to this bank account."""
    with world.at(NOON):
        client, talent = world.client(), world.talent(bank)
        approve(funded(usd(500), client=client, talent=talent, method=token_of(client)))
    return talent


def withdraw(talent: Party, amount: str = "450", key: str = "one") -> GatewayOperation:
    return payouts.withdraw(
        talent,
        amount=usd(amount),
        destination=destination_of(talent),
        key=key,
        by=owner_of(talent),
    )


def left(talent: Party) -> Money:
    return payouts.available(talent, "USD", clock.now())


def states() -> list[str]:
    found = GatewayOperation.objects.filter(kind=OperationKind.PAYOUT).order_by("pk")
    return [one.state for one in found]


def test_withdrawal_on_the_page_goes_to_the_bank(paid: World) -> None:
    talent = talent_with(paid)

    page = Browser.of(owner_of(talent)).confirmed().open(reverse("withdraw"))
    done = page.press("Withdraw")

    assert "$450.00 is on its way to STRIPE TEST BANK ending 6789." in done.flash
    (transfer,), (payout,) = paid.fake.all("transfer"), paid.fake.all("payout")
    assert (transfer["amount"], payout["amount"]) == (45_000, 45_000)
    for _ in range(2):
        paid.fake.advance_payouts()
    paid.tell()
    assert states() == [OperationState.SUCCEEDED]
    assert left(talent) == usd(0)


def test_same_form_again_sends_nothing_more(paid: World) -> None:
    talent = talent_with(paid)

    withdraw(talent, "100")
    withdraw(talent, "100")

    assert [one["amount"] for one in paid.fake.all("payout")] == [10_000]
    assert left(talent) == usd(350)


@pytest.mark.parametrize(
    ("bank", "steps", "sentence"),
    [
        ("refuses", 1, "The bank account is closed or cannot be paid to."),
        ("sends_back", 3, "The bank knows no such account: check its details."),
    ],
)
@pytest.mark.parametrize("told", [True, False])
def test_withdrawal_that_fails_comes_back_once_and_goes_again(
    paid: World, bank: str, steps: int, sentence: str, told: bool
) -> None:
    talent = talent_with(paid, bank)
    operation = withdraw(talent)
    assert left(talent) == usd(0)
    for _ in range(steps):
        paid.fake.advance_payouts()

    if told:
        paid.tell(twice=True)
    else:
        with paid.later(days=1):
            outgoing.look(operation.pk)

    operation.refresh_from_db()
    assert (operation.state, operation.declined_because) == (OperationState.RETURNED, sentence)
    assert left(talent) == usd(450)
    assert [one["reversed"] for one in paid.fake.all("transfer")] == [True]
    stands = books_now()
    paid.tell_these(paid.fake.events("payout.failed"))
    assert books_now() == stands
    paid.fake.onboard(destination_of(talent))
    with paid.later(days=1):
        withdraw(talent, key="two")
    assert states() == [OperationState.RETURNED, OperationState.SUCCEEDED]
    assert [one["status"] for one in paid.fake.all("payout")] == ["failed", "pending"]


@pytest.mark.parametrize("step", ["transfers", "payouts"])
@pytest.mark.parametrize("acted", [True, False])
def test_lost_answer_on_either_step_sends_once(paid: World, step: str, acted: bool) -> None:
    talent = talent_with(paid)
    paid.fake.lose_next_answer(f"POST /v1/{step}$", acted=acted)

    operation = withdraw(talent)
    assert operation.state == OperationState.UNKNOWN
    assert left(talent) == usd(0)
    with paid.later(minutes=5):
        operations.ask_again(operation.pk)

    assert states() == [OperationState.SUCCEEDED]
    assert [one["amount"] for one in paid.fake.all("transfer")] == [45_000]
    assert [one["amount"] for one in paid.fake.all("payout")] == [45_000]


def test_operator_without_money_there_sends_nothing(paid: World) -> None:
    talent = talent_with(paid)
    paid.fake.dispute(paid.fake.all("charge")[0]["id"])
    paid.tell()

    with pytest.raises(Refused, match=r"Try again tomorrow\. \$450.00 is available again\."):
        withdraw(talent)

    assert paid.fake.all("transfer") == []
    assert left(talent) == usd(450)
    assert Account.objects.get(party=talent, kind=AccountKind.AVAILABLE).balance == usd(450)
