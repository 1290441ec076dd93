"""Two people, two tabs, the clock and the gateway, all at the same moment: exactly one wins.

The other reads in a sentence what happened. On PostgreSQL each race has its control: with the locks
taken away it shows, so the test would see it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from contracts import closing, escrow_answers, funding, milestones, offers
from contracts.closing import Choice
from contracts.models import Contract, Milestone
from contracts.offers import MilestoneDraft
from contracts.states import ContractState, MilestoneState, Side
from marketplace import clock, once, sweeping
from marketplace.refusals import FiguresChanged, InvalidInput, Overtaken
from marketplace.states import Role
from payments import operations, refunds
from payments.gateways import sandbox
from payments.models import GatewayOperation, Payment, Refund, SandboxCall
from payments.states import RequestState
from tests.factories import (
    NOON,
    FreelancerFactory,
    PartyFactory,
    active,
    add_milestone,
    approve,
    ended,
    fund,
    funded,
    member_of,
    milestone_of,
    money_of,
    offered,
    owner_of,
    planned,
    seen,
    submitted,
    usd,
)
from tests.proof.racing import (
    CONTROL_ROUNDS,
    TICK,
    Deed,
    Result,
    assert_one_won,
    race,
    rounds,
    shows,
    take_the_locks_away,
)

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


# end ∥ end ---------------------------------------------------------------------------------------


def both_end() -> tuple[Contract, list[Result]]:
    contract = submitted().contract
    shown = seen(contract)
    client, talent = owner_of(contract.client), owner_of(contract.talent)
    return contract, race(
        lambda: closing.end(contract, choice=Choice.all(), seen=shown, by=client),
        lambda: closing.end(
            contract, choice=Choice.nothing(), seen=shown, gives_up=True, by=talent
        ),
    )


def test_end_meets_end():
    def one() -> None:
        contract, results = both_end()

        lost = assert_one_won(results)
        assert isinstance(lost.refusal, Overtaken)
        assert "ended this contract" in lost.refusal.sentence
        paid = ("$0.00", "$0.00", "$450.00", "$0.00")
        returned = ("$0.00", "$500.00", "$0.00", "$0.00")
        assert money_of(contract) == (paid if results[0].won else returned)

    rounds(one)


@pytest.mark.postgresql
def test_end_meets_end_without_locks_goes_wrong(monkeypatch):
    assert shows(lambda: both_end()[1], monkeypatch)


# end ∥ approve -----------------------------------------------------------------------------------


def end_and_approve() -> tuple[Contract, list[Result]]:
    milestone = submitted()
    contract, shown = milestone.contract, seen(milestone.contract)
    owner, manager = owner_of(contract.client), member_of(contract.client, Role.MANAGER)
    return contract, race(
        lambda: closing.end(contract, choice=Choice.all(), seen=shown, by=owner),
        lambda: milestones.approve(milestone, amount=usd(500), key="", by=manager),
    )


def test_end_meets_approval():
    def one() -> None:
        contract, results = end_and_approve()

        lost = assert_one_won(results)
        assert isinstance(lost.refusal, FiguresChanged | Overtaken)
        assert money_of(contract) == ("$0.00", "$0.00", "$450.00", "$0.00")
        assert Payment.objects.filter(book=contract.book_id).count() == 1

    rounds(one)


@pytest.mark.postgresql
def test_end_meets_approval_without_locks_goes_wrong(monkeypatch):
    assert shows(lambda: end_and_approve()[1], monkeypatch)


# approve ∥ approve -------------------------------------------------------------------------------


def both_approve() -> tuple[Contract, list[Result]]:
    milestone = submitted()
    client = milestone.contract.client
    people = (owner_of(client), member_of(client, Role.MANAGER))
    return milestone.contract, race(
        *(
            lambda by=by: milestones.approve(milestone, amount=usd(300), key="", by=by)
            for by in people
        )
    )


def test_approval_meets_approval():
    def one() -> None:
        contract, results = both_approve()

        lost = assert_one_won(results)
        assert "no longer open" in lost.refusal.sentence
        assert money_of(contract) == ("$200.00", "$0.00", "$270.00", "$0.00")

    rounds(one)


@pytest.mark.postgresql
def test_approval_meets_approval_without_locks_goes_wrong(monkeypatch):
    assert shows(lambda: both_approve()[1], monkeypatch)


# answer ∥ lapse ----------------------------------------------------------------------------------


def answer_and_lapse() -> tuple[Contract, list[Result]]:
    contract = ended(funded().contract)
    due = contract.open_request.answer_by
    talent = owner_of(contract.talent)

    def sweep() -> int:
        outcomes = sweeping.run(only="contracts.escrow_requests_pass")
        assert not any(one.failed for one in outcomes)
        return sum(one.done for one in outcomes)

    return contract, race(
        Deed(lambda: escrow_answers.dispute(contract, text="No.", by=talent), due - TICK),
        Deed(sweep, due),
    )


def test_answer_meets_the_sweep_on_the_last_second():
    def one() -> None:
        contract, (answer, sweep) = answer_and_lapse()

        assert sweep.error is None
        assert answer.error is None
        state = Contract.objects.get(pk=contract.pk).book.escrow_refund_request.state
        if answer.won:
            assert state == RequestState.DISPUTED
            assert money_of(contract)[:2] == ("$500.00", "$0.00")
        else:
            assert "settled already" in answer.refusal.sentence
            assert state == RequestState.LAPSED
            assert money_of(contract)[:2] == ("$0.00", "$500.00")

    rounds(one)


@pytest.mark.postgresql
def test_answer_meets_the_sweep_without_locks_goes_wrong(monkeypatch):
    def one() -> list[Result]:
        contract, results = answer_and_lapse()
        state = Contract.objects.get(pk=contract.pk).book.escrow_refund_request.state
        both = results[0].won and state == RequestState.LAPSED
        return [*results, Result(error=AssertionError("both"))] if both else results

    take_the_locks_away(monkeypatch)
    assert any(
        results[-1].error or results[0].error or not results[1].won
        for results in (one() for _ in range(CONTROL_ROUNDS))
    )


# refund ∥ refund ---------------------------------------------------------------------------------


def both_refund() -> tuple[Payment, list[Result]]:
    first = submitted(usd(1_000))
    contract = first.contract
    approve(first)
    with clock.at(NOON + timedelta(days=6)):
        sweeping.run(only="payments.mature")
    payment = approve(fund(add_milestone(contract, usd(100))))
    by = owner_of(contract.talent)
    return payment, race(
        *[lambda: refunds.give(payment, amount=usd(60), reason="", key="", by=by)] * 2
    )


def test_refund_meets_refund_beyond_the_payment():
    def one() -> None:
        payment, results = both_refund()

        lost = assert_one_won(results)
        assert isinstance(lost.refusal, InvalidInput)
        assert "At most $40.00" in lost.refusal.sentence
        assert [str(refund.amount) for refund in payment.refunds.all()] == ["$60.00"]

    rounds(one)


@pytest.mark.postgresql
def test_refund_meets_refund_without_locks_goes_wrong(monkeypatch):
    assert shows(lambda: both_refund()[1], monkeypatch)


# late charge ∥ end -------------------------------------------------------------------------------


def late_charge_and_end() -> tuple[Contract, list[Result]]:
    milestone = planned()
    contract = milestone.contract
    fund(milestone, sandbox.TIMES_OUT)
    operation, shown = contract.book.operations.get(), seen(contract)
    talent = owner_of(contract.talent)
    return contract, race(
        Deed(lambda: operations.ask_again(operation.pk), NOON + timedelta(minutes=1)),
        lambda: closing.end(contract, choice=Choice.nothing(), seen=shown, by=talent),
    )


def test_late_charge_meets_the_end():
    def one() -> None:
        contract, (charge, end) = late_charge_and_end()

        assert charge.error is None
        assert end.error is None
        assert charge.won
        if end.won:
            assert money_of(contract)[:2] == ("$0.00", "$500.00")
        else:
            assert isinstance(end.refusal, FiguresChanged)
            assert money_of(contract)[:2] == ("$500.00", "$0.00")
            assert milestone_of(contract).state == MilestoneState.FUNDED

    rounds(one)


@pytest.mark.postgresql
def test_late_charge_meets_the_end_without_locks_goes_wrong(monkeypatch):
    def one() -> list[Result]:
        contract, results = late_charge_and_end()
        both = all(result.won for result in results) and money_of(contract)[0] != "$0.00"
        return [*results, Result(error=AssertionError("funded and ended"))] if both else results

    take_the_locks_away(monkeypatch)
    assert any(
        any(result.error for result in results)
        for results in (one() for _ in range(CONTROL_ROUNDS))
    )


# sweep ∥ sweep, report ∥ poll --------------------------------------------------------------------


def both_sweep() -> list[Result]:
    due = submitted().review_until

    def sweep() -> set[int]:
        outcomes = sweeping.run(only="contracts.reviews_end")
        return {pk for one in outcomes for pk in one.failed}

    return race(Deed(sweep, due), Deed(sweep, due))


def test_sweep_meets_sweep():
    def one() -> None:
        payments = Payment.objects.count()

        results = both_sweep()

        assert [result.error for result in results] == [None, None]
        assert [result.value for result in results] == [set(), set()]
        assert Payment.objects.count() == payments + 1

    rounds(one)


@pytest.mark.postgresql
def test_sweep_meets_sweep_without_locks_goes_wrong(monkeypatch, caplog):
    take_the_locks_away(monkeypatch)
    assert any(
        any(result.error or result.value for result in both_sweep()) for _ in range(CONTROL_ROUNDS)
    )


def report_and_poll() -> tuple[Contract, list[Result]]:
    milestone = planned()
    fund(milestone, sandbox.TIMES_OUT)
    operation = milestone.contract.book.operations.get()
    return milestone.contract, race(
        lambda: operations.settle(operation.pk, sandbox.SUCCEEDED),
        lambda: operations.ask_again(operation.pk),
    )


def test_report_meets_poll():
    def one() -> None:
        contract, results = report_and_poll()

        assert [result.error for result in results] == [None, None]
        assert money_of(contract) == ("$500.00", "$0.00", "$0.00", "$0.00")

    rounds(one)


@pytest.mark.postgresql
def test_report_meets_poll_without_locks_goes_wrong(monkeypatch):
    assert shows(lambda: report_and_poll()[1], monkeypatch, winners=2)


# The same form twice -----------------------------------------------------------------------------


def same_form(name: str) -> tuple[Callable[[], Any], Callable[[], int]]:
    """A deed with its key, and how often it was done."""
    if name == "offer":
        client, talent, key = PartyFactory(), FreelancerFactory(), once.new_key()
        given = {
            "talent": talent,
            "title": "Logo",
            "description": "",
            "currency": "USD",
            "milestones": [MilestoneDraft("Draft", usd(50))],
            "fund_first": True,
            "method": sandbox.ACCEPTS,
            "key": key,
            "by": owner_of(client),
        }
        return lambda: offers.make(**given), Contract.objects.filter(client=client).count
    milestone = {"approve": submitted, "fund": planned, "add": planned}[name]()
    contract, key = milestone.contract, once.new_key()
    by = owner_of(contract.client)
    if name == "fund":
        return (
            lambda: funding.fund(milestone, method=sandbox.ACCEPTS, key=key, by=by),
            SandboxCall.objects.filter(key__endswith=key).count,
        )
    if name == "approve":
        return (
            lambda: milestones.approve(milestone, amount=usd(500), key=key, by=by),
            Payment.objects.filter(book=contract.book_id).count,
        )
    given = {"title": "More", "amount": usd(5), "due_on": None, "key": key, "by": by}
    return (
        lambda: milestones.add(contract, **given),
        Milestone.objects.filter(contract=contract, number__gt=1).count,
    )


@pytest.mark.parametrize("name", ["offer", "add", "fund", "approve"])
def test_form_meets_itself(name):
    def one() -> None:
        deed, times = same_form(name)

        first, second = race(deed, deed)

        assert [first.error, second.error] == [None, None]
        assert [first.refusal, second.refusal] == [None, None]
        assert first.value == second.value
        assert times() == 1

    rounds(one)


# Other meetings ----------------------------------------------------------------------------------


def test_accepting_meets_withdrawing():
    def one() -> None:
        contract = offered(fund_first=True)
        client, talent = owner_of(contract.client), owner_of(contract.talent)

        results = race(
            lambda: offers.accept(contract, by=talent), lambda: offers.withdraw(contract, by=client)
        )

        lost = assert_one_won(results)
        assert "no longer possible" in lost.refusal.sentence
        state = ContractState.ACTIVE if results[0].won else ContractState.WITHDRAWN
        assert Contract.objects.get(pk=contract.pk).state == state

    rounds(one)


def test_funding_one_milestone_meets_funding_another():
    def one() -> None:
        contract = active()
        add_milestone(contract, usd(200))

        results = race(
            lambda: fund(milestone_of(contract, 1)), lambda: fund(milestone_of(contract, 2))
        )

        lost = assert_one_won(results)
        assert lost.refusal.sentence.startswith(("Milestone", "A charge for this contract"))
        assert GatewayOperation.objects.filter(book=contract.book_id).count() == 1

    rounds(one)


def test_paying_instead_meets_letting_go():
    def one() -> None:
        contract = ended(funded().contract, Side.CLIENT)
        client, talent = owner_of(contract.client), owner_of(contract.talent)

        results = race(
            lambda: escrow_answers.pay_instead(contract, by=client),
            lambda: escrow_answers.let_go(contract, by=talent),
        )

        assert_one_won(results)
        paid = ("$0.00", "$0.00", "$450.00", "$0.00")
        returned = ("$0.00", "$500.00", "$0.00", "$0.00")
        assert money_of(contract) == (paid if results[0].won else returned)
        assert Refund.objects.count() == 0

    rounds(one)
