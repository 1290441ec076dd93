"""What the clock has decided comes first, whoever enters the contract."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from contracts import due, messages
from contracts.states import ContractState, MilestoneState
from marketplace import clock, transitions
from payments.gateways import sandbox
from payments.models import Payment
from payments.states import RequestState
from tests.factories import (
    NOON,
    active,
    ended,
    fund,
    funded,
    milestone_of,
    offered,
    owner_of,
    planned,
    submitted,
)
from tests.support.asserting import assert_audit_clean

pytestmark = pytest.mark.django_db


@transaction.atomic
def enter(contract):
    return transitions.enter(contract)


def test_entering_attaches_what_is_open():
    milestone = planned()
    fund(milestone, sandbox.TIMES_OUT)

    contract = enter(milestone.contract)

    assert contract.open_milestones == [milestone]
    assert [one.amount for one in contract.open_operations] == [milestone.amount]
    assert contract.open_request is None


def test_entering_an_ended_contract_attaches_its_open_request():
    contract = enter(ended(funded().contract))

    assert contract.open_milestones == []
    assert contract.open_request.state == RequestState.PENDING


def test_entering_an_offer_that_is_due_expires_it():
    contract = offered()

    with clock.at(contract.expires_at):
        assert enter(contract).state == ContractState.EXPIRED


def test_message_after_the_review_finds_the_milestone_paid_as_of_then():
    milestone = submitted()

    with clock.at(NOON + timedelta(days=14, minutes=1)):
        by = owner_of(milestone.contract.client)
        messages.write(milestone.contract, text="Sorry, I was away.", key="", by=by)

    paid = milestone_of(milestone.contract)
    assert (paid.state, paid.paid_at) == (MilestoneState.PAID, NOON + timedelta(days=14))
    assert Payment.objects.get().entry.actor.is_platform
    assert_audit_clean()


def test_nothing_is_carried_out_before_its_instant():
    contract = submitted().contract

    with clock.at(NOON + timedelta(days=14) - timedelta(microseconds=1)):
        assert enter(contract).open_milestones[0].state == MilestoneState.SUBMITTED
    with clock.at(NOON + timedelta(days=7) - timedelta(microseconds=1)):
        assert enter(ended(funded().contract)).open_request.state == RequestState.PENDING


def test_only_a_submitted_milestone_whose_review_is_over_is_due():
    milestone = submitted()

    assert due.releases_due([milestone], NOON) == []
    assert due.releases_due([milestone], NOON + timedelta(days=14)) == [milestone]
    assert due.releases_due([milestone_of(active())], NOON + timedelta(days=400)) == []
