"""A Stripe to test with: its API, its hosted pages and its webhooks, with a memory.

Where Stripe's documents say what happens, this does it: idempotency keys, refund limits, declines,
authentication, balances, disputes, signatures. What it cannot show is that Stripe itself does so.
"""

from tests.fake_stripe.control import FakeStripe

__all__ = ["FakeStripe"]
