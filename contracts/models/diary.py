"""The Work Diary: stretches of time, and the timers that record them."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from contracts.models.contract import Contract
from contracts.models.week import Week
from contracts.states import StretchKind
from marketplace.models import Membership
from marketplace.models.history import Rank

_MINUTE = timedelta(minutes=1)


class Stretch(models.Model):
    """Recorded time: whole ten-minute segments within one UTC day, by one person.

    ``person`` repeats the membership's user, because overlap is checked per person, over all
    contracts and parties.
    """

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="stretches")
    week = models.ForeignKey(Week, on_delete=models.PROTECT, related_name="stretches")
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=StretchKind.choices)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    memo = models.CharField(max_length=200, blank=True)
    recorded_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "stretches"
        ordering: ClassVar = ["starts_at", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="stretch_has_a_length"
            ),
            models.UniqueConstraint(
                fields=["person", "starts_at"], name="stretch_one_per_person_and_start"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["week", "starts_at"], name="stretch_of_week"),
        ]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H:%M}–{self.ends_at:%H:%M}"

    @property
    def minutes(self) -> int:
        return (self.ends_at - self.starts_at) // _MINUTE

    @property
    def is_manual(self) -> bool:
        return self.kind == StretchKind.MANUAL


class Timer(models.Model):
    """A timer, running or stopped; one runs per person. ``runs_out_at`` is when it stops itself."""

    lock_rank: ClassVar[Rank] = Rank.PART

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="timers")
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    memo = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField()
    runs_out_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True, blank=True)
    minutes = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person"], condition=Q(stopped_at=None), name="timer_one_per_person"
            ),
            models.CheckConstraint(
                condition=Q(stopped_at=None, minutes=None)
                | Q(stopped_at__gte=F("started_at"), minutes__isnull=False),
                name="timer_counted_exactly_when_stopped",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["runs_out_at"], name="timer_runs_out", condition=Q(stopped_at=None)
            ),
            models.Index(
                fields=["contract"], name="timer_of_contract", condition=Q(stopped_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"timer of {self.membership_id} since {self.started_at:%Y-%m-%d %H:%M}"
