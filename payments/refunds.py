"""Refunds: the talent gives back a payment of the last 180 days, whole or in part (S).

A reversal is what a settled dispute of hours takes back of a payment. While the dispute is open the
payment is held: it does not become available, and is not refunded.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction

from marketplace import clock, once
from marketplace.actors import Actor
from marketplace.money import Money, zero
from marketplace.refusals import InvalidInput, NotYours, Refused
from payments import ledger, maturing, notices, refund_requests, rules
from payments.ledger import Leg
from payments.models import Book, Payment, Refund, RefundRequest
from payments.states import EntryKind, RefundKind


@dataclass(frozen=True, slots=True)
class Balances:
    """What the talent can give a refund from: the pending part of that payment, then available."""

    pending: Money
    available: Money

    @property
    def together(self) -> Money:
        return self.pending + self.available


@dataclass(frozen=True, slots=True)
class RefundPreview:
    """What a refund does. ``amount`` = ``fee`` + ``from_pending`` + ``from_available``."""

    amount: Money
    fee: Money
    from_pending: Money
    from_available: Money
    before: Balances

    @property
    def cost(self) -> Money:
        """What the talent pays: the refund less the part of the fee that is returned."""
        return self.amount - self.fee

    @property
    def after(self) -> Balances:
        return Balances(
            self.before.pending - self.from_pending, self.before.available - self.from_available
        )


def preview(payment: Payment, amount: Money, balances: Balances) -> RefundPreview:
    """What refunding ``amount`` of the payment does; pure, used by the page and by :func:`give`.

    The fee returned in total is fee × refunded ÷ gross, half up; each refund returns the
    difference to what was returned before.

    Raises:
        InvalidInput: on ``amount``: not above zero, more than is left of the payment, or more
            than the balances cover; says what is possible.
    """
    if amount.minor <= 0:
        raise InvalidInput("Type an amount above zero.", field="amount")
    if amount > payment.refundable:
        raise InvalidInput(rules.left_of(payment), field="amount")
    most = most_possible(payment, balances)
    if amount > most:
        raise InvalidInput(_too_much(most), field="amount")
    fee = fee_part(payment, amount)
    from_pending = min(amount - fee, balances.pending)
    return RefundPreview(amount, fee, from_pending, amount - fee - from_pending, balances)


def most_possible(payment: Payment, balances: Balances) -> Money:
    """The largest refund of this payment that the balances cover, perhaps zero."""
    covered = balances.together.minor
    cost = _cost_of(payment)
    most = bisect_right(range(payment.refundable.minor + 1), covered, key=cost) - 1
    return Money(most, payment.currency)


@transaction.atomic
def give(
    payment: Payment,
    *,
    amount: Money,
    reason: str,
    key: str,
    answers: RefundRequest | None = None,
    by: Actor,
) -> Refund:
    """Refund a payment, whole or in part; irreversible, the client is credited at once (S).

    A request of the client that waits on the payment is granted by it, whole or part.

    Args:
        amount: what the client gets back.
        reason: what both sides read; may be empty.
        key: the form's key; the same form again gives the first refund.
        answers: the request that the person had before their eyes; refused once it is closed.

    Raises:
        NotYours: not an owner or manager of the talent.
        Overtaken: the request was taken back, or answered by a colleague.
        Refused: the payment is older than 180 days or was refunded in full.
        InvalidInput: the amount is more than what is left, or than the balance covers.
        KeyReused: see :mod:`marketplace.once`.
    """
    earlier = once.claim(key, refund_of=payment.pk, amount=amount, reason=reason)
    if earlier is not None:
        return Refund.objects.select_related("payment__book__client").get(pk=earlier.result)
    now = clock.now()
    book = ledger.lock(payment.book_id)
    maturing.mature_first(book, now)
    payment = Payment.objects.get(pk=payment.pk)
    payment.book = book
    _refuse(payment, by, now)
    if answers is not None:
        refund_requests.refuse_if_closed(answers, by=by)
    available: Money = book.available_account.balance
    planned = preview(payment, amount, Balances(payment.pending_left, available))
    number = payment.refunds.count() + 1
    entry_key = f"refund:{payment.pk}:{number}"
    refund = _post(payment, planned, RefundKind.REFUND, key=entry_key, reason=reason, at=now, by=by)
    request = refund_requests.grant(payment, refund, by=by)
    notices.refund_given(refund, request=request, by=by)
    once.keep(key, refund.pk)
    return refund


def fee_part(payment: Payment, amount: Money) -> Money:
    """The part of the fee that goes back with a further refund or reversal of ``amount``."""
    in_total = payment.fee.proportion(payment.refunded + amount, payment.gross)
    part: Money = in_total - payment.fee_returned
    return part


def hold(payment: Payment) -> None:
    """The payment's hours are disputed: it waits. Its book is locked; it has not matured."""
    _set_held(payment, held=True)


def let_go(payment: Payment) -> None:
    """The dispute is settled. A payment whose time has come matures with the next sweep."""
    _set_held(payment, held=False)


def reverse(
    payment: Payment, amount: Money, *, key: str, reason: str, at: datetime, by: Actor
) -> Refund:
    """Give disputed hours back to the client, from what is pending of their payment.

    The fee returned follows the formula of refunds, cumulative with them.

    Args:
        payment: held, and therefore not matured; its ``book`` as :func:`payments.ledger.lock`
            returned it.
        amount: above zero, at most :attr:`Payment.refundable`.
        key: of the entry, unique to what happens.
        reason: what both sides read.

    Raises:
        ValueError: the payment is not held, or has less left.
    """
    if not payment.held or not zero(amount.currency) < amount <= payment.refundable:
        raise ValueError(f"{amount} of payment {payment.pk} cannot be reversed")
    fee = fee_part(payment, amount)
    before = Balances(payment.pending_left, payment.book.available_account.balance)
    planned = RefundPreview(amount, fee, amount - fee, zero(amount.currency), before)
    reversal = _post(payment, planned, RefundKind.REVERSAL, key=key, reason=reason, at=at, by=by)
    refund_requests.close_when_nothing_is_left(payment, at=at)
    return reversal


def given_with(key: str, payment: Payment) -> Refund | None:
    """The refund of the payment that a form with this key gave before, if any."""
    result = once.result_of(key)
    if not result.isdigit():
        return None
    related = ("payment__book__client", "request")
    return payment.refunds.select_related(*related).filter(pk=result).first()


def _refuse(payment: Payment, by: Actor, now: datetime) -> None:
    not_yours = rules.talent_refunds(payment, by)
    if not_yours is not None:
        raise NotYours(not_yours)
    too_late = rules.still_refundable(payment, now)
    if too_late is not None:
        raise Refused(too_late)


def _set_held(payment: Payment, *, held: bool) -> None:
    payment.held = held
    payment.save(update_fields=["held"])


_ENTRY: Final = {
    RefundKind.REFUND: EntryKind.REFUND,
    RefundKind.REVERSAL: EntryKind.HOURS_REVERSAL,
}


def _post(
    payment: Payment,
    planned: RefundPreview,
    kind: RefundKind,
    *,
    key: str,
    reason: str,
    at: datetime,
    by: Actor,
) -> Refund:
    book: Book = payment.book
    entry = ledger.post(
        kind=_ENTRY[kind],
        book=book,
        legs=[
            Leg(book.pending_account_id, book.credit_account_id, planned.from_pending),
            Leg(book.available_account_id, book.credit_account_id, planned.from_available),
            Leg(book.fees_account_id, book.credit_account_id, planned.fee),
        ],
        key=key,
        memo=payment.title,
        at=at,
        by=by,
    )
    payment.refunded_minor += planned.amount.minor
    payment.fee_returned_minor += planned.fee.minor
    payment.pending_left_minor -= planned.from_pending.minor
    payment.save(update_fields=["refunded_minor", "fee_returned_minor", "pending_left_minor"])
    return Refund.objects.create(
        payment=payment,
        kind=kind,
        currency=payment.currency,
        amount_minor=planned.amount.minor,
        fee_minor=planned.fee.minor,
        from_pending_minor=planned.from_pending.minor,
        from_available_minor=planned.from_available.minor,
        reason=reason,
        at=at,
        entry=entry,
        **by.columns(),
    )


def _cost_of(payment: Payment) -> Callable[[int], int]:
    """What a refund of so many minor units costs the talent; it never falls as the refund grows."""

    def cost(minor: int) -> int:
        amount = Money(minor, payment.currency)
        return (amount - fee_part(payment, amount)).minor

    return cost


def _too_much(most: Money) -> str:
    if not most:
        return "Your balance is empty, so nothing can be refunded now."
    return f"You can refund {most} now, your whole balance."
