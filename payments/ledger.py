"""The ledger door: the only writer of entries, transfers and kept balances.

Whoever moves money locks the book first (:func:`lock`), which also locks its accounts in id order;
then posts entries by the named moves of this floor (escrow, refunds, maturing, operations). Nobody
else constructs an :class:`~payments.models.Entry`.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from marketplace import bulk, locks, once
from marketplace.actors import Actor
from marketplace.models import Party
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
    """An entry to be, with its legs; ``key`` is unique to what happens.

    ``talent`` is given instead of a book where money of all its contracts moves together.
    """

    kind: EntryKind
    book: Book | None
    legs: Sequence[Leg]
    key: str
    memo: str = ""
    talent: Party | None = None

    @property
    def moves(self) -> list[Leg]:
        """The legs that move something."""
        return [leg for leg in self.legs if leg.amount]

    @property
    def digest(self) -> str:
        return once.digest_of(
            kind=self.kind.value,
            book=self.book.pk if self.book else None,
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


def lock_accounts(account_ids: Iterable[int]) -> dict[int, Account]:
    """Lock accounts of a party that belong to no book, by id; read their balances.

    Must run inside ``atomic``, after locks of lower rank.
    """
    chosen = Account.objects.filter(pk__in=set(account_ids)).select_related("party")
    return {one.pk: one for one in locks.rows(chosen, Rank.ACCOUNT)}


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
            the balances move along. Credit that goes back at once is marked for it.

    Raises:
        NotEnough, ValueError: as :func:`post`.
    """
    before = {pk: account.balance_minor or 0 for pk, account in kept.items()}
    entries, transfers = draft(postings, kept, at=at, by=by, event=_event())
    Entry.objects.bulk_create(entries)
    for transfer in transfers:
        transfer.entry_id = transfer.entry.pk
    Transfer.objects.bulk_create(transfers)
    touched = {pk for one in transfers for pk in (one.debit_id, one.credit_id)}
    changed = [account for pk, account in sorted(kept.items()) if pk in touched]
    grown = [one for one in changed if one.goes_back and (one.balance_minor or 0) > before[one.pk]]
    for account in grown:
        account.goes_back_at = at
    bulk.update(changed, ["balance_minor", "goes_back_at"] if grown else ["balance_minor"])
    return entries


def draft(
    postings: Sequence[Posting],
    kept: Mapping[int, Account],
    *,
    at: datetime,
    by: Actor,
    event: int,
) -> tuple[list[Entry], list[Transfer]]:
    """The unsaved rows of entries, in the order in which they count; the balances move along.

    For :func:`post_all`, and for the builder of large demo markets, which saves its own.

    Args:
        event: alike for what one action posts.
    """
    entries, transfers = [], []
    for posting in postings:
        entry = Entry(
            kind=posting.kind,
            book=posting.book,
            **_parties(posting),
            event=event,
            key=posting.key,
            input_hash=posting.digest,
            memo=posting.memo,
            at=at,
            **by.columns(),
        )
        if not posting.moves:
            raise ValueError(f"the entry {posting.key} would move nothing")
        entries.append(entry)
        _refuse_other_currencies(posting, kept)
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


def _event() -> int:
    """Alike for all that one transaction posts: what a person sees as one event."""
    of_transaction = locks.kept_for_transaction()
    number: int = of_transaction.setdefault("event", secrets.randbits(62))
    return number


def _parties(posting: Posting) -> dict[str, int | None]:
    """Whose money the entry moves: the client's, the talent's, or that of both."""
    book, moves = posting.book, posting.moves
    if book is None:
        assert posting.talent is not None
        return {"client_id": None, "talent_id": posting.talent.pk}
    touched = {pk for leg in moves for pk in (leg.debit, leg.credit)}
    of_client = touched & {book.escrow_account_id, book.credit_account_id}
    of_talent = touched & {book.pending_account_id, book.available_account_id}
    return {
        "client_id": book.client_id if of_client else None,
        "talent_id": book.talent_id if of_talent else None,
    }


def _apply(entry: Entry, leg: Leg, kept: Mapping[int, Account]) -> Transfer:
    if leg.amount.minor <= 0:
        raise ValueError(f"{leg.amount!r} cannot be transferred")
    return Transfer(
        entry=entry,
        debit_id=leg.debit,
        credit_id=leg.credit,
        amount_minor=leg.amount.minor,
        currency=leg.amount.currency,
        debit_after=_change(kept.get(leg.debit), -leg.amount.minor),
        credit_after=_change(kept.get(leg.credit), leg.amount.minor),
    )


def _refuse_other_currencies(posting: Posting, kept: Mapping[int, Account]) -> None:
    """An entry moves money of one currency: its book's, and that of the accounts that keep it."""
    for leg in posting.moves:
        expected = {one.currency for pk in (leg.debit, leg.credit) if (one := kept.get(pk))}
        if posting.book is not None:
            expected.add(posting.book.currency)
        if expected != {leg.amount.currency}:
            raise ValueError(f"{leg.amount!r} cannot be transferred in {sorted(expected)}")


def _change(account: Account | None, minor: int) -> int | None:
    """Move a kept balance; site-wide accounts keep none."""
    if account is None:
        return None
    after = (account.balance_minor or 0) + minor
    if after < 0:
        raise NotEnough(f"{account} holds {account.balance}, {-minor} minor units were asked")
    account.balance_minor = after
    return after
