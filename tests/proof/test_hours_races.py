"""Hours, at the same moment: time that is recorded, tidied up, locked, billed, paid and disputed.

A segment saved in the second of an end is in or out, never half: it stands in the diary exactly
when it is counted in the week, and it is billed exactly when it is counted.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contracts import closing, diary, terms, timers
from contracts.closing import Choice
from contracts.models import Contract, Stretch, Timer, Week
from contracts.states import ContractState, Side
from marketplace import clock, once, sweeping
from marketplace.refusals import FiguresChanged
from marketplace.states import Role
from payments.models import Payment
from tests.factories import (
    NOON,
    FreelancerFactory,
    ended,
    member_of,
    owner_of,
    recorded,
    seen,
    usd,
)
from tests.proof.racing import (
    TICK,
    Deed,
    Result,
    assert_one_won,
    race,
    rounds,
    shows,
)
from tests.proof.scenes import HOUR, running, sweep, working
from tests.support.asserting import assert_audit_clean

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


def assert_counted(contract: Contract) -> int:
    """What stands in the diary is what its weeks count; returns the minutes."""
    for week in contract.weeks.all():
        assert sum(one.minutes for one in week.stretches.all()) == week.minutes
    return sum(contract.weeks.values_list("minutes", flat=True))


# record ∥ record, timer ∥ timer ------------------------------------------------------------------


def both_record() -> tuple[list[Contract], list[Result]]:
    """One person, two contracts, times that overlap."""
    talent = FreelancerFactory()
    contracts = [working(talent=talent), working(talent=talent)]
    by = owner_of(talent)
    return contracts, race(
        lambda: recorded(contracts[0], NOON - 2 * HOUR, 60, by=by),
        lambda: recorded(contracts[1], NOON - 2 * HOUR + timedelta(minutes=30), 60, by=by),
    )


def test_time_meets_other_time_of_the_same_person():
    def one() -> None:
        contracts, results = both_record()

        lost = assert_one_won(results)
        assert "This overlaps" in lost.refusal.sentence
        assert [assert_counted(one) for one in contracts] == [
            60 if result.won else 0 for result in results
        ]

    rounds(one)


@pytest.mark.postgresql
def test_time_meets_other_time_without_locks_goes_wrong(monkeypatch):
    assert shows(lambda: both_record()[1], monkeypatch)


def both_start() -> tuple[list[Contract], list[Result]]:
    talent = FreelancerFactory()
    contracts = [working(talent=talent), working(talent=talent)]
    by = owner_of(talent)
    return contracts, race(*(lambda on=on: timers.start(on, by=by) for on in contracts))


def test_timer_meets_timer_of_the_same_person():
    def one() -> None:
        contracts, results = both_start()

        lost = assert_one_won(results)
        assert "Your timer is running already on Contract" in lost.refusal.sentence
        assert Timer.objects.filter(contract__in=contracts, stopped_at=None).count() == 1

    rounds(one)


@pytest.mark.postgresql
def test_timer_meets_timer_without_locks_goes_wrong(monkeypatch):
    assert shows(lambda: both_start()[1], monkeypatch)


def test_time_that_is_sent_twice_at_once_is_recorded_once():
    def one() -> None:
        contract, key = working(), once.new_key()
        by = owner_of(contract.talent)

        def send() -> Stretch:
            return diary.add(
                contract,
                starts_at=NOON - HOUR,
                ends_at=NOON,
                memo="Drafts",
                key=key,
                by=by,
            )

        first, second = race(send, send)

        assert [first.error, second.error] == [None, None]
        assert first.value == second.value
        assert assert_counted(contract) == 60

    rounds(one, of=2)


# stop ∥ stop, stop ∥ the clock, stop ∥ pause -----------------------------------------------------


def both_stop() -> tuple[Contract, list[Result]]:
    contract = running()
    by = owner_of(contract.talent)
    return contract, race(*[lambda: timers.stop(contract, by=by)] * 2)


def test_timer_is_stopped_twice_at_once_and_counts_once():
    def one() -> None:
        contract, results = both_stop()

        lost = assert_one_won(results)
        assert "Your timer stopped at 12:00 UTC" in lost.refusal.sentence
        assert assert_counted(contract) == 60

    rounds(one)


@pytest.mark.postgresql
def test_timer_is_stopped_twice_without_locks_goes_wrong(monkeypatch):
    assert shows(lambda: both_stop()[1], monkeypatch)


def test_stopping_meets_the_twelfth_hour():
    def one() -> None:
        contract = running()
        over = contract.timers.get().runs_out_at
        by = owner_of(contract.talent)

        stop, ran_out = race(
            Deed(lambda: timers.stop(contract, by=by), over - TICK),
            Deed(lambda: sweep("contracts.timers_run_out"), over),
        )

        assert [stop.error, ran_out.error] == [None, None]
        assert assert_counted(contract) == (11 * 60 + 50 if stop.won else 12 * 60)
        assert contract.timers.get().minutes == assert_counted(contract)

    rounds(one, of=2)


def test_stopping_meets_a_pause():
    def one() -> None:
        contract = running()
        client, talent = owner_of(contract.client), owner_of(contract.talent)

        stop, pause = race(
            lambda: timers.stop(contract, by=talent), lambda: terms.pause(contract, by=client)
        )

        assert [stop.error, pause.error] == [None, None]
        assert pause.won
        if not stop.won:
            assert "Your timer stopped at 12:00 UTC" in stop.refusal.sentence
        assert assert_counted(contract) == 60
        assert Contract.objects.get(pk=contract.pk).state == ContractState.PAUSED

    rounds(one, of=2)


def test_recording_meets_a_pause():
    def one() -> None:
        contract = working()
        client, talent = owner_of(contract.client), owner_of(contract.talent)

        record, pause = race(
            lambda: recorded(contract, NOON - HOUR, 60, by=talent),
            lambda: terms.pause(contract, by=client),
        )

        assert [record.error, pause.error] == [None, None]
        assert pause.won
        if not record.won:
            assert "paused" in record.refusal.sentence
        assert assert_counted(contract) == (60 if record.won else 0)

    rounds(one, of=2)


# time ∥ end --------------------------------------------------------------------------------------

BOTH_SIDES = pytest.mark.parametrize("side", Side)


def record_and_end(side: Side) -> tuple[Contract, list[Result]]:
    contract = working()
    shown = seen(contract)
    talent, ender = owner_of(contract.talent), owner_of(contract.party(side))
    return contract, race(
        lambda: recorded(contract, NOON - HOUR, 60, by=talent),
        lambda: closing.end(contract, choice=Choice.nothing(), seen=shown, by=ender),
    )


@BOTH_SIDES
def test_recording_meets_the_end(side):
    """In: the end is refused, because the figures changed. Out: the diary is locked."""
    minutes: dict[Contract, int] = {}

    def one() -> None:
        contract, results = record_and_end(side)
        lost = assert_one_won(results)
        if results[0].won:
            assert isinstance(lost.refusal, FiguresChanged)
            assert_counted(contract)
            ended(contract, side)
        else:
            assert "locked" in lost.refusal.sentence
        minutes[contract] = 60 if results[0].won else 0

    rounds(one)
    assert_billed(minutes)


@pytest.mark.postgresql
def test_recording_meets_the_end_without_locks_goes_wrong(monkeypatch):
    assert shows(lambda: record_and_end(Side.CLIENT)[1], monkeypatch)


@BOTH_SIDES
def test_stopping_a_timer_meets_the_end(side):
    """Whoever is first stops it, and its whole segments count once."""
    minutes: dict[Contract, int] = {}

    def one() -> None:
        contract = running()
        shown = seen(contract)
        talent, ender = owner_of(contract.talent), owner_of(contract.party(side))

        stop, end = race(
            lambda: timers.stop(contract, by=talent),
            lambda: closing.end(contract, choice=Choice.nothing(), seen=shown, by=ender),
        )

        assert [stop.error, end.error] == [None, None]
        assert end.won
        if not stop.won:
            assert stop.refusal.sentence.startswith("Your timer stopped at 12:00 UTC")
        minutes[contract] = 60

    rounds(one)
    assert_billed(minutes)


@BOTH_SIDES
def test_starting_a_timer_meets_the_end(side):
    def one() -> None:
        contract = working()
        shown = seen(contract)
        talent, ender = owner_of(contract.talent), owner_of(contract.party(side))

        results = race(
            lambda: timers.start(contract, by=talent),
            lambda: closing.end(contract, choice=Choice.nothing(), seen=shown, by=ender),
        )

        assert_one_won(results)
        running_on = Timer.objects.filter(contract=contract, stopped_at=None).count()
        assert running_on == int(results[0].won)
        if results[0].won:
            timers.stop(contract, by=talent)

    rounds(one, of=2)


def change_and_end(verb: str) -> tuple[Contract, list[Result]]:
    contract = working()
    stretch = recorded(contract, NOON - HOUR, 60)
    shown = seen(contract)
    talent, client = owner_of(contract.talent), owner_of(contract.client)
    shorter = {"starts_at": stretch.starts_at, "ends_at": NOON - HOUR / 2, "memo": ""}
    deeds = {
        "change": lambda: diary.change(stretch, by=talent, **shorter),
        "remove": lambda: diary.remove(stretch, by=talent),
    }
    return contract, race(
        deeds[verb],
        lambda: closing.end(contract, choice=Choice.nothing(), seen=shown, by=client),
    )


@pytest.mark.parametrize(("verb", "left"), [("change", 30), ("remove", 0)])
def test_tidying_up_meets_the_end(verb, left):
    minutes: dict[Contract, int] = {}

    def one() -> None:
        contract, results = change_and_end(verb)
        lost = assert_one_won(results)
        if results[0].won:
            assert isinstance(lost.refusal, FiguresChanged)
            ended(contract)
        else:
            assert "locked" in lost.refusal.sentence
        minutes[contract] = left if results[0].won else 60

    rounds(one)
    assert_billed(minutes)


@pytest.mark.postgresql
def test_tidying_up_meets_the_end_without_locks_goes_wrong(monkeypatch):
    assert shows(lambda: change_and_end("remove")[1], monkeypatch)


def assert_billed(minutes: dict[Contract, int]) -> None:
    """On Monday at noon each contract is charged for these minutes, at a dollar each."""
    sweeping.run(as_of=datetime(2026, 11, 23, 12, tzinfo=UTC), only="contracts.hours_billed")
    for contract, expected in minutes.items():
        assert assert_counted(contract) == expected
        paid = [one.gross for one in Payment.objects.filter(book=contract.book_id)]
        assert paid == ([usd(expected)] if expected else [])
    assert_audit_clean()


# change ∥ remove ---------------------------------------------------------------------------------


def change_and_remove() -> tuple[Contract, list[Result]]:
    """Who recorded it shortens an hour to 20 minutes, a manager deletes it."""
    contract = working()
    stretch = recorded(contract, NOON - HOUR, 60)
    owner, manager = owner_of(contract.talent), member_of(contract.talent, Role.MANAGER)
    start = stretch.starts_at
    return contract, race(
        lambda: diary.change(
            stretch, starts_at=start, ends_at=start + HOUR / 3, memo="Shorter", by=owner
        ),
        lambda: diary.remove(stretch, by=manager),
    )


def test_changing_meets_deleting():
    def one() -> None:
        contract, (change, remove) = change_and_remove()

        assert [change.error, remove.error] == [None, None]
        assert remove.won
        if not change.won:
            assert "deleted meanwhile" in change.refusal.sentence
        assert assert_counted(contract) == 0

    rounds(one)


@pytest.mark.postgresql
def test_changing_meets_deleting_without_locks_goes_wrong(monkeypatch):
    def one() -> list[Result]:
        contract, results = change_and_remove()
        off = sum(Week.objects.filter(contract=contract).values_list("minutes", flat=True)) != sum(
            one.minutes for one in contract.stretches.all()
        )
        return [*results, Result(error=AssertionError("miscounted"))] if off else results

    assert shows(one, monkeypatch, winners=2)


def both_remove() -> tuple[Contract, list[Result]]:
    contract = working()
    stretch = recorded(contract, NOON - HOUR, 60)
    by = owner_of(contract.talent)
    return contract, race(*[lambda: diary.remove(stretch, by=by)] * 2)


def test_deleting_meets_deleting():
    def one() -> None:
        contract, results = both_remove()

        lost = assert_one_won(results)
        assert "deleted meanwhile" in lost.refusal.sentence
        assert assert_counted(contract) == 0

    rounds(one)


@pytest.mark.postgresql
def test_deleting_meets_deleting_without_locks_goes_wrong(monkeypatch):
    assert shows(lambda: both_remove()[1], monkeypatch)
