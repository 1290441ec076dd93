"""Answers to an escrow refund request: the client ended, and money was left in escrow.

They enter here because a contract is locked before its request and its book; the money itself is
moved by :mod:`payments.requests`. What silence decides is carried out when the contract is entered.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from contracts import notices, positions
from contracts.models import Contract
from marketplace import clock, moments, once, policy, transitions
from marketplace.actors import PLATFORM, Actor
from marketplace.money import Money, zero
from marketplace.refusals import InvalidInput, Overtaken
from payments import ledger, requests, rules
from payments.models import EscrowRefundRequest, RequestStatement, SplitProposal
from payments.states import OnSilence, Proposer, RequestState, StatementKind

SETTLED: Final = "This request is settled already. Here is what happened."
NO_SPLIT: Final = "This split is off the table already. Here is what happened."


# The talent -------------------------------------------------------------------------------------


@transaction.atomic
def let_go(contract: Contract, *, by: Actor) -> EscrowRefundRequest:
    """The talent lets the money go back to the client, at once; possible until it is settled.

    Raises:
        NotYours: not an owner or manager of the talent.
        Overtaken: the request is settled.
    """
    contract, request = _enter(contract)
    _settle(contract, request, "accept", by=by)
    notices.escrow_refund_accepted(contract, request, by=by)
    return request


@transaction.atomic
def propose_split(
    contract: Contract, *, to_talent: Money, message: str, key: str = "", by: Actor
) -> SplitProposal:
    """The talent proposes a split instead; its own time to answer stands still meanwhile (D).

    Args:
        to_talent: more than nothing, less than the whole: those are other answers.
        message: what the client reads with it; may be empty.
        key: the form's key; the same form again gives the first proposal.

    Raises:
        NotYours: not an owner or manager of the talent.
        Overtaken: the request is settled or no longer pending, or see
            :func:`refuse_another_split`.
        InvalidInput: on ``to_talent``.
    """
    contract, request = _enter(contract)
    earlier = once.claim(key, split_of=request.pk, to_talent=to_talent, message=message)
    if earlier is not None:
        return SplitProposal.objects.get(pk=earlier.result)
    transitions.refuse_unless_possible(request, "stop_clock", by=by)
    refuse_another_split(request)
    if not zero(contract.currency) < to_talent < request.amount:
        raise InvalidInput(
            f"Type an amount above zero and below {request.amount}. To give all of it back, let it"
            f" go; to ask for all of it, dispute.",
            field="to_talent",
        )
    split = _propose(contract, request, Proposer.TALENT, to_talent, message, by=by)
    notices.split_proposed(contract, split, by=by)
    once.keep(key, split.pk)
    return split


@transaction.atomic
def dispute(
    contract: Contract, *, text: str, links: Sequence[str] = (), by: Actor
) -> EscrowRefundRequest:
    """The talent disputes the return, with its reason; silence of the client now pays it.

    An open split of the talent is taken back with it.

    Args:
        links: to evidence, each an address that was checked as one.

    Raises:
        NotYours, Overtaken: as :func:`propose_split`.
        InvalidInput: on ``text``: no reason.
    """
    contract, request = _enter(contract)
    transitions.refuse_unless_possible(request, "dispute", by=by)
    text = _said(text)
    book = ledger.lock(contract.book_id)
    requests.dispute(request, book, text=text, links=links, split=contract.open_split, by=by)
    contract.open_split = None
    _touch(contract, by=by)
    notices.escrow_refund_disputed(contract, request, text=text, links=links, by=by)
    return request


# The client -------------------------------------------------------------------------------------


@transaction.atomic
def pay_instead(contract: Contract, *, by: Actor) -> EscrowRefundRequest:
    """The client pays the talent the whole of it instead; a dispute is conceded so.

    Raises:
        NotYours: not an owner or manager of the client.
        Overtaken: the request is settled.
    """
    contract, request = _enter(contract)
    disputed = request.state in (RequestState.DISPUTED, RequestState.MEDIATING)
    _settle(contract, request, "concede" if disputed else "withdraw", by=by)
    notices.escrow_refund_paid_instead(contract, request, by=by)
    return request


@transaction.atomic
def reject(
    contract: Contract, *, text: str, links: Sequence[str] = (), by: Actor
) -> EscrowRefundRequest:
    """The client rejects the talent's dispute, with its reason; support mediates.

    Raises:
        NotYours: not an owner or manager of the client.
        Overtaken: the request is settled, or not disputed.
        InvalidInput: on ``text``: no reason.
    """
    contract, request = _enter(contract)
    transitions.refuse_unless_possible(request, "reject", by=by)
    text = _said(text)
    book = ledger.lock(contract.book_id)
    requests.reject(request, book, text=text, links=links, by=by)
    _touch(contract, by=by)
    notices.escrow_refund_rejected(contract, request, text=text, links=links, by=by)
    return request


# Either side ------------------------------------------------------------------------------------


@transaction.atomic
def agree_to_split(split: SplitProposal, *, by: Actor) -> SplitProposal:
    """A side agrees to a split; once both have, the money moves so.

    Raises:
        NotYours: not an owner or manager of a side that is asked.
        Overtaken: it is off the table, or this side agreed before.
    """
    contract, split = _enter_split(split)
    side = contract.side_of(by.party_id)
    transitions.refuse_unless_possible(split, "agree", by=by)
    assert side is not None
    if split.has_agreed(side):
        raise Overtaken("Your side agreed to this split before.")
    book = ledger.lock(contract.book_id)
    if requests.agree(split, book, side=side, by=by):
        _close(contract, by=by)
        notices.split_agreed(contract, split, by=by)
    else:
        _touch(contract, by=by)
        notices.split_agreed_by_one(contract, split, by=by)
    return split


@transaction.atomic
def decline_split(split: SplitProposal, *, by: Actor) -> SplitProposal:
    """A side says no: the talent's clock goes on, or support decides.

    Raises:
        NotYours, Overtaken: as :func:`agree_to_split`.
    """
    contract, split = _enter_split(split)
    _end_split(contract, split, "decline", by=by)
    notices.split_declined(contract, split, by=by)
    return split


@transaction.atomic
def take_back_split(split: SplitProposal, *, by: Actor) -> SplitProposal:
    """Who proposed a split takes it back: the talent its own, support its own.

    Raises:
        NotYours: somebody else's.
        Overtaken: it is off the table.
    """
    contract, split = _enter_split(split)
    rules.refuse(rules.takes_back_split(split, by))
    _end_split(contract, split, "take_back", by=by)
    notices.split_taken_back(contract, split, by=by)
    return split


@transaction.atomic
def add_statement(
    contract: Contract, *, text: str, links: Sequence[str] = (), key: str = "", by: Actor
) -> RequestStatement:
    """A side adds to what it said, while it is disputed or with support.

    Raises:
        NotYours: not an owner or manager of a side.
        Overtaken: the request is settled, or not disputed yet.
        InvalidInput: on ``text``: nothing said.
    """
    contract, request = _enter(contract)
    earlier = once.claim(key, statement_of=request.pk, text=text, links=list(links))
    if earlier is not None:
        return RequestStatement.objects.get(pk=earlier.result)
    rules.refuse(rules.adds_statement(request, by))
    said = requests.say(request, StatementKind.ADDITION, text=_said(text), links=links, by=by)
    _touch(contract, by=by)
    notices.statement_added(contract, request, said, by=by)
    once.keep(key, said.pk)
    return said


# Support ----------------------------------------------------------------------------------------


@transaction.atomic
def mediate(contract: Contract, *, note: str, by: Actor) -> EscrowRefundRequest:
    """Support takes up a request that silence brought to it.

    Args:
        note: what both sides read.

    Raises:
        NotYours: not support.
        Overtaken: it is settled, or in mediation already.
        InvalidInput: on ``note``.
    """
    contract, request = _enter(contract)
    transitions.refuse_unless_possible(request, "mediate", by=by)
    note = _said(note, field="note")
    requests.move(request, ledger.lock(contract.book_id), "mediate", by=by)
    requests.say(request, StatementKind.NOTE, text=note, by=by)
    _touch(contract, by=by)
    notices.mediation_opened(contract, request, note=note, by=by)
    return request


@transaction.atomic
def write_note(contract: Contract, *, note: str, key: str = "", by: Actor) -> RequestStatement:
    """Support writes to both sides about a request that it has.

    Args:
        key: the form's key; the same form again gives the first note.

    Raises:
        NotYours, Overtaken, InvalidInput: as :func:`mediate`.
    """
    contract, request = _enter(contract)
    rules.refuse(rules.writes_note(request, by))
    earlier = once.claim(key, note_on=request.pk, note=note)
    if earlier is not None:
        return RequestStatement.objects.get(pk=earlier.result)
    said = requests.say(request, StatementKind.NOTE, text=_said(note, field="note"), by=by)
    _touch(contract, by=by)
    notices.statement_added(contract, request, said, by=by)
    once.keep(key, said.pk)
    return said


@transaction.atomic
def propose_in_mediation(
    contract: Contract, *, to_talent: Money, message: str, by: Actor
) -> SplitProposal:
    """Support proposes a split; it holds if both sides accept it in time.

    Args:
        to_talent: from nothing to the whole; the client has the rest.
        message: why, for both sides.

    Raises:
        NotYours: not support.
        Overtaken: the request is not in mediation, or see :func:`refuse_support_split`.
        InvalidInput: on ``to_talent`` or ``message``.
    """
    contract, request = _enter(contract)
    rules.refuse(rules.proposes_in_mediation(request, by))
    refuse_support_split(request, contract.open_split, clock.now())
    requests.refuse_split_beyond(request, to_talent)
    message = _said(message, field="message")
    split = _propose(contract, request, Proposer.SUPPORT, to_talent, message, by=by)
    notices.split_proposed(contract, split, by=by)
    return split


@transaction.atomic
def decide(contract: Contract, *, to_talent: Money, because: str, by: Actor) -> EscrowRefundRequest:
    """Support decides a request in mediation; the rest of the amount goes to the client.

    Args:
        to_talent: from nothing to the whole amount.
        because: the reason both sides read.

    Raises:
        NotYours: not support.
        Overtaken: it is settled, not in mediation, or both sides may still accept a split.
        InvalidInput: the split does not add up to the amount, or there is no reason.
    """
    contract, request = _enter(contract)
    transitions.refuse_unless_possible(request, "decide", by=by)
    if contract.open_split is not None:
        until = moments.full(contract.open_split.answer_by)
        raise Overtaken(f"Both sides may accept your split until {until}. Take it back first.")
    requests.refuse_split_beyond(request, to_talent)
    because = _said(because, field="because")
    _settle(contract, request, "decide", to_talent=to_talent, because=because, by=by)
    notices.escrow_refund_decided(contract, request, by=by)
    return request


# What silence decides ---------------------------------------------------------------------------


def pass_unanswered(contract: Contract, now: datetime) -> None:
    """Carry out what is due on an entered contract's split and request, in that order.

    A split that nobody answered is off, and the talent's clock goes on from then; when it is over
    as well by now, only that is told.
    """
    split, request = contract.open_split, contract.open_request
    if split is not None and split.answer_by <= now:
        _end_split(contract, split, "lapse", by=PLATFORM)
        if not _is_due(split.request, now):
            notices.split_lapsed(contract, split)
    if request is None or not _is_due(request, now):
        return
    if request.on_silence == OnSilence.ESCALATE:
        requests.move(request, ledger.lock(contract.book_id), "escalate", by=PLATFORM)
        _touch(contract, by=PLATFORM)
        notices.escrow_refund_escalated(contract, request)
    elif request.on_silence == OnSilence.CONCEDE:
        _settle(contract, request, "concede_by_silence", by=PLATFORM)
        notices.escrow_refund_conceded_by_silence(contract, request)
    else:
        _settle(contract, request, "lapse", by=PLATFORM)
        notices.escrow_refund_lapsed(contract, request)


def remind(contract: Contract) -> None:
    """Remind the side whose answer is due. Called while the contract is entered."""
    request = contract.open_request
    if request is not None and requests.remind_next(request):
        notices.escrow_refund_reminder(contract, request)


def refuse_another_split(request: EscrowRefundRequest) -> None:
    """Whether the talent can propose a split on a pending request; also for pages.

    Raises:
        Overtaken: one is open, there were as many as may be (``policy.SPLITS_BY_TALENT``), or too
            little time is left until support has to have decided.
    """
    proposed = list(request.proposals.filter(proposer=Proposer.TALENT))
    if any(one.is_open for one in proposed):
        raise Overtaken("Your split is still open. Take it back to propose another one.")
    if len(proposed) >= policy.SPLITS_BY_TALENT:
        raise Overtaken(f"You proposed {len(proposed)} splits already. Let it go back, or dispute.")
    if not requests.leaves_time(request, clock.now()):
        until = moments.day(request.decide_by)
        raise Overtaken(
            f"There is no time for another split: all of it has to be decided by {until}. Let it go"
            f" back, or dispute."
        )


def refuse_support_split(
    request: EscrowRefundRequest, open_split: SplitProposal | None, now: datetime
) -> None:
    """Whether support can propose a split in mediation now; also for pages.

    Raises:
        Overtaken: one is open, or both sides could not answer before support has to have decided.
    """
    if open_split is not None:
        raise Overtaken("A split is open already. Both sides can still answer it.")
    if now + policy.MEDIATION_ANSWER_WINDOW > request.decide_by:
        until = moments.full(request.decide_by)
        raise Overtaken(f"Support decides by {until}; that is too soon for a split. Decide now.")


def _is_due(request: EscrowRefundRequest, now: datetime) -> bool:
    return request.answer_by is not None and request.answer_by <= now


def _enter(contract: Contract) -> tuple[Contract, EscrowRefundRequest]:
    contract = transitions.enter(contract)
    if contract.open_request is None:
        raise Overtaken(SETTLED)
    return contract, contract.open_request


def _enter_split(split: SplitProposal) -> tuple[Contract, SplitProposal]:
    contract = transitions.enter(Contract.objects.get(book=split.request.book_id))
    if contract.open_split is None or contract.open_split.pk != split.pk:
        raise Overtaken(NO_SPLIT)
    return contract, contract.open_split


def _propose(
    contract: Contract,
    request: EscrowRefundRequest,
    proposer: Proposer,
    to_talent: Money,
    message: str,
    *,
    by: Actor,
) -> SplitProposal:
    book = ledger.lock(contract.book_id)
    split = requests.propose(
        request, book, proposer=proposer, to_talent=to_talent, message=message.strip(), by=by
    )
    contract.open_split = split
    _touch(contract, by=by)
    return split


def _end_split(contract: Contract, split: SplitProposal, name: str, *, by: Actor) -> None:
    transitions.refuse_unless_possible(split, name, by=by)
    requests.end_split(split, ledger.lock(contract.book_id), transition=name, by=by)
    contract.open_split = None
    _touch(contract, by=by)


def _settle(
    contract: Contract,
    request: EscrowRefundRequest,
    name: str,
    *,
    to_talent: Money | None = None,
    because: str = "",
    by: Actor,
) -> None:
    transitions.refuse_unless_possible(request, name, by=by)
    requests.settle(
        request,
        ledger.lock(contract.book_id),
        transition=name,
        to_talent=to_talent,
        because=because,
        split=contract.open_split,
        by=by,
    )
    _close(contract, by=by)


def _close(contract: Contract, *, by: Actor) -> None:
    contract.open_request = contract.open_split = None
    _touch(contract, by=by)


def _touch(contract: Contract, *, by: Actor) -> None:
    """Note where it stands now; silence is nobody's activity."""
    if by.is_platform:
        positions.touch_again(contract)
    else:
        positions.touch(contract, now=clock.now())


def _said(text: str, *, field: str = "text") -> str:
    text = text.strip()
    if not text:
        raise InvalidInput("Say why. Both sides and support read it.", field=field)
    return text
