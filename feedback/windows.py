"""The time in which feedback can be given: support may extend it once."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from contracts.models import Contract
from feedback import notices, rules
from feedback.models import Feedback
from marketplace import clock, transitions
from marketplace.actors import Actor
from marketplace.refusals import InvalidInput, NotYours, Overtaken


@transaction.atomic
def extend_window(contract: Contract, *, until: datetime, because: str, by: Actor) -> Contract:
    """Give both sides more time for their feedback, once per contract (rule book).

    Nothing here depends on whether anybody gave feedback: one that is sealed stays sealed until
    the new close. Both sides are told alike.

    Args:
        until: when the window closes now, aware; later than before.
        because: a reason that both sides read.

    Raises:
        NotYours: not support.
        Overtaken: not ended, closed, revealed, or extended before.
        InvalidInput: not later than the present close, or no reason.
    """
    contract = transitions.enter(contract)
    now = clock.now()
    if not by.is_staff:
        raise NotYours("Only support extends the time for feedback.")
    refusal = rules.may_extend(contract, by, now=now)
    if refusal is not None:
        raise Overtaken(refusal)
    if Feedback.objects.filter(contract=contract).revealed(now).exists():
        raise Overtaken(rules.REVEALED)
    _check(contract, until, because)
    transitions.move(contract, "extend_feedback", by=by, reason=because.strip(), until=until)
    Feedback.objects.filter(contract=contract).sealed(now).update(visible_from=until)
    notices.window_extended(contract, because=because.strip())
    return contract


def _check(contract: Contract, until: datetime, because: str) -> None:
    assert contract.feedback_until is not None
    if until <= contract.feedback_until:
        raise InvalidInput("Choose a time later than the present close.", field="until")
    if not because.strip():
        raise InvalidInput("Say why: both sides read it.", field="because")
