"""The ledger door: the only writer of entries, transfers and kept balances.

Whoever moves money locks the book first (:func:`lock`), which also locks its accounts in id order;
then posts entries by the named moves of this floor (escrow, refunds, maturing, operations). Nobody
else constructs an :class:`~payments.models.Entry`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from marketplace import bulk, locks, once
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


@dataclass(frozen=True, slots=True)
class Posting:
    """An entry to be, with its legs; ``key`` is unique to what happens."""

    kind: EntryKind
    book: Book
    legs: Sequence[Leg]
    key: str
    memo: str = ""

    @property
    def moves(self) -> list[Leg]:
        """The legs that move something."""
        return [leg for leg in self.legs if leg.amount]

    @property
    def digest(self) -> str:
        return once.digest_of(
            kind=self.kind.value,
            book=self.book.pk,
            legs=[[leg.debit, leg.credit, leg.amount] for leg in self.moves],
        )


def lock(book_id: int) -> Book:
    """Lock a book and the accounts it moves money between; read their balances.

    Must run inside ``atomic``, after locks of lower rank (contract, parts, request, operation).
    """
    return lock_all([book_id])[book_id]


def lock_all(book_ids: Collection[int]) -> dict[int, Book]:
    """The set form of :func:`lock`: several books by id, then their accounts by id.

    Books of one party share its accounts: the same objects, whose balances move along together.
    """
    chosen = Book.objects.filter(pk__in=book_ids).select_related("client", "talent")
    books = locks.rows(chosen, Rank.BOOK)
    ids = {pk for book in books for pk in book.kept_ids}
    accounts = {one.pk: one for one in locks.rows(Account.objects.filter(pk__in=ids), Rank.ACCOUNT)}
    for book in books:
        book.escrow_account = accounts[book.escrow_account_id]
        book.credit_account = accounts[book.credit_account_id]
        book.pending_account = accounts[book.pending_account_id]
        book.available_account = accounts[book.available_account_id]
    return {book.pk: book for book in books}


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
        legs: at least one above zero; legs of zero are left out.
        key: unique to what happens; the same key and input again gives the first entry.
        at: business time of the movement, UTC.
        memo: what it was for, in a few words.

    Raises:
        KeyReused: the key was posted with other input.
        NotEnough: an account would go below zero; nothing was written.
        ValueError: nothing would move.
    """
    posting = Posting(kind, book, legs, key, memo)
    posted = Entry.objects.filter(key=key).first()
    if posted is not None:
        if posted.input_hash != posting.digest:
            raise KeyReused
        return posted
    return post_all([posting], kept_accounts([book]), at=at, by=by)[0]


def post_all(
    postings: Sequence[Posting], kept: Mapping[int, Account], *, at: datetime, by: Actor
) -> list[Entry]:
    """Post several entries with keys that were never used, in as many statements as one.

    Args:
        kept: every account with a balance that the legs name, by id, locked in this transaction;
            the balances move along.

    Raises:
        NotEnough, ValueError: as :func:`post`.
    """
    entries, transfers = draft(postings, kept, at=at, by=by)
    Entry.objects.bulk_create(entries)
    for transfer in transfers:
        transfer.entry_id = transfer.entry.pk
    Transfer.objects.bulk_create(transfers)
    touched = {pk for one in transfers for pk in (one.debit_id, one.credit_id)}
    changed = [account for pk, account in sorted(kept.items()) if pk in touched]
    bulk.update(changed, ["balance_minor"])
    return entries


def draft(
    postings: Sequence[Posting], kept: Mapping[int, Account], *, at: datetime, by: Actor
) -> tuple[list[Entry], list[Transfer]]:
    """The unsaved rows of entries, in the order in which they count; the balances move along.

    For :func:`post_all`, and for the builder of large demo markets, which saves its own.
    """
    entries, transfers = [], []
    for posting in postings:
        entry = Entry(
            kind=posting.kind,
            book=posting.book,
            key=posting.key,
            input_hash=posting.digest,
            memo=posting.memo,
            at=at,
            **by.columns(),
        )
        if not posting.moves:
            raise ValueError(f"the entry {posting.key} would move nothing")
        entries.append(entry)
        transfers += [_apply(entry, leg, kept) for leg in posting.moves]
    return entries, transfers


def kept_accounts(books: Iterable[Book]) -> dict[int, Account]:
    """The accounts of locked books that keep a balance, by id."""
    return {
        account.pk: account
        for book in books
        for account in (
            book.escrow_account,
            book.credit_account,
            book.pending_account,
            book.available_account,
        )
    }


def _apply(entry: Entry, leg: Leg, kept: Mapping[int, Account]) -> Transfer:
    assert entry.book is not None
    currency = entry.book.currency
    if leg.amount.minor <= 0 or leg.amount.currency != currency:
        raise ValueError(f"{leg.amount!r} cannot be transferred in a book in {currency}")
    return Transfer(
        entry=entry,
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
