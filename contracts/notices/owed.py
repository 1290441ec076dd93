"""What both sides are told once support is done with hours that stayed owed."""

from __future__ import annotations

from typing import Any, Final

from django.urls import reverse

from contracts.models import Week
from contracts.notices.telling import tell
from marketplace import moments, notices
from marketplace.actors import Actor
from marketplace.money import Money
from payments.models import Payment

WRITTEN_OFF: Final = notices.kind("contracts.hours_written_off", money=True)
SETTLED: Final = notices.kind("contracts.hours_settled", money=True)


def hours_written_off(week: Week, *, amount: Money, because: str, by: Actor) -> None:
    """The client owes it no longer; the talent is not paid for it."""
    _tell(WRITTEN_OFF, week, by=by, amount=amount, because=because)


def hours_settled(week: Week, payment: Payment, *, by: Actor) -> None:
    """The operator paid in the client's place."""
    _tell(
        SETTLED,
        week,
        by=by,
        paid=payment.gross,
        received=payment.net,
        available_at=payment.available_at,
    )


def _tell(kind: notices.Kind, week: Week, *, by: Actor, **facts: Any) -> None:
    assert week.billable_minutes is not None
    path = f"{reverse('diary', args=[week.contract.reference])}?week={week.starts_on}"
    time = moments.hours(week.billable_minutes - week.reversed_minutes)
    tell(kind, week.contract, by=by, path=path, week=str(week), time=time, **facts)
