"""A contract's money as a statement: each side's lines, from the transfers of its book alone.

A client's statement balances over what is in escrow: whatever came in to the contract has gone out
of it again, or is in escrow. Credit is outside of it, because it may pay other contracts too; what
one transaction brings into credit and spends at once did not use any. A talent's statement adds up
to what it has received.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from django.db.models import TextChoices

from marketplace.money import Money, total, zero
from payments import maturing
from payments.models import Book, Entry, GatewayOperation, Payment, Transfer
from payments.states import GIVING_BACK_ENTRIES, PAYING_ENTRIES, EntryKind


class Flow(TextChoices):
    """Ways in which a client's money comes in to a contract, and goes out of it."""

    CHARGED = "charged", "Charged to payment methods"
    CREDIT_USED = "credit_used", "Credit used"
    REFUNDED = "refunded", "Refunded by {talent}"
    REVERSED = "reversed", "Hours reversed"
    CAME_BACK = "came_back", "Came back instead of reaching a payment method"
    GIVEN_BACK = "given_back", "Given back by the bank"
    BORNE = "borne", "Borne by Closeout"
    CORRECTED_IN = "corrected_in", "Corrections in favor of {client}"

    PAID = "paid", "Paid to {talent}"
    RETURNED = "returned", "Returned from escrow to credit"
    CREDITED = "credited", "Added to credit"
    SENT_BACK = "sent_back", "Sent back to payment methods"
    TAKEN_BACK = "taken_back", "Taken back by the bank"
    MADE_GOOD = "made_good", "Made good to Closeout"
    CORRECTED_OUT = "corrected_out", "Corrections against {client}"


COMES_IN: Final = (
    Flow.CHARGED,
    Flow.CREDIT_USED,
    Flow.REFUNDED,
    Flow.REVERSED,
    Flow.CAME_BACK,
    Flow.GIVEN_BACK,
    Flow.BORNE,
    Flow.CORRECTED_IN,
)
GOES_OUT: Final = tuple(one for one in Flow if one not in COMES_IN)

_INTO: Final = {
    EntryKind.CHARGE: Flow.CHARGED,
    EntryKind.REFUND: Flow.REFUNDED,
    EntryKind.HOURS_REVERSAL: Flow.REVERSED,
    EntryKind.PAYOUT_FAILED: Flow.CAME_BACK,
    EntryKind.CHARGEBACK: Flow.GIVEN_BACK,
    EntryKind.CORRECTION: Flow.CORRECTED_IN,
}
_OUT_OF: Final = {
    EntryKind.RELEASE: Flow.PAID,
    EntryKind.HOURS: Flow.PAID,
    EntryKind.BONUS: Flow.PAID,
    EntryKind.CREDIT_BACK: Flow.SENT_BACK,
    EntryKind.CHARGEBACK: Flow.TAKEN_BACK,
    EntryKind.CORRECTION: Flow.CORRECTED_OUT,
}
_SPENDING: Final = (EntryKind.FUND, EntryKind.HOURS, EntryKind.BONUS)


@dataclass(frozen=True, slots=True)
class ClientLine:
    """What came in or went out, and what was then held; after each transaction that is escrow."""

    at: datetime
    flow: Flow
    what: str
    detail: str
    amount: Money
    balance: Money

    @property
    def came_in(self) -> Money | None:
        return self.amount if self.flow in COMES_IN else None

    @property
    def went_out(self) -> Money | None:
        return None if self.flow in COMES_IN else self.amount


@dataclass(frozen=True, slots=True)
class TalentLine:
    """One movement of the talent's money, signed: gross = fee + net; ``balance`` runs along."""

    at: datetime
    kind: EntryKind
    what: str
    detail: str
    gross: Money
    fee: Money
    net: Money
    balance: Money

    @property
    def words(self) -> list[str]:
        """Gross, what the fee takes or gives, and net."""
        return [signed(self.gross), signed(-self.fee), signed(self.net)]


@dataclass(frozen=True, slots=True)
class Sum:
    """One term of what adds up, with a word for it; ``amount`` is below zero where it is taken."""

    label: str
    word: str
    amount: Money

    @property
    def words(self) -> str:
        return signed(self.amount)

    @property
    def term(self) -> str:
        return f"{self.words} {self.word}"


@dataclass(frozen=True, slots=True)
class ClientMoney:
    """A client's lines and sums: all that came in is what went out and what is in escrow.

    ``kept_by_talent`` is what the contract cost: what was paid, less what came back of it.
    """

    lines: list[ClientLine]
    came_in: list[Sum]
    went_out: list[Sum]
    in_escrow: Money
    kept_by_talent: Money

    @property
    def all_in(self) -> Money:
        return total([one.amount for one in self.came_in], self.in_escrow.currency)

    @property
    def all_out(self) -> Money:
        return total([one.amount for one in self.went_out], self.in_escrow.currency)

    @property
    def equation(self) -> str:
        """The two sides written out: what came in = what went out + what is in escrow."""
        if not self.lines:
            return ""
        in_escrow = Sum("", "in escrow", self.in_escrow)
        came_in = " + ".join(one.term for one in self.came_in)
        return f"{came_in} = {' + '.join(one.term for one in (*self.went_out, in_escrow))}"

    @property
    def adds_up(self) -> bool:
        ran = self.lines[-1].balance if self.lines else zero(self.in_escrow.currency)
        return self.all_in - self.all_out == self.in_escrow == ran


@dataclass(frozen=True, slots=True)
class TalentMoney:
    """A talent's lines and sums: gross less fees less what was given back is what it received.

    ``available`` is what became available of it, whether or not it was withdrawn since.
    """

    lines: list[TalentLine]
    gross: Money
    fees: Money
    given_back: Money
    fees_back: Money
    corrected: Money
    pending: Money
    available: Money

    @property
    def received(self) -> Money:
        return self.all_gross - self.all_fees

    @property
    def all_gross(self) -> Money:
        """Of all lines together: what was paid less what was given back, and corrections."""
        return self.gross - self.given_back + self.corrected

    @property
    def all_fees(self) -> Money:
        """What the fees came to, less what was returned of them."""
        return self.fees - self.fees_back

    @property
    def equation(self) -> str:
        """What was paid, less and plus the rest = what was received = where it is."""
        if not self.terms:
            return ""
        first, *others = self.terms
        written = first.term + "".join(
            f" − {-one.amount} {one.word}" if one.amount.minor < 0 else f" + {one.term}"
            for one in others
        )
        where = f"{self.pending} pending + {signed(self.available)} available"
        return f"{written} = {signed(self.received)} received = {where}"

    @property
    def total_words(self) -> list[str]:
        """All lines together: gross, fee and net."""
        return [signed(self.all_gross), signed(-self.all_fees), signed(self.received)]

    @property
    def terms(self) -> list[Sum]:
        """What was paid, and all that was taken from it or added: together what was received."""
        terms = (
            Sum("Gross payments", "gross", self.gross),
            Sum("Fees", "fees", -self.fees),
            Sum("Given back to the client", "given back", -self.given_back),
            Sum("Fees returned with it", "fees returned", self.fees_back),
            Sum("Corrections", "corrections", self.corrected),
        )
        return [one for one in terms if one.amount]

    @property
    def adds_up(self) -> bool:
        ran = self.lines[-1].balance if self.lines else zero(self.gross.currency)
        return self.received == self.pending + self.available == ran


def signed(amount: Money) -> str:
    """An amount with a minus before it when it is below zero: −$90.00."""
    return f"−{-amount}" if amount.minor < 0 else str(amount)


def statement_movements(book: Book) -> list[Transfer]:
    """Every transfer of a contract, oldest first, with its entry and its call; one query."""
    found = Transfer.objects.filter(entry__book=book)
    return list(found.select_related("entry__operation").order_by("pk"))


def gross_by_entry(book: Book, moved: Iterable[Transfer]) -> dict[int, Money]:
    """What each entry that paid or gave back moved in gross, by the entry's id."""
    sums: dict[int, Money] = {}
    for one in moved:
        if one.entry.kind in (*PAYING_ENTRIES, *GIVING_BACK_ENTRIES):
            sums[one.entry_id] = one.amount + sums.get(one.entry_id, zero(book.currency))
    return sums


def client_money(book: Book, moved: Sequence[Transfer], *, names_methods: bool) -> ClientMoney:
    """The client's side; no queries when the book came with its parties.

    Args:
        moved: the book's :func:`statement_movements`.
        names_methods: whether the reader may know what was charged, or sent back to.
    """
    lines = list(_client_lines(book, moved, names_methods=names_methods))
    sums = _by_flow(lines, book.currency)
    paid = sums[Flow.PAID] - sums[Flow.REFUNDED] - sums[Flow.REVERSED]
    return ClientMoney(
        lines=lines,
        came_in=[_sum(one, book, sums[one]) for one in COMES_IN if sums[one]],
        went_out=[_sum(one, book, sums[one]) for one in GOES_OUT if sums[one]],
        in_escrow=_gained(moved, book.escrow_account_id, book.currency),
        kept_by_talent=paid,
    )


def talent_money(
    book: Book, moved: Sequence[Transfer], *, payments: Iterable[Payment], now: datetime
) -> TalentMoney:
    """The talent's side; no queries when the book came with its parties.

    Args:
        moved: the book's :func:`statement_movements`.
        payments: the book's. What is due counts as available, whether or not a sweep came by.
    """
    lines = list(_talent_lines(book, moved))
    nothing = zero(book.currency)
    paid = [one for one in lines if one.kind in PAYING_ENTRIES]
    back = [one for one in lines if one.kind in GIVING_BACK_ENTRIES]
    others = [one.net for one in lines if one not in paid and one not in back]
    due = total([one.pending_left for one in payments if maturing.is_due(one, now)], book.currency)
    return TalentMoney(
        lines=lines,
        gross=sum((one.gross for one in paid), start=nothing),
        fees=sum((one.fee for one in paid), start=nothing),
        given_back=-sum((one.gross for one in back), start=nothing),
        fees_back=-sum((one.fee for one in back), start=nothing),
        corrected=total(others, book.currency),
        pending=_gained(moved, book.pending_account_id, book.currency) - due,
        available=_gained(moved, book.available_account_id, book.currency) + due,
    )


# The client -------------------------------------------------------------------------------------

_Flowing = tuple[Entry, Flow, Money, str]


def _client_lines(
    book: Book, moved: Sequence[Transfer], *, names_methods: bool
) -> Iterator[ClientLine]:
    balance = zero(book.currency)
    for _, of_event in groupby(moved, key=_event_of):
        for entry, flow, amount, detail in _Event(book, list(of_event)).flows():
            balance += amount if flow in COMES_IN else -amount
            what = _what(entry, flow, book, names_methods=names_methods)
            yield ClientLine(entry.at, flow, what, detail, amount, balance)


class _Event:
    """What one transaction did to a client's money. Its credit there begins and ends at zero."""

    def __init__(self, book: Book, moved: list[Transfer]) -> None:
        self.book = book
        self.moved = moved
        self.credit = self.returned = zero(book.currency)

    def flows(self) -> Iterator[_Flowing]:
        for _, of_entry in groupby(self.moved, key=lambda one: one.entry_id):
            yield from self._entry(list(of_entry))
        last = self.moved[-1].entry
        returned = min(self.credit, self.returned)
        if returned:
            yield last, Flow.RETURNED, returned, last.memo
        if self.credit > returned:
            yield last, Flow.CREDITED, self.credit - returned, last.memo

    def _entry(self, transfers: list[Transfer]) -> Iterator[_Flowing]:
        """One entry. What it takes of credit beyond what its transaction brought, was used of it.

        What the bank takes of the operator instead of the client, and gives back to it, is told.
        """
        entry = transfers[0].entry
        credit = self._gained(transfers, self.book.credit_account_id)
        moved = credit + self._gained(transfers, self.book.escrow_account_id)
        missing = -(self.credit + credit)
        if missing.minor > 0:
            yield entry, Flow.CREDIT_USED, missing, entry.memo
        self.credit = max(self.credit + credit, zero(self.book.currency))
        if entry.kind == EntryKind.RETURN:
            self.returned += credit
        if entry.kind == EntryKind.CHARGEBACK:
            yield from self._taken_or_given(entry, transfers, moved)
        elif moved:
            yield from self._crossing(entry, moved)

    def _crossing(self, entry: Entry, moved: Money) -> Iterator[_Flowing]:
        """What came in, or went out."""
        kind, comes_in = EntryKind(entry.kind), moved.minor > 0
        detail = self._spent_on() if kind == EntryKind.CHARGE else entry.memo
        flow = (_INTO if comes_in else _OUT_OF)[kind]
        yield entry, flow, moved if comes_in else -moved, detail

    def _taken_or_given(
        self, entry: Entry, transfers: list[Transfer], moved: Money
    ) -> Iterator[_Flowing]:
        fees = self._gained(transfers, self.book.fees_account_id)
        if fees.minor < 0:
            yield entry, Flow.BORNE, -fees, entry.memo
        yield from self._crossing(entry, moved + fees)
        if fees.minor > 0:
            yield entry, Flow.MADE_GOOD, fees, entry.memo

    def _spent_on(self) -> str:
        """What a charge was for: what its transaction paid with it."""
        memos = [one.entry.memo for one in self.moved if one.entry.kind in _SPENDING]
        return ", ".join(dict.fromkeys(memos))

    def _gained(self, transfers: Iterable[Transfer], account: int) -> Money:
        return _gained(transfers, account, self.book.currency)


def _event_of(transfer: Transfer) -> tuple[str, int]:
    """Alike for what one transaction posted; older entries stand alone."""
    event = transfer.entry.event
    return ("entry", transfer.entry_id) if event is None else ("event", event)


def _what(entry: Entry, flow: Flow, book: Book, *, names_methods: bool) -> str:
    """What happened. The gateway's call knows what was charged, or sent back to."""
    operation: GatewayOperation | None = getattr(entry, "operation", None)
    method = operation.method_label if operation and names_methods else ""
    if flow == Flow.CHARGED:
        return f"Charged to {method}" if method else "Charged to a payment method"
    if flow == Flow.SENT_BACK:
        return f"Sent back to {method}" if method else "Sent back to a payment method"
    if flow == Flow.PAID:
        return f"{_PAID[EntryKind(entry.kind)]} paid to {book.talent.name}"
    return _label(flow, book)


_PAID: Final = {
    EntryKind.RELEASE: "Milestone",
    EntryKind.HOURS: "Hours",
    EntryKind.BONUS: "Bonus",
}


def _by_flow(lines: Iterable[ClientLine], currency: str) -> dict[Flow, Money]:
    sums = dict.fromkeys(Flow, zero(currency))
    for line in lines:
        sums[line.flow] += line.amount
    return sums


def _sum(flow: Flow, book: Book, amount: Money) -> Sum:
    return Sum(_label(flow, book), _WORDS[flow], amount)


_WORDS: Final = {
    Flow.CHARGED: "charged",
    Flow.CREDIT_USED: "credit used",
    Flow.REFUNDED: "refunded",
    Flow.REVERSED: "reversed",
    Flow.CAME_BACK: "came back",
    Flow.GIVEN_BACK: "given back by the bank",
    Flow.BORNE: "borne by Closeout",
    Flow.CORRECTED_IN: "corrected",
    Flow.PAID: "paid",
    Flow.RETURNED: "returned",
    Flow.CREDITED: "to credit",
    Flow.SENT_BACK: "sent back",
    Flow.TAKEN_BACK: "taken back by the bank",
    Flow.MADE_GOOD: "made good",
    Flow.CORRECTED_OUT: "corrected",
}


def _label(flow: Flow, book: Book) -> str:
    return str(flow.label).format(client=book.client.name, talent=book.talent.name)


# The talent -------------------------------------------------------------------------------------


def _talent_lines(book: Book, moved: Iterable[Transfer]) -> Iterator[TalentLine]:
    balance = zero(book.currency)
    for _, of_entry in groupby(moved, key=lambda one: one.entry_id):
        transfers = list(of_entry)
        entry = transfers[0].entry
        net = _net(book, transfers)
        if not net:
            continue
        balance += net
        kind = EntryKind(entry.kind)
        fee = zero(book.currency)
        if kind in (*PAYING_ENTRIES, *GIVING_BACK_ENTRIES):
            fee = _gained(transfers, book.fees_account_id, book.currency)
        what = _TALENT[kind].format(client=book.client.name)
        yield TalentLine(entry.at, kind, what, entry.memo, net + fee, fee, net, balance)


_TALENT: Final = {
    EntryKind.RELEASE: "Milestone paid by {client}",
    EntryKind.HOURS: "Hours paid by {client}",
    EntryKind.BONUS: "Bonus from {client}",
    EntryKind.REFUND: "Refunded to {client}",
    EntryKind.HOURS_REVERSAL: "Hours reversed, back to {client}",
    EntryKind.CORRECTION: "Correction by Closeout",
}


def _net(book: Book, transfers: Sequence[Transfer]) -> Money:
    own = (book.pending_account_id, book.available_account_id)
    return sum(
        (_gained(transfers, account, book.currency) for account in own), start=zero(book.currency)
    )


def _gained(transfers: Iterable[Transfer], account: int, currency: str) -> Money:
    """What an account has more by transfers; less is below zero."""
    minor = 0
    for one in transfers:
        minor += one.amount_minor if one.credit_id == account else 0
        minor -= one.amount_minor if one.debit_id == account else 0
    return Money(minor, currency)
