"""The demo market: people and contracts made through the same doors as everybody's."""

from datetime import UTC, datetime
from typing import Final

STARTS_AT: Final = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)
"""A demo market's clock starts on a Thursday, so that any week looks lived in."""


def on(day: int, hour: int, minute: int = 0, *, month: int = 11) -> datetime:
    """A moment of the autumn in which the demo market was built, UTC."""
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)
