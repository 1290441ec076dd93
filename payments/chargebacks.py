"""Chargebacks: a client disputes a charge at its bank, which takes the money until it has decided.

What the bank took leaves the client's credit as far as there is some; the rest is the operator's
loss. Escrow, and what talents were paid, is never touched: they kept to their agreement. The
gateway tells late, twice and in any order; only what it says when it is asked counts.

A chargeback is read and changed under the lock of its charge's operation, as is credit that goes
back to that charge, so that the two never meet.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from marketplace import clock, transitions
from marketplace.actors import PLATFORM, Actor
from marketplace.models import Party
from marketplace.money import Money
from marketplace.refusals import InvalidInput, NotYours
from payments import ledger, notices, operations, rules
from payments.gateways.base import Dispute
from payments.ledger import Leg
from payments.models import Book, Chargeback, Entry, GatewayOperation
from payments.states import (
    STANDING_CHARGEBACKS,
    ChargebackState,
    EntryKind,
    OperationKind,
    OperationState,
)

logger = logging.getLogger(__name__)

NO_REASON: Final = "Give the reason. The client reads it."


class TooEarly(Exception):
    """The charge is not settled yet. The dispute has to be told again."""


def take(dispute: Dispute, *, gateway: str) -> Chargeback | None:
    """Take in how a dispute stands at the gateway now. Outside transactions; safe to repeat.

    Args:
        gateway: the name of the one that was asked.

    Returns:
        The chargeback as it is now; None for a charge that is none of ours.

    Raises:
        TooEarly: the gateway does not say yet that the charge succeeded.
        InsideTransaction: a transaction of ours is open.
    """
    charges = GatewayOperation.objects.filter(kind=OperationKind.CHARGE, gateway=gateway)
    charge = charges.filter(key=dispute.key).order_by("pk").first()
    if charge is None:
        logger.warning("dispute %s is of no charge of ours", dispute.reference)
        return None
    if charge.is_open:
        charge = operations.hear(charge.pk)
    if charge.is_open:
        raise TooEarly(dispute.reference)
    if charge.state != OperationState.SUCCEEDED:
        logger.error("dispute %s is of a charge that was declined", dispute.reference)
        return None
    return _take(charge.pk, dispute)


@transaction.atomic
def write_off(chargeback: Chargeback, *, because: str, by: Actor) -> Chargeback:
    """Support lets the operator bear what the client's credit did not cover.

    The client can offer and fund again, and reads why.

    Raises:
        NotYours: not support.
        InvalidInput: on ``because``: no reason.
        Overtaken: the bank has not decided for the client, or it was written off before.
    """
    refusal = rules.staff_only(chargeback, by)
    if refusal is not None:
        raise NotYours(refusal)
    if not because.strip():
        raise InvalidInput(NO_REASON, field="because")
    operations.lock(chargeback.operation_id)
    written = Chargeback.objects.get(pk=chargeback.pk)
    written.book = ledger.lock(written.book_id)
    transitions.move(written, "write_off", reason=because.strip(), by=by)
    notices.chargeback_written_off(written, because=because.strip())
    return written


def blocks(party: Party) -> bool:
    """Whether a chargeback keeps this client from offering and funding. One query."""
    return blocking(party).exists()


def blocking(party: Party) -> QuerySet[Chargeback]:
    """Those that stand, and of which the operator bears a part."""
    return standing().filter(book__client=party, from_operator_minor__gt=0)


def standing() -> QuerySet[Chargeback]:
    """The bank has the money, and nobody has settled what that leaves open."""
    return Chargeback.objects.filter(state__in=STANDING_CHARGEBACKS)


@transaction.atomic
def _take(operation_id: int, dispute: Dispute) -> Chargeback:
    charge = operations.lock(operation_id)
    known = Chargeback.objects.filter(gateway=charge.gateway, reference=dispute.reference)
    chargeback = known.select_related("operation").order_by("pk").first()
    if chargeback is not None and chargeback.state == dispute.state:
        return _until_when(chargeback, dispute)
    assert charge.book_id is not None
    book, now = ledger.lock(charge.book_id), clock.now()
    if chargeback is None:
        chargeback = _open(charge, book, dispute, now)
    chargeback.book = book
    _decide(chargeback, dispute, now)
    return chargeback


def _until_when(chargeback: Chargeback, dispute: Dispute) -> Chargeback:
    """Nothing new but, perhaps, until when the bank can be answered."""
    if chargeback.evidence_due_at != dispute.evidence_due_at:
        chargeback.evidence_due_at = dispute.evidence_due_at
        chargeback.save(update_fields=["evidence_due_at"])
    return chargeback


def _open(charge: GatewayOperation, book: Book, dispute: Dispute, now: datetime) -> Chargeback:
    """Post what the bank took: from the client's credit what is there, the rest from the fees."""
    from_credit = min(book.credit, dispute.amount)
    from_operator = dispute.amount - from_credit
    entry = ledger.post(
        kind=EntryKind.CHARGEBACK,
        book=book,
        legs=[
            Leg(book.credit_account_id, book.outside_account_id, from_credit),
            Leg(book.fees_account_id, book.outside_account_id, from_operator),
        ],
        key=f"chargeback:{charge.pk}:{charge.chargebacks.count()}",
        memo=dispute.because[:200],
        at=now,
        by=PLATFORM,
    )
    chargeback = _row(charge, book, dispute, entry, from_credit, from_operator)
    transitions.created(chargeback, by=PLATFORM)
    if dispute.state == ChargebackState.OPEN:
        notices.chargeback_opened(chargeback)
    return chargeback


def _row(
    charge: GatewayOperation,
    book: Book,
    dispute: Dispute,
    entry: Entry,
    from_credit: Money,
    from_operator: Money,
) -> Chargeback:
    return Chargeback.objects.create(
        operation=charge,
        book=book,
        gateway=charge.gateway,
        reference=dispute.reference,
        currency=dispute.amount.currency,
        amount_minor=dispute.amount.minor,
        from_credit_minor=from_credit.minor,
        from_operator_minor=from_operator.minor,
        because=dispute.because[:200],
        opened_at=dispute.opened_at,
        evidence_due_at=dispute.evidence_due_at,
        entry=entry,
    )


def _decide(chargeback: Chargeback, dispute: Dispute, now: datetime) -> None:
    """What the bank decided, if it did; what it said earlier and says late changes nothing."""
    if dispute.state == ChargebackState.OPEN:
        return
    if chargeback.state != ChargebackState.OPEN:
        _compare(chargeback, dispute)
    elif dispute.state == ChargebackState.WON:
        entry = _give_back(chargeback, now)
        transitions.move(chargeback, "win", entry=entry, at=now, by=PLATFORM)
        notices.chargeback_won(chargeback)
    else:
        transitions.move(chargeback, "lose", at=now, by=PLATFORM)
        notices.chargeback_lost(chargeback)


def _give_back(chargeback: Chargeback, now: datetime) -> Entry:
    """The bank gave the money back: to where it was taken from."""
    book = chargeback.book
    return ledger.post(
        kind=EntryKind.CHARGEBACK,
        book=book,
        legs=[
            Leg(book.outside_account_id, book.credit_account_id, chargeback.from_credit),
            Leg(book.outside_account_id, book.fees_account_id, chargeback.from_operator),
        ],
        key=f"chargeback_back:{chargeback.pk}",
        memo="The bank decided against the dispute",
        at=now,
        by=PLATFORM,
    )


def _compare(chargeback: Chargeback, dispute: Dispute) -> None:
    """A loss that was written off was one; otherwise the bank says the opposite, and one looks."""
    went_well = chargeback.state == ChargebackState.WON
    if went_well != (dispute.state == ChargebackState.WON):
        logger.error("chargeback %s was decided and is now contradicted", chargeback.pk)
