"""Paying the talent from escrow through a milestone: one release, one fee rounding.

A final payment is part of the active milestone, raised from leftover escrow if it is larger; only
without one is a milestone *Final payment* made, funded and paid (S).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max

from contracts.funding import active_of, milestone_memo
from contracts.models import Contract, Milestone
from contracts.plans import FINAL_PAYMENT
from marketplace import transitions
from marketplace.actors import Actor
from marketplace.money import Money
from payments import escrow
from payments.models import Book, Payment


@dataclass(frozen=True, slots=True)
class Paying:
    """Whose escrow is paid from, and when: the contract is entered, the book locked.

    Attributes:
        at: when it is written down.
        paid_at: as of when it is paid, and its windows count.
    """

    contract: Contract
    book: Book
    at: datetime
    paid_at: datetime
    by: Actor


def pay_milestone(
    paying: Paying, milestone: Milestone, pays: Money, *, raised_to: Money | None = None
) -> Payment:
    """Pay the active milestone, in full or in part; raised first when more is paid."""
    payment = escrow.release(
        paying.book,
        pays,
        key=f"release:milestone:{milestone.pk}",
        title=milestone_memo(milestone),
        paid_at=paying.paid_at,
        at=paying.at,
        by=paying.by,
    )
    transitions.move(milestone, "pay", by=paying.by, payment=payment, raised_to=raised_to)
    return payment


def pay_final(paying: Paying, pays: Money) -> Payment:
    """Make, fund and pay a milestone *Final payment*; none is active."""
    contract = paying.contract
    milestone = Milestone(
        contract=contract,
        number=next_number(contract),
        title=FINAL_PAYMENT,
        currency=contract.currency,
        amount_minor=pays.minor,
        created_at=paying.at,
    )
    milestone.save(force_insert=True)
    transitions.created(milestone, by=paying.by)
    transitions.move(milestone, "fund", by=paying.by, at=paying.at)
    return pay_milestone(paying, milestone, pays)


def pay_everything(paying: Paying) -> Payment:
    """Pay all that is in escrow."""
    active, held = active_of(paying.contract), paying.book.escrow
    if active is None:
        return pay_final(paying, held)
    raised_to = held if held > active.amount else None
    return pay_milestone(paying, active, held, raised_to=raised_to)


def next_number(contract: Contract) -> int:
    """The number of the contract's next milestone."""
    highest: int | None = contract.milestones.aggregate(highest=Max("number"))["highest"]
    return (highest or 0) + 1
