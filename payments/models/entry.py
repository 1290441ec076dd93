"""The ledger: entries and their transfers. Written by the ledger door alone, never changed.

A transfer debits one account and credits one account by an amount above zero of one currency, so
nothing in these tables can be unbalanced. Triggers keep both tables append-only.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from marketplace.models import ActedOn, Party
from marketplace.money import money_property
from payments.models.book import Account, Book
from payments.states import BOOKLESS_ENTRIES, EntryKind


class Entry(ActedOn):
    """One movement of money with its transfers.

    ``key`` makes it happen once; ``input_hash`` tells a repeated key with other input.
    ``memo`` says in a few words what it was for. ``client`` and ``talent`` are the parties whose
    money it moves, so that each reads its own; ``event`` is alike on the entries that one action
    posted together.
    """

    kind = models.CharField(max_length=20, choices=EntryKind.choices)
    book = models.ForeignKey(
        Book, on_delete=models.PROTECT, null=True, blank=True, related_name="entries"
    )
    client = models.ForeignKey(
        Party,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    talent = models.ForeignKey(
        Party,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    event = models.BigIntegerField(null=True, blank=True)
    key = models.CharField(max_length=100, unique=True)
    input_hash = models.CharField(max_length=64)
    memo = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()

    class Meta(ActedOn.Meta):
        verbose_name_plural = "entries"
        constraints: ClassVar = [
            *ActedOn.Meta.constraints,
            models.CheckConstraint(
                condition=Q(book__isnull=False) | Q(kind__in=BOOKLESS_ENTRIES, client=None),
                name="entry_of_a_book_or_a_withdrawal",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["book", "id"], name="entry_of_book"),
            models.Index(
                fields=["client", "id"], name="entry_of_client", condition=~Q(client=None)
            ),
            models.Index(
                fields=["talent", "id"], name="entry_of_talent", condition=~Q(talent=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.key}"


class Transfer(models.Model):
    """One debit and one credit. ``*_after`` are the kept balances right after it."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="transfers")
    debit = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="debits", db_index=False
    )
    credit = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="credits", db_index=False
    )
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
        indexes: ClassVar = [
            models.Index(fields=["debit", "id"], name="transfer_of_debit"),
            models.Index(fields=["credit", "id"], name="transfer_of_credit"),
        ]

    def __str__(self) -> str:
        return f"{self.amount}: {self.debit_id} → {self.credit_id}"
