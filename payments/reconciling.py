"""Reconciliation: each UTC day of a gateway's own statement, compared with the books.

A finished day is compared once the gateway has had time to write it, and daily again until it
agrees. What the gateway knows and nobody told us is asked for on the way, so that a message that
was lost delays what it was about by a day and no more.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from django.conf import settings
from django.db import connections, transaction
from django.db.models import Max, Min, QuerySet

from marketplace import clock, policy
from payments import chargebacks, comparing, gateways, operations
from payments.comparing import Compared
from payments.gateways.base import Gateway, Unavailable
from payments.models import GatewayDay, GatewayOperation, Reconciliation

logger = logging.getLogger(__name__)

DAY: Final = timedelta(days=1)
WRITTEN: Final = ("ours_minor", "theirs_minor", "compared", "different", "differences", "at")


def reconcile(gateway_name: str, day: date) -> list[Reconciliation]:
    """Compare one day with the gateway's own statement. Outside transactions; safe to repeat.

    Args:
        day: a UTC day; of one that is not over nothing is kept.

    Returns:
        One for each currency in which something moved.

    Raises:
        Unavailable: the gateway cannot be read now; nothing was changed.
        InsideTransaction: a transaction of ours is open.
    """
    gateway = gateways.gateway(gateway_name)
    since, until = _span(day)
    found = comparing.compare(gateway, since, until)
    if _hear(found, gateway):
        found = comparing.compare(gateway, since, until)
    rows = _rows(gateway_name, day, found)
    if until <= clock.now():
        _keep(gateway_name, day, rows, found)
    return rows


def compare_day(day_id: int) -> bool:
    """Compare a day that is due; when its gateway cannot be read, a little later again."""
    day = GatewayDay.objects.get(pk=day_id)
    if day.due_at is None or day.due_at > clock.now():
        return False
    for name in {day.gateway, settings.PAYMENT_GATEWAY}:
        follow(name)
    try:
        reconcile(day.gateway, day.day)
    except Unavailable:
        logger.warning("the statement of %s cannot be read now", day.gateway)
        due_at = clock.now() + policy.RECONCILED_RETRY
        GatewayDay.objects.filter(pk=day_id, due_at=day.due_at).update(due_at=due_at)
        return False
    return True


def waiting() -> QuerySet[GatewayDay]:
    """Days that are to be compared (again), by ``due_at``."""
    return GatewayDay.objects.filter(due_at__isnull=False)


def follow(gateway_name: str) -> None:
    """Have a day for each one since the last, up to today; the first one is today."""
    days = GatewayDay.objects.filter(gateway=gateway_name)
    last = days.aggregate(last=Max("day"))["last"]
    today = clock.now().date()
    if last is None or last < today:
        _make(gateway_name, last + DAY if last else today, today)


def open_days(gateway_name: str) -> Iterator[date]:
    """Every day since the gateway's first operation that did not agree yet, and today so far."""
    began = GatewayOperation.objects.filter(gateway=gateway_name).aggregate(at=Min("started_at"))
    if began["at"] is None:
        return
    today = clock.now().date()
    _make(gateway_name, began["at"].date(), today)
    chosen = GatewayDay.objects.filter(gateway=gateway_name, agreed_at=None, day__lte=today)
    yield from chosen.order_by("day").values_list("day", flat=True)


def install_after_migrate(*, using: str, **_: object) -> None:
    """Begin with today, wherever there are tables for it."""
    if GatewayDay._meta.db_table in connections[using].introspection.table_names():
        follow(settings.PAYMENT_GATEWAY)


def _hear(found: Compared, gateway: Gateway) -> bool:
    """Take in what the gateway knows and the books do not; whether there was any."""
    for operation_id in sorted(found.unheard):
        operations.hear(operation_id)
    for reference in sorted(found.disputes):
        _take(reference, gateway)
    return bool(found.unheard or found.disputes)


def _take(reference: str, gateway: Gateway) -> None:
    dispute = gateway.dispute(reference)
    try:
        if dispute is not None:
            chargebacks.take(dispute, gateway=gateway.name)
    except chargebacks.TooEarly:
        logger.warning("the charge of dispute %s is not settled yet", reference)


def _rows(gateway_name: str, day: date, found: Compared) -> list[Reconciliation]:
    return [
        Reconciliation(
            gateway=gateway_name,
            day=day,
            currency=currency,
            ours_minor=sums.ours,
            theirs_minor=sums.theirs,
            compared=sums.compared,
            different=sums.different,
            differences=sums.differences,
            at=clock.now(),
        )
        for currency, sums in sorted(found.sums.items())
    ]


@transaction.atomic
def _keep(gateway_name: str, day: date, rows: list[Reconciliation], found: Compared) -> None:
    """Keep what was found, and say when the day is compared again, if at all."""
    earlier = Reconciliation.objects.filter(gateway=gateway_name, day=day)
    earlier.exclude(currency__in=found.sums).delete()
    Reconciliation.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["gateway", "day", "currency"],
        update_fields=WRITTEN,
    )
    now = clock.now()
    agreed = found.agrees and not found.waiting
    if not found.agrees:
        logger.error("%s does not agree with the books on %s", gateway_name, day)
    over = now >= _span(day)[1] + policy.RECONCILED_FOR
    GatewayDay.objects.update_or_create(
        gateway=gateway_name,
        day=day,
        defaults={
            "due_at": None if agreed or over else now + policy.RECONCILED_AGAIN,
            "agreed_at": now if agreed else None,
        },
    )


def _make(gateway_name: str, first: date, last: date) -> None:
    days = (first + number * DAY for number in range((last - first).days + 1))
    GatewayDay.objects.bulk_create(
        [
            GatewayDay(
                gateway=gateway_name, day=one, due_at=_span(one)[1] + policy.RECONCILED_AFTER
            )
            for one in days
        ],
        ignore_conflicts=True,
    )


def _span(day: date) -> tuple[datetime, datetime]:
    """A UTC day, from its first instant to the first one after it."""
    since = datetime.combine(day, time.min, UTC)
    return since, since + DAY
