"""Money that leaves the platform: withdrawals of talents, and credit that goes back to clients.

It is posted out of the balance it leaves in the transaction that begins it, so that nothing else
can spend it; then the gateway is called. If it does not arrive, at once or days later, the same
amount is posted back, once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from marketplace import clock, policy, transitions
from marketplace.actors import PLATFORM, Actor
from marketplace.money import Money
from payments import books, gateways, ledger, notices, operations
from payments.gateways.base import Outcome
from payments.ledger import Leg, Posting
from payments.models import Account, Book, Entry, GatewayOperation
from payments.states import (
    OUTGOING,
    AccountKind,
    EntryKind,
    OperationKind,
    OperationState,
)

PURPOSES: Final = {
    OperationKind.CREDIT_BACK: "credit_back",
    OperationKind.PAYOUT: "payout",
}
_ENTRY: Final = {
    OperationKind.CREDIT_BACK: EntryKind.CREDIT_BACK,
    OperationKind.PAYOUT: EntryKind.PAYOUT,
}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Money to be sent out, from the account it is in.

    Attributes:
        account: credit or available; locked in this transaction.
        amount: above zero, at most what the account holds.
        method: the token of where it goes, ``label`` how people call that.
        key: idempotency key of the call, unique for good.
        of: of credit: the charge it goes back to, locked; its ``book`` as
            :func:`payments.ledger.lock_all` returned it. None of a withdrawal.
    """

    account: Account
    amount: Money
    method: str
    label: str
    key: str
    of: GatewayOperation | None = None

    @property
    def kind(self) -> OperationKind:
        return OperationKind.PAYOUT if self.of is None else OperationKind.CREDIT_BACK

    @property
    def book(self) -> Book | None:
        return self.of.book if self.of else None


def begin(
    chosen: Sequence[Outgoing], kept: Mapping[int, Account], *, by: Actor
) -> list[GatewayOperation]:
    """Post money out and write down the intent to send it, inside the caller's transaction.

    Once that is committed, the caller calls :func:`payments.operations.carry_out` for each; if it
    dies before, a sweep does.

    Args:
        chosen: of one kind.
        kept: the accounts the money leaves from, by id, locked in this transaction.

    Raises:
        NotEnough: an account holds less; capabilities check first.
    """
    now = clock.now()
    postings = [_posting(one, _ENTRY[one.kind], f"{one.kind}:{one.key}") for one in chosen]
    entries = ledger.post_all(postings, kept, at=now, by=by)
    begun = GatewayOperation.objects.bulk_create(
        _intent(one, entry, now, by) for one, entry in zip(chosen, entries, strict=True)
    )
    changes = transitions.Changes(by=by)
    for operation in begun:
        changes.created(operation)
    changes.write()
    return begun


@transaction.atomic
def settle(operation_id: int, outcome: Outcome) -> None:
    """The gateway says whether money went out, or that it came back: late, twice, in any order."""
    operation = operations.lock(operation_id)
    if not operation.is_open and operation.state != OperationState.SUCCEEDED:
        return
    if outcome.succeeded and not operation.is_open:
        _look_again(operation, outcome)
        return
    kept = _lock(operation)
    operation.reference = outcome.reference or operation.reference
    operation.arrives_on = outcome.arrives_on or operation.arrives_on
    now = clock.now()
    if outcome.succeeded:
        watch_at = now + policy.OUTGOING_WATCHED[0]
        transitions.move(operation, "succeed", at=now, watch_at=watch_at, by=PLATFORM)
        if operation.kind == OperationKind.PAYOUT:
            notices.money_sent(operation)
        return
    because = outcome.sentence[:200]
    entry = _post_back(operation, kept, because, now)
    if operation.is_open:
        transitions.move(operation, "fail", because=because, at=now, entry=entry, by=PLATFORM)
    else:
        transitions.move(operation, "come_back", because=because, entry=entry, by=PLATFORM)
    notices.money_came_back(operation)


def watched() -> QuerySet[GatewayOperation]:
    """Outgoing money that the gateway took, and of which it may still say that it came back."""
    return GatewayOperation.objects.filter(kind__in=OUTGOING, watch_at__isnull=False)


def look(operation_id: int) -> None:
    """Ask the gateway whether money that it took came back; called when that is due.

    A gateway that does not answer is asked again later.

    Raises:
        InsideTransaction: a transaction of ours is open.
    """
    operation = operations.hear(operation_id)
    if operation.watch_at is not None and operation.watch_at <= clock.now():
        _look_later(operation_id)


@transaction.atomic
def _look_later(operation_id: int) -> None:
    operation, now = operations.lock(operation_id), clock.now()
    if operation.watch_at is not None and operation.watch_at <= now:
        operation.watch_at = now + policy.OPERATION_RETRY[-1]
        operation.save(update_fields=["watch_at"])


def _look_again(operation: GatewayOperation, outcome: Outcome) -> None:
    """It is still where it went; when to look the next time, if at all."""
    passed = clock.now() - (operation.settled_at or clock.now())
    later = [step for step in policy.OUTGOING_WATCHED if step > passed]
    assert operation.settled_at is not None
    operation.watch_at = operation.settled_at + later[0] if later else None
    operation.arrives_on = outcome.arrives_on or operation.arrives_on
    operation.save(update_fields=["watch_at", "arrives_on"])


def _lock(operation: GatewayOperation) -> dict[int, Account]:
    """Lock the book or the account of an operation; the kept accounts by id."""
    if operation.book_id is not None:
        operation.book = ledger.lock(operation.book_id)
        return ledger.kept_accounts([operation.book])
    assert operation.account_id is not None
    kept = ledger.lock_accounts([operation.account_id])
    operation.account = kept[operation.account_id]
    return kept


def _intent(one: Outgoing, entry: Entry, now: datetime, by: Actor) -> GatewayOperation:
    is_payout = one.of is None
    return GatewayOperation(
        book=one.book,
        account=one.account if is_payout else None,
        of=one.of,
        kind=one.kind,
        purpose=PURPOSES[one.kind],
        purpose_id=one.account.pk,
        gateway=gateways.gateway().name if one.of is None else one.of.gateway,
        method=one.method,
        method_label=one.label,
        key=one.key,
        currency=one.amount.currency,
        amount_minor=one.amount.minor,
        started_at=now,
        due_at=now + policy.step(policy.OPERATION_RETRY, 1),
        entry=entry,
        **by.columns(),
    )


def _posting(one: Outgoing, kind: EntryKind, key: str) -> Posting:
    outside = books.site_account(AccountKind.OUTSIDE, one.amount.currency)
    leg = Leg(one.account.pk, outside.pk, one.amount)
    return Posting(kind, one.book, [leg], key, one.label, one.account.party)


def _post_back(
    operation: GatewayOperation, kept: Mapping[int, Account], because: str, at: datetime
) -> Entry:
    outside = books.site_account(AccountKind.OUTSIDE, operation.currency)
    book, account = operation.book, operation.account
    target = account.pk if account is not None else book.credit_account_id if book else 0
    posting = Posting(
        EntryKind.PAYOUT_FAILED,
        book,
        [Leg(outside.pk, target, operation.amount)],
        f"back:{operation.key}",
        because,
        account.party if account is not None else None,
    )
    return ledger.post_all([posting], kept, at=at, by=PLATFORM)[0]
