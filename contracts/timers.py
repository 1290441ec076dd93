"""Timers: started and stopped by a person, stopped by the clock, by a pause, a hold or an end.

A timer's state lives in its row. Of the time between start and stop the whole segments count; after
12 hours a timer stops itself. While it runs, no other time of the person can be recorded from its
start on, so that stopping it needs no lock of the person.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from contracts import diary, notices, positions, rules, weeks
from contracts.models import Contract, Timer
from contracts.states import StretchKind
from marketplace import clock, moments, policy, transitions
from marketplace.actors import PLATFORM, Actor
from marketplace.models import Membership
from marketplace.refusals import Overtaken


def start(contract: Contract, *, memo: str = "", by: Actor) -> Timer:
    """Start the person's timer on this contract.

    Raises:
        NotYours: not one of the talent's people who are assigned.
        Overtaken: no time is recorded now, or a timer of this person runs already.
    """
    rules.refuse(rules.of_talent(contract, by))
    diary.let_timers_run_out(by.as_member.user_id, but=contract)
    with transaction.atomic():
        return _start(contract, memo=memo, by=by)


@transaction.atomic
def stop(contract: Contract, *, memo: str | None = None, by: Actor) -> Timer:
    """Stop the person's timer on this contract; its whole segments count.

    Args:
        memo: what was done, if it is said only now.

    Returns:
        The stopped timer; ``minutes`` is what counted, perhaps zero.

    Raises:
        NotYours: not one of the talent's people.
        Overtaken: no timer of this person runs here (any more).
    """
    contract = transitions.enter(contract)
    rules.refuse(rules.stops_timer(contract, by))
    for timer in contract.running_timers:
        if timer.person_id == by.as_member.user_id:
            timer.memo = timer.memo if memo is None else memo
            return _finish(contract, timer, at=clock.now(), by=by)
    raise Overtaken(_over(contract, by.as_member.user_id))


def stop_all(contract: Contract, *, at: datetime, by: Actor) -> list[Timer]:
    """Stop every timer on an entered contract: it pauses, is on hold, or ends."""
    return [_finish(contract, timer, at=at, by=by) for timer in list(contract.running_timers)]


def stop_those_of(contract: Contract, membership: Membership, *, at: datetime, by: Actor) -> None:
    """Stop one person's timer on an entered contract."""
    for timer in list(contract.running_timers):
        if timer.membership_id == membership.pk:
            _finish(contract, timer, at=at, by=by)


def run_out(contract: Contract, now: datetime) -> None:
    """Stop the timers of an entered contract whose 12 hours are over, at that moment."""
    for timer in list(contract.running_timers):
        if timer.runs_out_at <= now:
            _finish(contract, timer, at=timer.runs_out_at, by=PLATFORM)
            notices.timer_ran_out(contract, timer)


def running_of(membership: Membership) -> Timer | None:
    """The timer that this person runs, on whatever contract; one query."""
    found: Timer | None = (
        Timer.objects.filter(person=membership.user_id, stopped_at=None)
        .select_related("contract")
        .first()
    )
    return found


def counted(timer: Timer, now: datetime) -> int:
    """The minutes that a running timer would count if it stopped now."""
    return weeks.minutes_between(
        *weeks.whole_segments(timer.started_at, min(now, timer.runs_out_at))
    )


def _start(contract: Contract, *, memo: str, by: Actor) -> Timer:
    diary.lock_person(by.as_member)
    contract = transitions.enter(contract)
    rules.refuse(rules.talent_records(contract, by))
    diary.refuse_unassigned(contract, by)
    running = running_of(by.as_member)
    if running is not None:
        where = "" if running.contract_id == contract.pk else f" on {running.contract.title}"
        raise Overtaken(f"Your timer is running already{where}.")
    now = clock.now()
    positions.touch(contract, now=now)
    return Timer.objects.create(
        contract=contract,
        membership=by.as_member,
        person_id=by.as_member.user_id,
        memo=memo,
        started_at=now,
        runs_out_at=now + policy.LONGEST_TIMER,
    )


def _over(contract: Contract, person_id: int) -> str:
    """Why there is nothing to stop: somebody, or the clock, was faster."""
    timers = contract.timers.filter(person=person_id).exclude(stopped_at=None)
    last = timers.order_by("stopped_at").last()
    if last is None:
        return "Your timer is not running on this contract."
    assert last.stopped_at is not None
    assert last.minutes is not None
    return (
        f"Your timer stopped at {diary.utc(last.stopped_at)} UTC"
        f" and recorded {moments.hours(last.minutes)}."
    )


def _finish(contract: Contract, timer: Timer, *, at: datetime, by: Actor) -> Timer:
    first, last = weeks.whole_segments(timer.started_at, min(at, timer.runs_out_at))
    diary.record(contract, timer.membership, StretchKind.TIMER, first, last, memo=timer.memo, by=by)
    timer.stopped_at = min(at, timer.runs_out_at)
    timer.minutes = weeks.minutes_between(first, last)
    timer.save(update_fields=["memo", "stopped_at", "minutes"])
    contract.running_timers.remove(timer)
    return timer
