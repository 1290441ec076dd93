"""The (...) menu: the same in the room and in My Jobs; what is not possible says why not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts import terms
from contracts.menus import END_DIALOG, menu_items
from contracts.models import Contract
from contracts.states import Side
from marketplace import clock
from marketplace.actors import Actor
from marketplace.states import Role
from tests.factories import (
    NOON,
    active,
    ended,
    hourly,
    hourly_offer,
    member_of,
    offered,
    owner_of,
)

pytestmark = pytest.mark.django_db


def labels(contract: Contract, actor: Actor, **where: bool) -> list[str]:
    return [one.label for one in menu_items(contract, actor, **where)]


@pytest.mark.parametrize(
    ("side", "first", "money"),
    [
        (Side.CLIENT, "Add new milestone", ["Ask for a refund", "Give a bonus"]),
        (Side.TALENT, "Propose a milestone", ["Offer a refund"]),
    ],
)
def test_active_contract_offers_a_milestone_payments_and_the_end(side, first, money):
    contract = active()

    items = menu_items(contract, owner_of(contract.party(side)))

    assert [one.label for one in items] == [first, "People", "Payments", *money, "End contract"]
    assert not any(one.disabled_reason for one in items)
    assert items[-1].separator_before


def test_end_opens_the_dialog_in_the_room_and_leads_there_from_my_jobs():
    contract = active()
    owner = owner_of(contract.client)

    in_room = menu_items(contract, owner, in_room=True)[-1]
    in_jobs = menu_items(contract, owner)[-1]

    assert (in_room.dialog, in_room.url) == (END_DIALOG, "")
    assert (in_jobs.dialog, in_jobs.url) == ("", f"/contracts/{contract.reference}/?end=1")


@pytest.mark.parametrize("in_room", [True, False])
@pytest.mark.parametrize("side", Side)
def test_plain_member_reads_why_not(side, in_room):
    contract = active()
    name = contract.party(side).name

    first, people, payments, *money, end, ask = menu_items(
        contract, member_of(contract.party(side), Role.MEMBER), in_room=in_room
    )

    for one in (first, *money):
        assert one.disabled_reason == f"Only an owner or manager of {name} can do this."
    assert not any(one.disabled_reason for one in (people, payments))
    assert end.disabled_reason == f"Only an owner or manager of {name} can end."
    assert not end.dialog
    assert (ask.label, ask.url) == (
        "Ask them to end it",
        f"/contracts/{contract.reference}/end/ask/",
    )


def test_manager_may_what_an_owner_may():
    contract = active()
    manager = member_of(contract.client, Role.MANAGER)

    assert not any(one.disabled_reason for one in menu_items(contract, manager))


@pytest.mark.parametrize(
    ("side", "shown"),
    [
        (
            Side.CLIENT,
            [
                *("Feedback", "Statement", "Ask for a refund", "Give a bonus"),
                "Start again with the same terms",
            ],
        ),
        (Side.TALENT, ["Feedback", "Statement", "Offer a refund"]),
    ],
)
def test_ended_contract_offers_what_is_still_possible(side, shown):
    contract = ended(active())

    assert labels(contract, owner_of(contract.party(side))) == shown


@pytest.mark.parametrize(
    ("side", "shown"),
    [
        (
            Side.CLIENT,
            [
                *("Work Diary", "Weekly limit", "Pause", "People", "Payments"),
                *("Ask for a refund", "Give a bonus", "End contract"),
            ],
        ),
        (Side.TALENT, ["Work Diary", "People", "Payments", "Offer a refund", "End contract"]),
    ],
)
def test_hourly_contract_offers_the_diary_and_the_client_its_terms(side, shown):
    contract = hourly()

    assert labels(contract, owner_of(contract.party(side))) == shown


def test_paused_contract_offers_the_restart_and_the_end():
    contract = terms.pause(contract := hourly(), by=owner_of(contract.client))

    shown = labels(contract, owner_of(contract.client))
    assert "Restart" in shown
    assert "Pause" not in shown
    assert labels(contract, owner_of(contract.talent))[-1] == "End contract"


def test_plain_member_of_the_client_reads_why_the_terms_are_not_theirs():
    contract = hourly()

    items = {one.label: one for one in menu_items(contract, member_of(contract.client))}
    for label in ("Weekly limit", "Pause"):
        assert items[label].disabled_reason == (
            f"Only an owner or manager of {contract.client.name} can do this."
        )


def test_talent_of_an_ended_hourly_contract_asks_for_a_bonus():
    contract = ended(hourly())
    by = owner_of(contract.talent)

    assert labels(contract, by)[-1] == "Ask for a bonus for unrecorded time"
    with clock.at(NOON + timedelta(days=365, seconds=1)):
        assert "Ask for a bonus for unrecorded time" not in labels(contract, by)
        assert "Give a bonus" not in labels(contract, owner_of(contract.client))


def test_ended_hourly_contract_still_leads_to_its_diary():
    contract = ended(hourly())

    for side in Side:
        assert labels(contract, owner_of(contract.party(side)))[0] == "Work Diary"


@pytest.mark.parametrize("make", [offered, hourly_offer])
@pytest.mark.parametrize("side", Side)
def test_offer_leads_to_the_offer_and_nothing_else(side, make):
    contract = make()

    (item,) = menu_items(contract, owner_of(contract.party(side)))

    assert item.url == f"/contracts/{contract.reference}/offer/"
