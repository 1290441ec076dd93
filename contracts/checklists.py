"""The post-close checklist: each side's own list, ticked, undone, skipped, reminded.

Which side has which item comes from the two source documents (S). The other side's list is never
shown; facts tick their own items (feedback given), which can only be skipped by hand.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction

from contracts import notices, rules
from contracts.models import ChecklistItem, Contract
from contracts.states import ChecklistCode, ItemState, Side
from marketplace import clock, transitions
from marketplace.actors import Actor
from marketplace.refusals import NotYours, Overtaken

ITEMS: Final = (
    ChecklistCode.ACCESS,
    ChecklistCode.DELIVERABLES,
    ChecklistCode.PROPERTY,
    ChecklistCode.FEEDBACK,
)

REMINDS: Final = {
    (Side.TALENT, ChecklistCode.ACCESS): (
        "Please change or revoke the passwords and special access that you gave for"
        " {title}. The contract has ended, and they are no longer needed."
    ),
    (Side.CLIENT, ChecklistCode.PROPERTY): (
        "Please remove our property that you used or created for {title} from your equipment:"
        " documents, files and software. The contract has ended."
    ),
}
"""The items that are done by reminding the other side, with the reminder's text."""

DECIDED_BY_FACTS: Final = (ChecklistCode.FEEDBACK,)


def open_for(contract: Contract) -> None:
    """Make both sides' lists; called by the end, in its transaction."""
    ChecklistItem.objects.bulk_create(
        ChecklistItem(contract=contract, side=side, code=code) for side in Side for code in ITEMS
    )


def items_of(contract: Contract, side: Side) -> list[ChecklistItem]:
    """One side's list, in its order; one query."""
    return list(contract.checklist.filter(side=side).order_by("id"))


@transaction.atomic
def tick(item: ChecklistItem, *, by: Actor) -> ChecklistItem:
    """Mark an item done. Ticking a done one again changes nothing."""
    item = _enter(item, by)
    if item.code in DECIDED_BY_FACTS:
        raise Overtaken("This item ticks itself. You can skip it.")
    return _close(item, ItemState.TICKED, at=clock.now(), by=by)


@transaction.atomic
def skip(item: ChecklistItem, *, by: Actor) -> ChecklistItem:
    """Leave an item out; what a fact has ticked stays so."""
    item = _enter(item, by)
    _refuse_what_facts_ticked(item)
    return _close(item, ItemState.SKIPPED, at=clock.now(), by=by)


@transaction.atomic
def undo(item: ChecklistItem, *, by: Actor) -> ChecklistItem:
    """Open a ticked or skipped item again; what a fact has ticked stays so."""
    item = _enter(item, by)
    _refuse_what_facts_ticked(item)
    if item.state != ItemState.OPEN:
        item.state, item.done_at, item.done_by = ItemState.OPEN, None, None
        item.save(update_fields=["state", "done_at", "done_by"])
    return item


@transaction.atomic
def send_reminder(item: ChecklistItem, *, by: Actor) -> ChecklistItem:
    """Send the reminder that this item asks for, once; sending ticks it."""
    item = _enter(item, by)
    if reminder_text(item) == "":
        raise Overtaken("There is nothing to remind of here.")
    if item.reminder_sent_at is not None:
        raise Overtaken("The reminder was sent before.")
    now = clock.now()
    item.reminder_sent_at = now
    item.save(update_fields=["reminder_sent_at"])
    item.contract.checklist.filter(side=Side(item.side).other, code=item.code).update(
        reminded_at=now
    )
    notices.checklist_reminder(item, text=reminder_text(item), by=by)
    return _close(item, ItemState.TICKED, at=now, by=by)


def reminder_text(item: ChecklistItem) -> str:
    """What the other side will read; empty for items that send none."""
    text = REMINDS.get((Side(item.side), ChecklistCode(item.code)), "")
    return text.format(title=item.contract.title)


def decided_by_fact(
    contract: Contract, side: Side, code: ChecklistCode, *, at: datetime, by: Actor
) -> None:
    """Tick an item because of something that happened elsewhere. The contract is entered."""
    item = contract.checklist.get(side=side, code=code)
    item.contract = contract
    _close(item, ItemState.TICKED, at=at, by=by)


def _enter(item: ChecklistItem, by: Actor) -> ChecklistItem:
    """Lock the contract, read the item again, and ask the rules.

    Raises:
        NotYours: not this side's.
        Overtaken: the contract has not ended.
    """
    contract = transitions.enter(item.contract)
    rules.refuse(rules.may_tick(contract, by))
    item = contract.checklist.get(pk=item.pk)
    item.contract = contract
    if contract.side_of(by.party_id) is not Side(item.side):
        raise NotYours("This is the other side's list.")
    return item


def _refuse_what_facts_ticked(item: ChecklistItem) -> None:
    if item.code in DECIDED_BY_FACTS and item.state == ItemState.TICKED:
        raise Overtaken("This item was ticked by what happened, and stays so.")


def _close(item: ChecklistItem, state: ItemState, *, at: datetime, by: Actor) -> ChecklistItem:
    if item.state != state:
        item.state, item.done_at, item.done_by = state, at, by.membership
        item.save(update_fields=["state", "done_at", "done_by"])
    return item
