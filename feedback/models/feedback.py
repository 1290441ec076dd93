"""Feedback of one side on the other, sealed until both gave theirs or the window closed (S)."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from contracts.models import Contract
from contracts.states import Side
from marketplace.models import Membership


class FeedbackQuerySet(models.QuerySet["Feedback"]):
    def revealed(self, now: datetime) -> FeedbackQuerySet:
        return self.filter(visible_from__lte=now)

    def sealed(self, now: datetime) -> FeedbackQuerySet:
        return self.filter(visible_from__gt=now)


class Feedback(models.Model):
    """What one side says of the other. Visible exactly when ``visible_from <= now``.

    ``visible_from`` is when the window closes; giving the second one sets both to that instant.
    ``private_note`` and ``would_work_again`` are for support and the author's side alone, always.
    """

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="feedback")
    side = models.CharField("given by", max_length=8, choices=Side.choices)
    author = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    stars = models.PositiveSmallIntegerField()
    text = models.TextField("public feedback", blank=True)
    private_note = models.TextField(blank=True)
    would_work_again = models.BooleanField(null=True, blank=True)
    given_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True, blank=True)
    visible_from = models.DateTimeField()

    objects = FeedbackQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "feedback"
        permissions: ClassVar = [("extend_window", "Can extend the time for feedback")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["contract", "side"], name="feedback_once_per_contract_and_side"
            ),
            models.CheckConstraint(
                condition=Q(stars__gte=1, stars__lte=5), name="feedback_one_to_five_stars"
            ),
            models.CheckConstraint(
                condition=Q(visible_from__gte=F("given_at")), name="feedback_visible_once_given"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contract_id} by {self.side}"

    def is_revealed(self, now: datetime) -> bool:
        return self.visible_from <= now
