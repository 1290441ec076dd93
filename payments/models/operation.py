"""Gateway operations: what was asked of the outside world, committed before it was asked."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django_fsm import FSMField, transition

from marketplace.models import ActedOn, Party, Stateful
from marketplace.models.constraints import exactly_when, only_when
from marketplace.models.history import Rank
from marketplace.money import money_property
from marketplace.transitions import allowed
from payments import rules
from payments.models.book import Account, Book
from payments.models.entry import Entry
from payments.states import (
    NOT_ARRIVED,
    OPEN_OPERATIONS,
    OUTGOING,
    OperationKind,
    OperationState,
)


class GatewayOperation(ActedOn, Stateful):
    """One call to the gateway, from intent to outcome.

    A charge and credit sent back belong to a contract's book, a withdrawal to the talent's
    available ``account``. ``purpose`` names what confirmed money is for (a function registered at
    start), ``purpose_id`` the row it is for. ``key`` is the idempotency key of the call,
    ``reference`` what the gateway calls it once we know. ``due_at`` is when the gateway is asked
    again; NULL once the outcome is known. The actor is who started it.

    A charge posts its ``entry`` when it succeeds. Outgoing money is posted when it is begun, so
    that nothing can spend it meanwhile, and by ``back_entry`` it comes back if it does not arrive,
    perhaps after the gateway had said yes: until ``watch_at`` runs out we look. Credit is sent back
    to where it came from: the charge it is ``of``. ``confirm_since`` is when the client was asked
    to confirm a charge at its bank.
    """

    lock_rank: ClassVar[Rank] = Rank.OPERATION
    aggregate_name = "book"

    book = models.ForeignKey(
        Book, on_delete=models.PROTECT, null=True, blank=True, related_name="operations"
    )
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="operations"
    )
    of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="sent_back"
    )
    kind = models.CharField(max_length=12, choices=OperationKind.choices)
    purpose = models.CharField(max_length=40)
    purpose_id = models.BigIntegerField()
    gateway = models.CharField(max_length=20)
    method = models.CharField(max_length=60)
    method_label = models.CharField(max_length=80, blank=True)
    key = models.CharField(max_length=100, unique=True)
    reference = models.CharField(max_length=100, blank=True)
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
    confirm_since = models.DateTimeField(null=True, blank=True)
    arrives_on = models.DateField(null=True, blank=True)
    watch_at = models.DateTimeField(null=True, blank=True)
    entry = models.OneToOneField(
        Entry, on_delete=models.PROTECT, null=True, blank=True, related_name="operation"
    )
    back_entry = models.OneToOneField(
        Entry, on_delete=models.PROTECT, null=True, blank=True, related_name="returned_operation"
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
                condition=exactly_when(
                    Q(state=OperationState.SUCCEEDED) | Q(kind__in=OUTGOING),
                    Q(entry__isnull=False),
                ),
                name="operation_posted_when_succeeded_or_begun",
            ),
            models.CheckConstraint(
                condition=exactly_when(
                    Q(kind__in=OUTGOING, state__in=NOT_ARRIVED), Q(back_entry__isnull=False)
                ),
                name="operation_back_exactly_when_not_arrived",
            ),
            models.CheckConstraint(
                condition=exactly_when(Q(kind=OperationKind.PAYOUT), Q(account__isnull=False))
                & exactly_when(Q(kind=OperationKind.PAYOUT), Q(book=None)),
                name="operation_of_a_book_or_an_account",
            ),
            models.CheckConstraint(
                condition=exactly_when(Q(kind=OperationKind.CREDIT_BACK), Q(of__isnull=False)),
                name="operation_of_a_charge_exactly_when_sent_back",
            ),
            models.CheckConstraint(
                condition=only_when(Q(kind__in=OUTGOING), Q(state=OperationState.RETURNED))
                & only_when(
                    Q(kind__in=OUTGOING, state=OperationState.SUCCEEDED),
                    Q(watch_at__isnull=False),
                ),
                name="operation_watched_once_it_left",
            ),
            models.UniqueConstraint(
                fields=["gateway", "reference"],
                condition=~Q(reference=""),
                name="one_operation_per_reference",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="operation_due", condition=~Q(due_at=None)),
            models.Index(
                fields=["book"],
                name="operation_open",
                condition=Q(state__in=OPEN_OPERATIONS),
            ),
            models.Index(fields=["watch_at"], name="operation_watch", condition=~Q(watch_at=None)),
            models.Index(fields=["settled_at"], name="operation_settled"),
            models.Index(
                fields=["started_at"],
                name="operation_came_back",
                condition=~Q(back_entry=None),
            ),
            models.Index(
                fields=["started_at"],
                name="operation_payout",
                condition=Q(kind=OperationKind.PAYOUT),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.amount}"

    @property
    def aggregate(self) -> Any:
        return self.book if self.account_id is None else self.account

    @property
    def owner(self) -> Party:
        """Whose money it is: who pays, or is paid."""
        if self.account is not None:
            assert self.account.party is not None
            return self.account.party
        assert self.book is not None
        client: Party = self.book.client
        return client

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_OPERATIONS

    @property
    def is_outgoing(self) -> bool:
        return self.kind in OUTGOING

    @transition(
        state,
        source=OPEN_OPERATIONS,
        target=OperationState.SUCCEEDED,
        permission=allowed(rules.platform_only),
    )
    def succeed(
        self, *, at: datetime, entry: Entry | None = None, watch_at: datetime | None = None
    ) -> None:
        """The gateway confirmed.

        Args:
            entry: the posted charge; outgoing money is posted already.
            watch_at: of outgoing money: when to look whether it arrived.
        """
        self.entry = entry or self.entry
        self.watch_at = watch_at
        self._settle(at)

    @transition(
        state,
        source=OPEN_OPERATIONS,
        target=OperationState.DECLINED,
        permission=allowed(rules.platform_only),
    )
    def fail(self, *, because: str, at: datetime, entry: Entry | None = None) -> None:
        """The gateway said no, or the call was called off.

        Args:
            entry: by which outgoing money came back.
        """
        self.declined_because = because
        self.back_entry = entry
        self._settle(at)

    @transition(
        state,
        source=OperationState.SUCCEEDED,
        target=OperationState.RETURNED,
        permission=allowed(rules.platform_only),
    )
    def come_back(self, *, because: str, entry: Entry) -> None:
        """Outgoing money did not arrive after all; ``entry`` brought it back."""
        self.declined_because = because
        self.back_entry = entry
        self.watch_at = None

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
