"""Correcting entries: one of support proposes a transfer within a book, a second person approves.

A correction by itself is posted by :func:`approve`. One with a purpose, such as paying owed hours
in the client's place, belongs to an upper floor, whose function locks from the top, calls
:func:`post`, and does in the same transaction what the money is for.

Escrow and pending money are never corrected by hand: they are what milestones and payments say they
are, and only what people do with those moves them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from django.db import transaction

from marketplace import clock, locks, transitions
from marketplace.actors import Actor
from marketplace.models import User
from marketplace.models.history import Rank
from marketplace.money import Money
from marketplace.refusals import InvalidInput, Overtaken
from payments import ledger, rules
from payments.ledger import Leg
from payments.models import Account, Book, Correction
from payments.states import AccountKind, CorrectionState, EntryKind

ApproveFunction = Callable[[int, Actor], Correction]
F = TypeVar("F", bound=ApproveFunction)

UNTOUCHED: Final = {
    AccountKind.ESCROW: (
        "Escrow is not corrected by hand: it is what milestones and requests say it is. End the"
        " contract or decide the request instead."
    ),
    AccountKind.PENDING: (
        "Pending money is not corrected by hand: it is what is left of payments. Wait until it is"
        " available, or let the talent refund."
    ),
}
DECIDED: Final = "This correction was decided already. Here is what happened."

_purposes: dict[str, ApproveFunction] = {}


def purpose(name: str) -> Callable[[F], F]:
    """Register the function that approves corrections of this purpose, at start.

    Args:
        name: as given to :func:`propose`; one function each.

    Returns:
        A decorator. The function gets the correction's id and who approves, is one transaction,
        and calls :func:`post`.
    """

    def register(function: F) -> F:
        if name in _purposes:
            raise ValueError(f"the purpose {name!r} has its function already")
        _purposes[name] = function
        return function

    return register


@dataclass(frozen=True, slots=True)
class Side:
    """One of a correction's two accounts, now and once it is posted.

    ``before`` and ``after`` are None of accounts of the site, which keep no balance.
    """

    account: Account
    before: Money | None
    after: Money | None


def quote(debit: Account, credit: Account, amount: Money) -> tuple[Side, Side]:
    """Both balances before and after, from an unlocked reading, for pages.

    Raises:
        InvalidInput: on ``amount``: there is less.
    """
    _refuse_overdraft(debit, amount)
    return _side(debit, -amount), _side(credit, amount)


def refuse_impossible(book: Book, *, debit: Account, credit: Account, amount: Money) -> None:
    """Whether a book's accounts allow a transfer as they were read; also for pages.

    Raises:
        InvalidInput: on ``debit``, ``credit`` or ``amount``, see :func:`propose`.
    """
    _refuse_accounts(book, debit, credit)
    _refuse_amount(book, amount)
    _refuse_overdraft(debit, amount)


def correctable(book: Book) -> list[Account]:
    """The accounts of a book between which a correction may move money."""
    return [
        book.credit_account,
        book.available_account,
        book.fees_account,
        book.outside_account,
    ]


@transaction.atomic
def propose(
    book: Book,
    *,
    debit: Account,
    credit: Account,
    amount: Money,
    reason: str,
    purpose: str = "",
    purpose_id: int | None = None,
    by: Actor,
) -> Correction:
    """Propose a transfer from one account of a book to another; a second person approves it.

    Args:
        debit, credit: two of :func:`correctable`.
        amount: above zero, in the book's currency.
        reason: what the second person and the log read.
        purpose: what follows once it is approved, as registered by :func:`purpose`; empty for a
            correction by itself.
        purpose_id: the row that the purpose is about.

    Raises:
        NotYours: not support.
        InvalidInput: on ``debit``, ``credit``, ``amount`` or ``reason``: escrow or pending money,
            the same account twice or one of another book, more than there is, or no reason.
        Overtaken: one with this purpose waits already.
    """
    rules.refuse(rules.staff_only(book, by))
    assert by.staff is not None
    book = ledger.lock(book.pk)
    refuse_impossible(book, debit=_kept(book, debit), credit=credit, amount=amount)
    if not reason.strip():
        raise InvalidInput("Give the reason. The second person reads it.", field="reason")
    _refuse_second(purpose, purpose_id)
    correction: Correction = Correction.objects.create(
        book=book,
        debit=debit,
        credit=credit,
        currency=amount.currency,
        amount_minor=amount.minor,
        reason=reason.strip(),
        purpose=purpose,
        purpose_id=purpose_id,
        proposed_by=by.staff,
        proposed_at=clock.now(),
    )
    transitions.created(correction, by=by, reason=correction.reason)
    return correction


def approve(correction: Correction, *, by: Actor) -> Correction:
    """A second person approves: the entry is posted, and what it is for is done.

    Raises:
        NotYours: not support, or who proposed it.
        Overtaken: it was decided already, there is no longer as much money, or what it was for no
            longer stands.
    """
    rules.refuse(rules.second_person(correction, by))
    if correction.purpose:
        return _purposes[correction.purpose](correction.pk, by)
    return _approve(correction.pk, by)


@transaction.atomic
def reject(correction: Correction, *, because: str, by: Actor) -> Correction:
    """It is not posted; who proposed it takes it back the same way.

    Args:
        because: kept with the change.

    Raises:
        NotYours: not support.
        InvalidInput: on ``because``: no reason.
        Overtaken: it was decided already.
    """
    rules.refuse(rules.staff_only(correction, by))
    if not because.strip():
        raise InvalidInput("Give the reason.", field="because")
    correction = lock(correction.pk)
    correction.book = ledger.lock(correction.book_id)
    decider, now = _person(by), clock.now()
    return transitions.move(
        correction, "reject", person=decider, at=now, reason=because.strip(), by=by
    )


def lock(correction_id: int) -> Correction:
    """A proposed correction, locked; after a contract and its parts, before its book.

    Raises:
        Overtaken: it was decided already.
    """
    chosen = Correction.objects.filter(pk=correction_id).select_related(
        "debit", "credit", "proposed_by"
    )
    correction = locks.row(chosen, Rank.OPERATION)
    if not correction.is_proposed:
        raise Overtaken(DECIDED)
    return correction


def post(correction: Correction, book: Book, *, by: Actor) -> Correction:
    """Post a locked correction's entry, in the transaction of who approves it.

    Args:
        book: as :func:`payments.ledger.lock` returned it; its balances move along.

    Raises:
        NotYours, Overtaken: as :func:`approve`.
    """
    correction.book = book
    transitions.refuse_unless_possible(correction, "approve", by=by)
    _refuse_if_gone(book, correction)
    now = clock.now()
    entry = ledger.post(
        kind=EntryKind.CORRECTION,
        book=book,
        legs=[Leg(correction.debit_id, correction.credit_id, correction.amount)],
        key=f"correction:{correction.pk}",
        memo=correction.reason[:200],
        at=now,
        by=by,
    )
    return transitions.move(correction, "approve", entry=entry, person=_person(by), at=now, by=by)


@transaction.atomic
def _approve(correction_id: int, by: Actor) -> Correction:
    correction = lock(correction_id)
    return post(correction, ledger.lock(correction.book_id), by=by)


def _person(by: Actor) -> User:
    assert by.staff is not None
    return by.staff


def _side(account: Account, change: Money) -> Side:
    before = None if account.balance_minor is None else account.balance
    return Side(account, before, None if before is None else before + change)


def _kept(book: Book, account: Account) -> Account:
    """The locked copy of an account that keeps a balance; another one as it is."""
    return ledger.kept_accounts([book]).get(account.pk, account)


def _refuse_accounts(book: Book, debit: Account, credit: Account) -> None:
    for field, account in (("debit", debit), ("credit", credit)):
        if account.kind in UNTOUCHED:
            raise InvalidInput(UNTOUCHED[AccountKind(account.kind)], field=field)
        if account.pk not in {one.pk for one in correctable(book)}:
            raise InvalidInput("This account is not one of this book.", field=field)
    if debit.pk == credit.pk:
        raise InvalidInput("Choose two different accounts.", field="credit")


def _refuse_amount(book: Book, amount: Money) -> None:
    if amount.currency != book.currency:
        raise InvalidInput(f"This book is kept in {book.currency}.", field="amount")
    if amount.minor <= 0:
        raise InvalidInput("Type an amount above zero.", field="amount")


def _refuse_overdraft(debit: Account, amount: Money) -> None:
    if debit.balance_minor is not None and debit.balance < amount:
        raise InvalidInput(
            f"{debit.get_kind_display()} holds {debit.balance}; no more can be moved from it.",
            field="amount",
        )


def _refuse_if_gone(book: Book, correction: Correction) -> None:
    try:
        _refuse_overdraft(_kept(book, correction.debit), correction.amount)
    except InvalidInput as gone:
        raise Overtaken(gone.sentence) from gone


def _refuse_second(purpose: str, purpose_id: int | None) -> None:
    waiting = Correction.objects.filter(
        state=CorrectionState.PROPOSED, purpose=purpose, purpose_id=purpose_id
    )
    if purpose and waiting.exists():
        raise Overtaken("This is proposed already, and waits for a second person.")
