"""Escrow moves: money in, paid out, given back. Called with a locked book, by upper floors."""

from __future__ import annotations

from datetime import datetime

from marketplace import policy
from marketplace.actors import Actor
from marketplace.money import Money
from payments import ledger
from payments.ledger import Leg
from payments.models import Book, Entry, Payment
from payments.states import EntryKind, PaymentKind


def fund(book: Book, amount: Money, *, key: str, memo: str, at: datetime, by: Actor) -> Entry:
    """Move the client's credit into escrow."""
    leg = Leg(book.credit_account_id, book.escrow_account_id, amount)
    return ledger.post(kind=EntryKind.FUND, book=book, legs=[leg], key=key, memo=memo, at=at, by=by)


def give_back(book: Book, amount: Money, *, key: str, memo: str, at: datetime, by: Actor) -> Entry:
    """Return escrow to the client's credit (S: at once when the talent ends)."""
    leg = Leg(book.escrow_account_id, book.credit_account_id, amount)
    return ledger.post(
        kind=EntryKind.RETURN, book=book, legs=[leg], key=key, memo=memo, at=at, by=by
    )


def release(
    book: Book, gross: Money, *, key: str, title: str, paid_at: datetime, at: datetime, by: Actor
) -> Payment:
    """Pay the talent from escrow: the fee to the site, the rest pending for the security period.

    Args:
        gross: what leaves escrow.
        title: what was paid, as both sides read it.
        paid_at: when it counts as paid; an automatic release counts from when it was due.
        at: when it is posted.
    """
    fee = book.fee_of(gross)
    entry = ledger.post(
        kind=EntryKind.RELEASE,
        book=book,
        legs=[
            Leg(book.escrow_account_id, book.pending_account_id, gross - fee),
            Leg(book.escrow_account_id, book.fees_account_id, fee),
        ],
        key=key,
        memo=title,
        at=at,
        by=by,
    )
    net = gross - fee
    return Payment.objects.create(
        book=book,
        kind=PaymentKind.RELEASE,
        title=title,
        currency=book.currency,
        gross_minor=gross.minor,
        fee_minor=fee.minor,
        net_minor=net.minor,
        pending_left_minor=net.minor,
        paid_at=paid_at,
        available_at=paid_at + policy.SECURITY_PERIOD,
        entry=entry,
    )
