"""Two of support at the same moment, or support and the client: money moves once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from contracts import billing, owed
from contracts.models import Contract
from contracts.states import WeekState
from marketplace import clock
from marketplace.actors import Actor
from payments import corrections
from payments.gateways import sandbox
from payments.models import Book, Correction, Entry, SandboxCall
from payments.states import CorrectionState, EntryKind
from tests.factories import NOON, StaffFactory, charge, money_of, open_book, owner_of, reread, usd
from tests.proof.racing import Deed, Result, assert_one_won, race, rounds, shows
from tests.proof.scenes import unpaid, week_of

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

SATURDAY = NOON + timedelta(days=2)
"""The client can no longer dispute last week's hours."""
NOTHING = ("$0.00", "$0.00", "$0.00", "$0.00")
PAID_OUT = ("$0.00", "$0.00", "$108.00", "$0.00")
REASON = "Charged twice."


@pytest.fixture(autouse=True)
def _saturday():
    with clock.at(SATURDAY):
        yield


def support() -> Actor:
    return Actor.support(StaffFactory())


def at_once(*deeds: Callable[[], object]) -> list[Result]:
    return race(*(Deed(one, SATURDAY) for one in deeds))


# approve ∥ approve, approve ∥ reject -------------------------------------------------------------


def proposed() -> Correction:
    """$40.00 of $100.00 of credit."""
    book = open_book()
    charge(book, usd(100))
    book = reread(book)
    return corrections.propose(
        book,
        debit=book.credit_account,
        credit=book.outside_account,
        amount=usd(40),
        reason=REASON,
        by=support(),
    )


def credit_of(correction: Correction) -> str:
    return str(reread(Book.objects.get(pk=correction.book_id)).credit)


def approve_twice() -> tuple[Correction, list[Result]]:
    correction = proposed()
    one, other = support(), support()
    return correction, at_once(
        lambda: corrections.approve(correction, by=one),
        lambda: corrections.approve(correction, by=other),
    )


def test_approving_meets_approving():
    def one() -> None:
        correction, results = approve_twice()

        assert assert_one_won(results).refusal.sentence == corrections.DECIDED
        assert Entry.objects.filter(key=f"correction:{correction.pk}").count() == 1
        assert credit_of(correction) == "$60.00"

    rounds(one)


@pytest.mark.postgresql
def test_approving_meets_approving_without_locks_goes_wrong(monkeypatch):
    assert shows(lambda: approve_twice()[1], monkeypatch)


def approve_and_reject() -> tuple[Correction, list[Result]]:
    correction = proposed()
    one, other = support(), support()
    return correction, at_once(
        lambda: corrections.approve(correction, by=one),
        lambda: corrections.reject(correction, because="Two purchases.", by=other),
    )


def test_approving_meets_rejecting():
    def one() -> None:
        correction, results = approve_and_reject()

        assert assert_one_won(results).refusal.sentence == corrections.DECIDED
        approved = results[0].won
        assert credit_of(correction) == ("$60.00" if approved else "$100.00")
        state = CorrectionState.POSTED if approved else CorrectionState.REJECTED
        assert Correction.objects.get(pk=correction.pk).state == state

    rounds(one)


@pytest.mark.postgresql
def test_approving_meets_rejecting_without_locks_goes_wrong(monkeypatch):
    assert shows(lambda: approve_and_reject()[1], monkeypatch)


def test_two_corrections_of_the_same_money():
    """Each of $70.00 of $100.00: the second finds too little."""

    def one() -> None:
        first = proposed()
        book = reread(first.book)
        both = [
            corrections.propose(
                book,
                debit=book.credit_account,
                credit=book.outside_account,
                amount=usd(70),
                reason=REASON,
                by=support(),
            )
            for _ in range(2)
        ]
        approver = support()

        results = at_once(*(lambda c=c: corrections.approve(c, by=approver) for c in both))

        assert assert_one_won(results).refusal.sentence.startswith("Client credit holds $30.00")
        assert credit_of(first) == "$30.00"

    rounds(one, of=2)


# write off ∥ settle ∥ the client pays ------------------------------------------------------------


def pays(contract: Contract) -> Callable[[], object]:
    week, by = week_of(contract), owner_of(contract.client)
    return lambda: billing.pay_now(week, method=sandbox.ACCEPTS, key="", by=by)


def writes_off(contract: Contract) -> Callable[[], object]:
    week, by = week_of(contract), support()
    return lambda: owed.write_off(week, because="Bankrupt.", by=by)


def approves(contract: Contract) -> Callable[[], object]:
    correction = owed.propose_settlement(week_of(contract), because="Bankrupt.", by=support())
    by = support()
    return lambda: corrections.approve(correction, by=by)


def charges_of(contract: Contract) -> int:
    keys = contract.book.operations.values_list("key", flat=True)
    return SandboxCall.objects.filter(key__in=list(keys), outcome="succeeded").count()


def assert_written_off(contract: Contract) -> None:
    assert week_of(contract).state == WeekState.WRITTEN_OFF
    assert (charges_of(contract), money_of(contract)) == (0, NOTHING)


def assert_paid(contract: Contract, *, charges: int) -> None:
    assert week_of(contract).state == WeekState.PAID
    assert (charges_of(contract), money_of(contract)) == (charges, PAID_OUT)


def write_off_and_pay() -> tuple[Contract, list[Result]]:
    contract = unpaid()
    return contract, at_once(writes_off(contract), pays(contract))


def test_writing_off_meets_the_client_who_pays():
    def one() -> None:
        contract, results = write_off_and_pay()

        assert assert_one_won(results).refusal.sentence.startswith(
            ("Nothing is owed", owed.CHARGING)
        )
        if results[0].won:
            assert_written_off(contract)
        else:
            assert_paid(contract, charges=1)
        assert Contract.objects.get(pk=contract.pk).hold_since is None

    rounds(one)


@pytest.mark.postgresql
def test_writing_off_meets_the_client_without_locks_goes_wrong(monkeypatch, caplog):
    assert shows(lambda: write_off_and_pay()[1], monkeypatch)


def settle_and_pay() -> tuple[Contract, list[Result]]:
    contract = unpaid()
    return contract, at_once(approves(contract), pays(contract))


def test_settling_meets_the_client_who_pays():
    def one() -> None:
        contract, results = settle_and_pay()

        assert assert_one_won(results).refusal.sentence.startswith(
            ("Nothing is owed", owed.CHARGING)
        )
        settled = results[0].won
        assert_paid(contract, charges=0 if settled else 1)
        state = CorrectionState.POSTED if settled else CorrectionState.PROPOSED
        assert Correction.objects.get(book=contract.book_id).state == state

    rounds(one)


@pytest.mark.postgresql
def test_settling_meets_the_client_without_locks_goes_wrong(monkeypatch, caplog):
    assert shows(lambda: settle_and_pay()[1], monkeypatch)


def test_proposing_meets_writing_off():
    """A proposal that came first stands before the write-off; the other way there is none."""

    def one() -> None:
        contract = unpaid()
        week, by = week_of(contract), support()

        results = at_once(
            lambda: owed.propose_settlement(week, because="Bankrupt.", by=by),
            writes_off(contract),
        )

        assert assert_one_won(results).refusal.sentence in (owed.PROPOSED, owed.NOT_OWED)
        waiting = Correction.objects.filter(book=contract.book_id)
        assert waiting.count() == (1 if results[0].won else 0)
        assert money_of(contract) == NOTHING

    rounds(one, of=2)


def test_writing_off_settling_and_paying_all_meet():
    """The proposal waits, so the write-off never wins; one of the others pays, once."""

    def one() -> None:
        contract = unpaid()

        write_off, settle, pay = at_once(writes_off(contract), approves(contract), pays(contract))

        assert [one.error for one in (write_off, settle, pay)] == [None, None, None]
        assert not write_off.won
        assert settle.won is not pay.won
        assert_paid(contract, charges=1 if pay.won else 0)
        posted = Entry.objects.filter(book=contract.book_id, kind=EntryKind.CORRECTION)
        assert posted.count() == (1 if settle.won else 0)

    rounds(one, of=2)
