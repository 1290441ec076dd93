from datetime import timedelta

import pytest

from contracts import checklists
from contracts.models import Contract, ContractHistory
from contracts.states import ChecklistCode, ItemState, Side
from feedback import giving
from feedback.models import Feedback
from marketplace import clock
from marketplace.actors import Actor
from marketplace.models import Notice
from marketplace.refusals import InvalidInput, KeyReused, NotYours, Overtaken
from marketplace.states import Role
from tests.factories import NOON, PartyFactory, StaffFactory, member_of, owner_of
from tests.feedback.ended import CLOSES, JUST_BEFORE, active_contract, ended_contract, give

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def item(contract, side):
    return contract.checklist.get(side=side, code=ChecklistCode.FEEDBACK)


def test_give_stores_what_was_said():
    contract = ended_contract()
    by = owner_of(contract.client)
    with clock.at(NOON + DAY):
        given = giving.give(
            contract,
            stars=4,
            text="  Careful work.\n",
            private_note=" A little late. ",
            would_work_again=True,
            by=by,
        )
    given.refresh_from_db()
    assert given.side == Side.CLIENT
    assert given.author == by.membership
    assert given.stars == 4
    assert given.text == "Careful work."
    assert given.private_note == "A little late."
    assert given.would_work_again is True
    assert given.given_at == NOON + DAY
    assert given.edited_at is None


def test_give_first_is_sealed_until_the_window_closes():
    given = give(ended_contract(), Side.TALENT)
    assert given.visible_from == CLOSES
    assert not given.is_revealed(CLOSES - JUST_BEFORE)
    assert given.is_revealed(CLOSES)


def test_give_second_reveals_both_at_that_instant():
    contract = ended_contract()
    give(contract, Side.TALENT, at=NOON + DAY)
    second = NOON + 3 * DAY
    give(contract, Side.CLIENT, at=second)
    moments = set(Feedback.objects.values_list("visible_from", flat=True))
    assert moments == {second}
    assert Feedback.objects.revealed(second).count() == 2
    assert Feedback.objects.revealed(second - JUST_BEFORE).count() == 0


def test_give_in_the_last_microsecond():
    contract = ended_contract()
    give(contract, Side.TALENT)
    given = give(contract, Side.CLIENT, at=CLOSES - JUST_BEFORE)
    assert given.visible_from == CLOSES - JUST_BEFORE


def test_give_second_exactly_at_the_close_is_refused():
    contract = ended_contract()
    give(contract, Side.TALENT)
    with pytest.raises(Overtaken, match="time for feedback on this contract is over"):
        give(contract, Side.CLIENT, at=CLOSES)
    assert list(Feedback.objects.values_list("side", "visible_from")) == [(Side.TALENT, CLOSES)]
    assert item(contract, Side.CLIENT).state == ItemState.OPEN


def test_give_before_the_end_is_refused():
    with clock.at(NOON):
        contract = active_contract()
        with pytest.raises(Overtaken, match="opens for both sides when the contract ends"):
            giving.give(contract, stars=5, by=owner_of(contract.client))
    assert not Feedback.objects.exists()


def test_give_twice_is_refused():
    contract = ended_contract()
    give(contract, Side.CLIENT, stars=2)
    with pytest.raises(Overtaken, match="was given already"):
        give(contract, Side.CLIENT, stars=5)
    assert Feedback.objects.get().stars == 2


def test_give_by_a_stranger_is_refused():
    contract = ended_contract()
    with clock.at(NOON), pytest.raises(NotYours):
        giving.give(contract, stars=5, by=owner_of(PartyFactory()))
    assert not Feedback.objects.exists()


def test_give_by_a_plain_member_is_refused():
    contract = ended_contract()
    by = member_of(contract.client)
    with clock.at(NOON), pytest.raises(NotYours, match="Only an owner or manager"):
        giving.give(contract, stars=5, by=by)
    assert not Feedback.objects.exists()


def test_give_by_support_is_refused():
    contract = ended_contract()
    by = Actor.support(StaffFactory())
    with clock.at(NOON), pytest.raises(NotYours):
        giving.give(contract, stars=5, by=by)
    assert not Feedback.objects.exists()


def test_give_by_a_manager():
    contract = ended_contract()
    by = member_of(contract.talent, role=Role.MANAGER)
    with clock.at(NOON):
        given = giving.give(contract, stars=5, by=by)
    assert given.side == Side.TALENT


@pytest.mark.parametrize("stars", [-1, 0, 6])
def test_give_with_stars_out_of_bounds_is_refused(stars):
    contract = ended_contract()
    with pytest.raises(InvalidInput) as refused:
        give(contract, Side.CLIENT, stars=stars)
    assert refused.value.field == "stars"
    assert not Feedback.objects.exists()


@pytest.mark.parametrize("field", ["text", "private_note"])
def test_give_with_a_text_too_long_is_refused(field):
    contract = ended_contract()
    with pytest.raises(InvalidInput) as refused:
        give(contract, Side.CLIENT, **{field: "x" * 2001})
    assert refused.value.field == field
    assert not Feedback.objects.exists()


def test_give_with_a_text_of_the_longest():
    assert len(give(ended_contract(), Side.CLIENT, text="x" * 2000).text) == 2000


def test_give_the_same_form_twice_gives_once():
    contract = ended_contract()
    first = give(contract, Side.CLIENT, key="form")
    again = give(contract, Side.CLIENT, key="form")
    assert again == first
    assert Feedback.objects.count() == 1


def test_give_the_same_form_with_other_values_is_refused():
    contract = ended_contract()
    give(contract, Side.CLIENT, key="form", stars=5)
    with pytest.raises(KeyReused):
        give(contract, Side.CLIENT, key="form", stars=1)
    assert Feedback.objects.get().stars == 5


def test_give_ticks_the_own_item_alone():
    contract = ended_contract()
    give(contract, Side.CLIENT, at=NOON + DAY)
    own = item(contract, Side.CLIENT)
    assert (own.state, own.done_at) == (ItemState.TICKED, NOON + DAY)
    assert own.done_by == owner_of(contract.client).membership
    assert item(contract, Side.TALENT).state == ItemState.OPEN


def test_give_ticks_an_item_that_was_skipped():
    contract = ended_contract()
    skipped = item(contract, Side.CLIENT)
    with clock.at(NOON):
        checklists.skip(skipped, by=owner_of(contract.client))
    give(contract, Side.CLIENT)
    assert item(contract, Side.CLIENT).state == ItemState.TICKED


def test_give_first_leaves_the_contract_as_it_was():
    contract = ended_contract()
    before = columns_of(contract)
    history, notices = ContractHistory.objects.count(), Notice.objects.count()
    give(contract, Side.CLIENT, at=NOON + DAY)
    assert columns_of(contract) == before
    assert ContractHistory.objects.count() == history
    assert Notice.objects.count() == notices


def columns_of(contract):
    return Contract.objects.filter(pk=contract.pk).values().get()


def test_edit_while_sealed():
    contract = ended_contract()
    given = give(contract, Side.CLIENT, stars=2, text="Late.", would_work_again=False)
    with clock.at(CLOSES - JUST_BEFORE):
        giving.edit(given, stars=3, text=" Late, but good. ", by=owner_of(contract.client))
    given.refresh_from_db()
    assert (given.stars, given.text, given.would_work_again) == (3, "Late, but good.", None)
    assert given.edited_at == CLOSES - JUST_BEFORE
    assert given.given_at == NOON
    assert given.visible_from == CLOSES


def test_edit_by_another_manager_of_the_side():
    contract = ended_contract()
    given = give(contract, Side.CLIENT, stars=2)
    with clock.at(NOON):
        giving.edit(given, stars=3, by=member_of(contract.client, role=Role.MANAGER))
    given.refresh_from_db()
    assert given.stars == 3
    assert given.author == owner_of(contract.client).membership


def test_edit_after_both_gave_is_refused():
    contract = ended_contract()
    given = give(contract, Side.CLIENT, stars=2)
    give(contract, Side.TALENT)
    with clock.at(NOON), pytest.raises(Overtaken, match="Both sides can read"):
        giving.edit(given, stars=5, by=owner_of(contract.client))
    given.refresh_from_db()
    assert given.stars == 2


def test_edit_once_the_window_closed_is_refused():
    contract = ended_contract()
    given = give(contract, Side.CLIENT, stars=2)
    with clock.at(CLOSES), pytest.raises(Overtaken):
        giving.edit(given, stars=5, by=owner_of(contract.client))
    given.refresh_from_db()
    assert given.stars == 2


@pytest.mark.parametrize("who", ["other side", "member", "stranger"])
def test_edit_by_others_is_refused(who):
    contract = ended_contract()
    given = give(contract, Side.CLIENT, stars=2)
    by = {
        "other side": owner_of(contract.talent),
        "member": member_of(contract.client),
        "stranger": owner_of(PartyFactory()),
    }[who]
    with clock.at(NOON), pytest.raises(NotYours):
        giving.edit(given, stars=5, by=by)
    given.refresh_from_db()
    assert given.stars == 2


def test_edit_with_wrong_input_is_refused():
    contract = ended_contract()
    given = give(contract, Side.CLIENT, stars=2)
    with clock.at(NOON), pytest.raises(InvalidInput):
        giving.edit(given, stars=9, by=owner_of(contract.client))
    given.refresh_from_db()
    assert given.stars == 2
