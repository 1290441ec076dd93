"""The escrow refund request: asks the talent to let escrow go back after the client ended."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django_fsm import FSMField, transition

from marketplace.models import Stateful
from marketplace.models.constraints import exactly_when
from marketplace.models.history import Rank
from marketplace.money import Money, money_property
from marketplace.transitions import allowed
from payments import rules
from payments.models.book import Book
from payments.states import (
    CLOSED_REQUESTS,
    HELD_REQUESTS,
    OPEN_REQUESTS,
    OnSilence,
    RequestState,
)


class EscrowRefundRequest(Stateful):
    """What is left in escrow after the client ended, and who decides about it until when.

    What the clock needs of the agreement is stored when it is made: ``answer_by``,
    ``on_silence`` and the policy's version.
    """

    lock_rank: ClassVar[Rank] = Rank.REQUEST
    aggregate_name = "book"

    book = models.OneToOneField(
        Book, on_delete=models.PROTECT, related_name="escrow_refund_request"
    )
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    state = FSMField(
        max_length=12, choices=RequestState.choices, default=RequestState.PENDING, protected=True
    )
    filed_at = models.DateTimeField()
    answer_by = models.DateTimeField()
    on_silence = models.CharField(max_length=10, choices=OnSilence.choices)
    policy_version = models.PositiveSmallIntegerField()
    reminder_due_at = models.DateTimeField(null=True, blank=True)
    reminders_sent = models.PositiveSmallIntegerField(default=0)
    declined_because = models.TextField(blank=True)
    decided_because = models.TextField(blank=True)
    to_talent_minor = models.BigIntegerField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)

    amount = money_property("amount_minor")
    to_talent = money_property("to_talent_minor")

    class Meta:
        verbose_name = "escrow refund request"
        permissions: ClassVar = [
            ("decide_escrowrefundrequest", "Can decide a held escrow refund request")
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="request_above_zero"),
            models.CheckConstraint(
                condition=exactly_when(Q(state__in=CLOSED_REQUESTS), Q(resolved_at__isnull=False)),
                name="request_resolved_at_set_exactly_when_closed",
            ),
            models.CheckConstraint(
                condition=exactly_when(
                    Q(resolved_at__isnull=False), Q(to_talent_minor__isnull=False)
                ),
                name="request_split_set_exactly_when_resolved",
            ),
            models.CheckConstraint(
                condition=Q(to_talent_minor=None)
                | Q(to_talent_minor__gte=0, to_talent_minor__lte=F("amount_minor")),
                name="request_split_within_amount",
            ),
            models.CheckConstraint(
                condition=Q(reminder_due_at=None) | Q(state=RequestState.PENDING),
                name="request_reminds_only_while_pending",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["answer_by"],
                name="request_due",
                condition=Q(state=RequestState.PENDING),
            ),
            models.Index(
                fields=["reminder_due_at"],
                name="request_reminder",
                condition=~Q(reminder_due_at=None),
            ),
            models.Index(
                fields=["filed_at"], name="request_held", condition=Q(state__in=HELD_REQUESTS)
            ),
        ]

    def __str__(self) -> str:
        return f"Return of {self.amount} from escrow, {self.book.reference}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_REQUESTS

    @property
    def is_held(self) -> bool:
        return self.state in HELD_REQUESTS

    @property
    def to_client(self) -> Money | None:
        split: Money | None = self.to_talent
        return None if split is None else self.amount - split

    @transition(
        state,
        source=OPEN_REQUESTS,
        target=RequestState.ACCEPTED,
        permission=allowed(rules.talent_answers),
    )
    def accept(self, *, at: datetime) -> None:
        """The talent lets the money go back."""
        self._resolve(0, at)

    @transition(
        state,
        source=RequestState.PENDING,
        target=RequestState.DISPUTED,
        permission=allowed(rules.talent_answers),
    )
    def decline(self, *, because: str) -> None:
        """The talent objects; support decides."""
        self.declined_because = because
        self.reminder_due_at = None

    @transition(
        state,
        source=(RequestState.PENDING, RequestState.ESCALATED),
        target=RequestState.WITHDRAWN,
        permission=allowed(rules.client_answers),
    )
    def withdraw(self, *, at: datetime) -> None:
        """The client pays the talent the whole of it instead."""
        self._resolve(self.amount_minor, at)

    @transition(
        state,
        source=RequestState.DISPUTED,
        target=RequestState.CONCEDED,
        permission=allowed(rules.client_answers),
    )
    def concede(self, *, at: datetime) -> None:
        """The client pays the talent the whole of it after the talent declined."""
        self._resolve(self.amount_minor, at)

    @transition(
        state,
        source=RequestState.PENDING,
        target=RequestState.LAPSED,
        permission=allowed(rules.platform_only),
    )
    def lapse(self, *, at: datetime) -> None:
        """Nobody answered in time: the money goes back."""
        self._resolve(0, at)

    @transition(
        state,
        source=RequestState.PENDING,
        target=RequestState.ESCALATED,
        permission=allowed(rules.platform_only),
    )
    def escalate(self) -> None:
        """Nobody answered in time, but work had been submitted: support decides."""
        self.reminder_due_at = None

    @transition(
        state,
        source=HELD_REQUESTS,
        target=RequestState.DECIDED,
        permission=allowed(rules.staff_only),
    )
    def decide(self, *, to_talent: Money, because: str, at: datetime) -> None:
        """Support splits the amount, with a reason both sides read."""
        self.decided_because = because
        self._resolve(to_talent.minor, at)

    def _resolve(self, to_talent_minor: int, at: datetime) -> None:
        self.to_talent_minor = to_talent_minor
        self.resolved_at = at
        self.reminder_due_at = None
