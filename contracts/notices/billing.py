"""What both sides are told about the money of hours: invoiced, paid, declined, on hold."""

from __future__ import annotations

from typing import Any, Final

from django.urls import reverse

from contracts.models import Contract, Week
from contracts.notices.telling import BOTH, Letters, tell
from contracts.quotes import Quote
from contracts.states import Side
from marketplace import clock, moments, notices, policy
from marketplace.actors import PLATFORM
from marketplace.money import Money
from payments.models import GatewayOperation, Payment

HOURS_INVOICED: Final = notices.kind("contracts.hours_invoiced", money=True)
HOURS_PAID: Final = notices.kind("contracts.hours_paid", money=True)
HOURS_DECLINED: Final = notices.kind("contracts.hours_declined", money=True)
HOURS_WITH_SUPPORT: Final = notices.kind("contracts.hours_with_support", money=True)
CONTRACT_ON_HOLD: Final = notices.kind("contracts.contract_on_hold")
HOLD_LIFTED: Final = notices.kind("contracts.hold_lifted")


def hours_invoiced(letters: Letters, week: Week, quote: Quote, *, net: Money) -> None:
    """Both read what is billed, until when it can be disputed, and what the talent receives."""
    assert week.billable_minutes is not None
    beyond = week.minutes - week.billable_minutes
    _add(
        letters,
        HOURS_INVOICED,
        week,
        amount=week.amount,
        net=net,
        beyond=moments.hours(beyond) if beyond else "",
        charge=quote.charge or None,
        from_credit=quote.from_credit or None,
        until=week.review_until if week.is_in_review(clock.now()) else None,
    )


def hours_paid(letters: Letters, week: Week, payment: Payment, *, credit: Money) -> None:
    """A charge was confirmed, or the client paid what was owed.

    Args:
        credit: what the client has left.
    """
    _add(
        letters,
        HOURS_PAID,
        week,
        paid=payment.gross,
        received=payment.net,
        available_at=payment.available_at,
        held=payment.held,
        credit=credit or None,
    )


def hours_declined(
    letters: Letters, week: Week, operation: GatewayOperation, *, owed: Money
) -> None:
    """The client reads what to do; the talent is told when the contract goes on hold."""
    _add(
        letters,
        HOURS_DECLINED,
        week,
        sides=(Side.CLIENT,),
        path=_pay_path(week),
        amount=operation.amount,
        because=operation.declined_because,
        owed=owed,
        retried=week.retry_at is not None,
        ended=week.contract.is_ended,
    )


def hours_with_support(letters: Letters, week: Week, *, owed: Money) -> None:
    days = policy.OWED_RETRIED_AFTER_END.days
    _add(letters, HOURS_WITH_SUPPORT, week, owed=owed, days=days)


def contract_on_hold(contract: Contract, week: Week) -> None:
    """The talent, and whoever works there, stop recording; the client reads it with the decline."""
    tell(
        CONTRACT_ON_HOLD,
        contract,
        by=PLATFORM,
        sides=(Side.TALENT,),
        week=str(week),
        ended=contract.is_ended,
    )


def hold_lifted(contract: Contract) -> None:
    tell(HOLD_LIFTED, contract, by=PLATFORM, goes_on=contract.is_active)


def _add(
    letters: Letters,
    kind: notices.Kind,
    week: Week,
    *,
    sides: tuple[Side, ...] = BOTH,
    path: str = "",
    **facts: Any,
) -> None:
    assert week.billable_minutes is not None
    named = {"week": str(week), "time": moments.hours(week.billable_minutes)}
    letters.add(
        kind, week.contract, path=path or _diary_path(week), sides=sides, facts=named | facts
    )


def _diary_path(week: Week) -> str:
    return f"{reverse('diary', args=[week.contract.reference])}?week={week.starts_on}"


def _pay_path(week: Week) -> str:
    return reverse("week_pay", args=[week.contract.reference, week.starts_on])
