"""Weeks of the Work Diary: recorded, locked, invoiced, charged, reviewed, paid."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final

from django.db import models
from django.db.models import F, Q
from django_fsm import FSMField, transition

from contracts import rules
from contracts.models.contract import Contract
from contracts.states import (
    INVOICED_WEEKS,
    OPEN_DISPUTES,
    OWED_WEEKS,
    UNBILLED_WEEKS,
    UNSETTLED_WEEKS,
    WeekState,
)
from marketplace import policy
from marketplace.models import Stateful
from marketplace.models.constraints import exactly_when, only_when
from marketplace.models.history import Rank
from marketplace.money import Money, money_property
from marketplace.transitions import allowed
from payments.models import Payment

UNFINISHED: Final = (
    Q(state__in=UNSETTLED_WEEKS)
    | Q(review_until__isnull=False)
    | Q(dispute__state__in=OPEN_DISPUTES)
)
"""Weeks whose money has not moved, that are in review, or whose dispute is open."""


class WeekLimit(models.Model):
    """The most minutes a week that are billed, from a week on until the next such row."""

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="week_limits")
    from_week = models.DateField()
    minutes = models.PositiveIntegerField()

    class Meta:
        ordering: ClassVar = ["from_week"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["contract", "from_week"], name="one_limit_per_contract_and_week"
            ),
            models.CheckConstraint(
                condition=Q(minutes__gt=0, minutes__lte=7 * 24 * 60), name="limit_within_a_week"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.minutes} minutes from {self.from_week}"


class Week(Stateful):
    """One contract's week in which time was recorded, from Monday 00:00 UTC.

    ``minutes`` is kept while recording: the sum of the week's stretches. ``bills_at`` is Monday
    12:00 after it, when it is locked at the latest; an end on the Monday morning within it brings
    that forward to the same noon. An invoice says ``billable_minutes`` and their
    ``amount``; ``reversed_minutes`` of them went back in a dispute. ``review_until`` is when the
    client's review is over; NULL before the invoice, and again once a sweep has seen it pass.
    ``retry_at`` is when a declined charge is next tried again by itself; NULL once support has it.
    """

    lock_rank: ClassVar[Rank] = Rank.PART
    aggregate_name = "contract"

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="weeks")
    starts_on = models.DateField()
    currency = models.CharField(max_length=3)
    minutes = models.PositiveIntegerField(default=0)
    state = FSMField(
        max_length=12, choices=WeekState.choices, default=WeekState.OPEN, protected=True
    )
    bills_at = models.DateTimeField()
    locked_at = models.DateTimeField(null=True, blank=True)
    invoiced_at = models.DateTimeField(null=True, blank=True)
    billable_minutes = models.PositiveIntegerField(null=True, blank=True)
    amount_minor = models.BigIntegerField(null=True, blank=True)
    reversed_minutes = models.PositiveIntegerField(default=0)
    review_until = models.DateTimeField(null=True, blank=True)
    unpaid_since = models.DateTimeField(null=True, blank=True)
    retry_at = models.DateTimeField(null=True, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    payment = models.OneToOneField(
        Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="week"
    )

    amount = money_property("amount_minor")

    class Meta:
        ordering: ClassVar = ["starts_on"]
        permissions: ClassVar = [
            ("write_off_week", "Can write off hours that stay owed"),
            ("settle_week", "Can propose that the operator pays hours that stay owed"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["contract", "starts_on"], name="week_once_per_contract"
            ),
            models.CheckConstraint(
                condition=exactly_when(~Q(state=WeekState.OPEN), Q(locked_at__isnull=False)),
                name="week_locked_at_set_exactly_when_not_open",
            ),
            models.CheckConstraint(
                condition=exactly_when(Q(state__in=INVOICED_WEEKS), Q(invoiced_at__isnull=False)),
                name="week_invoiced_at_set_exactly_when_invoiced",
            ),
            models.CheckConstraint(
                condition=exactly_when(Q(invoiced_at__isnull=False), Q(amount_minor__gt=0))
                & exactly_when(Q(invoiced_at__isnull=False), Q(amount_minor__isnull=False))
                & exactly_when(Q(invoiced_at__isnull=False), Q(billable_minutes__isnull=False)),
                name="week_invoice_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(billable_minutes=None) | Q(billable_minutes__lte=F("minutes")),
                name="week_billable_at_most_recorded",
            ),
            models.CheckConstraint(
                condition=Q(reversed_minutes=0)
                | Q(billable_minutes__isnull=False, reversed_minutes__lte=F("billable_minutes")),
                name="week_reversed_at_most_billable",
            ),
            models.CheckConstraint(
                condition=only_when(Q(invoiced_at__isnull=False), Q(review_until__isnull=False)),
                name="week_reviewed_only_when_invoiced",
            ),
            models.CheckConstraint(
                condition=exactly_when(Q(state=WeekState.UNPAID), Q(unpaid_since__isnull=False))
                & only_when(Q(state=WeekState.UNPAID), Q(retry_at__isnull=False)),
                name="week_unpaid_since_set_exactly_when_unpaid",
            ),
            models.CheckConstraint(
                condition=exactly_when(Q(state=WeekState.PAID), Q(paid_at__isnull=False))
                & exactly_when(Q(paid_at__isnull=False), Q(payment__isnull=False)),
                name="week_payment_set_exactly_when_paid",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["bills_at"], name="week_billed", condition=Q(state__in=UNBILLED_WEEKS)
            ),
            models.Index(fields=["retry_at"], name="week_retried", condition=~Q(retry_at=None)),
            models.Index(
                fields=["review_until"], name="week_reviewed", condition=~Q(review_until=None)
            ),
        ]

    def __str__(self) -> str:
        return f"week of {self.starts_on:%-d %B %Y}"

    @property
    def is_open(self) -> bool:
        return self.state == WeekState.OPEN

    def is_in_review(self, now: datetime) -> bool:
        """Invoiced, and the client can still dispute its hours."""
        return self.review_until is not None and now < self.review_until

    @property
    def is_unbilled(self) -> bool:
        return self.state in UNBILLED_WEEKS

    @property
    def is_owed(self) -> bool:
        """Invoiced and not paid: its money is still to come."""
        return self.state in OWED_WEEKS

    @property
    def is_unpaid(self) -> bool:
        """A charge for it was declined."""
        return self.state == WeekState.UNPAID

    @property
    def is_paid(self) -> bool:
        return self.state == WeekState.PAID

    @property
    def is_written_off(self) -> bool:
        """Support gave up on it."""
        return self.state == WeekState.WRITTEN_OFF

    @transition(
        state,
        source=WeekState.OPEN,
        target=WeekState.LOCKED,
        permission=allowed(rules.may_lock_week),
    )
    def lock(self, *, at: datetime, billed: datetime) -> None:
        """The contract ended: nothing is added, changed or deleted from this moment (S).

        It is billed by the next weekly run, on a Monday morning together with the week before.
        """
        self.locked_at = at
        self.bills_at = min(self.bills_at, billed)

    @transition(
        state,
        source=UNBILLED_WEEKS,
        target=WeekState.NOTHING,
        permission=allowed(rules.platform_only),
    )
    def close_empty(self) -> None:
        """Monday 12:00, and nothing to bill."""
        self._lock_late()

    @transition(
        state,
        source=UNBILLED_WEEKS,
        target=WeekState.INVOICED,
        permission=allowed(rules.platform_only),
    )
    def invoice(self, *, minutes: int, amount: Money, review_until: datetime, at: datetime) -> None:
        """Monday 12:00: the hours within the limit are invoiced; the client may review them."""
        self._lock_late()
        self.billable_minutes = minutes
        self.amount_minor = amount.minor
        self.review_until = review_until
        self.invoiced_at = at

    @transition(
        state,
        source=OWED_WEEKS,
        target=WeekState.UNPAID,
        permission=allowed(rules.platform_only),
    )
    def fail(self, *, at: datetime) -> None:
        """A charge was declined; the hours stay owed, and are tried again daily."""
        if self.unpaid_since is None:
            self.unpaid_since = at
            self.retry_at = at + policy.OWED_RETRY

    @transition(
        state,
        source=WeekState.UNPAID,
        target=WeekState.UNPAID,
        permission=allowed(rules.client_pays_week),
    )
    def charge_again(self, *, retry_at: datetime | None) -> None:
        """Another charge for what is owed is begun; until it succeeds the week is not paid."""
        self.retry_at = retry_at

    @transition(
        state,
        source=WeekState.UNPAID,
        target=WeekState.UNPAID,
        permission=allowed(rules.platform_only),
    )
    def hand_over(self) -> None:
        """It was tried for long enough after the end; support takes over."""
        self.retry_at = None

    @transition(
        state,
        source=OWED_WEEKS,
        target=WeekState.PAID,
        permission=allowed(rules.client_pays_week),
    )
    def pay(self, *, payment: Payment) -> None:
        """The hours are paid."""
        self.payment = payment
        self.paid_at = payment.paid_at
        self._owes_no_longer()

    @transition(
        state,
        source=OWED_WEEKS,
        target=WeekState.REVERSED,
        permission=allowed(rules.settles_week),
    )
    def reverse_all(self) -> None:
        """A dispute took back every hour before any was paid."""
        self._owes_no_longer()

    @transition(
        state,
        source=WeekState.UNPAID,
        target=WeekState.WRITTEN_OFF,
        permission=allowed(rules.support_only),
    )
    def write_off(self) -> None:
        """Support gives up on it: nobody owes it any more, and the talent is not paid."""
        self.review_until = None
        self._owes_no_longer()

    def _lock_late(self) -> None:
        """Locked at Monday 12:00, unless the contract's end locked it before."""
        if self.locked_at is None:
            self.locked_at = self.bills_at

    def _owes_no_longer(self) -> None:
        self.unpaid_since = self.retry_at = None
