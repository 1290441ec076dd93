"""Each sentence about agreements finds what breaks it, and only that."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from contracts import audits, checklists
from contracts.models import ChecklistItem, Contract, Milestone
from contracts.states import Side
from marketplace import auditing
from payments.gateways import sandbox
from payments.models import Account, Book, EscrowRefundRequest, GatewayOperation, Payment
from tests.factories import (
    NOON,
    active,
    approve,
    ended,
    fund,
    funded,
    leftover,
    offered,
    owner_of,
    planned,
    submitted,
)

pytestmark = pytest.mark.django_db


def remind() -> None:
    contract = ended(active())
    item = checklists.items_of(contract, Side.TALENT)[0]
    checklists.send_reminder(item, by=owner_of(contract.talent))


def paid() -> None:
    approve(submitted())


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
