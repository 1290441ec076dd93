"""The contract: one agreement between a client and a freelancer or agency."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse
from django_fsm import FSMField, transition

from contracts import rules
from contracts.states import (
    AGREED_CONTRACTS,
    NEVER_STARTED,
    RUNNING_CONTRACTS,
    ContractKind,
    ContractState,
    EndReason,
    Side,
)
from marketplace import policy
from marketplace.actors import Actor
from marketplace.models import History, Membership, Party, Stateful
from marketplace.models.constraints import exactly_when, only_when
from marketplace.models.history import Rank
from marketplace.money import Money, money_property
from marketplace.transitions import allowed
from payments.models import Book

if TYPE_CHECKING:
    from contracts.models.diary import Timer
    from contracts.models.dispute import HoursDispute
    from contracts.models.dormancy import Dormancy
    from contracts.models.milestone import Milestone
    from contracts.models.week import Week
    from payments.models import EscrowRefundRequest, GatewayOperation, SplitProposal

NOBODY_WAITS = 100_000_000_000
"""Larger than any deadline in seconds: rows without one sort after those with one."""


class ContractQuerySet(models.QuerySet["Contract"]):
    def visible_to(self, actor: Actor) -> ContractQuerySet:
        """Those of the acting party; for a plain member, those they are assigned to."""
        return self.filter(Q(client=actor.party) | Q(talent=actor.party)).assigned_to(actor)

    def assigned_to(self, actor: Actor) -> ContractQuerySet:
        """All for an owner or manager; for a plain member, those they are assigned to."""
        if actor.manages:
            return self
        return self.filter(
            pk__in=Assignment.objects.filter(membership=actor.membership, until=None).values(
                "contract"
            )
        )


class Contract(Stateful):
    """A contract from offer to its end, and after: fixed-price, or hourly.

    ``client_position`` and ``talent_position`` order each side's My Jobs: the next deadline of that
    side in seconds, or, without one, a large number that falls with newer activity.
    ``feedback_due_at`` is when both sides are next told of the feedback window, whether or not
    anybody gave feedback; NULL once there is nothing more to tell.
    An hourly one has a rate; ``charge_method`` is what the hours are charged to every week.
    ``hold_since`` is a fact beside the state: a charge for hours failed, and no time is recorded.
    ``quiet_due_at`` is when both sides are next reminded that nothing happens, ``quiet_told`` how
    often they were since somebody did something; ``dormant_since`` is set while money sleeps in
    escrow (see :class:`~contracts.models.Dormancy`).
    ``asks_to_end_since`` is set while the client has not answered *End this contract* or *Keep it
    open* after *Pay now*.
    """

    lock_rank: ClassVar[Rank] = Rank.CONTRACT
    lock_related = ("client", "talent")

    reference = models.CharField(max_length=16, unique=True)
    book = models.OneToOneField(Book, on_delete=models.PROTECT, related_name="contract")
    kind = models.CharField(max_length=8, choices=ContractKind.choices)
    title = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    currency = models.CharField(max_length=3)
    client = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="client_contracts")
    talent = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="talent_contracts")
    rate_minor = models.BigIntegerField(null=True, blank=True)
    manual_time = models.BooleanField(default=False)
    charge_method = models.CharField(max_length=60, blank=True)
    state = FSMField(
        max_length=12,
        choices=ContractState.choices,
        default=ContractState.OFFERED,
        protected=True,
    )
    version = models.PositiveIntegerField(default=0)
    offered_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    hold_since = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_side = models.CharField(max_length=8, choices=Side.choices, blank=True)
    end_reason = models.CharField(max_length=16, choices=EndReason.choices, blank=True)
    end_note = models.TextField(blank=True)
    end_figures = models.JSONField(null=True, blank=True)
    feedback_until = models.DateTimeField(null=True, blank=True)
    feedback_extended = models.BooleanField(default=False)
    feedback_due_at = models.DateTimeField(null=True, blank=True)
    asks_to_end_since = models.DateTimeField(null=True, blank=True)
    quiet_due_at = models.DateTimeField(null=True, blank=True)
    quiet_told = models.PositiveSmallIntegerField(default=0)
    dormant_since = models.DateTimeField(null=True, blank=True)
    follows = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="followed_by"
    )
    last_activity_at = models.DateTimeField()
    client_position = models.BigIntegerField()
    talent_position = models.BigIntegerField()

    rate = money_property("rate_minor")

    objects = ContractQuerySet.as_manager()

    # Attached by `contracts.due` when the contract is entered; locked with it.
    open_milestones: list[Milestone]
    open_operations: list[GatewayOperation]
    open_request: EscrowRefundRequest | None
    open_split: SplitProposal | None
    open_dormancy: Dormancy | None
    open_weeks: list[Week]
    running_timers: list[Timer]
    open_disputes: list[HoursDispute]
    disputed_weeks: set[int]

    class Meta:
        permissions: ClassVar = [
            ("end_contract", "Can end a contract for a side"),
            ("pause_contract", "Can pause and restart a contract for the client"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=exactly_when(Q(state=ContractState.OFFERED), Q(answered_at__isnull=True)),
                name="contract_answered_at_set_exactly_once_answered",
            ),
            models.CheckConstraint(
                condition=exactly_when(Q(state=ContractState.ENDED), Q(ended_at__isnull=False)),
                name="contract_ended_at_set_exactly_when_ended",
            ),
            models.CheckConstraint(
                condition=exactly_when(
                    Q(ended_at__isnull=False),
                    Q(
                        feedback_until__isnull=False,
                        end_figures__isnull=False,
                        ended_side__in=Side.values,
                    ),
                ),
                name="contract_end_facts_set_together",
            ),
            models.CheckConstraint(
                condition=only_when(Q(ended_at__isnull=False), Q(feedback_due_at__isnull=False)),
                name="contract_tells_of_feedback_only_when_ended",
            ),
            models.CheckConstraint(
                condition=Q(asks_to_end_since=None) | Q(state=ContractState.ACTIVE),
                name="contract_asks_to_end_only_while_active",
            ),
            models.CheckConstraint(
                condition=exactly_when(Q(kind=ContractKind.HOURLY), Q(rate_minor__gt=0))
                & exactly_when(Q(rate_minor=None), ~Q(kind=ContractKind.HOURLY)),
                name="contract_has_a_rate_exactly_when_hourly",
            ),
            models.CheckConstraint(
                condition=only_when(Q(kind=ContractKind.HOURLY), Q(manual_time=True))
                & only_when(Q(kind=ContractKind.HOURLY), Q(hold_since__isnull=False))
                & only_when(Q(kind=ContractKind.HOURLY), ~Q(charge_method="")),
                name="contract_hourly_facts_only_when_hourly",
            ),
            models.CheckConstraint(
                condition=exactly_when(Q(state=ContractState.PAUSED), Q(paused_at__isnull=False)),
                name="contract_paused_at_set_exactly_when_paused",
            ),
            models.CheckConstraint(
                condition=only_when(Q(state__in=RUNNING_CONTRACTS), Q(quiet_due_at__isnull=False))
                & only_when(Q(state=ContractState.ACTIVE), Q(dormant_since__isnull=False)),
                name="contract_quiet_only_while_running",
            ),
            models.CheckConstraint(
                condition=~Q(client=models.F("talent")), name="contract_between_two_parties"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["client", "state", "client_position", "id"], name="contract_client_tab"
            ),
            models.Index(
                fields=["talent", "state", "talent_position", "id"], name="contract_talent_tab"
            ),
            models.Index(fields=["client", "client_position", "id"], name="contract_client_all"),
            models.Index(fields=["talent", "talent_position", "id"], name="contract_talent_all"),
            models.Index(
                fields=["expires_at"],
                name="contract_expires",
                condition=Q(state=ContractState.OFFERED),
            ),
            models.Index(
                fields=["feedback_due_at"],
                name="contract_feedback_due",
                condition=~Q(feedback_due_at=None),
            ),
            models.Index(fields=["state", "-id"], name="contract_by_state"),
            models.Index(
                fields=["hold_since"], name="contract_on_hold", condition=~Q(hold_since=None)
            ),
            models.Index(
                fields=["quiet_due_at"], name="contract_quiet", condition=~Q(quiet_due_at=None)
            ),
            models.Index(Lower("title"), name="contract_title"),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("room", args=[self.reference])

    @property
    def is_offered(self) -> bool:
        return self.state == ContractState.OFFERED

    @property
    def is_active(self) -> bool:
        return self.state == ContractState.ACTIVE

    @property
    def is_paused(self) -> bool:
        return self.state == ContractState.PAUSED

    @property
    def is_running(self) -> bool:
        """Begun and not ended: either side may end it."""
        return self.state in RUNNING_CONTRACTS

    @property
    def is_hourly(self) -> bool:
        return self.kind == ContractKind.HOURLY

    @property
    def is_on_hold(self) -> bool:
        """A charge for hours failed: no new time until it is paid."""
        return self.hold_since is not None

    @property
    def hourly_rate(self) -> Money:
        """The rate of an hourly contract."""
        rate: Money | None = self.rate
        assert rate is not None
        return rate

    @property
    def is_dormant(self) -> bool:
        """Money sleeps in escrow, and the sides are asked what is to become of it."""
        return self.dormant_since is not None

    @property
    def is_ended(self) -> bool:
        return self.state == ContractState.ENDED

    @property
    def ended_by_support(self) -> bool:
        """Support ended it for ``ended_side``, which did not do it itself."""
        return bool((self.end_figures or {}).get("support"))

    @property
    def ended_by_silence(self) -> bool:
        """Nobody acted on a dormant contract: Closeout gave escrow back and ended it."""
        return bool((self.end_figures or {}).get("silence"))

    @property
    def is_agreed(self) -> bool:
        return self.state in AGREED_CONTRACTS

    @property
    def never_started(self) -> bool:
        return self.state in NEVER_STARTED

    def side_of(self, party_id: int | None) -> Side | None:
        """Which side a party is on."""
        if party_id == self.client_id:
            return Side.CLIENT
        return Side.TALENT if party_id == self.talent_id else None

    def party(self, side: Side) -> Party:
        return self.client if side is Side.CLIENT else self.talent

    @transition(
        state,
        source=ContractState.OFFERED,
        target=ContractState.ACTIVE,
        permission=allowed(rules.talent_answers_offer),
    )
    def accept(self, *, at: datetime) -> None:
        """The talent takes the offer; work may begin."""
        self.answered_at = at

    @transition(
        state,
        source=ContractState.OFFERED,
        target=ContractState.DECLINED,
        permission=allowed(rules.talent_answers_offer),
    )
    def decline(self, *, at: datetime) -> None:
        """The talent says no."""
        self.answered_at = at

    @transition(
        state,
        source=ContractState.OFFERED,
        target=ContractState.WITHDRAWN,
        permission=allowed(rules.client_withdraws_offer),
    )
    def withdraw(self, *, at: datetime) -> None:
        """The client takes the offer back."""
        self.answered_at = at

    @transition(
        state,
        source=ContractState.OFFERED,
        target=ContractState.EXPIRED,
        permission=allowed(rules.platform_only),
    )
    def expire(self, *, at: datetime) -> None:
        """Nobody answered within the offer's window."""
        self.answered_at = at

    @transition(
        state,
        source=ContractState.ACTIVE,
        target=ContractState.PAUSED,
        permission=allowed(rules.may_pause),
    )
    def pause(self, *, at: datetime) -> None:
        """The client pauses an hourly contract; it records no time."""
        self.paused_at = at

    @transition(
        state,
        source=ContractState.PAUSED,
        target=ContractState.ACTIVE,
        permission=allowed(rules.may_pause),
    )
    def restart(self) -> None:
        """The client lets work go on."""
        self.paused_at = None

    @transition(
        state,
        source=RUNNING_CONTRACTS,
        target=ContractState.ENDED,
        permission=allowed(rules.may_end),
    )
    def end(
        self,
        *,
        side: Side,
        at: datetime,
        because: str,
        note: str,
        figures: Any,
        feedback_until: datetime,
    ) -> None:
        """Either side ends, at any time, for good (S)."""
        self.ended_at = at
        self.paused_at = None
        self.ended_side = side
        self.end_reason = because
        self.end_note = note
        self.end_figures = figures
        self._open_feedback(feedback_until)
        self.asks_to_end_since = None
        self.quiet_due_at = self.dormant_since = None

    @transition(
        state,
        source=ContractState.ENDED,
        target=ContractState.ENDED,
        permission=allowed(rules.support_only),
    )
    def extend_feedback(self, *, until: datetime) -> None:
        """Support gives both sides more time for their feedback, once."""
        self.feedback_extended = True
        self._open_feedback(until)

    def _open_feedback(self, until: datetime) -> None:
        self.feedback_until = until
        self.feedback_due_at = until - policy.FEEDBACK_REMINDER


class ContractHistory(History):
    """Changes of state of the contract and of its milestones."""

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="history")

    class Meta(History.Meta):
        constraints: ClassVar = [
            *History.Meta.constraints,
            models.UniqueConstraint(
                fields=["contract", "sequence"], name="contract_history_one_row_per_version"
            ),
        ]


class Assignment(models.Model):
    """Who works on a contract: a membership, from when until when."""

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="assignments")
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="assignments")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["contract", "membership"],
                condition=Q(until=None),
                name="one_current_assignment_per_contract_and_person",
            )
        ]

    def __str__(self) -> str:
        return f"{self.membership_id} on {self.contract_id}"
