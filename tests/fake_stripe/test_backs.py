"""Refunds and disputes: money that goes back to cards."""

from __future__ import annotations

import pytest
import stripe

from tests.fake_stripe import FakeStripe
from tests.fake_stripe.playing import payer


def lines(fake: FakeStripe, *kinds: str) -> list[tuple[str, int]]:
    return [
        (one["reporting_category"], one["net"])
        for one in fake.all("balance_transaction")
        if one["type"] in kinds
    ]


def test_refunds_are_never_more_than_the_charge(fake_stripe: FakeStripe) -> None:
    ada = payer(fake_stripe)
    intent = ada.pay(5_000)
    ada.client.v1.refunds.create({"payment_intent": intent.id, "amount": 3_000})

    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        ada.client.v1.refunds.create({"payment_intent": intent.id, "amount": 2_001})
    last = ada.client.v1.refunds.create({"payment_intent": intent.id})

    assert last.amount == 2_000
    with pytest.raises(stripe.InvalidRequestError) as refused:
        ada.client.v1.refunds.create({"payment_intent": intent.id})
    assert refused.value.code == "charge_already_refunded"
    (charge,) = fake_stripe.all("charge")
    assert (charge["amount_refunded"], charge["refunded"]) == (5_000, True)
    assert lines(fake_stripe, "refund") == [("refund", -3_000), ("refund", -2_000)]


def test_refund_that_fails_can_be_made_again(fake_stripe: FakeStripe) -> None:
    ada = payer(fake_stripe)
    intent = ada.pay(5_000)
    refund = ada.client.v1.refunds.create({"payment_intent": intent.id})

    fake_stripe.fail_refund(refund.id)

    found = ada.client.v1.refunds.retrieve(refund.id)
    assert (found.status, found.failure_reason) == ("failed", "lost_or_stolen_card")
    assert lines(fake_stripe, "refund", "refund_failure") == [
        ("refund", -5_000),
        ("refund_failure", 5_000),
    ]
    assert ada.client.v1.refunds.create({"payment_intent": intent.id}).amount == 5_000


def test_refund_left_pending_arrives(fake_stripe: FakeStripe) -> None:
    ada = payer(fake_stripe)
    intent = ada.pay()
    fake_stripe.slow_next()
    refund = ada.client.v1.refunds.create({"payment_intent": intent.id})
    assert refund.status == "pending"

    fake_stripe.finish(refund.id)

    assert ada.client.v1.refunds.retrieve(refund.id).status == "succeeded"


def test_charge_that_did_not_succeed_has_no_refund(fake_stripe: FakeStripe) -> None:
    ada = payer(fake_stripe)
    fake_stripe.slow_next()
    intent = ada.pay()

    with pytest.raises(stripe.InvalidRequestError, match="successful charge"):
        ada.client.v1.refunds.create({"payment_intent": intent.id})


@pytest.mark.parametrize(("won", "net"), [(True, -1_500), (False, -6_500)])
def test_dispute_takes_the_money_until_it_is_decided(
    fake_stripe: FakeStripe, won: bool, net: int
) -> None:
    ada = payer(fake_stripe)
    intent = ada.pay(5_000)

    dispute = fake_stripe.dispute(intent.id)

    assert lines(fake_stripe, "adjustment") == [("dispute", -6_500)]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        ada.client.v1.refunds.create({"payment_intent": intent.id})
    assert refused.value.code == "charge_disputed"
    fake_stripe.settle_dispute(dispute["id"], won=won)
    found = ada.client.v1.disputes.retrieve(dispute["id"], {"expand": ["payment_intent"]})
    assert found.status == ("won" if won else "lost")
    assert isinstance(found.payment_intent, stripe.PaymentIntent)
    assert sum(amount for _, amount in lines(fake_stripe, "adjustment")) == net


def test_owner_of_one_card_disputes_in_time(fake_stripe: FakeStripe) -> None:
    payer(fake_stripe).pay()
    disputed = payer(fake_stripe, "pm_card_createDispute").pay()

    for _ in range(2):
        fake_stripe.let_time_pass()

    (dispute,) = fake_stripe.all("dispute")
    assert dispute["charge"] == disputed.latest_charge
