"""What the provider tells: signed or not taken; late, twice, in any order it moves money once."""

from __future__ import annotations

from itertools import permutations

import pytest
from django.test import Client
from django.urls import reverse

from contracts.models import Contract
from payments import operations
from payments.gateways.base import Unavailable
from payments.models import GatewayEvent
from payments.states import OperationState
from tests.factories import active, fund, milestone_of, money_of
from tests.fake_stripe.control import WEBHOOK_SECRET
from tests.fake_stripe.webhooks import signed
from tests.payments.stripe_site.world import World, books_now, operation_of, token_of

URL = "stripe_webhook"


def lost_charge(world: World) -> Contract:
    """A milestone whose charge was made, and whose answer was lost."""
    client = world.client()
    world.tell()
    contract = active(client=client)
    world.fake.lose_next_answer("POST /v1/payment_intents")
    fund(milestone_of(contract), token_of(client))
    assert operation_of(contract).state == OperationState.UNKNOWN
    return contract


@pytest.mark.parametrize("reverse_", [False, True])
def test_charge_whose_answer_was_lost_is_told(world: World, reverse_: bool) -> None:
    contract = lost_charge(world)

    assert set(world.tell(reverse=reverse_, twice=True)) == {200}

    assert money_of(contract)[:2] == ("$500.00", "$0.00")
    assert operation_of(contract).reference == world.fake.all("payment_intent")[0]["id"]


def test_what_is_told_again_in_any_order_changes_nothing(world: World) -> None:
    contract = lost_charge(world)
    told = [one for one in world.fake.events() if "payment_intent" in one["type"]]
    told += world.fake.events("charge.succeeded")
    assert len(told) == 3
    world.fake.held.clear()

    seen = []
    for order in permutations(told):
        world.tell_these(list(order), twice=True)
        seen.append(books_now())

    assert all(one == seen[0] for one in seen)
    assert money_of(contract)[:2] == ("$500.00", "$0.00")


def test_what_is_told_after_the_poll_changes_nothing(world: World) -> None:
    contract = lost_charge(world)
    with world.later(minutes=5):
        operations.ask_again(operation_of(contract).pk)
    before = books_now()

    world.tell(reverse=True, twice=True)

    assert books_now() == before
    assert money_of(contract)[:2] == ("$500.00", "$0.00")


def test_one_message_is_kept_once(world: World) -> None:
    lost_charge(world)
    (event,) = world.fake.events("payment_intent.succeeded")

    world.tell_these([event, event, event])

    assert GatewayEvent.objects.filter(event_id=event["id"]).count() == 1


def test_wrong_secret_is_not_taken_and_leaves_nothing(world: World) -> None:
    contract = lost_charge(world)
    before, known = books_now(), GatewayEvent.objects.count()

    assert set(world.tell(secret=WEBHOOK_SECRET + "x")) == {400}

    assert books_now() == before
    assert GatewayEvent.objects.count() == known
    assert operation_of(contract).state == OperationState.UNKNOWN


def test_changed_body_is_not_taken(world: World) -> None:
    contract = lost_charge(world)
    (event,) = world.fake.events("payment_intent.succeeded")
    body, headers = signed(event, WEBHOOK_SECRET)
    given = {"Stripe-Signature": headers["Stripe-Signature"]}

    changed = body.replace(b"payment_intent.succeeded", b"payment_intent.canceled")
    answer = Client().post(reverse(URL), changed, content_type="application/json", headers=given)

    assert answer.status_code == 400
    assert operation_of(contract).state == OperationState.UNKNOWN


def test_message_that_lies_about_its_object_is_looked_up(world: World) -> None:
    client = world.client("pm_card_authenticationRequired")
    contract = active(client=client)
    fund(milestone_of(contract), token_of(client))
    (event,) = world.fake.events("payment_intent.requires_action")
    lie = event | {"id": "evt_lie", "type": "payment_intent.succeeded"}
    lie["data"] = {"object": event["data"]["object"] | {"status": "succeeded"}}

    assert world.tell_these([lie]) == [200]

    assert operation_of(contract).state == OperationState.UNKNOWN
    assert money_of(contract)[:2] == ("$0.00", "$0.00")
    assert world.fake.available() == 0


def test_provider_out_of_reach_when_it_tells_is_asked_later(world: World) -> None:
    contract = lost_charge(world)
    (event,) = world.fake.events("payment_intent.succeeded")
    world.fake.lose_next_answer("GET /v1/payment_intents", times=100)

    with pytest.raises(Unavailable):
        world.tell_these([event])
    assert GatewayEvent.objects.filter(due_at__isnull=False).count() == 1
    world.fake.faults.clear()
    world.tell()

    assert money_of(contract)[:2] == ("$500.00", "$0.00")


def test_message_about_nothing_of_ours_is_taken_and_forgotten(world: World) -> None:
    stranger = world.fake
    intent_event = {
        "id": "evt_strange",
        "object": "event",
        "api_version": None,
        "created": 1,
        "data": {"object": {"id": "pi_nobody", "object": "payment_intent"}},
        "livemode": False,
        "pending_webhooks": 1,
        "request": None,
        "type": "payment_intent.succeeded",
    }

    assert world.tell_these([intent_event]) == [200]

    assert GatewayEvent.objects.get(event_id="evt_strange").handled_at is not None
    assert stranger.all("charge") == []
