"""Gateway operations: what was asked of the outside world, committed before it was asked."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django_fsm import FSMField, transition

from marketplace.models import ActedOn, Stateful
from marketplace.models.constraints import exactly_when
from marketplace.models.history import Rank
from marketplace.money import money_property
from marketplace.transitions import allowed
from payments import rules
from payments.models.book import Book
from payments.models.entry import Entry
from payments.states import OPEN_OPERATIONS, OperationKind, OperationState


class GatewayOperation(ActedOn, Stateful):
    """One call to the gateway, from intent to outcome.

    ``purpose`` names what confirmed money is for (a function registered by an upper floor),
    ``purpose_id`` the row it is for. ``key`` is the idempotency key of the call. ``due_at`` is when
    the gateway is asked again; NULL once the outcome is known. The actor is who started it.
    """

    lock_rank: ClassVar[Rank] = Rank.OPERATION
    aggregate_name = "book"

    book = models.ForeignKey(Book, on_delete=models.PROTECT, related_name="operations")
    kind = models.CharField(max_length=10, choices=OperationKind.choices)
    purpose = models.CharField(max_length=40)
    purpose_id = models.BigIntegerField()
    gateway = models.CharField(max_length=20)
    method = models.CharField(max_length=60)
    key = models.CharField(max_length=100, unique=True)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    state = FSMField(
        max_length=10,
        choices=OperationState.choices,
        default=OperationState.STARTED,
        protected=True,
    )
    started_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    declined_because = models.CharField(max_length=200, blank=True)
    entry = models.OneToOneField(
        Entry, on_delete=models.PROTECT, null=True, blank=True, related_name="operation"
    )

    amount = money_property("amount_minor")

    class Meta(ActedOn.Meta):
        permissions: ClassVar = [
            ("settle_gatewayoperation", "Can settle an operation by asking the gateway")
        ]
        constraints: ClassVar = [
            *ActedOn.Meta.constraints,
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="operation_above_zero"),
            models.CheckConstraint(
                condition=exactly_when(Q(state__in=OPEN_OPERATIONS), Q(due_at__isnull=False)),
                name="operation_due_exactly_while_open",
            ),
            models.CheckConstraint(
                condition=exactly_when(Q(state__in=OPEN_OPERATIONS), Q(settled_at__isnull=True)),
                name="operation_settled_exactly_when_known",
            ),
            models.CheckConstraint(
                condition=exactly_when(Q(state=OperationState.SUCCEEDED), Q(entry__isnull=False)),
                name="operation_posted_exactly_when_succeeded",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="operation_due", condition=~Q(due_at=None)),
            models.Index(
                fields=["book"],
                name="operation_open",
                condition=Q(state__in=OPEN_OPERATIONS),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.amount}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_OPERATIONS

    @transition(
        state,
        source=OPEN_OPERATIONS,
        target=OperationState.SUCCEEDED,
        permission=allowed(rules.platform_only),
    )
    def succeed(self, *, entry: Entry, at: datetime) -> None:
        """The gateway confirmed; ``entry`` is the posted charge."""
        self.entry = entry
        self._settle(at)

    @transition(
        state,
        source=OPEN_OPERATIONS,
        target=OperationState.DECLINED,
        permission=allowed(rules.platform_only),
    )
    def fail(self, *, because: str, at: datetime) -> None:
        """The gateway said no, or the call was called off."""
        self.declined_because = because
        self._settle(at)

    @transition(
        state,
        source=OperationState.STARTED,
        target=OperationState.UNKNOWN,
        permission=allowed(rules.platform_only),
    )
    def lose_sight(self) -> None:
        """The gateway did not answer; it is asked again when due."""

    def _settle(self, at: datetime) -> None:
        self.settled_at = at
        self.due_at = None


class SandboxCharge(models.Model):
    """What the embedded sandbox gateway remembers: its own store, as if it were far away.

    ``report_due_at`` is when it tells its outcome once more, unasked; NULL once it did.
    """

    key = models.CharField(max_length=100, unique=True)
    behaviour = models.CharField(max_length=20)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    outcome = models.CharField(max_length=12)
    report_due_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["report_due_at"],
                name="sandbox_report_due",
                condition=~Q(report_due_at=None),
            )
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.outcome}"
