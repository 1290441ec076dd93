"""Withdrawals that meet: each other, a refund, maturing, and the gateway's answers.

Each meeting has exactly one right outcome; whoever came second reads it in a sentence. On
PostgreSQL each has its control, in which it shows once the locks are taken away.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace import clock, sweeping
from marketplace.actors import Actor
from marketplace.models import Notice, Party
from marketplace.refusals import InvalidInput
from marketplace.states import Role
from payments import operations, payouts, refunds
from payments.gateways import sandbox
from payments.gateways.base import SUCCEEDED, Outcome, declined
from payments.models import Account, Entry, GatewayOperation, Payment, SandboxCall
from payments.states import AccountKind, EntryKind, OperationKind, OperationState
from tests.factories import NOON, member_of, owner_of, paid_payment, usd
from tests.proof.racing import Deed, Result, assert_one_won, race, rounds, shows

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

DUE = NOON + timedelta(days=5)
"""When a payment of NOON becomes available."""
NO = declined("The bank refused it.")
BACK = declined("The bank sent the money back.")


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


def withdraw(party: Party, amount, *, key: str = "", by: Actor | None = None) -> GatewayOperation:
    return payouts.withdraw(
        party,
        amount=amount,
        destination=sandbox.RECEIVES,
        key=key,
        by=by or owner_of(party),
    )


def people_of(payment: Payment) -> tuple[Actor, Actor]:
    talent = payment.book.talent
    return owner_of(talent), member_of(talent, Role.MANAGER)


def available(party: Party) -> str:
    account = Account.objects.get(party=party, kind=AccountKind.AVAILABLE, currency="USD")
    return str(account.balance)


def posted(party: Party) -> list[str]:
    """What moved the talent's money out and back, oldest first."""
    kinds = (EntryKind.PAYOUT, EntryKind.PAYOUT_FAILED)
    found = Entry.objects.filter(talent=party, kind__in=kinds).order_by("pk")
    return list(found.values_list("kind", flat=True))


# withdraw ∥ withdraw: more than there is ---------------------------------------------------------


def withdrawals_beyond_the_balance() -> tuple[Party, list[Result]]:
    payment = paid_payment(usd(500))
    talent = payment.book.talent
    people = people_of(payment)
    return talent, race(
        *(Deed(lambda by=by: withdraw(talent, usd(300), by=by), DUE) for by in people)
    )


def test_withdrawals_together_never_pass_the_balance():
    def one() -> None:
        talent, results = withdrawals_beyond_the_balance()

        lost = assert_one_won(results)
        assert isinstance(lost.refusal, InvalidInput)
        assert lost.refusal.sentence == "You can withdraw $150.00 now, all that is available."
        assert posted(talent) == ["payout"]
        assert available(talent) == "$150.00"

    rounds(one)


@pytest.mark.postgresql
def test_withdrawals_together_without_locks_pass_the_balance(monkeypatch):
    assert shows(lambda: withdrawals_beyond_the_balance()[1], monkeypatch)


# The same form twice -----------------------------------------------------------------------------


def test_form_that_is_sent_twice_at_once_withdraws_once():
    def one() -> None:
        talent = paid_payment(usd(500)).book.talent
        by, key = owner_of(talent), f"k{talent.pk}"

        results = race(
            *(Deed(lambda: withdraw(talent, usd(100), key=key, by=by), DUE) for _ in range(2))
        )

        assert [result.error for result in results] == [None, None]
        assert all(result.won for result in results)
        assert results[0].value == results[1].value
        assert posted(talent) == ["payout"]
        assert SandboxCall.objects.filter(key=f"payout:{key}").count() == 1
        assert available(talent) == "$350.00"

    rounds(one)


# withdraw ∥ refund -------------------------------------------------------------------------------


def withdrawal_and_refund() -> tuple[Payment, list[Result]]:
    """$450 are due; all of it is withdrawn, and a refund would cost $180 of it."""
    payment = paid_payment(usd(500))
    owner, manager = people_of(payment)
    return payment, race(
        Deed(lambda: withdraw(payment.book.talent, usd(450), by=owner), DUE),
        Deed(
            lambda: refunds.give(payment, amount=usd(200), reason="", key="", by=manager),
            DUE,
        ),
    )


def test_withdrawal_meets_a_refund():
    def one() -> None:
        payment, results = withdrawal_and_refund()

        lost = assert_one_won(results)
        assert isinstance(lost.refusal, InvalidInput)
        withdrawn = results[0].won
        assert lost.refusal.sentence == (
            "Your balance is empty, so nothing can be refunded now."
            if withdrawn
            else "You can withdraw $270.00 now, all that is available."
        )
        assert available(payment.book.talent) == ("$0.00" if withdrawn else "$270.00")
        assert payment.refunds.count() == (0 if withdrawn else 1)

    rounds(one)


@pytest.mark.postgresql
def test_withdrawal_meets_a_refund_without_locks_goes_wrong(monkeypatch):
    assert shows(lambda: withdrawal_and_refund()[1], monkeypatch)


# withdraw ∥ mature -------------------------------------------------------------------------------


def withdrawal_and_maturing() -> tuple[Payment, list[Result]]:
    payment = paid_payment(usd(500))
    by = owner_of(payment.book.talent)

    def mature() -> int:
        (outcome,) = sweeping.run(only="payments.mature")
        assert not outcome.failed
        return outcome.done

    return payment, race(
        Deed(lambda: withdraw(payment.book.talent, usd(450), by=by), DUE), Deed(mature, DUE)
    )


def test_withdrawal_meets_maturing():
    def one() -> None:
        payment, results = withdrawal_and_maturing()

        assert [result.error for result in results] == [None, None]
        assert all(result.won for result in results)
        assert available(payment.book.talent) == "$0.00"
        assert payment.book.entries.filter(kind=EntryKind.MATURE).count() == 1

    rounds(one)


@pytest.mark.postgresql
def test_withdrawal_meets_maturing_without_locks_goes_wrong(monkeypatch, caplog):
    assert shows(lambda: withdrawal_and_maturing()[1], monkeypatch, winners=2)


# The gateway's answers ---------------------------------------------------------------------------


def begun() -> GatewayOperation:
    """A withdrawal of $200 whose call was not answered yet."""
    talent = paid_payment(usd(500)).book.talent
    with clock.at(DUE):
        operation = payouts.withdraw(
            talent,
            amount=usd(200),
            destination=sandbox.RECEIVES_LATE,
            key="",
            by=owner_of(talent),
        )
    assert operation.state == OperationState.UNKNOWN
    return operation


def taken() -> GatewayOperation:
    """The same, after the gateway took it."""
    return operations.settle(begun().pk, SUCCEEDED)


def answers(operation: GatewayOperation, *said: Outcome) -> tuple[GatewayOperation, list[Result]]:
    later = DUE + timedelta(minutes=1)
    results = race(
        *(Deed(lambda one=one: operations.settle(operation.pk, one), later) for one in said)
    )
    return GatewayOperation.objects.get(pk=operation.pk), results


MEETINGS = {
    "settle, settle": (begun, (SUCCEEDED, SUCCEEDED), {OperationState.SUCCEEDED}),
    "decline, decline": (begun, (NO, NO), {OperationState.DECLINED}),
    "settle, decline": (
        begun,
        (SUCCEEDED, BACK),
        {OperationState.RETURNED, OperationState.DECLINED},
    ),
    "come back, come back": (taken, (BACK, BACK), {OperationState.RETURNED}),
    "come back, look": (taken, (BACK, SUCCEEDED), {OperationState.RETURNED}),
}


@pytest.mark.parametrize("name", MEETINGS)
def test_answers_together_move_the_money_once(name):
    begin, said, states = MEETINGS[name]

    def one() -> None:
        operation, results = answers(begin(), *said)

        assert [result.error for result in results] == [None, None]
        assert operation.state in states
        arrived = operation.state == OperationState.SUCCEEDED
        talent = operation.owner
        assert posted(talent) == (["payout"] if arrived else ["payout", "payout_failed"])
        assert available(talent) == ("$250.00" if arrived else "$450.00")
        told = Notice.objects.filter(party=talent, kind="payments.money_came_back")
        assert told.count() == (0 if arrived else 1)

    rounds(one, of=len(MEETINGS))


@pytest.mark.postgresql
@pytest.mark.parametrize("name", ["settle, settle", "decline, decline", "come back, come back"])
def test_answers_together_without_locks_go_wrong(monkeypatch, name):
    begin, said, _ = MEETINGS[name]

    assert shows(lambda: answers(begin(), *said)[1], monkeypatch, winners=2)


def test_asking_meets_the_gateways_own_report():
    """The sweep asks again at the moment in which the gateway tells of its own accord."""

    def one() -> None:
        operation = begun()
        later = DUE + timedelta(minutes=1)

        results = race(
            Deed(lambda: operations.ask_again(operation.pk), later),
            Deed(lambda: operations.hear_of(operation.key), later),
        )

        assert [result.error for result in results] == [None, None]
        operation.refresh_from_db(fields=["settled_at"])
        assert operation.settled_at == later
        assert posted(operation.owner) == ["payout"]
        calls = SandboxCall.objects.filter(key=operation.key, kind=OperationKind.PAYOUT)
        assert calls.count() == 1

    rounds(one)
