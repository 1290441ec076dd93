"""What every test here starts from, and what is true after each of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.factories import NOON
from tests.fake_stripe import FakeStripe
from tests.payments.stripe_site.world import World


@pytest.fixture
def world(stripe_on: FakeStripe, db: None) -> Iterator[World]:
    """Noon on both sides; afterwards the books, and the provider's own statement, agree."""
    world = World(stripe_on)
    with world.at(NOON):
        yield world
        world.assert_agrees()
