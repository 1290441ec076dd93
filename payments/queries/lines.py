"""How one side reads an entry of the ledger: in its words, with what it did to its balance.

A client's balance is its credit, a talent's what it has on the platform: pending and available.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import QuerySet

from marketplace import moments
from marketplace.models import Party
from marketplace.money import Money, total
from payments import maturing, rules
from payments.models import Book, Entry, GatewayOperation, Payment, Transfer
from payments.queries import words
from payments.states import (
    GIVING_BACK_ENTRIES,
    NOT_ARRIVED,
    PAYING_ENTRIES,
    EntryKind,
    OperationState,
)

READ: Final = (
    "book__client",
    "book__talent",
    "payment",
    "operation",
    "returned_operation",
    "chargeback__operation",
    "won_chargeback__operation",
)
"""What is read along with entries, so that a line costs no query."""

_NAMED_BY_METHOD: Final = (EntryKind.CREDIT_BACK, EntryKind.PAYOUT)
"""Their memo is the name of where the money goes, which their words have already."""


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as one side reads it.

    Attributes:
        number: the entry's id.
        event: alike on the lines of one action; None of an action of its own.
        title: what it is called alone; ``words`` as one line of several.
        memo: what it was for; ``notes`` is more about it.
        gross: what moved, above zero; ``fee`` the part of it that was the talent's fee, where one
            takes part.
        effect: how the party's balance changed.
        method: the name of the card or bank account it went through; often empty.
        last: the id of its last transfer, the moment that its balance is of.
        refundable: the payment that a refund may be given of, or asked for.
    """

    number: int
    event: int | None
    at: datetime
    kind: EntryKind
    key: str
    title: str
    words: str
    memo: str
    notes: str
    gross: Money
    fee: Money | None
    effect: Money
    method: str
    book: Book | None
    other: Party | None
    last: int
    refundable: Payment | None

    @property
    def currency(self) -> str:
        return self.gross.currency

    @property
    def signed(self) -> str:
        """The effect with its sign; empty when the balance stays what it was."""
        return signed(self.effect)

    @property
    def detail(self) -> str:
        """What it was for and more about it, below what it is called."""
        return ". ".join(part for part in (self.memo, self.notes) if part)


def entries_of(party: Party) -> QuerySet[Entry]:
    """What moved the party's money."""
    return Entry.objects.filter(**{"client" if party.is_client else "talent": party})


def lines_of(entries: Sequence[Entry], party: Party, now: datetime) -> list[Line]:
    """The lines of entries that were read along with :data:`READ`, in their order; one query."""
    moved: dict[int, list[Transfer]] = {entry.pk: [] for entry in entries}
    for one in Transfer.objects.filter(entry__in=list(moved)).order_by("pk"):
        moved[one.entry_id].append(one)
    return [_line(entry, moved[entry.pk], party, now) for entry in entries]


def signed(amount: Money) -> str:
    """More or less, as people read it; empty for zero."""
    if not amount:
        return ""
    return f"+{amount}" if amount.minor > 0 else f"−{-amount}"


def _line(entry: Entry, moved: Sequence[Transfer], party: Party, now: datetime) -> Line:
    kind, book, currency = EntryKind(entry.kind), entry.book, moved[0].currency
    gross = total([one.amount for one in moved], currency)
    effect = _effect(moved, _own_accounts(entry, moved, party), currency)
    other = _other(book, party)
    method = _method(entry)
    title, beside = words.of(
        kind,
        for_client=party.is_client,
        gained=effect.minor > 0,
        method=method,
        other=other.name if other else "",
    )
    fee = None if party.is_client else _fee(kind, book, moved)
    return Line(
        number=entry.pk,
        event=entry.event,
        at=entry.at,
        kind=kind,
        key=entry.key,
        title=title,
        words=beside,
        memo="" if kind in _NAMED_BY_METHOD else entry.memo,
        notes=_notes(entry, kind, gross, fee, effect, now),
        gross=gross,
        fee=fee,
        effect=effect,
        method=method,
        book=book,
        other=other,
        last=moved[-1].pk,
        refundable=_refundable(entry, now),
    )


def _own_accounts(entry: Entry, moved: Sequence[Transfer], party: Party) -> Collection[int]:
    """Whose balance counts; without a book it is the one account of the entry that keeps one."""
    book = entry.book
    if book is None:
        kept = [one.debit_id for one in moved if one.debit_after is not None]
        return kept + [one.credit_id for one in moved if one.credit_after is not None]
    if party.is_client:
        return (book.credit_account_id,)
    return book.pending_account_id, book.available_account_id


def _effect(moved: Sequence[Transfer], own: Collection[int], currency: str) -> Money:
    gained = total([one.amount for one in moved if one.credit_id in own], currency)
    return gained - total([one.amount for one in moved if one.debit_id in own], currency)


def _other(book: Book | None, party: Party) -> Party | None:
    if book is None:
        return None
    return book.talent if party.is_client else book.client


def _method(entry: Entry) -> str:
    """The name of the card or bank account that money came from, or went to."""
    operation = _operation(entry)
    return operation.method_label if operation else ""


def _operation(entry: Entry) -> GatewayOperation | None:
    for name in ("operation", "returned_operation"):
        found: GatewayOperation | None = getattr(entry, name, None)
        if found is not None:
            return found
    for name in ("chargeback", "won_chargeback"):
        chargeback = getattr(entry, name, None)
        if chargeback is not None:
            charge: GatewayOperation = chargeback.operation
            return charge
    return None


def _fee(kind: EntryKind, book: Book | None, moved: Sequence[Transfer]) -> Money | None:
    """The talent's fee of a payment, or the part of it that went back."""
    if book is None or kind not in (*PAYING_ENTRIES, *GIVING_BACK_ENTRIES):
        return None
    fees = [one.amount for one in moved if book.fees_account_id in (one.debit_id, one.credit_id)]
    return total(fees, book.currency)


def _notes(
    entry: Entry, kind: EntryKind, gross: Money, fee: Money | None, effect: Money, now: datetime
) -> str:
    if kind == EntryKind.CHARGEBACK and effect and gross not in (effect, -effect):
        return f"{gross} in all, of it from your credit as much as was there"
    if kind in _NAMED_BY_METHOD:
        return _journey(_operation(entry))
    if fee is None:
        return ""
    parts = (_fee_in_words(kind, gross, fee), _progress(entry, now))
    return ". ".join(part for part in parts if part)


def _fee_in_words(kind: EntryKind, gross: Money, fee: Money) -> str:
    """How the talent's amount comes about: the talent always reads it beside the gross."""
    if kind in PAYING_ENTRIES:
        return f"{gross} less {fee} fee"
    word = "refunded" if kind == EntryKind.REFUND else "reversed"
    return f"{gross} {word}, {fee} of it from the fee" if fee else ""


def _progress(entry: Entry, now: datetime) -> str:
    """How far a payment is on its way to available, while it is on it; the talent's alone."""
    payment: Payment | None = getattr(entry, "payment", None)
    if payment is None or not payment.pending_left or maturing.is_due(payment, now):
        return ""
    if payment.held:
        return "Held: its hours are disputed"
    return f"Pending until {moments.day(payment.available_at)}"


def _journey(operation: GatewayOperation | None) -> str:
    """How far money is that left."""
    if operation is None:
        return ""
    if operation.state in NOT_ARRIVED:
        return "It did not arrive and came back"
    if operation.state != OperationState.SUCCEEDED:
        return "On its way"
    if operation.arrives_on is None:
        return "Sent"
    return f"Sent, expected on {operation.arrives_on:%-d %B %Y}"


def _refundable(entry: Entry, now: datetime) -> Payment | None:
    payment: Payment | None = getattr(entry, "payment", None)
    if payment is None or rules.still_refundable(payment, now) is not None:
        return None
    return payment
