"""Bonuses and requests for one that meet: given once, paid once, granted or called off.

Each meeting has exactly one right outcome; whoever came second reads it in a sentence. On
PostgreSQL each has its control, in which it shows once the locks are taken away.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from contracts import bonuses, closing
from contracts.closing import Choice
from contracts.models import Bonus, BonusRequest, Contract
from contracts.states import BonusRequestState, BonusState, ContractState
from marketplace import clock, once
from marketplace.money import Money
from marketplace.refusals import FiguresChanged, InvalidInput, Overtaken
from marketplace.states import Role
from payments import operations
from payments.gateways import sandbox
from payments.models import SandboxCall
from tests.factories import (
    NOON,
    active,
    bonus,
    bonus_asked,
    charge,
    ended,
    hourly,
    leftover,
    member_of,
    money_of,
    owner_of,
    seen,
    usd,
)
from tests.proof.racing import (
    CONTROL_ROUNDS,
    Deed,
    Result,
    assert_one_won,
    race,
    rounds,
    shows,
    take_the_locks_away,
    went_wrong,
)

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


def give(contract: Contract, amount: Money | None = None, **values: Any) -> Callable[[], Bonus]:
    """Made ready before the race: its actor is found now."""
    given = {"by": owner_of(contract.client), "note": "", "method": sandbox.ACCEPTS, "key": ""}
    given |= {"amount": amount or usd(50), **values}
    return lambda: bonuses.give(contract, **given)


def with_credit(contract: Contract, amount: Money) -> Contract:
    charge(contract.book, amount)
    return contract


def asked() -> BonusRequest:
    """With credit of the client that covers it."""
    request = bonus_asked(with_credit(ended(hourly()), usd(60)))
    return BonusRequest.objects.select_related("contract").get(pk=request.pk)


def state_of(request: BonusRequest) -> str:
    return BonusRequest.objects.get(pk=request.pk).state


# give ∥ give -------------------------------------------------------------------------------------


def same_form() -> tuple[Contract, list[Result]]:
    contract = active()
    deed = give(contract, key=once.new_key())
    return contract, race(deed, deed)


def test_form_meets_itself():
    def one() -> None:
        contract, (first, second) = same_form()

        assert [first.error, second.error] == [None, None]
        assert [first.refusal, second.refusal] == [None, None]
        assert first.value == second.value
        assert contract.bonuses.count() == contract.book.operations.count() == 1
        assert money_of(contract) == ("$0.00", "$0.00", "$45.00", "$0.00")

    rounds(one)


@pytest.mark.postgresql
def test_form_that_nobody_claims_gives_twice(monkeypatch):
    """The control takes the key away instead of the locks: the contract's lock is enough else."""
    monkeypatch.setattr(once, "claim", lambda key, **given: None)
    monkeypatch.setattr(once, "keep", lambda key, result: None)

    def one() -> bool:
        contract, results = same_form()
        return contract.bonuses.count() > 1 or went_wrong(results, winners=2)

    assert any(one() for _ in range(CONTROL_ROUNDS))


def both_from_one_credit() -> tuple[Contract, list[Result]]:
    """The client's credit covers one of two bonuses; neither names a method."""
    contract = with_credit(active(), usd(60))
    people = owner_of(contract.client), member_of(contract.client, Role.MANAGER)
    return contract, race(*(give(contract, method="", by=by) for by in people))


def test_two_bonuses_meet_at_one_credit():
    def one() -> None:
        contract, results = both_from_one_credit()

        lost = assert_one_won(results)
        assert isinstance(lost.refusal, InvalidInput)
        assert lost.refusal.sentence == "Choose how to pay."
        assert money_of(contract) == ("$0.00", "$10.00", "$45.00", "$0.00")

    rounds(one)


@pytest.mark.postgresql
def test_two_bonuses_at_one_credit_without_locks_go_wrong(monkeypatch):
    assert shows(lambda: both_from_one_credit()[1], monkeypatch)


# settle ∥ settle ---------------------------------------------------------------------------------


def report_and_poll() -> tuple[Contract, list[Result]]:
    contract = active()
    bonus(contract, method=sandbox.TIMES_OUT)
    operation = contract.book.operations.get()
    return contract, race(
        lambda: operations.settle(operation.pk, sandbox.SUCCEEDED),
        Deed(lambda: operations.ask_again(operation.pk), NOON + MINUTE),
    )


def test_report_meets_poll():
    def one() -> None:
        contract, results = report_and_poll()

        assert [result.error for result in results] == [None, None]
        assert contract.bonuses.get().state == BonusState.PAID
        assert contract.book.payments.count() == 1
        assert money_of(contract) == ("$0.00", "$0.00", "$45.00", "$0.00")

    rounds(one)


@pytest.mark.postgresql
def test_report_meets_poll_without_locks_goes_wrong(monkeypatch):
    assert shows(lambda: report_and_poll()[1], monkeypatch, winners=2)


# give ∥ end --------------------------------------------------------------------------------------


def given_and_ended() -> tuple[Contract, list[Result]]:
    contract = leftover()
    shown, manager = seen(contract), member_of(contract.client, Role.MANAGER)
    return contract, race(
        give(contract),
        lambda: closing.end(contract, choice=Choice.nothing(), seen=shown, by=manager),
    )


def test_bonus_meets_the_end():
    """It is given whoever came first; an end that came second reads that something changed."""

    def one() -> None:
        contract, (given, end) = given_and_ended()

        assert [given.error, end.error] == [None, None]
        assert given.won
        assert contract.bonuses.get().state == BonusState.PAID
        assert money_of(contract)[:3] == ("$300.00", "$0.00", "$49.50")
        state = Contract.objects.get(pk=contract.pk).state
        if end.won:
            assert state == ContractState.ENDED
        else:
            assert isinstance(end.refusal, FiguresChanged)
            assert state == ContractState.ACTIVE

    rounds(one)


@pytest.mark.postgresql
def test_bonus_meets_the_end_without_locks_goes_wrong(monkeypatch):
    take_the_locks_away(monkeypatch)

    def one() -> bool:
        _, results = given_and_ended()
        return any(result.error for result in results)

    assert any(one() for _ in range(CONTROL_ROUNDS))


# grant ∥ decline ∥ withdraw ----------------------------------------------------------------------


def granting(request: BonusRequest) -> Callable[[], object]:
    return give(request.contract, usd(60), method="", request=request)


def declining(request: BonusRequest) -> Callable[[], object]:
    by = member_of(request.contract.client, Role.MANAGER)
    return lambda: bonuses.decline_request(request, because="", by=by)


def withdrawing(request: BonusRequest) -> Callable[[], object]:
    by = owner_of(request.contract.talent)
    return lambda: bonuses.withdraw_request(request, by=by)


ANSWERS = {"grant": granting, "decline": declining, "withdraw": withdrawing}
BECAME = {
    "grant": BonusRequestState.GRANTED,
    "decline": BonusRequestState.DECLINED,
    "withdraw": BonusRequestState.WITHDRAWN,
}
PAIRS = [("grant", "decline"), ("grant", "withdraw"), ("decline", "withdraw")]


def answered(*names: str) -> tuple[BonusRequest, list[Result]]:
    request = asked()
    return request, race(*[ANSWERS[name](request) for name in names])


@pytest.mark.parametrize("names", [*PAIRS, tuple(ANSWERS)], ids=" ".join)
def test_answers_to_a_request_meet(names):
    def one() -> None:
        request, results = answered(*names)

        lost = assert_one_won(results)
        assert isinstance(lost.refusal, Overtaken)
        won = next(name for name, result in zip(names, results, strict=True) if result.won)
        assert state_of(request) == BECAME[won]
        pending = "$54.00" if won == "grant" else "$0.00"
        assert money_of(request.contract)[2] == pending

    rounds(one, of=2)


@pytest.mark.postgresql
@pytest.mark.parametrize("names", PAIRS, ids=" ".join)
def test_answers_to_a_request_without_locks_go_wrong(names, monkeypatch):
    assert shows(lambda: answered(*names)[1], monkeypatch)


# late charge ∥ decline ---------------------------------------------------------------------------


def late_charge_and_decline() -> tuple[BonusRequest, list[Result]]:
    contract = ended(hourly())
    request = bonus_asked(contract)
    request = BonusRequest.objects.select_related("contract").get(pk=request.pk)
    bonus(contract, usd(60), request=request, method=sandbox.TIMES_OUT)
    operation = contract.book.operations.get()
    return request, race(
        Deed(lambda: operations.ask_again(operation.pk), NOON + MINUTE), declining(request)
    )


def test_late_charge_meets_the_decline():
    """Paid and granted, or declined and the money is credit: never both, never neither."""

    def one() -> None:
        request, (late, decline) = late_charge_and_decline()

        assert [late.error, decline.error] == [None, None]
        assert late.won
        if decline.won:
            assert state_of(request) == BonusRequestState.DECLINED
            assert money_of(request.contract)[1:3] == ("$60.00", "$0.00")
        else:
            assert isinstance(decline.refusal, Overtaken)
            assert state_of(request) == BonusRequestState.GRANTED
            assert money_of(request.contract)[1:3] == ("$0.00", "$54.00")
        assert SandboxCall.objects.filter(
            key=request.contract.book.operations.get().key, outcome="succeeded"
        ).exists()

    rounds(one)


@pytest.mark.postgresql
def test_late_charge_meets_the_decline_without_locks_goes_wrong(monkeypatch):
    take_the_locks_away(monkeypatch)

    def one() -> bool:
        _, results = late_charge_and_decline()
        return any(result.error for result in results)

    assert any(one() for _ in range(CONTROL_ROUNDS))
