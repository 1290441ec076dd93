"""The same key again: the first answer again, or a clear no."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.fake_stripe.refusals import Json, misused_key, under_way

REMEMBERED = 24 * 3600
"""Seconds for which Stripe promises to know a key; this one forgets right after."""


@dataclass
class Kept:
    endpoint: str
    params: dict[str, Any]
    at: int
    status: int = 0
    body: Json | None = None

    @property
    def is_answered(self) -> bool:
        return self.body is not None


class Keys:
    """By account and key. Call it under the lock of the state."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Kept] = {}

    def begin(
        self, account: str, key: str, endpoint: str, params: dict[str, Any], now: int
    ) -> Kept | None:
        """Take a key, or return what was answered to it.

        Raises:
            Refusal: it was used for something else, or its call is under way.
        """
        kept = self._kept.get((account, key))
        if kept is None or now - kept.at >= REMEMBERED:
            self._kept[account, key] = Kept(endpoint, params, now)
            return None
        if kept.endpoint != endpoint:
            raise misused_key(
                "Keys for idempotent requests can only be used for the same endpoint they were "
                f"first used for ('{kept.endpoint}'). Try using a key other than '{key}' if you "
                "meant to execute a different request."
            )
        if kept.params != params:
            raise misused_key(
                "Keys for idempotent requests can only be used with the same parameters they were "
                f"first used with. Try using a key other than '{key}' if you meant to execute a "
                "different request."
            )
        if not kept.is_answered:
            raise under_way(key)
        return kept

    def keep(self, account: str, key: str, status: int, body: Json) -> None:
        kept = self._kept[account, key]
        kept.status, kept.body = status, body

    def forget(self, account: str, key: str) -> None:
        """What never began its work does not count."""
        self._kept.pop((account, key), None)
