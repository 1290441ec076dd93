"""The gateway door: payments in the outside world, by the provider the settings name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.conf import settings

from payments.gateways.base import Door, Gateway
from payments.gateways.sandbox import Sandbox
from payments.gateways.stripe.adapter import Stripe

GATEWAYS: Final[dict[str, Callable[[], Gateway]]] = {Sandbox.name: Sandbox, Stripe.name: Stripe}


def gateway(name: str | None = None) -> Gateway:
    """The gateway of this name, or the one new charges go to (``settings.PAYMENT_GATEWAY``).

    Args:
        name: of an earlier operation, which is settled where it was started.

    Raises:
        KeyError: there is no such gateway.
    """
    return Door(GATEWAYS[name or settings.PAYMENT_GATEWAY]())
