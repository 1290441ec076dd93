"""A refund request: the client asks the talent to give a payment back, whole or in part."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django_fsm import FSMField, transition

from marketplace.actors import Actor
from marketplace.models import Stateful
from marketplace.models.constraints import exactly_when, only_when
from marketplace.models.history import Rank
from marketplace.money import money_property
from marketplace.transitions import allowed
from payments import rules
from payments.models.book import Book
from payments.models.payment import Payment, Refund
from payments.states import RefundRequestState


class RefundRequestQuerySet(models.QuerySet["RefundRequest"]):
    def visible_to(self, actor: Actor) -> RefundRequestQuerySet:
        """Those of the acting party's books, on either side."""
        return self.filter(
            Q(payment__book__client=actor.party) | Q(payment__book__talent=actor.party)
        )


class RefundRequest(Stateful):
    """One question about one payment; the talent refunds, declines, or leaves it.

    ``until`` is the last moment at which the payment can be refunded, copied from it; then the
    request is over by itself. All of its changes are made with its book locked.
    """

    lock_rank: ClassVar[Rank] = Rank.REQUEST
    aggregate_name = "book"

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refund_requests")
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    reason = models.TextField()
    state = FSMField(
        max_length=10,
        choices=RefundRequestState.choices,
        default=RefundRequestState.WAITING,
        protected=True,
    )
    asked_at = models.DateTimeField()
    until = models.DateTimeField()
    declined_because = models.TextField(blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    refund = models.OneToOneField(
        Refund, on_delete=models.PROTECT, null=True, blank=True, related_name="request"
    )

    amount = money_property("amount_minor")

    objects = RefundRequestQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["asked_at", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0), name="refund_request_above_zero"
            ),
            models.UniqueConstraint(
                fields=["payment"],
                condition=Q(state=RefundRequestState.WAITING),
                name="one_waiting_refund_request_per_payment",
            ),
            models.CheckConstraint(
                condition=exactly_when(
                    ~Q(state=RefundRequestState.WAITING), Q(closed_at__isnull=False)
                ),
                name="refund_request_closed_at_set_exactly_when_closed",
            ),
            models.CheckConstraint(
                condition=exactly_when(
                    Q(state=RefundRequestState.GRANTED), Q(refund__isnull=False)
                ),
                name="refund_request_refund_set_exactly_when_granted",
            ),
            models.CheckConstraint(
                condition=only_when(Q(state=RefundRequestState.DECLINED), ~Q(declined_because="")),
                name="refund_request_reason_only_when_declined",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["until"],
                name="refund_request_over",
                condition=Q(state=RefundRequestState.WAITING),
            )
        ]

    def __str__(self) -> str:
        return f"{self.amount} of {self.payment}"

    @property
    def book(self) -> Book:
        return self.payment.book

    @property
    def is_waiting(self) -> bool:
        return self.state == RefundRequestState.WAITING

    def waits_at(self, now: datetime) -> bool:
        """Whether it can still be answered, whether or not a sweep came by."""
        return self.is_waiting and not self.is_over(now)

    def is_over(self, now: datetime) -> bool:
        """Whether it waits no more because the payment cannot be refunded (to the second)."""
        return self.is_waiting and now > self.until

    @transition(
        state,
        source=RefundRequestState.WAITING,
        target=RefundRequestState.GRANTED,
        permission=allowed(rules.talent_answers),
    )
    def grant(self, *, refund: Refund, at: datetime) -> None:
        """The talent refunded the payment, whole or in part."""
        self.refund = refund
        self.closed_at = at

    @transition(
        state,
        source=RefundRequestState.WAITING,
        target=RefundRequestState.DECLINED,
        permission=allowed(rules.talent_answers),
    )
    def decline(self, *, because: str, at: datetime) -> None:
        """The talent says no, with or without a reason."""
        self.declined_because = because
        self.closed_at = at

    @transition(
        state,
        source=RefundRequestState.WAITING,
        target=RefundRequestState.WITHDRAWN,
        permission=allowed(rules.client_answers),
    )
    def withdraw(self, *, at: datetime) -> None:
        """The client takes it back."""
        self.closed_at = at

    @transition(
        state,
        source=RefundRequestState.WAITING,
        target=RefundRequestState.EXPIRED,
        permission=allowed(rules.platform_only),
    )
    def expire(self, *, at: datetime) -> None:
        """The payment can no longer be refunded."""
        self.closed_at = at
