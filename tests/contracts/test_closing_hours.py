"""Ending an hourly contract: the diary locks at that instant, and what it holds is billed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from contracts import closing, diary, terms, timers
from contracts.models import Contract, Stretch, Timer, Week
from contracts.plans import BillWeek, LockDiary, OpenFeedback, StaysOwed, StopTimers
from contracts.states import EndReason, Side, WeekState
from marketplace import clock, sweeping
from marketplace.actors import Actor
from marketplace.facts import freeze, thaw
from marketplace.models import Notice
from marketplace.refusals import FiguresChanged, InvalidInput, Overtaken
from payments.gateways import sandbox
from payments.models import Payment
from tests.factories import (
    NOON,
    StaffFactory,
    ended,
    hourly,
    money_of,
    owner_of,
    recorded,
    reread,
    seen,
    timed,
    usd,
)
from tests.support.asserting import assert_audit_clean, refused

pytestmark = pytest.mark.django_db

CLIENT, TALENT = Side.CLIENT, Side.TALENT
MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1, hours=8)
THIS_WEEK, NEXT_WEEK = date(2026, 11, 16), date(2026, 11, 23)
BILLED = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def begun(**values) -> Contract:
    """An hourly contract that began on Monday morning."""
    with clock.at(MONDAY):
        return hourly(**values)


def worked(minutes: int = 370, **values) -> Contract:
    """It is Thursday noon, and that much was recorded this week."""
    contract = begun(**values)
    recorded(contract, TUESDAY, minutes)
    return contract


def running(contract: Contract, since: datetime) -> Timer:
    with clock.at(since):
        return timers.start(contract, by=owner_of(contract.talent))


def read(contract: Contract) -> Contract:
    return Contract.objects.select_related("book__escrow_account", "client", "talent").get(
        pk=contract.pk
    )


def facts_of(contract: Contract) -> closing.Facts:
    return closing.facts_of(read(contract))


def weeks_of(contract: Contract) -> list[tuple]:
    """Each week's Monday, state, recorded minutes and what was invoiced."""
    return [
        (one.starts_on, one.state, one.minutes, one.amount) for one in contract.weeks.order_by("pk")
    ]


def figures_of(contract: Contract) -> list[tuple]:
    return [
        (one["week"], one["minutes"], one["amount"])
        for one in thaw(Contract.objects.get(pk=contract.pk).end_figures)["weeks"]
    ]


# The end itself ---------------------------------------------------------------------------------


@pytest.mark.parametrize("side", Side)
def test_end_locks_the_week_at_that_instant(side):
    contract = ended(worked(), side)

    week = contract.weeks.get()
    assert (week.state, week.locked_at, week.bills_at) == (WeekState.LOCKED, NOON, BILLED)
    assert figures_of(contract) == [(THIS_WEEK, 370, usd(370))]
    assert contract.history.latest("sequence").transition == "end"
    assert contract.version == contract.history.count()
    assert contract.checklist.count() == 8
    assert money_of(contract) == ("$0.00", "$0.00", "$0.00", "$0.00")
    assert_audit_clean()


def test_end_keeps_the_figures_that_were_carried_out():
    contract = worked(140, hours=2)

    contract = ended(contract, CLIENT, reason=EndReason.COMPLETED)

    assert contract.end_figures["weeks"] == freeze(
        [
            {
                "week": THIS_WEEK,
                "minutes": 120,
                "beyond": 20,
                "amount": usd(120),
                "receives": usd(108),
                "bills_at": BILLED,
            }
        ]
    )


@pytest.mark.parametrize("side", Side)
def test_end_by_support_is_the_end_of_a_side(side):
    contract = worked()

    contract = ended(contract, side, by=Actor.support(StaffFactory()))

    assert contract.ended_side == side
    assert weeks_of(contract) == [(THIS_WEEK, WeekState.LOCKED, 370, None)]
    assert_audit_clean()


@pytest.mark.parametrize("side", Side)
def test_both_sides_are_told_what_is_billed_and_when(side):
    ended(worked(), side)

    told = Notice.objects.filter(kind="contracts.contract_ended")
    assert len(told) == 2
    for one in told:
        (week,) = thaw(one.facts)["weeks"]
        assert (week["minutes"], week["amount"], week["bills_at"]) == (370, usd(370), BILLED)


def test_end_of_a_paused_contract_bills_what_was_recorded():
    contract = worked()
    terms.pause(contract, by=owner_of(contract.client))

    contract = ended(contract, TALENT)

    assert (contract.is_ended, contract.paused_at) == (True, None)
    assert settled(contract) == [(THIS_WEEK, WeekState.PAID, 370, usd(370))]


def test_end_without_any_time_bills_nothing():
    contract = begun()

    contract = ended(contract, CLIENT)

    assert (weeks_of(contract), figures_of(contract)) == ([], [])
    sweeping.run(as_of=BILLED)
    assert not Payment.objects.exists()
    assert_audit_clean()


def test_week_whose_time_was_deleted_locks_too_and_closes_as_nothing():
    contract = begun()
    stretch = recorded(contract, TUESDAY, 60)
    diary.remove(stretch, by=owner_of(contract.talent))

    contract = ended(contract, TALENT)

    assert weeks_of(contract) == [(THIS_WEEK, WeekState.LOCKED, 0, None)]
    assert figures_of(contract) == []
    assert settled(contract) == [(THIS_WEEK, WeekState.NOTHING, 0, None)]


def test_limit_that_waits_for_monday_does_not_matter():
    contract = worked(600)
    terms.set_limit(contract, hours=5, by=owner_of(contract.client))

    contract = ended(contract, CLIENT)

    assert settled(contract) == [(THIS_WEEK, WeekState.PAID, 600, usd(600))]


# After the end ----------------------------------------------------------------------------------


def try_to_add(contract: Contract) -> None:
    recorded(contract, TUESDAY + timedelta(days=1), 60)


def try_to_start(contract: Contract) -> None:
    timers.start(contract, by=owner_of(contract.talent))


def try_to_stop(contract: Contract) -> None:
    timers.stop(contract, by=owner_of(contract.talent))


def try_to_change_a_memo(contract: Contract) -> None:
    stretch = contract.stretches.get()
    by = owner_of(contract.talent)
    span = {"starts_at": stretch.starts_at, "ends_at": stretch.ends_at}
    diary.change(stretch, **span, memo="Better", by=by)


def try_to_move(contract: Contract) -> None:
    stretch = contract.stretches.get()
    by = owner_of(contract.talent)
    span = {"starts_at": stretch.starts_at - HOUR, "ends_at": stretch.ends_at - HOUR}
    diary.change(stretch, **span, memo="", by=by)


def try_to_delete(contract: Contract) -> None:
    diary.remove(contract.stretches.get(), by=owner_of(contract.talent))


def try_to_raise_the_limit(contract: Contract) -> None:
    terms.set_limit(contract, hours=40, by=owner_of(contract.client))


def try_to_pause(contract: Contract) -> None:
    terms.pause(contract, by=owner_of(contract.client))


def try_to_end(contract: Contract) -> None:
    ended(contract, TALENT)


@pytest.mark.parametrize("later", [timedelta(0), timedelta(days=4), timedelta(days=30)])
@pytest.mark.parametrize(
    "write",
    [
        try_to_add,
        try_to_start,
        try_to_stop,
        try_to_change_a_memo,
        try_to_move,
        try_to_delete,
        try_to_raise_the_limit,
        try_to_pause,
        try_to_end,
    ],
)
def test_every_write_after_the_end_is_refused_and_changes_nothing(write, later):
    contract = ended(worked(), CLIENT)

    with clock.at(NOON + later):
        sweeping.run(as_of=NOON + later)
        before = diary_of(contract)
        with refused(contract, Overtaken, ""):
            write(contract)

    assert diary_of(contract) == before


def diary_of(contract: Contract) -> list:
    return [
        list(model.objects.filter(contract=contract).order_by("pk").values())
        for model in (Stretch, Week, Timer)
    ]


# Timers -----------------------------------------------------------------------------------------


def test_running_timer_stops_and_its_whole_segments_count():
    contract = worked()
    timer = running(contract, NOON - timedelta(minutes=23))

    contract = ended(contract, CLIENT)

    timer.refresh_from_db()
    assert (timer.stopped_at, timer.minutes) == (NOON, 20)
    assert weeks_of(contract) == [(THIS_WEEK, WeekState.LOCKED, 390, None)]
    assert figures_of(contract) == [(THIS_WEEK, 390, usd(390))]
    assert settled(contract) == [(THIS_WEEK, WeekState.PAID, 390, usd(390))]


def test_timer_that_never_filled_a_segment_bills_nothing():
    contract = begun()
    running(contract, NOON - timedelta(minutes=9))

    contract = ended(contract, TALENT)

    assert (weeks_of(contract), Stretch.objects.count()) == ([], 0)
    assert figures_of(contract) == []


def test_timer_over_midnight_counts_on_both_days():
    contract = begun()
    midnight = MONDAY + timedelta(days=3)
    running(contract, midnight - timedelta(minutes=31))

    with clock.at(midnight + timedelta(minutes=42)):
        contract = ended(contract, TALENT)

    assert [one.minutes for one in contract.stretches.order_by("starts_at")] == [30, 40]
    assert figures_of(contract) == [(THIS_WEEK, 70, usd(70))]


def test_timer_over_sunday_midnight_counts_in_both_weeks_and_both_are_billed_at_noon():
    contract = begun()
    midnight = MONDAY + timedelta(days=7)
    running(contract, midnight - timedelta(minutes=31))

    with clock.at(midnight + timedelta(minutes=42)):
        contract = ended(contract, CLIENT)

    assert [one.bills_at for one in contract.weeks.all()] == [BILLED, BILLED]
    assert figures_of(contract) == [(THIS_WEEK, 30, usd(30)), (NEXT_WEEK, 40, usd(40))]
    assert settled(contract) == [
        (THIS_WEEK, WeekState.PAID, 30, usd(30)),
        (NEXT_WEEK, WeekState.PAID, 40, usd(40)),
    ]


def test_timer_whose_twelve_hours_are_over_has_stopped_before_the_end():
    contract = begun()
    start = NOON - timedelta(hours=14)
    running(contract, start)

    shown = facts_of(contract).hours
    contract = ended(contract, CLIENT)

    assert (shown.timers, [one.minutes for one in shown.weeks]) == ((), [720])
    assert Timer.objects.get().stopped_at == start + timedelta(hours=12)
    assert figures_of(contract) == [(THIS_WEEK, 720, usd(720))]


# Monday morning ---------------------------------------------------------------------------------


def test_end_on_a_monday_morning_locks_two_weeks_and_bills_both_at_noon():
    contract = worked()
    monday = MONDAY + timedelta(days=7)
    with clock.at(monday + timedelta(hours=9)):
        recorded(contract, monday + timedelta(hours=7), 90)
        contract = ended(contract, TALENT)

    assert [(one.state, one.bills_at) for one in contract.weeks.all()] == [
        (WeekState.LOCKED, BILLED),
        (WeekState.LOCKED, BILLED),
    ]
    assert figures_of(contract) == [(THIS_WEEK, 370, usd(370)), (NEXT_WEEK, 90, usd(90))]
    sweeping.run(as_of=BILLED)
    assert weeks_of(contract) == [
        (THIS_WEEK, WeekState.PAID, 370, usd(370)),
        (NEXT_WEEK, WeekState.PAID, 90, usd(90)),
    ]
    assert money_of(contract)[2] == "$414.00"
    assert_audit_clean()


def test_end_at_monday_noon_finds_the_week_before_invoiced():
    contract = worked()
    monday = MONDAY + timedelta(days=7)
    with clock.at(monday + timedelta(hours=9)):
        recorded(contract, monday + timedelta(hours=7), 90)

    with clock.at(BILLED):
        shown = facts_of(contract).hours
        assert [(one.starts_on, one.bills_at) for one in shown.weeks] == [
            (NEXT_WEEK, BILLED + timedelta(days=7))
        ]
        assert [(one.starts_on, one.amount) for one in shown.owed] == [(THIS_WEEK, usd(370))]
        contract = ended(contract, CLIENT)

    assert figures_of(contract) == [(NEXT_WEEK, 90, usd(90))]
    assert contract.weeks.get(starts_on=NEXT_WEEK).bills_at == BILLED + timedelta(days=7)
    assert contract.weeks.get(starts_on=THIS_WEEK).state == WeekState.INVOICED


def test_end_one_instant_before_noon_is_still_the_morning():
    contract = worked()
    with clock.at(BILLED - timedelta(microseconds=1)):
        contract = ended(contract, CLIENT)

    assert weeks_of(contract) == [(THIS_WEEK, WeekState.LOCKED, 370, None)]


# Until it is paid -------------------------------------------------------------------------------


def settled(contract: Contract) -> list[tuple]:
    """The weeks once Monday noon has passed; the books are right."""
    sweeping.run(as_of=BILLED)
    assert_audit_clean()
    return weeks_of(contract)


def test_thursday_end_is_billed_reviewed_and_available_on_the_usual_days():
    contract = ended(worked(), CLIENT)

    assert settled(contract) == [(THIS_WEEK, WeekState.PAID, 370, usd(370))]
    week = contract.weeks.get()
    assert week.review_until == datetime(2026, 11, 28, tzinfo=UTC)
    assert week.payment.available_at == datetime(2026, 12, 2, tzinfo=UTC)
    assert money_of(contract)[2:] == ("$333.00", "$0.00")

    sweeping.run(as_of=datetime(2026, 12, 2, tzinfo=UTC))
    assert money_of(contract)[2:] == ("$0.00", "$333.00")
    assert_audit_clean()


def test_hours_beyond_the_limit_are_kept_and_not_billed():
    contract = worked(130, hours=2)

    contract = ended(contract, TALENT)

    assert figures_of(contract) == [(THIS_WEEK, 120, usd(120))]
    assert settled(contract) == [(THIS_WEEK, WeekState.PAID, 130, usd(120))]


def test_end_on_hold_keeps_the_hold_and_the_debt():
    contract = worked(method=sandbox.DECLINES)
    sweeping.run(as_of=BILLED)
    contract = read(contract)
    assert contract.is_on_hold

    with clock.at(BILLED + timedelta(hours=2)):
        (owed,) = facts_of(contract).hours.owed
        assert (owed.amount, owed.has_failed, owed.is_paid) == (usd(370), True, False)
        contract = ended(contract, TALENT)

    assert (contract.is_ended, contract.is_on_hold) == (True, True)
    assert weeks_of(contract) == [(THIS_WEEK, WeekState.UNPAID, 370, usd(370))]
    assert_audit_clean()


def test_end_keeps_both_the_debt_and_the_new_hours():
    contract = worked(method=sandbox.DECLINES)
    monday = MONDAY + timedelta(days=7)
    with clock.at(monday + timedelta(hours=9)):
        recorded(contract, monday + timedelta(hours=7), 90)
    sweeping.run(as_of=BILLED)

    with clock.at(BILLED + timedelta(hours=2)):
        contract = ended(contract, CLIENT)

    assert weeks_of(contract) == [
        (THIS_WEEK, WeekState.UNPAID, 370, usd(370)),
        (NEXT_WEEK, WeekState.LOCKED, 90, None),
    ]


# What was seen ----------------------------------------------------------------------------------


def test_time_recorded_meanwhile_makes_the_figures_stale():
    contract = worked()
    shown = seen(contract)
    recorded(contract, TUESDAY + timedelta(days=1), 10)

    with refused(contract, FiguresChanged, "The figures have changed"):
        ended(contract, CLIENT, seen=shown)
    assert weeks_of(contract) == [(THIS_WEEK, WeekState.OPEN, 380, None)]


def test_time_deleted_meanwhile_makes_the_figures_stale():
    contract = worked()
    extra = recorded(contract, TUESDAY + timedelta(days=1), 10)
    shown = seen(contract)
    diary.remove(extra, by=owner_of(contract.talent))

    with refused(contract, FiguresChanged, "The figures have changed"):
        ended(contract, CLIENT, seen=shown)


def test_timer_started_meanwhile_makes_the_figures_stale():
    contract = worked()
    shown = seen(contract)
    running(contract, NOON)

    with refused(contract, FiguresChanged, "The figures have changed"):
        ended(contract, CLIENT, seen=shown)


def test_segments_of_a_timer_that_was_seen_running_change_nothing():
    contract = worked()
    running(contract, NOON - timedelta(minutes=5))
    shown = seen(contract)

    with clock.at(NOON + timedelta(hours=3)):
        contract = ended(contract, CLIENT, seen=shown)

    assert figures_of(contract) == [(THIS_WEEK, 550, usd(550))]


@pytest.mark.parametrize("before", [True, False], ids=["first time of the week", "more"])
def test_timer_that_was_seen_running_may_have_stopped(before):
    contract = begun() if before else worked()
    running(contract, NOON - timedelta(minutes=5))
    shown = seen(contract)

    with clock.at(NOON + timedelta(hours=1)):
        timers.stop(contract, by=owner_of(contract.talent))
        contract = ended(contract, CLIENT, seen=shown)

    assert figures_of(contract)[0][1] == (60 if before else 430)


def test_timer_that_was_seen_running_may_have_run_out_over_sunday_midnight():
    contract = begun()
    midnight = MONDAY + timedelta(days=7)
    running(contract, midnight - timedelta(hours=1))
    with clock.at(midnight - timedelta(minutes=30)):
        shown = seen(contract)

    with clock.at(BILLED - timedelta(minutes=5)):
        contract = ended(contract, CLIENT, seen=shown)

    assert figures_of(contract) == [(THIS_WEEK, 60, usd(60)), (NEXT_WEEK, 660, usd(660))]


def test_time_added_by_hand_while_a_timer_runs_makes_the_figures_stale():
    contract = worked()
    running(contract, NOON - timedelta(minutes=25))
    shown = seen(contract)
    recorded(contract, TUESDAY + timedelta(days=1), 10)

    with refused(contract, FiguresChanged, "The figures have changed"):
        ended(contract, CLIENT, seen=shown)


def test_time_of_a_timer_that_was_deleted_since_makes_the_figures_stale():
    contract = worked()
    running(contract, NOON - timedelta(minutes=25))
    shown = seen(contract)
    timers.stop(contract, by=owner_of(contract.talent))
    diary.remove(contract.stretches.get(starts_at__gte=NOON - HOUR), by=owner_of(contract.talent))

    with refused(contract, FiguresChanged, "The figures have changed"):
        ended(contract, CLIENT, seen=shown)


def test_week_that_was_invoiced_meanwhile_makes_the_figures_stale():
    contract = worked()
    shown = seen(contract)

    with clock.at(BILLED), refused(contract, FiguresChanged, "The figures have changed"):
        ended(contract, CLIENT, seen=shown)


@pytest.mark.parametrize("swept", [True, False], ids=["swept", "untouched"])
def test_preview_of_an_invoice_that_is_due_is_what_the_end_confirms(swept):
    contract = worked()
    if swept:
        sweeping.run(as_of=BILLED)

    with clock.at(BILLED + HOUR):
        assert ended(contract, CLIENT, seen=seen(contract)).is_ended
    assert figures_of(contract) == []


def test_raised_limit_that_bills_more_makes_the_figures_stale():
    contract = worked(130, hours=2)
    shown = seen(contract)
    terms.set_limit(contract, hours=20, by=owner_of(contract.client))

    with refused(contract, FiguresChanged, "The figures have changed"):
        ended(contract, TALENT, seen=shown)


@pytest.mark.parametrize("change", [terms.pause, None], ids=["paused", "limit"])
def test_end_is_not_disturbed_by_what_bills_the_same(change):
    contract = worked()
    shown = seen(contract)
    by = owner_of(contract.client)
    if change is None:
        terms.set_limit(contract, hours=40, by=by)
    else:
        change(contract, by=by)

    assert ended(contract, TALENT, seen=shown).is_ended


def test_tokens_of_two_contracts_are_not_each_others():
    contract, other = worked(), worked()

    with refused(contract, FiguresChanged, "The figures have changed"):
        ended(contract, CLIENT, seen=seen(other))


# The plan ---------------------------------------------------------------------------------------


def test_plan_of_hours_reads_in_the_order_in_which_it_is_carried_out():
    contract = worked()
    timer = running(contract, NOON - timedelta(minutes=23))

    made = closing.plan(facts_of(contract), CLIENT, closing.Choice.nothing())

    assert made.effects == (
        StopTimers((timer.pk,), 20),
        LockDiary(),
        BillWeek(
            starts_on=THIS_WEEK,
            minutes=390,
            billable=390,
            amount=usd(390),
            receives=usd(351),
            at_least=True,
            bills_at=BILLED,
        ),
        OpenFeedback(),
    )
    assert made.is_hourly
    assert not made.gives_up


@pytest.mark.parametrize("choice", [closing.Choice.all(), closing.Choice.part(usd(5))])
def test_nothing_can_be_chosen_for_hours(choice):
    contract = worked()
    made = closing.plan(facts_of(contract), CLIENT, choice)

    assert (made.paid, made.requested, made.returned) == (usd(0), usd(0), usd(0))


def test_running_timer_beyond_the_limit_leaves_nothing_open():
    contract = worked(120, hours=2)
    running(contract, NOON - timedelta(minutes=23))

    (billed,) = closing.plan(facts_of(contract), CLIENT, closing.Choice.nothing()).billed

    assert (billed.minutes, billed.billable, billed.beyond) == (140, 120, 20)
    assert billed.at_least is False


def test_invoice_in_review_is_named():
    contract = worked()
    sweeping.run(as_of=BILLED)

    with clock.at(BILLED + HOUR):
        made = closing.plan(facts_of(contract), CLIENT, closing.Choice.nothing())
    with clock.at(datetime(2026, 11, 28, tzinfo=UTC)):
        after = closing.plan(facts_of(contract), CLIENT, closing.Choice.nothing())

    (named,) = [one.owed for one in made.effects if isinstance(one, StaysOwed)]
    assert (named.amount, named.is_paid) == (usd(370), True)
    assert not [one for one in after.effects if isinstance(one, StaysOwed)]


def test_end_with_an_unknown_reason_is_refused_before_anything_locks():
    contract = worked()

    with refused(contract, InvalidInput, "Choose one of the reasons, or none."):
        ended(contract, reason="because")
    assert weeks_of(contract) == [(THIS_WEEK, WeekState.OPEN, 370, None)]


def test_timed_and_manual_time_are_billed_alike():
    contract = begun()
    timed(contract, TUESDAY, 65)
    recorded(contract, TUESDAY + timedelta(hours=3), 30)

    contract = ended(contract, CLIENT)

    assert settled(contract) == [(THIS_WEEK, WeekState.PAID, 90, usd(90))]
    assert reread(contract.book).credit == usd(0)
