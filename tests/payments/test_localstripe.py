"""What another Stripe-compatible server does right, it and ours answer alike.

localstripe (GPL) is started as a process of its own and only spoken to over HTTP. It ignores
idempotency keys, refunds too much, and knows neither Checkout nor Connect: those are held against
``tests/fake_stripe`` alone. It also calls one parameter as earlier versions of the API did.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import stripe
from django.urls import reverse

from marketplace import clock
from payments.gateways.base import Answer, Call
from payments.gateways.stripe import backs, charges, identities
from payments.models import GatewayEvent
from payments.states import OperationKind
from tests.factories import PartyFactory, usd
from tests.fake_stripe import FakeStripe
from tests.fake_stripe.control import SECRET_KEY, WEBHOOK_SECRET

STARTS_WITHIN = 30.0


@dataclass(frozen=True)
class Server:
    """Somebody who answers like Stripe."""

    base: str
    only_cards: str
    """What it calls the parameter that allows cards only."""

    @property
    def client(self) -> stripe.StripeClient:
        return stripe.StripeClient(
            SECRET_KEY, base_addresses={"api": self.base}, max_network_retries=0
        )

    def customer(self) -> tuple[str, str]:
        """One with a card that pays; both by id."""
        made = self.client.v1.customers.create({"name": "Ada", "metadata": {"party": "7"}})
        method = self.client.v1.payment_methods.attach("pm_card_visa", {"customer": made.id})
        return made.id, method.id

    def charge(self, amount: int = 5_000, **more: Any) -> stripe.PaymentIntent:
        customer, method = self.customer()
        asked = {
            "amount": amount,
            "currency": "usd",
            "customer": customer,
            "payment_method": method,
            self.only_cards: ["card"],
            "confirm": True,
            "off_session": True,
        }
        return self.client.v1.payment_intents.create(asked | more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def localstripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Its memory is a file in the temporary folder, so it gets one of its own."""
    folder = tmp_path_factory.mktemp("localstripe")
    port = _free_port()
    command = [sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"]
    with Path(folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env=os.environ | {"TMPDIR": str(folder)}, cwd=folder, stdout=log, stderr=log
        )
        try:
            _wait_for(port, process)
            yield Server(f"http://127.0.0.1:{port}", "payment_method_types")
        finally:
            process.terminate()
            process.wait(10)


@pytest.fixture(params=["localstripe", "fake"])
def server(request: pytest.FixtureRequest, localstripe: Server, fake_stripe: FakeStripe) -> Server:
    ours = Server(fake_stripe.base, "allowed_payment_method_types")
    return localstripe if request.param == "localstripe" else ours


@pytest.fixture
def switched_on(server: Server, settings: Any) -> Server:
    settings.PAYMENT_GATEWAY = "stripe"
    settings.STRIPE_SECRET_KEY = SECRET_KEY
    settings.STRIPE_WEBHOOK_SECRET = WEBHOOK_SECRET
    settings.STRIPE_API_BASE = server.base
    return server


def test_customer_keeps_what_it_was_made_with(server: Server) -> None:
    customer, _ = server.customer()

    found = server.client.v1.customers.retrieve(customer)

    assert found.name == "Ada"
    assert found.metadata is not None
    assert found.metadata["party"] == "7"


def test_saved_card_is_listed_until_it_is_removed(server: Server) -> None:
    customer, method = server.customer()
    listed = server.client.v1.payment_methods.list({"customer": customer, "type": "card"})
    (card,) = (one.card for one in listed.data if one.id == method)
    assert card is not None
    assert (card.brand, card.last4) == ("visa", "4242")

    server.client.v1.payment_methods.detach(method)

    again = server.client.v1.payment_methods.list({"customer": customer, "type": "card"})
    assert again.data == []


def test_charge_succeeds_while_its_owner_is_away(server: Server) -> None:
    intent = server.charge(metadata={"key": "seven"})

    found = server.client.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})

    assert (found.status, found.amount, found.currency) == ("succeeded", 5_000, "usd")
    assert found.metadata["key"] == "seven"
    assert isinstance(found.latest_charge, stripe.Charge)
    assert (found.latest_charge.paid, found.latest_charge.amount_refunded) == (True, 0)


def test_refunds_of_a_charge_add_up(server: Server) -> None:
    intent = server.charge()
    for amount in (2_000, 1_000):
        refund = server.client.v1.refunds.create({"payment_intent": intent.id, "amount": amount})
        assert (refund.status, refund.amount) == ("succeeded", amount)

    found = server.client.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})

    assert isinstance(found.latest_charge, stripe.Charge)
    assert (found.latest_charge.amount_refunded, found.latest_charge.refunded) == (3_000, False)


def test_charge_and_refund_are_lines_of_the_balance(server: Server) -> None:
    intent = server.charge()
    refund = server.client.v1.refunds.create({"payment_intent": intent.id, "amount": 2_000})

    lines = server.client.v1.balance_transactions.list({"limit": 100}).data

    assert sorted(
        (one.type, one.amount) for one in lines if one.source in (refund.charge, refund.id)
    ) == [("charge", 5_000), ("refund", -2_000)]


def test_unknown_charge_is_missing(server: Server) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        server.client.v1.payment_intents.retrieve("pi_none")

    assert refused.value.http_status == 404


@pytest.mark.django_db
def test_party_becomes_a_customer_once(switched_on: Server) -> None:
    party = PartyFactory()

    first = identities.customer(party)

    assert identities.customer(party) == first
    found = switched_on.client.v1.customers.retrieve(first)
    assert found.metadata is not None
    assert found.metadata["party"] == str(party.pk)


@pytest.mark.django_db
def test_adapter_reads_a_charge_and_sends_part_of_it_back(switched_on: Server) -> None:
    intent = switched_on.charge(metadata={"key": "charge:7"})
    charge = _call(OperationKind.CHARGE, "charge:7", "50", intent.id)
    back = _call(OperationKind.CREDIT_BACK, "back:7", "20", of=charge)

    asked, sent = charges.ask(charge), backs.make(back)

    assert (asked.answer, asked.reference) == (Answer.SUCCEEDED, intent.id)
    assert sent.answer is Answer.SUCCEEDED
    refund = switched_on.client.v1.refunds.retrieve(sent.reference)
    assert (refund.amount, refund.payment_intent) == (2_000, intent.id)
    assert backs.ask(_call(OperationKind.CREDIT_BACK, "back:7", "20", refund.id, charge)) == sent


@pytest.mark.django_db
def test_webhook_of_the_other_server_is_taken_in(
    localstripe: Server, settings: Any, client: Any
) -> None:
    settings.STRIPE_WEBHOOK_SECRET = WEBHOOK_SECRET
    with _Listener() as listener:
        _have_told(localstripe, listener.address)
        intent = localstripe.charge()
        body, signature = listener.first("payment_intent.succeeded", intent.id)

    url = reverse("stripe_webhook")
    kind = {"content_type": "application/json", "headers": {"Stripe-Signature": signature}}

    assert client.post(url, body.replace(b"usd", b"eur"), **kind).status_code == 400
    assert GatewayEvent.objects.count() == 0
    assert client.post(url, body, **kind).status_code == 200
    assert GatewayEvent.objects.get().about == intent.id


def _call(
    kind: OperationKind, key: str, amount: str, reference: str = "", of: Call | None = None
) -> Call:
    return Call(kind, key, usd(amount), "", 0, clock.now(), reference, of)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until:
        assert process.poll() is None, "localstripe ended"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("localstripe does not start")


def _have_told(server: Server, address: str) -> None:
    """Where its webhooks go, which is no part of the real API."""
    body = urllib.parse.urlencode({"url": address, "secret": WEBHOOK_SECRET}).encode()
    asked = f"{server.base}/_config/webhooks/one"
    with urllib.request.urlopen(asked, body, timeout=10) as answer:
        assert answer.status == 200


class _Listener:
    """Keeps what is posted to it."""

    def __init__(self) -> None:
        told: list[tuple[bytes, str]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                told.append((body, self.headers["Stripe-Signature"]))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args: object) -> None: ...

        self._told = told
        self._http = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,))
        self.address = f"http://127.0.0.1:{self._http.server_address[1]}/"

    def __enter__(self) -> _Listener:
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)

    def first(self, kind: str, about: str) -> tuple[bytes, str]:
        until = time.monotonic() + 15
        while time.monotonic() < until:
            for body, signature in list(self._told):
                event = json.loads(body)
                if (event["type"], event["data"]["object"]["id"]) == (kind, about):
                    return body, signature
            time.sleep(0.05)
        raise AssertionError(f"{kind} was never told")
