"""Steps with the official client that most tests begin with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import stripe

from tests.fake_stripe import FakeStripe
from tests.fake_stripe.fixtures import client_of

BACK = "https://closeout.example/back?session={CHECKOUT_SESSION_ID}"
RETURN = "https://closeout.example/confirmed?of=7"


@dataclass(frozen=True)
class Payer:
    """A customer with a saved card."""

    client: stripe.StripeClient
    customer: str
    method: str

    def pay(self, amount: int = 5_000, *, key: str = "", **more: Any) -> stripe.PaymentIntent:
        params = {
            "amount": amount,
            "currency": "usd",
            "customer": self.customer,
            "payment_method": self.method,
            "allowed_payment_method_types": ["card"],
            "confirm": True,
            "off_session": True,
        }
        options: Any = {"idempotency_key": key} if key else {}
        return self.client.v1.payment_intents.create(params | more, options)  # type: ignore[arg-type]


def payer(fake: FakeStripe, card: str = "pm_card_visa") -> Payer:
    client = client_of(fake)
    customer = client.v1.customers.create({"name": "Ada"}).id
    session = client.v1.checkout.sessions.create(
        {"mode": "setup", "currency": "usd", "customer": customer, "success_url": BACK}
    )
    fake.save_card(session.id, card)
    (method,) = client.v1.payment_methods.list({"customer": customer}).data
    return Payer(client, customer, method.id)


def payee(fake: FakeStripe, bank: str = "receives") -> str:
    """A connected account that can be paid out, by id."""
    client = client_of(fake)
    made = client.v1.accounts.create(
        {"type": "express", "capabilities": {"transfers": {"requested": True}}}
    )
    fake.onboard(made.id, bank)
    return made.id


def declined(payer: Payer, **more: Any) -> stripe.CardError:
    """The error a charge ends with."""
    try:
        payer.pay(**more)
    except stripe.CardError as error:
        return error
    raise AssertionError("it was not declined")


def play_everything(fake: FakeStripe) -> None:
    """One of everything there is to see."""
    good, asked = payer(fake), payer(fake, "pm_card_authenticationRequired")
    client, account = good.client, payee(fake, "sends_back")
    intent = good.pay(50_000, metadata={"key": "k"})
    declined(payer(fake, "pm_card_chargeCustomerFail"))
    waiting = asked.pay(off_session=False, return_url=RETURN)
    fake.answer_bank(waiting.id, agreed=False)
    asked.pay(off_session=False, return_url=RETURN)
    refund = client.v1.refunds.create({"payment_intent": intent.id, "amount": 1_000})
    client.v1.refunds.create({"payment_intent": intent.id, "amount": 1_000})
    fake.fail_refund(refund.id)
    transfer = client.v1.transfers.create(
        {"amount": 2_000, "currency": "usd", "destination": account}
    )
    client.v1.payouts.create({"amount": 1_500, "currency": "usd"}, {"stripe_account": account})
    for _ in range(3):
        fake.advance_payouts()
    client.v1.transfers.reversals.create(transfer.id, {"amount": 500})
    fake.settle_dispute(fake.dispute(intent.id)["id"], won=True)
