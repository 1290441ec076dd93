"""The provider tells while we ask, and people press twice: charged once, posted once.

On PostgreSQL each race has its control, in which the locks are taken away and it shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from contracts.models import Contract
from payments import operations, payouts, webhooks
from payments.models import GatewayEvent, GatewayOperation
from payments.states import OperationKind, OperationState
from tests.factories import (
    NOON,
    active,
    approve,
    fund,
    funded,
    milestone_of,
    money_of,
    owner_of,
    usd,
)
from tests.fake_stripe import FakeStripe
from tests.payments.stripe_site.test_paying_out import DUE
from tests.payments.stripe_site.world import World, bring, destination_of, operation_of, token_of
from tests.proof.racing import Deed, Result, assert_one_won, race, shows
from tests.support.profile import RACE_ROUNDS

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

ROUNDS = max(1, RACE_ROUNDS // 4)
"""Each goes over HTTP many times."""


@pytest.fixture
def world(stripe_on: FakeStripe, transactional_db: None) -> Iterator[World]:
    world = World(stripe_on)
    with world.at(NOON):
        yield world


def told_and_asked(world: World) -> tuple[Contract, list[Result]]:
    """A charge whose answer was lost is told by the provider while a sweep asks for it."""
    client = world.client()
    world.tell()
    contract = active(client=client)
    world.fake.lose_next_answer("POST /v1/payment_intents")
    fund(milestone_of(contract), token_of(client))
    operation = operation_of(contract)
    assert operation.state == OperationState.UNKNOWN
    world.fake.deliver(bring)
    event = GatewayEvent.objects.get(kind="payment_intent.succeeded", due_at__isnull=False)
    return contract, race(
        lambda: webhooks.handle(event.pk),
        lambda: operations.ask_again(operation.pk),
    )


def test_what_is_told_meets_what_is_asked(world: World) -> None:
    for number in range(1, ROUNDS + 1):
        contract, results = told_and_asked(world)

        assert [result.error for result in results] == [None, None]
        assert money_of(contract) == ("$500.00", "$0.00", "$0.00", "$0.00")
        assert len(world.fake.all("charge")) == number
    world.tell()
    world.assert_agrees()


@pytest.mark.postgresql
def test_what_is_told_meets_what_is_asked_without_locks(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shows(lambda: told_and_asked(world)[1], monkeypatch, winners=2)


def both_carry_out(world: World) -> tuple[Contract, list[Result]]:
    """A charge that nobody made yet is made by two at once, under one key."""
    client = world.client()
    contract = active(client=client)
    world.fake.reset_next("POST /v1/payment_intents")
    fund(milestone_of(contract), token_of(client))
    operation = operation_of(contract)
    return contract, race(
        lambda: operations.ask_again(operation.pk),
        lambda: operations.hear(operation.pk),
    )


def test_charge_made_by_two_at_once_is_one(world: World) -> None:
    for number in range(1, ROUNDS + 1):
        contract, results = both_carry_out(world)

        assert [result.error for result in results] == [None, None]
        if operation_of(contract).is_open:
            operations.ask_again(operation_of(contract).pk)
        assert money_of(contract) == ("$500.00", "$0.00", "$0.00", "$0.00")
        assert len(world.fake.all("charge")) == number
    world.assert_agrees()


def test_withdrawal_meets_itself(world: World) -> None:
    for number in range(1, ROUNDS + 1):
        client, talent = world.client(), world.talent()
        approve(funded(usd(500), client=client, talent=talent, method=token_of(client)))
        given = {"destination": destination_of(talent), "by": owner_of(talent)}
        with world.at(DUE):
            deeds = [
                Deed(partial(payouts.withdraw, talent, amount=usd(300), key=key, **given), at=DUE)
                for key in (f"a{number}", f"b{number}")
            ]
            lost = assert_one_won(race(*deeds))

            assert "You can withdraw $150.00 now" in str(lost.refusal)
            assert len(world.fake.all("payout")) == number
            assert _sent(talent.pk) == [OperationState.SUCCEEDED]
    with world.at(DUE):
        world.assert_agrees()


def _sent(party: int) -> list[str]:
    found = GatewayOperation.objects.filter(kind=OperationKind.PAYOUT, account__party=party)
    return [one.state for one in found.order_by("pk")]
