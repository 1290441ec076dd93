"""A process that dies between any two steps leaves nothing half done.

A charge by hand, a bonus, an end, the weekly run, and money that leaves and comes back, in the
server as in the worker.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection

from contracts import billing, bonuses, funding, timers
from contracts.models import Contract, Milestone
from contracts.states import BonusState, ContractState, MilestoneState, WeekState
from marketplace import clock, once, sweeping
from payments.gateways import sandbox
from payments.models import Entry, SandboxCall, SandboxMovement
from payments.states import EntryKind, OperationKind, OperationState
from tests.factories import (
    NOON,
    active,
    milestone_of,
    money_of,
    owner_of,
    planned,
    submitted,
    usd,
)
from tests.proof import leaving
from tests.proof.killed import BACK, BILL, END, FUND, GIVE, PAY, SEND, TOLD
from tests.proof.scenes import BILLED, running, unbilled, unpaid, week_of
from tests.proof.sites import everything
from tests.support.asserting import assert_audit_clean, everything_of

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

NEVER_BEGAN = "intent not committed"


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


def run_until_killed(deed: str, cut: str, row: int, member: int, key: str = "") -> None:
    """In a process of its own, on the database of this test."""
    command = [sys.executable, "-m", "tests.proof.killed", deed, cut, str(row), str(member), key]
    environment = {**os.environ, "DATABASE_URL": url_of_the_test_database()}
    environment |= {"DJANGO_SETTINGS_MODULE": "marketplace.settings.test", "PYTHONPATH": "."}
    finished = subprocess.run(
        command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False
    )
    assert finished.returncode == -signal.SIGKILL, finished.stderr


def url_of_the_test_database() -> str:
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    before, _, query = os.environ["DATABASE_URL"].partition("?")
    return f"{before.rpartition('/')[0]}/{name}?{query}"


def restart(since: datetime = NOON) -> None:
    """A minute later the sweeps run again, and once more for good measure."""
    for minutes in (1, 2):
        outcomes = sweeping.run(as_of=since + timedelta(minutes=minutes))
        assert not any(one.failed for one in outcomes)


def charged_entries() -> int:
    return Entry.objects.filter(kind=EntryKind.CHARGE).count()


@pytest.mark.parametrize("cut", FUND)
def test_charge_that_was_cut_short_is_charged_and_posted_once(cut):
    milestone, key = planned(), once.new_key()
    contract, by = milestone.contract, owner_of(milestone.contract.client)

    run_until_killed("fund", cut, milestone.pk, by.membership.pk, key)
    assert_audit_clean()
    restart()
    again = send_the_form_again(milestone, key)

    assert again.state == MilestoneState.FUNDED
    assert money_of(contract) == ("$500.00", "$0.00", "$0.00", "$0.00")
    assert SandboxCall.objects.filter(outcome="succeeded").count() == 1
    assert charged_entries() == 1
    assert contract.book.operations.get().state == OperationState.SUCCEEDED
    assert_audit_clean()


@pytest.mark.parametrize("cut", FUND)
def test_charge_that_was_cut_short_needs_nobody_to_come_back(cut):
    milestone = planned()
    by = owner_of(milestone.contract.client)

    run_until_killed("fund", cut, milestone.pk, by.membership.pk, once.new_key())
    restart()

    began = cut != NEVER_BEGAN
    state = MilestoneState.FUNDED if began else MilestoneState.PLANNED
    assert milestone_of(milestone.contract).state == state
    assert SandboxCall.objects.count() == charged_entries() == int(began)
    assert_audit_clean()


@pytest.mark.parametrize("cut", END)
def test_end_that_was_cut_short_never_happened(cut):
    contract = submitted().contract
    by = owner_of(contract.client)
    before = everything_of(contract)

    run_until_killed("end", cut, contract.pk, by.membership.pk)
    restart()

    assert Contract.objects.get(pk=contract.pk).state == ContractState.ACTIVE
    assert everything_of(contract) == before
    assert_audit_clean()


@pytest.mark.parametrize("cut", END)
def test_end_of_an_hourly_contract_that_was_cut_short_never_happened(cut):
    contract = running()
    by = owner_of(contract.client)
    before = everything()

    run_until_killed("end", cut, contract.pk, by.membership.pk)

    assert everything() == before
    timers.stop(contract, by=owner_of(contract.talent))
    assert contract.weeks.get().minutes == 60
    assert_audit_clean()


# The weekly run ----------------------------------------------------------------------------------


def assert_paid_once(*contracts: Contract) -> None:
    for contract in contracts:
        assert [str(one.gross) for one in contract.book.payments.all()] == ["$120.00"]
        assert money_of(contract) == ("$0.00", "$0.00", "$108.00", "$0.00")
        assert week_of(contract).state == WeekState.PAID
    assert SandboxCall.objects.filter(outcome="succeeded").count() == len(contracts)
    assert charged_entries() == len(contracts)
    assert_audit_clean()


@pytest.mark.parametrize("cut", BILL)
def test_weekly_run_that_was_cut_short_charges_and_posts_once(cut):
    """The worker dies while it bills two contracts together; another one goes on."""
    contracts = unbilled(), unbilled()
    by = owner_of(contracts[0].client)

    run_until_killed("bill", cut, contracts[0].pk, by.membership.pk)
    assert_audit_clean()
    restart(BILLED)

    assert_paid_once(*contracts)


@pytest.mark.parametrize("cut", PAY)
def test_payment_of_owed_hours_that_was_cut_short_is_charged_and_posted_once(cut):
    """The server dies while the client pays; the form is sent again."""
    contract, key = unpaid(), once.new_key()
    by = owner_of(contract.client)

    run_until_killed("pay", cut, week_of(contract).pk, by.membership.pk, key)
    assert_audit_clean()
    restart()
    billing.pay_now(week_of(contract), method=sandbox.ACCEPTS, key=key, by=by)

    assert_paid_once(contract)
    assert Contract.objects.get(pk=contract.pk).hold_since is None


@pytest.mark.parametrize("cut", GIVE)
def test_bonus_that_was_cut_short_is_charged_and_paid_once(cut):
    contract, key = active(), once.new_key()
    by = owner_of(contract.client)

    run_until_killed("give", cut, contract.pk, by.membership.pk, key)
    assert_audit_clean()
    restart()
    given = {"amount": usd(50), "note": "", "method": sandbox.ACCEPTS}
    again = bonuses.give(contract, **given, key=key, by=by)

    assert (again.state, contract.bonuses.count()) == (BonusState.PAID, 1)
    assert money_of(contract) == ("$0.00", "$0.00", "$45.00", "$0.00")
    assert SandboxCall.objects.filter(outcome="succeeded").count() == charged_entries() == 1
    assert_audit_clean()


@pytest.mark.parametrize("cut", GIVE)
def test_bonus_that_was_cut_short_needs_nobody_to_come_back(cut):
    contract = active()
    by = owner_of(contract.client)

    run_until_killed("give", cut, contract.pk, by.membership.pk, once.new_key())
    restart()

    began = int(cut != NEVER_BEGAN)
    assert contract.bonuses.filter(state=BonusState.PAID).count() == began
    assert SandboxCall.objects.count() == contract.book.payments.count() == began
    assert_audit_clean()


# Money that leaves -------------------------------------------------------------------------------


def posted(kind: EntryKind) -> int:
    return Entry.objects.filter(kind=kind).count()


def went_out() -> list[int]:
    """What the sandbox says went out, and came back."""
    moved = SandboxMovement.objects.filter(key__in=outgoing_keys()).order_by("pk")
    return list(moved.values_list("amount_minor", flat=True))


def outgoing_keys() -> list[str]:
    calls = SandboxCall.objects.exclude(kind=OperationKind.CHARGE)
    return list(calls.values_list("key", flat=True))


@pytest.mark.parametrize("cut", SEND)
def test_withdrawal_that_was_cut_short_is_sent_and_posted_once(cut):
    contract, key = leaving.earned(), once.new_key()
    by = owner_of(contract.talent)

    run_until_killed("withdraw", cut, contract.pk, by.membership.pk, key)
    assert_audit_clean()
    restart()
    again = leaving.withdraw(contract, key=key)

    assert again.state == OperationState.SUCCEEDED
    assert money_of(contract) == ("$0.00", "$0.00", "$0.00", "$0.00")
    assert went_out() == [-45_000]
    assert (posted(EntryKind.PAYOUT), posted(EntryKind.PAYOUT_FAILED)) == (1, 0)
    assert_audit_clean()


@pytest.mark.parametrize("cut", BACK)
def test_withdrawal_that_failed_and_was_cut_short_comes_back_once(cut):
    contract = leaving.earned()
    by = owner_of(contract.talent)

    run_until_killed("withdraw in vain", cut, contract.pk, by.membership.pk, once.new_key())
    assert_audit_clean()
    restart()

    assert leaving.withdrawal_of(contract).state == OperationState.DECLINED
    assert money_of(contract) == ("$0.00", "$0.00", "$0.00", "$450.00")
    assert went_out() == []
    assert (posted(EntryKind.PAYOUT), posted(EntryKind.PAYOUT_FAILED)) == (1, 1)
    assert_audit_clean()


@pytest.mark.parametrize("cut", SEND)
def test_credit_sent_back_that_was_cut_short_needs_nobody_to_come_back(cut):
    contract = leaving.credited()
    by = owner_of(contract.client)

    run_until_killed("send back", cut, contract.pk, by.membership.pk, once.new_key())
    assert_audit_clean()
    restart()

    began = cut != NEVER_BEGAN
    credit = "$0.00" if began else "$500.00"
    assert money_of(contract) == ("$0.00", credit, "$0.00", "$0.00")
    assert went_out() == [-50_000] * began
    assert (posted(EntryKind.CREDIT_BACK), posted(EntryKind.PAYOUT_FAILED)) == (began, 0)
    assert_audit_clean()


@pytest.mark.parametrize("cut", TOLD)
def test_what_comes_back_later_and_was_cut_short_comes_back_once(cut):
    """The worker dies while it hears that a withdrawal did not arrive after all."""
    contract = leaving.withdrawn(sandbox.SENDS_BACK)
    by = owner_of(contract.talent)

    run_until_killed("hear", cut, contract.pk, by.membership.pk)
    assert_audit_clean()
    restart(NOON + sandbox.COMES_BACK_AFTER)

    assert leaving.withdrawal_of(contract).state == OperationState.RETURNED
    assert money_of(contract) == ("$0.00", "$0.00", "$0.00", "$450.00")
    assert went_out() == [-45_000, 45_000]
    assert (posted(EntryKind.PAYOUT), posted(EntryKind.PAYOUT_FAILED)) == (1, 1)
    assert_audit_clean()


def send_the_form_again(milestone: Milestone, key: str) -> Milestone:
    by = owner_of(milestone.contract.client)
    return funding.fund(milestone, method=sandbox.ACCEPTS, key=key, by=by)
