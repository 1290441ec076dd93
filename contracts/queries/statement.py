"""The statement of a contract: who, since when, which work, and every movement of its money.

Money comes from the ledger (:mod:`payments.queries.closing`); names and hours from what was agreed.
Its dates are UTC, whoever reads it: it is shown to others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from contracts.hours_disputes import given_back
from contracts.models import Contract, Milestone, Week
from contracts.queries.timesheet import title_of
from contracts.states import INVOICED_WEEKS, MilestoneState, Side, WeekState
from contracts.waiting.hours import dispute_of
from marketplace import clock
from marketplace.actors import Actor
from marketplace.money import Money, total, zero
from payments.exports import cell
from payments.models import Book, EscrowRefundRequest, GatewayOperation, Payment
from payments.queries.closing import (
    ClientMoney,
    TalentMoney,
    client_money,
    gross_by_entry,
    statement_movements,
    talent_money,
)
from payments.states import OPEN_OPERATIONS, STANDING_CHARGEBACKS, OperationKind


@dataclass(frozen=True, slots=True)
class WeekLine:
    """An invoiced week: what was billed, what a dispute took back, and when the rest was paid.

    ``state`` says what became of it when it was not paid.
    """

    title: str
    minutes: int
    rate: Money
    amount: Money
    reversed: Money
    paid_at: datetime | None
    state: str


@dataclass(frozen=True, slots=True)
class MilestoneLine:
    """A milestone with its agreed amount; ``paid`` is what was released of it."""

    number: int
    title: str
    amount: Money
    paid: Money | None
    paid_at: datetime | None
    state: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A contract's statement for one side, as of ``made_at``.

    Attributes:
        still_open: what may yet change the figures, in sentences; of a contract that goes on, none.
        client_money, talent_money: the reader's side alone.
    """

    contract: Contract
    side: Side
    made_at: datetime
    still_open: list[str]
    weeks: list[WeekLine]
    milestones: list[MilestoneLine]
    client_money: ClientMoney | None
    talent_money: TalentMoney | None

    @property
    def title(self) -> str:
        if not self.contract.is_ended:
            return "Statement so far"
        return "Closing statement, not final" if self.still_open else "Closing statement"

    @property
    def is_final(self) -> bool:
        return self.contract.is_ended and not self.still_open

    @property
    def file_name(self) -> str:
        """Without its ending."""
        return f"closeout-statement-{self.contract.reference}-{self.made_at:%Y-%m-%d}"

    @property
    def ended_by(self) -> str:
        """Who ended it, in a name that others understand."""
        contract = self.contract
        if contract.ended_by_silence:
            return "Closeout, after nobody answered"
        name = contract.party(Side(contract.ended_side)).name
        return f"support, for {name}" if contract.ended_by_support else name

    @property
    def nothing(self) -> Money:
        """The opening balance."""
        return zero(self.contract.currency)

    @property
    def minutes(self) -> int:
        return sum(one.minutes for one in self.weeks)

    @property
    def hours_amount(self) -> Money:
        return total([one.amount for one in self.weeks], self.contract.currency)

    @property
    def hours_reversed(self) -> Money:
        return total([one.reversed for one in self.weeks], self.contract.currency)

    @property
    def milestones_paid(self) -> Money:
        return total([one.paid for one in self.milestones if one.paid], self.contract.currency)


def statement_of(contract: Contract, actor: Actor) -> Statement:
    """The statement for the actor's side, in at most five queries.

    Args:
        contract: as :func:`contracts.queries.contract_of` reads it.
        actor: a plain member reads it as far as the payments tab goes; what was charged has no
            name for them.
    """
    side = contract.side_of(actor.party_id)
    assert side is not None
    now, book = clock.now(), contract.book
    book.client, book.talent = contract.client, contract.talent
    moved = statement_movements(book)
    payments = list(book.payments.all())
    found = list(contract.weeks.select_related("dispute__reversal")) if contract.is_hourly else []
    gross = gross_by_entry(book, moved)
    is_client = side is Side.CLIENT
    return Statement(
        contract=contract,
        side=side,
        made_at=now,
        still_open=list(_still_open(contract, side, found, now)) if contract.is_ended else [],
        weeks=[_week(contract, one, gross) for one in found if one.state in INVOICED_WEEKS],
        milestones=[] if contract.is_hourly else list(_milestones(contract, payments, gross)),
        client_money=client_money(book, moved, names_methods=actor.manages) if is_client else None,
        talent_money=None if is_client else talent_money(book, moved, payments=payments, now=now),
    )


def csv_rows(statement: Statement) -> Iterator[list[str]]:
    """The lines of money for a spreadsheet: a heading, each line, their sums; amounts in figures.

    Dates are UTC. A line without an amount in a column leaves it empty.
    """
    if statement.client_money is not None:
        return _client_rows(statement.contract, statement.client_money)
    assert statement.talent_money is not None
    return _talent_rows(statement.contract, statement.talent_money)


_BEFORE: Final = ("date", "contract", "what", "for")


def _client_rows(contract: Contract, money: ClientMoney) -> Iterator[list[str]]:
    yield [*_BEFORE, "in", "out", "balance", "currency"]
    for one in money.lines:
        amounts = [one.came_in, one.went_out, one.balance]
        yield _row(contract, day(one.at), one.what, one.detail, amounts)
    yield _row(contract, "", "total", "", [money.all_in, money.all_out, money.in_escrow])


def _talent_rows(contract: Contract, money: TalentMoney) -> Iterator[list[str]]:
    yield [*_BEFORE, "gross", "fee", "net", "balance", "currency"]
    for one in money.lines:
        amounts = [one.gross, -one.fee, one.net, one.balance]
        yield _row(contract, day(one.at), one.what, one.detail, amounts)
    sums = [money.all_gross, -money.all_fees, money.received, money.received]
    yield _row(contract, "", "total", "", sums)


def _row(
    contract: Contract, date: str, what: str, detail: str, amounts: Sequence[Money | None]
) -> list[str]:
    figures = ["" if one is None else one.typed() for one in amounts]
    return [date, contract.reference, cell(what), cell(detail), *figures, contract.currency]


def day(moment: datetime) -> str:
    """2026-11-19, in UTC: for programs to read."""
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


_WEEK_STATES: Final = {
    WeekState.INVOICED: "Being charged",
    WeekState.UNPAID: "Not paid",
    WeekState.REVERSED: "Nothing owed",
    WeekState.WRITTEN_OFF: "Written off",
}


def _week(contract: Contract, week: Week, gross: Mapping[int, Money]) -> WeekLine:
    assert week.amount is not None
    return WeekLine(
        title=title_of(week.starts_on),
        minutes=week.billable_minutes or 0,
        rate=contract.hourly_rate,
        amount=week.amount,
        reversed=_reversed(contract, week, gross),
        paid_at=week.paid_at,
        state=_WEEK_STATES.get(WeekState(week.state), ""),
    )


def _reversed(contract: Contract, week: Week, gross: Mapping[int, Money]) -> Money:
    """What a dispute took back of the payment, or off the invoice before it was paid."""
    dispute = dispute_of(week)
    if dispute is None:
        return zero(contract.currency)
    if dispute.reversal is not None:
        return gross[dispute.reversal.entry_id]
    week.contract, dispute.week = contract, week
    return given_back(dispute)


_MILESTONE_STATES: Final = {
    MilestoneState.PLANNED: "Planned",
    MilestoneState.FUNDED: "In escrow",
    MilestoneState.SUBMITTED: "In escrow, submitted",
    MilestoneState.CHANGES_REQUESTED: "In escrow",
    MilestoneState.CANCELLED: "Cancelled",
}


def _milestones(
    contract: Contract, payments: Sequence[Payment], gross: Mapping[int, Money]
) -> Iterator[MilestoneLine]:
    """Those that were paid or funded, or are planned; what never came to it is left out."""
    paid = {one.pk: gross[one.entry_id] for one in payments}
    for one in contract.milestones.all():
        if one.funded_at is None and one.state != MilestoneState.PLANNED:
            continue
        yield _milestone(one, paid)


def _milestone(one: Milestone, paid: Mapping[int, Money]) -> MilestoneLine:
    return MilestoneLine(
        number=one.number,
        title=one.title,
        amount=one.amount,
        paid=paid[one.payment_id] if one.payment_id else None,
        paid_at=one.paid_at,
        state=_MILESTONE_STATES.get(MilestoneState(one.state), ""),
    )


# What is still open -----------------------------------------------------------------------------


def _still_open(
    contract: Contract, side: Side, found: Sequence[Week], now: datetime
) -> Iterator[str]:
    """What may yet change this side's figures; two queries."""
    yield from _escrow(contract.book)
    for week in found:
        yield from _of_week(week, now)
    yield from _operations(contract.book, side)
    if (
        side is Side.CLIENT
        and contract.book.chargebacks.filter(state__in=STANDING_CHARGEBACKS).exists()
    ):
        yield "A charge is disputed at the bank, which has the money until it has decided."


def _escrow(book: Book) -> Iterator[str]:
    request: EscrowRefundRequest | None = getattr(book, "escrow_refund_request", None)
    if request is not None and request.is_open:
        yield f"{request.amount} in escrow: it is not decided yet to whom it goes."
    elif book.escrow:
        yield f"{book.escrow} is still in escrow."


def _of_week(week: Week, now: datetime) -> Iterator[str]:
    dispute = dispute_of(week)
    if week.is_unbilled:
        yield f"The hours of the {week} are not billed yet."
    elif week.is_owed:
        yield f"The hours of the {week} are not paid yet."
    if dispute is not None and dispute.is_open:
        yield f"Hours of the {week} are disputed."
    elif week.is_in_review(now) and dispute is None:
        yield f"The hours of the {week} can still be disputed."


def _operations(book: Book, side: Side) -> Iterator[str]:
    """Calls to the gateway without an answer; credit on its way back is the client's alone."""
    found = GatewayOperation.objects.filter(book=book, state__in=OPEN_OPERATIONS).order_by("pk")
    for one in found:
        if one.kind == OperationKind.CHARGE:
            yield f"A charge of {one.amount} is not confirmed yet."
        elif side is Side.CLIENT:
            yield f"{one.amount} is on its way back to a payment method."
