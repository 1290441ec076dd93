"""The Work Diary: adding, changing and deleting time.

Every write locks the person, then the contract: time of one person never overlaps, whatever the
contract or party, and an end locks the diary between two writes, never within one. New time belongs
to the current week; what is there can be tidied up until the week is billed, unless the contract
ended, then it is locked from that moment (S).
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from django.db import transaction
from django.db.models import F

from contracts import positions, rules, weeks
from contracts.models import Contract, Stretch, Timer, Week
from contracts.states import StretchKind
from marketplace import clock, locks, once, transitions
from marketplace.actors import Actor
from marketplace.models import Membership, User
from marketplace.models.history import Rank
from marketplace.refusals import InvalidInput, NotYours, Overtaken


def add(
    contract: Contract,
    *,
    starts_at: datetime,
    ends_at: datetime,
    memo: str,
    key: str,
    by: Actor,
) -> Stretch:
    """Add manual time in the current week.

    Args:
        starts_at: the start of a segment.
        ends_at: the end of a segment of the same UTC day, not in the future.
        memo: what was done; may be empty.
        key: the form's key; the same form again gives the first stretch.

    Raises:
        NotYours: not one of the talent's people who are assigned.
        Overtaken: no time is recorded now: paused, on hold, ended, or no manual time allowed.
        InvalidInput: on ``day``, ``starts`` or ``ends``: no whole segments, not over yet, before
            the contract, not in the current week, or across other time of this person.
    """
    rules.refuse(rules.of_talent(contract, by))
    let_timers_run_out(by.as_member.user_id, but=contract)
    with transaction.atomic():
        lock_person(by.as_member)
        contract = transitions.enter(contract)
        earlier = once.claim(
            key,
            stretch_of=contract.pk,
            starts=starts_at,
            ends=ends_at,
            memo=memo,
            by=by.membership_id,
        )
        if earlier is not None:
            return _written_before(contract, earlier.result)
        stretch = _add(contract, starts_at, ends_at, memo=memo, by=by)
        once.keep(key, stretch.pk)
    return stretch


def change(
    stretch: Stretch, *, starts_at: datetime, ends_at: datetime, memo: str, by: Actor
) -> Stretch:
    """Change a memo, or the range of manual time within its week, while the week is open.

    Raises:
        NotYours: neither who recorded it nor an owner or manager of the talent.
        Overtaken: the week is locked, or the stretch was deleted meanwhile, or what is more than
            before would be new time that the contract does not take now.
        InvalidInput: as :func:`add`; a timer's range does not change.
    """
    let_timers_run_out(stretch.person_id, but=stretch.contract)
    with transaction.atomic():
        stretch = _enter(stretch, by)
        if (starts_at, ends_at) != (stretch.starts_at, stretch.ends_at):
            _move(stretch, starts_at, ends_at, by=by)
        stretch.memo = memo
        stretch.save(update_fields=["starts_at", "ends_at", "memo"])
        positions.touch(stretch.contract, now=clock.now())
    return stretch


@transaction.atomic
def remove(stretch: Stretch, *, by: Actor) -> None:
    """Delete recorded or manual time while its week is open; it is then not billed.

    Raises:
        NotYours, Overtaken: as :func:`change`.
    """
    stretch = _enter(stretch, by)
    _count(stretch.week, -stretch.minutes)
    stretch.delete()
    positions.touch(stretch.contract, now=clock.now())


def record(
    contract: Contract,
    membership: Membership,
    kind: StretchKind,
    start: datetime,
    stop: datetime,
    *,
    memo: str,
    by: Actor,
) -> list[Stretch]:
    """Write whole segments down, cut at midnight UTC, and count them in their weeks.

    Called by what has locked the person or holds a timer, on an entered contract whose weeks of
    that time are open.
    """
    now = clock.now()
    recorded = [
        Stretch(
            contract=contract,
            week=_week(contract, weeks.week_of(first), by=by),
            membership=membership,
            person_id=membership.user_id,
            kind=kind,
            starts_at=first,
            ends_at=last,
            memo=memo,
            recorded_at=now,
        )
        for first, last in weeks.by_day(start, stop)
    ]
    for stretch in recorded:
        stretch.save(force_insert=True)
        _count(stretch.week, stretch.minutes)
    if by.is_platform:
        positions.touch_again(contract)
    else:
        positions.touch(contract, now=now)
    return recorded


def utc(moment: datetime) -> str:
    """A time of day as the diary shows it."""
    return f"{moment.astimezone(UTC):%H:%M}"


def let_timers_run_out(person_id: int, *, but: Contract) -> None:
    """A timer of this person on another contract that is over has stopped, sweep or no sweep.

    In a transaction of its own, since only one contract is locked at a time.
    """
    others = Timer.objects.filter(person=person_id, stopped_at=None).exclude(contract=but)
    over = others.filter(runs_out_at__lte=clock.now()).select_related("contract").first()
    if over is not None:
        with transaction.atomic():
            transitions.enter(over.contract)


def lock_person(membership: Membership) -> User:
    """The lock under which one person's time is looked through for overlap."""
    return locks.row(User.objects.filter(pk=membership.user_id), Rank.PERSON)


def is_assigned(contract: Contract, actor: Actor) -> bool:
    """Whether this person works on the contract; one query."""
    return contract.assignments.filter(membership=actor.membership, until=None).exists()


def refuse_unassigned(contract: Contract, actor: Actor) -> None:
    """Time is recorded by assigned people alone.

    Raises:
        NotYours: this person is not one.
    """
    if not is_assigned(contract, actor):
        raise NotYours(rules.not_assigned(contract))


def refuse_locked(week: Week | None) -> None:
    """A week is tidied up until Monday 12:00 after it, whether or not it was billed by then.

    Args:
        week: None when it is settled long since.

    Raises:
        Overtaken: it is too late.
    """
    if week is None or not week.is_open or week.bills_at <= clock.now():
        raise Overtaken(
            "This week is locked: it was billed on Monday, and nothing in it can be changed."
        )


def _add(
    contract: Contract, starts_at: datetime, ends_at: datetime, *, memo: str, by: Actor
) -> Stretch:
    rules.refuse(rules.records_by_hand(contract, by))
    refuse_unassigned(contract, by)
    now = clock.now()
    _check_range(contract, starts_at, ends_at, now)
    if weeks.week_of(starts_at) != weeks.week_of(now):
        raise InvalidInput("New time can be added in the current week only.", field="day")
    _refuse_overlap(contract, by.as_member.user_id, starts_at, ends_at, by=by)
    (stretch,) = record(
        contract, by.as_member, StretchKind.MANUAL, starts_at, ends_at, memo=memo, by=by
    )
    return stretch


def _written_before(contract: Contract, pk: str) -> Stretch:
    """What came of a form that is sent a second time."""
    found: Stretch | None = contract.stretches.filter(pk=pk).first()
    if found is None:
        raise Overtaken("This time was added before, and deleted since.")
    return found


def _enter(stretch: Stretch, by: Actor) -> Stretch:
    """Lock the person and the contract, read the stretch again, and ask whether it may change."""
    lock_person(stretch.membership)
    contract = transitions.enter(stretch.contract)
    found = contract.stretches.filter(pk=stretch.pk).select_related("membership").first()
    if found is None:
        raise Overtaken("This time was deleted meanwhile.")
    found.contract = contract
    rules.refuse(rules.tidies(found, by))
    week = next((one for one in contract.open_weeks if one.pk == found.week_id), None)
    refuse_locked(week)
    assert week is not None
    found.week = week
    return found


def _move(stretch: Stretch, starts_at: datetime, ends_at: datetime, *, by: Actor) -> None:
    contract = stretch.contract
    if not stretch.is_manual:
        raise InvalidInput("Recorded time cannot be moved. Delete it instead.", field="starts")
    if starts_at < stretch.starts_at or ends_at > stretch.ends_at:
        rules.refuse(rules.records_by_hand(contract, by))
    _check_range(contract, starts_at, ends_at, clock.now())
    if weeks.week_of(starts_at) != stretch.week.starts_on:
        raise InvalidInput("Choose a day of the same week.", field="day")
    _refuse_overlap(contract, stretch.person_id, starts_at, ends_at, but=stretch, by=by)
    before = stretch.minutes
    stretch.starts_at, stretch.ends_at = starts_at, ends_at
    _count(stretch.week, stretch.minutes - before)


def _check_range(contract: Contract, start: datetime, stop: datetime, now: datetime) -> None:
    if not (weeks.is_on_a_segment(start) and weeks.is_on_a_segment(stop)):
        raise InvalidInput("Choose times in steps of ten minutes.", field="starts")
    if stop <= start:
        raise InvalidInput("Choose an end after the start.", field="ends")
    if len(list(weeks.by_day(start, stop))) > 1:
        raise InvalidInput("Add each day by itself; days change at 00:00 UTC.", field="ends")
    if stop > now:
        raise InvalidInput(f"This time is not over yet: it is {utc(now)} UTC now.", field="ends")
    assert contract.answered_at is not None
    if start < contract.answered_at:
        raise InvalidInput("This time is before the contract began.", field="starts")


def _refuse_overlap(
    contract: Contract,
    person_id: int,
    start: datetime,
    stop: datetime,
    *,
    by: Actor,
    but: Stretch | None = None,
) -> None:
    """No time of the person overlaps, under the person's lock.

    Running timers are read first: one that stops meanwhile is then seen as its stretch.
    """
    running = Timer.objects.filter(person=person_id, stopped_at=None, started_at__lt=stop)
    if running.exists():
        raise InvalidInput(
            f"A timer is running since before {utc(stop)} UTC. Stop it first.", field="ends"
        )
    others = Stretch.objects.filter(person=person_id, starts_at__lt=stop, ends_at__gt=start)
    if but is not None:
        others = others.exclude(pk=but.pk)
    other = others.select_related("contract", "person").order_by("starts_at").first()
    if other is not None:
        raise InvalidInput(_overlap(other, contract, by), field="starts")


def _overlap(other: Stretch, contract: Contract, by: Actor) -> str:
    """What is in the way; of other parties' contracts only the person themself learns which."""
    own = other.person_id == by.as_member.user_id
    if not own and other.contract.talent_id != contract.talent_id:
        return f"This overlaps other time of {other.person.name}."
    span = f"{utc(other.starts_at)}–{utc(other.ends_at)} UTC"
    where = "" if other.contract_id == contract.pk else f" on {other.contract.title}"
    return f"This overlaps {span}{where}."


def _week(contract: Contract, monday: date, *, by: Actor) -> Week:
    """The open week of an entered contract, made with its first time."""
    for week in contract.open_weeks:
        if week.starts_on == monday:
            return week
    week = Week(
        contract=contract,
        starts_on=monday,
        currency=contract.currency,
        bills_at=weeks.bills_at(monday),
    )
    week.save(force_insert=True)
    transitions.created(week, by=by)
    contract.open_weeks.append(week)
    return week


def _count(week: Week, minutes: int) -> None:
    """Keep the week's sum; its row is locked with the contract."""
    week.minutes += minutes
    Week.objects.filter(pk=week.pk).update(minutes=F("minutes") + minutes)
