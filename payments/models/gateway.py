"""What a gateway tells of its own accord, and what it says went through it day by day."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.constraints import UniqueConstraint

from marketplace.models.constraints import exactly_when, only_when


class GatewayEvent(models.Model):
    """A signed message of a gateway, taken in once however often it is sent.

    It is a hint, never a fact: what it is about (``about``, in the gateway's own terms) is looked
    up there when it is handled, so that messages may come in any order. ``account`` is the
    connected account it concerns, if any. ``due_at`` is when it is handled (again); NULL once it
    was.
    """

    gateway = models.CharField(max_length=20)
    event_id = models.CharField(max_length=100)
    kind = models.CharField(max_length=60)
    about = models.CharField(max_length=100)
    account = models.CharField(max_length=100, blank=True)
    received_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True)
    handled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        permissions: ClassVar = [
            ("handle_gatewayevent", "Can have what a gateway told handled again")
        ]
        constraints: ClassVar = [
            UniqueConstraint(fields=["gateway", "event_id"], name="one_event_per_id"),
            models.CheckConstraint(
                condition=exactly_when(Q(due_at=None), Q(handled_at__isnull=False)),
                name="event_due_until_handled",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="event_due", condition=~Q(due_at=None)),
            models.Index(fields=["received_at"], name="event_received"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"


class GatewayDay(models.Model):
    """A UTC day of a gateway's own statement, and whether it was found to agree with the books.

    ``due_at`` is when it is compared (again); NULL once it agreed, or was not looked at any more.
    """

    gateway = models.CharField(max_length=20)
    day = models.DateField()
    due_at = models.DateTimeField(null=True, blank=True)
    agreed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["gateway", "day"], name="one_day_per_gateway"),
            models.CheckConstraint(
                condition=only_when(Q(due_at=None), Q(agreed_at__isnull=False)),
                name="day_due_until_it_agreed",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="day_due", condition=~Q(due_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.gateway}, {self.day}"


class Reconciliation(models.Model):
    """One currency of one UTC day of a gateway's own statement, compared with the books.

    Sums are of what came in less what went out, in minor units: what the statement lists that day,
    and what the books say of the same movements, whenever they heard of them. ``differences`` names
    what does not agree, in words; at most some, with ``different`` counting them all.
    """

    gateway = models.CharField(max_length=20)
    day = models.DateField()
    currency = models.CharField(max_length=3)
    ours_minor = models.BigIntegerField()
    theirs_minor = models.BigIntegerField()
    compared = models.PositiveIntegerField()
    different = models.PositiveIntegerField()
    differences = models.JSONField(default=list)
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-day", "gateway", "currency"]
        permissions: ClassVar = [
            ("compare_reconciliation", "Can have a day compared with its gateway again")
        ]
        constraints: ClassVar = [
            UniqueConstraint(
                fields=["gateway", "day", "currency"],
                name="one_reconciliation_per_day_and_currency",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["day"], name="reconciliation_differs", condition=~Q(different=0))
        ]

    def __str__(self) -> str:
        return f"{self.gateway}, {self.day}, {self.currency}"
