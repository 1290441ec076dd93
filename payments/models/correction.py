"""Correcting entries: one of support proposes, a second person approves."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django_fsm import FSMField, transition

from marketplace.models import Stateful, User
from marketplace.models.constraints import exactly_when
from marketplace.models.history import Rank
from marketplace.money import money_property
from marketplace.transitions import allowed
from payments import rules
from payments.models.book import Account, Book
from payments.models.entry import Entry
from payments.states import CorrectionState


class Correction(Stateful):
    """A transfer that puts a book right, or settles what stays owed; posted once approved.

    ``purpose`` names what follows in the same transaction (a function registered by an upper
    floor), ``purpose_id`` the row it is for; empty for a correction by itself.
    """

    lock_rank: ClassVar[Rank] = Rank.OPERATION
    aggregate_name = "book"

    book = models.ForeignKey(Book, on_delete=models.PROTECT, related_name="corrections")
    debit = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    credit = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    reason = models.TextField()
    purpose = models.CharField(max_length=40, blank=True)
    purpose_id = models.BigIntegerField(null=True, blank=True)
    state = FSMField(
        max_length=10,
        choices=CorrectionState.choices,
        default=CorrectionState.PROPOSED,
        protected=True,
    )
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    entry = models.OneToOneField(
        Entry, on_delete=models.PROTECT, null=True, blank=True, related_name="correction"
    )

    amount = money_property("amount_minor")

    class Meta:
        ordering: ClassVar = ["proposed_at", "id"]
        permissions: ClassVar = [
            ("propose_correction", "Can propose a correcting entry"),
            ("approve_correction", "Can approve or reject somebody else's correcting entry"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="correction_above_zero"),
            models.CheckConstraint(
                condition=~Q(debit=F("credit")), name="correction_between_two_accounts"
            ),
            models.CheckConstraint(
                condition=exactly_when(
                    ~Q(state=CorrectionState.PROPOSED),
                    Q(decided_at__isnull=False, decided_by__isnull=False),
                ),
                name="correction_decided_exactly_when_not_proposed",
            ),
            models.CheckConstraint(
                condition=exactly_when(Q(state=CorrectionState.POSTED), Q(entry__isnull=False)),
                name="correction_entry_set_exactly_when_posted",
            ),
            models.CheckConstraint(
                condition=Q(state=CorrectionState.REJECTED)
                | Q(decided_by=None)
                | ~Q(decided_by=F("proposed_by")),
                name="correction_takes_a_second_person",
            ),
            models.CheckConstraint(
                condition=exactly_when(~Q(purpose=""), Q(purpose_id__isnull=False)),
                name="correction_purpose_names_its_row",
            ),
            models.UniqueConstraint(
                fields=["purpose", "purpose_id"],
                condition=Q(state=CorrectionState.PROPOSED) & ~Q(purpose=""),
                name="one_proposed_correction_per_purpose",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["proposed_at"],
                name="correction_waits",
                condition=Q(state=CorrectionState.PROPOSED),
            )
        ]

    def __str__(self) -> str:
        return f"{self.amount} in {self.book.reference}"

    @property
    def is_proposed(self) -> bool:
        return self.state == CorrectionState.PROPOSED

    @transition(
        state,
        source=CorrectionState.PROPOSED,
        target=CorrectionState.POSTED,
        permission=allowed(rules.second_person),
    )
    def approve(self, *, entry: Entry, person: User, at: datetime) -> None:
        """A second person approves: the entry is posted."""
        self.entry = entry
        self._decide(person, at)

    @transition(
        state,
        source=CorrectionState.PROPOSED,
        target=CorrectionState.REJECTED,
        permission=allowed(rules.staff_only),
    )
    def reject(self, *, person: User, at: datetime) -> None:
        """It is not posted; who proposed it may take it back so."""
        self._decide(person, at)

    def _decide(self, person: User, at: datetime) -> None:
        self.decided_by = person
        self.decided_at = at
