"""The post-close checklist: each side's own list, and only its own."""

from __future__ import annotations

import pytest

from contracts import checklists
from contracts.models import ChecklistItem
from contracts.states import ChecklistCode, ItemState, Side
from feedback import giving
from marketplace.actors import Actor
from marketplace.models import Notice
from marketplace.refusals import NotYours, Overtaken
from tests.factories import (
    NOON,
    StaffFactory,
    active,
    ended,
    funded,
    member_of,
    owner_of,
)
from tests.support.asserting import assert_audit_clean, refused

pytestmark = pytest.mark.django_db

CODES = [code.value for code in ChecklistCode]


def item(code: str, side: Side = Side.TALENT) -> ChecklistItem:
    contract = ended(funded().contract)
    return next(one for one in checklists.items_of(contract, side) if one.code == code)


def own(one: ChecklistItem) -> Actor:
    return owner_of(one.contract.party(Side(one.side)))


@pytest.mark.parametrize("side", Side)
def test_list_of_a_side_has_its_four_items_in_order(side):
    items = checklists.items_of(ended(active()), side)

    assert [one.code for one in items] == ["access", "deliverables", "property", "feedback"]
    assert {one.side for one in items} == {side}
    assert {one.state for one in items} == {ItemState.OPEN}


@pytest.mark.parametrize("code", CODES[:3])
def test_item_is_ticked_undone_and_skipped(code):
    one = item(code)

    ticked = checklists.tick(one, by=own(one))
    assert (ticked.state, ticked.done_at, ticked.done_by) == (
        ItemState.TICKED,
        NOON,
        own(one).membership,
    )
    undone = checklists.undo(one, by=own(one))
    assert (undone.state, undone.done_at, undone.done_by) == (ItemState.OPEN, None, None)
    assert checklists.skip(one, by=own(one)).state == ItemState.SKIPPED
    assert_audit_clean()


def test_assigned_member_ticks():
    one = item("access")

    assert checklists.tick(one, by=member_of(one.contract.talent)).state == ItemState.TICKED


def test_feedback_item_ticks_itself_and_can_only_be_skipped():
    one = item("feedback")

    with refused(one.contract, Overtaken, "This item ticks itself."):
        checklists.tick(one, by=own(one))
    assert checklists.skip(one, by=own(one)).state == ItemState.SKIPPED
    assert checklists.undo(one, by=own(one)).state == ItemState.OPEN


@pytest.mark.parametrize("deed", [checklists.skip, checklists.undo, checklists.tick])
def test_feedback_item_stays_ticked_once_feedback_is_given(deed):
    one = item("feedback")
    checklists.skip(one, by=own(one))
    giving.give(one.contract, stars=5, by=own(one))
    assert ChecklistItem.objects.get(pk=one.pk).state == ItemState.TICKED

    with refused(one.contract, Overtaken, "item"):
        deed(one, by=own(one))
    assert_audit_clean()


@pytest.mark.parametrize(
    ("side", "code", "words"),
    [
        (Side.TALENT, "access", "change or revoke the passwords"),
        (Side.CLIENT, "property", "remove our property"),
    ],
)
def test_reminder_is_shown_sent_once_and_ticks_the_item(side, code, words):
    one = item(code, side)
    assert words in checklists.reminder_text(one)
    assert one.contract.title in checklists.reminder_text(one)

    sent = checklists.send_reminder(one, by=own(one))

    assert (sent.state, sent.reminder_sent_at) == (ItemState.TICKED, NOON)
    theirs = ChecklistItem.objects.get(contract=one.contract, side=side.other, code=code)
    assert (theirs.state, theirs.reminded_at) == (ItemState.OPEN, NOON)
    told = Notice.objects.filter(kind="contracts.checklist_reminder")
    assert {notice.party_id for notice in told} == {one.contract.client_id, one.contract.talent_id}
    assert_audit_clean()
    with refused(one.contract, Overtaken, "The reminder was sent before."):
        checklists.send_reminder(one, by=own(one))


@pytest.mark.parametrize(
    ("side", "code"),
    [(side, code) for side in Side for code in CODES if (side, code) not in checklists.REMINDS],
)
def test_item_that_reminds_of_nothing_sends_nothing(side, code):
    one = item(code, side)

    assert checklists.reminder_text(one) == ""
    with refused(one.contract, Overtaken, "nothing to remind of"):
        checklists.send_reminder(one, by=own(one))


DEEDS = [checklists.tick, checklists.undo, checklists.skip, checklists.send_reminder]


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize(
    "who",
    [
        lambda one: owner_of(one.contract.client),
        lambda one: owner_of(active().talent),
        lambda one: Actor.support(StaffFactory()),
    ],
    ids=["other side", "stranger", "support"],
)
def test_list_of_the_other_side_is_not_touched(deed, who):
    one = item("access")
    by = who(one)

    with refused(one.contract, NotYours, ""):
        deed(one, by=by)
