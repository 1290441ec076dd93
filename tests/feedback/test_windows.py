from datetime import timedelta

import pytest

from contracts.states import Side
from feedback import windows
from feedback.models import Feedback
from marketplace import clock
from marketplace.actors import PLATFORM, Actor
from marketplace.models import Notice
from marketplace.refusals import InvalidInput, NotYours, Overtaken
from tests.factories import NOON, StaffFactory, owner_of
from tests.feedback.ended import (
    CLOSES,
    JUST_BEFORE,
    REMINDS,
    active_contract,
    ended_contract,
    give,
    reread,
)

pytestmark = pytest.mark.django_db

LATER = CLOSES + timedelta(days=7)


def extend(contract, *, until=LATER, because="You were both away.", at=NOON, by=None):
    with clock.at(at):
        by = by or Actor.support(StaffFactory())
        return windows.extend_window(contract, until=until, because=because, by=by)


def test_extend_window_moves_the_close_and_what_is_sealed():
    contract = ended_contract()
    given = give(contract, Side.CLIENT)
    extend(contract, at=CLOSES - JUST_BEFORE)
    contract = reread(contract)
    assert contract.feedback_until == LATER
    assert contract.feedback_extended
    assert contract.feedback_due_at == REMINDS + timedelta(days=7)
    given.refresh_from_db()
    assert given.visible_from == LATER


def test_extend_window_is_written_into_the_history():
    contract = ended_contract()
    extend(contract)
    row = contract.history.order_by("-sequence").first()
    assert row.transition == "extend_feedback"
    assert row.reason == "You were both away."
    assert row.actor.is_staff


def test_extend_window_tells_both_sides_alike():
    contract = ended_contract()
    extend(contract)
    notices = Notice.objects.filter(kind="feedback.extended").select_related("party")
    assert {one.party for one in notices} == {contract.client, contract.talent}
    assert {one.facts["because"] for one in notices} == {"You were both away."}


def test_extend_window_lets_the_second_one_be_given_later():
    contract = ended_contract()
    give(contract, Side.CLIENT)
    extend(contract)
    second = give(contract, Side.TALENT, at=CLOSES)
    assert second.visible_from == CLOSES
    assert Feedback.objects.revealed(CLOSES).count() == 2


def test_extend_window_a_second_time_is_refused():
    contract = ended_contract()
    extend(contract)
    with pytest.raises(Overtaken, match="extended before"):
        extend(contract, until=LATER + timedelta(days=1))
    assert reread(contract).feedback_until == LATER


def test_extend_window_at_its_close_is_refused():
    contract = ended_contract()
    given = give(contract, Side.CLIENT)
    with pytest.raises(Overtaken, match="is over"):
        extend(contract, at=CLOSES)
    given.refresh_from_db()
    assert given.visible_from == CLOSES
    assert reread(contract).feedback_until == CLOSES


def test_extend_window_after_the_reveal_is_refused():
    contract = ended_contract()
    give(contract, Side.CLIENT)
    give(contract, Side.TALENT)
    with pytest.raises(Overtaken, match="Both sides can read"):
        extend(contract)
    assert reread(contract).feedback_until == CLOSES


def test_extend_window_of_an_active_contract_is_refused():
    with clock.at(NOON):
        contract = active_contract()
    with pytest.raises(Overtaken):
        extend(contract)
    assert reread(contract).feedback_until is None


@pytest.mark.parametrize("who", ["member", "platform"])
def test_extend_window_by_others_than_support_is_refused(who):
    contract = ended_contract()
    by = owner_of(contract.client) if who == "member" else PLATFORM
    with pytest.raises(NotYours):
        extend(contract, by=by)
    assert reread(contract).feedback_until == CLOSES


@pytest.mark.parametrize(
    ("wrong", "field"), [({"until": CLOSES}, "until"), ({"because": " "}, "because")]
)
def test_extend_window_with_wrong_input_is_refused(wrong, field):
    contract = ended_contract()
    with pytest.raises(InvalidInput) as refused:
        extend(contract, **wrong)
    assert refused.value.field == field
    assert not reread(contract).feedback_extended
