"""The contract room: what it shows, to whom, and in how many queries."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from contracts import checklists
from contracts.closing import Choice
from contracts.states import ChecklistCode, ItemState, Side
from payments.gateways import sandbox
from tests.factories import add_milestone, ended, fund, funded, owner_of, planned, submitted, usd

pytestmark = pytest.mark.django_db


def signed_in(party) -> Client:
    client = Client()
    client.force_login(owner_of(party).user)
    return client


def room_of(contract, party) -> str:
    answer = signed_in(party).get(reverse("room", args=[contract.reference]))
    assert answer.status_code == 200
    return answer.content.decode()


def test_room_of_a_submitted_milestone_says_what_silence_does():
    contract = submitted(usd(500)).contract

    page = room_of(contract, contract.client)

    assert "Without your answer" in page
    assert "Approve and release" in page


def test_room_with_an_open_charge_offers_no_other_one():
    milestone = planned(usd(450))
    assert "Fund $450.00" in room_of(milestone.contract, milestone.contract.client)
    fund(milestone, sandbox.NEVER_ANSWERS)

    page = room_of(milestone.contract, milestone.contract.client)

    assert "A charge is still open" in page
    assert "Fund $450.00" not in page


def test_room_of_an_ended_contract_shows_one_sides_checklist_alone():
    contract = ended(funded(usd(300)).contract, choice=Choice.nothing())
    of_client = checklists.items_of(contract, Side.CLIENT)
    checklists.tick(of_client[0], by=owner_of(contract.client))

    mine, theirs = room_of(contract, contract.client), room_of(contract, contract.talent)

    assert "1 of 4 done" in mine
    assert "0 of 4 done" in theirs


def test_checklist_button_ticks_and_undoes():
    contract = ended(funded(usd(300)).contract, choice=Choice.all())
    client = signed_in(contract.client)
    code = ChecklistCode.ACCESS

    client.post(reverse("checklist_item", args=[contract.reference, code, "tick"]))
    ticked = contract.checklist.get(side=Side.CLIENT, code=code).state
    client.post(reverse("checklist_item", args=[contract.reference, code, "undo"]))

    assert ticked == ItemState.TICKED
    assert contract.checklist.get(side=Side.CLIENT, code=code).state == ItemState.OPEN


@pytest.mark.parametrize("more", [0, 2])
def test_room_takes_the_same_queries_with_more_milestones(django_assert_max_num_queries, more):
    contract = funded(usd(500)).contract
    for _ in range(more):
        add_milestone(contract, usd(20))
    client = signed_in(contract.client)

    with django_assert_max_num_queries(12):
        client.get(reverse("room", args=[contract.reference]))


def test_room_with_a_request_takes_twelve_queries_at_most(django_assert_max_num_queries):
    contract = ended(submitted(usd(300)).contract, choice=Choice.part(usd(100)))
    client = signed_in(contract.talent)

    with django_assert_max_num_queries(12):
        client.get(reverse("room", args=[contract.reference]))


def test_room_of_a_stranger_is_not_there():
    contract, other = funded(usd(300)).contract, funded(usd(300)).contract

    answer = signed_in(other.client).get(reverse("room", args=[contract.reference]))

    assert answer.status_code == 404
