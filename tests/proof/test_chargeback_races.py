"""A bank takes a charge back while its client's credit moves, or tells of it twice at once.

Whichever comes first, the bank gets the whole of it, once, and no credit is spent twice. On
PostgreSQL each has its control, in which it shows once the locks are taken away.
"""

from __future__ import annotations

import pytest

from marketplace import clock
from marketplace.money import Money
from payments import chargebacks, credits, refunds
from payments.gateways.base import Dispute
from payments.models import Chargeback, GatewayOperation, Payment
from payments.states import ChargebackState
from tests.factories import NOON, approve, fund, owner_of, planned, reread, usd
from tests.proof.racing import Result, race, rounds, shows

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


def paid_by_charge() -> tuple[Payment, GatewayOperation]:
    """$500.00 were charged and paid to the talent."""
    milestone = fund(planned(usd(500)))
    return approve(milestone), GatewayOperation.objects.get(book=milestone.contract.book_id)


def give(payment: Payment, amount: Money) -> object:
    by = owner_of(payment.book.talent)
    return refunds.give(payment, amount=amount, reason="", key="", by=by)


def take(charge: GatewayOperation) -> object:
    told = Dispute(
        f"dp:{charge.pk}", charge.key, charge.amount, ChargebackState.OPEN, "Fraud", NOON
    )
    return chargebacks.take(told, gateway="sandbox")


def taken(charge: GatewayOperation) -> Chargeback:
    return Chargeback.objects.get(operation=charge)


# chargeback ∥ refund -----------------------------------------------------------------------------


def chargeback_and_refund() -> tuple[GatewayOperation, list[Result]]:
    """$40.00 are in credit; the talent gives $100.00 more back."""
    payment, charge = paid_by_charge()
    give(payment, usd(40))
    return charge, race(lambda: take(charge), lambda: give(payment, usd(100)))


def test_chargeback_meets_a_refund():
    def one() -> None:
        charge, results = chargeback_and_refund()

        assert [result.error for result in results] == [None, None]
        assert all(result.won for result in results)
        found, credit = taken(charge), reread(charge.book).credit
        assert (found.from_credit, credit) in {(usd(40), usd(100)), (usd(140), usd(0))}
        assert found.from_credit + found.from_operator == usd(500)

    rounds(one)


@pytest.mark.postgresql
def test_chargeback_meets_a_refund_without_locks_goes_wrong(monkeypatch):
    assert shows(lambda: chargeback_and_refund()[1], monkeypatch, winners=2)


# chargeback ∥ credit sent back -------------------------------------------------------------------


def chargeback_and_credit_sent_back() -> tuple[GatewayOperation, list[Result]]:
    """$100.00 are in credit, which the client has sent back to the card."""
    payment, charge = paid_by_charge()
    give(payment, usd(100))
    account, by = reread(payment.book).credit_account, owner_of(payment.book.client)
    return charge, race(
        lambda: take(charge),
        lambda: credits.send_back(account, amount=usd(100), key=f"k:{charge.pk}", by=by),
    )


def test_chargeback_meets_credit_that_is_sent_back():
    def one() -> None:
        charge, (bank, client) = chargeback_and_credit_sent_back()

        assert [bank.error, client.error] == [None, None]
        assert bank.won
        left = usd(0) if client.won else usd(100)
        assert taken(charge).from_credit == left
        assert charge.sent_back.count() == (1 if client.won else 0)
        assert reread(charge.book).credit == usd(0)

    rounds(one)


@pytest.mark.postgresql
def test_chargeback_meets_credit_without_locks_goes_wrong(monkeypatch):
    """Both have read the same $100.00 of credit."""

    def one() -> list[Result]:
        charge, results = chargeback_and_credit_sent_back()
        spent = taken(charge).from_credit if results[0].won else usd(0)
        if spent and charge.sent_back.exists():
            return [Result(error=AssertionError(f"{spent} of credit were spent twice"))]
        return [results[0]]

    assert shows(one, monkeypatch)


# take ∥ take -------------------------------------------------------------------------------------


def told_twice() -> tuple[GatewayOperation, list[Result]]:
    _, charge = paid_by_charge()
    return charge, race(lambda: take(charge), lambda: take(charge))


def test_dispute_told_twice_at_once_is_taken_once():
    def one() -> None:
        charge, results = told_twice()

        assert [result.error for result in results] == [None, None]
        assert results[0].value == results[1].value == taken(charge)

    rounds(one)


@pytest.mark.postgresql
def test_dispute_told_twice_without_locks_goes_wrong(monkeypatch):
    assert shows(lambda: told_twice()[1], monkeypatch, winners=2)
