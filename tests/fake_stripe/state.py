"""What the fake knows: objects as Stripe would show them, and what only Stripe would know."""

from __future__ import annotations

import copy
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import stripe

from tests.fake_stripe.refusals import Json, missing

PREFIXES = {
    "cus": "customer",
    "pm": "payment_method",
    "cs": "checkout.session",
    "seti": "setup_intent",
    "pi": "payment_intent",
    "ch": "charge",
    "py": "charge",
    "re": "refund",
    "acct": "account",
    "ba": "bank_account",
    "tr": "transfer",
    "trr": "transfer_reversal",
    "po": "payout",
    "txn": "balance_transaction",
    "du": "dispute",
    "evt": "event",
}
_SPOKEN = {"payment_method": "PaymentMethod", "setup_intent": "setupintent"}


@dataclass
class State:
    """Everything, under one lock.

    Attributes:
        objects: by kind and id, in the order they were made.
        owner: the connected account an object belongs to; ours are in nobody's.
        secret: what is not shown of an object: which test card it is, and the like.
    """

    objects: dict[str, dict[str, Json]] = field(default_factory=dict)
    owner: dict[str, str] = field(default_factory=dict)
    secret: dict[str, Any] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    clock: Callable[[], float] = time.time
    fee: tuple[int, int] = (290, 30)
    """Of a charge: per ten thousand, and fixed."""
    settles_after: int = 0
    """Seconds until what a charge brought can be sent on."""
    told: Callable[[Json], None] = lambda event: None

    def now(self) -> int:
        return int(self.clock())

    def put(self, one: Json, *, owner: str = "", secret: Any = None) -> Json:
        self.objects.setdefault(one["object"], {})[one["id"]] = one
        if owner:
            self.owner[one["id"]] = owner
        if secret is not None:
            self.secret[one["id"]] = secret
        return one

    def all(self, kind: str, *, owner: str = "") -> Iterator[Json]:
        """Those of an account, the newest first."""
        for one in reversed(self.objects.get(kind, {}).values()):
            if self.owner.get(one["id"], "") == owner:
                yield one

    def find(self, kind: str, identifier: str, *, owner: str = "", param: str = "id") -> Json:
        """
        Raises:
            Refusal: there is none; 404 when no parameter is named.
        """
        found = self.objects.get(kind, {}).get(identifier)
        if found is None or self.owner.get(identifier, "") != owner:
            spoken = _SPOKEN.get(kind, kind)
            raise missing(spoken, identifier, param, in_address=param == "id")
        return found

    def by_id(self, identifier: str) -> Json | None:
        kind = PREFIXES.get(identifier.split("_", 1)[0], "")
        return self.objects.get(kind, {}).get(identifier)

    def tell(self, kind: str, about: Json, *, account: str = "", key: str | None = None) -> None:
        """Make an event, with the object as it is now."""
        event = {
            "id": new_id("evt"),
            "object": "event",
            "api_version": stripe.api_version,
            "created": self.now(),
            "data": {"object": copy.deepcopy(about)},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": key},
            "type": kind,
        }
        if account:
            event["account"] = account
        self.put(event, owner=account)
        self.told(event)


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"
