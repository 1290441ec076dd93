"""Refunds that are asked for between the demo market's people, in every state.

Made in the shape of ``hours``, and built before it: from then on the client cannot make offers. Two
payments of its disputed hours are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from django.urls import reverse

from contracts.models import Contract
from marketplace import clock, sweeping
from marketplace.actors import Actor
from marketplace.management.demo import STARTS_AT
from marketplace.models import Party, User
from marketplace.money import Money
from payments import corrections, refund_requests, refunds
from payments.models import Payment
from tests import factories
from tests.factories import owner_of, reread, usd

WHY: Final = (
    "Half of the pictures are not what we agreed on.\n\n"
    "We had to buy them elsewhere, and would like that part back."
)
WHY_NOT: Final = "All twelve were delivered and approved in October; see the message of the 12th."

WAITING: Final = ("Refund asked", "Refund asked for all")
CLOSED: Final = (
    "Refund declined",
    "Refund taken back",
    "Refund granted",
    "Refund asked three times",
    "Refund not answered",
)
ASKED: Final = (*WAITING, *CLOSED)
HELD: Final = ("Hours disputed", "Dispute declined")
"""Of ``hours``: their payments wait for the dispute."""
POOR: Final = "Refund beyond the balance"
"""The agency's, which has less than it was paid."""
LEFT: Final = usd(36)


class Refunds:
    """Builds them, between a client and a freelancer; the last one is an agency's."""

    def __init__(self, client: Party, talent: Party, agency: Party) -> None:
        self.client, self.talent, self.agency = client, talent, agency
        self.by_client, self.by_talent = owner_of(client), owner_of(talent)

    def build(self) -> None:
        with clock.at(STARTS_AT - timedelta(days=185)):
            self.paid("Refund not answered")
        with clock.at(STARTS_AT - timedelta(days=20)):
            self.ask("Refund not answered", usd(80))
            self.paid(POOR, talent=self.agency)
        sweeping.run(as_of=STARTS_AT - timedelta(days=4))
        with clock.at(STARTS_AT - timedelta(days=3)):
            for title in ASKED:
                if title != "Refund not answered":
                    self.paid(title)
            self.asked_and_answered()
            self.ended()
            self.take_out_of_balance()

    def asked_and_answered(self) -> None:
        self.ask("Refund asked", usd(50))
        self.ask("Refund asked for all", usd(500))
        self.ask("Refund taken back", usd(50))
        refund_requests.withdraw(last_of("Refund taken back"), by=self.by_client)
        self.ask("Refund granted", usd(120))
        refunds.give(
            payment_of("Refund granted"),
            amount=usd(60),
            reason="Half of it was missing, as you say.",
            key="",
            by=self.by_talent,
        )
        for title, times in (("Refund declined", 1), ("Refund asked three times", 3)):
            for _ in range(times):
                self.ask(title, usd(50))
                refund_requests.decline(last_of(title), because=WHY_NOT, by=self.by_talent)

    def ended(self) -> None:
        for title in ("Refund asked for all", "Refund declined"):
            factories.ended(contract_of(title))

    def take_out_of_balance(self) -> None:
        """Support corrects what the agency has: too little for its last payment is left."""
        book = reread(contract_of(POOR).book)
        available: Money = book.available_account.balance
        people = (User.objects.get(email="support@example.com"), factories.StaffFactory())
        first, second = (Actor.support(one) for one in people)
        correction = corrections.propose(
            book,
            debit=book.available_account,
            credit=book.fees_account,
            amount=available - LEFT,
            reason="Paid out by bank transfer.",
            by=first,
        )
        corrections.approve(correction, by=second)

    def paid(self, title: str, **sides: Any) -> None:
        """A contract whose only milestone was just paid."""
        values = {"client": self.client, "talent": self.talent, "title": title} | sides
        factories.approve(factories.submitted(usd(500), **values))

    def ask(self, title: str, amount: Money) -> None:
        refund_requests.ask(payment_of(title), amount=amount, reason=WHY, key="", by=self.by_client)


def pages() -> Iterator[str]:
    """Paths that both sides look at."""
    for title in ASKED:
        yield reverse("room_payments", args=[contract_of(title).reference])
    for title in WAITING:
        yield reverse("room", args=[contract_of(title).reference])


def of_client() -> Iterator[str]:
    """What only the client is asked."""
    for title in (*ASKED, *HELD, POOR):
        yield at("ask_refund", title)


def of_talent() -> Iterator[str]:
    """What only the freelancer is asked."""
    for title in (*ASKED, *HELD):
        yield at("give_refund", title)


def of_agency() -> Iterator[str]:
    yield at("give_refund", POOR)


def sent_empty(client: str, talent: str) -> Iterator[tuple[str, str, str]]:
    """Forms that are sent as they are: who, where, and the button."""
    yield client, at("ask_refund", "Refund declined"), "Ask for a refund"
    yield talent, at("give_refund", "Refund asked"), "Show what happens"


def at(name: str, title: str) -> str:
    return reverse(name, args=[payment_of(title).pk])


def last_of(title: str) -> Any:
    """The newest request for a contract's payment."""
    found = payment_of(title).refund_requests.latest("pk")
    found.payment = payment_of(title)
    return found


def payment_of(title: str) -> Payment:
    found = Payment.objects.select_related("book__client", "book__talent")
    return found.get(book=contract_of(title).book_id)


def contract_of(title: str) -> Contract:
    return Contract.objects.get(title=title)
