"""The payments tab of a contract: what was paid, refunded, returned, and what can still be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.models import Week
from contracts.queries.events import Event
from contracts.queries.room import Room
from contracts.queries.timeline import money_events
from marketplace.components import Part
from marketplace.money import Money, total, zero
from marketplace.refusals import Refusal
from payments import rules
from payments.models import Payment, RefundRequest
from payments.queries import money_bar, movements, requests_by_payment, reversed_of
from payments.states import RefundRequestState


@dataclass(frozen=True, slots=True)
class PaidRow:
    """One payment as a side reads it.

    Attributes:
        received: what the talent keeps of it, after the fee.
        refunded: what the talent gave back; ``reversed`` is what a dispute of hours took back.
        available_at: None once it is available.
        review_until: until when its hours can be disputed; None when they cannot (any more).
        minutes: what was paid by the hour, at ``rate``.
        why_not: why the reader cannot refund it, or ask for that; empty when they can.
        asked: what was asked for last and still matters: it waits, or came to nothing.
        asked_words: that, as this side reads it.
    """

    payment: Payment
    received: Money
    refunded: Money
    reversed: Money
    available_at: datetime | None
    review_until: datetime | None
    minutes: int | None
    rate: Money | None
    refundable_until: datetime
    why_not: str
    asked: RefundRequest | None
    asked_words: str

    @property
    def waits(self) -> bool:
        return self.asked is not None and self.asked.is_waiting


@dataclass(frozen=True, slots=True)
class PaymentsTab:
    rows: list[PaidRow]
    parts: list[Part]
    events: list[Event]


def payments_of(room: Room) -> PaymentsTab:
    """The tab's content, in three queries; at most five for an hourly contract."""
    contract = room.contract
    book = contract.book
    book.client, book.talent = contract.client, contract.talent
    moved = movements(book)
    paid = list(book.payments.order_by("-paid_at", "-pk"))
    weeks = _weeks_of(room)
    back, asked = reversed_of(paid), requests_by_payment(book)
    rows = [
        _row(one, room, weeks.get(one.pk), back.get(one.pk), asked.get(one.pk, [])) for one in paid
    ]
    reviewed = [one.payment.refundable for one in rows if one.review_until]
    bar = money_bar(book, hours_in_review=total(reviewed, book.currency), moved=moved)
    return PaymentsTab(
        rows=rows,
        parts=[
            Part(kind="paid", label="Paid", amount=bar.paid),
            Part(kind="review", label="In review", amount=bar.in_review),
            Part(kind="held", label="In escrow", amount=bar.escrow),
            Part(kind="returned", label="Returned from escrow", amount=bar.returned),
            Part(kind="refunded", label="Refunded", amount=bar.refunded),
            Part(kind="returned", label="Hours reversed", amount=bar.reversed),
        ],
        events=sorted(
            money_events(contract, room.side, moved), key=lambda one: one.at, reverse=True
        ),
    )


def _weeks_of(room: Room) -> dict[int | None, Week]:
    """The paid weeks of an hourly contract, by payment."""
    if not room.contract.is_hourly:
        return {}
    return {one.payment_id: one for one in room.contract.weeks.exclude(payment=None)}


def _row(
    payment: Payment,
    room: Room,
    week: Week | None,
    reversed_: Money | None,
    asked: Sequence[RefundRequest],
) -> PaidRow:
    """A payment with its ``asked``, newest first."""
    payment.book = room.contract.book
    last = _that_matters(asked, room)
    until = week.review_until if week else None
    taken_back = reversed_ or zero(payment.currency)
    return PaidRow(
        payment=payment,
        received=payment.net - payment.refunded + payment.fee_returned,
        refunded=payment.refunded - taken_back,
        reversed=taken_back,
        available_at=None
        if payment.available_at <= room.now and not payment.held
        else payment.available_at,
        review_until=until if until and room.now < until else None,
        minutes=week.billable_minutes if week else None,
        rate=room.contract.rate,
        refundable_until=rules.refundable_until(payment),
        why_not=str(_refusal(payment, room, times=len(asked)) or ""),
        asked=last,
        asked_words=_asked_words(last, room) if last else "",
    )


def _refusal(payment: Payment, room: Room, *, times: int) -> Refusal | None:
    if room.is_client:
        return rules.may_ask(payment, room.actor, now=room.now, times=times)
    return rules.may_refund(payment, room.actor, now=room.now)


def _that_matters(asked: Sequence[RefundRequest], room: Room) -> RefundRequest | None:
    """The last request; what was granted is told by what was refunded."""
    last = next(iter(asked), None)
    if last is None or last.is_over(room.now) or last.state == RefundRequestState.GRANTED:
        return None
    return last


def _asked_words(asked: RefundRequest, room: Room) -> str:
    talent, client = room.contract.talent.name, room.contract.client.name
    amount, own = asked.amount, room.is_client
    words = {
        RefundRequestState.WAITING: f"{'You asked' if own else f'{client} asks'} for {amount} back",
        RefundRequestState.DECLINED: f"{talent if own else 'You'} declined to refund {amount}",
        RefundRequestState.WITHDRAWN: f"{'You' if own else client} took back asking for {amount}",
        RefundRequestState.EXPIRED: f"Asking for {amount} was not answered",
    }
    return words[RefundRequestState(asked.state)]
