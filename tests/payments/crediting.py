"""Clients with credit that came from charges: what tests about sending it back begin with."""

from __future__ import annotations

from itertools import count

from django.db import transaction

from marketplace import clock, locks
from marketplace.actors import PLATFORM
from marketplace.models import Party
from marketplace.models.history import Rank
from marketplace.money import Money
from payments import ledger, operations
from payments.gateways import sandbox
from payments.gateways.base import Outcome
from payments.ledger import Leg
from payments.models import Account, Book, GatewayOperation
from payments.states import AccountKind, EntryKind
from tests.factories import open_book, owner_of

PURPOSE = "test_credit"

_numbers = count(1)


@transaction.atomic
def keep_as_credit(operation_id: int, outcome: Outcome) -> None:
    """A floor above that leaves the money as credit."""
    operation = locks.row(GatewayOperation.objects.filter(pk=operation_id), Rank.OPERATION)
    if operation.is_open:
        operations.record(operation, ledger.lock(operation.book_id), outcome)


def charged(book: Book, amount: Money, method: str = sandbox.ACCEPTS) -> GatewayOperation:
    """A charge that becomes credit, by its card's behaviour."""
    with transaction.atomic():
        begun = operations.start(
            book=ledger.lock(book.pk),
            purpose=PURPOSE,
            purpose_id=book.pk,
            amount=amount,
            method=method,
            key=f"test:{next(_numbers)}",
            by=owner_of(book.client),
        )
    return operations.carry_out(begun.pk)


def from_nowhere(book: Book, amount: Money) -> None:
    """Credit that came from no charge: a correction gave it."""
    with transaction.atomic():
        locked = ledger.lock(book.pk)
        ledger.post(
            kind=EntryKind.CORRECTION,
            book=locked,
            legs=[Leg(locked.fees_account_id, locked.credit_account_id, amount)],
            key=f"nowhere:{next(_numbers)}",
            at=clock.now(),
            by=PLATFORM,
        )


def another_book(client: Party, **values: object) -> Book:
    """One more contract's money of the same client."""
    return open_book(client=client, **values)


def credit_of(client: Party, currency: str = "USD") -> Account:
    """A client's credit as it is now."""
    accounts = Account.objects.select_related("party")
    return accounts.get(kind=AccountKind.CREDIT, party=client, currency=currency)


def disputed_at_the_sandbox(charge: GatewayOperation) -> None:
    """The sandbox's bank takes a charge back; nothing of that is known here yet."""
    call = sandbox.reports().get(key=charge.key)
    with clock.at(call.report_due_at):
        sandbox.report(call.pk)
