"""The terms of an hourly contract while it goes on: the weekly limit, pause and restart."""

from __future__ import annotations

from datetime import date

from django.db import transaction

from contracts import notices, positions, rules, timers, weeks
from contracts.models import Contract, WeekLimit
from marketplace import clock, policy, transitions
from marketplace.actors import Actor
from marketplace.refusals import InvalidInput


def limit_of(contract: Contract, week: date) -> int:
    """The minutes that a week of the contract is limited to; one query."""
    return weeks.limit_in(list(contract.week_limits.order_by("from_week")), week)


@transaction.atomic
def set_limit(contract: Contract, *, hours: int, by: Actor) -> date:
    """Change the weekly limit: raised at once, lowered from next Monday.

    A change that waits for Monday is replaced.

    Args:
        hours: whole hours a week.

    Returns:
        The Monday of the first week that it holds for.

    Raises:
        NotYours: not an owner or manager of the client.
        Overtaken: the contract does not go on.
        InvalidInput: on ``hours``: not between 1 and 168, or what it is already.
    """
    contract = transitions.enter(contract)
    rules.refuse(rules.client_sets_limit(contract, by))
    if not 1 <= hours <= policy.WEEKLY_HOURS:
        raise InvalidInput(f"Type whole hours from 1 to {policy.WEEKLY_HOURS}.", field="hours")
    now = clock.now()
    this_week = weeks.week_of(now)
    limits = list(contract.week_limits.order_by("from_week"))
    minutes, before = hours * 60, weeks.limit_in(limits, this_week)
    if minutes == before and limits[-1].from_week <= this_week:
        raise InvalidInput(f"The limit is {hours} hours a week already.", field="hours")
    first = this_week if minutes >= before else weeks.week_of(weeks.ends(this_week))
    contract.week_limits.filter(from_week__gt=this_week).delete()
    if minutes != before:
        WeekLimit.objects.update_or_create(
            contract=contract, from_week=first, defaults={"minutes": minutes}
        )
    positions.touch(contract, now=now)
    notices.limit_changed(contract, hours=hours, first=weeks.starts(first), by=by)
    return first


@transaction.atomic
def pause(contract: Contract, *, by: Actor, reason: str = "") -> Contract:
    """The client pauses; running timers stop and count, no time is recorded until the restart.

    Raises:
        NotYours, Overtaken: not the client's owner or manager, or the state does not allow it.
    """
    contract = transitions.enter(contract)
    now = clock.now()
    transitions.refuse_unless_possible(contract, "pause", by=by)
    timers.stop_all(contract, at=now, by=by)
    transitions.move(contract, "pause", by=by, reason=reason, at=now)
    positions.touch(contract, now=now)
    notices.contract_paused(contract, reason=reason, by=by)
    return contract


@transaction.atomic
def restart(contract: Contract, *, by: Actor, reason: str = "") -> Contract:
    """The client lets work go on.

    Raises:
        NotYours, Overtaken: as :func:`pause`.
    """
    contract = transitions.enter(contract)
    transitions.move(contract, "restart", by=by, reason=reason)
    positions.touch(contract, now=clock.now())
    notices.contract_restarted(contract, reason=reason, by=by)
    return contract
