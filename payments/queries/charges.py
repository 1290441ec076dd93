"""Charges that their client's bank wants confirmed, as rows about a contract tell them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from marketplace import policy
from marketplace.money import Money
from payments.models import GatewayOperation
from payments.states import OPEN_OPERATIONS, OperationKind


@dataclass(frozen=True, slots=True)
class ToConfirm:
    """A charge that waits for its client's yes, and until when."""

    charge_id: int
    amount: Money
    until: datetime


def waits_to_be_confirmed() -> QuerySet[GatewayOperation]:
    """Open charges of which a bank wants to hear from the client; the oldest first."""
    return GatewayOperation.objects.filter(
        kind=OperationKind.CHARGE, state__in=OPEN_OPERATIONS, confirm_since__isnull=False
    ).order_by("pk")


def confirmed_until(charge: GatewayOperation) -> datetime:
    """When an unconfirmed charge is called off."""
    return charge.started_at + policy.OPERATION_GIVES_UP


def with_to_confirm(found: QuerySet[Any], *, book: str) -> QuerySet[Any]:
    """Rows with what :func:`to_confirm` reads; no query more.

    Args:
        book: the rows' column with the book's id.
    """
    waits = waits_to_be_confirmed().filter(book=OuterRef(book))
    return found.annotate(
        confirm_charge=Subquery(waits.values("pk")[:1]),
        confirm_minor=Subquery(waits.values("amount_minor")[:1]),
        confirm_started_at=Subquery(waits.values("started_at")[:1]),
    )


def to_confirm(row: Any) -> ToConfirm | None:
    """Of a row, with a currency, that :func:`with_to_confirm` found."""
    if row.confirm_charge is None:
        return None
    until = row.confirm_started_at + policy.OPERATION_GIVES_UP
    return ToConfirm(row.confirm_charge, Money(row.confirm_minor, row.currency), until)
