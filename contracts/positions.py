"""Where a contract stands in each side's My Jobs: deadlines first, then the newest activity."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from contracts import quiet
from contracts.models import Contract
from contracts.models.contract import NOBODY_WAITS
from contracts.states import Side
from marketplace.actors import PLATFORM
from payments.states import RequestState

PLACES: Final = ("client_position", "talent_position")
"""What :func:`place_again` sets."""

FIELDS: Final = ("last_activity_at", *quiet.FIELDS, *PLACES)
"""What :func:`place` sets."""


def touch(contract: Contract, *, now: datetime, wakes: bool = True) -> None:
    """Note that somebody did something on an entered contract, and save where it stands now.

    A dormant one goes on with it, and nothing is said to be quiet any more.

    Args:
        wakes: False for what belongs to the question that a dormant contract asks.
    """
    if wakes or contract.open_dormancy is None:
        quiet.wake(contract, at=now, by=PLATFORM)
        place(contract, now=now)
    else:
        contract.last_activity_at = now
        place_again(contract)
    contract.save(update_fields=FIELDS)


def touch_again(contract: Contract) -> None:
    """Only the clock did something: save where an entered contract stands; nobody was active."""
    place_again(contract)
    contract.save(update_fields=PLACES)


def place(contract: Contract, *, now: datetime) -> None:
    """Somebody did something, in memory, for a capability that saves the contract anyway."""
    contract.last_activity_at = now
    quiet.begin(contract)
    place_again(contract)


def place_again(contract: Contract) -> None:
    """Only the clock did something, in memory: activity stays what it was."""
    activity = contract.last_activity_at
    contract.client_position = position(deadline_of(contract, Side.CLIENT), activity)
    contract.talent_position = position(deadline_of(contract, Side.TALENT), activity)


def deadline_of(contract: Contract, side: Side) -> datetime | None:
    """The next instant at which silence of this side decides something, on an entered contract."""
    if contract.is_offered:
        return contract.expires_at if side is Side.TALENT else None
    return _of_client(contract) if side is Side.CLIENT else _of_talent(contract)


def _of_client(contract: Contract) -> datetime | None:
    """Work is released, and hours are paid for good, when the review is over.

    A week that was disputed is not reviewed a second time. After the end: what it has not answered
    of an escrow refund request.
    """
    undisputed = [one for one in contract.open_weeks if one.pk not in contract.disputed_weeks]
    reviews = [
        *(one.review_until for one in contract.open_milestones),
        *(one.review_until for one in undisputed),
        *_of_request(contract, Side.CLIENT),
        *_of_dormancy(contract, Side.CLIENT),
    ]
    return min((until for until in reviews if until), default=None)


def _of_talent(contract: Contract) -> datetime | None:
    """An unanswered request lets escrow go; an unanswered dispute goes to support."""
    answers = [
        *(one.answer_by for one in contract.open_disputes if one.is_pending),
        *_of_request(contract, Side.TALENT),
        *_of_dormancy(contract, Side.TALENT),
    ]
    return min((until for until in answers if until), default=None)


def _of_request(contract: Contract, side: Side) -> list[datetime | None]:
    """The talent answers the request, the client a dispute; a split, who has not agreed to it."""
    request, split = contract.open_request, contract.open_split
    asked = {RequestState.PENDING: Side.TALENT, RequestState.DISPUTED: Side.CLIENT}
    answers = []
    if request is not None and asked.get(request.state) is side:
        answers.append(request.answer_by)
    if split is not None and not split.has_agreed(side):
        answers.append(split.answer_by)
    return answers


def _of_dormancy(contract: Contract, side: Side) -> list[datetime | None]:
    """A dormant contract asks the client first, then the talent, then the client once more."""
    dormancy = contract.open_dormancy
    if dormancy is None:
        return []
    return [dormancy.due_at] if dormancy.asked is side else []


def position(deadline: datetime | None, activity: datetime) -> int:
    """One number to sort by, ascending."""
    if deadline is not None:
        return int(deadline.timestamp())
    return NOBODY_WAITS - int(activity.timestamp())
