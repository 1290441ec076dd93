"""Bonuses paid: the client's credit becomes the talent's pending money, less the fee."""

from __future__ import annotations

from datetime import datetime

from marketplace import policy
from marketplace.actors import Actor
from marketplace.money import Money
from payments import ledger
from payments.ledger import Leg
from payments.models import Book, Payment
from payments.states import EntryKind, PaymentKind


def pay(
    book: Book, gross: Money, *, key: str, title: str, paid_at: datetime, at: datetime, by: Actor
) -> Payment:
    """Pay the talent from the client's credit, never from escrow.

    Args:
        book: as :func:`payments.ledger.lock` returned it.
        gross: what leaves the client's credit, which covers it.
        key: unique to the bonus.
        title: what was paid, as both sides read it.
        paid_at: when it counts as paid; available once the security period is over.
        at: when it is posted.

    Raises:
        NotEnough: the credit does not cover it; nothing was written.
    """
    fee = book.fee_of(gross)
    net = gross - fee
    entry = ledger.post(
        kind=EntryKind.BONUS,
        book=book,
        legs=[
            Leg(book.credit_account_id, book.pending_account_id, net),
            Leg(book.credit_account_id, book.fees_account_id, fee),
        ],
        key=key,
        memo=title,
        at=at,
        by=by,
    )
    return Payment.objects.create(
        book=book,
        kind=PaymentKind.BONUS,
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
