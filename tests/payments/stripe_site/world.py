"""The site and the provider beside each other: people go to and fro, time passes on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.test import Client
from django.urls import reverse

from contracts.models import Contract
from marketplace import clock
from marketplace.models import Party
from payments import chargebacks, reconciling, webhooks
from payments.models import (
    Account,
    Entry,
    GatewayEvent,
    GatewayIdentity,
    GatewayOperation,
    PaymentMethod,
    Transfer,
)
from tests.factories import FreelancerFactory, PartyFactory, owner_of
from tests.fake_stripe import FakeStripe
from tests.fake_stripe.refusals import Json
from tests.pages import Browser, Page
from tests.support.asserting import assert_audit_clean

ROUNDS = 5
"""How often events are taken up again that came too early."""


@dataclass
class World:
    """See there."""

    fake: FakeStripe

    @contextmanager
    def at(self, moment: datetime) -> Iterator[None]:
        """Both clocks stand at this moment."""
        before = self.fake.state.clock
        self.fake.stop_clock(moment)
        try:
            with clock.at(moment):
                yield
        finally:
            self.fake.state.clock = before

    @contextmanager
    def later(self, **step: float) -> Iterator[None]:
        with self.at(clock.now() + timedelta(**step)):
            yield

    def client(self, card: str = "pm_card_visa") -> Party:
        """A client that saved this card on the provider's page."""
        party = PartyFactory()
        self.save_card(party, card)
        return party

    def save_card(self, party: Party, card: str = "pm_card_visa") -> Page:
        """The way there and back; the page the person ends on."""
        browser = Browser.of(owner_of(party)).confirmed()
        return browser.open(_here(self.fake.save_card(self.leave(browser), card)))

    def leave(self, browser: Browser, name: str = "add_payment_method") -> str:
        """The address of the provider's page that a button leads to."""
        answer = browser.client.post(reverse(name))
        assert answer.status_code == 302
        assert answer["Location"].startswith(self.fake.base)
        return str(answer["Location"])

    def talent(self, bank: str = "receives") -> Party:
        """A freelancer who named this bank account on the provider's page."""
        party = FreelancerFactory()
        self.name_bank(party, bank)
        return party

    def name_bank(self, party: Party, bank: str = "receives") -> Page:
        browser = Browser.of(owner_of(party)).confirmed()
        self.fake.onboard(self.leave(browser, "add_destination"), bank)
        return browser.open(reverse("destination_added"))

    def tell(self, **how: Any) -> list[int]:
        """Bring what the provider has to tell, and act on it; the statuses of the answers."""
        answers = self.fake.deliver(bring, **how)
        act()
        return answers

    def tell_these(self, events: list[Json], **how: Any) -> list[int]:
        """Bring these, in this order."""
        answers = self.fake.bring(events, bring, **how)
        act()
        return answers

    def assert_agrees(self) -> None:
        """The books are right, and the provider's own statement says the same."""
        assert_audit_clean()
        for day in reconciling.open_days("stripe"):
            for compared in reconciling.reconcile("stripe", day):
                assert compared.differences == [], (day, compared.differences)
                assert compared.ours_minor == compared.theirs_minor


def bring(body: bytes, headers: dict[str, str]) -> int:
    """Post a message to the site; the status it answered."""
    given = {name: value for name, value in headers.items() if name != "Content-Type"}
    answer = Client().post(
        reverse("stripe_webhook"), body, content_type="application/json", headers=given
    )
    return answer.status_code


def act() -> None:
    """What a worker does with messages; those that came too early wait for the others."""
    for _ in range(ROUNDS):
        waiting = GatewayEvent.objects.filter(due_at__isnull=False).order_by("pk")
        for event in list(waiting):
            try:
                webhooks.handle(event.pk)
            except chargebacks.TooEarly:
                continue


def token_of(party: Party) -> str:
    """The way to pay that the party saved last."""
    return PaymentMethod.objects.filter(party=party, removed_at=None).latest("pk").token


def destination_of(party: Party) -> str:
    return GatewayIdentity.objects.get(party=party).destination


def operation_of(contract: Contract) -> GatewayOperation:
    """The newest operation of a contract, as it is now."""
    return GatewayOperation.objects.filter(book=contract.book_id).latest("pk")


def books_now() -> list[Any]:
    """All that money moves could have changed."""
    return [
        list(Entry.objects.order_by("pk").values_list("pk", "kind", "key")),
        list(Transfer.objects.order_by("pk").values_list("pk", "amount_minor")),
        list(Account.objects.order_by("pk").values_list("pk", "balance_minor")),
        list(GatewayOperation.objects.order_by("pk").values_list("pk", "state", "settled_at")),
    ]


def _here(address: str) -> str:
    """An address of the site without its host."""
    parts = urlsplit(address)
    assert parts.netloc == "testserver", address
    return f"{parts.path}?{parts.query}"
