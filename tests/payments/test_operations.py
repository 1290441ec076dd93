"""Gateway operations: intent, call, outcome; late, double and missing answers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from marketplace import clock, locks, policy, sweeping
from marketplace.models.history import Rank
from payments import gateways, ledger, operations, sweeps
from payments.gateways import sandbox
from payments.gateways.base import SUCCEEDED, Call, InsideTransaction, Outcome
from payments.models import Book, GatewayOperation, SandboxCall
from payments.states import OperationKind, OperationState
from tests.factories import NOON, open_book, owner_of, reread, usd

pytestmark = pytest.mark.django_db

PURPOSE = "test_credit"


@pytest.fixture(autouse=True)
def _a_purpose(monkeypatch):
    """A floor above that leaves the money as credit."""
    monkeypatch.setitem(operations._purposes, PURPOSE, keep_as_credit)


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


@transaction.atomic
def keep_as_credit(operation_id: int, outcome: Outcome) -> None:
    operation = locks.row(GatewayOperation.objects.filter(pk=operation_id), Rank.OPERATION)
    if not operation.is_open:
        return
    operations.record(operation, ledger.lock(operation.book_id), outcome)


@transaction.atomic
def begin(book: Book, method: str, key: str = "key-1") -> GatewayOperation:
    return operations.start(
        book=ledger.lock(book.pk),
        purpose=PURPOSE,
        purpose_id=7,
        amount=usd(40),
        method=method,
        key=key,
        by=owner_of(book.client),
    )


def sweep_at(moment, name="payments.charges") -> int:
    return sum(outcome.done for outcome in sweeping.run(as_of=moment, only=name))


def test_charge_accepted_is_credited_once():
    book = open_book()

    operation = operations.carry_out(begin(book, sandbox.ACCEPTS).pk)

    assert operation.state == OperationState.SUCCEEDED
    assert operation.entry.key == "charge:key-1"
    assert reread(book).credit == usd(40)
    assert [row.transition for row in book.history.all()] == ["create", "succeed"]


def test_charge_declined_says_why_and_moves_nothing():
    book = open_book()

    operation = operations.carry_out(begin(book, sandbox.DECLINES).pk)

    assert operation.state == OperationState.DECLINED
    assert operation.declined_because == sandbox.REFUSED
    assert operation.entry is None
    assert reread(book).credit == usd(0)


def test_charge_that_times_out_succeeds_when_asked_again():
    book = open_book()
    operation = operations.carry_out(begin(book, sandbox.TIMES_OUT).pk)
    assert operation.state == OperationState.UNKNOWN
    assert operation.due_at == NOON + timedelta(minutes=1)
    assert reread(book).credit == usd(0)

    assert sweep_at(NOON + timedelta(seconds=59)) == 0
    assert sweep_at(NOON + timedelta(minutes=1)) == 1

    operation = GatewayOperation.objects.get()
    assert operation.state == OperationState.SUCCEEDED
    assert reread(book).credit == usd(40)


def test_charge_never_answered_is_asked_at_growing_steps_and_called_off_after_a_day():
    book = open_book()
    operations.carry_out(begin(book, sandbox.NEVER_ANSWERS).pk)

    asked = []
    while (operation := GatewayOperation.objects.get()).is_open:
        asked.append(operation.due_at - NOON)
        assert sweep_at(operation.due_at) == 1

    assert asked[:4] == [
        timedelta(minutes=1),
        timedelta(minutes=6),
        timedelta(minutes=36),
        timedelta(minutes=156),
    ]
    assert asked[-1] == policy.OPERATION_GIVES_UP
    assert operation.state == OperationState.DECLINED
    assert operation.declined_because == sandbox.CALLED_OFF
    assert reread(book).credit == usd(0)


def test_charge_answered_twice_is_credited_once():
    book = open_book()
    operations.carry_out(begin(book, sandbox.ANSWERS_TWICE).pk)

    assert sweep_at(NOON + sandbox.SECOND_REPORT, "payments.sandbox_reports") == 1
    assert sweep_at(NOON + sandbox.SECOND_REPORT, "payments.sandbox_reports") == 0

    assert reread(book).credit == usd(40)
    assert book.entries.count() == 1


def test_operation_whose_process_died_before_the_call_is_carried_out_by_the_sweep():
    book = open_book()
    begin(book, sandbox.ACCEPTS)

    assert sweep_at(NOON + timedelta(minutes=1)) == 1

    assert GatewayOperation.objects.get().state == OperationState.SUCCEEDED
    assert reread(book).credit == usd(40)


def test_operation_whose_process_died_after_the_call_is_charged_once():
    book = open_book()
    operation = begin(book, sandbox.ACCEPTS)
    gateways.gateway().call(operations.call_of(operation))

    sweep_at(NOON + timedelta(minutes=1))

    assert SandboxCall.objects.count() == 1
    assert reread(book).credit == usd(40)


def test_carry_out_again_after_the_outcome_changes_nothing():
    book = open_book()
    operation = operations.carry_out(begin(book, sandbox.ACCEPTS).pk)

    again = operations.carry_out(operation.pk)
    asked = operations.ask_again(operation.pk)

    assert again.settled_at == asked.settled_at == operation.settled_at
    assert book.entries.count() == 1


def test_settle_with_the_opposite_answer_changes_nothing_and_is_noted(caplog):
    book = open_book()
    operation = operations.carry_out(begin(book, sandbox.DECLINES).pk)

    operations.settle(operation.pk, SUCCEEDED)

    assert reread(book).credit == usd(0)
    assert "contradicted" in caplog.text


def test_record_of_an_operation_settled_before_brings_nothing():
    book = open_book()
    operation = operations.carry_out(begin(book, sandbox.ACCEPTS).pk)

    with transaction.atomic():
        came = operations.record(operation, ledger.lock(book.pk), SUCCEEDED)

    assert came is False
    assert reread(book).credit == usd(40)


def test_report_of_a_key_that_is_not_ours_is_left_alone():
    operations.hear_of("somebody-elses")

    assert not GatewayOperation.objects.exists()


@pytest.mark.parametrize("name", ["call", "ask", "cancel"])
def test_gateway_called_inside_a_transaction_raises(name):
    call = Call(OperationKind.CHARGE, "key", usd(5), sandbox.ACCEPTS, party=1, started_at=NOON)

    with pytest.raises(InsideTransaction), transaction.atomic():
        getattr(gateways.gateway(), name)(call)

    assert not SandboxCall.objects.exists()


def test_purpose_registered_twice_raises():
    with pytest.raises(ValueError, match="has its function already"):
        operations.purpose(PURPOSE)(keep_as_credit)


def test_sweep_of_charges_leaves_settled_ones_out():
    operations.carry_out(begin(open_book(), sandbox.ACCEPTS).pk)

    assert not list(sweeps._unsettled())
