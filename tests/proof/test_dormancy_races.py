"""What somebody does in the last second of a dormant contract's clock: the money moves one way.

Whoever is first decides. The other reads in a sentence what happened, or finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from contracts import closing, dormancy, messages, milestones
from contracts.closing import Choice
from contracts.models import Contract
from contracts.states import ContractState, DormancyState, Side
from marketplace import clock
from marketplace.refusals import Overtaken
from tests.contracts.dormant import TICK, day, dormancy_of, look
from tests.factories import NOON, funded, milestone_of, money_of, owner_of, seen, usd
from tests.proof.racing import Deed, Result, race, rounds, shows
from tests.proof.scenes import sweep

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

KEPT = ("$500.00", "$0.00", "$0.00", "$0.00")
RETURNED = ("$0.00", "$500.00", "$0.00", "$0.00")
PAID = ("$0.00", "$0.00", "$450.00", "$0.00")


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


def asleep(until: float) -> Contract:
    """Dormant since its 90th day; what it was told before makes no difference."""
    contract = funded().contract
    for number in (90, 97):
        if number <= until:
            look(day(number))
    return contract


def at_the_last_second(
    contract: Contract, does: Callable[[], Any], over: float
) -> tuple[Contract, list[Result]]:
    """A deed in the last microsecond, and the clock's step."""
    return contract, race(
        Deed(does, day(over) - TICK), Deed(lambda: sweep("contracts.dormancies_pass"), day(over))
    )


def assert_no_error(results: list[Result]) -> None:
    """Nobody saw an error; the clock itself is never refused."""
    assert [one.error for one in results] == [None, None]
    assert results[1].won
    if results[0].refusal is not None:
        assert isinstance(results[0].refusal, Overtaken)
        assert results[0].refusal.sentence.endswith(".")


# still working ∥ the step ------------------------------------------------------------------------


def still_working_and_return(side: Side = Side.TALENT) -> tuple[Contract, list[Result]]:
    contract = asleep(97)
    by = owner_of(contract.party(side))
    return at_the_last_second(contract, lambda: dormancy.still_working(contract, by=by), 104)


@pytest.mark.parametrize("side", Side)
def test_still_working_meets_the_return(side):
    def one() -> None:
        contract, results = still_working_and_return(side)

        assert_no_error(results)
        said = results[0].won
        assert money_of(contract) == (KEPT if said else RETURNED)
        assert dormancy_of(contract).state == (
            DormancyState.WOKEN if said else DormancyState.RETURNED
        )
        if not said:
            assert "Closeout ended this contract" in results[0].refusal.sentence

    rounds(one, of=2)


@pytest.mark.postgresql
def test_still_working_meets_the_return_without_locks_goes_wrong(monkeypatch):
    assert shows(lambda: still_working_and_return()[1], monkeypatch, winners=2)


def test_still_working_meets_the_question_to_the_talent():
    """It goes on either way: the step before the return takes nothing from anybody."""

    def one() -> None:
        contract = asleep(90)
        by = owner_of(contract.client)
        _, results = at_the_last_second(
            contract, lambda: dormancy.still_working(contract, by=by), 97
        )

        assert_no_error(results)
        assert results[0].won
        assert dormancy_of(contract).state == DormancyState.WOKEN
        assert money_of(contract) == KEPT

    rounds(one, of=2)


def test_message_meets_the_return():
    def one() -> None:
        contract = asleep(97)
        by = owner_of(contract.client)
        _, results = at_the_last_second(
            contract, lambda: messages.write(contract, text="Wait.", key="", by=by), 104
        )

        assert_no_error(results)
        assert results[0].won
        ended = Contract.objects.get(pk=contract.pk).state == ContractState.ENDED
        assert money_of(contract) == (RETURNED if ended else KEPT)

    rounds(one, of=2)


def test_both_say_at_once_that_it_goes_on_and_it_is_woken_once():
    def one() -> None:
        contract = asleep(97)
        client, talent = owner_of(contract.client), owner_of(contract.talent)

        first, second = race(
            Deed(lambda: dormancy.still_working(contract, by=client), day(98)),
            Deed(lambda: dormancy.still_working(contract, by=talent), day(98)),
        )

        assert [first.error, second.error] == [None, None]
        assert first.won
        assert second.won
        assert contract.history.filter(transition="wake").count() == 1

    rounds(one, of=2)


# ask for its release ∥ give back -----------------------------------------------------------------


def ask_and_return() -> tuple[Contract, list[Result]]:
    contract = asleep(97)
    by = owner_of(contract.talent)
    return at_the_last_second(contract, lambda: dormancy.ask_for_release(contract, by=by), 104)


def test_asking_for_its_release_meets_the_return():
    def one() -> None:
        contract, results = ask_and_return()

        assert_no_error(results)
        asked = results[0].won
        assert money_of(contract) == (KEPT if asked else RETURNED)
        assert dormancy_of(contract).state == (
            DormancyState.RELEASE_ASKED if asked else DormancyState.RETURNED
        )

    rounds(one)


@pytest.mark.postgresql
def test_asking_for_its_release_meets_the_return_without_locks_goes_wrong(monkeypatch):
    assert shows(lambda: ask_and_return()[1], monkeypatch, winners=2)


# approve ∥ silence pays --------------------------------------------------------------------------


def approve_and_silence() -> tuple[Contract, list[Result]]:
    contract = asleep(97)
    with clock.at(day(98)):
        dormancy.ask_for_release(contract, by=owner_of(contract.talent))
    milestone, by = milestone_of(contract), owner_of(contract.client)
    return at_the_last_second(
        contract, lambda: milestones.approve(milestone, amount=usd(100), key="", by=by), 112
    )


def test_approval_meets_the_silence_that_pays():
    """The client pays $100.00 and keeps the rest, or silence has paid all of it."""

    def one() -> None:
        contract, results = approve_and_silence()

        assert_no_error(results)
        part = ("$400.00", "$0.00", "$90.00", "$0.00")
        assert money_of(contract) == (part if results[0].won else PAID)
        assert contract.book.payments.count() == 1

    rounds(one)


@pytest.mark.postgresql
def test_approval_meets_the_silence_that_pays_without_locks_goes_wrong(monkeypatch):
    assert shows(lambda: approve_and_silence()[1], monkeypatch, winners=2)


# end ∥ the end of a dormant contract -------------------------------------------------------------


def end_and_return(side: Side = Side.CLIENT) -> tuple[Contract, list[Result]]:
    contract = asleep(97)
    shown, by = seen(contract), owner_of(contract.party(side))
    choice = Choice.all() if side is Side.CLIENT else Choice.nothing()
    return at_the_last_second(
        contract,
        lambda: closing.end(contract, choice=choice, seen=shown, gives_up=True, by=by),
        104,
    )


@pytest.mark.parametrize("side", Side)
def test_end_meets_the_end_of_a_dormant_contract(side):
    def one() -> None:
        contract, results = end_and_return(side)

        assert_no_error(results)
        ended = Contract.objects.get(pk=contract.pk)
        assert ended.state == ContractState.ENDED
        assert ended.ended_by_silence is not results[0].won
        paid = side is Side.CLIENT and results[0].won
        assert money_of(contract) == (PAID if paid else RETURNED)
        assert contract.history.filter(transition="end").count() == 1

    rounds(one, of=2)


@pytest.mark.postgresql
def test_end_meets_the_end_of_a_dormant_contract_without_locks_goes_wrong(monkeypatch):
    assert shows(lambda: end_and_return()[1], monkeypatch, winners=2)
