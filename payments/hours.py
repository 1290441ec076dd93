"""Hours paid: the client's credit becomes the talent's pending money, less the fee."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from marketplace.actors import Actor
from marketplace.money import Money
from payments import ledger
from payments.ledger import Leg, Posting
from payments.models import Book, Payment
from payments.states import EntryKind, PaymentKind


@dataclass(frozen=True, slots=True)
class HoursToPay:
    """A payment of hours to be.

    Attributes:
        book: as :func:`payments.ledger.lock` returned it.
        gross: what leaves the client's credit, which covers it.
        key: unique to the hours; it was never used.
        title: what was paid, as both sides read it.
        paid_at: when it counts as paid.
        available_at: when the talent can have it, unless it is held then.
        held: the hours are disputed.
    """

    book: Book
    gross: Money
    key: str
    title: str
    paid_at: datetime
    available_at: datetime
    held: bool = False


def pay(
    book: Book,
    gross: Money,
    *,
    key: str,
    title: str,
    paid_at: datetime,
    available_at: datetime,
    at: datetime,
    by: Actor,
) -> Payment:
    """Pay the talent from the client's credit; see :class:`HoursToPay`.

    Args:
        at: when it is posted.

    Raises:
        NotEnough: the credit does not cover it; nothing was written.
    """
    paid = HoursToPay(book, gross, key, title, paid_at, available_at)
    return pay_all([paid], at=at, by=by)[0]


def pay_all(hours: Sequence[HoursToPay], *, at: datetime, by: Actor) -> list[Payment]:
    """The set form: the payments in the order given, in as many statements as one."""
    if not hours:
        return []
    kept = ledger.kept_accounts(one.book for one in hours)
    entries = ledger.post_all([_posting(one) for one in hours], kept, at=at, by=by)
    payments = [_payment(one) for one in hours]
    for payment, entry in zip(payments, entries, strict=True):
        payment.entry = entry
    return Payment.objects.bulk_create(payments)


def _posting(one: HoursToPay) -> Posting:
    book, fee = one.book, one.book.fee_of(one.gross)
    legs = [
        Leg(book.credit_account_id, book.pending_account_id, one.gross - fee),
        Leg(book.credit_account_id, book.fees_account_id, fee),
    ]
    return Posting(EntryKind.HOURS, book, legs, one.key, one.title)


def _payment(one: HoursToPay) -> Payment:
    fee = one.book.fee_of(one.gross)
    net = one.gross - fee
    return Payment(
        book=one.book,
        kind=PaymentKind.HOURS,
        title=one.title,
        currency=one.book.currency,
        gross_minor=one.gross.minor,
        fee_minor=fee.minor,
        net_minor=net.minor,
        pending_left_minor=net.minor,
        paid_at=one.paid_at,
        available_at=one.available_at,
        held=one.held,
    )
