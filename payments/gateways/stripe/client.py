"""The official client as this house uses it, and what its errors mean for money.

Every call has a time limit and is made once: who repeats a call that got no answer, and when, is
decided by the operation it belongs to, under the same idempotency key.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import stripe
from django.conf import settings

from marketplace import clock, policy
from payments.gateways.base import Call, Unavailable

logger = logging.getLogger(__name__)

API_VERSION: Final = "2026-10-28.endive"
"""What the installed client's types describe; raised together with the client."""
TIME_LIMITS: Final = (5.0, 30.0)
"""Seconds to connect, and to wait for an answer; together less than the first retry."""
KEYS_KEPT: Final = timedelta(hours=24)
"""Stripe remembers an idempotency key at least as long: after that a repeated call is a new one."""
MARGIN: Final = timedelta(hours=1)
OUR_KEY: Final = "key"
"""The name in an object's metadata under which it carries the key of our call."""

# Nothing but what is asked for is told to the provider.
stripe.enable_telemetry = False


def api() -> Any:
    """The services of Stripe's API, with the key and the address that the settings name."""
    return _client(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE).v1


@contextmanager
def answers() -> Iterator[None]:
    """Make of Stripe's errors what they mean.

    A call that was refused stays what it is (``CardError``, ``InvalidRequestError``), and so does a
    key that was used with other input (``IdempotencyError``): that is a defect of ours.

    Raises:
        Unavailable: no answer, or one that says nothing of what became of the call: it may have
            been carried out.
    """
    try:
        yield
    except (stripe.APIConnectionError, stripe.APIError, stripe.RateLimitError) as error:
        logger.warning("no answer: %s", described(error))
        raise Unavailable(described(error)) from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        # Without the provider's own words, which a traceback would bring along.
        logger.error("the key is not accepted: %s", described(error))  # noqa: TRY400
        raise Unavailable(described(error)) from error


def described(error: stripe.StripeError) -> str:
    """An error for the journal: no names, no amounts."""
    parts = (type(error).__name__, error.http_status, error.code, error.request_id)
    return " ".join(str(part) for part in parts if part)


def is_young(call: Call) -> bool:
    """Whether a call may be made (again): its key is remembered, and it was not called off."""
    kept = min(KEYS_KEPT, policy.OPERATION_GIVES_UP) - MARGIN
    return clock.now() < call.started_at + kept


def since(call: Call) -> dict[str, int]:
    """Objects made for a call are not older than this."""
    return {"gte": int((call.started_at - MARGIN).timestamp())}


def moment(seconds: int) -> datetime:
    """One of Stripe's times."""
    return datetime.fromtimestamp(seconds, UTC)


def key_of(found: Any) -> str:
    """The key of our call that an object was made for; empty when it is none of ours."""
    metadata = getattr(found, "metadata", None)
    return str(metadata[OUR_KEY]) if metadata and OUR_KEY in metadata else ""


def made_for(call: Call, pages: Any) -> Any:
    """The object among many that was made for a call, or None.

    Args:
        pages: a list of Stripe's, of which all pages are read.
    """
    return next((one for one in pages.auto_paging_iter() if key_of(one) == call.key), None)


@lru_cache(maxsize=8)
def _client(key: str, base: str) -> stripe.StripeClient:
    """One client, and so one set of connections, per key and address."""
    return stripe.StripeClient(
        key,
        stripe_version=API_VERSION,
        base_addresses={"api": base} if base else None,
        http_client=stripe.RequestsClient(timeout=TIME_LIMITS),
        max_network_retries=0,
    )
