"""Messages between the two sides, on the contract."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from contracts.models.contract import Contract
from marketplace.models import Membership


class Message(models.Model):
    """One message; append-only."""

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="messages")
    author = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["at", "id"]
        indexes: ClassVar = [models.Index(fields=["contract", "-id"], name="message_of_contract")]

    def __str__(self) -> str:
        return f"{self.contract_id} at {self.at:%Y-%m-%d %H:%M}"
