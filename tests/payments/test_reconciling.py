"""Reconciliation: a day of the gateway's own statement beside the books."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import F

from marketplace import auditing, clock, policy, sweeping
from payments import comparing, gateways, ledger, operations, outgoing, reconciling
from payments.gateways import sandbox
from payments.gateways.base import Unavailable
from payments.models import (
    Chargeback,
    GatewayDay,
    GatewayOperation,
    Reconciliation,
    SandboxCall,
    SandboxDispute,
    SandboxMovement,
)
from payments.outgoing import Outgoing
from payments.states import ChargebackState, OperationState
from tests.factories import (
    NOON,
    active,
    approve,
    fund,
    milestone_of,
    owner_of,
    usd,
)

pytestmark = pytest.mark.django_db

DAY = NOON.date()
MIDNIGHT = datetime.combine(DAY + timedelta(days=1), datetime.min.time(), NOON.tzinfo)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


def charged(method: str = sandbox.ACCEPTS, amount=None) -> GatewayOperation:
    """A client's charge for a milestone."""
    contract = active(amount or usd(500))
    fund(milestone_of(contract), method)
    return GatewayOperation.objects.get(book=contract.book_id)


def withdrawn(destination: str, amount=None) -> GatewayOperation:
    """A talent's withdrawal of $90.00, of $450.00 that it was paid."""
    book = charged().book
    contract = book.contract
    payment = approve(milestone_of(contract))
    with clock.at(payment.available_at), transaction.atomic():
        ledger_book = ledger.lock(book.pk)
        from payments import maturing

        maturing.mature_first(ledger_book, payment.available_at)
    with transaction.atomic():
        kept = ledger.lock_accounts([book.available_account_id])
        account = kept[book.available_account_id]
        sent = Outgoing(account, amount or usd(90), destination, "A bank account", "w-1")
        [operation] = outgoing.begin([sent], kept, by=owner_of(contract.talent))
    return operations.carry_out(operation.pk)


def compare(day: date = DAY) -> Reconciliation:
    """The one currency of a day."""
    [row] = reconciling.reconcile("sandbox", day)
    return row


def figures(row: Reconciliation) -> tuple[int, int, int, int]:
    return row.ours_minor, row.theirs_minor, row.compared, row.different


def named(row: Reconciliation) -> str:
    [words] = row.differences
    return words


def day_of(day: date = DAY) -> GatewayDay:
    return GatewayDay.objects.get(gateway="sandbox", day=day)


# What agrees -------------------------------------------------------------------------------------


def test_day_without_movements_has_nothing_to_compare():
    assert reconciling.reconcile("sandbox", DAY) == []


def test_charge_agrees():
    charged()

    assert figures(compare()) == (50_000, 50_000, 1, 0)


def test_everything_that_went_through_agrees():
    charged(sandbox.DISPUTED)
    withdrawn(sandbox.SENDS_BACK)
    withdrawn_on = DAY
    for days in range(10):
        sweeping.run(as_of=NOON + timedelta(days=days), only="payments.sandbox_reports")

    assert figures(compare(withdrawn_on)) == (91_000, 91_000, 3, 0)
    assert figures(compare(DAY + timedelta(days=1))) == (-50_000, -50_000, 1, 0)
    assert figures(compare(DAY + timedelta(days=3))) == (9_000, 9_000, 1, 0)
    assert Chargeback.objects.get().state == ChargebackState.LOST


def test_withdrawal_that_was_refused_at_once_is_no_movement():
    withdrawn(sandbox.REFUSES)

    assert figures(compare()) == (50_000, 50_000, 1, 0)


def test_dispute_that_was_won_agrees():
    operation = charged(sandbox.DISPUTED)
    opened = NOON + sandbox.DISPUTED_AFTER
    sweeping.run(as_of=opened, only="payments.sandbox_reports")
    call = SandboxCall.objects.get(key=operation.key)
    SandboxDispute.objects.update(outcome=ChargebackState.WON)
    with clock.at(opened):
        sandbox._move(call, outgoing=False, dispute=SandboxDispute.objects.get().reference)
        row = compare(opened.date())

    assert figures(row) == (0, 0, 2, 0)
    assert Chargeback.objects.get().state == ChargebackState.WON


# Midnight ----------------------------------------------------------------------------------------


def test_movement_heard_of_on_the_next_day_belongs_to_its_own_day():
    with clock.at(MIDNIGHT - SECOND):
        charged(sandbox.TIMES_OUT)
    sweeping.run(as_of=MIDNIGHT + timedelta(minutes=1), only="payments.charges")
    assert GatewayOperation.objects.get().settled_at.date() == DAY + timedelta(days=1)

    with clock.at(MIDNIGHT + timedelta(hours=3)):
        assert figures(compare()) == (50_000, 50_000, 1, 0)
        assert reconciling.reconcile("sandbox", DAY + timedelta(days=1)) == []


@pytest.mark.parametrize("at", [MIDNIGHT - timedelta(microseconds=1), MIDNIGHT])
def test_each_instant_belongs_to_one_day(at):
    with clock.at(at):
        charged()

    day = at.date()
    other = ({DAY, DAY + timedelta(days=1)} - {day}).pop()
    assert figures(compare(day)) == (50_000, 50_000, 1, 0)
    assert reconciling.reconcile("sandbox", other) == []


# What is not settled yet -------------------------------------------------------------------------


def test_charge_that_the_gateway_made_and_nobody_heard_of_is_settled_on_the_way():
    operation = charged(sandbox.TIMES_OUT)
    assert operation.is_open

    assert figures(compare()) == (50_000, 50_000, 1, 0)

    assert GatewayOperation.objects.get().state == OperationState.SUCCEEDED


def test_withdrawal_without_an_answer_is_no_difference_while_it_is_young():
    withdrawn(sandbox.NEVER_RECEIVES)

    with clock.at(MIDNIGHT + policy.RECONCILED_AFTER):
        row = compare()

    assert figures(row) == (50_000, 50_000, 1, 0)
    assert day_of().agreed_at is None
    assert day_of().due_at == MIDNIGHT + policy.RECONCILED_AFTER + policy.RECONCILED_AGAIN


def test_withdrawal_without_an_answer_becomes_a_difference():
    withdrawn(sandbox.NEVER_RECEIVES)

    with clock.at(NOON + timedelta(hours=26)):
        row = compare()

    assert figures(row) == (41_000, 50_000, 2, 1)
    assert named(row) == ("Withdrawal w-1: the books have $90.00 out, the gateway has no answer.")


# What differs ------------------------------------------------------------------------------------


def test_amount_that_differs_is_named():
    operation = charged()
    SandboxMovement.objects.update(amount_minor=49_900)

    row = compare()

    assert figures(row) == (50_000, 49_900, 1, 1)
    assert named(row) == (
        f"{operation.key}: $499.00 in on 2026-11-19 12:00 UTC; the books say $500.00 in."
    )


def test_direction_that_differs_is_named():
    charged()
    SandboxMovement.objects.update(amount_minor=-F("amount_minor"))

    assert "$500.00 out on 2026-11-19 12:00 UTC; the books say $500.00 in." in named(compare())


def test_currency_that_differs_is_named():
    charged()
    SandboxMovement.objects.update(currency="EUR")

    euros, dollars = reconciling.reconcile("sandbox", DAY)

    assert figures(euros) == (0, 50_000, 1, 1)
    assert figures(dollars) == (50_000, 0, 0, 0)
    assert "€500.00 in on 2026-11-19 12:00 UTC; the books say $500.00 in." in named(euros)


def test_movement_that_is_none_of_ours_is_named():
    SandboxMovement.objects.create(key="", amount_minor=700, currency="USD", at=NOON)
    SandboxMovement.objects.create(key="x-9", amount_minor=-300, currency="USD", at=NOON)

    row = compare()

    assert figures(row) == (0, 400, 2, 2)
    assert row.differences == [
        "A movement: $7.00 in on 2026-11-19 12:00 UTC and is none of ours.",
        "x-9: $3.00 out on 2026-11-19 12:00 UTC and is none of ours.",
    ]


@pytest.mark.parametrize("later", [timedelta(0), timedelta(days=1)])
def test_movement_that_is_listed_twice_is_named(later):
    operation = charged()
    SandboxMovement.objects.create(
        key=operation.key, amount_minor=50_000, currency="USD", at=NOON + later
    )

    row = compare((NOON + later).date())

    assert "once more: the books have it once." in named(row)
    assert row.theirs_minor - row.ours_minor == 50_000


def test_charge_that_the_gateway_denies_is_named():
    operation = charged()
    SandboxMovement.objects.all().delete()
    SandboxCall.objects.update(outcome="declined")

    row = compare()

    assert figures(row) == (50_000, 0, 1, 1)
    assert named(row) == (
        f"Charge {operation.key}: the books have $500.00 in, the gateway says that it did not."
    )


def test_charge_that_is_not_listed_but_confirmed_is_no_difference():
    charged()
    SandboxMovement.objects.all().delete()

    assert reconciling.reconcile("sandbox", DAY) == []


def test_charge_that_was_declined_here_and_paid_there_is_named():
    with pytest.raises(Exception, match="declined"):
        charged(sandbox.DECLINES)
    operation = GatewayOperation.objects.get()
    SandboxMovement.objects.create(key=operation.key, amount_minor=50_000, currency="USD", at=NOON)

    assert "the books have it as declined" in named(compare())


def test_withdrawal_that_was_declined_here_and_sent_there_is_named():
    withdrawn(sandbox.REFUSES)
    SandboxMovement.objects.create(key="w-1", amount_minor=-9_000, currency="USD", at=NOON)
    SandboxCall.objects.filter(key="w-1").update(outcome="succeeded")

    row = compare()

    assert figures(row) == (50_000, 41_000, 3, 1)
    assert named(row) == (
        "Withdrawal w-1: the books have $90.00 in, the gateway says that it went through."
    )


def test_dispute_that_nobody_told_is_taken_in_on_the_way():
    operation = charged(sandbox.DISPUTED)
    at = NOON + sandbox.DISPUTED_AFTER
    with clock.at(at):
        sandbox.report(SandboxCall.objects.get().pk)
        assert not Chargeback.objects.exists()

        row = compare(at.date())

    assert figures(row) == (-50_000, -50_000, 1, 0)
    assert Chargeback.objects.get().operation == operation


def test_dispute_that_the_gateway_does_not_know_is_named():
    charged()
    SandboxMovement.objects.create(
        key="x", dispute="dp_9", amount_minor=-300, currency="USD", at=NOON
    )

    assert named(compare()) == (
        "Dispute dp_9: $3.00 out on 2026-11-19 12:00 UTC; the books know no such dispute."
    )


def test_differences_are_all_counted_and_some_named():
    SandboxMovement.objects.bulk_create(
        SandboxMovement(key=f"x-{number}", amount_minor=1, currency="USD", at=NOON)
        for number in range(comparing.READ + 1)
    )

    row = compare()

    assert row.different == comparing.READ + 1
    assert len(row.differences) == comparing.NAMED


# Keeping it, day by day --------------------------------------------------------------------------


def test_finished_day_is_kept_once_however_often_it_is_compared():
    charged()
    with clock.at(MIDNIGHT + timedelta(hours=3)):
        compare()
        compare()

        assert Reconciliation.objects.get().at == MIDNIGHT + timedelta(hours=3)
        assert day_of().agreed_at == MIDNIGHT + timedelta(hours=3)
        assert day_of().due_at is None


def test_day_that_is_not_over_is_compared_and_not_kept():
    charged()

    assert figures(compare()) == (50_000, 50_000, 1, 0)

    assert not Reconciliation.objects.exists()


def test_currency_that_moved_no_more_leaves_no_row_behind():
    SandboxMovement.objects.create(key="x", amount_minor=1, currency="EUR", at=NOON)
    with clock.at(MIDNIGHT + timedelta(hours=3)):
        compare()
        SandboxMovement.objects.all().delete()
        reconciling.reconcile("sandbox", DAY)

    assert not Reconciliation.objects.exists()
    assert day_of().agreed_at is not None


def sweep_at(moment) -> int:
    [outcome] = sweeping.run(as_of=moment, only="payments.reconciled")
    assert not outcome.failed
    return outcome.done


@pytest.fixture
def _from_today():
    GatewayDay.objects.all().delete()
    reconciling.follow("sandbox")


@pytest.mark.usefixtures("_from_today")
def test_sweep_compares_each_finished_day_once():
    charged()
    due = MIDNIGHT + policy.RECONCILED_AFTER

    assert sweep_at(due - SECOND) == 0
    assert sweep_at(due) == 1
    assert sweep_at(due) == 0

    assert day_of().agreed_at == due
    assert day_of(DAY + timedelta(days=1)).due_at == due + timedelta(days=1)


@pytest.mark.usefixtures("_from_today")
def test_sweep_that_comes_late_makes_up_for_every_day():
    sweep_at(MIDNIGHT + timedelta(days=30, hours=3))

    days = GatewayDay.objects.filter(gateway="sandbox")
    assert days.exclude(agreed_at=None).count() == 31
    assert days.get(agreed_at=None).day == DAY + timedelta(days=31)


@pytest.mark.usefixtures("_from_today")
def test_day_that_differs_is_compared_daily_until_it_agrees():
    movement = SandboxMovement.objects.create(key="x", amount_minor=1, currency="USD", at=NOON)
    due = MIDNIGHT + policy.RECONCILED_AFTER
    sweep_at(due)
    assert day_of().due_at == due + timedelta(days=1)
    assert Reconciliation.objects.get().different == 1

    movement.delete()
    sweep_at(due + timedelta(days=1))

    assert day_of().due_at is None
    assert day_of().agreed_at == due + timedelta(days=1)


@pytest.mark.usefixtures("_from_today")
def test_day_that_differs_is_given_up_after_two_weeks():
    SandboxMovement.objects.create(key="x", amount_minor=1, currency="USD", at=NOON)
    due = MIDNIGHT + policy.RECONCILED_AFTER
    for days in range(15):
        sweep_at(due + timedelta(days=days))

    assert day_of().due_at is None
    assert day_of().agreed_at is None
    assert Reconciliation.objects.get().at == due + policy.RECONCILED_FOR


class Silent(sandbox.Sandbox):
    name = "silent"

    def movements(self, since, until):
        raise Unavailable("It does not answer.")


@pytest.mark.usefixtures("_from_today")
def test_gateway_that_cannot_be_read_is_asked_again_later(monkeypatch):
    monkeypatch.setitem(gateways.GATEWAYS, "sandbox", Silent)
    due = MIDNIGHT + policy.RECONCILED_AFTER

    assert sweep_at(due) == 0

    assert day_of().due_at == due + policy.RECONCILED_RETRY
    assert not Reconciliation.objects.exists()


# The audit ---------------------------------------------------------------------------------------

SENTENCE = "Every finished day agrees with the gateway's own statement."


def audit() -> str:
    out = StringIO()
    call_command("audit", stdout=out, no_color=True)
    return out.getvalue()


def test_audit_compares_every_day_since_the_first_operation():
    charged()

    with clock.at(NOON + timedelta(days=40)):
        said = audit()

    assert "holds  The statement of sandbox agrees on 41 days up to today." in said
    assert GatewayDay.objects.exclude(agreed_at=None).count() == 40
    assert Reconciliation.objects.count() == 1


def test_audit_names_what_differs_and_fails():
    charged()
    SandboxMovement.objects.update(amount_minor=49_900)
    out = StringIO()

    with (
        clock.at(NOON + timedelta(days=2)),
        pytest.raises(CommandError, match="do not hold"),
    ):
        call_command("audit", stdout=out, no_color=True)

    said = out.getvalue()
    assert "sandbox, 2026-11-19, USD: the gateway says $499.00, the books $500.00." in said
    assert "$499.00 in on 2026-11-19 12:00 UTC; the books say $500.00 in." in said
    assert "BROKEN The statement of sandbox agrees on 3 days up to today." in said
    assert f"BROKEN {SENTENCE}" in said


def test_audit_names_what_differs_today():
    charged()
    SandboxMovement.objects.update(amount_minor=49_900)

    with pytest.raises(CommandError, match="do not agree with sandbox"):
        audit()


def test_audit_fails_when_the_statement_cannot_be_read(monkeypatch):
    charged()
    monkeypatch.setitem(gateways.GATEWAYS, "sandbox", Silent)

    with pytest.raises(CommandError, match="do not agree with sandbox"):
        audit()


def test_books_and_the_sandbox_agree_in_total():
    operation = charged()
    withdrawn(sandbox.RECEIVES)
    outside = operation.book.outside_account_id

    moved = auditing.run()

    assert moved.clean, str(moved)
    assert sandbox.came_in("USD") == usd(910)
    assert -balance_of(outside) == 91_000


def balance_of(account_id: int) -> int:
    from payments.models import Transfer

    total = 0
    for one in Transfer.objects.filter(credit=account_id):
        total += one.amount_minor
    for one in Transfer.objects.filter(debit=account_id):
        total -= one.amount_minor
    return total
