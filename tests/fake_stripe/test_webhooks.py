"""What is told unasked, and that only who knows the secret can have told it."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import stripe

from tests.fake_stripe import FakeStripe
from tests.fake_stripe.control import WEBHOOK_SECRET, Address
from tests.fake_stripe.playing import payee, payer
from tests.fake_stripe.webhooks import signed

Told = list[tuple[bytes, dict[str, str]]]


def keep(told: Told):
    def send(body: bytes, headers: dict[str, str]) -> int:
        told.append((body, headers))
        return 200

    return send


def read(body: bytes, headers: dict[str, str], secret: str = WEBHOOK_SECRET) -> stripe.Event:
    return stripe.Webhook.construct_event(body, headers["Stripe-Signature"], secret)


def test_charge_is_told_with_a_signature_the_client_accepts(fake_stripe: FakeStripe) -> None:
    intent, told = payer(fake_stripe).pay(), []
    fake_stripe.deliver(keep(told))

    events = [read(*message) for message in told]

    assert [one.type for one in events][-3:] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]
    assert events[-1].data.object["id"] == intent.id
    assert events[-1].api_version == stripe.api_version
    assert fake_stripe.held == []


@pytest.mark.parametrize("secret", ["whsec_other", WEBHOOK_SECRET[:-1]])
def test_other_secret_is_not_accepted(fake_stripe: FakeStripe, secret: str) -> None:
    payer(fake_stripe)
    told: Told = []

    fake_stripe.deliver(keep(told), secret=secret)

    with pytest.raises(stripe.SignatureVerificationError):
        read(*told[0])


def test_changed_body_and_old_moment_are_not_accepted(fake_stripe: FakeStripe) -> None:
    payer(fake_stripe)
    event = fake_stripe.events()[0]
    body, headers = signed(event, WEBHOOK_SECRET)
    old = signed(event, WEBHOOK_SECRET, at=time.time() - 301)

    with pytest.raises(stripe.SignatureVerificationError):
        read(body.replace(b"cus_", b"cus-"), headers)
    with pytest.raises(stripe.SignatureVerificationError):
        read(*old)


def test_events_come_in_reverse_and_twice_if_wanted(fake_stripe: FakeStripe) -> None:
    payer(fake_stripe).pay()
    told: Told = []
    made = [one["id"] for one in fake_stripe.events()]

    fake_stripe.deliver(keep(told), reverse=True, twice=True)

    seen = [read(*message).id for message in told]
    assert seen == [name for name in made[::-1] for _ in range(2)]


def test_event_of_a_connected_account_says_so(fake_stripe: FakeStripe) -> None:
    account = payee(fake_stripe)

    (event,) = fake_stripe.events("account.updated")

    assert event["account"] == account


def test_event_shows_its_object_as_it_was(fake_stripe: FakeStripe) -> None:
    ada = payer(fake_stripe)
    intent = ada.pay()
    ada.client.v1.refunds.create({"payment_intent": intent.id})

    (event,) = fake_stripe.events("charge.succeeded")

    assert event["data"]["object"]["amount_refunded"] == 0


class Site(BaseHTTPRequestHandler):
    seen: list[str] = []
    answers = [500]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append(read(body, dict(self.headers)).type)
        self.send_response(self.answers.pop() if self.answers else 200)
        self.end_headers()

    def log_message(self, *args: object) -> None: ...


def test_event_is_told_at_once_and_again_until_it_is_taken() -> None:
    site = HTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=site.serve_forever, args=(0.05,))
    thread.start()
    fake = FakeStripe(webhook=Address(f"http://127.0.0.1:{site.server_address[1]}/")).start()
    try:
        payer(fake)
        until = time.monotonic() + 20
        while "checkout.session.completed" not in Site.seen and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        fake.stop()
        site.shutdown()
        site.server_close()
        thread.join(5)

    assert Site.seen[:2] == ["customer.created", "customer.created"]
    assert Site.seen[-1] == "checkout.session.completed"
