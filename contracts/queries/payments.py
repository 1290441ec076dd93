"""The payments tab of a contract: what was paid, refunded, returned, and what can still be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contracts.queries.room import Room
from contracts.queries.timeline import Event, money_events
from marketplace.components import Part
from marketplace.money import Money
from payments import rules
from payments.models import Payment
from payments.queries import money_bar, movements


@dataclass(frozen=True, slots=True)
class PaidRow:
    """One payment as a side reads it; ``why_not`` says why it cannot be refunded."""

    payment: Payment
    received: Money
    available_at: datetime | None
    refundable_until: datetime
    why_not: str


@dataclass(frozen=True, slots=True)
class PaymentsTab:
    rows: list[PaidRow]
    parts: list[Part]
    events: list[Event]


def payments_of(room: Room) -> PaymentsTab:
    """The tab's content, in two queries."""
    contract = room.contract
    book = contract.book
    book.client, book.talent = contract.client, contract.talent
    moved = movements(book)
    bar = money_bar(book, moved=moved)
    return PaymentsTab(
        rows=[_row(one, room) for one in book.payments.order_by("-paid_at", "-pk")],
        parts=[
            Part(kind="paid", label="Paid", amount=bar.paid),
            Part(kind="held", label="In escrow", amount=bar.escrow),
            Part(kind="returned", label="Returned from escrow", amount=bar.returned),
            Part(kind="refunded", label="Refunded", amount=bar.refunded),
        ],
        events=sorted(
            money_events(contract, room.side, moved), key=lambda one: one.at, reverse=True
        ),
    )


def _row(payment: Payment, room: Room) -> PaidRow:
    payment.book = room.contract.book
    refusal = rules.may_refund(payment, room.actor, now=room.now)
    return PaidRow(
        payment=payment,
        received=payment.net - payment.refunded + payment.fee_returned,
        available_at=None if payment.available_at <= room.now else payment.available_at,
        refundable_until=rules.refundable_until(payment),
        why_not=str(refusal or ""),
    )
