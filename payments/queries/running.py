"""The balance of a party after any movement of its money, as the transfers themselves keep it.

Each transfer stores the balances of its two accounts right after it, so the balance at a moment is
what the last transfer of an account until then says: exact on any page, under any filter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final

from django.db.models import OuterRef, Subquery

from marketplace.models import Party
from marketplace.money import Money
from payments.models import Account, Transfer
from payments.states import AccountKind

_CLIENT: Final = (AccountKind.CREDIT,)
_TALENT: Final = (AccountKind.PENDING, AccountKind.AVAILABLE)
_SIDES: Final = ("debit", "credit")


def balances_after(party: Party, transfer_ids: Collection[int]) -> dict[int, Money]:
    """What the party had right after each of these transfers, in its currency; one query.

    Of a client its credit, of a talent pending and available together. For each transfer one or
    two accounts are looked up in the indexes of their debits and their credits.
    """
    kinds = _CLIENT if party.is_client else _TALENT
    asked = Transfer.objects.filter(pk__in=transfer_ids).order_by()
    found = asked.annotate(**dict(_lookups(party, kinds))).values()
    return {row["id"]: _sum(dict(row), kinds) for row in found}


def _lookups(party: Party, kinds: Collection[AccountKind]) -> Iterator[tuple[str, Subquery]]:
    for kind in kinds:
        accounts = Account.objects.filter(
            party=party, kind=kind, currency=OuterRef(OuterRef("currency"))
        )
        for side in _SIDES:
            until = Transfer.objects.filter(
                pk__lte=OuterRef("pk"), **{side: Subquery(accounts.values("pk")[:1])}
            ).order_by("-pk")
            yield f"{kind}_{side}", Subquery(until.values("pk")[:1])
            yield f"{kind}_{side}_after", Subquery(until.values(f"{side}_after")[:1])


def _sum(row: dict[str, Any], kinds: Collection[AccountKind]) -> Money:
    return Money(sum(_of_account(row, kind) for kind in kinds), row["currency"])


def _of_account(row: dict[str, Any], kind: AccountKind) -> int:
    """From the later of its last debit and its last credit; zero before its first movement."""
    sides = ((row[f"{kind}_{side}"] or 0, row[f"{kind}_{side}_after"] or 0) for side in _SIDES)
    return max(sides)[1]
