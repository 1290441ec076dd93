"""Opening books: the money side of a contract, made together with it."""

from __future__ import annotations

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
        credit_account=account(AccountKind.CREDIT, client, currency),
        pending_account=account(AccountKind.PENDING, talent, currency),
        available_account=account(AccountKind.AVAILABLE, talent, currency),
        fees_account=site_account(AccountKind.FEES, currency),
        outside_account=site_account(AccountKind.OUTSIDE, currency),
    )


def account(kind: AccountKind, party: Party, currency: str) -> Account:
    """A party's account of a kind and currency, made on first use."""
    found, _ = Account.objects.get_or_create(
        kind=kind, party=party, currency=currency, defaults={"balance_minor": 0}
    )
    return found


def site_account(kind: AccountKind, currency: str) -> Account:
    """The site's fees or outside-world account of a currency, made on first use."""
    found, _ = Account.objects.get_or_create(kind=kind, party=None, currency=currency)
    return found
