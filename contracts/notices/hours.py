"""What both sides are told about hours: timers, people, weeks, holds, pauses, limits, disputes."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.urls import reverse

from contracts.models import Contract, Timer
from contracts.notices.telling import room_of, tell
from contracts.states import Side
from marketplace import notices
from marketplace.actors import Actor
from marketplace.models import Membership
from marketplace.notices import Batch

PERSON_ASSIGNED: Final = notices.kind("contracts.person_assigned")
TIMER_RAN_OUT: Final = notices.kind("contracts.timer_ran_out")
LIMIT_CHANGED: Final = notices.kind("contracts.limit_changed")
CONTRACT_PAUSED: Final = notices.kind("contracts.contract_paused")
CONTRACT_RESTARTED: Final = notices.kind("contracts.contract_restarted")


def person_assigned(contract: Contract, membership: Membership, *, by: Actor) -> None:
    """Who is new on the contract is told; who did it knows."""
    if membership.pk != by.membership_id:
        _tell_person(PERSON_ASSIGNED, contract, membership, room_of(contract))


def timer_ran_out(contract: Contract, timer: Timer) -> None:
    """Whose timer stopped itself is told what counted."""
    path = reverse("diary", args=[contract.reference])
    _tell_person(TIMER_RAN_OUT, contract, timer.membership, path, minutes=timer.minutes)


def limit_changed(contract: Contract, *, hours: int, first: datetime, by: Actor) -> None:
    tell(LIMIT_CHANGED, contract, by=by, hours=hours, first=first)


def contract_paused(contract: Contract, *, reason: str, by: Actor) -> None:
    tell(CONTRACT_PAUSED, contract, by=by, reason=reason, support=by.is_staff)


def contract_restarted(contract: Contract, *, reason: str, by: Actor) -> None:
    tell(CONTRACT_RESTARTED, contract, by=by, reason=reason, support=by.is_staff)


def _tell_person(
    kind: notices.Kind, contract: Contract, membership: Membership, path: str, **facts: object
) -> None:
    batch = Batch()
    batch.add(
        kind,
        to=notices.one_person(membership),
        path=path,
        facts={
            "title": contract.title,
            "side": Side.TALENT,
            "other": contract.client.name,
            "own": False,
            **facts,
        },
    )
    batch.write()
