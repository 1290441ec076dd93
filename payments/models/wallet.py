"""How parties pay and are paid at a gateway: who they are there, and what they can pay with."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from marketplace.models import ActedOn, Party
from marketplace.models.constraints import only_when


class GatewayIdentity(models.Model):
    """Who a party is at a gateway.

    Attributes:
        customer: as one who pays; ``default_method`` is the token it prefers.
        destination: as one who is paid: an account there that can receive payouts once
            ``can_be_paid``; ``destination_label`` names the bank account behind it for people.
    """

    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="gateway_identities")
    gateway = models.CharField(max_length=20)
    customer = models.CharField(max_length=100, blank=True)
    default_method = models.CharField(max_length=60, blank=True)
    destination = models.CharField(max_length=100, blank=True)
    destination_label = models.CharField(max_length=80, blank=True)
    can_be_paid = models.BooleanField(default=False)
    made_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "gateway identities"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["party", "gateway"], name="one_identity_per_party_and_gateway"
            ),
            models.UniqueConstraint(
                fields=["gateway", "customer"],
                condition=~Q(customer=""),
                name="one_identity_per_customer",
            ),
            models.UniqueConstraint(
                fields=["gateway", "destination"],
                condition=~Q(destination=""),
                name="one_identity_per_destination",
            ),
            models.CheckConstraint(
                condition=only_when(~Q(destination=""), Q(can_be_paid=True)),
                name="identity_paid_only_somewhere",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.party} at {self.gateway}"


class PaymentMethod(ActedOn):
    """A card or account that a client has saved at a gateway. Its data never comes here.

    ``label`` names it for people ("Visa ending 4242"); ``expires_on`` is its last day. One that was
    removed stays, so that what was charged to it can be named. The actor is who added it.
    """

    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="payment_methods")
    gateway = models.CharField(max_length=20)
    token = models.CharField(max_length=60)
    label = models.CharField(max_length=80)
    expires_on = models.DateField(null=True, blank=True)
    added_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta(ActedOn.Meta):
        constraints: ClassVar = [
            *ActedOn.Meta.constraints,
            models.UniqueConstraint(
                fields=["gateway", "token"], name="one_payment_method_per_token"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["party", "gateway"],
                name="payment_method_of_party",
                condition=Q(removed_at=None),
            )
        ]

    def __str__(self) -> str:
        return self.label
