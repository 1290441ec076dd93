"""A client disputes a charge at its bank: told in any order, lost or won."""

from __future__ import annotations

from itertools import permutations

import pytest

from contracts import funding
from contracts.models import Contract
from contracts.states import Side
from marketplace.actors import Actor
from marketplace.models import Party
from marketplace.refusals import Refused
from payments import chargebacks
from payments.models import Chargeback
from payments.states import ChargebackState
from tests.factories import (
    StaffFactory,
    active,
    ended,
    funded,
    milestone_of,
    money_of,
    owner_of,
    usd,
)
from tests.payments.stripe_site.world import World, books_now, operation_of, token_of


def charged(world: World, *, is_credit: bool = False) -> Contract:
    """$500 charged: in escrow, or credit again because the talent ended."""
    client = world.client()
    milestone = funded(usd(500), client=client, method=token_of(client))
    return ended(milestone.contract, Side.TALENT) if is_credit else milestone.contract


def dispute(world: World, contract: Contract) -> str:
    return str(world.fake.dispute(operation_of(contract).reference)["id"])


def fund_more(client: Party) -> None:
    milestone = milestone_of(active(usd(50), client=client))
    funding.fund(milestone, method=token_of(client), key="", by=owner_of(client))


@pytest.mark.parametrize(("is_credit", "credit"), [(True, 50_000), (False, 0)])
@pytest.mark.parametrize(("won", "state"), [(True, "won"), (False, "lost")])
def test_dispute_takes_the_money_until_it_is_decided(
    world: World, is_credit: bool, credit: int, won: bool, state: str
) -> None:
    contract = charged(world, is_credit=is_credit)
    before = money_of(contract)

    name = dispute(world, contract)
    world.tell()

    chargeback = Chargeback.objects.get()
    assert (chargeback.reference, chargeback.state) == (name, ChargebackState.OPEN)
    assert (chargeback.amount_minor, chargeback.from_credit_minor) == (50_000, credit)
    assert money_of(contract)[0] == before[0]
    world.assert_agrees()

    world.fake.settle_dispute(name, won=won)
    world.tell()

    chargeback.refresh_from_db()
    assert chargeback.state == state
    if won:
        assert money_of(contract) == before


def test_client_who_owes_cannot_fund_until_support_writes_it_off(world: World) -> None:
    contract = charged(world)
    world.fake.settle_dispute(dispute(world, contract), won=False)
    world.tell()

    with pytest.raises(Refused):
        fund_more(contract.client)
    assert len(world.fake.all("charge")) == 1

    chargebacks.write_off(
        Chargeback.objects.get(), because="Too old.", by=Actor.support(StaffFactory())
    )
    fund_more(contract.client)
    assert len(world.fake.all("charge")) == 2


@pytest.mark.parametrize("won", [True, False])
def test_dispute_is_the_same_in_whatever_order_it_is_told(world: World, won: bool) -> None:
    contract = charged(world)
    world.tell()
    world.fake.settle_dispute(dispute(world, contract), won=won)
    told = [one for one in world.fake.held if one["type"].startswith("charge.dispute.")]
    world.fake.held.clear()
    assert len(told) == (4 if won else 3)

    seen = []
    for order in permutations(told):
        world.tell_these(list(order), twice=True)
        seen.append((books_now(), Chargeback.objects.get().state))

    assert all(one == seen[0] for one in seen)
    assert seen[0][1] == ("won" if won else "lost")


def test_dispute_of_a_charge_whose_answer_was_lost_is_taken_in(world: World) -> None:
    client = world.client()
    contract = active(usd(500), client=client)
    world.fake.lose_next_answer("POST /v1/payment_intents")
    funding.fund(milestone_of(contract), method=token_of(client), key="", by=owner_of(client))
    (charge,) = world.fake.all("charge")
    world.fake.dispute(charge["id"])

    world.tell(reverse=True)

    assert Chargeback.objects.get().operation == operation_of(contract)
    assert money_of(contract)[0] == "$500.00"
