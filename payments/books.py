"""Opening books: the money side of a contract, made together with it."""

from __future__ import annotations

from django.db.models import Q

from marketplace.models import Party
from payments.models import Account, Book
from payments.states import AccountKind


def open_book(
    *, reference: str, title: str, currency: str, client: Party, talent: Party, talent_fee: int
) -> Book:
    """Make the book of a new contract, and those accounts that do not exist yet.

    Args:
        reference: the contract's.
        talent_fee: basis points of each payment, fixed for the life of the contract.
    """
    kept = _accounts(
        currency,
        {
            AccountKind.CREDIT: client,
            AccountKind.PENDING: talent,
            AccountKind.AVAILABLE: talent,
            AccountKind.FEES: None,
            AccountKind.OUTSIDE: None,
        },
    )
    return Book.objects.create(
        reference=reference,
        title=title,
        currency=currency,
        client=client,
        talent=talent,
        talent_fee=talent_fee,
        escrow_account=Account.objects.create(
            kind=AccountKind.ESCROW, party=client, currency=currency, balance_minor=0
        ),
        credit_account=kept[AccountKind.CREDIT],
        pending_account=kept[AccountKind.PENDING],
        available_account=kept[AccountKind.AVAILABLE],
        fees_account=kept[AccountKind.FEES],
        outside_account=kept[AccountKind.OUTSIDE],
    )


def site_account(kind: AccountKind, currency: str) -> Account:
    """The site's fees or outside-world account of a currency, made on first use."""
    return _accounts(currency, {kind: None})[kind]


def _accounts(currency: str, owners: dict[AccountKind, Party | None]) -> dict[str, Account]:
    """One account of each kind for its owner, made on first use; None owns for the site.

    Somebody else may make the same account meanwhile: theirs is then taken.
    """
    found = _existing(currency, owners)
    missing = [kind for kind in owners if kind not in found]
    if not missing:
        return found
    Account.objects.bulk_create(
        [
            Account(
                kind=kind,
                party=owners[kind],
                currency=currency,
                balance_minor=None if owners[kind] is None else 0,
                goes_back=kind == AccountKind.CREDIT and _wishes_credit_back(owners[kind]),
            )
            for kind in missing
        ],
        ignore_conflicts=True,
    )
    return _existing(currency, owners)


def _wishes_credit_back(client: Party | None) -> bool:
    """A client's wish for money that comes back holds for every currency."""
    wishes = Account.objects.filter(kind=AccountKind.CREDIT, party=client, goes_back=True)
    return wishes.exists()


def _existing(currency: str, owners: dict[AccountKind, Party | None]) -> dict[str, Account]:
    of_owners = Q()
    for kind, party in owners.items():
        of_owners |= Q(kind=kind, party=party)
    found = Account.objects.filter(of_owners, currency=currency).order_by("id")
    return {one.kind: one for one in found}
