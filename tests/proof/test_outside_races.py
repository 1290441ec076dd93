"""A webhook, the poll and the sweep take the same outcome in at the same moment: posted once.

On PostgreSQL each meeting has its control, in which it shows once the locks are taken away.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from contracts.models import Contract
from marketplace import clock
from payments import operations
from payments.gateways import sandbox
from payments.gateways.base import SUCCEEDED, declined
from payments.models import Entry, GatewayOperation, SandboxCall
from payments.states import EntryKind, OperationKind, OperationState
from tests.factories import NOON, fund, money_of, planned
from tests.proof import leaving
from tests.proof.racing import Result, race, rounds, shows

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

LATER = NOON + sandbox.COMES_BACK_AFTER


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


def entries_of(operation: GatewayOperation) -> list[str]:
    """What was posted for it, out and back."""
    found = Entry.objects.filter(key__endswith=operation.key).order_by("pk")
    return list(found.values_list("kind", flat=True))


def late_charge() -> tuple[GatewayOperation, Contract]:
    milestone = planned()
    fund(milestone, sandbox.TIMES_OUT)
    return milestone.contract.book.operations.get(), milestone.contract


def late_withdrawal() -> tuple[GatewayOperation, Contract]:
    contract = leaving.withdrawn(sandbox.RECEIVES_LATE)
    return leaving.withdrawal_of(contract), contract


def returned_withdrawal() -> tuple[GatewayOperation, Contract]:
    """The bank has sent it back, and we have not heard of it."""
    contract = leaving.withdrawn(sandbox.SENDS_BACK)
    operation = leaving.withdrawal_of(contract)
    with clock.at(LATER):
        sandbox.report(SandboxCall.objects.get(key=operation.key).pk)
    return operation, contract


CASES: dict[str, tuple[Callable[[], tuple[GatewayOperation, Contract]], list[str], str]] = {
    "charge": (late_charge, [EntryKind.CHARGE], OperationState.SUCCEEDED),
    "withdrawal": (late_withdrawal, [EntryKind.PAYOUT], OperationState.SUCCEEDED),
    "withdrawal that came back": (
        returned_withdrawal,
        [EntryKind.PAYOUT, EntryKind.PAYOUT_FAILED],
        OperationState.RETURNED,
    ),
}
HOLDS = {
    "charge": ("$500.00", "$0.00", "$0.00", "$0.00"),
    "withdrawal": ("$0.00", "$0.00", "$0.00", "$0.00"),
    "withdrawal that came back": ("$0.00", "$0.00", "$0.00", "$450.00"),
}


def taken_in(name: str) -> tuple[GatewayOperation, Contract, list[Callable[[], object]]]:
    """By a webhook, by who waits for the answer, and by the sweep that asks for it."""
    operation, contract = CASES[name][0]()
    is_back = CASES[name][2] == OperationState.RETURNED
    outcome = declined(sandbox.SENT_BACK) if is_back else SUCCEEDED
    ways: list[Callable[[], object]] = [
        lambda: operations.hear_of(operation.key),
        lambda: operations.settle(operation.pk, outcome),
        lambda: operations.ask_again(operation.pk),
    ]
    return operation, contract, ways


@pytest.mark.parametrize("name", CASES)
def test_webhook_meets_the_poll_and_the_sweep(name):
    def one() -> None:
        operation, contract, ways = taken_in(name)

        results = race(*ways)

        assert [result.error for result in results] == [None, None, None]
        assert entries_of(operation) == CASES[name][1]
        assert GatewayOperation.objects.get(pk=operation.pk).state == CASES[name][2]
        assert money_of(contract) == HOLDS[name]

    rounds(one, of=len(CASES))


@pytest.mark.postgresql
@pytest.mark.parametrize("name", CASES)
def test_webhook_meets_the_poll_without_locks_goes_wrong(name, monkeypatch):
    def both() -> list[Result]:
        return race(*taken_in(name)[2][:2])

    assert shows(both, monkeypatch, winners=2)


def test_report_that_comes_before_the_answer_is_taken_in_once():
    """The webhook arrives while the call that it is about is still being made."""

    def one() -> None:
        contract = leaving.begun()
        operation = leaving.withdrawal_of(contract)

        results = race(
            lambda: operations.carry_out(operation.pk), lambda: operations.hear_of(operation.key)
        )

        assert [result.error for result in results] == [None, None]
        operations.ask_again(operation.pk)
        assert entries_of(operation) == [EntryKind.PAYOUT]
        assert money_of(contract) == ("$0.00", "$0.00", "$0.00", "$0.00")
        assert SandboxCall.objects.filter(kind=OperationKind.PAYOUT, key=operation.key).count() == 1

    rounds(one, of=len(CASES))
