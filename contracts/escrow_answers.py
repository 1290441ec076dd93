"""Answers to an escrow refund request: the client ended, and money was left in escrow.

They enter here because a contract is locked before its request and its book; the money itself is
moved by :mod:`payments.requests`.
"""

from __future__ import annotations

from django.db import transaction

from contracts import notices, positions
from contracts.models import Contract
from marketplace import clock, transitions
from marketplace.actors import PLATFORM, Actor
from marketplace.money import Money, zero
from marketplace.refusals import InvalidInput, Overtaken
from payments import ledger, requests
from payments.models import EscrowRefundRequest
from payments.states import OnSilence, RequestState


@transaction.atomic
def let_go(contract: Contract, *, by: Actor) -> EscrowRefundRequest:
    """The talent lets the money go back to the client, at once."""
    contract, request = _enter(contract)
    _settle(contract, request, "accept", to_talent=zero(contract.currency), by=by)
    notices.escrow_refund_accepted(contract, request, by=by)
    return request


@transaction.atomic
def decline(contract: Contract, *, because: str, by: Actor) -> EscrowRefundRequest:
    """The talent declines with a reason; the money stays in escrow until support decides.

    Raises:
        InvalidInput: no reason.
    """
    contract, request = _enter(contract)
    transitions.refuse_unless_possible(request, "decline", by=by)
    if not because.strip():
        raise InvalidInput("Say why. Support and the other side read it.", field="because")
    requests.decline(request, because=because.strip(), by=by)
    positions.touch(contract, now=clock.now())
    notices.escrow_refund_declined(contract, request, by=by)
    return request


@transaction.atomic
def pay_instead(contract: Contract, *, by: Actor) -> EscrowRefundRequest:
    """The client pays the talent the whole of it instead."""
    contract, request = _enter(contract)
    name = "concede" if request.state == RequestState.DISPUTED else "withdraw"
    _settle(contract, request, name, to_talent=request.amount, by=by)
    notices.escrow_refund_paid_instead(contract, request, by=by)
    return request


@transaction.atomic
def decide(contract: Contract, *, to_talent: Money, because: str, by: Actor) -> EscrowRefundRequest:
    """Support splits a held request; the rest of the amount goes to the client.

    Args:
        to_talent: from nothing to the whole amount.
        because: the reason both sides read.

    Raises:
        InvalidInput: the split does not add up to the amount, or there is no reason.
    """
    contract, request = _enter(contract)
    transitions.refuse_unless_possible(request, "decide", by=by)
    if not zero(contract.currency) <= to_talent <= request.amount:
        raise InvalidInput(f"The talent gets from nothing to {request.amount}.", field="to_talent")
    if not because.strip():
        raise InvalidInput("Give the reason that both sides will read.", field="because")
    _settle(contract, request, "decide", to_talent=to_talent, because=because.strip(), by=by)
    notices.escrow_refund_decided(contract, request, by=by)
    return request


def pass_unanswered(contract: Contract) -> None:
    """Nobody answered in time: the money goes back, or, after submitted work, support decides.

    Called while the contract is entered and its request is due.
    """
    request = contract.open_request
    assert request is not None
    if request.on_silence == OnSilence.ESCALATE:
        requests.escalate(request, by=PLATFORM)
        positions.touch(contract, now=clock.now())
        notices.escrow_refund_escalated(contract, request)
        return
    _settle(contract, request, "lapse", to_talent=zero(contract.currency), by=PLATFORM)
    notices.escrow_refund_lapsed(contract, request)


def remind(contract: Contract) -> None:
    """Remind the talent that an answer is due. Called while the contract is entered."""
    request = contract.open_request
    if request is not None and requests.remind_next(request):
        notices.escrow_refund_reminder(contract, request)


def _enter(contract: Contract) -> tuple[Contract, EscrowRefundRequest]:
    contract = transitions.enter(contract)
    if contract.open_request is None:
        raise Overtaken("This request is settled already. Here is what happened.")
    return contract, contract.open_request


def _settle(
    contract: Contract,
    request: EscrowRefundRequest,
    name: str,
    *,
    to_talent: Money,
    because: str = "",
    by: Actor,
) -> None:
    transitions.refuse_unless_possible(request, name, by=by)
    book = ledger.lock(contract.book_id)
    requests.settle(request, book, transition=name, to_talent=to_talent, because=because, by=by)
    contract.open_request = None
    positions.touch(contract, now=clock.now())
