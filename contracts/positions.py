"""Where a contract stands in each side's My Jobs: deadlines first, then the newest activity."""

from __future__ import annotations

from datetime import datetime

from contracts.models import Contract
from contracts.models.contract import NOBODY_WAITS
from contracts.states import Side
from payments.states import RequestState


def touch(contract: Contract, *, now: datetime) -> None:
    """Note that something happened on an entered contract, and save where it stands now."""
    place(contract, now=now)
    contract.save(update_fields=["last_activity_at", "client_position", "talent_position"])


def place(contract: Contract, *, now: datetime) -> None:
    """The same in memory, for a capability that saves the contract anyway."""
    contract.last_activity_at = now
    contract.client_position = position(deadline_of(contract, Side.CLIENT), now)
    contract.talent_position = position(deadline_of(contract, Side.TALENT), now)


def deadline_of(contract: Contract, side: Side) -> datetime | None:
    """The next instant at which silence of this side decides something, on an entered contract."""
    if contract.is_offered:
        return contract.expires_at if side is Side.TALENT else None
    if side is Side.CLIENT:
        reviews = [m.review_until for m in contract.open_milestones if m.review_until]
        return min(reviews, default=None)
    request = contract.open_request
    if request is not None and request.state == RequestState.PENDING:
        return request.answer_by
    return None


def position(deadline: datetime | None, activity: datetime) -> int:
    """One number to sort by, ascending."""
    if deadline is not None:
        return int(deadline.timestamp())
    return NOBODY_WAITS - int(activity.timestamp())
