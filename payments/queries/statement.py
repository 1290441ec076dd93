"""The Payments page: what a party has, and every movement of its money, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Prefetch, QuerySet

from marketplace import clock, moments
from marketplace.models import Party
from marketplace.money import Money, total
from payments import maturing, rules
from payments.models import Book, Entry, Payment, Transfer
from payments.queries.balances import BalanceFigure, balances_of
from payments.states import (
    GIVING_BACK_ENTRIES,
    PAYING_ENTRIES,
    EntryKind,
)

PAGE: Final = 25


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as one side reads it.

    Attributes:
        effect: what the party has more or less by it, signed; empty when money only changed place.
        moved: what changed place within the party's money.
        refundable: the payment that a refund may be given of, or asked for.
    """

    at: datetime
    what: str
    detail: str
    title: str
    reference: str
    effect: str
    moved: Money | None
    refundable: Payment | None


@dataclass(frozen=True, slots=True)
class PaymentsPage:
    figures: list[BalanceFigure]
    lines: list[Line]
    newer: str
    older: str


def payments_page(
    party: Party, *, before: int | None = None, after: int | None = None
) -> PaymentsPage:
    """Balances and one page of lines; four queries.

    Args:
        before, after: an entry's id, from a link of another page.
    """
    now = clock.now()
    entries, newer, older = _page(_entries_of(party), before=before, after=after)
    return PaymentsPage(
        figures=balances_of(party, now),
        lines=[_line(entry, party, now) for entry in entries],
        newer=newer,
        older=older,
    )


def _entries_of(party: Party) -> QuerySet[Entry]:
    """What moved the party's money."""
    entries = Entry.objects.filter(**{"client" if party.is_client else "talent": party})
    return entries.select_related("book__client", "book__talent", "payment").prefetch_related(
        Prefetch("transfers", queryset=Transfer.objects.order_by("pk"))
    )


def _page(
    entries: QuerySet[Entry], *, before: int | None, after: int | None
) -> tuple[list[Entry], str, str]:
    """Up to ``PAGE`` entries, newest first, and the links' queries to both sides of them."""
    if after is not None:
        found = list(entries.filter(pk__gt=after).order_by("pk")[: PAGE + 1])
        shown, has_newer, has_older = found[:PAGE][::-1], len(found) > PAGE, True
    else:
        older = entries.filter(pk__lt=before) if before is not None else entries
        found = list(older.order_by("-pk")[: PAGE + 1])
        shown, has_newer, has_older = found[:PAGE], before is not None, len(found) > PAGE
    if not shown:
        return [], "", ""
    return (
        shown,
        f"?after={shown[0].pk}" if has_newer else "",
        f"?before={shown[-1].pk}" if has_older else "",
    )


def _line(entry: Entry, party: Party, now: datetime) -> Line:
    book = entry.book
    assert book is not None
    own = _own_accounts(book, party)
    transfers = list(entry.transfers.all())
    gained = _sum((one for one in transfers if one.credit_id in own), book)
    spent = _sum((one for one in transfers if one.debit_id in own), book)
    effect = gained - spent
    what, detail = _words(entry, book, transfers, now, for_client=party.is_client)
    return Line(
        at=entry.at,
        what=what,
        detail=detail,
        title=book.title,
        reference=book.reference,
        effect=_signed(effect),
        moved=None if effect else gained,
        refundable=_refundable(entry, now),
    )


def _own_accounts(book: Book, party: Party) -> tuple[int, int]:
    if party.is_client:
        return book.escrow_account_id, book.credit_account_id
    return book.pending_account_id, book.available_account_id


def _words(
    entry: Entry, book: Book, transfers: list[Transfer], now: datetime, *, for_client: bool
) -> tuple[str, str]:
    """What happened, and the line below it."""
    words = {
        EntryKind.CHARGE: "Charged to your payment method",
        EntryKind.FUND: "Put into escrow",
        EntryKind.RELEASE: f"Paid to {book.talent.name}",
        EntryKind.RETURN: "Returned from escrow to your credit",
        EntryKind.REFUND: f"Refund from {book.talent.name}",
        EntryKind.HOURS: f"Hours paid to {book.talent.name}",
        EntryKind.HOURS_REVERSAL: f"Hours of {book.talent.name} reversed",
        EntryKind.BONUS: f"Bonus to {book.talent.name}",
        EntryKind.CORRECTION: "Correction",
    }
    if for_client:
        return words[EntryKind(entry.kind)], entry.memo
    words |= {
        EntryKind.RELEASE: f"Payment from {book.client.name}",
        EntryKind.MATURE: "Available now",
        EntryKind.REFUND: f"Refund to {book.client.name}",
        EntryKind.HOURS: f"Hours paid by {book.client.name}",
        EntryKind.BONUS: f"Bonus from {book.client.name}",
        EntryKind.HOURS_REVERSAL: f"Hours reversed, back to {book.client.name}",
    }
    parts = (entry.memo, _fee(entry, book, transfers), _progress(entry, now))
    detail = ". ".join(part for part in parts if part)
    return words[EntryKind(entry.kind)], detail


def _fee(entry: Entry, book: Book, transfers: list[Transfer]) -> str:
    """How the talent's amount comes about: the talent always reads it beside the gross."""
    gross = _sum(transfers, book)
    fees = (one for one in transfers if book.fees_account_id in (one.debit_id, one.credit_id))
    fee = _sum(fees, book)
    if entry.kind in PAYING_ENTRIES:
        return f"{gross} less {fee} fee"
    if entry.kind in GIVING_BACK_ENTRIES and fee:
        word = "refunded" if entry.kind == EntryKind.REFUND else "reversed"
        return f"{gross} {word}, {fee} of it from the fee"
    return ""


def _progress(entry: Entry, now: datetime) -> str:
    """How far a payment is on its way to available, while it is on it."""
    payment: Payment | None = getattr(entry, "payment", None)
    if payment is None or not payment.pending_left or maturing.is_due(payment, now):
        return ""
    if payment.held:
        return "Held: its hours are disputed"
    return f"Pending until {moments.day(payment.available_at)}"


def _refundable(entry: Entry, now: datetime) -> Payment | None:
    payment: Payment | None = getattr(entry, "payment", None)
    if payment is None or rules.still_refundable(payment, now) is not None:
        return None
    return payment


def _sum(transfers: Iterable[Transfer], book: Book) -> Money:
    return total([one.amount for one in transfers], book.currency)


def _signed(amount: Money) -> str:
    if not amount:
        return ""
    return f"+{amount}" if amount.minor > 0 else f"−{-amount}"
