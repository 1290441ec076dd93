"""Accounts, and the book in which one contract's money is kept."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from marketplace.models import History, Party
from marketplace.models.constraints import only_when
from marketplace.models.history import Rank
from marketplace.money import Money, money_property
from payments.states import KEPT, SITE_WIDE, AccountKind


class Account(models.Model):
    """A place money can be. Its balance is credits minus debits.

    Escrow, credit, pending and available keep a balance that may not go below zero and that only
    the ledger door changes. Site-wide accounts keep none, so that no row is hot for everybody.

    A client may wish that credit goes back to where it came from at once (``goes_back``); the
    ledger then notes in ``goes_back_at`` that there is something to send.
    """

    lock_rank: ClassVar[Rank] = Rank.ACCOUNT

    kind = models.CharField(max_length=12, choices=AccountKind.choices)
    party = models.ForeignKey(
        Party, on_delete=models.PROTECT, null=True, blank=True, related_name="accounts"
    )
    currency = models.CharField(max_length=3)
    balance_minor = models.BigIntegerField(null=True, blank=True)
    goes_back = models.BooleanField(default=False)
    goes_back_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=0)

    balance = money_property("balance_minor")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(balance_minor=None) | Q(balance_minor__gte=0),
                name="account_not_overdrawn",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=KEPT, party__isnull=False, balance_minor__isnull=False)
                | Q(kind__in=SITE_WIDE, party__isnull=True, balance_minor__isnull=True),
                name="account_kept_or_site_wide",
            ),
            models.UniqueConstraint(
                fields=["kind", "party", "currency"],
                condition=~Q(kind=AccountKind.ESCROW) & Q(party__isnull=False),
                name="one_account_per_kind_party_and_currency",
            ),
            models.UniqueConstraint(
                fields=["kind", "currency"],
                condition=Q(party=None),
                name="one_site_wide_account_per_kind_and_currency",
            ),
            models.CheckConstraint(
                condition=only_when(Q(kind=AccountKind.CREDIT), Q(goes_back=True))
                & only_when(Q(goes_back=True), Q(goes_back_at__isnull=False)),
                name="account_goes_back_if_it_is_credit",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["party", "kind"], name="account_of_party"),
            models.Index(
                fields=["goes_back_at"],
                name="account_goes_back",
                condition=~Q(goes_back_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.currency}"


class Book(models.Model):
    """The money side of one contract: both parties, the currency, the fee, and its accounts.

    What it says of the agreement is copied when the contract is made; the audit compares.
    """

    lock_rank: ClassVar[Rank] = Rank.BOOK

    reference = models.CharField(max_length=16, unique=True)
    title = models.CharField(max_length=120)
    currency = models.CharField(max_length=3)
    client = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="client_books")
    talent = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="talent_books")
    talent_fee = models.PositiveIntegerField(help_text="basis points of each payment")
    escrow_account = models.OneToOneField(
        Account, on_delete=models.PROTECT, related_name="escrow_of"
    )
    credit_account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    pending_account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    available_account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    fees_account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    outside_account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(talent_fee__lt=10_000), name="book_fee_leaves_something"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.title}"

    @property
    def escrow(self) -> Money:
        """What is in escrow, as this row was read; exact on a book that the ledger locked."""
        balance: Money = self.escrow_account.balance
        return balance

    @property
    def credit(self) -> Money:
        """The client's credit, as this row was read; exact on a book that the ledger locked."""
        balance: Money = self.credit_account.balance
        return balance

    @property
    def kept_ids(self) -> tuple[int, int, int, int]:
        """The accounts with a balance of their own that this book moves money between."""
        return (
            self.escrow_account_id,
            self.credit_account_id,
            self.pending_account_id,
            self.available_account_id,
        )

    def fee_of(self, gross: Money) -> Money:
        """The talent's fee of one payment, half up once per payment."""
        return gross.fraction(self.talent_fee)

    def net_of(self, gross: Money) -> Money:
        """What the talent receives of one payment."""
        return gross - self.fee_of(gross)


class BookHistory(History):
    """Changes of state on the money side, keyed by the book."""

    book = models.ForeignKey(Book, on_delete=models.PROTECT, related_name="history")

    class Meta(History.Meta):
        constraints: ClassVar = [
            *History.Meta.constraints,
            models.UniqueConstraint(
                fields=["book", "sequence"], name="book_history_one_row_per_version"
            ),
        ]


class AccountHistory(History):
    """Changes of what belongs to one account of a party and to no book: withdrawals."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="history")

    class Meta(History.Meta):
        constraints: ClassVar = [
            *History.Meta.constraints,
            models.UniqueConstraint(
                fields=["account", "sequence"], name="account_history_one_row_per_version"
            ),
        ]
