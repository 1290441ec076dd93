"""Refunds and requests for one that meet: two refunds, the clock, an answer, a dispute of hours.

Each meeting has exactly one right outcome; whoever came second reads it in a sentence. On
PostgreSQL each has its control, in which it shows once the locks are taken away.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts import hours_disputes
from marketplace import clock, sweeping
from marketplace.actors import Actor
from marketplace.refusals import InvalidInput, Overtaken, Refused
from marketplace.states import Role
from payments import corrections, refund_requests, refunds
from payments.models import Payment, Refund, RefundRequest
from payments.states import RefundRequestState
from tests.factories import (
    NOON,
    FreelancerFactory,
    StaffFactory,
    funded_book,
    member_of,
    owner_of,
    paid,
    paid_payment,
    reread,
    usd,
)
from tests.proof import scenes
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

DUE = NOON + timedelta(days=5)
"""When a payment of NOON becomes available."""


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


def give(payment: Payment, amount, *, answers=None, by=None) -> Refund:
    by = by or owner_of(payment.book.talent)
    return refunds.give(payment, amount=amount, reason="", key="", answers=answers, by=by)


def talents_of(payment: Payment) -> tuple[Actor, Actor]:
    talent = payment.book.talent
    return owner_of(talent), member_of(talent, Role.MANAGER)


def asked(payment: Payment) -> RefundRequest:
    by = owner_of(payment.book.client)
    return refund_requests.ask(payment, amount=usd(60), reason="Half was missing.", key="", by=by)


def state_of(request: RefundRequest) -> str:
    return RefundRequest.objects.get(pk=request.pk).state


def balances(payment: Payment) -> tuple[str, str, str]:
    """The client's credit, the talent's pending and available money."""
    book = reread(payment.book)
    accounts = (book.credit, book.pending_account.balance, book.available_account.balance)
    return tuple(str(one) for one in accounts)


# refund ∥ refund: more than the payment ----------------------------------------------------------


def refunds_beyond_the_payment() -> tuple[Payment, list[Result]]:
    talent = FreelancerFactory()
    payment = paid_payment(usd(100), talent=talent)
    with clock.at(DUE):
        paid_payment(usd(1_000), talent=talent)
    people = talents_of(payment)
    return payment, race(*(Deed(lambda by=by: give(payment, usd(60), by=by), DUE) for by in people))


def test_refunds_together_never_pass_the_payment():
    def one() -> None:
        payment, results = refunds_beyond_the_payment()

        lost = assert_one_won(results)
        assert isinstance(lost.refusal, InvalidInput)
        assert lost.refusal.sentence == "At most $40.00 of this payment can still be refunded."
        assert [str(refund.amount) for refund in payment.refunds.all()] == ["$60.00"]

    rounds(one)


@pytest.mark.postgresql
def test_refunds_together_without_locks_pass_the_payment(monkeypatch):
    assert shows(lambda: refunds_beyond_the_payment()[1], monkeypatch)


# refund ∥ refund: more than the balance ----------------------------------------------------------


def refunds_beyond_the_balance() -> tuple[list[Payment], list[Result]]:
    """Two payments of two clients, both available, of which a correction left $90 of $180."""
    talent = FreelancerFactory()
    payments = [paid_payment(usd(100), talent=talent) for _ in range(2)]
    with clock.at(DUE):
        sweeping.run(only="payments.mature")
        _correct(payments[0], usd(90))
    by = owner_of(talent)
    return payments, race(
        *(Deed(lambda one=one: give(one, usd(80), by=by), DUE) for one in payments)
    )


def _correct(payment: Payment, amount) -> None:
    """Two of support take an amount out of the talent's available money."""
    book = reread(payment.book)
    first, second = (Actor.support(StaffFactory()) for _ in range(2))
    correction = corrections.propose(
        book,
        debit=book.available_account,
        credit=book.fees_account,
        amount=amount,
        reason="Paid out by hand.",
        by=first,
    )
    corrections.approve(correction, by=second)


def test_refunds_together_never_pass_the_balance():
    def one() -> None:
        payments, results = refunds_beyond_the_balance()

        lost = assert_one_won(results)
        assert isinstance(lost.refusal, InvalidInput)
        assert lost.refusal.sentence == "You can refund $20.00 now, your whole balance."
        assert Refund.objects.filter(payment__in=payments).count() == 1
        assert balances(payments[0])[2] == "$18.00"

    rounds(one)


@pytest.mark.postgresql
def test_refunds_together_without_locks_pass_the_balance(monkeypatch):
    assert shows(lambda: refunds_beyond_the_balance()[1], monkeypatch)


# refund ∥ mature ---------------------------------------------------------------------------------


def refund_and_mature() -> tuple[Payment, list[Result]]:
    payment = paid(funded_book(usd(100)), usd(100))
    by = owner_of(payment.book.talent)

    def mature() -> int:
        (outcome,) = sweeping.run(only="payments.mature")
        assert not outcome.failed
        return outcome.done

    return payment, race(Deed(lambda: give(payment, usd(60), by=by), DUE), Deed(mature, DUE))


def test_refund_meets_maturing():
    def one() -> None:
        payment, results = refund_and_mature()

        assert [result.error for result in results] == [None, None]
        assert all(result.won for result in results)
        assert balances(payment) == ("$60.00", "$0.00", "$36.00")
        payment.refresh_from_db()
        assert (payment.matured_at, payment.pending_left) == (DUE, usd(0))

    rounds(one)


@pytest.mark.postgresql
def test_refund_meets_maturing_without_locks_goes_wrong(monkeypatch, caplog):
    assert shows(lambda: refund_and_mature()[1], monkeypatch, winners=2)


# grant ∥ decline, grant ∥ take back --------------------------------------------------------------


def grant_and_decline() -> tuple[RefundRequest, list[Result]]:
    payment = paid_payment(usd(100))
    request, (owner, manager) = asked(payment), talents_of(payment)
    return request, race(
        lambda: give(payment, usd(60), answers=request, by=owner),
        lambda: refund_requests.decline(request, because="It was there.", by=manager),
    )


def grant_and_withdraw() -> tuple[RefundRequest, list[Result]]:
    payment = paid_payment(usd(100))
    request, by = asked(payment), owner_of(payment.book.talent)
    client = owner_of(payment.book.client)
    return request, race(
        lambda: give(payment, usd(60), answers=request, by=by),
        lambda: refund_requests.withdraw(request, by=client),
    )


MEETINGS = {
    "decline": (grant_and_decline, RefundRequestState.DECLINED),
    "withdraw": (grant_and_withdraw, RefundRequestState.WITHDRAWN),
}


@pytest.mark.parametrize("name", MEETINGS)
def test_granting_meets_what_closes_the_request(name):
    meet, closed = MEETINGS[name]

    def one() -> None:
        request, results = meet()

        lost = assert_one_won(results)
        assert isinstance(lost.refusal, Overtaken)
        assert lost.refusal.sentence.startswith("This is no longer possible: the refund request is")
        granted = results[0].won
        assert state_of(request) == (RefundRequestState.GRANTED if granted else closed)
        assert balances(request.payment)[0] == ("$60.00" if granted else "$0.00")

    rounds(one)


@pytest.mark.postgresql
@pytest.mark.parametrize("name", MEETINGS)
def test_granting_without_locks_goes_wrong(monkeypatch, name):
    assert shows(lambda: MEETINGS[name][0]()[1], monkeypatch)


# ask ∥ ask ---------------------------------------------------------------------------------------


def both_ask() -> tuple[Payment, list[Result]]:
    payment = paid_payment(usd(100))
    client = payment.book.client
    people = (owner_of(client), member_of(client, Role.MANAGER))
    return payment, race(
        *(
            lambda by=by: refund_requests.ask(
                payment, amount=usd(60), reason="Half was missing.", key="", by=by
            )
            for by in people
        )
    )


def test_asking_meets_asking():
    def one() -> None:
        payment, results = both_ask()

        lost = assert_one_won(results)
        assert isinstance(lost.refusal, Overtaken)
        assert lost.refusal.sentence.startswith("$60.00 of this payment was asked for already.")
        assert payment.refund_requests.count() == 1

    rounds(one)


@pytest.mark.postgresql
def test_asking_without_locks_goes_wrong(monkeypatch):
    assert shows(lambda: both_ask()[1], monkeypatch)


# ask ∥ refund in full ----------------------------------------------------------------------------


def test_asking_meets_a_refund_in_full():
    def one() -> None:
        payment = paid_payment(usd(100))
        talent = owner_of(payment.book.talent)
        client = owner_of(payment.book.client)

        refund, asking = race(
            lambda: give(payment, usd(100), by=talent),
            lambda: refund_requests.ask(
                payment, amount=usd(60), reason="Half was missing.", key="", by=client
            ),
        )

        assert refund.won
        assert asking.error is None
        if asking.won:
            assert state_of(asking.value) == RefundRequestState.GRANTED
        else:
            assert "refunded in full already" in asking.refusal.sentence
        assert balances(payment)[0] == "$100.00"

    rounds(one)


# refund ∥ reversal of hours ----------------------------------------------------------------------


def refund_and_reversal() -> tuple[Payment, list[Result]]:
    """$30 of the $120 of a week are disputed, so that the payment is held until it is settled."""
    dispute = scenes.disputed()
    payment = Payment.objects.get(book=dispute.contract.book_id)
    owner = owner_of(dispute.contract.talent)
    manager = member_of(dispute.contract.talent, Role.MANAGER)
    return payment, race(
        lambda: hours_disputes.accept(dispute, by=owner),
        lambda: give(payment, usd(90), by=manager),
    )


def test_refund_meets_the_reversal_of_hours():
    def one() -> None:
        payment, (reversal, refund) = refund_and_reversal()

        assert reversal.error is None
        assert refund.error is None
        assert reversal.won
        if refund.won:
            assert balances(payment) == ("$120.00", "$0.00", "$0.00")
        else:
            assert isinstance(refund.refusal, Refused)
            assert "hours of this payment are disputed" in refund.refusal.sentence
            assert balances(payment) == ("$30.00", "$81.00", "$0.00")
        payment.refresh_from_db()
        assert not payment.held

    rounds(one)


@pytest.mark.postgresql
def test_refund_meets_the_reversal_without_locks_goes_wrong(monkeypatch):
    """A refund that had read the payment before it was held moves money that is disputed."""

    def one() -> list[Result]:
        dispute = scenes.disputed()
        Payment.objects.filter(book=dispute.contract.book_id).update(held=False)
        payment = Payment.objects.get(book=dispute.contract.book_id)
        talent = owner_of(dispute.contract.talent)

        def hold_and_reverse() -> object:
            Payment.objects.filter(pk=payment.pk).update(held=True)
            return hours_disputes.accept(dispute, by=talent)

        return race(hold_and_reverse, lambda: give(payment, usd(90), by=talent))

    take_the_locks_away(monkeypatch)
    assert any(went_wrong(one(), winners=2) for _ in range(CONTROL_ROUNDS))


# request over ∥ grant ----------------------------------------------------------------------------


def test_the_last_instant_meets_the_sweep():
    def one() -> None:
        payment = paid_payment(usd(100))
        request, by = asked(payment), owner_of(payment.book.talent)
        last = request.until

        def sweep() -> int:
            (outcome,) = sweeping.run(only="payments.refund_requests")
            assert not outcome.failed
            return outcome.done

        grant, swept = race(
            Deed(lambda: give(payment, usd(60), answers=request, by=by), last),
            Deed(sweep, last + timedelta(seconds=1)),
        )

        assert [grant.error, swept.error] == [None, None]
        if grant.won:
            assert state_of(request) == RefundRequestState.GRANTED
        else:
            assert isinstance(grant.refusal, Overtaken)
            assert state_of(request) == RefundRequestState.EXPIRED
        assert balances(payment)[0] == ("$60.00" if grant.won else "$0.00")

    rounds(one)
