"""Messages between the two sides, before, during and after the contract."""

from __future__ import annotations

import pytest

from contracts import messages, offers
from marketplace.actors import Actor
from marketplace.models import Notice
from marketplace.refusals import InvalidInput, KeyReused, NotYours, Overtaken
from tests.factories import NOON, StaffFactory, active, ended, member_of, offered, owner_of
from tests.support.asserting import refused

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("make", [offered, active, lambda: ended(active())])
def test_message_is_written_to_the_other_side(make):
    contract = make()
    by = owner_of(contract.talent)

    message = messages.write(contract, text="  Hello.\n", key="", by=by)

    assert (message.text, message.author, message.at) == ("Hello.", by.membership, NOON)
    told = Notice.objects.get(kind="contracts.message_received")
    assert (told.party, told.facts["text"]) == (contract.client, "Hello.")


def test_message_sent_twice_is_one_message():
    contract = active()
    values = {"key": "form-1", "by": owner_of(contract.client)}

    assert messages.write(contract, text="Hello.", **values) == messages.write(
        contract, text="Hello.", **values
    )
    with refused(contract, KeyReused, "sent before"):
        messages.write(contract, text="Other.", **values)


def test_empty_message_is_refused_at_the_field():
    contract = active()

    with refused(contract, InvalidInput, "Write something first.") as refusal:
        messages.write(contract, text=" \n", key="", by=owner_of(contract.client))

    assert refusal.value.field == "text"


def test_message_on_an_offer_that_came_to_nothing_is_refused():
    contract = offered()
    offers.withdraw(contract, by=owner_of(contract.client))

    with refused(contract, Overtaken, "never became a contract"):
        messages.write(contract, text="Hello.", key="", by=owner_of(contract.client))


@pytest.mark.parametrize(
    "who",
    [
        lambda: owner_of(active().client),
        lambda: member_of(active().talent),
        lambda: Actor.support(StaffFactory()),
    ],
    ids=["stranger", "stranger's member", "support"],
)
def test_message_by_a_stranger_is_refused(who):
    contract, by = active(), who()

    with refused(contract, NotYours, "Only the two sides"):
        messages.write(contract, text="Hello.", key="", by=by)
