"""The demo market: people and contracts made through the same doors as everybody's."""

from datetime import UTC, datetime
from typing import Final

STARTS_AT: Final = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)
"""A demo market's clock starts on a Thursday, so that any week looks lived in."""
