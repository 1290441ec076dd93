"""Whose deadline a request for escrow puts where on My Jobs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts import escrow_answers
from contracts.models import Contract
from contracts.models.contract import NOBODY_WAITS
from marketplace import clock, sweeping
from marketplace.actors import Actor
from payments.models import SplitProposal
from tests.factories import NOON, StaffFactory, ended, funded, owner_of, usd

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def places(contract: Contract) -> tuple[timedelta | None, timedelta | None]:
    """How long after noon each side's silence decides; None where it decides nothing."""
    found = Contract.objects.get(pk=contract.pk)
    return tuple(
        None if one > NOBODY_WAITS // 2 else timedelta(seconds=one - int(NOON.timestamp()))
        for one in (found.client_position, found.talent_position)
    )


def test_deadline_goes_to_the_side_whose_answer_is_due():
    contract = ended(funded().contract)
    client, talent = owner_of(contract.client), owner_of(contract.talent)
    assert places(contract) == (None, 7 * DAY)

    split = escrow_answers.propose_split(contract, to_talent=usd(1), message="", by=talent)
    assert places(contract) == (7 * DAY, None)
    escrow_answers.decline_split(split, by=client)
    assert places(contract) == (None, 7 * DAY)
    escrow_answers.dispute(contract, text="No.", by=talent)
    assert places(contract) == (7 * DAY, None)
    escrow_answers.reject(contract, text="Yes.", by=client)
    assert places(contract) == (None, None)


def test_split_of_support_waits_for_those_who_have_not_accepted_it():
    contract = ended(funded().contract)
    client, talent = owner_of(contract.client), owner_of(contract.talent)
    by = Actor.support(StaffFactory())
    escrow_answers.dispute(contract, text="No.", by=talent)
    escrow_answers.reject(contract, text="Yes.", by=client)

    split = escrow_answers.propose_in_mediation(contract, to_talent=usd(1), message="So.", by=by)
    assert places(contract) == (2 * DAY, 2 * DAY)
    escrow_answers.agree_to_split(split, by=client)
    assert places(contract) == (None, 2 * DAY)
    escrow_answers.agree_to_split(split, by=talent)
    assert places(contract) == (None, None)


def test_silence_moves_the_deadline_and_is_nobodys_activity():
    contract = ended(funded().contract)
    with clock.at(NOON + DAY):
        by = owner_of(contract.talent)
        escrow_answers.propose_split(contract, to_talent=usd(1), message="", by=by)

    sweeping.run(as_of=NOON + 8 * DAY)

    assert SplitProposal.objects.get().state == "lapsed"
    assert places(contract) == (None, 14 * DAY)
    assert Contract.objects.get().last_activity_at == NOON + DAY
