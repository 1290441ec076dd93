"""The ledger: entries and their transfers. Written by the ledger door alone, never changed.

A transfer debits one account and credits one account by an amount above zero of one currency, so
nothing in these tables can be unbalanced. Triggers keep both tables append-only.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from marketplace.models import ActedOn
from marketplace.money import money_property
from payments.models.book import Account, Book
from payments.states import EntryKind


class Entry(ActedOn):
    """One movement of money with its transfers.

    ``key`` makes it happen once; ``input_hash`` tells a repeated key with other input.
    ``memo`` says in a few words what it was for.
    """

    kind = models.CharField(max_length=20, choices=EntryKind.choices)
    book = models.ForeignKey(
        Book, on_delete=models.PROTECT, null=True, blank=True, related_name="entries"
    )
    key = models.CharField(max_length=100, unique=True)
    input_hash = models.CharField(max_length=64)
    memo = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()

    class Meta(ActedOn.Meta):
        verbose_name_plural = "entries"
        indexes: ClassVar = [models.Index(fields=["book", "id"], name="entry_of_book")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.key}"


class Transfer(models.Model):
    """One debit and one credit. ``*_after`` are the kept balances right after it."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="transfers")
    debit = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="debits")
    credit = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="credits")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    debit_after = models.BigIntegerField(null=True)
    credit_after = models.BigIntegerField(null=True)

    amount = money_property("amount_minor")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="transfer_above_zero"),
            models.CheckConstraint(
                condition=~Q(debit=F("credit")), name="transfer_between_two_accounts"
            ),
            models.CheckConstraint(
                condition=(Q(debit_after=None) | Q(debit_after__gte=0))
                & (Q(credit_after=None) | Q(credit_after__gte=0)),
                name="transfer_leaves_no_overdraft",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount}: {self.debit_id} → {self.credit_id}"
