"""The money side of an escrow refund request: filed when the client ends with escrow left (S).

Called by upper floors with the contract, the request and its open split locked, and within the
transaction of what the person did.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from marketplace import clock, policy, transitions, workdays
from marketplace.actors import Actor
from marketplace.money import Money, zero
from marketplace.refusals import InvalidInput
from marketplace.states import Side
from payments import escrow
from payments.models import Book, EscrowRefundRequest, RequestStatement, SplitProposal
from payments.states import OnSilence, Proposer, RequestState, StatementKind

BY_SILENCE: Final = ("lapse", "concede_by_silence")


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
        decide_by=at + policy.DECISION_WINDOW,
        on_silence=on_silence,
        policy_version=policy.VERSION,
        reminder_due_at=_next_reminder(_reminders(answer_by), after=at),
    )
    transitions.created(request, by=by)
    return request


def settle(
    request: EscrowRefundRequest,
    book: Book,
    *,
    transition: str,
    by: Actor,
    to_talent: Money | None = None,
    because: str = "",
    split: SplitProposal | None = None,
) -> EscrowRefundRequest:
    """Close a request by one of its transitions, and move the money as it says.

    What silence decides counts from when the time to answer was over, everything else from now.

    Args:
        request: locked, open.
        book: as :func:`payments.ledger.lock` returned it.
        transition: ``accept`` or ``lapse`` (to the client); ``withdraw``, ``concede`` or
            ``concede_by_silence`` (to the talent); ``agree`` or ``decide`` (a split).
        to_talent: the talent's part, of a split; the client has the rest.
        because: the reason both sides read, for ``decide``.
        split: the one that is still open and ends with the request, locked; not the agreed one.

    Raises:
        NotYours, Overtaken: see :func:`marketplace.transitions.move`.
        InvalidInput: on ``to_talent``: the parts do not add up to the amount.
    """
    request.book = book
    now = clock.now()
    arguments: dict[str, Any] = {"at": request.answer_by if transition in BY_SILENCE else now}
    if transition in ("agree", "decide"):
        assert to_talent is not None
        refuse_split_beyond(request, to_talent)
        arguments["to_talent"] = to_talent
    if transition == "decide":
        arguments["because"] = because
    transitions.move(request, transition, by=by, reason=because, **arguments)
    if split is not None:
        transitions.move(split, "take_back", by=by, at=now)
    _pay(request, book, paid_at=arguments["at"], by=by)
    return request


def propose(
    request: EscrowRefundRequest,
    book: Book,
    *,
    proposer: Proposer,
    to_talent: Money,
    message: str,
    by: Actor,
) -> SplitProposal:
    """Write down a split that waits for answers; the talent's own stops the talent's clock.

    Args:
        request: locked; pending for the talent, in mediation for support.
        book: locked.
    """
    request.book = book
    refuse_split_beyond(request, to_talent)
    now = clock.now()
    by_talent = proposer == Proposer.TALENT
    answer_by = (
        workdays.after(now, policy.ESCROW_CLIENT_WORKDAYS)
        if by_talent
        else now + policy.MEDIATION_ANSWER_WINDOW
    )
    if by_talent:
        transitions.move(request, "stop_clock", by=by, at=now)
    split: SplitProposal = SplitProposal.objects.create(
        request=request,
        proposer=proposer,
        currency=request.currency,
        to_talent_minor=to_talent.minor,
        message=message,
        proposed_at=now,
        answer_by=answer_by,
        talent_agreed_at=now if by_talent else None,
    )
    transitions.created(split, by=by)
    return split


def agree(split: SplitProposal, book: Book, *, side: Side, by: Actor) -> bool:
    """One side agrees to an open split.

    Returns:
        Whether both have now; then the request is settled so.
    """
    split.request.book = book
    now = clock.now()
    if not split.has_agreed(side.other):
        transitions.move(split, "agree", by=by, side=side, at=now)
        return False
    transitions.move(split, "accept", by=by, side=side, at=now)
    settle(split.request, book, transition="agree", to_talent=split.to_talent, by=by)
    return True


def end_split(split: SplitProposal, book: Book, *, transition: str, by: Actor) -> None:
    """A split comes to nothing; the talent's clock goes on when it was its own.

    Args:
        split: locked, open, with its request.
        book: locked.
        transition: ``decline``, ``lapse`` or ``take_back``; a lapse counts from its ``answer_by``.
    """
    split.request.book = book
    at = split.answer_by if transition == "lapse" else clock.now()
    transitions.move(split, transition, by=by, at=at)
    if not split.is_by_support:
        _go_on(split.request, at=at, by=by)


def dispute(
    request: EscrowRefundRequest,
    book: Book,
    *,
    text: str,
    links: Sequence[str],
    split: SplitProposal | None,
    by: Actor,
) -> None:
    """The talent disputes the return; the client's silence now pays the talent.

    Args:
        split: the talent's own that is still open, taken back with this.
    """
    request.book = book
    now = clock.now()
    transitions.move(request, "dispute", by=by, reason=text, at=now)
    if split is not None:
        transitions.move(split, "take_back", by=by, at=now)
    _remind_from(request, now)
    say(request, StatementKind.DISPUTE, text=text, links=links, by=by)


def reject(
    request: EscrowRefundRequest, book: Book, *, text: str, links: Sequence[str], by: Actor
) -> None:
    """The client rejects the dispute; support mediates."""
    request.book = book
    transitions.move(request, "reject", by=by, reason=text)
    say(request, StatementKind.REJECTION, text=text, links=links, by=by)


def move(request: EscrowRefundRequest, book: Book, name: str, *, by: Actor) -> None:
    """A transition that moves no money: ``escalate`` after silence, ``mediate`` by support."""
    request.book = book
    transitions.move(request, name, by=by)


def say(
    request: EscrowRefundRequest,
    kind: StatementKind,
    *,
    text: str,
    links: Sequence[str] = (),
    by: Actor,
) -> RequestStatement:
    """Keep what is said about a request, for both sides and support."""
    statement: RequestStatement = RequestStatement.objects.create(
        request=request, kind=kind, text=text, links=list(links), at=clock.now(), **by.columns()
    )
    return statement


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
    _remind_from(request, now)
    return True


def reminders_of(request: EscrowRefundRequest) -> list[datetime]:
    """When the side whose answer is due is reminded of it, in order.

    Args:
        request: whose clock runs.
    """
    assert request.answer_by is not None
    if request.state == RequestState.PENDING:
        return _reminders(request.answer_by)
    return [request.answer_by - before for before in policy.ESCROW_CLIENT_REMINDERS]


def leaves_time(request: EscrowRefundRequest, now: datetime) -> bool:
    """Whether one more split of the talent leaves time for all that may come after it.

    Until support has to have decided: the client's answer to the split, the rest of the talent's
    time, the client's answer to a dispute, and a split by support (D). The first one always does.

    Args:
        request: pending, its clock running.
    """
    off = workdays.after(now, policy.ESCROW_CLIENT_WORKDAYS)
    disputed = off + max((request.answer_by or now) - now, policy.SPLIT_REST)
    mediated = workdays.after(disputed, policy.ESCROW_CLIENT_WORKDAYS)
    return mediated + policy.MEDIATION_ANSWER_WINDOW <= request.decide_by


def refuse_split_beyond(request: EscrowRefundRequest, to_talent: Money) -> None:
    """Both parts of a split are at least nothing, and add up to what is asked back.

    Raises:
        InvalidInput: on ``to_talent``.
    """
    nothing = zero(request.currency)
    if not nothing <= to_talent <= request.amount:
        raise InvalidInput(f"Type an amount from {nothing} to {request.amount}.", field="to_talent")


def _go_on(request: EscrowRefundRequest, *, at: datetime, by: Actor) -> None:
    """The talent has the rest of its time. Reminders go on too."""
    transitions.move(request, "go_on", by=by, at=at)
    _remind_from(request, at)


def _remind_from(request: EscrowRefundRequest, moment: datetime) -> None:
    request.reminder_due_at = _next_reminder(reminders_of(request), after=moment)
    request.save(update_fields=["reminders_sent", "reminder_due_at"])


def _reminders(answer_by: datetime) -> list[datetime]:
    """When the talent is reminded: as long before the end as in a clock that never stood still."""
    return [
        answer_by - (policy.ESCROW_ANSWER_WINDOW - later)
        for later in policy.ESCROW_ANSWER_REMINDERS
    ]


def _next_reminder(moments: Sequence[datetime], *, after: datetime) -> datetime | None:
    return min((one for one in moments if one > after), default=None)


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
