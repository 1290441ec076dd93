from datetime import timedelta

import pytest

from contracts.models import Contract
from contracts.states import ChecklistCode, ItemState, Side
from feedback import audits
from feedback.models import Feedback
from marketplace import clock
from tests.factories import NOON, owner_of
from tests.feedback.ended import CLOSES, REMINDS, ended_contract, give

pytestmark = pytest.mark.django_db

CHECKS = (
    audits.given_in_time,
    audits.alone_waits_for_the_close,
    audits.pairs_are_revealed_together,
    audits.unchanged_once_visible,
    audits.ticked_when_given,
    audits.told_of_what_was_revealed,
)


def broken():
    """The names of the checks that find something."""
    with clock.at(CLOSES):
        return {one.__name__ for one in CHECKS if list(one())}


@pytest.fixture
def lone():
    return give(ended_contract(), Side.CLIENT)


@pytest.fixture
def pair():
    contract = ended_contract()
    give(contract, Side.CLIENT)
    return give(contract, Side.TALENT, at=NOON + timedelta(days=1))


def change(feedback, **values):
    Feedback.objects.filter(pk=feedback.pk).update(**values)


def test_audits_find_nothing_wrong(lone, pair):
    ended_contract()
    assert broken() == set()


def test_audit_finds_a_lone_one_visible_before_the_close(lone):
    change(lone, visible_from=CLOSES - timedelta(microseconds=1))
    assert broken() == {"alone_waits_for_the_close"}


def test_audit_finds_a_pair_revealed_apart(pair):
    change(pair, visible_from=CLOSES)
    assert broken() == {"pairs_are_revealed_together"}


def test_audit_finds_a_pair_revealed_later_than_the_second_was_given(pair):
    Feedback.objects.update(visible_from=CLOSES)
    assert broken() == {"pairs_are_revealed_together"}


def test_audit_finds_feedback_given_too_late(lone):
    change(lone, given_at=CLOSES)
    assert broken() == {"given_in_time"}


def test_audit_finds_feedback_given_before_the_end(lone):
    change(lone, given_at=NOON - timedelta(seconds=1))
    assert broken() == {"given_in_time"}


def test_audit_finds_an_author_of_the_other_side(lone):
    change(lone, author=owner_of(lone.contract.talent).membership)
    assert broken() == {"given_in_time"}


def test_audit_finds_a_change_after_the_reveal(pair):
    change(pair, edited_at=pair.visible_from + timedelta(microseconds=1))
    assert broken() == {"unchanged_once_visible"}


def test_audit_finds_an_item_ticked_without_feedback():
    items = ended_contract().checklist.filter(code=ChecklistCode.FEEDBACK, side=Side.TALENT)
    items.update(state=ItemState.TICKED, done_at=NOON)
    assert broken() == {"ticked_when_given"}


def test_audit_finds_an_item_skipped_though_feedback_was_given(lone):
    lone.contract.checklist.filter(code=ChecklistCode.FEEDBACK, side=Side.CLIENT).update(
        state=ItemState.SKIPPED
    )
    assert broken() == {"ticked_when_given"}


def test_audit_finds_a_notice_that_waits_after_both_gave(pair):
    Contract.objects.update(feedback_due_at=REMINDS)
    assert broken() == {"told_of_what_was_revealed"}
