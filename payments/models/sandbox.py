"""What the embedded sandbox gateway remembers: its own store, as if it were far away."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from marketplace.money import money_property
from payments.states import OperationKind


class SandboxCall(models.Model):
    """A call that arrived there, and what became of it.

    ``of`` is the key of the charge whose money goes back. ``report_due_at`` is when it tells more
    of its own accord: an outcome once more, money that came back, a dispute and its decision; NULL
    when there is nothing more to tell.
    """

    kind = models.CharField(max_length=12, default=OperationKind.CHARGE)
    key = models.CharField(max_length=100, unique=True)
    of = models.CharField(max_length=100, blank=True)
    behaviour = models.CharField(max_length=20)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    outcome = models.CharField(max_length=12)
    report_due_at = models.DateTimeField(null=True, blank=True)

    amount = money_property("amount_minor")

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["report_due_at"],
                name="sandbox_report_due",
                condition=~Q(report_due_at=None),
            ),
            models.Index(fields=["of"], name="sandbox_call_of", condition=~Q(of="")),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.outcome}"


class SandboxMovement(models.Model):
    """Money that went through the sandbox, as its own statement lists it.

    ``amount_minor`` is above zero when money came in. A dispute has the ``dispute`` it belongs to.
    """

    key = models.CharField(max_length=100)
    dispute = models.CharField(max_length=100, blank=True)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    at = models.DateTimeField()

    amount = money_property("amount_minor")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["at"], name="sandbox_movement_at")]

    def __str__(self) -> str:
        return f"{self.key}: {self.amount}"


class SandboxDispute(models.Model):
    """A charge that its owner disputes at the bank the sandbox plays."""

    reference = models.CharField(max_length=100, unique=True)
    call = models.ForeignKey(SandboxCall, on_delete=models.CASCADE, related_name="disputes")
    outcome = models.CharField(max_length=12)
    opened_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.reference}: {self.outcome}"
