"""Gateway operations: intent committed first, the call made outside transactions, then settled.

Settling is one transaction of the floor that knows the purpose. Its function locks from the top,
re-reads the operation, returns if it is settled already, locks the book, calls :func:`record`,
and moves confirmed money on if its reason still stands; otherwise the money stays credit.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db import transaction

from marketplace import clock, locks, policy, transitions
from marketplace.actors import PLATFORM, Actor
from marketplace.models.history import Rank
from marketplace.money import Money
from marketplace.refusals import Refused
from payments import gateways, ledger
from payments.gateways.base import Outcome
from payments.ledger import Leg, Posting
from payments.models import Book, Entry, GatewayOperation
from payments.states import EntryKind, OperationKind, OperationState

logger = logging.getLogger(__name__)

SettleFunction = Callable[[int, Outcome], object]
F = TypeVar("F", bound=SettleFunction)

_purposes: dict[str, SettleFunction] = {}


def purpose(name: str) -> Callable[[F], F]:
    """Register the function that settles operations of this purpose, at start.

    Args:
        name: as given to :func:`start`; one function each.

    Returns:
        A decorator. The function gets the operation's id and the known outcome, and is one
        transaction.
    """

    def register(function: F) -> F:
        if name in _purposes:
            raise ValueError(f"the purpose {name!r} has its function already")
        _purposes[name] = function
        return function

    return register


@dataclass(frozen=True, slots=True)
class Intent:
    """A charge to be.

    Attributes:
        book: whose client is charged; as :func:`payments.ledger.lock` returned it, or made in this
            transaction.
        purpose: a registered purpose.
        purpose_id: the row the money is for.
        amount: what is charged, at least the gateway's minimum.
        method: the token of a payment method.
        key: idempotency key of the call, unique for good.
    """

    book: Book
    purpose: str
    purpose_id: int
    amount: Money
    method: str
    key: str


def start(
    *,
    book: Book,
    purpose: str,
    purpose_id: int,
    amount: Money,
    method: str,
    key: str,
    by: Actor,
) -> GatewayOperation:
    """Write down the intent to charge, inside the caller's transaction; see :class:`Intent`.

    Once that is committed, the caller calls :func:`carry_out`; if it dies before, a sweep does.
    """
    return start_all([Intent(book, purpose, purpose_id, amount, method, key)], by=by)[0]


def start_all(intents: Sequence[Intent], *, by: Actor) -> list[GatewayOperation]:
    """The set form of :func:`start`, in as many statements as one."""
    now = clock.now()
    operations = GatewayOperation.objects.bulk_create(
        GatewayOperation(
            book=one.book,
            kind=OperationKind.CHARGE,
            purpose=one.purpose,
            purpose_id=one.purpose_id,
            gateway=gateways.gateway().name,
            method=one.method,
            key=one.key,
            currency=one.amount.currency,
            amount_minor=one.amount.minor,
            started_at=now,
            due_at=now + policy.step(policy.OPERATION_RETRY, 1),
            **by.columns(),
        )
        for one in intents
    )
    changes = transitions.Changes(by=by)
    for operation in operations:
        changes.created(operation)
    changes.write()
    return operations


def carry_out(operation_id: int) -> GatewayOperation:
    """Make the call and settle what it answers. Outside transactions; safe to repeat.

    Raises:
        InsideTransaction: a transaction of ours is open.
    """
    operation = _read(operation_id)
    if operation.state != OperationState.STARTED:
        return operation
    return settle(operation_id, _charge(operation))


def carry_out_now(operation_id: int) -> None:
    """The same while somebody waits for it.

    Raises:
        Refused: the gateway declined, in its own sentence; nothing was charged.
        InsideTransaction: see :func:`carry_out`.
    """
    operation = carry_out(operation_id)
    if operation.state == OperationState.DECLINED:
        raise Refused(operation.declined_because)


def ask_again(operation_id: int) -> GatewayOperation:
    """Settle an operation whose outcome is not known; called when it is due.

    One that never got an answer recorded is called again under its key, which cannot charge
    twice. After ``policy.OPERATION_GIVES_UP`` it is called off at the gateway.

    Raises:
        InsideTransaction: a transaction of ours is open.
    """
    operation = _read(operation_id)
    if not operation.is_open:
        return operation
    if clock.now() >= operation.started_at + policy.OPERATION_GIVES_UP:
        outcome = gateways.gateway(operation.gateway).cancel(operation.key)
    elif operation.state == OperationState.STARTED:
        outcome = _charge(operation)
    else:
        outcome = gateways.gateway(operation.gateway).ask(operation.key)
    return settle(operation_id, outcome)


def settle(operation_id: int, outcome: Outcome) -> GatewayOperation:
    """Take the gateway's answer in; a second one changes nothing.

    Args:
        outcome: known: the purpose's function posts it; unknown: asked again later.
    """
    operation = _read(operation_id)
    if not operation.is_open:
        _compare(operation, outcome)
        return operation
    if outcome.is_known:
        _purposes[operation.purpose](operation_id, outcome)
    else:
        _ask_later(operation)
    return _read(operation_id)


def take_report(key: str, outcome: Outcome) -> None:
    """Take in what a gateway tells of its own accord; it may come early, late or twice.

    Args:
        key: of the call. One that is none of ours is left alone.
    """
    operation = GatewayOperation.objects.filter(key=key).first()
    if operation is not None:
        settle(operation.pk, outcome)


def call_all(operation_ids: Collection[int]) -> dict[int, Outcome]:
    """Make the calls of those that were not answered yet. Outside transactions; safe to repeat.

    Raises:
        InsideTransaction: a transaction of ours is open.
    """
    started = GatewayOperation.objects.filter(
        pk__in=operation_ids, state=OperationState.STARTED
    ).order_by("pk")
    return {operation.pk: _charge(operation) for operation in started}


def record(operation: GatewayOperation, book: Book, outcome: Outcome) -> bool:
    """Post confirmed money to the client's credit and close the operation.

    Called by the purpose's function, in its transaction.

    Args:
        operation: locked.
        book: as :func:`payments.ledger.lock` returned it.
        outcome: a known one.

    Returns:
        Whether money came, now: an operation that was settled before brings none.
    """
    return bool(record_all([(operation, outcome)], {book.pk: book}))


def record_all(
    answers: Sequence[tuple[GatewayOperation, Outcome]], books: Mapping[int, Book]
) -> list[GatewayOperation]:
    """The set form of :func:`record`, in as many statements as one.

    Args:
        books: those of the operations, as :func:`payments.ledger.lock_all` returned them.

    Returns:
        The operations that brought money, now.
    """
    now, changes = clock.now(), transitions.Changes(by=PLATFORM)
    unsettled = [(one, outcome) for one, outcome in answers if one.is_open]
    for operation, _ in unsettled:
        operation.book = books[operation.book_id]
    confirmed = [one for one, outcome in unsettled if outcome.succeeded]
    for operation, entry in zip(confirmed, _post_all(confirmed, now), strict=True):
        changes.move(operation, "succeed", entry=entry, at=now)
    for operation, outcome in unsettled:
        if not outcome.succeeded:
            changes.move(operation, "fail", because=outcome.sentence[:200], at=now)
    changes.write()
    return confirmed


def _read(operation_id: int) -> GatewayOperation:
    """As it is now: read again after each transaction, several times on one way."""
    operation = GatewayOperation.objects.filter(pk=operation_id).order_by("pk").first()
    assert operation is not None, f"there is no operation {operation_id}"
    return operation


def _charge(operation: GatewayOperation) -> Outcome:
    gateway = gateways.gateway(operation.gateway)
    return gateway.charge(operation.key, operation.amount, operation.method)


def _post_all(confirmed: Sequence[GatewayOperation], now: datetime) -> list[Entry]:
    if not confirmed:
        return []
    kept = ledger.kept_accounts(one.book for one in confirmed)
    return ledger.post_all([_posting(one) for one in confirmed], kept, at=now, by=PLATFORM)


def _posting(operation: GatewayOperation) -> Posting:
    book = operation.book
    leg = Leg(book.outside_account_id, book.credit_account_id, operation.amount)
    return Posting(EntryKind.CHARGE, book, [leg], f"charge:{operation.key}")


@transaction.atomic
def _ask_later(operation: GatewayOperation) -> None:
    operation = locks.row(GatewayOperation.objects.filter(pk=operation.pk), Rank.OPERATION)
    if not operation.is_open:
        return
    operation.attempts += 1
    operation.due_at = _next_due(operation)
    if operation.state == OperationState.STARTED:
        operation.book = locks.row(Book.objects.filter(pk=operation.book_id), Rank.BOOK)
        transitions.move(operation, "lose_sight", by=PLATFORM)
    else:
        operation.save(update_fields=["attempts", "due_at"])


def _next_due(operation: GatewayOperation) -> datetime:
    """One step later, but not past the moment at which it is called off."""
    now = clock.now()
    later = now + policy.step(policy.OPERATION_RETRY, operation.attempts)
    last = operation.started_at + policy.OPERATION_GIVES_UP
    return min(later, last) if now < last else later


def _compare(operation: GatewayOperation, outcome: Outcome) -> None:
    """A second answer is quiet, unless it says the opposite: then somebody must look."""
    settled_well = operation.state == OperationState.SUCCEEDED
    if outcome.is_known and outcome.succeeded != settled_well:
        logger.error("operation %s was settled and is now contradicted", operation.pk)
