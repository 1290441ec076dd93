"""Deliveries and payments, the end, and what was said since, on the line that both sides see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from contracts.models import Submission
from contracts.queries.requests import RequestPage
from contracts.states import Side
from marketplace.models import ActedOn
from marketplace.states import ActorKind
from payments.models import BookHistory, Payment, RequestStatement, SplitProposal
from payments.states import StatementKind

SETTLED: Final = {
    "accept": ("check", "{who} let {amount} go back"),
    "withdraw": ("banknotes", "{who} chose to pay {talent} {amount} instead"),
    "concede": ("banknotes", "{who} chose to pay {talent} {amount} instead"),
    "lapse": ("clock", "The request was not answered in time: {amount} went back"),
    "concede_by_silence": (
        "clock",
        "The dispute was not answered in time: {amount} was paid to {talent}",
    ),
    "decide": ("scale", "{who} decided: {to_talent} to {talent}, {to_client} to {client}"),
}
MOVED: Final = {
    **SETTLED,
    "escalate": ("lifebuoy", "The request was not answered in time; it went to support"),
    "mediate": ("lifebuoy", "{who} began to mediate"),
}
OF_SPLIT: Final = {
    "agree": ("hand-thumb-up", "{who} accepted the split"),
    "accept": ("hand-thumb-up", "{who} accepted the split, and it holds"),
    "decline": ("hand-thumb-down", "{who} declined the split"),
    "lapse": ("clock", "The split was not accepted in time"),
    "take_back": ("arrow-uturn-left", "{who} took the split back"),
}
SAID: Final = {
    StatementKind.DISPUTE: "disputed the return",
    StatementKind.REJECTION: "rejected the dispute",
    StatementKind.ADDITION: "added",
    StatementKind.NOTE: "wrote",
}

_ENDED, _MOVED, _SAID, _SPLIT, _SETTLED = range(1, 6)
"""The order of what happened at the same moment; deliveries and payments come first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing on the line, with what was said or handed in; a side's word has its initials."""

    at: datetime
    words: str
    icon: str = ""
    initials: str = ""
    text: str = ""
    links: Sequence[str] = ()
    order: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """What happened, oldest first.

    Attributes:
        since: when the request came into its state.
        payment: what the talent was paid when it was settled.
        has_spoken: the reader's side has said something about the request.
    """

    facts: list[Fact]
    since: datetime
    payment: Payment | None
    has_spoken: bool


def line_of(page: RequestPage) -> Line:
    """The line; four queries."""
    contract, request = page.contract, page.request
    payments = list(contract.book.payments.all())
    statements = list(request.statements.select_related("actor_membership__party"))
    history = list(
        BookHistory.objects.filter(
            book=contract.book_id, row_label__in=("escrowrefundrequest", "splitproposal")
        )
        .select_related("actor_membership__party")
        .order_by("sequence")
    )
    paid = [one for one in payments if request.to_talent and one.paid_at == request.resolved_at]
    facts = [
        *_deliveries(page),
        *_payments(one for one in payments if one not in paid),
        _end(page),
        *_changes(page, history),
        *_statements(page, statements),
    ]
    moved = [one.at for one in history if one.row_label == "escrowrefundrequest"]
    return Line(
        facts=sorted(facts, key=lambda one: (one.at, one.order)),
        since=moved[-1] if moved else request.filed_at,
        payment=paid[0] if paid else None,
        has_spoken=any(_side_of(page, one) is page.side for one in statements),
    )


def _deliveries(page: RequestPage) -> Iterator[Fact]:
    found = Submission.objects.filter(milestone__contract=page.contract)
    for one in found.select_related("milestone"):
        milestone = one.milestone
        who = _named(page, Side.TALENT)
        taken_back = ", and took it back later" if one.taken_back_at else ""
        yield Fact(
            at=one.at,
            icon="inbox-arrow-down",
            words=f"{who} submitted milestone {milestone.number}, {milestone.title}{taken_back}",
            text=one.message,
            links=one.links,
        )


def _payments(payments: Iterable[Payment]) -> Iterator[Fact]:
    for one in payments:
        refunded = f", {one.refunded} of it refunded since" if one.refunded else ""
        words = f"Paid: {one.title}, {one.gross}{refunded}"
        yield Fact(at=one.paid_at, icon="banknotes", words=words)


def _end(page: RequestPage) -> Fact:
    contract = page.contract
    who = _named(page, Side.CLIENT)
    if contract.ended_by_support:
        who = f"Support, for {page.name(Side.CLIENT)},"
    return Fact(
        at=page.request.filed_at,
        icon="flag",
        words=f"{who} ended the contract, with {page.amount} left in escrow",
        text=contract.end_note,
        order=_ENDED,
    )


def _changes(page: RequestPage, history: Sequence[BookHistory]) -> Iterator[Fact]:
    splits = {one.pk: one for one in page.proposals}
    before: BookHistory | None = None
    for row in history:
        if row.row_label == "escrowrefundrequest":
            yield from _of_request(page, row)
        elif not _ended_with(row, before):
            yield from _of_split(page, row, splits[row.row_id])
        before = row


def _of_request(page: RequestPage, row: BookHistory) -> Iterator[Fact]:
    if row.transition not in MOVED:
        return
    request = page.request
    icon, words = MOVED[row.transition]
    said = words.format(
        who=_who(page, row),
        amount=page.amount,
        talent=page.name(Side.TALENT),
        client=page.name(Side.CLIENT),
        to_talent=request.to_talent,
        to_client=request.to_client,
    )
    settles = row.transition in SETTLED
    yield Fact(
        at=request.resolved_at if settles and request.resolved_at else row.at,
        icon=icon,
        words=said,
        text=request.decided_because if settles else "",
        order=_SETTLED if settles else _MOVED,
    )


def _of_split(page: RequestPage, row: BookHistory, split: SplitProposal) -> Iterator[Fact]:
    if row.transition == "create":
        talent, client = page.name(Side.TALENT), page.name(Side.CLIENT)
        yield Fact(
            at=row.at,
            icon="scale",
            words=(
                f"{_who(page, row)} proposed a split: {split.to_talent} to {talent},"
                f" {split.to_client} to {client}"
            ),
            text=split.message,
            order=_SPLIT,
        )
        return
    icon, words = OF_SPLIT[row.transition]
    at = split.closed_at if row.transition == "lapse" and split.closed_at else row.at
    yield Fact(at=at, icon=icon, words=words.format(who=_who(page, row)), order=_SPLIT)


def _ended_with(row: BookHistory, before: BookHistory | None) -> bool:
    """Whether a split went off the table because its request was settled or disputed."""
    return (
        row.transition == "take_back"
        and before is not None
        and before.row_label == "escrowrefundrequest"
        and before.transition in (*SETTLED, "dispute")
        and before.sequence == row.sequence - 1
    )


def _statements(page: RequestPage, statements: Iterable[RequestStatement]) -> Iterator[Fact]:
    for one in statements:
        side = _side_of(page, one)
        yield Fact(
            at=one.at,
            icon="" if side else "lifebuoy",
            initials=page.contract.party(side).initials if side else "",
            words=f"{_who(page, one)} {SAID[StatementKind(one.kind)]}",
            text=one.text,
            links=one.links,
            order=_SAID,
        )


def _who(page: RequestPage, row: ActedOn) -> str:
    if row.actor_kind == ActorKind.PLATFORM:
        return "Closeout"
    side = _side_of(page, row)
    return "Support" if side is None else _named(page, side)


def _side_of(page: RequestPage, row: ActedOn) -> Side | None:
    """Which side acted; none for support and for the clock."""
    member = row.actor_membership
    return None if member is None else page.contract.side_of(member.party_id)


def _named(page: RequestPage, side: Side) -> str:
    return "You" if side is page.side else page.contract.party(side).name
