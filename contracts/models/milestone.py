"""Milestones: the priced parts of a fixed-price contract, and the work submitted for them."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django_fsm import FSMField, transition

from contracts import rules
from contracts.models.contract import Contract
from contracts.states import ACTIVE_MILESTONES, OPEN_MILESTONES, MilestoneState
from marketplace import policy
from marketplace.models import Membership, Stateful
from marketplace.models.constraints import exactly_when, only_when
from marketplace.models.history import Rank
from marketplace.money import Money, money_property
from marketplace.transitions import allowed
from payments.models import Payment


class Milestone(Stateful):
    """One milestone. It is active while its money is in escrow.

    ``review_until`` is when a submission is released by itself; NULL while nothing is submitted.
    ``number`` is stable and stands in addresses; ``paid_minor`` may be less than the amount.
    """

    lock_rank: ClassVar[Rank] = Rank.PART
    aggregate_name = "contract"

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="milestones")
    number = models.PositiveSmallIntegerField()
    title = models.CharField("description", max_length=120)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    due_on = models.DateField(null=True, blank=True)
    state = FSMField(
        max_length=20,
        choices=MilestoneState.choices,
        default=MilestoneState.PLANNED,
        protected=True,
    )
    created_at = models.DateTimeField()
    funded_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    review_until = models.DateTimeField(null=True, blank=True)
    extended_because = models.TextField(blank=True)
    changes_wanted = models.TextField(blank=True)
    reminder_due_at = models.DateTimeField(null=True, blank=True)
    reminders_sent = models.PositiveSmallIntegerField(default=0)
    paid_at = models.DateTimeField(null=True, blank=True)
    paid_minor = models.BigIntegerField(null=True, blank=True)
    payment = models.OneToOneField(
        Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="milestone"
    )
    closed_at = models.DateTimeField(null=True, blank=True)

    amount = money_property("amount_minor")
    paid = money_property("paid_minor")

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["contract", "number"], name="milestone_number_once_per_contract"
            ),
            models.UniqueConstraint(
                fields=["contract"],
                condition=Q(state__in=ACTIVE_MILESTONES),
                name="one_active_milestone_per_contract",
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="milestone_above_zero"),
            models.CheckConstraint(
                condition=exactly_when(
                    Q(state__in=(*ACTIVE_MILESTONES, MilestoneState.PAID)),
                    Q(funded_at__isnull=False),
                )
                | Q(state=MilestoneState.CANCELLED),
                name="milestone_funded_at_set_exactly_once_funded",
            ),
            models.CheckConstraint(
                condition=exactly_when(
                    Q(state=MilestoneState.SUBMITTED), Q(review_until__isnull=False)
                ),
                name="milestone_review_runs_exactly_while_submitted",
            ),
            models.CheckConstraint(
                condition=only_when(
                    Q(state=MilestoneState.SUBMITTED), Q(reminder_due_at__isnull=False)
                ),
                name="milestone_reminds_only_while_submitted",
            ),
            models.CheckConstraint(
                condition=exactly_when(Q(state=MilestoneState.PAID), Q(paid_at__isnull=False)),
                name="milestone_paid_at_set_exactly_when_paid",
            ),
            models.CheckConstraint(
                condition=exactly_when(Q(paid_at__isnull=False), Q(paid_minor__isnull=False)),
                name="milestone_paid_amount_set_with_paid_at",
            ),
            models.CheckConstraint(
                condition=exactly_when(Q(paid_at__isnull=False), Q(payment__isnull=False)),
                name="milestone_payment_set_with_paid_at",
            ),
            models.CheckConstraint(
                condition=Q(paid_minor=None)
                | Q(paid_minor__gt=0, paid_minor__lte=F("amount_minor")),
                name="milestone_paid_at_most_amount",
            ),
            models.CheckConstraint(
                condition=exactly_when(
                    Q(state__in=(MilestoneState.DECLINED, MilestoneState.CANCELLED)),
                    Q(closed_at__isnull=False),
                ),
                name="milestone_closed_at_set_exactly_when_closed",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["review_until"],
                name="milestone_release_due",
                condition=~Q(review_until=None),
            ),
            models.Index(
                fields=["reminder_due_at"],
                name="milestone_reminder_due",
                condition=~Q(reminder_due_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number}. {self.title}"

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE_MILESTONES

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_MILESTONES

    @property
    def is_submitted(self) -> bool:
        return self.state == MilestoneState.SUBMITTED

    @property
    def was_submitted(self) -> bool:
        """Work was submitted and neither paid for nor taken back."""
        return self.submitted_at is not None and self.state != MilestoneState.PAID

    @property
    def review_reminders(self) -> list[datetime]:
        """When the client is reminded of a running review.

        As long before the release as without an extension, so that one which was extended has
        its reminders in its last days too.
        """
        assert self.review_until is not None
        return [
            self.review_until - (policy.REVIEW_WINDOW - after) for after in policy.REVIEW_REMINDERS
        ]

    @property
    def may_extend(self) -> bool:
        """The client's one extension of the review is not used up."""
        return self.is_submitted and not self.extended_because

    @transition(
        state,
        source=MilestoneState.PROPOSED,
        target=MilestoneState.PLANNED,
        permission=allowed(rules.client_runs_milestones),
    )
    def agree(self) -> None:
        """The client takes the talent's proposal into the plan."""

    @transition(
        state,
        source=MilestoneState.PROPOSED,
        target=MilestoneState.DECLINED,
        permission=allowed(rules.client_runs_milestones),
    )
    def decline(self, *, at: datetime) -> None:
        """The client declines the talent's proposal."""
        self.closed_at = at

    @transition(
        state,
        source=MilestoneState.PROPOSED,
        target=MilestoneState.CANCELLED,
        permission=allowed(rules.talent_proposes),
    )
    def take_back_proposal(self, *, at: datetime) -> None:
        """The talent takes its own proposal back."""
        self.closed_at = at

    @transition(
        state,
        source=MilestoneState.PLANNED,
        target=MilestoneState.PLANNED,
        permission=allowed(rules.client_plans),
    )
    def revise(self, *, title: str, amount: Money, due_on: date | None) -> None:
        """The client edits what is not funded yet."""
        self.title, self.amount_minor, self.due_on = title, amount.minor, due_on

    @transition(
        state,
        source=MilestoneState.PLANNED,
        target=MilestoneState.CANCELLED,
        permission=allowed(rules.client_plans),
    )
    def delete_planned(self, *, at: datetime) -> None:
        """The client deletes what is not funded yet."""
        self.closed_at = at

    @transition(
        state,
        source=MilestoneState.PLANNED,
        target=MilestoneState.FUNDED,
        permission=allowed(rules.client_funds),
    )
    def fund(self, *, at: datetime) -> None:
        """Its money is in escrow now."""
        self.funded_at = at

    @transition(
        state,
        source=(MilestoneState.FUNDED, MilestoneState.CHANGES_REQUESTED),
        target=MilestoneState.SUBMITTED,
        permission=allowed(rules.talent_submits),
    )
    def submit(self, *, at: datetime) -> None:
        """Work is handed in; the review clock starts."""
        self.submitted_at = at
        self.review_until = at + policy.REVIEW_WINDOW
        self.reminders_sent = 0
        self.reminder_due_at = self.review_reminders[0]

    @transition(
        state,
        source=MilestoneState.SUBMITTED,
        target=MilestoneState.FUNDED,
        permission=allowed(rules.talent_submits),
    )
    def take_back(self) -> None:
        """The talent takes the submission back; nothing was submitted, then."""
        self.submitted_at = None
        self._stop_review()

    @transition(
        state,
        source=MilestoneState.SUBMITTED,
        target=MilestoneState.CHANGES_REQUESTED,
        permission=allowed(rules.client_reviews),
    )
    def ask_for_changes(self, *, wanted: str) -> None:
        """The client asks for changes; the review clock stops."""
        self.changes_wanted = wanted
        self._stop_review()

    @transition(
        state,
        source=MilestoneState.SUBMITTED,
        target=MilestoneState.SUBMITTED,
        permission=allowed(rules.client_extends),
    )
    def extend(self, *, because: str) -> None:
        """The client takes more time to review, once per milestone (D), and is reminded again."""
        assert self.review_until is not None
        self.extended_because = because
        self.review_until += policy.REVIEW_EXTENSION
        self.reminder_due_at = self.review_reminders[0]

    @transition(
        state,
        source=ACTIVE_MILESTONES,
        target=MilestoneState.PAID,
        permission=allowed(rules.may_release),
    )
    def pay(self, *, payment: Payment, raised_to: Money | None = None) -> None:
        """Released in full or in part; as closing milestone, raised from leftover escrow first."""
        if raised_to is not None:
            self.amount_minor = raised_to.minor
        self.payment = payment
        self.paid_minor = payment.gross_minor
        self.paid_at = payment.paid_at
        self._stop_review()

    @transition(
        state,
        source=OPEN_MILESTONES,
        target=MilestoneState.CANCELLED,
        permission=allowed(rules.may_cancel_milestone),
    )
    def cancel(self, *, at: datetime) -> None:
        """The contract, or the offer, came to its end without it."""
        self.closed_at = at
        self._stop_review()

    def _stop_review(self) -> None:
        self.review_until = None
        self.reminder_due_at = None


class Submission(models.Model):
    """What the talent handed in for a milestone: a message and links."""

    milestone = models.ForeignKey(Milestone, on_delete=models.PROTECT, related_name="submissions")
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    message = models.TextField()
    links = models.JSONField(default=list)
    at = models.DateTimeField()
    taken_back_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["at", "id"]

    def __str__(self) -> str:
        return f"for {self.milestone_id} at {self.at:%Y-%m-%d %H:%M}"
