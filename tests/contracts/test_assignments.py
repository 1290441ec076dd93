"""Who works on a contract: assigned and released by the talent's owners and managers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts import assignments, timers
from contracts.models import Assignment, Contract, Week
from contracts.states import Side
from marketplace import clock
from marketplace.actors import Actor
from marketplace.models import Membership, Notice
from marketplace.refusals import InvalidInput, NotYours, Overtaken
from marketplace.states import Role
from tests.factories import (
    NOON,
    AgencyFactory,
    active,
    ended,
    hourly,
    hourly_offer,
    member_of,
    owner_of,
)

pytestmark = pytest.mark.django_db

KINDS = pytest.mark.parametrize("make", [active, hourly])


def assigned(contract: Contract) -> list[Membership]:
    return [one.membership for one in assignments.current(contract)]


def assign(contract: Contract, who: Actor, *, by: Actor | None = None) -> Assignment:
    return assignments.assign(contract, who.as_member, by=by or owner_of(contract.talent))


def release(contract: Contract, who: Actor, *, by: Actor | None = None) -> None:
    assignments.release(contract, who.as_member, by=by or owner_of(contract.talent))


@KINDS
def test_member_is_assigned_told_and_released(make):
    contract = make(talent=AgencyFactory())
    member = member_of(contract.talent)

    assignment = assign(contract, member)

    assert (assignment.since, assignment.until) == (NOON, None)
    assert member.as_member in assigned(contract)
    told = Notice.objects.get(kind="contracts.person_assigned")
    assert told.recipient == member.user
    with clock.at(NOON + timedelta(hours=1)):
        release(contract, member)
    assignment.refresh_from_db()
    assert assignment.until == NOON + timedelta(hours=1)
    assert member.as_member not in assigned(contract)


def test_who_assigns_themselves_is_not_told():
    contract = hourly(talent=AgencyFactory())
    manager = member_of(contract.talent, Role.MANAGER)

    assign(contract, manager, by=manager)

    assert not Notice.objects.filter(kind="contracts.person_assigned").exists()


def test_person_who_works_already_stays():
    contract = hourly(talent=AgencyFactory())
    member = member_of(contract.talent)

    assert assign(contract, member) == assign(contract, member)
    assert Notice.objects.filter(kind="contracts.person_assigned").count() == 1


def test_released_person_can_be_assigned_again():
    contract = hourly(talent=AgencyFactory())
    member = member_of(contract.talent)
    assign(contract, member)
    release(contract, member)

    assign(contract, member)

    assert assigned(contract).count(member.as_member) == 1
    assert Assignment.objects.filter(membership=member.membership).count() == 2


def test_release_stops_a_running_timer_and_counts_it():
    with clock.at(NOON - timedelta(minutes=30)):
        contract = hourly(talent=AgencyFactory())
        member = member_of(contract.talent)
        assign(contract, member)
        timers.start(contract, by=member)

    release(contract, member)

    assert Week.objects.get(contract=contract).minutes == 30
    assert not contract.timers.filter(stopped_at=None).exists()


def test_release_of_somebody_who_does_not_work_on_it_is_refused():
    contract = hourly(talent=AgencyFactory())

    with pytest.raises(Overtaken, match="not assigned to the contract any more"):
        release(contract, member_of(contract.talent))


def test_person_of_another_party_is_not_assigned():
    contract = hourly(talent=AgencyFactory())
    before = assigned(contract)

    for stranger in (member_of(contract.client), member_of(AgencyFactory())):
        with pytest.raises(InvalidInput, match="Choose one of your team"):
            assign(contract, stranger)
    assert assigned(contract) == before


def test_person_who_has_left_is_released_but_not_assigned():
    contract = hourly(talent=AgencyFactory())
    member = member_of(contract.talent)
    assign(contract, member)
    Membership.objects.filter(pk=member.membership_id).update(left_at=NOON)

    release(contract, member)
    with pytest.raises(InvalidInput):
        assign(contract, member)

    assert member.as_member not in assigned(contract)


def test_people_are_the_talents_managers_to_choose():
    contract = hourly(talent=AgencyFactory())
    member, before = member_of(contract.talent), assigned(contract)

    for by in (owner_of(contract.client), member, owner_of(hourly().talent)):
        for does in (assign, release):
            with pytest.raises(NotYours):
                does(contract, member, by=by)
    assert assigned(contract) == before


@pytest.mark.parametrize("make", [hourly_offer, lambda **v: ended(hourly(**v), Side.TALENT)])
def test_people_of_what_does_not_go_on_stay(make):
    contract = make(talent=AgencyFactory())
    member = member_of(contract.talent)

    for does in (assign, release):
        with pytest.raises(Overtaken):
            does(contract, member)
    assert member.as_member not in assigned(contract)
