"""A member who may not end asks who may: those of their own party, once a day."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts import asking
from contracts.models import Contract
from contracts.states import Side
from marketplace import clock, policy
from marketplace.actors import PLATFORM, Actor
from marketplace.models import Notice
from marketplace.notices import text_of
from marketplace.refusals import InvalidInput, NotYours, Overtaken
from marketplace.states import Role
from tests.factories import (
    NOON,
    StaffFactory,
    active,
    ended,
    hourly,
    member_of,
    offered,
    owner_of,
)
from tests.support.asserting import refused

pytestmark = pytest.mark.django_db


def told() -> list[Notice]:
    chosen = Notice.objects.filter(kind="contracts.asked_to_end")
    return list(chosen.select_related("party").order_by("pk"))


@pytest.mark.parametrize("make", [active, hourly])
@pytest.mark.parametrize("side", Side)
def test_owners_and_managers_of_the_own_party_are_told(side, make):
    contract: Contract = make()
    party, other = contract.party(side), contract.party(side.other)
    member, manager = member_of(party), member_of(party, Role.MANAGER)
    before = Contract.objects.filter(pk=contract.pk).values().get()

    assert asking.ask_to_end(contract, text=" All is delivered. ", by=member)

    people = [owner_of(party).user, manager.user]
    assert [one.recipient for one in told()] == people
    assert {one.email_due_at for one in told()} == {NOON}
    text, name = text_of(told()[0]), member.user.name
    assert text.title == f"{name} asks you to end {contract.title}"
    assert f"{name} writes: All is delivered." in text.paragraphs[0]
    assert f"the contract with {other.name}" in text.paragraphs[0]
    assert told()[0].path == f"/contracts/{contract.reference}/end/"
    assert Contract.objects.filter(pk=contract.pk).values().get() == before


def test_without_a_line_none_is_quoted():
    contract = active()

    asking.ask_to_end(contract, text="  ", by=member_of(contract.client))

    assert "writes" not in " ".join(text_of(told()[0]).paragraphs)


def test_member_asks_once_a_day_for_each_contract():
    first = active()
    second = active(client=first.client)
    member, colleague = member_of(first.client), member_of(first.client)
    midnight = NOON + timedelta(hours=12)

    assert asking.ask_to_end(first, by=member)
    with clock.at(midnight - timedelta(microseconds=1)):
        assert not asking.ask_to_end(first, text="Please.", by=member)
        assert asking.ask_to_end(first, by=colleague)
        assert asking.ask_to_end(second, by=member)
    with clock.at(midnight):
        assert asking.ask_to_end(first, by=member)

    assert len(told()) == 4


@pytest.mark.parametrize("role", [Role.OWNER, Role.MANAGER])
def test_who_may_end_asks_nobody(role):
    contract = active()
    by = owner_of(contract.client) if role is Role.OWNER else member_of(contract.client, role)

    with refused(contract, NotYours, "You can end this contract yourself."):
        asking.ask_to_end(contract, by=by)


def test_others_ask_nobody():
    contract = active()

    for by in (member_of(active().client), Actor.support(StaffFactory()), PLATFORM):
        with refused(contract, NotYours, "Only the two sides"):
            asking.ask_to_end(contract, by=by)


def test_end_that_came_first_is_told_instead():
    contract = ended(active(), Side.TALENT)

    with refused(contract, Overtaken, f"{contract.talent.name} ended this contract."):
        asking.ask_to_end(contract, by=member_of(contract.client))


def test_offer_is_not_asked_about():
    contract = offered()

    with refused(contract, Overtaken, "once the offer is accepted"):
        asking.ask_to_end(contract, by=member_of(contract.client))


def test_too_long_a_line_tells_nobody():
    contract = active()

    with refused(contract, InvalidInput, "at most 200 characters"):
        text = "x" * (policy.MEMO_LENGTH + 1)
        asking.ask_to_end(contract, text=text, by=member_of(contract.client))
