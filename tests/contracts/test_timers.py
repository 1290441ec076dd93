"""Timers: whole segments count, nobody runs two, and the clock stops them after twelve hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contracts import assignments, billing, terms, timers
from contracts.models import Contract, Timer
from contracts.states import Side, StretchKind, WeekState
from marketplace import clock, sweeping
from marketplace.actors import Actor
from marketplace.models import Notice
from marketplace.notices import text_of
from marketplace.refusals import NotYours, Overtaken
from payments.gateways import sandbox
from tests.factories import (
    NOON,
    AgencyFactory,
    MembershipFactory,
    StaffFactory,
    actor,
    ended,
    hourly,
    member_of,
    owner_of,
    recorded,
)
from tests.support.asserting import assert_audit_clean, refused

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
NEXT_MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def begun(**values) -> Contract:
    with clock.at(datetime(2026, 11, 2, 8, tzinfo=UTC)):
        return hourly(**values)


def start(contract: Contract, at: datetime = NOON, *, by: Actor | None = None, memo="") -> Timer:
    with clock.at(at):
        return timers.start(contract, memo=memo, by=by or owner_of(contract.talent))


def stop(contract: Contract, at: datetime, *, by: Actor | None = None, memo=None) -> Timer:
    with clock.at(at):
        return timers.stop(contract, memo=memo, by=by or owner_of(contract.talent))


def spans(contract: Contract) -> list[str]:
    return [f"{one.starts_at:%d %H:%M}–{one.ends_at:%d %H:%M}" for one in contract.stretches.all()]


# What counts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "minutes"),
    [
        (timedelta(0), 10 * MINUTE, 10),
        (timedelta(0), 10 * MINUTE - SECOND, 0),
        (SECOND, 10 * MINUTE, 0),
        (SECOND, 20 * MINUTE, 10),
        (7 * MINUTE, 29 * MINUTE, 10),
        (-10 * MINUTE, 19 * MINUTE, 20),
        (timedelta(0), timedelta(0), 0),
    ],
)
def test_whole_segments_between_start_and_stop_count(first, last, minutes):
    contract = begun()
    start(contract, NOON + first)

    timer = stop(contract, NOON + last)

    assert timer.minutes == minutes
    assert sum(one.minutes for one in contract.stretches.all()) == minutes
    assert sum(one.minutes for one in contract.weeks.all()) == minutes


def test_stopped_timer_is_recorded_time_with_its_memo():
    contract = begun()
    start(contract, memo="Review")

    stop(contract, NOON + HOUR)

    stretch = contract.stretches.get()
    assert (stretch.kind, stretch.memo, stretch.minutes) == (StretchKind.TIMER, "Review", 60)
    assert_audit_clean()


def test_memo_may_be_said_when_it_stops():
    contract = begun()
    start(contract, memo="Something")

    timer = stop(contract, NOON + HOUR, memo="What it was")

    assert timer.memo == contract.stretches.get().memo == "What it was"


def test_timer_over_midnight_is_cut_there():
    contract = begun()
    start(contract, MONDAY + 23 * HOUR)

    stop(contract, MONDAY + 25 * HOUR)

    assert spans(contract) == ["16 23:00–17 00:00", "17 00:00–17 01:00"]


def test_timer_over_sunday_midnight_counts_in_two_weeks():
    contract = begun()
    start(contract, NEXT_MONDAY - 25 * MINUTE)

    stop(contract, NEXT_MONDAY + 15 * MINUTE)

    assert [(one.starts_on.day, one.minutes) for one in contract.weeks.all()] == [
        (16, 20),
        (23, 10),
    ]
    assert_audit_clean()


def test_timer_that_stops_at_sunday_midnight_makes_no_new_week():
    contract = begun()
    start(contract, NEXT_MONDAY - HOUR)

    stop(contract, NEXT_MONDAY)

    assert [(one.starts_on.day, one.minutes) for one in contract.weeks.all()] == [(16, 60)]


def test_manual_time_need_not_be_allowed():
    contract = begun(manual_time=False)
    start(contract)

    assert stop(contract, NOON + HOUR).minutes == 60


def test_running_timer_says_what_it_would_count():
    contract = begun()
    timer = start(contract, NOON + MINUTE)

    assert timers.counted(timer, NOON + 19 * MINUTE) == 0
    assert timers.counted(timer, NOON + 20 * MINUTE) == 10
    assert timers.counted(timer, NOON + 40 * HOUR) == 710
    assert timers.running_of(owner_of(contract.talent).as_member) == timer


# Starting and stopping twice --------------------------------------------------------------------


def test_second_start_is_a_quiet_answer():
    contract = begun()
    other = begun(talent=contract.talent, title="Elsewhere")
    start(other)

    with refused(other, Overtaken, "Your timer is running already."):
        start(other)
    with refused(contract, Overtaken, "Your timer is running already on Elsewhere."):
        start(contract)

    assert Timer.objects.count() == 1


def test_second_stop_says_what_the_first_counted():
    contract = begun()
    start(contract)
    stop(contract, NOON + 25 * MINUTE)

    with refused(contract, Overtaken, "Your timer stopped at 12:25 UTC and recorded 20 min."):
        stop(contract, NOON + HOUR)


def test_stop_without_a_timer_says_so():
    contract = begun()
    start(begun(talent=contract.talent))

    with refused(contract, Overtaken, "Your timer is not running on this contract."):
        stop(contract, NOON + HOUR)


def test_people_of_an_agency_run_timers_side_by_side():
    contract = begun(talent=AgencyFactory())
    member = member_of(contract.talent)
    assignments.assign(contract, member.as_member, by=owner_of(contract.talent))
    start(contract)
    start(contract, by=member)

    stop(contract, NOON + HOUR, by=member)

    assert Timer.objects.filter(stopped_at=None).count() == 1
    assert contract.stretches.get().membership_id == member.membership_id


def test_client_support_and_unassigned_people_start_none():
    contract = begun(talent=AgencyFactory())

    with refused(contract, NotYours, f"Only {contract.talent.name} can do this."):
        start(contract, by=owner_of(contract.client))
    with refused(contract, NotYours, f"Only {contract.talent.name} can do this."):
        start(contract, by=Actor.support(StaffFactory()))
    with refused(contract, NotYours, "Only people who are assigned"):
        start(contract, by=member_of(contract.talent))
    with refused(contract, NotYours, f"Only {contract.talent.name} can do this."):
        stop(contract, NOON + HOUR, by=owner_of(contract.client))


# Stopped by something else ----------------------------------------------------------------------


def test_timer_runs_out_after_twelve_hours_and_its_person_is_told():
    contract = begun()
    start(contract)

    sweeping.run(as_of=NOON + 12 * HOUR)

    timer = Timer.objects.get()
    assert (timer.stopped_at, timer.minutes) == (NOON + 12 * HOUR, 720)
    assert spans(contract) == ["19 12:00–20 00:00"]
    notice = Notice.objects.get(kind="contracts.timer_ran_out")
    assert notice.recipient == owner_of(contract.talent).user
    text = text_of(notice)
    assert text.title == f"Your timer on {contract.title} stopped itself"
    assert "It ran for 12 hours" in text.paragraphs[0]
    assert "recorded 12 h" in text.paragraphs[0]


def test_timer_is_running_until_the_last_moment():
    contract = begun()
    start(contract)

    sweeping.run(as_of=NOON + 12 * HOUR - SECOND)

    assert Timer.objects.get().stopped_at is None


def test_timer_that_ran_out_unseen_counts_twelve_hours_and_no_more():
    contract = begun()
    start(contract, NOON + MINUTE)

    with (
        clock.at(NOON + 20 * HOUR),
        pytest.raises(Overtaken, match="Your timer stopped at 00:01 UTC and recorded 11 h 50 min"),
    ):
        timers.stop(contract, by=owner_of(contract.talent))
    sweeping.run(as_of=NOON + 20 * HOUR)

    assert Timer.objects.get().minutes == 710


@pytest.mark.parametrize("elsewhere", [False, True])
def test_new_timer_starts_after_one_that_ran_out_unseen(elsewhere):
    contract = begun()
    first = begun(talent=contract.talent) if elsewhere else contract
    start(first)

    start(contract, NOON + 13 * HOUR)

    assert [one.minutes for one in Timer.objects.order_by("pk")] == [720, None]
    assert first.weeks.get().minutes == 720


def test_timer_of_sunday_night_runs_out_before_its_week_is_billed():
    contract = begun()
    start(contract, NEXT_MONDAY - SECOND)

    sweeping.run(as_of=NEXT_MONDAY + 15 * HOUR)

    assert [(one.starts_on.day, one.minutes, one.state) for one in contract.weeks.all()] == [
        (23, 710, WeekState.OPEN)
    ]
    start(contract, NEXT_MONDAY + 7 * 24 * HOUR - 30 * MINUTE)
    with clock.at(NEXT_MONDAY + 7 * 24 * HOUR + 13 * HOUR):
        billing.bill([contract.pk])
    assert [(one.starts_on.day, one.minutes, one.state) for one in contract.weeks.all()] == [
        (23, 740, WeekState.PAID),
        (30, 690, WeekState.OPEN),
    ]


def test_pause_stops_the_timer_and_counts_it():
    contract = begun()
    start(contract)

    with clock.at(NOON + 25 * MINUTE):
        terms.pause(contract, by=owner_of(contract.client))

    assert Timer.objects.get().minutes == 20
    with pytest.raises(Overtaken, match="The client has paused this contract"):
        start(contract, NOON + HOUR)


def test_hold_stops_the_timer_and_counts_it():
    contract = begun(method=sandbox.DECLINES)
    with clock.at(MONDAY - HOUR):
        recorded(contract, MONDAY - 2 * HOUR, 60)
    start(contract, MONDAY + 11 * HOUR)

    with clock.at(MONDAY + 12 * HOUR):
        billing.bill([contract.pk])

    assert Timer.objects.get().minutes == 60
    with pytest.raises(Overtaken, match="This contract is on hold"):
        start(contract, NOON)


@pytest.mark.parametrize("side", Side)
def test_end_stops_the_timer_and_counts_its_whole_segments(side):
    contract = begun()
    start(contract)

    with clock.at(NOON + 25 * MINUTE):
        ended(contract, side)

    assert Timer.objects.get().minutes == 20
    assert (contract.weeks.get().minutes, contract.weeks.get().state) == (20, WeekState.LOCKED)
    with pytest.raises(Overtaken, match="Your timer stopped at 12:25 UTC and recorded 20 min"):
        stop(contract, NOON + HOUR)


def test_release_stops_the_timer_and_counts_it():
    contract = begun(talent=AgencyFactory())
    member = member_of(contract.talent)
    assignments.assign(contract, member.as_member, by=owner_of(contract.talent))
    start(contract)
    start(contract, by=member)

    with clock.at(NOON + 10 * MINUTE):
        assignments.release(contract, member.as_member, by=owner_of(contract.talent))

    assert [one.minutes for one in Timer.objects.order_by("pk")] == [None, 10]


def test_person_with_two_parties_runs_one_timer():
    contract = begun(talent=AgencyFactory())
    own = MembershipFactory(user=owner_of(contract.talent).user, party__kind="freelancer")
    start(begun(talent=own.party, title="Own shop"), by=actor(own))

    with refused(contract, Overtaken, "Your timer is running already on Own shop."):
        start(contract)
