"""The post-close checklist: what is left to do after the end, per side."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from contracts.models.contract import Contract
from contracts.states import ChecklistCode, ItemState, Side
from marketplace.models import Membership
from marketplace.models.constraints import exactly_when


class ChecklistItem(models.Model):
    """One item of one side's list.

    ``reminded_at`` is when the other side reminded of it; ``reminder_sent_at`` when this side sent
    the reminder that this item asks for.
    """

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="checklist")
    side = models.CharField(max_length=8, choices=Side.choices)
    code = models.CharField(max_length=16, choices=ChecklistCode.choices)
    state = models.CharField(max_length=8, choices=ItemState.choices, default=ItemState.OPEN)
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(
        Membership, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reminder_sent_at = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["contract", "side", "code"], name="checklist_one_item_per_side_and_code"
            ),
            models.CheckConstraint(
                condition=exactly_when(~Q(state=ItemState.OPEN), Q(done_at__isnull=False)),
                name="checklist_done_at_set_exactly_when_not_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contract_id} {self.side}: {self.code}"
