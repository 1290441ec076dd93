"""Payments: money that reached the talent. Refunds: payments given back."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from marketplace.actors import Actor
from marketplace.models import ActedOn
from marketplace.models.constraints import only_when
from marketplace.money import Money, money_property
from payments.models.book import Book
from payments.models.entry import Entry
from payments.states import PaymentKind, RefundKind


class PaymentQuerySet(models.QuerySet["Payment"]):
    def visible_to(self, actor: Actor) -> PaymentQuerySet:
        """Those of the acting party's books, on either side."""
        return self.filter(Q(book__client=actor.party) | Q(book__talent=actor.party))


class Payment(models.Model):
    """One payment, gross = fee + net.

    ``pending_left_minor`` is the part of the talent's pending account that belongs to this payment;
    maturing moves it to available, refunds take from it first. A payment that is
    ``held``, because its hours are disputed, does not become available until that is settled. One
    ``from_operator`` was paid in the client's place; a refund would give the client what it never
    paid, so there is none.
    """

    book = models.ForeignKey(Book, on_delete=models.PROTECT, related_name="payments")
    kind = models.CharField(max_length=12, choices=PaymentKind.choices)
    title = models.CharField(max_length=200)
    currency = models.CharField(max_length=3)
    gross_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField()
    net_minor = models.BigIntegerField()
    refunded_minor = models.BigIntegerField(default=0)
    fee_returned_minor = models.BigIntegerField(default=0)
    pending_left_minor = models.BigIntegerField()
    paid_at = models.DateTimeField()
    available_at = models.DateTimeField()
    matured_at = models.DateTimeField(null=True, blank=True)
    held = models.BooleanField(default=False)
    from_operator = models.BooleanField(default=False)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="payment")

    gross = money_property("gross_minor")
    fee = money_property("fee_minor")
    net = money_property("net_minor")
    refunded = money_property("refunded_minor")
    fee_returned = money_property("fee_returned_minor")
    pending_left = money_property("pending_left_minor")

    objects = PaymentQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["paid_at", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(gross_minor__gt=0), name="payment_above_zero"),
            models.CheckConstraint(
                condition=Q(gross_minor=F("fee_minor") + F("net_minor"))
                & Q(fee_minor__gte=0, net_minor__gte=0),
                name="payment_gross_is_fee_and_net",
            ),
            models.CheckConstraint(
                condition=Q(refunded_minor__gte=0, refunded_minor__lte=F("gross_minor")),
                name="payment_refunded_at_most_gross",
            ),
            models.CheckConstraint(
                condition=Q(fee_returned_minor__gte=0, fee_returned_minor__lte=F("fee_minor")),
                name="payment_fee_returned_at_most_fee",
            ),
            models.CheckConstraint(
                condition=Q(pending_left_minor__gte=0, pending_left_minor__lte=F("net_minor")),
                name="payment_pending_left_at_most_net",
            ),
            models.CheckConstraint(
                condition=only_when(Q(matured_at=None), Q(pending_left_minor__gt=0)),
                name="payment_matured_leaves_nothing_pending",
            ),
            models.CheckConstraint(
                condition=Q(available_at__gte=F("paid_at")), name="payment_available_after_paid"
            ),
            models.CheckConstraint(
                condition=Q(held=False) | Q(matured_at=None), name="payment_held_is_not_matured"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["book", "paid_at"], name="payment_of_book"),
            models.Index(
                fields=["available_at"],
                name="payment_matures",
                condition=Q(matured_at=None, held=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title}, {self.gross}"

    @property
    def refundable(self) -> Money:
        """What was not refunded yet, gross."""
        left: Money = self.gross - self.refunded
        return left


class Refund(ActedOn):
    """What the client got back of a payment, and where it came from.

    A refund is given by the talent; a reversal takes back disputed hours.
    """

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    kind = models.CharField(max_length=8, choices=RefundKind.choices, default=RefundKind.REFUND)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField(help_text="the part of the fee that was returned")
    from_pending_minor = models.BigIntegerField()
    from_available_minor = models.BigIntegerField()
    reason = models.TextField(blank=True)
    at = models.DateTimeField()
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="refund")

    amount = money_property("amount_minor")
    fee = money_property("fee_minor")
    from_pending = money_property("from_pending_minor")
    from_available = money_property("from_available_minor")

    class Meta(ActedOn.Meta):
        ordering: ClassVar = ["at", "id"]
        constraints: ClassVar = [
            *ActedOn.Meta.constraints,
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_above_zero"),
            models.CheckConstraint(
                condition=Q(
                    amount_minor=F("fee_minor")
                    + F("from_pending_minor")
                    + F("from_available_minor")
                )
                & Q(fee_minor__gte=0, from_pending_minor__gte=0, from_available_minor__gte=0),
                name="refund_adds_up",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} of payment {self.payment_id}"
