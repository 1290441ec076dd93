"""What falls due on contracts: on the second, late, twice, and never a second time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contracts import billing, escrow_answers, hours_disputes, sweeps, timers
from contracts.models import Contract
from marketplace import clock, sweeping
from payments.gateways import sandbox
from payments.models import Payment
from tests.factories import (
    NOON,
    active,
    bonus_asked,
    ended,
    funded,
    hourly,
    in_review,
    offered,
    owner_of,
    recorded,
    submitted,
    usd,
)
from tests.support.asserting import assert_audit_clean, everything_of

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
SATURDAY = datetime(2026, 11, 21, tzinfo=UTC)


def timer() -> None:
    contract = hourly()
    timers.start(contract, by=owner_of(contract.talent))


def worked() -> Contract:
    contract = hourly()
    with clock.at(NOON + timedelta(hours=1)):
        recorded(contract, NOON, 60)
    return contract


def declined() -> None:
    """Tried last at noon."""
    contract = in_review(method=sandbox.DECLINES).contract
    with clock.at(NOON):
        billing.try_again([contract.pk])


def disputed() -> None:
    week = in_review()
    hours_disputes.file(
        week,
        segments=[(one.pk, start) for one, start in hours_disputes.billed_segments(week)],
        reason="Not mine.",
        key="",
        by=owner_of(week.contract.client),
    )


def split() -> None:
    """The client has until next Thursday; the talent's time stands still."""
    contract = ended(funded().contract)
    by = owner_of(contract.talent)
    escrow_answers.propose_split(contract, to_talent=usd(100), message="", by=by)


def dormant() -> None:
    """The client is asked since noon."""
    with clock.at(NOON - timedelta(days=90)):
        funded()
    sweeping.run(as_of=NOON)


DUE = {
    "contracts.offers_expire": (lambda: offered(fund_first=True), timedelta(days=7)),
    "contracts.reviews_end": (submitted, timedelta(days=14)),
    "contracts.review_reminders": (submitted, timedelta(days=7)),
    "contracts.escrow_requests_pass": (lambda: ended(funded().contract), timedelta(days=7)),
    "contracts.escrow_request_reminders": (lambda: ended(funded().contract), timedelta(days=3)),
    "contracts.splits_lapse": (split, timedelta(days=7)),
    "contracts.quiet_reminders": (active, timedelta(days=30)),
    "contracts.dormancies_pass": (dormant, timedelta(days=7)),
    "contracts.timers_run_out": (timer, timedelta(hours=12)),
    "contracts.hours_billed": (worked, MONDAY - NOON),
    "contracts.hours_reviews_end": (in_review, SATURDAY - NOON),
    "contracts.owed_hours_retried": (declined, timedelta(days=1)),
    "contracts.bonus_requests_expire": (
        lambda: bonus_asked(ended(hourly())),
        timedelta(days=365) + timedelta.resolution,
    ),
    "contracts.hours_disputes_escalate": (disputed, timedelta(days=3)),
}


def done(name: str, moment) -> int:
    return sum(one.done for one in sweeping.run(only=name, as_of=moment))


def test_every_sweep_of_contracts_is_tried():
    names = {name for name in sweeping.registered() if name.startswith("contracts.")}

    assert names == set(DUE)
    assert sweeps.__name__ == "contracts.sweeps"


@pytest.mark.parametrize("name", DUE)
def test_sweep_acts_on_the_instant_and_only_once(name):
    make, after = DUE[name]
    make()
    contract = Contract.objects.get()

    assert done(name, NOON + after - timedelta(microseconds=1)) == 0
    assert done(name, NOON + after) == 1
    swept = everything_of(contract)
    assert done(name, NOON + after) == 0
    assert everything_of(contract) == swept
    assert_audit_clean()


@pytest.mark.parametrize("name", DUE)
def test_sweep_that_comes_late_ends_in_the_same_state(name):
    make, after = DUE[name]
    make()

    sweeping.run(as_of=NOON + after + timedelta(days=100))

    assert sum(len(one.failed) for one in sweeping.run(as_of=NOON + timedelta(days=200))) == 0
    assert_audit_clean()


@pytest.mark.parametrize("name", DUE)
def test_sweep_lists_what_is_due_without_doing_it(name):
    make, after = DUE[name]
    make()
    before = everything_of(Contract.objects.get())

    listed = sweeping.run(only=name, as_of=NOON + after, dry_run=True)

    assert [len(one.listed) for one in listed] == [1]
    assert everything_of(Contract.objects.get()) == before


def test_next_deadline_is_the_earliest_of_all():
    submitted()
    offered()

    assert sweeping.next_due(NOON) == NOON + timedelta(days=5 + 2)
    assert Payment.objects.count() == 0
