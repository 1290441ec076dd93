"""What stays owed: support writes it off, or the operator pays it in the client's place.

Both are for weeks whose charge was declined. Paying takes two people of support: one proposes a
correction from the site's fees to the client's credit, the other approves, and the week is paid
from that credit like any other.
"""

from __future__ import annotations

from typing import Final

from django.db import transaction

from contracts import billing, notices, positions, rules
from contracts.models import Contract, Week
from contracts.waiting.hours import dispute_of
from marketplace import clock, moments, transitions
from marketplace.actors import Actor
from marketplace.refusals import InvalidInput, Overtaken, Refusal
from payments import corrections, ledger
from payments.models import Correction, GatewayOperation
from payments.states import OPEN_OPERATIONS, CorrectionState

PURPOSE: Final = billing.PURPOSE

NOT_OWED: Final = "Nothing is owed for these hours any more."
CHARGING: Final = "A charge for these hours is still open. Settle it by asking the gateway first."
DISPUTED: Final = "Hours of this week are disputed. Decide that first."
PROPOSED: Final = "That the operator pays these hours is proposed, and waits for a second person."
CHANGED: Final = "What is owed has changed since this was proposed: it is {owed} now. Reject this."


@transaction.atomic
def write_off(week: Week, *, because: str, by: Actor) -> Week:
    """Support gives up on a week: the client no longer owes it, and the talent is not paid.

    The contract's hold is lifted when nothing else on it is unpaid.

    Args:
        because: what both sides read.

    Raises:
        NotYours: not support.
        InvalidInput: on ``because``: no reason.
        Overtaken: nothing is owed any more, a charge or a dispute of it is open, or it is proposed
            that the operator pays.
    """
    contract, week = _enter(week, by)
    if _proposed(week):
        raise Overtaken(PROPOSED)
    if not because.strip():
        raise InvalidInput("Give the reason. Both sides read it.", field="because")
    amount = billing.owed(week)
    transitions.move(week, "write_off", reason=because.strip(), by=by)
    notices.hours_written_off(week, amount=amount, because=because.strip(), by=by)
    billing.lift_hold(contract, at=clock.now())
    positions.touch(contract, now=clock.now())
    return week


@transaction.atomic
def propose_settlement(week: Week, *, because: str, by: Actor) -> Correction:
    """Propose that the operator pays a week in the client's place; a second person approves.

    Args:
        because: what the second person and the log read; the sides do not.

    Raises:
        NotYours: not support.
        InvalidInput: on ``reason``: none.
        Overtaken: as :func:`write_off`, or the client can still dispute these hours.
    """
    contract, week = _enter(week, by)
    _refuse_while_reviewed(week)
    book = contract.book
    return corrections.propose(
        book,
        debit=book.fees_account,
        credit=book.credit_account,
        amount=billing.owed(week),
        reason=because,
        purpose=PURPOSE,
        purpose_id=week.pk,
        by=by,
    )


@transaction.atomic
def settle(correction_id: int, by: Actor) -> Correction:
    """A second person approves: the operator's money becomes credit, and pays the week at once.

    Raises:
        NotYours, Overtaken: see :func:`payments.corrections.approve`.
    """
    proposed = Correction.objects.get(pk=correction_id)
    week = Week.objects.select_related("contract").get(pk=proposed.purpose_id)
    contract = transitions.enter(week.contract)
    correction = corrections.lock(correction_id)
    week = _still_owed(contract, week)
    owed = billing.owed(week)
    if owed != correction.amount:
        raise Overtaken(CHANGED.format(owed=owed))
    corrections.post(correction, ledger.lock(contract.book_id), by=by)
    payment = billing.pay_from_credit(week, at=clock.now())
    payment.from_operator = True
    payment.save(update_fields=["from_operator"])
    notices.hours_settled(week, payment, by=by)
    return correction


def why_not(week: Week, by: Actor) -> Refusal | None:
    """Why neither is possible now, from an unlocked reading, for the desk; one query.

    Args:
        week: with its contract, and its dispute read along.
    """
    charges = GatewayOperation.objects.filter(
        book=week.contract.book_id, state__in=OPEN_OPERATIONS, purpose=PURPOSE, purpose_id=week.pk
    )
    dispute = dispute_of(week)
    return transitions.possible(week, "write_off", by=by) or _still_open(
        charged=charges.exists(), disputed=dispute is not None and dispute.is_open
    )


def _enter(week: Week, by: Actor) -> tuple[Contract, Week]:
    rules.refuse(rules.support_only(week, by))
    contract = transitions.enter(week.contract)
    return contract, _still_owed(contract, week)


def _still_owed(contract: Contract, week: Week) -> Week:
    """The locked copy of a week that is not paid, with nothing open about it."""
    found = next((one for one in contract.open_weeks if one.pk == week.pk), None)
    if found is None or not found.is_unpaid:
        raise Overtaken(NOT_OWED)
    refusal = _still_open(
        charged=billing.charge_of(found) is not None,
        disputed=any(one.week_id == week.pk for one in contract.open_disputes),
    )
    if refusal is not None:
        raise Overtaken(refusal)
    return found


def _still_open(*, charged: bool, disputed: bool) -> Refusal | None:
    """What has to be settled first."""
    if charged:
        return Refusal(CHARGING)
    return Refusal(DISPUTED) if disputed else None


def _proposed(week: Week) -> bool:
    return Correction.objects.filter(
        state=CorrectionState.PROPOSED, purpose=PURPOSE, purpose_id=week.pk
    ).exists()


def _refuse_while_reviewed(week: Week) -> None:
    if week.review_until is not None and week.is_in_review(clock.now()):
        until = moments.full(week.review_until)
        raise Overtaken(f"The client can dispute these hours until {until}. Wait until then.")
