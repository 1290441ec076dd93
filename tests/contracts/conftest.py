"""What every test of the agreement's side starts from: a stopped clock."""

from __future__ import annotations

import pytest

from marketplace import clock
from tests.factories import NOON


@pytest.fixture(autouse=True)
def _noon():
    """Nothing moves the clock but the test itself."""
    with clock.at(NOON):
        yield
