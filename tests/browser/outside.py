"""Money that leaves, and where it goes: between the demo market's people, in every state.

Made in the shape of ``hours``, and built before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.urls import reverse

from contracts.models import Contract
from contracts.states import Side
from marketplace import clock
from marketplace.management.demo import STARTS_AT
from marketplace.models import Party
from payments import credits, payouts
from payments.gateways import sandbox
from payments.models import Account
from payments.states import AccountKind
from tests import factories
from tests.factories import owner_of, usd

STATEMENTS: Final = (
    "Landing page redesign",
    "Annual report layout",
    "Mobile app prototype",
    "Data pipeline support",
    "Refund granted",
    "Newsletter series",
)
"""Contracts whose statements differ: running, closed, something open, by the hour, given back."""
FILTERS: Final = ("?since=2026-11-01", "?contract=C-NOTHING", "?before=1")


class Outside:
    """Builds what the demo market leaves out: credit that went back, a withdrawal still open."""

    def __init__(self, client: Party, talent: Party, agency: Party) -> None:
        self.client, self.talent, self.agency = client, talent, agency

    def build(self) -> None:
        with clock.at(STARTS_AT - timedelta(days=1)):
            contract = factories.leftover(
                usd(75), title="Credit sent back", client=self.client, talent=self.talent
            )
            factories.ended(contract, Side.TALENT)
            credit = Account.objects.get(party=self.client, kind=AccountKind.CREDIT, currency="USD")
            credits.send_back(credit, amount=usd(25), key="sights-credit", by=owner_of(self.client))
            payouts.withdraw(
                self.talent,
                amount=usd(40),
                destination=sandbox.NEVER_RECEIVES,
                key="sights-open",
                by=owner_of(self.talent),
            )


def pages() -> Iterator[str]:
    """Paths that both sides look at."""
    yield reverse("payment_methods")
    yield from (f"{reverse('payments')}{typed}" for typed in FILTERS)
    yield from (reverse("contract_statement", args=[_reference(one)]) for one in STATEMENTS)


def of_client() -> Iterator[str]:
    """What only the client does; a withdrawal is not for it."""
    yield reverse("send_credit_back")
    yield reverse("withdraw")


def of_talent() -> Iterator[str]:
    yield reverse("withdraw")


def of_agency() -> Iterator[str]:
    yield reverse("withdraw")
    yield reverse("payment_methods")


def of_member() -> Iterator[str]:
    """Who may do nothing with the party's money reads who can."""
    yield reverse("withdraw")


def sent_empty(client: str, talent: str) -> Iterator[tuple[str, str, str]]:
    """Forms that complain: who, where, and the button that sends them."""
    yield client, reverse("send_credit_back"), "Show what happens"
    yield talent, reverse("withdraw"), "Withdraw"


def _reference(title: str) -> str:
    return Contract.objects.get(title=title).reference
