"""The terms of an hourly contract while it goes on: the weekly limit, pause and restart."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from contracts import terms, timers
from contracts.models import Contract, Week
from contracts.states import ContractState, Side
from marketplace import clock
from marketplace.actors import Actor
from marketplace.refusals import InvalidInput, NotYours, Overtaken
from marketplace.states import Role
from tests.factories import (
    NOON,
    StaffFactory,
    active,
    ended,
    hourly,
    hourly_offer,
    member_of,
    owner_of,
)

pytestmark = pytest.mark.django_db

THIS_MONDAY, NEXT_MONDAY = date(2026, 11, 16), date(2026, 11, 23)


def limits(contract: Contract) -> list[tuple[date, int]]:
    rows = contract.week_limits.order_by("from_week")
    return [(one.from_week, one.minutes // 60) for one in rows]


def set_limit(contract: Contract, hours: int) -> date:
    return terms.set_limit(contract, hours=hours, by=owner_of(contract.client))


def state_of(contract: Contract) -> str:
    return Contract.objects.get(pk=contract.pk).state


# The weekly limit -------------------------------------------------------------------------------


def test_higher_limit_holds_at_once():
    contract = hourly(hours=20)

    assert set_limit(contract, 30) == THIS_MONDAY
    assert limits(contract) == [(THIS_MONDAY, 30)]


def test_lower_limit_holds_from_next_monday():
    contract = hourly(hours=20)

    assert set_limit(contract, 10) == NEXT_MONDAY
    assert limits(contract) == [(THIS_MONDAY, 20), (NEXT_MONDAY, 10)]
    assert terms.limit_of(contract, THIS_MONDAY) == 20 * 60
    assert terms.limit_of(contract, NEXT_MONDAY) == 10 * 60


@pytest.mark.parametrize(
    ("then", "left"),
    [
        (15, [(THIS_MONDAY, 20), (NEXT_MONDAY, 15)]),
        (25, [(THIS_MONDAY, 25)]),
        (20, [(THIS_MONDAY, 20)]),
    ],
)
def test_change_that_waits_for_monday_is_replaced(then, left):
    contract = hourly(hours=20)
    set_limit(contract, 10)

    set_limit(contract, then)

    assert limits(contract) == left


def test_lower_limit_on_the_last_second_of_a_week_holds_from_the_next():
    contract = hourly(hours=20)

    with clock.at(datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)):
        assert set_limit(contract, 10) == NEXT_MONDAY
    with clock.at(datetime(2026, 11, 23, tzinfo=UTC)):
        assert set_limit(contract, 9) == NEXT_MONDAY + timedelta(days=7)


@pytest.mark.parametrize("hours", [0, -1, 169])
def test_limit_out_of_bounds_is_refused(hours):
    contract = hourly(hours=20)

    with pytest.raises(InvalidInput) as refused:
        set_limit(contract, hours)
    assert refused.value.field == "hours"
    assert limits(contract) == [(THIS_MONDAY, 20)]


@pytest.mark.parametrize("hours", [1, 168])
def test_limit_may_be_the_least_and_the_most(hours):
    contract = hourly(hours=20)

    set_limit(contract, hours)

    assert limits(contract)[-1][1] == hours


def test_limit_that_it_is_already_is_refused():
    contract = hourly(hours=20)

    with pytest.raises(InvalidInput, match="The limit is 20 hours a week already"):
        set_limit(contract, 20)


def test_limit_is_the_clients_to_change():
    contract = hourly(hours=20)
    people = [owner_of(contract.talent), member_of(contract.client), owner_of(hourly().client)]

    for by in people:
        with pytest.raises(NotYours):
            terms.set_limit(contract, hours=30, by=by)
    assert limits(contract) == [(THIS_MONDAY, 20)]


@pytest.mark.parametrize("make", [lambda: ended(hourly()), hourly_offer, active])
def test_limit_of_what_does_not_go_on_by_the_hour_is_refused(make):
    with pytest.raises(Overtaken):
        set_limit(make(), 30)


def test_limit_of_a_paused_contract_can_be_changed():
    contract = hourly(hours=20)
    terms.pause(contract, by=owner_of(contract.client))

    set_limit(contract, 30)

    assert limits(contract) == [(THIS_MONDAY, 30)]


# Pause and restart ------------------------------------------------------------------------------


def test_pause_stops_timers_and_counts_them():
    with clock.at(NOON - timedelta(minutes=35)):
        contract = hourly()
        timers.start(contract, by=owner_of(contract.talent))

    paused = terms.pause(contract, reason="Holidays.", by=owner_of(contract.client))

    assert (paused.state, paused.paused_at) == (ContractState.PAUSED, NOON)
    assert Week.objects.get(contract=contract).minutes == 30
    assert not contract.timers.filter(stopped_at=None).exists()
    assert contract.history.get(transition="pause").reason == "Holidays."


def test_paused_contract_takes_no_timer_until_the_restart():
    contract = hourly()
    terms.pause(contract, by=owner_of(contract.client))

    with pytest.raises(Overtaken, match="paused"):
        timers.start(contract, by=owner_of(contract.talent))
    restarted = terms.restart(contract, by=owner_of(contract.client))

    assert (restarted.state, restarted.paused_at) == (ContractState.ACTIVE, None)
    assert timers.start(contract, by=owner_of(contract.talent)).pk


@pytest.mark.parametrize("side", Side)
def test_paused_contract_can_be_ended_by_either_side(side):
    contract = hourly()
    terms.pause(contract, by=owner_of(contract.client))

    ended(contract, side)

    assert state_of(contract) == ContractState.ENDED


@pytest.mark.parametrize("does", [terms.pause, terms.restart])
def test_pause_and_restart_are_the_clients(does):
    contract = hourly()
    if does is terms.restart:
        terms.pause(contract, by=owner_of(contract.client))
    before = state_of(contract)

    for by in (owner_of(contract.talent), member_of(contract.client), owner_of(hourly().client)):
        with pytest.raises(NotYours):
            does(contract, by=by)
    assert state_of(contract) == before


@pytest.mark.parametrize("role", [Role.OWNER, Role.MANAGER])
def test_manager_pauses_as_an_owner_does(role):
    contract = hourly()

    terms.pause(contract, by=member_of(contract.client, role))

    assert state_of(contract) == ContractState.PAUSED


def test_support_pauses_and_restarts_for_the_client():
    contract, by = hourly(), Actor.support(StaffFactory())

    terms.pause(contract, reason="They asked.", by=by)
    assert state_of(contract) == ContractState.PAUSED
    terms.restart(contract, reason="They asked.", by=by)
    assert state_of(contract) == ContractState.ACTIVE


@pytest.mark.parametrize(
    ("make", "does"),
    [
        (hourly, terms.restart),
        (lambda: ended(hourly()), terms.pause),
        (hourly_offer, terms.pause),
    ],
)
def test_pause_and_restart_out_of_turn_are_refused(make, does):
    contract = make()

    with pytest.raises(Overtaken):
        does(contract, by=owner_of(contract.client))


def test_fixed_price_is_not_paused():
    contract = active()

    with pytest.raises(NotYours, match="Only hourly contracts can be paused"):
        terms.pause(contract, by=owner_of(contract.client))
    assert state_of(contract) == ContractState.ACTIVE
