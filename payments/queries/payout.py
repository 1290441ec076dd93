"""What the page on which a talent withdraws shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models import QuerySet, Sum
from django.utils import dateformat

from marketplace import clock
from marketplace.models import Membership, Party
from marketplace.money import Money, zero
from payments import gateways, maturing, payouts
from payments.gateways.base import Method
from payments.models import Account, GatewayOperation, Payment
from payments.states import NOT_ARRIVED, AccountKind

COMING: Final = 5
"""Payments named that become available next."""
SO_FAR: Final = 10
"""Earlier withdrawals shown; the Payments page has them all."""
NO_ANSWER_YET: Final = "The bank has not answered yet."


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """An earlier withdrawal, and what became of it in words."""

    operation: GatewayOperation
    word: str
    detail: str
    icon: str


@dataclass(frozen=True, slots=True)
class WithdrawPage:
    """One currency of a talent.

    Attributes:
        available: what can be withdrawn now; what is due counts.
        pending: what is on its way to available, with the payments that come first in ``coming``;
            ``more_coming`` when there are others; ``held`` of it waits for disputed hours.
        currencies: what is available in each of the talent's currencies.
        hosted: whether places to be paid to are named on pages of the provider.
        so_far: earlier withdrawals, newest first; ``more_so_far`` when there are older ones.
    """

    party: Party
    currency: str
    available: Money
    pending: Money
    coming: list[Payment]
    more_coming: bool
    held: Money
    currencies: dict[str, Money]
    destinations: tuple[Method, ...]
    hosted: bool
    so_far: list[Withdrawal]
    more_so_far: bool


def withdraw_page(party: Party, currency: str) -> WithdrawPage | None:
    """At most six queries.

    Args:
        currency: one of the talent's, or empty for the first with money in it.

    Returns:
        None when the talent has nothing in this currency, and never had.
    """
    now = clock.now()
    held = {(one.kind, one.currency): one.balance for one in _accounts_of(party)}
    due = maturing.due_of(party, now)
    there = {name: held[kind, name] for kind, name in held if kind == AccountKind.AVAILABLE}
    there = {name: balance + due.get(name, zero(name)) for name, balance in there.items()}
    currency = currency or _first(there)
    if currency not in there:
        return None
    nothing = zero(currency)
    coming, gateway = _coming(party, currency), gateways.gateway()
    so_far = list(
        payouts.withdrawals(party).filter(currency=currency).order_by("-pk")[: SO_FAR + 1]
    )
    pending = held.get((AccountKind.PENDING, currency), nothing) - due.get(currency, nothing)
    return WithdrawPage(
        party=party,
        currency=currency,
        available=there[currency],
        pending=pending,
        coming=coming[:COMING],
        more_coming=len(coming) > COMING,
        held=_held(party, currency),
        currencies=there,
        destinations=gateway.destinations(party),
        hosted=gateway.hosted,
        so_far=[_withdrawal(one, now.date()) for one in so_far[:SO_FAR]],
        more_so_far=len(so_far) > SO_FAR,
    )


def who_withdraws(party: Party) -> list[Membership]:
    """The people who may, by name; one query."""
    managing = Membership.objects.managing().filter(party=party)
    return list(managing.select_related("user").order_by("user__name", "pk"))


def _accounts_of(party: Party) -> QuerySet[Account]:
    kinds = (AccountKind.PENDING, AccountKind.AVAILABLE)
    return Account.objects.filter(party=party, kind__in=kinds).order_by("currency")


def _first(there: Mapping[str, Money]) -> str:
    return next((name for name, balance in there.items() if balance), next(iter(there), ""))


def _coming(party: Party, currency: str) -> list[Payment]:
    """The payments that become available next, and one more."""
    later = maturing.waiting().filter(
        book__talent=party,
        currency=currency,
        pending_left_minor__gt=0,
        available_at__gt=clock.now(),
    )
    return list(later.select_related("book").order_by("available_at", "pk")[: COMING + 1])


def _held(party: Party, currency: str) -> Money:
    """What waits for a dispute of its hours, whatever the date."""
    held = maturing.held().filter(book__talent=party, currency=currency)
    return Money(held.aggregate(minor=Sum("pending_left_minor"))["minor"] or 0, currency)


def _withdrawal(operation: GatewayOperation, today: date) -> Withdrawal:
    if operation.is_open:
        return Withdrawal(operation, "On its way", NO_ANSWER_YET, "clock")
    if operation.state in NOT_ARRIVED:
        because = operation.declined_because
        return Withdrawal(operation, "Came back", because, "arrow-uturn-left")
    expected = operation.arrives_on
    if expected is None or expected < today:
        since = f"It should be there since {_day(expected)}." if expected else ""
        return Withdrawal(operation, "Sent", since, "check-circle")
    return Withdrawal(operation, "On its way", f"Expected by {_day(expected)}.", "clock")


def _day(day: date) -> str:
    return dateformat.format(day, "j F Y")
