"""Time zones by name, as accounts and browsers give them."""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones


@lru_cache(maxsize=1)
def known() -> frozenset[str]:
    """All names; read from disk once, since every request asks."""
    return frozenset(available_timezones())


@lru_cache(maxsize=1)
def choices() -> tuple[str, ...]:
    """The names people choose from: places, and UTC."""
    return tuple(sorted(name for name in known() if "/" in name or name == "UTC"))


def named(name: str) -> ZoneInfo:
    """The zone of that name; UTC when there is none."""
    return ZoneInfo(name if name in known() else "UTC")
