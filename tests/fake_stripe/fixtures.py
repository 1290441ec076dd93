"""A Stripe for a test, the official client pointed at it, and the site switched over to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stripe
from pytest_django.fixtures import Settings

from tests.fake_stripe import FakeStripe
from tests.fake_stripe.control import SECRET_KEY, WEBHOOK_SECRET


@pytest.fixture
def fake_stripe() -> Iterator[FakeStripe]:
    """On 127.0.0.1, with nothing in it; its events are held until the test delivers them."""
    running = FakeStripe().start()
    yield running
    running.stop()


@pytest.fixture
def stripe_client(fake_stripe: FakeStripe) -> stripe.StripeClient:
    """The official client, which tries nothing twice."""
    return client_of(fake_stripe)


@pytest.fixture
def stripe_on(fake_stripe: FakeStripe, settings: Settings) -> FakeStripe:
    """The site takes its money through it."""
    settings.PAYMENT_GATEWAY = "stripe"
    settings.STRIPE_SECRET_KEY = SECRET_KEY
    settings.STRIPE_WEBHOOK_SECRET = WEBHOOK_SECRET
    settings.STRIPE_API_BASE = fake_stripe.base
    return fake_stripe


def client_of(fake: FakeStripe, *, retries: int = 0) -> stripe.StripeClient:
    return stripe.StripeClient(
        SECRET_KEY, base_addresses={"api": fake.base}, max_network_retries=retries
    )
