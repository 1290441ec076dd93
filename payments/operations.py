"""Gateway operations: intent committed first, the call made outside transactions, then settled.

Settling is one transaction of the floor that knows the purpose. Its function locks from the top,
re-reads the operation, returns if it is settled already, locks the book, calls :func:`record`,
and moves confirmed money on if its reason still stands; otherwise the money stays credit.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from django.db import transaction

from marketplace import clock, locks, policy, transitions
from marketplace.actors import PLATFORM, Actor
from marketplace.models.history import Rank
from marketplace.money import Money
from payments import gateways, ledger
from payments.gateways.base import Outcome
from payments.ledger import Leg
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
    """Write down the intent to charge, inside the caller's transaction.

    Once that is committed, the caller calls :func:`carry_out`; if it dies before, a sweep does.

    Args:
        book: whose client is charged; as :func:`payments.ledger.lock` returned it, or made in this
            transaction.
        purpose: a registered purpose.
        purpose_id: the row the money is for.
        amount: what is charged, at least the gateway's minimum.
        method: the token of a payment method.
        key: idempotency key of the call, unique for good.
    """
    now = clock.now()
    operation: GatewayOperation = GatewayOperation.objects.create(
        book=book,
        kind=OperationKind.CHARGE,
        purpose=purpose,
        purpose_id=purpose_id,
        gateway=gateways.gateway().name,
        method=method,
        key=key,
        currency=amount.currency,
        amount_minor=amount.minor,
        started_at=now,
        due_at=now + policy.step(policy.OPERATION_RETRY, 1),
        **by.columns(),
    )
    transitions.created(operation, by=by)
    return operation


def carry_out(operation_id: int) -> GatewayOperation:
    """Make the call and settle what it answers. Outside transactions; safe to repeat.

    Raises:
        InsideTransaction: a transaction of ours is open.
    """
    operation = _read(operation_id)
    if operation.state != OperationState.STARTED:
        return operation
    return settle(operation_id, _charge(operation))


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
    if not operation.is_open:
        return False
    operation.book = book
    now = clock.now()
    if not outcome.succeeded:
        transitions.move(operation, "fail", by=PLATFORM, because=outcome.sentence[:200], at=now)
        return False
    entry = _post(operation, book)
    transitions.move(operation, "succeed", by=PLATFORM, entry=entry, at=now)
    return True


def _read(operation_id: int) -> GatewayOperation:
    """As it is now: read again after each transaction, several times on one way."""
    operation = GatewayOperation.objects.filter(pk=operation_id).order_by("pk").first()
    assert operation is not None, f"there is no operation {operation_id}"
    return operation


def _charge(operation: GatewayOperation) -> Outcome:
    gateway = gateways.gateway(operation.gateway)
    return gateway.charge(operation.key, operation.amount, operation.method)


def _post(operation: GatewayOperation, book: Book) -> Entry:
    return ledger.post(
        kind=EntryKind.CHARGE,
        book=book,
        legs=[Leg(book.outside_account_id, book.credit_account_id, operation.amount)],
        key=f"charge:{operation.key}",
        at=clock.now(),
        by=PLATFORM,
    )


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
