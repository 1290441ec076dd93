"""Maturing: what was pending for the security period becomes available.

Maturing moves only what was not refunded. Both functions may run twice: a payment is read again
under the locks of the accounts its money moves between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet, Sum

from marketplace import clock, locks
from marketplace.actors import PLATFORM
from marketplace.models import Party
from marketplace.models.history import Rank
from marketplace.money import Money
from payments import ledger
from payments.ledger import Leg, Posting
from payments.models import Account, Book, Payment
from payments.states import EntryKind


def waiting() -> QuerySet[Payment]:
    """Payments that are not available yet, by ``available_at``; those held wait for longer."""
    return Payment.objects.filter(matured_at=None, held=False)


def held() -> QuerySet[Payment]:
    """Payments that wait for a dispute of their hours, longer than until ``available_at``."""
    return Payment.objects.filter(matured_at=None, held=True)


def is_due(payment: Payment, now: datetime) -> bool:
    return payment.matured_at is None and not payment.held and payment.available_at <= now


def due_of(party: Party, now: datetime) -> dict[str, Money]:
    """What of the talent's pending money is due but was not moved yet, per currency; one query."""
    due = (
        waiting()
        .filter(book__talent=party, available_at__lte=now)
        .order_by()
        .values_list("currency")
        .annotate(minor=Sum("pending_left_minor"))
    )
    return {currency: Money(minor, currency) for currency, minor in due}


@transaction.atomic
def mature(payment_ids: Sequence[int]) -> None:
    """Make those of the payments available that are due, many at once."""
    chosen = waiting().filter(pk__in=payment_ids)
    pairs = chosen.order_by("pk").values_list("book__pending_account", "book__available_account")
    ids = {pk for pair in pairs for pk in pair}
    locked = locks.rows(Account.objects.filter(pk__in=ids), Rank.ACCOUNT)
    _carry_out(chosen, {account.pk: account for account in locked}, clock.now())


def mature_first(book: Book, now: datetime) -> None:
    """Carry out what is due on the talent's pending account, before its balance is counted on.

    Args:
        book: as :func:`payments.ledger.lock` returned it; its balances move along.
    """
    mature_pending(book.pending_account, ledger.kept_accounts([book]), now)


def mature_pending(pending: Account, kept: Mapping[int, Account], now: datetime) -> None:
    """The same for a talent's pending account of one currency, whatever the contract.

    Args:
        kept: this account and the available one beside it, by id, locked in this transaction.
    """
    of_account = waiting().filter(book__talent=pending.party_id, book__pending_account=pending.pk)
    _carry_out(of_account, kept, now)


def _carry_out(chosen: QuerySet[Payment], kept: Mapping[int, Account], now: datetime) -> None:
    due = list(
        chosen.filter(available_at__lte=now).select_related("book").order_by("available_at", "pk")
    )
    moving = [payment for payment in due if payment.pending_left]
    if moving:
        ledger.post_all([_posting(one) for one in moving], kept, at=now, by=PLATFORM)
    ids = [payment.pk for payment in due]
    Payment.objects.filter(pk__in=ids).update(matured_at=now, pending_left_minor=0)


def _posting(payment: Payment) -> Posting:
    book = payment.book
    leg = Leg(book.pending_account_id, book.available_account_id, payment.pending_left)
    return Posting(EntryKind.MATURE, book, [leg], f"mature:{payment.pk}", payment.title)
