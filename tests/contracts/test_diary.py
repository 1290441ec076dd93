"""The Work Diary: which time can be written down, changed and deleted, and until when."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import assignments, billing, diary, terms, timers
from contracts.models import Contract, Stretch, Timer, Week
from contracts.states import Side, StretchKind, WeekState
from marketplace import clock
from marketplace.actors import Actor
from marketplace.refusals import InvalidInput, KeyReused, NotYours, Overtaken, Refused
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
    timed,
)
from tests.support.asserting import assert_audit_clean, refused

pytestmark = pytest.mark.django_db

THURSDAY = NOON.replace(hour=0)
MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
NEXT_MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def begun(**values) -> Contract:
    """An hourly contract since Monday 2 November."""
    with clock.at(datetime(2026, 11, 2, 8, tzinfo=UTC)):
        return hourly(**values)


def add(
    contract: Contract, start: datetime, stop: datetime, *, by=None, key="", memo=""
) -> Stretch:
    by = by or owner_of(contract.talent)
    return diary.add(contract, starts_at=start, ends_at=stop, memo=memo, key=key, by=by)


def change(stretch: Stretch, start=None, stop=None, *, memo="", by=None) -> Stretch:
    return diary.change(
        stretch,
        starts_at=start or stretch.starts_at,
        ends_at=stop or stretch.ends_at,
        memo=memo,
        by=by or owner_of(stretch.contract.talent),
    )


def spans(contract: Contract) -> list[str]:
    return [f"{one.starts_at:%d %H:%M}–{one.ends_at:%d %H:%M}" for one in contract.stretches.all()]


def agency() -> tuple[Contract, Actor, Actor]:
    """A contract of an agency, and two members who work on it."""
    contract = begun(talent=AgencyFactory())
    first, second = member_of(contract.talent), member_of(contract.talent)
    for one in (first, second):
        assignments.assign(contract, one.as_member, by=owner_of(contract.talent))
    return contract, first, second


# Adding -----------------------------------------------------------------------------------------


def test_manual_time_is_written_down_and_counted_in_its_week():
    contract = begun()

    stretch = add(contract, NOON - HOUR, NOON, memo="Schema review")

    week = contract.weeks.get()
    assert (stretch.kind, stretch.minutes, stretch.memo) == (
        StretchKind.MANUAL,
        60,
        "Schema review",
    )
    assert stretch.recorded_at == NOON
    assert stretch.person_id == owner_of(contract.talent).as_member.user_id
    assert (week.starts_on, week.minutes, week.state) == (MONDAY.date(), 60, WeekState.OPEN)
    assert week.bills_at == NEXT_MONDAY + 12 * HOUR
    assert_audit_clean()


def test_week_is_made_once_and_sums_what_is_added():
    contract = begun()

    add(contract, MONDAY, MONDAY + HOUR)
    add(contract, MONDAY + HOUR, MONDAY + HOUR + 10 * MINUTE)

    assert contract.weeks.get().minutes == 70


def test_time_that_ends_now_can_be_added_and_later_time_cannot():
    contract = begun()
    add(contract, NOON - 10 * MINUTE, NOON)

    sentence = "This time is not over yet: it is 12:00 UTC now."
    with refused(contract, InvalidInput, sentence) as caught:
        add(contract, NOON, NOON + 10 * MINUTE)

    assert caught.value.field == "ends"


@pytest.mark.parametrize(
    ("start", "stop", "sentence", "field"),
    [
        (NOON - 5 * MINUTE, NOON, "steps of ten minutes", "starts"),
        (NOON - 20 * MINUTE, NOON - 11 * MINUTE, "steps of ten minutes", "starts"),
        (NOON - HOUR, NOON - HOUR, "an end after the start", "ends"),
        (NOON, NOON - HOUR, "an end after the start", "ends"),
        (THURSDAY - HOUR, THURSDAY + HOUR, "Add each day by itself", "ends"),
        (MONDAY - HOUR, MONDAY, "in the current week only", "day"),
        (MONDAY - HOUR, MONDAY + HOUR, "Add each day by itself", "ends"),
    ],
)
def test_impossible_range_is_refused_at_its_field(start, stop, sentence, field):
    contract = begun()

    with refused(contract, InvalidInput, sentence) as caught:
        add(contract, start, stop)

    assert caught.value.field == field


@pytest.mark.parametrize("at", [MONDAY, NEXT_MONDAY - timedelta(microseconds=1)])
def test_first_segment_of_the_week_can_be_added_until_sunday_midnight(at):
    contract = begun()

    with clock.at(max(at, MONDAY + 10 * MINUTE)):
        add(contract, MONDAY, MONDAY + 10 * MINUTE)

    assert contract.weeks.get().minutes == 10


def test_last_segment_of_sunday_is_past_at_monday_midnight():
    contract = begun()
    last = NEXT_MONDAY - 10 * MINUTE

    with (
        clock.at(NEXT_MONDAY),
        refused(contract, InvalidInput, "New time can be added in the current week only."),
    ):
        add(contract, last, NEXT_MONDAY)


def test_day_can_be_added_up_to_its_midnight():
    contract = begun()

    stretch = add(contract, THURSDAY - HOUR, THURSDAY)

    assert stretch.minutes == 60
    assert spans(contract) == ["18 23:00–19 00:00"]


def test_time_before_the_contract_began_is_refused_to_the_second():
    with clock.at(NOON - HOUR + timedelta(seconds=1)):
        contract = hourly()

    with refused(contract, InvalidInput, "before the contract began"):
        add(contract, NOON - HOUR, NOON)
    add(contract, NOON - HOUR + 10 * MINUTE, NOON)

    assert contract.weeks.get().minutes == 50


def test_time_is_counted_by_utc_days_whatever_the_readers_zone():
    contract = begun()
    start = MONDAY + 10 * MINUTE

    add(contract, start.astimezone(), start.astimezone() + HOUR)

    assert spans(contract) == ["16 00:10–16 01:10"]


# Overlap ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "stop"),
    [(-60, 10), (0, 60), (10, 20), (50, 70), (-10, 70)],
)
def test_overlap_with_own_time_is_refused(start, stop):
    contract = begun()
    add(contract, MONDAY + 9 * HOUR, MONDAY + 10 * HOUR)
    nine = MONDAY + 9 * HOUR

    with refused(contract, InvalidInput, "This overlaps 09:00–10:00 UTC.") as caught:
        add(contract, nine + start * MINUTE, nine + stop * MINUTE)

    assert caught.value.field == "starts"


def test_time_beside_own_time_is_no_overlap():
    contract = begun()
    nine = MONDAY + 9 * HOUR
    add(contract, nine, nine + HOUR)

    add(contract, nine - HOUR, nine)
    add(contract, nine + HOUR, nine + 2 * HOUR)

    assert contract.weeks.get().minutes == 180


def test_time_of_one_person_does_not_overlap_over_contracts_and_parties():
    contract, first, _ = agency()
    own = MembershipFactory(user=first.user, party__kind="freelancer", party__name="Alone")
    alone = begun(talent=own.party, title="Own shop")
    add(alone, NOON - HOUR, NOON, by=actor(own))

    with refused(contract, InvalidInput, "This overlaps 11:00–12:00 UTC on Own shop."):
        add(contract, NOON - 10 * MINUTE, NOON, by=first)


def test_manager_is_not_told_where_else_somebody_works():
    contract, first, _ = agency()
    stretch = add(contract, NOON - 3 * HOUR, NOON - 2 * HOUR, by=first)
    own = MembershipFactory(user=first.user, party__kind="freelancer")
    add(begun(talent=own.party, title="Secret"), NOON - HOUR, NOON, by=actor(own))

    with refused(contract, InvalidInput, "This overlaps other time of") as caught:
        change(stretch, stop=NOON - 30 * MINUTE)

    assert "Secret" not in caught.value.sentence
    assert "11:00" not in caught.value.sentence


def test_two_people_may_work_at_the_same_time():
    contract, first, second = agency()

    add(contract, NOON - HOUR, NOON, by=first)
    add(contract, NOON - HOUR, NOON, by=second)

    assert contract.weeks.get().minutes == 120


def test_running_timer_is_in_the_way_from_its_start():
    contract = begun()
    with clock.at(NOON - 15 * MINUTE):
        timers.start(contract, by=owner_of(contract.talent))

    with refused(contract, InvalidInput, "A timer is running since before 12:00 UTC."):
        add(contract, NOON - 20 * MINUTE, NOON)
    add(contract, NOON - 30 * MINUTE, NOON - 20 * MINUTE)

    assert contract.weeks.get().minutes == 10


def test_timer_of_another_contract_that_ran_out_is_no_longer_in_the_way():
    contract = begun()
    other = begun(talent=contract.talent)
    with clock.at(NOON - 13 * HOUR):
        timers.start(other, by=owner_of(contract.talent))

    add(contract, NOON - HOUR, NOON)
    with pytest.raises(InvalidInput, match="This overlaps 00:00–11:00 UTC on"):
        add(contract, NOON - 2 * HOUR, NOON - HOUR)

    assert Timer.objects.get().minutes == 720
    assert [one.minutes for one in other.stretches.all()] == [60, 660]


# Who, and when not ------------------------------------------------------------------------------


def test_client_support_and_unassigned_people_cannot_record():
    contract, _, _ = agency()

    with refused(contract, NotYours, f"Only {contract.talent.name} can do this."):
        add(contract, NOON - HOUR, NOON, by=owner_of(contract.client))
    with refused(contract, NotYours, f"Only {contract.talent.name} can do this."):
        add(contract, NOON - HOUR, NOON, by=Actor.support(StaffFactory()))
    with refused(contract, NotYours, "Only people who are assigned to this contract"):
        add(contract, NOON - HOUR, NOON, by=member_of(contract.talent))


def test_released_person_cannot_record_any_more():
    contract, first, _ = agency()
    assignments.release(contract, first.as_member, by=owner_of(contract.talent))

    with refused(contract, NotYours, "Only people who are assigned"):
        add(contract, NOON - HOUR, NOON, by=first)


def test_manual_time_needs_the_clients_permission():
    contract = begun(manual_time=False)

    with refused(contract, Overtaken, "The client does not allow manual time"):
        add(contract, NOON - HOUR, NOON)


def test_paused_contract_takes_no_time_and_restarted_does():
    contract = begun()
    terms.pause(contract, by=owner_of(contract.client))

    with refused(contract, Overtaken, "The client has paused this contract."):
        add(contract, NOON - HOUR, NOON)

    terms.restart(contract, by=owner_of(contract.client))
    add(contract, NOON - HOUR, NOON)
    assert contract.weeks.get().minutes == 60


def test_contract_on_hold_takes_no_time():
    contract = on_hold()

    with refused(contract, Overtaken, "This contract is on hold."):
        add(contract, NOON - HOUR, NOON)


def on_hold() -> Contract:
    """A contract whose charge for last week was declined on Monday."""
    contract = begun(method=sandbox.DECLINES)
    with clock.at(MONDAY - HOUR):
        add(contract, MONDAY - 2 * HOUR, MONDAY - HOUR)
    with clock.at(MONDAY + 12 * HOUR):
        billing.bill([contract.pk])
    contract.refresh_from_db()
    assert contract.hold_since is not None
    return contract


# Forms sent twice -------------------------------------------------------------------------------


def test_same_form_again_gives_the_first_stretch():
    contract = begun()

    first = add(contract, NOON - HOUR, NOON, key="k")
    again = add(contract, NOON - HOUR, NOON, key="k")

    assert first == again
    assert contract.weeks.get().minutes == 60


def test_same_key_with_other_times_is_refused():
    contract = begun()
    add(contract, NOON - HOUR, NOON, key="k")

    with refused(contract, KeyReused, "This form was sent before with other values."):
        add(contract, NOON - 2 * HOUR, NOON - HOUR, key="k")


def test_same_form_again_after_its_time_was_deleted_adds_nothing():
    contract = begun()
    diary.remove(add(contract, NOON - HOUR, NOON, key="k"), by=owner_of(contract.talent))

    with refused(contract, Overtaken, "This time was added before, and deleted since."):
        add(contract, NOON - HOUR, NOON, key="k")


def test_refused_form_can_be_sent_again():
    contract = begun()
    with pytest.raises(InvalidInput):
        add(contract, NOON - HOUR, NOON + HOUR, key="k")

    add(contract, NOON - HOUR, NOON, key="k")

    assert contract.weeks.get().minutes == 60


# Changing and deleting --------------------------------------------------------------------------


def test_changed_range_changes_the_weeks_sum():
    contract = begun()
    stretch = add(contract, NOON - HOUR, NOON, memo="Call")

    change(stretch, NOON - 3 * HOUR, NOON - HOUR, memo="Long call")

    stretch.refresh_from_db()
    assert (spans(contract), stretch.memo) == (["19 09:00–19 11:00"], "Long call")
    assert contract.weeks.get().minutes == 120


def test_time_can_move_to_another_day_of_its_week_but_not_out_of_it():
    contract = begun()
    stretch = add(contract, NOON - HOUR, NOON)

    change(stretch, MONDAY, MONDAY + HOUR)
    stretch.refresh_from_db()
    with refused(contract, InvalidInput, "Choose a day of the same week.") as caught:
        change(stretch, MONDAY - HOUR, MONDAY)

    assert caught.value.field == "day"
    assert spans(contract) == ["16 00:00–16 01:00"]


def test_changed_time_may_overlap_its_own_old_range_and_no_other():
    contract = begun()
    stretch = add(contract, NOON - HOUR, NOON)
    add(contract, NOON - 3 * HOUR, NOON - 2 * HOUR)

    with refused(contract, InvalidInput, "This overlaps 09:00–10:00 UTC."):
        change(stretch, NOON - 150 * MINUTE, NOON)
    change(stretch, NOON - 2 * HOUR, NOON - 30 * MINUTE)

    assert contract.weeks.get().minutes == 150


def test_recorded_time_keeps_its_range_but_not_its_memo():
    contract = begun()
    timed(contract, NOON - HOUR, 60)
    stretch = contract.stretches.get()

    with refused(contract, InvalidInput, "Recorded time cannot be moved. Delete it instead."):
        change(stretch, NOON - HOUR, NOON - 10 * MINUTE)
    change(stretch, memo="Review")

    stretch.refresh_from_db()
    assert (stretch.minutes, stretch.memo) == (60, "Review")


def test_deleted_time_is_no_longer_counted():
    contract = begun()
    stretch = add(contract, NOON - HOUR, NOON)
    add(contract, NOON - 2 * HOUR, NOON - HOUR)

    diary.remove(stretch, by=owner_of(contract.talent))

    assert contract.weeks.get().minutes == 60
    assert spans(contract) == ["19 10:00–19 11:00"]
    assert_audit_clean()


def test_time_deleted_meanwhile_is_a_quiet_answer():
    contract = begun()
    stretch = add(contract, NOON - HOUR, NOON)
    gone = Stretch.objects.get(pk=stretch.pk)
    gone.contract = contract
    diary.remove(stretch, by=owner_of(contract.talent))

    with refused(contract, Overtaken, "This time was deleted meanwhile."):
        diary.remove(gone, by=owner_of(contract.talent))
    with refused(contract, Overtaken, "This time was deleted meanwhile."):
        change(gone, memo="x")


def test_own_time_and_everybodys_by_managers_can_be_tidied():
    contract, first, second = agency()
    stretch = add(contract, NOON - HOUR, NOON, by=first)

    with refused(contract, NotYours, "Only who recorded this time, or an owner or manager"):
        change(stretch, memo="Not mine", by=second)
    with refused(contract, NotYours, f"Only {contract.talent.name} can do this."):
        diary.remove(stretch, by=owner_of(contract.client))
    change(stretch, memo="Mine", by=first)
    change(stretch, memo="My team's", by=owner_of(contract.talent))

    stretch.refresh_from_db()
    assert stretch.memo == "My team's"
    assert stretch.membership_id == first.membership_id


@pytest.mark.parametrize("stopped", ["paused", "no manual time"])
def test_time_can_get_less_but_not_more_while_no_time_is_taken(stopped):
    contract = begun()
    stretch = add(contract, NOON - HOUR, NOON - 10 * MINUTE)
    if stopped == "paused":
        terms.pause(contract, by=owner_of(contract.client))
    else:
        Contract.objects.update(manual_time=False)
    contract.refresh_from_db()

    with refused(contract, Overtaken, ""):
        change(stretch, NOON - HOUR, NOON)
    with refused(contract, Overtaken, ""):
        change(stretch, NOON - 2 * HOUR, NOON - HOUR)
    change(stretch, NOON - HOUR, NOON - 30 * MINUTE, memo="Less")

    assert contract.weeks.get().minutes == 30


# Until when -------------------------------------------------------------------------------------

LAST_MOMENT = MONDAY + 12 * HOUR - timedelta(microseconds=1)


def past_week() -> Stretch:
    """An hour of Sunday 15 November, and one right before it."""
    contract = begun()
    with clock.at(MONDAY - HOUR):
        add(contract, MONDAY - 3 * HOUR, MONDAY - 2 * HOUR)
        return add(contract, MONDAY - 2 * HOUR, MONDAY - HOUR)


def test_past_week_can_be_tidied_up_until_monday_noon():
    stretch = past_week()

    with clock.at(LAST_MOMENT):
        change(stretch, MONDAY - 90 * MINUTE, MONDAY, memo="Tidied")

    assert (stretch.contract.weeks.get().minutes, spans(stretch.contract)[1]) == (
        150,
        "15 22:30–16 00:00",
    )
    with clock.at(LAST_MOMENT):
        diary.remove(Stretch.objects.get(pk=stretch.pk), by=owner_of(stretch.contract.talent))
    assert stretch.contract.weeks.get().minutes == 60


def test_past_week_is_locked_at_monday_noon_sweep_or_no_sweep():
    stretch = past_week()

    with clock.at(MONDAY + 12 * HOUR):
        with pytest.raises(Overtaken, match="This week is locked: it was billed on Monday"):
            change(stretch, memo="Too late")
        with pytest.raises(Overtaken, match="This week is locked"):
            diary.remove(stretch, by=owner_of(stretch.contract.talent))

    stretch.refresh_from_db()
    assert (stretch.memo, stretch.week.minutes) == ("", 120)


def test_time_of_the_past_week_cannot_move_into_the_new_one():
    stretch = past_week()

    with (
        clock.at(MONDAY + 2 * HOUR),
        refused(stretch.contract, InvalidInput, "Choose a day of the same week."),
    ):
        change(stretch, MONDAY, MONDAY + HOUR)


@pytest.mark.parametrize("side", Side)
def test_ended_contract_locks_everything_at_once(side):
    contract = begun()
    with clock.at(NOON - HOUR):
        stretch = add(contract, NOON - 2 * HOUR, NOON - HOUR)
    ended(contract, side)
    by = owner_of(contract.talent)

    for deed in (
        lambda: add(contract, NOON - HOUR, NOON),
        lambda: change(stretch, memo="Late"),
        lambda: diary.remove(stretch, by=by),
        lambda: timers.start(contract, by=by),
    ):
        with refused(contract, Overtaken, "The Work Diary is locked since the contract ended."):
            deed()

    assert contract.weeks.get().state == WeekState.LOCKED


# The sum of a week ------------------------------------------------------------------------------

DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "change", "change", "remove", "start", "stop", "pass"]),
        st.integers(0, 2),
        st.integers(1, 12),
        st.integers(1, 9),
    ),
    min_size=4,
    max_size=24,
)
"""What is done, to which contract and stretch, how many segments back, how many long."""


@given(DEEDS)
def test_week_is_the_sum_of_its_stretches_and_nobody_is_twice_at_once(deeds):
    now = MONDAY + timedelta(hours=1, minutes=57)
    contracts = [begun()]
    contracts.append(begun(talent=contracts[0].talent))
    by = owner_of(contracts[0].talent)
    for name, which, back, length in deeds:
        start = now.replace(minute=now.minute // 10 * 10, second=0) - back * 10 * MINUTE
        stop = start + length * 10 * MINUTE
        with clock.at(now), suppress(Refused):
            _do(name, contracts[which % 2], which, start, stop, by)
        now += length * 7 * MINUTE if name == "pass" else timedelta(seconds=length * 20)
    _check_sums()
    _check_overlaps()


def _do(name: str, contract: Contract, which: int, start, stop, by: Actor) -> None:
    if name == "add":
        add(contract, start, stop, by=by)
    elif name == "start":
        timers.start(contract, by=by)
    elif name == "stop":
        timers.stop(contract, by=by)
    stretch = contract.stretches.order_by("-pk")[which : which + 1].first()
    if stretch is not None and name == "change":
        change(stretch, start, stop, by=by)
    elif stretch is not None and name == "remove":
        diary.remove(stretch, by=by)


def _check_sums() -> None:
    for week in Week.objects.all():
        stretches = list(week.stretches.all())
        assert week.minutes == sum(one.minutes for one in stretches)
        for one in stretches:
            assert one.starts_at.minute % 10 == one.ends_at.minute % 10 == 0
            assert one.starts_at.date() == (one.ends_at - MINUTE).date()


def _check_overlaps() -> None:
    ends = None
    for one in Stretch.objects.order_by("person_id", "starts_at"):
        if ends is not None and ends[0] == one.person_id:
            assert ends[1] <= one.starts_at
        ends = (one.person_id, one.ends_at)
