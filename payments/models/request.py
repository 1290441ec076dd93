"""The escrow refund request: asks the talent to let escrow go back after the client ended."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django_fsm import FSMField, transition

from marketplace import policy, workdays
from marketplace.models import ActedOn, Stateful
from marketplace.models.constraints import exactly_when, only_when
from marketplace.models.history import Rank
from marketplace.money import Money, money_property
from marketplace.states import Side
from marketplace.transitions import allowed
from payments import rules
from payments.models.book import Book
from payments.states import (
    ANSWERABLE_REQUESTS,
    CLOSED_REQUESTS,
    HELD_REQUESTS,
    OPEN_REQUESTS,
    OnSilence,
    Proposer,
    RequestState,
    SplitState,
    StatementKind,
)


class EscrowRefundRequest(Stateful):
    """What is left in escrow after the client ended, and who decides about it until when.

    ``answer_by`` is when a side's silence decides, and ``on_silence`` what it does then: the
    talent's while it is pending, the client's while it is disputed. A split that the talent
    proposed stops the talent's clock: ``answer_by`` is NULL then, and ``time_left`` what remained.
    ``decide_by`` is when support has decided at the latest.
    """

    lock_rank: ClassVar[Rank] = Rank.REQUEST
    aggregate_name = "book"

    book = models.OneToOneField(
        Book, on_delete=models.PROTECT, related_name="escrow_refund_request"
    )
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    state = FSMField(
        max_length=20, choices=RequestState.choices, default=RequestState.PENDING, protected=True
    )
    filed_at = models.DateTimeField()
    answer_by = models.DateTimeField(null=True, blank=True)
    time_left = models.DurationField(null=True, blank=True)
    decide_by = models.DateTimeField()
    on_silence = models.CharField(max_length=10, choices=OnSilence.choices)
    policy_version = models.PositiveSmallIntegerField()
    reminder_due_at = models.DateTimeField(null=True, blank=True)
    reminders_sent = models.PositiveSmallIntegerField(default=0)
    decided_because = models.TextField(blank=True)
    to_talent_minor = models.BigIntegerField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)

    amount = money_property("amount_minor")
    to_talent = money_property("to_talent_minor")

    class Meta:
        verbose_name = "escrow refund request"
        permissions: ClassVar = [
            ("mediate_escrowrefundrequest", "Can mediate an escrow refund request"),
            ("decide_escrowrefundrequest", "Can decide an escrow refund request in mediation"),
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
                condition=only_when(Q(answer_by__isnull=False), Q(reminder_due_at__isnull=False)),
                name="request_reminds_only_while_an_answer_is_due",
            ),
            models.CheckConstraint(
                condition=exactly_when(
                    Q(state__in=ANSWERABLE_REQUESTS, time_left__isnull=True),
                    Q(answer_by__isnull=False),
                )
                & only_when(Q(state=RequestState.PENDING), Q(time_left__isnull=False)),
                name="request_answer_due_exactly_while_its_clock_runs",
            ),
            models.CheckConstraint(
                condition=only_when(Q(state=RequestState.DECIDED), ~Q(decided_because="")),
                name="request_reason_only_when_decided",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["answer_by"],
                name="request_due",
                condition=~Q(answer_by=None),
            ),
            models.Index(
                fields=["reminder_due_at"],
                name="request_reminder",
                condition=~Q(reminder_due_at=None),
            ),
            models.Index(
                fields=["decide_by"], name="request_held", condition=Q(state__in=HELD_REQUESTS)
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

    @property
    def may_have_a_split(self) -> bool:
        """Whether a proposed split can be open now."""
        return self.time_left is not None or self.state == RequestState.MEDIATING

    def due_after_split(self, at: datetime) -> datetime:
        """When the talent's time is over if its split is off at that moment (rule book)."""
        assert self.time_left is not None
        return at + max(self.time_left, policy.SPLIT_REST)

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
        target=RequestState.PENDING,
        permission=allowed(rules.talent_answers),
    )
    def stop_clock(self, *, at: datetime) -> None:
        """The talent proposes a split; its own time to answer stands still meanwhile."""
        assert self.answer_by is not None
        self.time_left = self.answer_by - at
        self._wait_for_nobody()

    @transition(
        state,
        source=RequestState.PENDING,
        target=RequestState.PENDING,
        permission=allowed(rules.either_side_answers),
    )
    def go_on(self, *, at: datetime) -> None:
        """The split is off: the talent has the rest of its time, at least some (rule book)."""
        self.answer_by = self.due_after_split(at)
        self.time_left = None

    @transition(
        state,
        source=RequestState.PENDING,
        target=RequestState.DISPUTED,
        permission=allowed(rules.talent_answers),
    )
    def dispute(self, *, at: datetime) -> None:
        """The talent disputes it with a reason; silence of the client now pays the talent."""
        self._wait_for_nobody()
        self.time_left = None
        self.answer_by = workdays.after(at, policy.ESCROW_CLIENT_WORKDAYS)
        self.on_silence = OnSilence.CONCEDE

    @transition(
        state,
        source=RequestState.DISPUTED,
        target=RequestState.MEDIATING,
        permission=allowed(rules.client_answers),
    )
    def reject(self) -> None:
        """The client rejects the dispute with a reason; support mediates."""
        self._wait_for_nobody()

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
        source=(RequestState.DISPUTED, RequestState.MEDIATING),
        target=RequestState.CONCEDED,
        permission=allowed(rules.client_answers),
    )
    def concede(self, *, at: datetime) -> None:
        """The client pays the talent the whole of it after the talent disputed."""
        self._resolve(self.amount_minor, at)

    @transition(
        state,
        source=RequestState.DISPUTED,
        target=RequestState.CONCEDED_BY_SILENCE,
        permission=allowed(rules.platform_only),
    )
    def concede_by_silence(self, *, at: datetime) -> None:
        """The client did not answer the dispute in time: the talent is paid."""
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
        self._wait_for_nobody()

    @transition(
        state,
        source=RequestState.ESCALATED,
        target=RequestState.MEDIATING,
        permission=allowed(rules.staff_only),
    )
    def mediate(self) -> None:
        """Support takes it up."""

    @transition(
        state,
        source=(RequestState.PENDING, RequestState.MEDIATING),
        target=RequestState.AGREED,
        permission=allowed(rules.either_side_answers),
    )
    def agree(self, *, to_talent: Money, at: datetime) -> None:
        """Both sides accept a split: the talent's own, or support's in mediation."""
        self._resolve(to_talent.minor, at)

    @transition(
        state,
        source=RequestState.MEDIATING,
        target=RequestState.DECIDED,
        permission=allowed(rules.staff_only),
    )
    def decide(self, *, to_talent: Money, because: str, at: datetime) -> None:
        """Support splits the amount, with a reason both sides read."""
        self.decided_because = because
        self._resolve(to_talent.minor, at)

    def _resolve(self, to_talent_minor: int, at: datetime) -> None:
        self._wait_for_nobody()
        self.time_left = None
        self.to_talent_minor = to_talent_minor
        self.resolved_at = at

    def _wait_for_nobody(self) -> None:
        self.answer_by = self.reminder_due_at = None


class SplitProposal(Stateful):
    """A split of what is asked back: by the talent instead of an answer, or by support.

    It holds once both sides have agreed; who proposes has. ``to_client`` is the rest.
    """

    lock_rank: ClassVar[Rank] = Rank.REQUEST
    aggregate_name = "book"

    request = models.ForeignKey(
        EscrowRefundRequest, on_delete=models.PROTECT, related_name="proposals"
    )
    proposer = models.CharField(max_length=8, choices=Proposer.choices)
    currency = models.CharField(max_length=3)
    to_talent_minor = models.BigIntegerField()
    message = models.TextField(blank=True)
    state = FSMField(
        max_length=12, choices=SplitState.choices, default=SplitState.OPEN, protected=True
    )
    proposed_at = models.DateTimeField()
    answer_by = models.DateTimeField()
    client_agreed_at = models.DateTimeField(null=True, blank=True)
    talent_agreed_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    to_talent = money_property("to_talent_minor")

    class Meta:
        verbose_name = "proposed split"
        ordering: ClassVar = ["proposed_at", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(to_talent_minor__gte=0), name="split_not_below_zero"
            ),
            models.UniqueConstraint(
                fields=["request"],
                condition=Q(state=SplitState.OPEN),
                name="one_open_split_per_request",
            ),
            models.CheckConstraint(
                condition=exactly_when(~Q(state=SplitState.OPEN), Q(closed_at__isnull=False)),
                name="split_closed_at_set_exactly_when_closed",
            ),
            models.CheckConstraint(
                condition=exactly_when(
                    Q(state=SplitState.ACCEPTED),
                    Q(client_agreed_at__isnull=False, talent_agreed_at__isnull=False),
                ),
                name="split_accepted_exactly_when_both_agreed",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["answer_by"], name="split_due", condition=Q(state=SplitState.OPEN))
        ]

    def __str__(self) -> str:
        return f"{self.to_talent} of {self.request.amount} to the talent"

    @property
    def book(self) -> Book:
        return self.request.book

    @property
    def to_client(self) -> Money:
        rest: Money = self.request.amount - self.to_talent
        return rest

    @property
    def is_open(self) -> bool:
        return self.state == SplitState.OPEN

    @property
    def is_by_support(self) -> bool:
        return self.proposer == Proposer.SUPPORT

    def has_agreed(self, side: Side) -> bool:
        at = self.client_agreed_at if side is Side.CLIENT else self.talent_agreed_at
        return at is not None

    @transition(
        state,
        source=SplitState.OPEN,
        target=SplitState.OPEN,
        permission=allowed(rules.answers_split),
    )
    def agree(self, *, side: Side, at: datetime) -> None:
        """One side agrees, and waits for the other."""
        self._note(side, at)

    @transition(
        state,
        source=SplitState.OPEN,
        target=SplitState.ACCEPTED,
        permission=allowed(rules.answers_split),
    )
    def accept(self, *, side: Side, at: datetime) -> None:
        """The side that was still missing agrees: it holds."""
        self._note(side, at)
        self.closed_at = at

    @transition(
        state,
        source=SplitState.OPEN,
        target=SplitState.DECLINED,
        permission=allowed(rules.answers_split),
    )
    def decline(self, *, at: datetime) -> None:
        """A side says no."""
        self.closed_at = at

    @transition(
        state,
        source=SplitState.OPEN,
        target=SplitState.LAPSED,
        permission=allowed(rules.platform_only),
    )
    def lapse(self, *, at: datetime) -> None:
        """Not both agreed in time."""
        self.closed_at = at

    @transition(
        state,
        source=SplitState.OPEN,
        target=SplitState.TAKEN_BACK,
        permission=allowed(rules.ends_split),
    )
    def take_back(self, *, at: datetime) -> None:
        """Who proposed it takes it back, or the request was settled without it."""
        self.closed_at = at

    def _note(self, side: Side, at: datetime) -> None:
        if side is Side.CLIENT:
            self.client_agreed_at = at
        else:
            self.talent_agreed_at = at


class RequestStatement(ActedOn):
    """What a side or support says about a request, with links; append-only, both sides read it."""

    request = models.ForeignKey(
        EscrowRefundRequest, on_delete=models.PROTECT, related_name="statements"
    )
    kind = models.CharField(max_length=10, choices=StatementKind.choices)
    text = models.TextField()
    links = models.JSONField(default=list)
    at = models.DateTimeField()

    class Meta(ActedOn.Meta):
        ordering: ClassVar = ["at", "id"]
        constraints: ClassVar = [
            *ActedOn.Meta.constraints,
            models.UniqueConstraint(
                fields=["request", "kind"],
                condition=Q(kind__in=(StatementKind.DISPUTE, StatementKind.REJECTION)),
                name="one_dispute_and_one_rejection_per_request",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.at:%Y-%m-%d %H:%M}"
