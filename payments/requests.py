"""The money side of an escrow refund request: filed when the client ends with escrow left (S).

Called by upper floors with the contract, the request and the book locked, and within the
transaction of what the person did.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marketplace import clock, policy, transitions
from marketplace.actors import Actor
from marketplace.money import Money
from marketplace.refusals import InvalidInput
from payments import escrow, ledger
from payments.models import Book, EscrowRefundRequest
from payments.states import OnSilence


def file(
    book: Book,
    *,
    amount: Money,
    answer_by: datetime,
    on_silence: OnSilence,
    at: datetime,
    by: Actor,
) -> EscrowRefundRequest:
    """Ask the talent, on the client's behalf, to let escrow go back.

    Args:
        book: as :func:`payments.ledger.lock` returned it.
        amount: all that is left in escrow.
        answer_by: when silence decides.
        on_silence: what silence then does.
        at: when the contract ended.
    """
    request: EscrowRefundRequest = EscrowRefundRequest.objects.create(
        book=book,
        currency=amount.currency,
        amount_minor=amount.minor,
        filed_at=at,
        answer_by=answer_by,
        on_silence=on_silence,
        policy_version=policy.VERSION,
        reminder_due_at=_reminder(at, answer_by, after=at),
    )
    transitions.created(request, by=by)
    return request


def settle(
    request: EscrowRefundRequest,
    book: Book,
    *,
    transition: str,
    by: Actor,
    to_talent: Money,
    because: str = "",
) -> EscrowRefundRequest:
    """Close a request by one of its transitions, and move the money as it says.

    A lapse counts from when the time to answer was over, everything else from now.

    Args:
        request: locked, open.
        book: as :func:`payments.ledger.lock` returned it.
        transition: ``accept`` or ``lapse`` (to the client), ``withdraw`` or ``concede`` (to the
            talent), ``decide`` (a split by support).
        to_talent: the talent's part; the client has the rest.
        because: the reason both sides read, for ``decide``.

    Raises:
        NotYours, Overtaken: see :func:`marketplace.transitions.move`.
        InvalidInput: on ``to_talent``: the parts do not add up to the amount.
    """
    request.book = book
    at = request.answer_by if transition == "lapse" else clock.now()
    decision: dict[str, Any] = {"at": at}
    if transition == "decide":
        _check_split(request, to_talent)
        decision |= {"to_talent": to_talent, "because": because}
    transitions.move(request, transition, by=by, reason=because, **decision)
    if request.to_talent != to_talent:
        raise ValueError(f"{transition} gives the talent {request.to_talent}, not {to_talent}")
    _pay(request, book, paid_at=at, by=by)
    return request


def decline(request: EscrowRefundRequest, *, because: str, by: Actor) -> None:
    """The talent objects; the money stays in escrow until support decides.

    Args:
        request: locked; its book is locked here.
    """
    request.book = ledger.lock(request.book_id)
    transitions.move(request, "decline", by=by, reason=because, because=because)


def escalate(request: EscrowRefundRequest, *, by: Actor) -> None:
    """Silence after submitted work: support decides about the whole of it (D).

    Args:
        request: locked; its book is locked here.
    """
    request.book = ledger.lock(request.book_id)
    transitions.move(request, "escalate", by=by)


def remind_next(request: EscrowRefundRequest) -> bool:
    """Note that a reminder is being sent, for those missed too, and when the next one is due.

    Args:
        request: locked.

    Returns:
        Whether one was due.
    """
    now = clock.now()
    if request.reminder_due_at is None or request.reminder_due_at > now:
        return False
    request.reminders_sent += 1
    request.reminder_due_at = _reminder(request.filed_at, request.answer_by, after=now)
    request.save(update_fields=["reminders_sent", "reminder_due_at"])
    return True


def _pay(request: EscrowRefundRequest, book: Book, *, paid_at: datetime, by: Actor) -> None:
    now = clock.now()
    to_talent, to_client = request.to_talent, request.to_client
    if to_talent:
        escrow.release(
            book,
            to_talent,
            key=f"request:{request.pk}:release",
            title="Escrow paid after the contract ended",
            paid_at=paid_at,
            at=now,
            by=by,
        )
    if to_client:
        escrow.give_back(
            book,
            to_client,
            key=f"request:{request.pk}:return",
            memo="Escrow returned after the contract ended",
            at=now,
            by=by,
        )


def _check_split(request: EscrowRefundRequest, to_talent: Money) -> None:
    if not Money(0, request.currency) <= to_talent <= request.amount:
        raise InvalidInput(
            f"Type an amount from {Money(0, request.currency)} to {request.amount}.",
            field="to_talent",
        )


def _reminder(filed_at: datetime, answer_by: datetime, *, after: datetime) -> datetime | None:
    """When the next reminder is due; none once the time to answer is over."""
    moments = (filed_at + later for later in policy.ESCROW_ANSWER_REMINDERS)
    return min((one for one in moments if after < one < answer_by), default=None)
