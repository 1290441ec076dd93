"""How long nobody has done anything on a contract, and what comes next if nobody does.

Counted from the last act of a person on either side, or of support; what the clock does by itself,
weekly bills and reminders, is none. The friendly reminders count from that act alone. What leads
to a dormant contract counts from its last due date when that is later: a due date ends at the end
of its day (UTC), and is one that both sides know of, of a planned or an active milestone.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Final

from contracts import notices
from contracts.models import Contract
from contracts.states import MilestoneState
from marketplace import policy, transitions
from marketplace.actors import Actor

STEPS: Final = (*policy.IDLE_REMINDERS, *policy.DORMANT_NOTICES, policy.DORMANT_AFTER)
"""After how long each of them comes; ``Contract.quiet_told`` says how many have."""

FRIENDLY: Final = len(policy.IDLE_REMINDERS)
"""So many of them are reminders on either kind of contract; the others lead to a dormant one."""

FIELDS: Final = ("quiet_due_at", "quiet_told", "dormant_since")


def begin(contract: Contract) -> None:
    """Count anew from the last activity, in memory."""
    contract.quiet_told = 0
    contract.quiet_due_at = due_at(contract, 0, holds=False) if contract.is_running else None
    contract.dormant_since = None


def due_at(contract: Contract, told: int, *, holds: bool) -> datetime | None:
    """When the step after so many comes, on an entered contract; None when none does.

    Args:
        told: how many steps have passed.
        holds: money is in escrow, without which no contract becomes dormant.
    """
    if told < FRIENDLY:
        return contract.last_activity_at + STEPS[told]
    if told >= len(STEPS) or not holds:
        return None
    return idle_since(contract) + STEPS[told]


def idle_since(contract: Contract) -> datetime:
    """The later of the last activity and the end of the last due date of an open milestone."""
    due_dates = [
        one.due_on
        for one in contract.open_milestones
        if one.due_on is not None and one.state != MilestoneState.PROPOSED
    ]
    if not due_dates:
        return contract.last_activity_at
    over = datetime.combine(max(due_dates) + timedelta(days=1), time.min, tzinfo=UTC)
    return max(contract.last_activity_at, over)


def wake(contract: Contract, *, at: datetime, by: Actor, told: bool = True) -> None:
    """End the sleep of an entered contract, if it sleeps; who counts anew saves it.

    Args:
        by: who said that it goes on; the platform when something happened on it.
        told: both sides are told that it goes on.
    """
    dormancy = contract.open_dormancy
    if dormancy is None:
        return
    transitions.move(dormancy, "wake", by=by, at=at)
    contract.open_dormancy = None
    if told:
        notices.contract_goes_on(contract, dormancy=dormancy, by=by)
