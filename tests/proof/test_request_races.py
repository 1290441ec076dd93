"""Answers to an escrow refund request at the same moment, at the last one too.

Whatever meets comes out as if one had come after the other: that is tried first, in every order,
and nothing else may come of the race. Who comes second reads what happened. On PostgreSQL each
meeting has its control: with the locks taken away something else comes out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import permutations
from typing import Any

import pytest

from contracts import escrow_answers
from contracts.models import Contract
from marketplace import auditing, clock
from marketplace.actors import Actor
from marketplace.refusals import Overtaken, Refused
from marketplace.states import Role
from payments.models import EscrowRefundRequest, SplitProposal
from payments.states import RequestState, SplitState
from tests.factories import (
    NOON,
    StaffFactory,
    ended,
    funded,
    member_of,
    money_of,
    owner_of,
    usd,
)
from tests.proof.racing import (
    CONTROL_ROUNDS,
    TICK,
    Deed,
    Result,
    race,
    rounds,
    take_the_locks_away,
)
from tests.proof.scenes import sweep

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

WEEK = timedelta(days=7)
SHARED = 5
"""So many meetings share the rounds of one race."""

PAID = ("$0.00", "$0.00", "$360.00", "$0.00")
RETURNED = ("$0.00", "$400.00", "$0.00", "$0.00")

Outcome = tuple[Any, ...]


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


# Scenes, all at noon -----------------------------------------------------------------------------


def asked() -> Contract:
    """The client ended with $400 in escrow; the talent has until noon in a week."""
    return ended(funded(usd(400)).contract)


def split_by_talent() -> Contract:
    """$150 for the talent; the client has until noon in a week."""
    contract = asked()
    propose(contract)
    return contract


def disputed() -> Contract:
    """The client has until noon in a week."""
    contract = asked()
    escrow_answers.dispute(contract, text="Delivered.", by=owner_of(contract.talent))
    return contract


def mediating() -> Contract:
    contract = disputed()
    escrow_answers.reject(contract, text="Not so.", by=owner_of(contract.client))
    return contract


def split_by_support() -> Contract:
    """$200 each; both sides have until noon in two days."""
    contract = mediating()
    escrow_answers.propose_in_mediation(contract, to_talent=usd(200), message="Half.", by=support())
    return contract


def half_agreed() -> Contract:
    """The client has accepted support's split."""
    contract = split_by_support()
    escrow_answers.agree_to_split(split_of(contract), by=owner_of(contract.client))
    return contract


# Deeds -------------------------------------------------------------------------------------------


def support() -> Actor:
    return Actor.support(StaffFactory())


def split_of(contract: Contract) -> SplitProposal:
    found = SplitProposal.objects.select_related("request").filter(state=SplitState.OPEN)
    return found.get(request__book=contract.book_id)


def propose(contract: Contract, *, by: Actor | None = None) -> SplitProposal:
    by = by or owner_of(contract.talent)
    return escrow_answers.propose_split(contract, to_talent=usd(150), message="", by=by)


def let_go(contract: Contract, at: datetime = NOON, *, by: Actor | None = None) -> Deed:
    by = by or owner_of(contract.talent)
    return Deed(lambda: escrow_answers.let_go(contract, by=by), at)


def split(contract: Contract, at: datetime = NOON, *, by: Actor | None = None) -> Deed:
    by = by or owner_of(contract.talent)
    return Deed(lambda: propose(contract, by=by), at)


def dispute(contract: Contract, at: datetime = NOON, *, by: Actor | None = None) -> Deed:
    by = by or owner_of(contract.talent)
    return Deed(lambda: escrow_answers.dispute(contract, text="No.", by=by), at)


def pay_instead(contract: Contract, at: datetime = NOON) -> Deed:
    by = owner_of(contract.client)
    return Deed(lambda: escrow_answers.pay_instead(contract, by=by), at)


def reject(contract: Contract, at: datetime = NOON) -> Deed:
    by = owner_of(contract.client)
    return Deed(lambda: escrow_answers.reject(contract, text="Not so.", by=by), at)


def decide(contract: Contract, at: datetime = NOON) -> Deed:
    by = support()
    return Deed(
        lambda: escrow_answers.decide(contract, to_talent=usd(100), because="So.", by=by), at
    )


def on_split(name: str, contract: Contract, by: Actor, at: datetime = NOON) -> Deed:
    """An answer to the split that is open now, whatever becomes of it."""
    chosen = split_of(contract)
    return Deed(lambda: getattr(escrow_answers, name)(chosen, by=by), at)


def silence(at: datetime, name: str = "contracts.escrow_requests_pass") -> Deed:
    return Deed(lambda: sweep(name), at)


def manager_of(party: Any) -> Actor:
    return member_of(party, Role.MANAGER)


# Meetings ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Meeting:
    """Deeds that begin together in a scene.

    Attributes:
        one_wins: whether one of them excludes the other; a sweep is never refused and does not
            count.
    """

    scene: Callable[[], Contract]
    deeds: Callable[[Contract], list[Deed]]
    one_wins: bool = False


LAST = NOON + WEEK
BEFORE = LAST - TICK
TWO_DAYS = NOON + timedelta(days=2)

MEETINGS = {
    "accept ∥ counter-offer": Meeting(asked, lambda one: [let_go(one), split(one)]),
    "accept ∥ dispute": Meeting(asked, lambda one: [let_go(one), dispute(one)]),
    "counter-offer ∥ dispute": Meeting(asked, lambda one: [split(one), dispute(one)]),
    "accept ∥ lapse": Meeting(asked, lambda one: [let_go(one, BEFORE), silence(LAST)]),
    "counter-offer ∥ lapse": Meeting(asked, lambda one: [split(one, BEFORE), silence(LAST)]),
    "dispute ∥ lapse": Meeting(asked, lambda one: [dispute(one, BEFORE), silence(LAST)]),
    "accept ∥ counter-offer ∥ dispute ∥ lapse": Meeting(
        asked,
        lambda one: [let_go(one, BEFORE), split(one, BEFORE), dispute(one, BEFORE), silence(LAST)],
    ),
    "accept ∥ accept": Meeting(
        asked, lambda one: [let_go(one), let_go(one, by=manager_of(one.talent))], one_wins=True
    ),
    "counter-offer ∥ counter-offer": Meeting(
        asked, lambda one: [split(one), split(one, by=manager_of(one.talent))], one_wins=True
    ),
    "dispute ∥ dispute": Meeting(
        asked, lambda one: [dispute(one), dispute(one, by=manager_of(one.talent))], one_wins=True
    ),
    "pay instead ∥ accept": Meeting(
        asked, lambda one: [pay_instead(one), let_go(one)], one_wins=True
    ),
    "pay instead ∥ dispute": Meeting(asked, lambda one: [pay_instead(one), dispute(one)]),
    "reject ∥ concede": Meeting(disputed, lambda one: [reject(one), pay_instead(one)]),
    "reject ∥ concede by silence": Meeting(
        disputed, lambda one: [reject(one, BEFORE), silence(LAST)]
    ),
    "agree ∥ agree, two people of one side": Meeting(
        split_by_talent,
        lambda one: [
            on_split("agree_to_split", one, owner_of(one.client)),
            on_split("agree_to_split", one, manager_of(one.client)),
        ],
        one_wins=True,
    ),
    "agree ∥ agree, both sides": Meeting(
        split_by_support,
        lambda one: [
            on_split("agree_to_split", one, owner_of(one.client)),
            on_split("agree_to_split", one, owner_of(one.talent)),
        ],
    ),
    "agree ∥ take back": Meeting(
        split_by_talent,
        lambda one: [
            on_split("agree_to_split", one, owner_of(one.client)),
            on_split("take_back_split", one, owner_of(one.talent)),
        ],
        one_wins=True,
    ),
    "agree ∥ support takes back": Meeting(
        half_agreed,
        lambda one: [
            on_split("agree_to_split", one, owner_of(one.talent)),
            on_split("take_back_split", one, support()),
        ],
        one_wins=True,
    ),
    "agree ∥ decline": Meeting(
        half_agreed,
        lambda one: [
            on_split("agree_to_split", one, owner_of(one.talent)),
            on_split("decline_split", one, owner_of(one.client)),
        ],
        one_wins=True,
    ),
    "agree ∥ the split is off": Meeting(
        split_by_talent,
        lambda one: [
            on_split("agree_to_split", one, owner_of(one.client), BEFORE),
            silence(LAST, "contracts.splits_lapse"),
        ],
    ),
    "agree ∥ dispute": Meeting(
        split_by_talent,
        lambda one: [on_split("agree_to_split", one, owner_of(one.client)), dispute(one)],
        one_wins=True,
    ),
    "decide ∥ agree": Meeting(
        half_agreed,
        lambda one: [
            decide(one, TWO_DAYS),
            on_split("agree_to_split", one, owner_of(one.talent), TWO_DAYS - TICK),
        ],
        one_wins=True,
    ),
    "decide ∥ accept": Meeting(mediating, lambda one: [decide(one), let_go(one)], one_wins=True),
    "decide ∥ concede": Meeting(
        mediating, lambda one: [decide(one), pay_instead(one)], one_wins=True
    ),
}


def met(meeting: Meeting) -> tuple[Contract, list[Result]]:
    contract = meeting.scene()
    return contract, race(*meeting.deeds(contract))


@cache
def one_after_the_other(name: str) -> set[Outcome]:
    """What comes of a meeting's deeds in any order."""
    meeting = MEETINGS[name]
    number = len(meeting.deeds(meeting.scene()))
    return {_in_order(meeting, order) for order in permutations(range(number))}


def _in_order(meeting: Meeting, order: tuple[int, ...]) -> Outcome:
    contract = meeting.scene()
    deeds = meeting.deeds(contract)
    results = [Result() for _ in deeds]
    for number in order:
        with clock.at(deeds[number].at):
            try:
                deeds[number].do()
            except Refused as refusal:
                results[number].refusal = refusal
    return outcome(contract, results)


def outcome(contract: Contract, results: list[Result]) -> Outcome:
    """Who got through, and what became of the request, its splits, its reasons and the money."""
    request = EscrowRefundRequest.objects.get(book=contract.book_id)
    return (
        *(result.won for result in results),
        request.state,
        tuple(sorted(one.state for one in request.proposals.all())),
        tuple(sorted(one.kind for one in request.statements.all())),
        money_of(contract),
    )


@pytest.mark.parametrize("name", MEETINGS)
def test_answers_that_meet_come_out_as_if_one_had_come_after_the_other(name):
    meeting = MEETINGS[name]
    possible = one_after_the_other(name)

    def one() -> None:
        contract, results = met(meeting)

        for result in results:
            if result.error is not None:
                raise result.error
            if result.refusal is not None:
                assert isinstance(result.refusal, Overtaken)
                assert result.refusal.sentence.endswith(".")
        assert outcome(contract, results) in possible
        if meeting.one_wins:
            assert sum(result.won for result in results) == 1

    rounds(one, of=SHARED)


@pytest.mark.postgresql
@pytest.mark.parametrize("name", MEETINGS)
def test_answers_that_meet_without_locks_go_wrong(name, monkeypatch, caplog):
    meeting = MEETINGS[name]
    possible = one_after_the_other(name)
    take_the_locks_away(monkeypatch)

    def went_wrong() -> bool:
        contract, results = met(meeting)
        return (
            any(result.error is not None for result in results)
            or outcome(contract, results) not in possible
            or not auditing.run().clean
        )

    assert any(went_wrong() for _ in range(CONTROL_ROUNDS))


# What comes of the most feared ones, in words -----------------------------------------------------


def test_paying_instead_and_letting_go_move_the_money_one_way_only():
    def one() -> None:
        contract, (paid, returned) = met(MEETINGS["pay instead ∥ accept"])

        assert money_of(contract) == (PAID if paid.won else RETURNED)
        lost = returned if paid.won else paid
        assert "settled already" in lost.refusal.sentence

    rounds(one, of=SHARED)


def test_dispute_on_the_last_instant_is_in_or_told_that_it_came_too_late():
    def one() -> None:
        contract, (answer, _) = met(MEETINGS["dispute ∥ lapse"])

        state = EscrowRefundRequest.objects.get(book=contract.book_id).state
        if answer.won:
            assert state == RequestState.DISPUTED
            assert money_of(contract)[0] == "$400.00"
        else:
            assert "settled already" in answer.refusal.sentence
            assert (state, money_of(contract)) == (RequestState.LAPSED, RETURNED)

    rounds(one, of=SHARED)
