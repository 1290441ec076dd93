"""Chargebacks: a client disputes a charge at its bank, and the bank takes the money back."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django_fsm import FSMField, transition

from marketplace.models import Stateful
from marketplace.models.constraints import exactly_when
from marketplace.models.history import Rank
from marketplace.money import money_property
from marketplace.transitions import allowed
from payments import rules
from payments.models.book import Book
from payments.models.entry import Entry
from payments.models.operation import GatewayOperation
from payments.states import STANDING_CHARGEBACKS, ChargebackState


class Chargeback(Stateful):
    """What the bank took of one charge, and from where it was taken here.

    What the client's credit did not cover was the operator's loss (``from_operator``), until the
    bank decides for the platform. ``reference`` is what the gateway calls it.
    """

    lock_rank: ClassVar[Rank] = Rank.REQUEST
    aggregate_name = "book"

    operation = models.ForeignKey(
        GatewayOperation, on_delete=models.PROTECT, related_name="chargebacks"
    )
    book = models.ForeignKey(Book, on_delete=models.PROTECT, related_name="chargebacks")
    gateway = models.CharField(max_length=20)
    reference = models.CharField(max_length=100)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    from_credit_minor = models.BigIntegerField()
    from_operator_minor = models.BigIntegerField()
    because = models.CharField(max_length=200, blank=True)
    state = FSMField(
        max_length=12,
        choices=ChargebackState.choices,
        default=ChargebackState.OPEN,
        protected=True,
    )
    opened_at = models.DateTimeField()
    evidence_due_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="chargeback")
    back_entry = models.OneToOneField(
        Entry, on_delete=models.PROTECT, null=True, blank=True, related_name="won_chargeback"
    )

    amount = money_property("amount_minor")
    from_credit = money_property("from_credit_minor")
    from_operator = money_property("from_operator_minor")

    class Meta:
        permissions: ClassVar = [
            ("write_off_chargeback", "Can write off what a chargeback cost the operator")
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0, from_credit_minor__gte=0)
                & Q(from_operator_minor__gte=0)
                & Q(amount_minor=F("from_credit_minor") + F("from_operator_minor")),
                name="chargeback_adds_up",
            ),
            models.CheckConstraint(
                condition=exactly_when(Q(state=ChargebackState.OPEN), Q(decided_at=None)),
                name="chargeback_decided_exactly_when_not_open",
            ),
            models.CheckConstraint(
                condition=exactly_when(Q(state=ChargebackState.WON), Q(back_entry__isnull=False)),
                name="chargeback_back_exactly_when_won",
            ),
            models.UniqueConstraint(
                fields=["gateway", "reference"], name="one_chargeback_per_reference"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["evidence_due_at"],
                name="chargeback_standing",
                condition=Q(state__in=STANDING_CHARGEBACKS),
            )
        ]

    def __str__(self) -> str:
        return f"Chargeback of {self.amount}"

    @transition(
        state,
        source=ChargebackState.OPEN,
        target=ChargebackState.WON,
        permission=allowed(rules.platform_only),
    )
    def win(self, *, entry: Entry, at: datetime) -> None:
        """The bank decided for the platform; ``entry`` brought the money back."""
        self.back_entry = entry
        self.decided_at = at

    @transition(
        state,
        source=ChargebackState.OPEN,
        target=ChargebackState.LOST,
        permission=allowed(rules.platform_only),
    )
    def lose(self, *, at: datetime) -> None:
        """The bank decided for the client."""
        self.decided_at = at

    @transition(
        state,
        source=ChargebackState.LOST,
        target=ChargebackState.WRITTEN_OFF,
        permission=allowed(rules.staff_only),
    )
    def write_off(self) -> None:
        """The operator bears it; the client is free to offer and fund again."""
