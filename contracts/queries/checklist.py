"""The post-close checklist of one side, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.urls import reverse

from contracts import checklists
from contracts.models import ChecklistItem, Contract
from contracts.states import ChecklistCode, ItemState, Side

_ACCESS = "Change or revoke any passwords or special access"
_TITLES: Final = {
    (Side.CLIENT, ChecklistCode.ACCESS): f"{_ACCESS} you gave during the contract",
    (Side.CLIENT, ChecklistCode.DELIVERABLES): (
        "Check that you received all related work, and the work-related materials and equipment"
        " that you allowed them to use"
    ),
    (Side.CLIENT, ChecklistCode.PROPERTY): (
        "Remind {other} to remove property of yours that they used or created from their equipment"
    ),
    (Side.TALENT, ChecklistCode.ACCESS): (
        "Remind {other} to change or revoke any passwords or special access they gave you during"
        " the contract"
    ),
    (Side.TALENT, ChecklistCode.DELIVERABLES): (
        "Turn in all related work, and return the client's materials and equipment"
    ),
    (Side.TALENT, ChecklistCode.PROPERTY): (
        "Remove client property that you used or created during the contract from your equipment"
    ),
}
_DETAILS: Final = {ChecklistCode.PROPERTY: "Documents, files, software."}
_FEEDBACK: Final = "Leave feedback"


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One item as its side reads it."""

    row: ChecklistItem
    title: str
    detail: str
    reminder: str

    @property
    def done(self) -> bool:
        return self.row.state != ItemState.OPEN

    @property
    def is_feedback(self) -> bool:
        return self.row.code == ChecklistCode.FEEDBACK

    @property
    def icon(self) -> str:
        """Instead of a tick, for what facts decide."""
        return "star" if self.is_feedback else ""

    @property
    def tick_url(self) -> str:
        if self.is_feedback:
            return ""
        return self.url("undo" if self.done else "tick")

    @property
    def may_skip(self) -> bool:
        return not self.done

    @property
    def may_undo(self) -> bool:
        return self.row.state == ItemState.SKIPPED

    @property
    def skip_url(self) -> str:
        return self.url("skip")

    @property
    def undo_url(self) -> str:
        return self.url("undo")

    @property
    def remind_url(self) -> str:
        return self.url("remind")

    def url(self, verb: str) -> str:
        return reverse("checklist_item", args=[self.row.contract.reference, self.row.code, verb])


def item_rows(contract: Contract, side: Side) -> list[ItemRow]:
    """One side's list; one query. The other side's is never shown."""
    items = checklists.items_of(contract, side)
    for item in items:
        item.contract = contract
    return [_row(item, contract, side) for item in items]


def _row(item: ChecklistItem, contract: Contract, side: Side) -> ItemRow:
    code = ChecklistCode(item.code)
    title = _TITLES.get((side, code), _FEEDBACK).format(other=contract.party(side.other).name)
    unsent = item.reminder_sent_at is None
    return ItemRow(
        row=item,
        title=title,
        detail=_DETAILS.get(code, ""),
        reminder=checklists.reminder_text(item) if unsent else "",
    )
