"""Disputes of hours: the client says which segments of a week it will not pay for."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django_fsm import FSMField, transition

from contracts import rules
from contracts.models.contract import Contract
from contracts.models.diary import Stretch
from contracts.models.week import Week
from contracts.states import (
    CLOSED_DISPUTES,
    HELD_DISPUTES,
    OPEN_DISPUTES,
    DisputeState,
)
from marketplace.models import Stateful
from marketplace.models.constraints import exactly_when, only_when
from marketplace.models.history import Rank
from marketplace.transitions import allowed
from payments.models import Refund


class HoursDispute(Stateful):
    """One week's dispute, at most one. ``minutes`` are what is disputed.

    ``answer_by`` is when silence hands it to support. Once settled ``reversed_minutes`` are what
    went back, and ``reversal`` the money, if it had been paid already.
    """

    lock_rank: ClassVar[Rank] = Rank.REQUEST
    aggregate_name = "contract"

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="hours_disputes")
    week = models.OneToOneField(Week, on_delete=models.PROTECT, related_name="dispute")
    state = FSMField(
        max_length=10, choices=DisputeState.choices, default=DisputeState.PENDING, protected=True
    )
    minutes = models.PositiveIntegerField()
    reason = models.TextField()
    filed_at = models.DateTimeField()
    answer_by = models.DateTimeField()
    declined_because = models.TextField(blank=True)
    decided_because = models.TextField(blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    reversed_minutes = models.PositiveIntegerField(null=True, blank=True)
    reversal = models.OneToOneField(
        Refund, on_delete=models.PROTECT, null=True, blank=True, related_name="hours_dispute"
    )

    class Meta:
        permissions: ClassVar = [("decide_hoursdispute", "Can decide a dispute of hours")]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(minutes__gt=0), name="dispute_of_something"),
            models.CheckConstraint(
                condition=exactly_when(Q(state__in=CLOSED_DISPUTES), Q(settled_at__isnull=False))
                & exactly_when(Q(settled_at__isnull=False), Q(reversed_minutes__isnull=False)),
                name="dispute_settled_at_set_exactly_when_settled",
            ),
            models.CheckConstraint(
                condition=Q(reversed_minutes=None) | Q(reversed_minutes__lte=F("minutes")),
                name="dispute_reverses_at_most_what_is_disputed",
            ),
            models.CheckConstraint(
                condition=only_when(
                    Q(state__in=(DisputeState.ACCEPTED, DisputeState.DECIDED)),
                    Q(reversal__isnull=False),
                ),
                name="dispute_reversal_only_when_settled_so",
            ),
            models.CheckConstraint(
                condition=exactly_when(Q(state=DisputeState.DECIDED), ~Q(decided_because="")),
                name="dispute_decision_has_its_reason",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["answer_by"],
                name="dispute_answer_due",
                condition=Q(state=DisputeState.PENDING),
            ),
            models.Index(
                fields=["filed_at"], name="dispute_held", condition=Q(state__in=HELD_DISPUTES)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.minutes} minutes of the {self.week}"

    def get_absolute_url(self) -> str:
        return reverse("hours_dispute", args=[self.pk])

    @property
    def is_pending(self) -> bool:
        return self.state == DisputeState.PENDING

    @property
    def is_held(self) -> bool:
        """Support has to decide."""
        return self.state in HELD_DISPUTES

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_DISPUTES

    @transition(
        state,
        source=OPEN_DISPUTES,
        target=DisputeState.ACCEPTED,
        permission=allowed(rules.talent_answers_dispute),
    )
    def accept(self, *, reversal: Refund | None, at: datetime) -> None:
        """The talent gives the disputed hours back."""
        self._settle(self.minutes, reversal, at)

    @transition(
        state,
        source=DisputeState.PENDING,
        target=DisputeState.DECLINED,
        permission=allowed(rules.talent_answers_dispute),
    )
    def decline(self, *, because: str) -> None:
        """The talent stands by the hours; support decides."""
        self.declined_because = because

    @transition(
        state,
        source=DisputeState.PENDING,
        target=DisputeState.ESCALATED,
        permission=allowed(rules.platform_only),
    )
    def escalate(self) -> None:
        """The talent was silent; support decides."""

    @transition(
        state,
        source=OPEN_DISPUTES,
        target=DisputeState.WITHDRAWN,
        permission=allowed(rules.client_withdraws_dispute),
    )
    def withdraw(self, *, at: datetime) -> None:
        """The client takes the dispute back."""
        self._settle(0, None, at)

    @transition(
        state,
        source=HELD_DISPUTES,
        target=DisputeState.DECIDED,
        permission=allowed(rules.support_only),
    )
    def decide(self, *, minutes: int, reversal: Refund | None, because: str, at: datetime) -> None:
        """Support has decided each segment."""
        self.decided_because = because
        self._settle(minutes, reversal, at)

    def _settle(self, minutes: int, reversal: Refund | None, at: datetime) -> None:
        self.reversed_minutes = minutes
        self.reversal = reversal
        self.settled_at = at


class DisputedSegment(models.Model):
    """One ten-minute segment of a dispute; ``is_reversed`` is NULL until it is settled."""

    dispute = models.ForeignKey(HoursDispute, on_delete=models.PROTECT, related_name="segments")
    stretch = models.ForeignKey(Stretch, on_delete=models.PROTECT, related_name="disputed")
    starts_at = models.DateTimeField()
    is_reversed = models.BooleanField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["starts_at", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["stretch", "starts_at"], name="segment_disputed_once")
        ]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H:%M}"
