"""The ledger door: the only writer of entries, transfers and kept balances.

Whoever moves money locks the book first (:func:`lock`), which also locks its accounts in id order;
then posts entries by the named moves of this floor (escrow, refunds, maturing, operations). Nobody
else constructs an :class:`~payments.models.Entry`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from marketplace import locks, once
from marketplace.actors import Actor
from marketplace.models.history import Rank
from marketplace.money import Money
from marketplace.refusals import KeyReused
from payments.models import Account, Book, Entry, Transfer
from payments.states import EntryKind


class NotEnough(Exception):
    """A move would overdraw an account. Capabilities check first; reaching this is a defect."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One transfer to be: debit one account, credit another, by their ids."""

    debit: int
    credit: int
    amount: Money


def lock(book_id: int) -> Book:
    """Lock a book and the accounts it moves money between; read their balances.

    Must run inside ``atomic``, after locks of lower rank (contract, parts, request, operation).
    """
    book = locks.row(Book.objects.filter(pk=book_id).select_related("client", "talent"), Rank.BOOK)
    accounts = {
        account.pk: account
        for account in locks.rows(Account.objects.filter(pk__in=book.kept_ids), Rank.ACCOUNT)
    }
    book.escrow_account = accounts[book.escrow_account_id]
    book.credit_account = accounts[book.credit_account_id]
    book.pending_account = accounts[book.pending_account_id]
    book.available_account = accounts[book.available_account_id]
    return book


def post(
    *,
    kind: EntryKind,
    book: Book,
    legs: Sequence[Leg],
    key: str,
    at: datetime,
    by: Actor,
    memo: str = "",
) -> Entry:
    """Post one entry with its transfers.

    Args:
        book: as :func:`lock` returned it in this transaction; its balances move along.
        legs: at least one; legs of zero are left out.
        key: unique to what happens; the same key and input again gives the first entry.
        at: business time of the movement, UTC.
        memo: what it was for, in a few words.

    Raises:
        KeyReused: the key was posted with other input.
        NotEnough: an account would go below zero; nothing was written.
    """
    legs = [leg for leg in legs if leg.amount]
    digest = _digest(kind, book, legs)
    posted = Entry.objects.filter(key=key).first()
    if posted is not None:
        if posted.input_hash != digest:
            raise KeyReused
        return posted
    kept = _kept(book)
    transfers = [_apply(leg, kept, book.currency) for leg in legs]
    entry = Entry(kind=kind, book=book, key=key, input_hash=digest, memo=memo, at=at, **by.columns())
    entry.save(force_insert=True)
    for transfer in transfers:
        transfer.entry = entry
    Transfer.objects.bulk_create(transfers)
    touched = {leg.debit for leg in legs} | {leg.credit for leg in legs}
    Account.objects.bulk_update(
        [account for pk, account in sorted(kept.items()) if pk in touched], ["balance_minor"]
    )
    return entry


def _kept(book: Book) -> dict[int, Account]:
    accounts = (
        book.escrow_account,
        book.credit_account,
        book.pending_account,
        book.available_account,
    )
    return {account.pk: account for account in accounts}


def _apply(leg: Leg, kept: dict[int, Account], currency: str) -> Transfer:
    if leg.amount.minor <= 0 or leg.amount.currency != currency:
        raise ValueError(f"{leg.amount!r} cannot be transferred in a book in {currency}")
    return Transfer(
        debit_id=leg.debit,
        credit_id=leg.credit,
        amount_minor=leg.amount.minor,
        currency=currency,
        debit_after=_change(kept.get(leg.debit), -leg.amount.minor),
        credit_after=_change(kept.get(leg.credit), leg.amount.minor),
    )


def _change(account: Account | None, minor: int) -> int | None:
    """Move a kept balance; site-wide accounts keep none."""
    if account is None:
        return None
    after = (account.balance_minor or 0) + minor
    if after < 0:
        raise NotEnough(f"{account} holds {account.balance}, {-minor} minor units were asked")
    account.balance_minor = after
    return after


def _digest(kind: EntryKind, book: Book, legs: Sequence[Leg]) -> str:
    return once.digest_of(
        kind=kind.value,
        book=book.pk,
        legs=[[leg.debit, leg.credit, leg.amount] for leg in legs],
    )
