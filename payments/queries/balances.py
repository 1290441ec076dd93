"""What a party has on the platform now, per currency."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Sum

from marketplace.models import Party
from marketplace.money import Money, zero
from payments import maturing
from payments.models import Account
from payments.states import AccountKind

_CLIENT: Final = (
    (AccountKind.ESCROW, "In escrow", "held for your contracts", "held"),
    (AccountKind.CREDIT, "Credit", "pays your next charge first", "back"),
)
_TALENT: Final = (
    (AccountKind.AVAILABLE, "Available", "after fees", "paid"),
    (AccountKind.PENDING, "Pending", "on its way to available", "review"),
)


@dataclass(frozen=True, slots=True)
class BalanceFigure:
    """One amount with its name; ``kind`` is its colour mark."""

    account: AccountKind
    label: str
    amount: Money
    note: str
    kind: str


def balances_of(party: Party, now: datetime) -> list[BalanceFigure]:
    """A client's escrow and credit, a talent's available and pending money; two queries.

    What is due already counts as available, whether or not a sweep came by.
    """
    held = _held(party)
    if party.is_talent:
        _mature_in_memory(held, party, now)
    return [
        BalanceFigure(kind, label, held.get((kind, currency), zero(currency)), note, colour)
        for currency in _currencies(held)
        for kind, label, note, colour in (_CLIENT if party.is_client else _TALENT)
    ]


def _held(party: Party) -> dict[tuple[str, str], Money]:
    sums = (
        Account.objects.filter(party=party)
        .order_by()
        .values_list("kind", "currency")
        .annotate(minor=Sum("balance_minor"))
    )
    return {(kind, currency): Money(minor, currency) for kind, currency, minor in sums}


def _mature_in_memory(held: dict[tuple[str, str], Money], party: Party, now: datetime) -> None:
    for currency, due in maturing.due_of(party, now).items():
        held[AccountKind.PENDING, currency] -= due
        held[AccountKind.AVAILABLE, currency] += due


def _currencies(held: Iterable[tuple[str, str]]) -> list[str]:
    return sorted({currency for _, currency in held})
