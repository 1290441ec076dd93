"""Telling both sides of the feedback window.

Whether feedback can be read is decided by its own ``visible_from`` and nothing here. What is told
before the reveal, and when, is the same whether or not anybody gave feedback.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from contracts.models import Contract
from feedback import notices
from feedback.models import Feedback
from marketplace import clock, transitions
from marketplace.actors import Actor


@transaction.atomic
def tell_what_is_due(contract: Contract, *, by: Actor) -> bool:
    """Remind both sides that the window closes soon; at its close, announce what was revealed.

    Called late it skips the reminder; called twice it tells nothing more.

    Args:
        by: the platform.

    Returns:
        Whether anything was due.
    """
    assert by.is_platform
    contract = transitions.enter(contract)
    now = clock.now()
    if contract.feedback_due_at is None or contract.feedback_due_at > now:
        return False
    assert contract.feedback_until is not None
    if now < contract.feedback_until:
        _next(contract, contract.feedback_until)
        notices.closes_soon(contract)
    else:
        announce_to_both(contract, _revealed(contract, now))
    return True


def announce_to_both(contract: Contract, feedback: list[Feedback]) -> None:
    """Tell both sides of an entered contract what they can read now; nothing more comes."""
    _next(contract, None)
    if feedback:
        notices.revealed(contract, feedback)


def _revealed(contract: Contract, now: datetime) -> list[Feedback]:
    return list(Feedback.objects.filter(contract=contract).revealed(now).order_by("side"))


def _next(contract: Contract, due_at: datetime | None) -> None:
    contract.feedback_due_at = due_at
    contract.save(update_fields=["feedback_due_at"])
