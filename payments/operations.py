"""Gateway operations: intent committed first, the call made outside transactions, then settled.

Charges are begun here, money that leaves in :mod:`payments.outgoing`.

Settling is one transaction of the floor that knows the purpose. Its function locks from the top,
re-reads the operation, returns if it is settled already, locks the book, calls :func:`record`, and
moves confirmed money on if its reason still stands; otherwise the money stays credit.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar
from urllib.parse import urljoin

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from marketplace import clock, locks, policy, transitions
from marketplace.actors import PLATFORM, Actor
from marketplace.models.history import Rank
from marketplace.money import Money
from marketplace.refusals import Refused
from payments import gateways, ledger, notices, wallet
from payments.gateways.base import Call, Outcome
from payments.ledger import Leg, Posting
from payments.models import Account, Book, Entry, GatewayOperation
from payments.states import EntryKind, OperationKind, OperationState

logger = logging.getLogger(__name__)

SettleFunction = Callable[[int, Outcome], object]
F = TypeVar("F", bound=SettleFunction)

_purposes: dict[str, SettleFunction] = {}

_READ: Final = ("book", "account", "of__book")
"""What is read along with an operation, so that its gateway can be asked for it."""


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
    labels = wallet.labels_of({(one.book.client_id, one.method) for one in intents})
    operations = GatewayOperation.objects.bulk_create(
        GatewayOperation(
            book=one.book,
            kind=OperationKind.CHARGE,
            purpose=one.purpose,
            purpose_id=one.purpose_id,
            gateway=gateways.gateway().name,
            method=one.method,
            method_label=labels.get((one.book.client_id, one.method), ""),
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
    return settle(operation_id, _call(operation))


def carry_out_now(operation_id: int) -> GatewayOperation:
    """The same while somebody waits for it.

    Raises:
        Refused: the gateway declined, in its own sentence; nothing was charged, or paid out.
        InsideTransaction: see :func:`carry_out`.
    """
    operation = carry_out(operation_id)
    if operation.state == OperationState.DECLINED:
        raise Refused(operation.declined_because)
    return operation


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
        outcome = gateways.gateway(operation.gateway).cancel(call_of(operation))
    elif operation.state == OperationState.STARTED:
        outcome = _call(operation)
    else:
        outcome = gateways.gateway(operation.gateway).ask(call_of(operation))
    return settle(operation_id, outcome)


def hear(operation_id: int) -> GatewayOperation:
    """The gateway tells that something has become of an operation: it is asked what.

    What it tells may come early, late, twice or in any order, so only the answer counts.

    Raises:
        InsideTransaction: a transaction of ours is open.
    """
    operation = _read(operation_id)
    outcome = gateways.gateway(operation.gateway).ask(call_of(operation))
    if operation.state == OperationState.STARTED and not outcome.is_known:
        return operation  # perhaps not called yet: whoever calls learns what becomes of it
    return settle(operation_id, outcome)


def hear_of(key: str) -> None:
    """The same by the key of the call. One that is none of ours is left alone."""
    operation = GatewayOperation.objects.filter(key=key).first()
    if operation is not None:
        hear(operation.pk)


def settle(operation_id: int, outcome: Outcome) -> GatewayOperation:
    """Take the gateway's answer in; a second one changes nothing.

    Args:
        outcome: known: the purpose's function posts it; unknown: asked again later.
    """
    operation = _read(operation_id)
    may_come_back = operation.is_outgoing and operation.state == OperationState.SUCCEEDED
    if outcome.is_known and (operation.is_open or may_come_back):
        _purposes[operation.purpose](operation_id, outcome)
    elif operation.is_open:
        _ask_later(operation, outcome)
    else:
        _compare(operation, outcome)
        return operation
    return _read(operation_id)


def confirm_page(operation: GatewayOperation) -> str:
    """The address where the client confirms an open charge at its bank now; empty when none is.

    What has become of the charge meanwhile is settled on the way.

    Raises:
        InsideTransaction: a transaction of ours is open.
    """
    if operation.state != OperationState.UNKNOWN:
        return ""
    outcome = gateways.gateway(operation.gateway).ask(call_of(operation))
    if outcome.is_known:
        settle(operation.pk, outcome)
    return outcome.confirm_url


def call_of(operation: GatewayOperation) -> Call:
    """An operation as its gateway is asked for it."""
    return Call(
        kind=OperationKind(operation.kind),
        key=operation.key,
        amount=operation.amount,
        method=operation.method,
        party=_whose(operation),
        started_at=operation.started_at,
        reference=operation.reference,
        of=call_of(operation.of) if operation.of else None,
        return_to=_confirm_address(operation),
    )


def call_all(operation_ids: Collection[int]) -> dict[int, Outcome]:
    """Make the calls of those that were not answered yet. Outside transactions; safe to repeat.

    Raises:
        InsideTransaction: a transaction of ours is open.
    """
    started = GatewayOperation.objects.filter(
        pk__in=operation_ids, state=OperationState.STARTED
    ).order_by("pk")
    return {operation.pk: _call(operation) for operation in started.select_related(*_READ)}


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
    for operation, outcome in unsettled:
        operation.book = books[_book_of(operation)]
        if outcome.reference:
            operation.reference = outcome.reference
            changes.also(operation, "reference")
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
    chosen = GatewayOperation.objects.filter(pk=operation_id).select_related(*_READ)
    operation = chosen.order_by("pk").first()
    assert operation is not None, f"there is no operation {operation_id}"
    return operation


def _call(operation: GatewayOperation) -> Outcome:
    return gateways.gateway(operation.gateway).call(call_of(operation))


def _confirm_address(operation: GatewayOperation) -> str:
    """Where the client of a charge goes to confirm it, and comes back to."""
    if operation.kind != OperationKind.CHARGE:
        return ""
    return urljoin(settings.SITE_URL, reverse("confirm_charge", args=[operation.pk]))


def _whose(operation: GatewayOperation) -> int:
    """The party that pays, or is paid, by id."""
    if operation.account is not None:
        assert operation.account.party_id is not None
        return operation.account.party_id
    assert operation.book is not None
    return operation.book.client_id


def _book_of(operation: GatewayOperation) -> int:
    """The id of its book; a withdrawal has none, and never comes here."""
    assert operation.book_id is not None
    return operation.book_id


def _post_all(confirmed: Sequence[GatewayOperation], now: datetime) -> list[Entry]:
    if not confirmed:
        return []
    kept = ledger.kept_accounts(one.book for one in confirmed if one.book)
    return ledger.post_all([_posting(one) for one in confirmed], kept, at=now, by=PLATFORM)


def _posting(operation: GatewayOperation) -> Posting:
    book = operation.book
    assert book is not None
    leg = Leg(book.outside_account_id, book.credit_account_id, operation.amount)
    return Posting(EntryKind.CHARGE, book, [leg], f"charge:{operation.key}")


@transaction.atomic
def _ask_later(operation: GatewayOperation, outcome: Outcome) -> None:
    operation = lock(operation.pk)
    if not operation.is_open:
        return
    operation.attempts += 1
    operation.due_at = _next_due(operation)
    operation.reference = outcome.reference or operation.reference
    asked = bool(outcome.confirm_url) and operation.confirm_since is None
    if asked:
        operation.confirm_since = clock.now()
    if operation.state == OperationState.STARTED:
        lock_aggregate(operation)
        transitions.move(operation, "lose_sight", by=PLATFORM)
    else:
        operation.save(update_fields=["attempts", "due_at", "reference", "confirm_since"])
    if asked:
        notices.charge_to_confirm(operation)


def lock(operation_id: int) -> GatewayOperation:
    """Lock an operation, after a contract and its parts and before its book or account."""
    chosen = GatewayOperation.objects.filter(pk=operation_id)
    return locks.row(chosen.select_related(*_READ), Rank.OPERATION)


def lock_aggregate(operation: GatewayOperation) -> None:
    """Lock what an operation's changes count on: its book, or the account money leaves from."""
    if operation.account_id is not None:
        accounts = Account.objects.filter(pk=operation.account_id).select_related("party")
        operation.account = locks.row(accounts, Rank.ACCOUNT)
    else:
        operation.book = locks.row(
            Book.objects.filter(pk=_book_of(operation)).select_related("client"), Rank.BOOK
        )


def _next_due(operation: GatewayOperation) -> datetime:
    """One step later, but not past the moment at which it is called off."""
    now = clock.now()
    later = now + policy.step(policy.OPERATION_RETRY, operation.attempts)
    last = operation.started_at + policy.OPERATION_GIVES_UP
    return min(later, last) if now < last else later


def _compare(operation: GatewayOperation, outcome: Outcome) -> None:
    """A second answer is quiet, unless it says the opposite: then somebody must look."""
    went_well = operation.state == OperationState.SUCCEEDED
    if outcome.is_known and outcome.succeeded != went_well:
        logger.error("operation %s was settled and is now contradicted", operation.pk)
