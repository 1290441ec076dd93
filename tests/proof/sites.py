"""The site's addresses from its URL configuration, and a picture of everything that is stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db.models import Model
from django.urls import get_resolver

from contracts.models import (
    Bonus,
    BonusRequest,
    Contract,
    Dormancy,
    HoursDispute,
    Stretch,
    Timer,
    Week,
    WeekLimit,
)
from payments.models import (
    Account,
    Correction,
    EscrowRefundRequest,
    GatewayOperation,
    Payment,
    RefundRequest,
    SplitProposal,
)

APPS = ("feedback", "contracts", "payments", "marketplace")
KEPT = (
    Contract,
    Week,
    WeekLimit,
    Stretch,
    Timer,
    HoursDispute,
    Payment,
    EscrowRefundRequest,
    SplitProposal,
    RefundRequest,
    Correction,
    Bonus,
    BonusRequest,
    Dormancy,
    GatewayOperation,
    Account,
)
"""Tables whose rows change, and matter."""


def routes(resolver: Any = None, before: str = "") -> Iterator[str]:
    """Every route of the site as it is written, prefixes included."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route = before + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from routes(pattern, route)
        else:
            yield route


def models() -> list[type[Model]]:
    return [model for label in APPS for model in apps.get_app_config(label).get_models()]


def everything() -> list[Any]:
    """How many rows there are of everything, and all that can change in those that matter."""
    counts = [(model.__name__, model._default_manager.count()) for model in models()]
    kept = [list(model._default_manager.order_by("pk").values_list()) for model in KEPT]
    return [counts, kept]
