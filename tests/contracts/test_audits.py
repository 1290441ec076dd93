"""Each sentence about agreements finds what breaks it, and only that."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import F

from contracts import audits, checklists, hours_disputes, owed
from contracts.models import (
    Bonus,
    BonusRequest,
    ChecklistItem,
    Contract,
    HoursDispute,
    Milestone,
    Stretch,
    Week,
)
from contracts.states import Side
from marketplace import auditing, clock
from payments import corrections
from payments.gateways import sandbox
from payments.models import (
    Account,
    Book,
    Correction,
    EscrowRefundRequest,
    GatewayOperation,
    Payment,
)
from tests import desk
from tests.contracts.dormant import slept
from tests.factories import (
    NOON,
    active,
    approve,
    bonus,
    bonus_asked,
    ended,
    fund,
    funded,
    hourly,
    in_review,
    leftover,
    offered,
    owner_of,
    planned,
    recorded,
    submitted,
)

pytestmark = pytest.mark.django_db


def remind() -> None:
    contract = ended(active())
    item = checklists.items_of(contract, Side.TALENT)[0]
    checklists.send_reminder(item, by=owner_of(contract.talent))


def paid() -> None:
    approve(submitted())


def worked() -> Contract:
    """An hourly contract with two hours of today."""
    contract = hourly()
    with clock.at(NOON + timedelta(hours=2)):
        recorded(contract, NOON, 120)
    return contract


def disputed() -> HoursDispute:
    """The first of twelve segments is disputed."""
    week = in_review()
    stretch, start = hours_disputes.billed_segments(week)[0]
    return hours_disputes.file(
        week,
        segments=[(stretch.pk, start)],
        reason="Not mine.",
        key="",
        by=owner_of(week.contract.client),
    )


def overlap() -> None:
    stretch = Stretch.objects.get()
    stretch.pk = None
    stretch.starts_at += timedelta(minutes=10)
    stretch.save()


def written_off() -> None:
    week = in_review(method=sandbox.DECLINES)
    owed.write_off(week, because="Bankrupt.", by=desk.staff())


def settled() -> None:
    week = in_review(method=sandbox.DECLINES)
    with clock.at(NOON + timedelta(days=2)):
        proposed = owed.propose_settlement(week, because="Bankrupt.", by=desk.staff())
        corrections.approve(proposed, by=desk.staff())


BROKEN = {
    audits.books_agree: (active, lambda: Book.objects.update(title="Other")),
    audits.milestone_currency: (planned, lambda: Milestone.objects.update(currency="EUR")),
    audits.active_is_covered: (
        funded,
        lambda: Account.objects.filter(kind="escrow").update(balance_minor=1),
    ),
    audits.closed_holds_nothing: (
        lambda: ended(active()),
        lambda: Account.objects.filter(kind="escrow").update(balance_minor=1),
    ),
    audits.request_asks_for_escrow: (
        lambda: ended(funded().contract),
        lambda: EscrowRefundRequest.objects.update(amount_minor=1),
    ),
    audits.no_open_milestone_after_the_end: (
        lambda: ended(leftover()),
        lambda: Milestone.objects.create(
            contract=Contract.objects.get(),
            number=7,
            title="Forgotten",
            currency="USD",
            amount_minor=500,
            created_at=NOON,
        ),
    ),
    audits.milestone_payment_agrees: (
        paid,
        lambda: Payment.objects.update(paid_at=NOON - timedelta(days=1)),
    ),
    audits.version_counts_history: (active, lambda: Contract.objects.update(version=9)),
    audits.checklists_are_whole: (
        lambda: ended(active()),
        lambda: ChecklistItem.objects.filter(code="access", side="client").delete(),
    ),
    audits.reminders_meet: (remind, lambda: ChecklistItem.objects.update(reminded_at=None)),
    audits.positions_agree: (offered, lambda: Contract.objects.update(talent_position=10**11)),
    audits.charges_name_their_milestone: (
        lambda: fund(planned(), sandbox.TIMES_OUT),
        lambda: GatewayOperation.objects.update(purpose_id=0),
    ),
    audits.dormant_while_it_asks: (
        lambda: slept(90),
        lambda: Contract.objects.update(dormant_since=NOON),
    ),
    audits.quiet_is_told: (
        lambda: slept(76),
        lambda: Contract.objects.update(quiet_due_at=NOON + timedelta(days=84)),
    ),
    audits.open_disputes_hold: (disputed, lambda: Payment.objects.update(held=False)),
    audits.disputed_segments_were_billed: (
        disputed,
        lambda: HoursDispute.objects.update(minutes=60),
    ),
    audits.disputes_took_back_the_same: (
        lambda: hours_disputes.accept(one := disputed(), by=owner_of(one.contract.talent)),
        lambda: Week.objects.update(reversed_minutes=20),
    ),
    audits.reversed_in_a_dispute: (in_review, lambda: Week.objects.update(reversed_minutes=10)),
    audits.week_counts_its_stretches: (
        in_review,
        lambda: Week.objects.update(minutes=F("minutes") + 10),
    ),
    audits.stretches_lie_in_their_week: (
        in_review,
        lambda: Stretch.objects.update(ends_at=F("ends_at") + timedelta(minutes=5)),
    ),
    audits.stretches_never_overlap: (in_review, overlap),
    audits.invoices_add_up: (in_review, lambda: Week.objects.update(amount_minor=1)),
    audits.week_payment_agrees: (
        in_review,
        lambda: Payment.objects.update(paid_at=NOON - timedelta(days=9)),
    ),
    audits.hours_payments_have_their_week: (paid, lambda: Payment.objects.update(kind="hours")),
    audits.ended_takes_no_time: (
        lambda: ended(worked()),
        lambda: Week.objects.update(state="open", locked_at=None),
    ),
    audits.hold_means_unpaid: (
        lambda: in_review(method=sandbox.DECLINES),
        lambda: Contract.objects.update(hold_since=None),
    ),
    audits.charges_name_their_week: (
        lambda: in_review(method=sandbox.TIMES_OUT),
        lambda: GatewayOperation.objects.update(purpose_id=0),
    ),
    audits.bonus_payment_agrees: (
        lambda: bonus(active()),
        lambda: Bonus.objects.update(amount_minor=1),
    ),
    audits.bonuses_have_their_charge: (
        lambda: bonus(active(), method=sandbox.TIMES_OUT),
        lambda: GatewayOperation.objects.update(
            state="declined", due_at=None, settled_at=NOON, declined_because="No."
        ),
    ),
    audits.bonus_requests_fit: (
        lambda: bonus_asked(ended(hourly())),
        lambda: BonusRequest.objects.update(until=NOON),
    ),
    audits.written_off_is_over: (
        written_off,
        lambda: Week.objects.update(review_until=NOON + timedelta(days=2)),
    ),
    audits.settled_in_the_clients_place: (
        settled,
        lambda: Correction.objects.update(amount_minor=1),
    ),
    audits.owed_is_followed: (
        lambda: in_review(method=sandbox.TIMES_OUT),
        lambda: GatewayOperation.objects.update(
            state="declined", due_at=None, settled_at=NOON, declined_because="No."
        ),
    ),
}


def test_every_check_of_contracts_is_tried():
    named = {
        function
        for function in auditing._checks.values()
        if function.__module__ == "contracts.audits"
    }
    assert named == set(BROKEN)


@pytest.mark.parametrize("check", BROKEN, ids=lambda check: check.__name__)
def test_check_names_what_breaks_it(check):
    make, damage = BROKEN[check]
    make()
    assert list(check()) == []

    with transaction.atomic():
        damage()

    found = list(check())
    assert len(found) == 1
    assert Contract.objects.get().reference in found[0]
