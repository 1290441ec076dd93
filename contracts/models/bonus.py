"""Bonuses: paid beside escrow and hours; and the talent's request for one."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django_fsm import FSMField, transition

from contracts import rules
from contracts.models.contract import Contract
from contracts.states import BonusRequestState, BonusState
from marketplace.models import Stateful
from marketplace.models.constraints import exactly_when, only_when
from marketplace.models.history import Rank
from marketplace.money import money_property
from marketplace.transitions import allowed
from payments.models import Payment


class BonusRequest(Stateful):
    """The talent asks for a bonus for time that the locked diary does not have (D).

    ``minutes`` are the time it is about; ``until`` is when no bonus can be given any more.
    """

    lock_rank: ClassVar[Rank] = Rank.REQUEST
    aggregate_name = "contract"

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="bonus_requests")
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    minutes = models.PositiveIntegerField()
    reason = models.TextField()
    state = FSMField(
        max_length=10,
        choices=BonusRequestState.choices,
        default=BonusRequestState.WAITING,
        protected=True,
    )
    asked_at = models.DateTimeField()
    until = models.DateTimeField()
    declined_because = models.TextField(blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    amount = money_property("amount_minor")

    class Meta:
        ordering: ClassVar = ["asked_at", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0, minutes__gt=0), name="bonus_request_of_something"
            ),
            models.UniqueConstraint(
                fields=["contract"],
                condition=Q(state=BonusRequestState.WAITING),
                name="one_waiting_bonus_request_per_contract",
            ),
            models.CheckConstraint(
                condition=exactly_when(
                    ~Q(state=BonusRequestState.WAITING), Q(closed_at__isnull=False)
                ),
                name="bonus_request_closed_at_set_exactly_when_closed",
            ),
            models.CheckConstraint(
                condition=only_when(Q(state=BonusRequestState.DECLINED), ~Q(declined_because="")),
                name="bonus_request_reason_only_when_declined",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["until"],
                name="bonus_request_over",
                condition=Q(state=BonusRequestState.WAITING),
            )
        ]

    def __str__(self) -> str:
        return f"{self.amount} for {self.minutes} minutes"

    @property
    def is_waiting(self) -> bool:
        return self.state == BonusRequestState.WAITING

    @transition(
        state,
        source=BonusRequestState.WAITING,
        target=BonusRequestState.GRANTED,
        permission=allowed(rules.client_answers_bonus_request),
    )
    def grant(self, *, at: datetime) -> None:
        """The client gave a bonus for it."""
        self.closed_at = at

    @transition(
        state,
        source=BonusRequestState.WAITING,
        target=BonusRequestState.DECLINED,
        permission=allowed(rules.client_answers_bonus_request),
    )
    def decline(self, *, because: str, at: datetime) -> None:
        """The client says no, with or without a reason."""
        self.declined_because = because
        self.closed_at = at

    @transition(
        state,
        source=BonusRequestState.WAITING,
        target=BonusRequestState.WITHDRAWN,
        permission=allowed(rules.talent_withdraws_bonus_request),
    )
    def withdraw(self, *, at: datetime) -> None:
        """The talent takes it back."""
        self.closed_at = at

    @transition(
        state,
        source=BonusRequestState.WAITING,
        target=BonusRequestState.EXPIRED,
        permission=allowed(rules.platform_only),
    )
    def expire(self, *, at: datetime) -> None:
        """No bonus can be given on this contract any more."""
        self.closed_at = at


class Bonus(Stateful):
    """One bonus, from the client's click to its payment; never from escrow.

    What credit covers is paid at once; otherwise it waits for its charge.
    """

    lock_rank: ClassVar[Rank] = Rank.PART
    aggregate_name = "contract"

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="bonuses")
    request = models.ForeignKey(
        BonusRequest, on_delete=models.PROTECT, null=True, blank=True, related_name="bonuses"
    )
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    note = models.TextField(blank=True)
    state = FSMField(
        max_length=10, choices=BonusState.choices, default=BonusState.CHARGING, protected=True
    )
    given_at = models.DateTimeField()
    failed_at = models.DateTimeField(null=True, blank=True)
    payment = models.OneToOneField(
        Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="bonus"
    )

    amount = money_property("amount_minor")

    class Meta:
        verbose_name_plural = "bonuses"
        ordering: ClassVar = ["given_at", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="bonus_above_zero"),
            models.CheckConstraint(
                condition=exactly_when(Q(state=BonusState.PAID), Q(payment__isnull=False)),
                name="bonus_payment_set_exactly_when_paid",
            ),
            models.CheckConstraint(
                condition=exactly_when(Q(state=BonusState.FAILED), Q(failed_at__isnull=False)),
                name="bonus_failed_at_set_exactly_when_failed",
            ),
        ]

    def __str__(self) -> str:
        return f"Bonus of {self.amount}"

    @property
    def is_charging(self) -> bool:
        return self.state == BonusState.CHARGING

    @transition(
        state,
        source=BonusState.CHARGING,
        target=BonusState.PAID,
        permission=allowed(rules.client_gives_bonus),
    )
    def pay(self, *, payment: Payment) -> None:
        """The money is there and goes to the talent."""
        self.payment = payment

    @transition(
        state,
        source=BonusState.CHARGING,
        target=BonusState.FAILED,
        permission=allowed(rules.platform_only),
    )
    def fail(self, *, at: datetime) -> None:
        """The charge was declined, or called off; nothing was charged."""
        self.failed_at = at
