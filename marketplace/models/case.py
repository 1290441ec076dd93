"""Support cases: what people wrote to support, and the answers."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from marketplace.models.constraints import exactly_when
from marketplace.models.history import ActedOn
from marketplace.models.party import Party
from marketplace.states import CaseState


class Case(models.Model):
    """A conversation with support, from a page or from a contract.

    ``contract_reference`` is a copy for support's search; the ground knows no contracts.
    """

    reference = models.CharField(max_length=16, unique=True)
    subject = models.CharField(max_length=120)
    email = models.EmailField(db_index=True)
    party = models.ForeignKey(
        Party, on_delete=models.PROTECT, null=True, blank=True, related_name="cases"
    )
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="cases",
    )
    contract_reference = models.CharField(max_length=16, blank=True, db_index=True)
    state = models.CharField(max_length=12, choices=CaseState.choices, default=CaseState.OPEN)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="assigned_cases",
    )
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-opened_at", "-id"]
        permissions: ClassVar = [
            ("answer_case", "Can answer a case"),
            ("assign_case", "Can take on a case"),
            ("close_case", "Can close a case"),
        ]
        indexes: ClassVar = [models.Index(fields=["state", "opened_at"], name="case_by_state")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=exactly_when(Q(state=CaseState.CLOSED), Q(closed_at__isnull=False)),
                name="case_closed_at_set_exactly_when_closed",
            )
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.subject}"


class CaseMessage(ActedOn):
    """One message of a case; append-only."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="messages")
    text = models.TextField()
    at = models.DateTimeField()

    class Meta(ActedOn.Meta):
        ordering: ClassVar = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.case_id} at {self.at:%Y-%m-%d %H:%M}"
