"""Who may give and change feedback, and when.

Small functions ``(row, actor, now=…) -> Refusal | None``, which a disabled button, a page and a
capability share. None of them knows whether the other side gave feedback.
"""

from __future__ import annotations

from datetime import datetime

from contracts.models import Contract
from feedback.models import Feedback
from marketplace.actors import Actor
from marketplace.refusals import Refusal

NOT_ENDED = Refusal("Feedback opens for both sides when the contract ends.")
WINDOW_CLOSED = Refusal("The time for feedback on this contract is over.")
REVEALED = Refusal("Both sides can read this feedback now, so it stays as it is.")
NOT_YOURS = Refusal("Only the two sides of this contract leave feedback on each other.")


def may_write(contract: Contract, actor: Actor) -> Refusal | None:
    """A side's feedback is written and read while sealed by its owners and managers (D)."""
    side = contract.side_of(actor.party_id)
    if side is None:
        return NOT_YOURS
    if not actor.manages:
        name = contract.party(side).name
        return Refusal(f"Only an owner or manager of {name} leaves feedback.")
    return None


def may_give(contract: Contract, actor: Actor, *, now: datetime) -> Refusal | None:
    """From the end until the window closes, not a microsecond longer (rule book)."""
    refusal = may_write(contract, actor)
    if refusal is not None:
        return refusal
    if not contract.is_ended or contract.feedback_until is None:
        return NOT_ENDED
    return None if now < contract.feedback_until else WINDOW_CLOSED


def may_edit(feedback: Feedback, actor: Actor, *, now: datetime) -> Refusal | None:
    """By the author's side, while it is sealed."""
    refusal = may_write(feedback.contract, actor)
    if refusal is not None:
        return refusal
    if feedback.contract.side_of(actor.party_id) != feedback.side:
        return Refusal("Only the side that wrote this feedback changes it.")
    return REVEALED if feedback.is_revealed(now) else None


def may_extend(contract: Contract, actor: Actor, *, now: datetime) -> Refusal | None:
    """Support extends an open window, once.

    A closed window stays closed: whoever gave theirs can be read already.
    """
    if not actor.is_staff:
        return Refusal("Only support extends the time for feedback.")
    if not contract.is_ended or contract.feedback_until is None:
        return NOT_ENDED
    if contract.feedback_extended:
        return Refusal("The time for feedback was extended before; that is possible once.")
    return None if now < contract.feedback_until else WINDOW_CLOSED
