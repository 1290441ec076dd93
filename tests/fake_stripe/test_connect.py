"""Accounts of people who are paid, what is transferred to them, and what their bank does."""

from __future__ import annotations

import pytest
import stripe

from tests.fake_stripe import FakeStripe
from tests.fake_stripe.fixtures import client_of
from tests.fake_stripe.playing import payee, payer

LINK = {
    "type": "account_onboarding",
    "return_url": "https://closeout.example/named",
    "refresh_url": "https://closeout.example/again",
}


def send(client: stripe.StripeClient, account: str, amount: int = 900) -> stripe.Transfer:
    return client.v1.transfers.create(
        {"amount": amount, "currency": "usd", "destination": account, "transfer_group": "seven"}
    )


def pay_out(client: stripe.StripeClient, account: str, amount: int = 900) -> stripe.Payout:
    return client.v1.payouts.create(
        {"amount": amount, "currency": "usd"}, {"stripe_account": account}
    )


def test_account_is_paid_only_after_its_owner_named_a_bank(
    fake_stripe: FakeStripe, stripe_client: stripe.StripeClient
) -> None:
    account = stripe_client.v1.accounts.create(
        {"type": "express", "capabilities": {"transfers": {"requested": True}}}
    )
    payer(fake_stripe).pay(50_000)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        send(stripe_client, account.id)
    assert refused.value.code == "insufficient_capabilities_for_transfer"
    assert not account.payouts_enabled

    fake_stripe.onboard(account.id)

    found = stripe_client.v1.accounts.retrieve(account.id)
    assert found.payouts_enabled
    assert found.external_accounts is not None
    assert found.external_accounts.data[0].last4 == "6789"
    assert send(stripe_client, account.id).amount == 900


def test_transfer_is_never_more_than_what_is_there(fake_stripe: FakeStripe) -> None:
    ada, account = payer(fake_stripe), payee(fake_stripe)
    ada.pay(1_000)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        send(ada.client, account, 942)

    assert refused.value.code == "balance_insufficient"
    assert send(ada.client, account, 941).amount == 941
    assert (fake_stripe.available(), fake_stripe.available("usd", account)) == (0, 941)


def test_payout_arrives_step_by_step(fake_stripe: FakeStripe) -> None:
    ada, account = payer(fake_stripe), payee(fake_stripe)
    ada.pay(50_000)
    send(ada.client, account)

    payout = pay_out(ada.client, account)
    seen = [payout.status]
    for _ in range(3):
        fake_stripe.advance_payouts()
        found = ada.client.v1.payouts.retrieve(payout.id, None, {"stripe_account": account})
        seen.append(found.status)

    assert seen == ["pending", "in_transit", "paid", "paid"]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        pay_out(ada.client, account, 1)
    assert refused.value.code == "balance_insufficient"


@pytest.mark.parametrize(
    ("bank", "steps", "code"),
    [("refuses", 1, "account_closed"), ("sends_back", 3, "no_account")],
)
def test_payout_that_fails_leaves_the_money_to_be_taken_back(
    fake_stripe: FakeStripe, bank: str, steps: int, code: str
) -> None:
    ada, account = payer(fake_stripe), payee(fake_stripe, bank)
    ada.pay(50_000)
    before = fake_stripe.available()
    transfer = send(ada.client, account)
    payout = pay_out(ada.client, account)
    with pytest.raises(stripe.InvalidRequestError):
        ada.client.v1.transfers.reversals.create(transfer.id, {})

    for _ in range(steps):
        fake_stripe.advance_payouts()

    found = ada.client.v1.payouts.retrieve(payout.id, None, {"stripe_account": account})
    assert (found.status, found.failure_code) == ("failed", code)
    ada.client.v1.transfers.reversals.create(transfer.id, {})
    assert ada.client.v1.transfers.retrieve(transfer.id).reversed
    assert (fake_stripe.available(), fake_stripe.available("usd", account)) == (before, 0)


def test_reversal_is_never_more_than_its_transfer(fake_stripe: FakeStripe) -> None:
    ada, account = payer(fake_stripe), payee(fake_stripe)
    ada.pay(50_000)
    transfer = send(ada.client, account)
    ada.client.v1.transfers.reversals.create(transfer.id, {"amount": 500})

    with pytest.raises(stripe.InvalidRequestError, match="greater than unreversed"):
        ada.client.v1.transfers.reversals.create(transfer.id, {"amount": 401})

    (found,) = ada.client.v1.transfers.list({"transfer_group": "seven"}).data
    assert (found.amount_reversed, found.reversed) == (500, False)


def test_payout_not_yet_sent_can_be_called_off(fake_stripe: FakeStripe) -> None:
    ada, account = payer(fake_stripe), payee(fake_stripe)
    ada.pay(50_000)
    send(ada.client, account)
    payout = pay_out(ada.client, account)

    stopped = ada.client.v1.payouts.cancel(payout.id, None, {"stripe_account": account})

    assert stopped.status == "canceled"
    assert fake_stripe.available("usd", account) == 900


def test_payouts_of_one_account_are_unknown_to_another(fake_stripe: FakeStripe) -> None:
    ada, account, other = payer(fake_stripe), payee(fake_stripe), payee(fake_stripe)
    ada.pay(50_000)
    send(ada.client, account)
    payout = pay_out(ada.client, account)

    with pytest.raises(stripe.InvalidRequestError):
        ada.client.v1.payouts.retrieve(payout.id, None, {"stripe_account": other})
    assert ada.client.v1.payouts.list(None, {"stripe_account": other}).data == []


def test_balance_is_the_sum_of_its_lines(fake_stripe: FakeStripe) -> None:
    ada, account = payer(fake_stripe), payee(fake_stripe)
    ada.pay(50_000)
    transfer = send(ada.client, account)
    ada.client.v1.transfers.reversals.create(transfer.id, {})

    (held,) = ada.client.v1.balance.retrieve().available
    seen = ada.client.v1.balance_transactions.list({"expand": ["data.source"]}).data

    assert held.amount == fake_stripe.available() == 48_520
    assert [(one.type, one.amount) for one in seen] == [
        ("transfer_refund", 900),
        ("transfer", -900),
        ("charge", 50_000),
    ]
    assert isinstance(seen[2].source, stripe.Charge)


def test_operator_can_bring_money_of_its_own(fake_stripe: FakeStripe) -> None:
    account = payee(fake_stripe)
    fake_stripe.top_up(900)

    assert send(client_of(fake_stripe), account).amount == 900
    assert fake_stripe.all("balance_transaction")[0]["type"] == "topup"
