"""Credit goes back to the card it was charged on, arrives or does not, and goes again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from contracts.states import Side
from marketplace.models import Party
from payments import credits, operations, outgoing
from payments.models import Account, GatewayOperation
from payments.states import AccountKind, OperationKind, OperationState
from tests.factories import NOON, ended, funded, owner_of, usd
from tests.pages import Browser
from tests.payments.stripe_site.world import World, books_now, token_of


def with_credit(world: World, *amounts: int) -> Party:
    """A client whose escrow of these dollars came back, and is credit."""
    client = world.client()
    for milestone in [
        funded(usd(amount), client=client, method=token_of(client)) for amount in amounts or (500,)
    ]:
        ended(milestone.contract, Side.TALENT)
    return client


def account_of(client: Party) -> Account:
    return Account.objects.get(party=client, kind=AccountKind.CREDIT, currency="USD")


def send(client: Party, amount: str = "500", key: str = "one") -> list[GatewayOperation]:
    return credits.send_back(account_of(client), amount=usd(amount), key=key, by=owner_of(client))


def backs() -> list[tuple[str, int]]:
    found = GatewayOperation.objects.filter(kind=OperationKind.CREDIT_BACK).order_by("pk")
    return [(one.state, one.amount_minor) for one in found]


def refunds(world: World) -> list[tuple[str, int]]:
    return [(one["status"], one["amount"]) for one in world.fake.all("refund")]


def test_credit_goes_back_on_the_page_to_its_charge(world: World) -> None:
    client = with_credit(world)
    browser = Browser.of(owner_of(client)).confirmed()

    page = browser.open(reverse("send_credit_back"))
    page = page.press("Show what happens", choice="all")
    done = page.press("Send $500.00 back")

    assert "$500.00 of your credit is on its way back to Visa ending 4242" in done.flash
    assert refunds(world) == [("succeeded", 50_000)]
    (charge,) = world.fake.all("charge")
    assert charge["refunded"]
    assert account_of(client).balance == usd(0)


def test_credit_of_two_charges_goes_back_to_both(world: World) -> None:
    client = with_credit(world, 300, 200)

    send(client, "350")

    assert refunds(world) == [("succeeded", 20_000), ("succeeded", 15_000)]
    assert account_of(client).balance == usd(150)


def test_same_form_again_sends_nothing_more(world: World) -> None:
    client = with_credit(world)

    send(client, "100")
    send(client, "100")

    assert refunds(world) == [("succeeded", 10_000)]


@pytest.mark.parametrize("told", [True, False])
def test_credit_that_does_not_arrive_is_credit_again_and_goes_once_more(
    world: World, told: bool
) -> None:
    client = with_credit(world)
    send(client)
    (refund,) = world.fake.all("refund")
    world.fake.fail_refund(refund["id"])

    if told:
        world.tell()
    else:
        with world.at(NOON + timedelta(days=1)):
            outgoing.look(outgoing.watched().get().pk)

    assert account_of(client).balance == usd(500)
    assert backs() == [(OperationState.RETURNED, 50_000)]
    before = books_now()
    world.tell_these(world.fake.events("refund.failed"), twice=True)
    assert books_now() == before
    send(client, key="two")
    assert refunds(world) == [("failed", 50_000), ("succeeded", 50_000)]
    assert account_of(client).balance == usd(0)


@pytest.mark.parametrize("acted", [True, False])
def test_lost_answer_of_a_refund_is_settled_by_asking(world: World, acted: bool) -> None:
    client = with_credit(world)
    world.fake.lose_next_answer("POST /v1/refunds", acted=acted)

    (operation,) = send(client)
    assert operation.state == OperationState.UNKNOWN
    assert account_of(client).balance == usd(0)
    with world.later(minutes=5):
        operations.ask_again(operation.pk)

    assert backs() == [(OperationState.SUCCEEDED, 50_000)]
    assert refunds(world) == [("succeeded", 50_000)]


def test_refund_left_pending_counts_as_sent_and_may_fail(world: World) -> None:
    client = with_credit(world)
    world.fake.slow_next()
    send(client)
    assert backs() == [(OperationState.SUCCEEDED, 50_000)]

    world.fake.finish(world.fake.all("refund")[0]["id"], well=False)
    world.tell()

    assert backs() == [(OperationState.RETURNED, 50_000)]
    assert account_of(client).balance == usd(500)


def test_credit_goes_back_at_once_by_wish(world: World) -> None:
    client = world.client()
    credits.choose(client, goes_back=True, by=owner_of(client))
    milestone = funded(usd(500), client=client, method=token_of(client))
    ended(milestone.contract, Side.TALENT)

    with world.later(hours=1):
        credits.send_back_at_once(account_of(client).pk)

    assert refunds(world) == [("succeeded", 50_000)]
    assert account_of(client).balance == usd(0)
