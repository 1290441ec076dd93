from datetime import timedelta

import pytest

from contracts.states import Side
from feedback import announcing
from marketplace import clock, notices, sweeping
from marketplace.actors import PLATFORM
from marketplace.models import Notice
from tests.factories import NOON, FreelancerFactory, MembershipFactory, PartyFactory
from tests.feedback.ended import CLOSES, JUST_BEFORE, REMINDS, ended_contract, give, reread

pytestmark = pytest.mark.django_db

SWEEP = "feedback.windows"


def sweep(at):
    [outcome] = sweeping.run(as_of=at, only=SWEEP)
    assert not outcome.failed
    return outcome.done


def told(kind):
    found = Notice.objects.filter(kind=f"feedback.{kind}").select_related("party").order_by("pk")
    return {one.party.name: notices.text_of(one) for one in found}


def named_contract():
    """Between North Studio and Ann Doe."""
    client, talent = PartyFactory(name="North Studio"), FreelancerFactory(name="Ann Doe")
    return ended_contract(client=client, talent=talent, title="Logo")


def test_windows_remind_both_sides_before_the_close():
    contract = named_contract()
    assert sweep(REMINDS - JUST_BEFORE) == 0
    assert sweep(REMINDS) == 1
    assert set(told("closes_soon")) == {"North Studio", "Ann Doe"}
    assert told("closes_soon")["Ann Doe"].title == "Feedback on Logo closes soon"
    assert reread(contract).feedback_due_at == CLOSES


def test_windows_remind_in_the_same_words_whoever_gave():
    without, given = ended_contract(title="Logo"), ended_contract(title="Logo")
    give(given, Side.CLIENT)
    sweep(REMINDS)
    for side in Side:
        texts = [
            [
                notices.text_of(one)
                for one in Notice.objects.filter(
                    kind="feedback.closes_soon", party=contract.party(side)
                ).select_related("party")
            ]
            for contract in (without, given)
        ]
        words = [
            str(text).replace(contract.party(side.other).name, "OTHER")
            for text, contract in zip(texts, (without, given), strict=True)
        ]
        assert words[0] == words[1]


def test_windows_fall_due_at_the_same_times_whoever_gave():
    contract = ended_contract()
    before = sweeping.next_due(REMINDS)
    give(contract, Side.CLIENT)
    assert sweeping.next_due(REMINDS) == before
    sweep(REMINDS)
    assert reread(contract).feedback_due_at == CLOSES


def test_windows_swept_late_send_no_reminder():
    named_contract()
    assert sweep(CLOSES) == 1
    assert told("closes_soon") == {}
    assert told("revealed") == {}


def test_windows_announce_a_lone_one_at_the_close():
    contract = named_contract()
    give(contract, Side.CLIENT, stars=4)
    sweep(REMINDS)
    assert sweep(CLOSES - JUST_BEFORE) == 0
    assert sweep(CLOSES) == 1
    assert told("revealed")["Ann Doe"].title == "North Studio gave you 4 of 5 stars"
    assert told("revealed")["North Studio"].title == "Ann Doe can read your feedback now"
    assert reread(contract).feedback_due_at is None


def test_windows_announce_once_however_often_they_are_swept():
    give(named_contract(), Side.CLIENT)
    sweep(CLOSES)
    assert sweep(CLOSES + timedelta(days=1)) == 0
    assert Notice.objects.filter(kind="feedback.revealed").count() == 2


def test_reveal_of_both_is_announced_at_once_and_leaves_nothing_to_sweep():
    contract = named_contract()
    give(contract, Side.CLIENT, stars=4)
    assert told("revealed") == {}
    give(contract, Side.TALENT, stars=5)
    assert told("revealed")["Ann Doe"].title == "North Studio gave you 4 of 5 stars"
    assert told("revealed")["North Studio"].title == "Ann Doe gave you 5 of 5 stars"
    assert sweep(CLOSES) == 0


def test_reveal_does_not_tell_members_of_a_party_who_are_not_assigned():
    contract = named_contract()
    outsider = MembershipFactory(party=contract.talent, role="member")
    give(contract, Side.CLIENT)
    give(contract, Side.TALENT)
    assert not Notice.objects.filter(recipient=outsider.user).exists()


def test_tell_what_is_due_before_anything_is():
    contract = ended_contract()
    count = Notice.objects.count()
    with clock.at(NOON):
        assert announcing.tell_what_is_due(contract, by=PLATFORM) is False
    assert Notice.objects.count() == count
