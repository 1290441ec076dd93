"""Putting money into escrow for a milestone: leftover escrow first, then credit, then a charge."""

from __future__ import annotations

from typing import Final

from django.db import transaction

from contracts import notices, owing, positions, quotes
from contracts.models import Contract, Milestone
from contracts.quotes import Quote
from contracts.states import ACTIVE_MILESTONES, MilestoneState
from marketplace import clock, once, transitions
from marketplace.actors import PLATFORM, Actor
from marketplace.models import Party
from marketplace.money import Money, zero
from marketplace.refusals import InvalidInput, Overtaken
from payments import escrow, gateways, ledger, operations
from payments.gateways.base import Outcome
from payments.models import Book, GatewayOperation
from payments.states import OPEN_OPERATIONS

PURPOSE: Final = "fund_milestone"
CHARGE_IS_OPEN: Final = (
    "A charge for this contract is still open. As soon as it is settled, you can fund again."
)


def quote(contract: Contract, milestone_amount: Money) -> Quote:
    """What funding an amount takes now, from an unlocked reading of the books, for pages."""
    active = contract.milestones.filter(state__in=ACTIVE_MILESTONES).first()
    return _quote(contract.book, active, milestone_amount)


def leftover(book: Book, active: Milestone | None) -> Money:
    """What is in escrow beyond the active milestone."""
    if active is None:
        return book.escrow
    return max(book.escrow - active.amount, zero(book.currency))


def active_of(contract: Contract) -> Milestone | None:
    """The one active milestone of an entered contract."""
    return next((one for one in contract.open_milestones if one.is_active), None)


def fund(
    milestone: Milestone, *, method: str, key: str, seen: str | None = None, by: Actor
) -> Milestone:
    """Fund a planned milestone, charging what escrow and credit do not cover.

    Runs in transactions of its own, with the gateway called between them.

    Args:
        method: token of one of the gateway's methods; ignored when nothing is charged.
        key: the form's key; the same form again reports the first outcome.
        seen: the mark of the quote that was confirmed, see :func:`contracts.quotes.mark`; None
            from callers that are no forms.

    Returns:
        The milestone as it is now: funded, or still planned with an open charge.

    Raises:
        NotYours, Overtaken: this person may not, or the state does not allow it.
        InvalidInput: the method is none of the gateway's.
        FiguresChanged: the quote is another one now; nothing was charged.
        Refused: the gateway declined, nothing was charged; or the client owes hours.
        KeyReused: the form was sent before with other values.
    """
    named = f"fund:{key or once.new_key()}"
    operation = _begin(milestone, method=method, key=named, seen=seen, by=by)
    if operation is not None:
        operations.carry_out_now(operation.pk)
    return Milestone.objects.select_related("contract").get(pk=milestone.pk)


@transaction.atomic
def _begin(
    milestone: Milestone, *, method: str, key: str, seen: str | None, by: Actor
) -> GatewayOperation | None:
    """Fund at once when no charge is needed; otherwise commit the intent to charge."""
    contract = transitions.enter(milestone.contract)
    if once.claim(key, milestone=milestone.pk, method=method) is not None:
        return GatewayOperation.objects.filter(key=key).first()
    milestone = still_open(contract, milestone)
    transitions.refuse_unless_possible(milestone, "fund", by=by)
    owing.refuse_who_owes(contract.client)
    _refuse_while_another(active_of(contract), bool(contract.open_operations))
    book = ledger.lock(contract.book_id)
    quoted = _quote(book, None, milestone.amount)
    quotes.refuse_changed(quoted, seen)
    if not quoted.charge:
        fund_now(milestone, book, by=by)
        notices.milestone_funded(milestone, by=by)
        return None
    refuse_unknown_method(contract.client, method)
    positions.touch(contract, now=clock.now())
    return operations.start(
        book=book,
        purpose=PURPOSE,
        purpose_id=milestone.pk,
        amount=quoted.charge,
        method=method,
        key=key,
        by=by,
    )


@transaction.atomic
def settle(operation_id: int, outcome: Outcome) -> None:
    """A charge for a milestone is answered, perhaps late, perhaps twice.

    Confirmed money is posted to the client's credit and funds the milestone if that still stands;
    otherwise it stays credit and the client is told.
    """
    begun = GatewayOperation.objects.select_related("book__contract").get(pk=operation_id)
    contract = transitions.enter(begun.book.contract)
    operation = next((one for one in contract.open_operations if one.pk == operation_id), None)
    if operation is None:
        return
    book = ledger.lock(contract.book_id)
    milestone = _planned(contract, operation.purpose_id)
    if not operations.record(operation, book, outcome):
        notices.charge_declined(contract, operation)
        return
    if milestone is not None and _stands(contract, book, milestone):
        fund_now(milestone, book, by=PLATFORM)
        notices.milestone_funded(milestone, by=operation.actor)
    else:
        notices.charge_kept_as_credit(contract, operation)


def fund_now(milestone: Milestone, book: Book, *, by: Actor) -> None:
    """Make a planned milestone the active one, from leftover escrow and credit that suffice.

    The contract is entered, the book locked, and no other milestone is active.
    """
    now = clock.now()
    from_credit = milestone.amount - min(book.escrow, milestone.amount)
    if from_credit:
        escrow.fund(
            book,
            from_credit,
            key=f"fund:milestone:{milestone.pk}",
            memo=milestone_memo(milestone),
            at=now,
            by=by,
        )
    transitions.move(milestone, "fund", by=by, at=now)
    positions.touch(milestone.contract, now=now)


def milestone_memo(milestone: Milestone) -> str:
    """How the books and both sides call a milestone."""
    return f"Milestone {milestone.number}, {milestone.title}"


def _quote(book: Book, active: Milestone | None, amount: Money) -> Quote:
    return quotes.quote(amount, credit=book.credit, leftover=leftover(book, active))


def still_open(contract: Contract, milestone: Milestone) -> Milestone:
    """The locked copy of a milestone, or what became of it.

    Raises:
        Overtaken: it is no longer open.
    """
    for one in contract.open_milestones:
        if one.pk == milestone.pk:
            return one
    raise Overtaken(
        "The contract has ended." if contract.is_ended else "This milestone is no longer open."
    )


def refuse_a_second_one(contract: Contract) -> None:
    """Whether a milestone can be funded now, from an unlocked reading, for pages.

    Raises:
        Overtaken: another one is active, or a charge is still open.
    """
    active = contract.milestones.filter(state__in=ACTIVE_MILESTONES).first()
    charges = contract.book.operations.filter(state__in=OPEN_OPERATIONS)
    _refuse_while_another(active, charges.exists())


def _refuse_while_another(active: Milestone | None, charge_is_open: bool) -> None:
    if active is not None:
        raise Overtaken(
            f"Milestone {active.number} is active. Release it first; one milestone is active"
            " at a time."
        )
    if charge_is_open:
        raise Overtaken(CHARGE_IS_OPEN)


def refuse_unknown_method(client: Party | None, method: str) -> None:
    """The method is one of the gateway's for this client.

    Raises:
        InvalidInput: on the field ``method``.
    """
    known = {one.token for one in gateways.gateway().methods(client)} if client else set()
    if method not in known:
        raise InvalidInput("Choose how to pay.", field="method")


def _planned(contract: Contract, milestone_id: int) -> Milestone | None:
    return next(
        (
            one
            for one in contract.open_milestones
            if one.pk == milestone_id and one.state == MilestoneState.PLANNED
        ),
        None,
    )


def _stands(contract: Contract, book: Book, milestone: Milestone) -> bool:
    """The milestone may still be funded, and what is there now suffices."""
    return (
        (contract.is_active or contract.is_offered)
        and active_of(contract) is None
        and book.escrow + book.credit >= milestone.amount
    )
