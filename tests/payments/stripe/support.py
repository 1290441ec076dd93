"""Parties that pay and are paid at the fake Stripe, and calls as operations make them."""

from __future__ import annotations

from payments import gateways, wallet
from payments.gateways.base import Call
from payments.states import OperationKind
from tests.factories import NOON, usd

RETURN_TO = "http://testserver/payments/charges/7/confirm/"


def gateway():
    return gateways.gateway("stripe")


def with_card(fake, party, card="pm_card_visa"):
    """Have the party save a card on the hosted page; the token it is kept under."""
    session = fake.save_card(gateway().add_method(party, back_to="/payments/methods/added/"), card)
    return gateway().saved_method(party, session.rsplit("=", 1)[1]).token


def with_bank(fake, party, bank="receives"):
    """Have the party name a bank account; the token of where it is paid to."""
    gateway().add_destination(party, back_to="/payments/methods/account/added/")
    account = wallet.identity(party, "stripe").destination
    fake.onboard(account, bank)
    return account


def charge(party, method, *, amount=None, key="key", reference="", started_at=NOON) -> Call:
    return Call(
        OperationKind.CHARGE,
        key,
        amount or usd(50),
        method,
        party=party.pk,
        started_at=started_at,
        reference=reference,
        return_to=RETURN_TO,
    )


def back(of: Call, *, amount=None, key="back", reference="") -> Call:
    return Call(
        OperationKind.CREDIT_BACK,
        key,
        amount or usd(20),
        of.method,
        party=of.party,
        started_at=NOON,
        reference=reference,
        of=of,
    )


def payout(party, account, *, amount=None, key="payout", reference="", started_at=NOON) -> Call:
    return Call(
        OperationKind.PAYOUT,
        key,
        amount or usd(30),
        account,
        party=party.pk,
        started_at=started_at,
        reference=reference,
    )
