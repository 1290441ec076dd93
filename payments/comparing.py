"""A stretch of a gateway's own statement beside the books, movement by movement.

Both sides are read in pieces, so that memory stays flat but for one number per movement. A movement
belongs to the day on which the gateway lists it; that the books heard of it on another day is no
difference. What the books have and the gateway does not list there is asked for singly, so that
only what the gateway itself denies counts. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from django.db.models import Q, QuerySet

from marketplace import clock, policy
from marketplace.money import Money
from payments import operations
from payments.gateways.base import Gateway, Movement
from payments.models import Chargeback, GatewayOperation
from payments.states import (
    NOT_ARRIVED,
    OPEN_OPERATIONS,
    OUTGOING,
    ChargebackState,
    OperationKind,
    OperationState,
)

NAMED: Final = 20
"""Differences named per currency; all are counted."""
READ: Final = 500
"""Rows read at a time."""
HEARD_LATER: Final = timedelta(hours=1)
"""The books hear of a movement after it was made, but for clocks that are not set alike."""

_IN, _OUT, _TAKEN, _GIVEN_BACK = range(4)


@dataclass
class Sums:
    """One currency: what moved by the statement and by the books, and what does not agree."""

    ours: int = 0
    theirs: int = 0
    compared: int = 0
    different: int = 0
    differences: list[str] = field(default_factory=list)

    def differs(self, words: str) -> None:
        self.different += 1
        if len(self.differences) < NAMED:
            self.differences.append(words)


@dataclass
class Compared:
    """What came of it.

    Attributes:
        sums: by currency.
        waiting: how many movements are of operations that are not settled yet.
        unheard: operations, by id, of which the gateway knows more than the books.
        disputes: the same of disputes, by reference.
    """

    sums: dict[str, Sums] = field(default_factory=dict)
    waiting: int = 0
    unheard: set[int] = field(default_factory=set)
    disputes: set[str] = field(default_factory=set)

    @property
    def agrees(self) -> bool:
        return not any(one.different for one in self.sums.values())

    def of(self, currency: str) -> Sums:
        return self.sums.setdefault(currency, Sums())


def compare(gateway: Gateway, since: datetime, until: datetime) -> Compared:
    """Compare the statement from ``since`` to before ``until`` with the books.

    Raises:
        Unavailable: the gateway cannot be read now.
        InsideTransaction: a transaction of ours is open.
    """
    comparison = _Comparison(gateway)
    comparison.read_statement(since, until)
    comparison.read_books(since, until)
    return comparison.result


@dataclass(frozen=True, slots=True)
class _Ours:
    """A movement as the books have it.

    Attributes:
        mark: a number of its own.
        amount: above zero when it came in.
        posted_at: when the books had heard of it; None while they have not.
    """

    mark: int
    words: str
    amount: Money
    posted_at: datetime | None


class _Comparison:
    def __init__(self, gateway: Gateway) -> None:
        self.result = Compared()
        self._gateway = gateway
        self._now = clock.now()
        self._seen: set[int] = set()
        self._sent_but_declined: set[int] = set()

    # What the gateway lists.

    def read_statement(self, since: datetime, until: datetime) -> None:
        movements = self._gateway.movements(since, until)
        while read := list(islice(movements, READ)):
            keys = {one.key for one in read if not one.dispute}
            ours = {one.key: one for one in self._operations().filter(key__in=keys)}
            disputes = {one.dispute for one in read if one.dispute}
            taken = {one.reference: one for one in self._chargebacks(Q(reference__in=disputes))}
            for one in read:
                self._listed(one, ours.get(one.key), taken.get(one.dispute))

    def _listed(
        self, movement: Movement, operation: GatewayOperation | None, taken: Chargeback | None
    ) -> None:
        sums = self.result.of(movement.amount.currency)
        sums.theirs += movement.amount.minor
        sums.compared += 1
        if movement.dispute:
            self._listed_dispute(movement, taken)
        elif operation is None:
            self._differs(movement, f"{_moved(movement)} and is none of ours")
        elif operation.is_outgoing:
            self._listed_outgoing(movement, operation)
        else:
            self._listed_charge(movement, operation)

    def _listed_dispute(self, movement: Movement, taken: Chargeback | None) -> None:
        comes_in = movement.amount.minor > 0
        if taken is None:
            self.result.disputes.add(movement.dispute)
            self._differs(movement, f"{_moved(movement)}; the books know no such dispute")
        elif not comes_in:
            self._same(movement, _taken(taken))
        elif taken.state == ChargebackState.WON:
            self._same(movement, _given_back(taken))
        else:
            self.result.disputes.add(movement.dispute)
            self._differs(movement, f"{_moved(movement)}; the books have the dispute as not won")

    def _listed_charge(self, movement: Movement, operation: GatewayOperation) -> None:
        if operation.state == OperationState.SUCCEEDED:
            self._same(movement, _charged(operation))
        elif operation.is_open:
            self._not_settled(movement, operation)
        else:
            self._differs(movement, f"{_moved(movement)}; the books have it as declined")

    def _listed_outgoing(self, movement: Movement, operation: GatewayOperation) -> None:
        comes_in = movement.amount.minor > 0
        if operation.is_open:
            self._not_settled(movement, operation)
        elif not comes_in:
            if operation.state == OperationState.DECLINED:
                self._sent_but_declined.add(operation.pk)
            self._same(movement, _sent(operation))
        elif operation.state in NOT_ARRIVED:
            self._sent_but_declined.discard(operation.pk)
            self._same(movement, _came_back(operation))
        else:
            self.result.unheard.add(operation.pk)
            self._differs(movement, f"{_moved(movement)}; the books have it as sent")

    def _same(self, movement: Movement, ours: _Ours) -> None:
        sums = self.result.of(movement.amount.currency)
        again = ours.posted_at is not None and movement.at > ours.posted_at + HEARD_LATER
        if ours.mark in self._seen or again:
            sums.differs(f"{_moved(movement)}, once more: the books have it once.")
            return
        self._seen.add(ours.mark)
        self.result.of(ours.amount.currency).ours += ours.amount.minor
        if ours.amount != movement.amount:
            sums.differs(f"{_moved(movement)}; the books say {_signed(ours.amount)}.")

    def _not_settled(self, movement: Movement, operation: GatewayOperation) -> None:
        self.result.unheard.add(operation.pk)
        self._seen.add(_mark(_OUT, operation))
        if self._is_young(operation):
            self.result.waiting += 1
            self.result.of(movement.amount.currency).ours += movement.amount.minor
        else:
            self._differs(movement, f"{_moved(movement)}; the books have it as not settled")

    def _differs(self, movement: Movement, words: str) -> None:
        self.result.of(movement.amount.currency).differs(f"{words}.")

    # What the books have and the gateway did not list.

    def read_books(self, since: datetime, until: datetime) -> None:
        for operation in self._settled(since, until):
            self._ask(operation, _ours(operation), arrived=True)
        for operation in self._open(since, until):
            self._ask(operation, _sent(operation), arrived=True)
        for operation in self._came_back(since, until):
            self._ask(operation, _came_back(operation), arrived=False)
        for taken in self._chargebacks(Q(entry__at__gte=since, entry__at__lt=until)):
            self._ask_dispute(taken, _taken(taken))
        for taken in self._chargebacks(Q(back_entry__at__gte=since, back_entry__at__lt=until)):
            self._ask_dispute(taken, _given_back(taken))

    def _ask(self, operation: GatewayOperation, ours: _Ours, *, arrived: bool) -> None:
        """Ask for what was not listed.

        Args:
            arrived: what the books say of it.
        """
        if ours.mark in self._seen:
            return
        outcome = self._gateway.ask(operations.call_of(operation))
        if operation.is_open and outcome.is_known:
            self.result.unheard.add(operation.pk)
        if not outcome.is_known or operation.is_open:
            self._unanswered(operation, ours)
        elif outcome.succeeded is not arrived:
            self.result.unheard.add(operation.pk)
            says = "went through" if outcome.succeeded else "did not"
            self._missing(ours, f"the gateway says that it {says}")

    def _unanswered(self, operation: GatewayOperation, ours: _Ours) -> None:
        if self._is_young(operation):
            self.result.waiting += 1
        else:
            self._missing(ours, "the gateway has no answer")

    def _ask_dispute(self, taken: Chargeback, ours: _Ours) -> None:
        if ours.mark in self._seen:
            return
        dispute = self._gateway.dispute(taken.reference)
        if dispute is None:
            self._missing(ours, "the gateway knows no such dispute")
        elif dispute.amount != taken.amount:
            self._missing(ours, f"the gateway says {dispute.amount}")
        elif ours.amount.minor > 0 and dispute.state != ChargebackState.WON:
            self._missing(ours, "the gateway has it as not won")

    def _missing(self, ours: _Ours, words: str) -> None:
        sums = self.result.of(ours.amount.currency)
        sums.ours += ours.amount.minor
        sums.compared += 1
        sums.differs(f"{ours.words}: the books have {_signed(ours.amount)}, {words}.")

    def _is_young(self, operation: GatewayOperation) -> bool:
        """It may still be settled, or called off, in the usual way."""
        return self._now < operation.started_at + policy.OPERATION_GIVES_UP + HEARD_LATER

    # What is read.

    def _operations(self) -> QuerySet[GatewayOperation]:
        chosen = GatewayOperation.objects.filter(gateway=self._gateway.name)
        return chosen.select_related("back_entry").order_by("pk")

    def _settled(self, since: datetime, until: datetime) -> Iterator[GatewayOperation]:
        went_through = (OperationState.SUCCEEDED, OperationState.RETURNED)
        return (
            self._operations()
            .filter(state__in=went_through, settled_at__gte=since, settled_at__lt=until)
            .iterator(READ)
        )

    def _open(self, since: datetime, until: datetime) -> Iterator[GatewayOperation]:
        """Money that the books have let go, and of which the gateway has not said that it went."""
        return (
            self._operations()
            .filter(kind__in=OUTGOING, state__in=OPEN_OPERATIONS, due_at__isnull=False)
            .filter(started_at__gte=since, started_at__lt=until)
            .iterator(READ)
        )

    def _came_back(self, since: datetime, until: datetime) -> Iterator[GatewayOperation]:
        """What came back after it had left; of what was declined only what was listed as sent."""
        returned = Q(state=OperationState.RETURNED, back_entry__isnull=False)
        returned &= Q(back_entry__at__gte=since, back_entry__at__lt=until)
        chosen = returned | Q(pk__in=self._sent_but_declined)
        return self._operations().filter(chosen).iterator(READ)

    def _chargebacks(self, chosen: Q) -> Iterator[Chargeback]:
        rows = Chargeback.objects.filter(chosen, gateway=self._gateway.name)
        return rows.select_related("entry", "back_entry").order_by("pk").iterator(READ)


def _mark(what: int, row: GatewayOperation | Chargeback) -> int:
    return int(row.pk) * 4 + what


def _ours(operation: GatewayOperation) -> _Ours:
    return _sent(operation) if operation.is_outgoing else _charged(operation)


def _charged(operation: GatewayOperation) -> _Ours:
    mark = _mark(_IN, operation)
    return _Ours(mark, _words(operation), operation.amount, operation.settled_at)


def _sent(operation: GatewayOperation) -> _Ours:
    mark = _mark(_OUT, operation)
    return _Ours(mark, _words(operation), -operation.amount, operation.settled_at)


def _came_back(operation: GatewayOperation) -> _Ours:
    back = operation.back_entry
    assert back is not None, "the table's CHECK ties it to the state"
    return _Ours(_mark(_IN, operation), _words(operation), operation.amount, back.at)


def _taken(taken: Chargeback) -> _Ours:
    words = f"Dispute {taken.reference}"
    return _Ours(_mark(_TAKEN, taken), words, -taken.amount, taken.entry.at)


def _given_back(taken: Chargeback) -> _Ours:
    back = taken.back_entry
    assert back is not None, "the table's CHECK ties it to the state"
    words = f"Dispute {taken.reference}"
    return _Ours(_mark(_GIVEN_BACK, taken), words, taken.amount, back.at)


def _words(operation: GatewayOperation) -> str:
    return f"{OperationKind(operation.kind).label} {operation.key}"


def _moved(movement: Movement) -> str:
    """As the statement has it: Dispute dp_1: $40.00 out on 2026-12-02 14:00 UTC."""
    name = f"Dispute {movement.dispute}" if movement.dispute else movement.key
    name = name or movement.reference or "A movement"
    return f"{name}: {_signed(movement.amount)} on {movement.at:%Y-%m-%d %H:%M} UTC"


def _signed(amount: Money) -> str:
    return f"{amount} in" if amount.minor > 0 else f"{-amount} out"
