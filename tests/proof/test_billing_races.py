"""The weekly run at the same moment as everything that could meet it: charged once, paid once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from contracts import billing, closing, diary, hours_disputes
from contracts.closing import Choice
from contracts.models import Contract, Week
from contracts.states import DisputeState, Side, WeekState
from marketplace import clock, once
from marketplace.actors import Actor
from marketplace.refusals import FiguresChanged
from marketplace.states import Role
from payments import operations
from payments.gateways import sandbox
from payments.models import Payment, SandboxCall
from tests.factories import (
    NOON,
    StaffFactory,
    ended,
    member_of,
    money_of,
    owner_of,
    seen,
    usd,
)
from tests.proof.racing import TICK, Deed, Result, assert_one_won, race, rounds, shows
from tests.proof.scenes import (
    BILLED,
    HOUR,
    declined,
    disputed,
    in_review,
    sweep,
    unbilled,
    unpaid,
    week_of,
)

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

MINUTE = timedelta(minutes=1)
PAID_OUT = ("$0.00", "$0.00", "$108.00", "$0.00")
"""Two hours at $60 are pending for the talent, after the fee."""
LESS = ("$0.00", "$30.00", "$81.00", "$0.00")
"""Half an hour of them went back to the client's credit."""


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


def weekly_run() -> int:
    return sweep("contracts.hours_billed")


def weekly_run_at(moment: datetime) -> None:
    with clock.at(moment):
        weekly_run()


def charges_of(contract: Contract) -> int:
    """How often the client's card was charged."""
    keys = contract.book.operations.values_list("key", flat=True)
    return SandboxCall.objects.filter(key__in=list(keys), outcome="succeeded").count()


def assert_paid_once(contract: Contract) -> None:
    assert charges_of(contract) == 1
    assert [one.gross for one in Payment.objects.filter(book=contract.book_id)] == [usd(120)]
    assert week_of(contract).state == WeekState.PAID
    assert money_of(contract) == PAID_OUT


# tidying up ∥ weekly run, end ∥ weekly run, two runs ---------------------------------------------


def tidying(verb: str, contract: Contract) -> Callable[[], object]:
    stretch, by = contract.stretches.get(), owner_of(contract.talent)
    shorter = {"starts_at": stretch.starts_at, "ends_at": stretch.ends_at - HOUR, "memo": ""}
    if verb == "change":
        return lambda: diary.change(stretch, by=by, **shorter)
    return lambda: diary.remove(stretch, by=by)


@pytest.mark.parametrize(("verb", "left"), [("change", 60), ("remove", 0)])
def test_tidying_up_meets_the_weekly_run(verb, left):
    """On the last tick before Monday noon: billed as it was tidied up, or as it was before."""

    def one() -> None:
        contract = unbilled()

        tidied, run = race(Deed(tidying(verb, contract), BILLED - TICK), Deed(weekly_run, BILLED))
        weekly_run_at(BILLED + MINUTE)

        assert [tidied.error, run.error] == [None, None]
        if not tidied.won:
            assert "billed" in tidied.refusal.sentence
        minutes = left if tidied.won else 120
        week = week_of(contract)
        assert week.minutes == sum(one.minutes for one in contract.stretches.all()) == minutes
        paid = [one.gross for one in Payment.objects.filter(book=contract.book_id)]
        assert paid == ([usd(minutes)] if minutes else [])

    rounds(one)


@pytest.mark.parametrize("side", Side)
def test_end_meets_the_weekly_run(side):
    """On the last tick before Monday noon; the week before the current one is billed once."""

    def one() -> None:
        contract = unbilled()
        ender = owner_of(contract.party(side))
        with clock.at(BILLED - TICK):
            shown = seen(contract)

        end, run = race(
            Deed(
                lambda: closing.end(contract, choice=Choice.nothing(), seen=shown, by=ender),
                BILLED - TICK,
            ),
            Deed(weekly_run, BILLED),
        )
        if not end.won:
            assert isinstance(end.refusal, FiguresChanged)
            ended(contract, side)
        weekly_run_at(BILLED + MINUTE)

        assert [end.error, run.error] == [None, None]
        assert_paid_once(contract)

    rounds(one)


def both_run() -> tuple[Contract, list[Result]]:
    contract = unbilled()
    return contract, race(Deed(weekly_run, BILLED), Deed(weekly_run, BILLED))


def test_weekly_run_meets_weekly_run():
    def one() -> None:
        contract, results = both_run()

        assert [result.error for result in results] == [None, None]
        weekly_run_at(BILLED + MINUTE)
        assert_paid_once(contract)

    rounds(one)


@pytest.mark.postgresql
def test_weekly_run_meets_weekly_run_without_locks_goes_wrong(monkeypatch, caplog):
    assert shows(lambda: both_run()[1], monkeypatch, winners=2)


# pay now ∥ daily retry, pay now ∥ pay now --------------------------------------------------------


def owing() -> Contract:
    """The charge was declined; by now the card would pay again."""
    contract = unpaid()
    Contract.objects.filter(pk=contract.pk).update(charge_method=sandbox.ACCEPTS)
    return contract


def pays(contract: Contract, by: Actor, key: str = "") -> Callable[[], Week]:
    week = week_of(contract)
    return lambda: billing.pay_now(week, method=sandbox.ACCEPTS, key=key or once.new_key(), by=by)


def pay_and_retry() -> tuple[Contract, list[Result]]:
    contract = owing()
    due = week_of(contract).retry_at
    return contract, race(
        Deed(pays(contract, owner_of(contract.client)), due),
        Deed(lambda: sweep("contracts.owed_hours_retried"), due),
    )


def test_paying_meets_the_daily_retry():
    def one() -> None:
        contract, (paid, retry) = pay_and_retry()

        assert [paid.error, retry.error] == [None, None]
        if not paid.won:
            assert paid.refusal.sentence.startswith(("Nothing is owed", "A charge for these"))
        assert_paid_once(contract)
        assert Contract.objects.get(pk=contract.pk).hold_since is None

    rounds(one)


@pytest.mark.postgresql
def test_paying_meets_the_daily_retry_without_locks_goes_wrong(monkeypatch, caplog):
    def one() -> list[Result]:
        contract, results = pay_and_retry()
        twice = charges_of(contract) > 1
        return [*results, Result(error=AssertionError("charged twice"))] if twice else results

    assert shows(one, monkeypatch, winners=2)


def test_paying_meets_paying():
    """Two people of the client, two tabs: one charge."""

    def one() -> None:
        contract = owing()
        people = owner_of(contract.client), member_of(contract.client, Role.MANAGER)

        results = race(*(pays(contract, by) for by in people))

        lost = assert_one_won(results)
        assert lost.refusal.sentence.startswith(("Nothing is owed", "A charge for these"))
        assert_paid_once(contract)

    rounds(one, of=2)


def test_payment_form_meets_itself():
    def one() -> None:
        contract, key = owing(), once.new_key()
        by = owner_of(contract.client)

        first, second = race(pays(contract, by, key), pays(contract, by, key))

        assert [first.error, second.error] == [None, None]
        assert [first.refusal, second.refusal] == [None, None]
        assert_paid_once(contract)

    rounds(one, of=2)


# the gateway's late answer -----------------------------------------------------------------------


def charging() -> Contract:
    """The charge of Monday noon is not answered yet."""
    contract = unbilled(method=sandbox.TIMES_OUT)
    weekly_run_at(BILLED)
    return contract


def report_and_poll() -> tuple[Contract, list[Result]]:
    contract = charging()
    operation = contract.book.operations.get()
    later = BILLED + MINUTE
    return contract, race(
        Deed(lambda: operations.settle(operation.pk, sandbox.SUCCEEDED), later),
        Deed(lambda: operations.ask_again(operation.pk), later),
    )


def test_report_meets_poll():
    def one() -> None:
        contract, results = report_and_poll()

        assert [result.error for result in results] == [None, None]
        assert_paid_once(contract)

    rounds(one)


@pytest.mark.postgresql
def test_report_meets_poll_without_locks_goes_wrong(monkeypatch):
    assert shows(lambda: report_and_poll()[1], monkeypatch, winners=2)


@pytest.mark.parametrize("side", Side)
def test_late_charge_meets_the_end(side):
    """The hours are owed either way; the end never takes them back."""

    def one() -> None:
        contract = charging()
        operation, ender = contract.book.operations.get(), owner_of(contract.party(side))
        later = BILLED + MINUTE
        with clock.at(later):
            shown = seen(contract)

        answer, end = race(
            Deed(lambda: operations.ask_again(operation.pk), later),
            Deed(
                lambda: closing.end(contract, choice=Choice.nothing(), seen=shown, by=ender),
                later,
            ),
        )

        assert [answer.error, end.error] == [None, None]
        assert end.won or isinstance(end.refusal, FiguresChanged)
        assert_paid_once(contract)

    rounds(one, of=2)


# disputes ----------------------------------------------------------------------------------------


def test_filing_meets_the_end_of_the_review():
    """On its last tick: the review is not over for who filed before it was."""

    def one() -> None:
        contract = in_review()
        week = week_of(contract)
        over = week.review_until
        stretch, at = hours_disputes.billed_segments(week)[0]
        by = owner_of(contract.client)

        filed, swept = race(
            Deed(
                lambda: hours_disputes.file(
                    week, segments=[(stretch.pk, at)], reason="Why?", key="", by=by
                ),
                over - TICK,
            ),
            Deed(lambda: sweep("contracts.hours_reviews_end"), over),
        )

        assert [filed.error, swept.error] == [None, None]
        assert filed.won
        assert week_of(contract).payment.held
        sweep("contracts.hours_reviews_end")

    rounds(one, of=2)


def accept_and_decide() -> tuple[Contract, list[Result]]:
    dispute = declined()
    contract, support = dispute.contract, Actor.support(StaffFactory())
    talent = owner_of(contract.talent)
    return contract, race(
        lambda: hours_disputes.accept(dispute, by=talent),
        lambda: hours_disputes.decide(
            dispute, reversed_segments=[], because="The notes say so.", by=support
        ),
    )


def test_accepting_meets_the_decision_of_support():
    def one() -> None:
        contract, results = accept_and_decide()

        lost = assert_one_won(results)
        assert lost.refusal.sentence == hours_disputes.SETTLED
        assert money_of(contract) == (LESS if results[0].won else PAID_OUT)
        assert not week_of(contract).payment.held

    rounds(one)


@pytest.mark.postgresql
def test_accepting_meets_the_decision_without_locks_goes_wrong(monkeypatch):
    assert shows(lambda: accept_and_decide()[1], monkeypatch)


def test_accepting_meets_withdrawing():
    def one() -> None:
        dispute = disputed()
        contract = dispute.contract
        client, talent = owner_of(contract.client), owner_of(contract.talent)

        results = race(
            lambda: hours_disputes.accept(dispute, by=talent),
            lambda: hours_disputes.withdraw(dispute, by=client),
        )

        assert assert_one_won(results).refusal.sentence == hours_disputes.SETTLED
        assert money_of(contract) == (LESS if results[0].won else PAID_OUT)

    rounds(one, of=2)


def test_answering_meets_the_third_day():
    """On the last tick: declined by the talent, or handed to support because nobody answered."""

    def one() -> None:
        dispute = disputed()
        contract, talent = dispute.contract, owner_of(dispute.contract.talent)

        answer, swept = race(
            Deed(
                lambda: hours_disputes.decline(dispute, because="I worked.", by=talent),
                dispute.answer_by - TICK,
            ),
            Deed(lambda: sweep("contracts.hours_disputes_escalate"), dispute.answer_by),
        )

        assert [answer.error, swept.error] == [None, None]
        state = DisputeState.DECLINED if answer.won else DisputeState.ESCALATED
        assert contract.hours_disputes.get().state == state

    rounds(one, of=2)


def settle_and_charge() -> tuple[Contract, list[Result]]:
    """The talent gives half an hour back while the charge for the week is answered."""
    contract = charging()
    week, client = week_of(contract), owner_of(contract.client)
    segments = [(stretch.pk, at) for stretch, at in hours_disputes.billed_segments(week)[:3]]
    later = BILLED + MINUTE
    with clock.at(later):
        dispute = hours_disputes.file(week, segments=segments, reason="Why?", key="", by=client)
    operation, talent = contract.book.operations.get(), owner_of(contract.talent)
    return contract, race(
        Deed(lambda: hours_disputes.accept(dispute, by=talent), later),
        Deed(lambda: operations.ask_again(operation.pk), later),
    )


def test_settling_a_dispute_meets_the_payment():
    """Reversed before it is paid, or taken back from the payment: to the cent the same."""

    def one() -> None:
        contract, results = settle_and_charge()

        assert [result.error for result in results] == [None, None]
        assert all(result.won for result in results)
        assert charges_of(contract) == 1
        assert money_of(contract) == LESS
        assert not week_of(contract).payment.held

    rounds(one)


@pytest.mark.postgresql
def test_settling_a_dispute_meets_the_payment_without_locks_goes_wrong(monkeypatch):
    def one() -> list[Result]:
        contract, results = settle_and_charge()
        off = money_of(contract) != LESS
        return [*results, Result(error=AssertionError("miscounted"))] if off else results

    assert shows(one, monkeypatch, winners=2)


def test_accepting_meets_the_day_on_which_the_money_is_available():
    def one() -> None:
        dispute = disputed()
        contract, talent = dispute.contract, owner_of(dispute.contract.talent)
        available = week_of(contract).payment.available_at

        results = race(
            Deed(lambda: hours_disputes.accept(dispute, by=talent), available),
            Deed(lambda: sweep("payments.mature"), available),
        )
        with clock.at(available):
            sweep("payments.mature")

        assert [result.error for result in results] == [None, None]
        assert money_of(contract) == ("$0.00", "$30.00", "$0.00", "$81.00")

    rounds(one, of=2)
