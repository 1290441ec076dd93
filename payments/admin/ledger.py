"""Books, accounts, entries and transfers, with running balances and what caused each entry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter

from django.contrib import admin
from django.db.models import Model, Prefetch, Q, QuerySet

from marketplace.money import Money
from marketplace.support import find
from marketplace.support.lists import ReadOnlyAdmin
from marketplace.support.sections import ACTOR, LATEST, Section, link, when, who
from payments.models import Account, Book, Entry, Transfer

ACCOUNTS = ("escrow_account", "credit_account", "pending_account", "available_account")
CAUSES = (
    "payment",
    "refund__payment",
    "operation",
    "returned_operation",
    "chargeback",
    "won_chargeback",
    "correction__book",
    "book__escrow_refund_request",
)
POSTED_FOR = (
    "payment",
    "refund",
    "operation",
    "returned_operation",
    "chargeback",
    "won_chargeback",
    "correction",
)
ENDS = ("debit__party", "credit__party")
LATEST_FIRST = f"The latest {LATEST}, newest first."


def account_words(account: Account) -> str:
    """Escrow of North Studio; Fees of Closeout."""
    owner = account.party.name if account.party else "Closeout"
    return f"{account.get_kind_display()} of {owner}"


def cause_of(entry: Entry) -> Model | None:
    """What an entry was posted for, when that is a row of this floor."""
    for name in POSTED_FOR:
        found: Model | None = getattr(entry, name, None)
        if found is not None:
            return found
    request = getattr(entry.book, "escrow_refund_request", None)
    asked_for = request is not None and entry.key.startswith(f"request:{request.pk}:")
    return request if asked_for else None


def entries_of(book: Book) -> Section:
    """A book's entries with their transfers and the balances after them; two queries."""
    entries = (
        book.entries.select_related(*CAUSES, *ACTOR)
        .prefetch_related(
            Prefetch("transfers", Transfer.objects.select_related(*ENDS).order_by("pk"))
        )
        .order_by("-pk")[:LATEST]
    )
    return Section(
        "Entries",
        ("when", "entry", "from", "to", "amount", "left there", "now here", "cause", "who"),
        [row for entry in entries for row in _legs(entry)],
        note=LATEST_FIRST,
    )


def _legs(entry: Entry) -> Iterable[Sequence[object]]:
    for transfer in entry.transfers.all():
        yield (
            when(entry.at),
            link(entry, entry.memo or entry.get_kind_display()),
            *_ends(transfer),
            link(cause_of(entry)),
            who(entry.actor),
        )


def _ends(transfer: Transfer) -> Sequence[object]:
    return (
        account_words(transfer.debit),
        account_words(transfer.credit),
        transfer.amount,
        _balance(transfer.debit_after, transfer.currency),
        _balance(transfer.credit_after, transfer.currency),
    )


def _balance(minor: int | None, currency: str) -> Money | str:
    """The kept balance after a transfer; site-wide accounts keep none."""
    return "not kept" if minor is None else Money(minor, currency)


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ("words", "currency", "held", "escrow_of")
    list_select_related = ("party", "escrow_of")
    related = ("party", "escrow_of")
    search_fields = ("party",)
    search_help_text = "How a party's name begins, or a whole e-mail address"
    fields = ("kind", "party", "currency", "held", "book")

    def search(self, rows: QuerySet[Account], term: str) -> QuerySet[Account]:
        return rows.filter(party__in=find.parties(term))

    @admin.display(description="account")
    def words(self, row: Account) -> str:
        return account_words(row)

    @admin.display(description="balance")
    def held(self, row: Account) -> Money | str:
        return _balance(row.balance_minor, row.currency)

    @admin.display(description="book")
    def book(self, row: Account) -> str:
        return link(getattr(row, "escrow_of", None))

    def sections(self, row: Account) -> Sequence[Section]:
        """What went in and out, each by its own index, with the running balance."""
        read = ("entry__book", *(f"entry__{name}" for name in CAUSES), *ENDS)
        moved = [
            *row.debits.select_related(*read).order_by("-pk")[:LATEST],
            *row.credits.select_related(*read).order_by("-pk")[:LATEST],
        ]
        latest = sorted(moved, key=attrgetter("pk"), reverse=True)[:LATEST]
        return [
            Section(
                "Transfers",
                ("when", "entry", "book", "in", "out", "balance after", "cause"),
                [self._moved(row, transfer) for transfer in latest],
                note=LATEST_FIRST,
            )
        ]

    def _moved(self, account: Account, transfer: Transfer) -> Sequence[object]:
        into = transfer.credit_id == account.pk
        after = transfer.credit_after if into else transfer.debit_after
        entry = transfer.entry
        return (
            when(entry.at),
            link(entry, entry.memo or entry.get_kind_display()),
            link(entry.book),
            transfer.amount if into else "",
            "" if into else transfer.amount,
            _balance(after, transfer.currency),
            link(cause_of(entry)),
        )


@admin.register(Book)
class BookAdmin(ReadOnlyAdmin):
    list_display = ("reference", "title", "client", "talent", "escrow")
    list_select_related = ("client", "talent", "escrow_account")
    related = ("client", "talent", *ACCOUNTS)
    search_fields = ("reference",)
    search_help_text = "A contract's reference, how a party's name begins, or an e-mail address"
    fields = ("reference", "title", "currency", "client", "talent", "fee")

    def search(self, rows: QuerySet[Book], term: str) -> QuerySet[Book]:
        parties = find.parties(term)
        return rows.filter(
            Q(reference=term.upper()) | Q(client__in=parties) | Q(talent__in=parties)
        )

    @admin.display(description="fee of each payment")
    def fee(self, row: Book) -> str:
        return f"{row.talent_fee / 100:g} %"

    def sections(self, row: Book) -> Sequence[Section]:
        return [balances_of(row), entries_of(row)]


def balances_of(book: Book) -> Section:
    """The accounts a book moves money between; no query when they were read along."""
    accounts = [getattr(book, name) for name in ACCOUNTS]
    note = "Escrow is this contract's alone; the others are shared by all contracts of the party."
    return Section(
        "Balances",
        ("account", "balance"),
        [(link(one, one.get_kind_display()), one.balance) for one in accounts],
        note=note,
    )


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "kind", "book", "memo", "who", "cause")
    list_select_related = ("book", *CAUSES, *ACTOR)
    related = ("book", *CAUSES, *ACTOR)
    search_fields = ("key",)
    search_help_text = "A contract's reference, or an entry's whole key"
    fields = ("kind", "book", "memo", "at", "who", "cause", "key")

    def search(self, rows: QuerySet[Entry], term: str) -> QuerySet[Entry]:
        books = list(Book.objects.filter(reference=term.upper()).values_list("pk", flat=True))
        return rows.filter(Q(key=term) | Q(book__in=books))

    @admin.display(description="by")
    def who(self, row: Entry) -> str:
        return who(row.actor)

    @admin.display(description="cause")
    def cause(self, row: Entry) -> str:
        return link(cause_of(row))

    def sections(self, row: Entry) -> Sequence[Section]:
        transfers = row.transfers.select_related(*ENDS).order_by("pk")
        return [
            Section(
                "Transfers",
                ("from", "to", "amount", "left there", "now here"),
                [_ends(one) for one in transfers],
            )
        ]


@admin.register(Transfer)
class TransferAdmin(ReadOnlyAdmin):
    list_display = ("at", "debited", "credited", "moved", "left", "now", "entry")
    list_select_related = ("entry__book", *ENDS)
    related = ("entry__book", *ENDS)
    search_fields = ("entry",)
    search_help_text = "A contract's reference"
    fields = ("entry", "debited", "credited", "moved", "left", "now")

    def search(self, rows: QuerySet[Transfer], term: str) -> QuerySet[Transfer]:
        entries = Entry.objects.filter(book__reference=term.upper())
        return rows.filter(entry__in=entries)

    @admin.display(description="when")
    def at(self, row: Transfer) -> str:
        return when(row.entry.at)

    @admin.display(description="from")
    def debited(self, row: Transfer) -> str:
        return account_words(row.debit)

    @admin.display(description="to")
    def credited(self, row: Transfer) -> str:
        return account_words(row.credit)

    @admin.display(description="amount")
    def moved(self, row: Transfer) -> Money:
        return row.amount

    @admin.display(description="left there")
    def left(self, row: Transfer) -> Money | str:
        return _balance(row.debit_after, row.currency)

    @admin.display(description="now here")
    def now(self, row: Transfer) -> Money | str:
        return _balance(row.credit_after, row.currency)
