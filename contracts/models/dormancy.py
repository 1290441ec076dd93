"""Dormant contracts: money in escrow, and nobody does anything."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django_fsm import FSMField, transition

from contracts import rules
from contracts.models.contract import Contract
from contracts.states import CLOSED_DORMANCIES, OPEN_DORMANCIES, DormancyState, Side
from marketplace import policy
from marketplace.models import Stateful
from marketplace.models.constraints import exactly_when, only_when
from marketplace.models.history import Rank
from marketplace.transitions import allowed


class Dormancy(Stateful):
    """One contract's sleep, from its 90th quiet day until somebody wakes it, or it is over.

    ``due_at`` is when silence takes the next step; NULL once it is over. Whoever is asked has all
    of their days from when they were asked, however late that was.
    """

    lock_rank: ClassVar[Rank] = Rank.PART
    aggregate_name = "contract"

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="dormancies")
    state = FSMField(
        max_length=16,
        choices=DormancyState.choices,
        default=DormancyState.CLIENT_ASKED,
        protected=True,
    )
    since = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True)
    release_note = models.TextField(blank=True)
    release_asked_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "dormancies"
        ordering: ClassVar = ["since", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["contract"],
                condition=Q(state__in=OPEN_DORMANCIES),
                name="one_open_dormancy_per_contract",
            ),
            models.CheckConstraint(
                condition=exactly_when(Q(state__in=CLOSED_DORMANCIES), Q(closed_at__isnull=False))
                & exactly_when(Q(closed_at__isnull=False), Q(due_at__isnull=True)),
                name="dormancy_due_exactly_while_open",
            ),
            models.CheckConstraint(
                condition=only_when(
                    Q(
                        state__in=(
                            DormancyState.RELEASE_ASKED,
                            DormancyState.WOKEN,
                            DormancyState.PAID,
                        )
                    ),
                    Q(release_asked_at__isnull=False),
                )
                & only_when(
                    Q(release_asked_at__isnull=False),
                    Q(state__in=(DormancyState.RELEASE_ASKED, DormancyState.PAID)),
                ),
                name="dormancy_release_asked_at_set_when_asked",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="dormancy_due", condition=~Q(due_at=None))
        ]

    def __str__(self) -> str:
        return f"dormant since {self.since:%-d %B %Y}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_DORMANCIES

    @property
    def is_release_asked(self) -> bool:
        """The talent asked for what is in escrow; silence of the client pays it."""
        return self.state == DormancyState.RELEASE_ASKED

    @property
    def asked(self) -> Side:
        """Whose silence takes the next step, while it is open."""
        return Side.TALENT if self.state == DormancyState.TALENT_ASKED else Side.CLIENT

    @transition(
        state,
        source=DormancyState.CLIENT_ASKED,
        target=DormancyState.TALENT_ASKED,
        permission=allowed(rules.platform_only),
    )
    def ask_talent(self, *, at: datetime) -> None:
        """The client was silent: now the talent is asked, and has its days from then."""
        self.due_at = at + policy.DORMANT_TALENT_ANSWER

    @transition(
        state,
        source=(DormancyState.CLIENT_ASKED, DormancyState.TALENT_ASKED),
        target=DormancyState.RELEASE_ASKED,
        permission=allowed(rules.talent_asks_for_release),
    )
    def ask_for_release(self, *, note: str, at: datetime) -> None:
        """The talent asks for what is in escrow; silence of the client now pays."""
        self.release_note = note
        self.release_asked_at = at
        self.due_at = at + policy.DORMANT_RELEASE_ANSWER

    @transition(
        state,
        source=OPEN_DORMANCIES,
        target=DormancyState.WOKEN,
        permission=allowed(rules.wakes),
    )
    def wake(self, *, at: datetime) -> None:
        """Something happened, or somebody said that they still work on it."""
        self._close(at)

    @transition(
        state,
        source=DormancyState.RELEASE_ASKED,
        target=DormancyState.PAID,
        permission=allowed(rules.platform_only),
    )
    def pay(self, *, at: datetime) -> None:
        """The client did not answer: what is in escrow is paid."""
        self._close(at)

    @transition(
        state,
        source=DormancyState.TALENT_ASKED,
        target=DormancyState.RETURNED,
        permission=allowed(rules.platform_only),
    )
    def give_back(self, *, at: datetime) -> None:
        """Nobody acted: escrow goes back to the client, and the contract ends."""
        self._close(at)

    def _close(self, at: datetime) -> None:
        self.closed_at = at
        self.due_at = None
