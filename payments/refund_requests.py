"""Refund requests: the client asks for a payment back, whole or in part.

The talent refunds it (:func:`payments.refunds.give` then grants what waits), declines, or leaves
it; the client may take it back. A request has no clock of its own: it is over when the payment can
no longer be refunded. Every change is made with the payment's book locked, which is enough: no
request is locked by itself.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from marketplace import clock, once, transitions
from marketplace.actors import PLATFORM, Actor
from marketplace.money import Money
from marketplace.refusals import InvalidInput, Overtaken, Refused
from payments import ledger, notices, rules
from payments.models import Payment, Refund, RefundRequest
from payments.states import RefundRequestState


def waiting() -> QuerySet[RefundRequest]:
    """Requests that wait for an answer."""
    return RefundRequest.objects.filter(state=RefundRequestState.WAITING)


@transaction.atomic
def ask(payment: Payment, *, amount: Money, reason: str, key: str, by: Actor) -> RefundRequest:
    """The client asks for a payment of the last 180 days back (S), whole or in part.

    Args:
        amount: what it asks for; at most what is left of the payment.
        reason: what the talent reads.
        key: the form's key; the same form again gives the first request.

    Raises:
        NotYours: not an owner or manager of the client.
        Overtaken: one waits for an answer already.
        Refused: the payment cannot be refunded (any more), or was asked for too often.
        InvalidInput: on ``amount`` or ``reason``.
        KeyReused: see :mod:`marketplace.once`.
    """
    earlier = once.claim(key, refund_asked_of=payment.pk, amount=amount, reason=reason)
    if earlier is not None:
        return _read(earlier.result)
    now = clock.now()
    payment = _locked(payment)
    rules.refuse(rules.client_asks(payment, by))
    _refuse(payment, now)
    _check(payment, amount, reason)
    request: RefundRequest = RefundRequest.objects.create(
        payment=payment,
        currency=payment.currency,
        amount_minor=amount.minor,
        reason=reason.strip(),
        asked_at=now,
        until=rules.refundable_until(payment),
    )
    transitions.created(request, by=by)
    notices.refund_asked(request, by=by)
    once.keep(key, request.pk)
    return request


@transaction.atomic
def decline(request: RefundRequest, *, because: str, by: Actor) -> RefundRequest:
    """The talent says no; a refund stays possible.

    Args:
        because: what the client reads; may be empty.

    Raises:
        NotYours: not an owner or manager of the talent.
        Overtaken: it was answered, taken back, or is over.
    """
    request = _enter(request)
    _refuse_unless_waiting(request, "decline", by=by)
    because = because.strip()
    transitions.move(request, "decline", because=because, at=clock.now(), reason=because, by=by)
    notices.refund_declined(request, by=by)
    return request


@transaction.atomic
def withdraw(request: RefundRequest, *, by: Actor) -> RefundRequest:
    """The client takes it back; it may ask again (policy.REFUND_REQUESTS).

    Raises:
        NotYours: not an owner or manager of the client.
        Overtaken: as :func:`decline`.
    """
    request = _enter(request)
    _refuse_unless_waiting(request, "withdraw", by=by)
    transitions.move(request, "withdraw", at=clock.now(), by=by)
    notices.refund_request_withdrawn(request, by=by)
    return request


@transaction.atomic
def expire(request_id: int) -> bool:
    """Close a request of a payment that can no longer be refunded.

    Returns:
        Whether there was something to do.
    """
    request = _enter(_read(request_id))
    if not request.is_over(clock.now()):
        return False
    _close(request, at=request.until)
    return True


def refuse_if_closed(request: RefundRequest, *, by: Actor) -> None:
    """Whoever answers a request by a refund does so only while it waits.

    Args:
        request: as the page showed it; its book is locked.

    Raises:
        NotYours, Overtaken: as :func:`decline`.
    """
    _refuse_unless_waiting(_read(request.pk), "grant", by=by)


def grant(payment: Payment, refund: Refund, *, by: Actor) -> RefundRequest | None:
    """What waits on the payment is answered by this refund, whole or part.

    Args:
        payment: its book is locked.

    Returns:
        The request, if one waited.
    """
    request = _waiting_on(payment)
    if request is not None:
        transitions.move(request, "grant", refund=refund, at=refund.at, by=by)
    return request


def close_when_nothing_is_left(payment: Payment, *, at: datetime) -> None:
    """A dispute took back all that was left of the payment: nothing can be refunded any more.

    Args:
        payment: its book is locked.
    """
    request = None if payment.refundable else _waiting_on(payment)
    if request is not None:
        _close(request, at=at)


def _refuse(payment: Payment, now: datetime) -> None:
    asked = list(payment.refund_requests.all())
    waits = next((one for one in asked if one.is_waiting), None)
    if waits is not None:
        raise Overtaken(rules.asked_already(waits))
    refusal = rules.still_askable(payment, now, times=len(asked))
    if refusal is not None:
        raise Refused(refusal)


def _check(payment: Payment, amount: Money, reason: str) -> None:
    if amount.minor <= 0:
        raise InvalidInput("Type an amount above zero.", field="amount")
    if amount > payment.refundable:
        raise InvalidInput(rules.left_of(payment), field="amount")
    if not reason.strip():
        talent = payment.book.talent.name
        raise InvalidInput(f"Say why, so that {talent} can decide.", field="reason")


def _refuse_unless_waiting(request: RefundRequest, name: str, *, by: Actor) -> None:
    transitions.refuse_unless_possible(request, name, by=by)
    if request.is_over(clock.now()):
        raise Overtaken("The payment can no longer be refunded, so this request is over.")


def _enter(request: RefundRequest) -> RefundRequest:
    """The request as it is now, its book locked."""
    payment = _locked(request.payment)
    request = RefundRequest.objects.get(pk=request.pk)
    request.payment = payment
    return request


def _locked(payment: Payment) -> Payment:
    """The payment as it is now, with its book locked."""
    book = ledger.lock(payment.book_id)
    payment = Payment.objects.get(pk=payment.pk)
    payment.book = book
    return payment


def _read(pk: int | str) -> RefundRequest:
    related = ("payment__book__client", "payment__book__talent")
    return RefundRequest.objects.select_related(*related).get(pk=pk)


def _waiting_on(payment: Payment) -> RefundRequest | None:
    request = waiting().filter(payment=payment).first()
    if request is not None:
        request.payment = payment
    return request


def _close(request: RefundRequest, *, at: datetime) -> None:
    transitions.move(request, "expire", at=at, by=PLATFORM)
    notices.refund_request_over(request)
