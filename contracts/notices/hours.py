"""What both sides are told about hours: timers, people, weeks, holds, pauses, limits, disputes."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.urls import reverse

from contracts.models import Contract, HoursDispute, Timer
from contracts.notices.telling import room_of, tell
from contracts.states import Side
from marketplace import moments, notices
from marketplace.actors import PLATFORM, Actor
from marketplace.models import Membership
from marketplace.money import Money
from marketplace.notices import Batch

PERSON_ASSIGNED: Final = notices.kind("contracts.person_assigned")
TIMER_RAN_OUT: Final = notices.kind("contracts.timer_ran_out")
LIMIT_CHANGED: Final = notices.kind("contracts.limit_changed")
CONTRACT_PAUSED: Final = notices.kind("contracts.contract_paused")
CONTRACT_RESTARTED: Final = notices.kind("contracts.contract_restarted")
HOURS_DISPUTED: Final = notices.kind("contracts.hours_disputed", money=True)
HOURS_DISPUTE_DECLINED: Final = notices.kind("contracts.hours_dispute_declined", money=True)
HOURS_DISPUTE_ESCALATED: Final = notices.kind("contracts.hours_dispute_escalated", money=True)
HOURS_DISPUTE_SETTLED: Final = notices.kind("contracts.hours_dispute_settled", money=True)


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


def hours_disputed(contract: Contract, dispute: HoursDispute, *, amount: Money, by: Actor) -> None:
    """A receipt for the client; the talent reads until when to answer."""
    _tell_dispute(HOURS_DISPUTED, contract, dispute, amount, by=by)


def hours_dispute_declined(
    contract: Contract, dispute: HoursDispute, *, amount: Money, by: Actor
) -> None:
    _tell_dispute(HOURS_DISPUTE_DECLINED, contract, dispute, amount, by=by)


def hours_dispute_escalated(contract: Contract, dispute: HoursDispute, *, amount: Money) -> None:
    _tell_dispute(HOURS_DISPUTE_ESCALATED, contract, dispute, amount, by=PLATFORM)


def hours_dispute_settled(
    contract: Contract, dispute: HoursDispute, *, amount: Money, back: Money, by: Actor
) -> None:
    """Accepted, withdrawn or decided; ``back`` is what went back, or is not owed any more."""
    _tell_dispute(HOURS_DISPUTE_SETTLED, contract, dispute, amount, by=by, back=back or None)


def _tell_dispute(
    kind: notices.Kind,
    contract: Contract,
    dispute: HoursDispute,
    amount: Money,
    *,
    by: Actor,
    back: Money | None = None,
) -> None:
    tell(
        kind,
        contract,
        by=by,
        path=reverse("hours_dispute", args=[dispute.pk]),
        week=str(dispute.week),
        time=moments.hours(dispute.minutes),
        amount=amount,
        paid=dispute.week.is_paid,
        until=dispute.answer_by,
        state=dispute.state,
        reason=dispute.reason,
        declined_because=dispute.declined_because,
        because=dispute.decided_because,
        back=back,
        back_time=moments.hours(dispute.reversed_minutes) if dispute.reversed_minutes else "",
    )


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
