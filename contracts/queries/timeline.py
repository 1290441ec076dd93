"""The timeline of a contract: what happened, what was paid, what was written, newest first.

Feedback is told nowhere here: while it is sealed, not even that it exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import OuterRef, Subquery

from contracts.models import Contract, ContractHistory, Message, Milestone, Week
from contracts.states import Side
from contracts.waiting import dispute_of
from marketplace.models import ActedOn
from marketplace.money import Money
from marketplace.states import ActorKind
from payments.models import BookHistory, Entry, RequestStatement, SplitProposal, Transfer
from payments.states import DISCUSSED_REQUESTS, EntryKind, StatementKind

SHOWN: Final = 50
"""The newest events of each source."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line. A message has an author and a text, anything else an icon and words."""

    at: datetime
    order: int
    icon: str = ""
    words: str = ""
    amount: Money | None = None
    note: str = ""
    author: str = ""
    initials: str = ""
    text: str = ""


def timeline_of(
    contract: Contract,
    side: Side,
    *,
    milestones: Iterable[Milestone],
    weeks: Iterable[Week] = (),
    moved: Iterable[Transfer],
    has_request: bool,
) -> list[Event]:
    """The newest events, as this side reads them; two queries, up to two more with a request.

    Args:
        milestones: all of the contract's, to name them.
        weeks: the recent ones with their disputes, to name them; older ones are left out.
        moved: its transfers, with their entries.
        has_request: whether there ever was an escrow refund request.
    """
    names = {("milestone", one.pk): f"milestone {one.number}" for one in milestones}
    amounts = {}
    for week in weeks:
        names["week", week.pk] = f"the {week}"
        amounts["week", week.pk] = week.amount
        dispute = dispute_of(week)
        if dispute is not None:
            names["hoursdispute", dispute.pk] = f"the {week}"
    events = [
        *_changes(contract, side, names, amounts),
        *(_requests(contract, side) if has_request else ()),
        *money_events(contract, side, moved),
        *_messages(contract, side),
    ]
    return sorted(events, key=lambda one: (one.at, one.order), reverse=True)[:SHOWN]


def money_events(contract: Contract, side: Side, moved: Iterable[Transfer]) -> Iterator[Event]:
    """What entered or left escrow, and refunds, from the ledger's transfers."""
    sums: dict[int, tuple[Entry, Money]] = {}
    for transfer in moved:
        entry, known = transfer.entry, sums.get(transfer.entry_id)
        sums[entry.pk] = (entry, transfer.amount + known[1] if known else transfer.amount)
    names = _names(contract, side)
    for entry, amount in sums.values():
        if entry.kind not in _MONEY:
            continue
        icon, words = _MONEY[EntryKind(entry.kind)]
        by_itself = entry.kind == EntryKind.RELEASE and entry.actor_kind == ActorKind.PLATFORM
        said = "Released automatically" if by_itself else words.format(**names)
        note = "" if entry.kind == EntryKind.BONUS else entry.memo
        yield Event(entry.at, 500, icon=icon, words=said, amount=amount, note=note)


_CONTRACT: Final = {
    "create": ("paper-airplane", "{who} sent the offer"),
    "accept": ("hand-thumb-up", "{who} accepted the offer"),
    "decline": ("hand-thumb-down", "{who} declined the offer"),
    "withdraw": ("arrow-uturn-left", "{who} withdrew the offer"),
    "expire": ("clock", "The offer expired"),
    "pause": ("pause", "{who} paused the contract"),
    "restart": ("play", "{who} restarted the contract"),
    "end": ("check-circle", "{who} ended the contract"),
}
_WEEK: Final = {
    "invoice": ("document-text", "Invoiced: the hours of {what}"),
    "fail": ("exclamation-triangle", "The charge for {what} was declined"),
    "hand_over": ("lifebuoy", "What is owed for {what} is with support"),
    "reverse_all": ("arrow-uturn-left", "Nothing is owed any more for {what}"),
    "write_off": ("x-circle", "{who} wrote off what was owed for {what}"),
}
_DISPUTE: Final = {
    "create": ("hand-raised", "{who} disputed hours of {what}"),
    "accept": ("check", "{who} gave the disputed hours of {what} back"),
    "decline": ("hand-raised", "{who} stood by the disputed hours of {what}; support decides"),
    "escalate": ("lifebuoy", "The dispute of {what} was not answered in time; support decides"),
    "withdraw": ("arrow-uturn-left", "{who} took the dispute of {what} back"),
    "decide": ("scale", "{who} decided about the disputed hours of {what}"),
}
_DORMANCY: Final = {
    "create": ("moon", "The contract is dormant; {client_is} asked what becomes of the escrow"),
    "ask_talent": ("moon", "{talent_is} asked what becomes of the escrow"),
    "ask_for_release": ("hand-raised", "{who} asked for the release of what is in escrow"),
    "wake": ("play", "The contract goes on; it is not dormant any more"),
}
_BONUS_REQUEST: Final = {
    "create": ("gift", "{who} asked for a bonus for unrecorded time"),
    "decline": ("hand-thumb-down", "{who} declined the bonus that was asked for"),
    "withdraw": ("arrow-uturn-left", "{who} took the request for a bonus back"),
    "expire": ("clock", "The request for a bonus was not answered"),
}
_TOLD_WITH_REASON: Final = ("pause", "restart")
_MILESTONE: Final = {
    "agree": ("hand-thumb-up", "{who} agreed to {what}"),
    "decline": ("hand-thumb-down", "{who} declined {what}"),
    "take_back_proposal": ("arrow-uturn-left", "{who} took the proposal of {what} back"),
    "revise": ("pencil-square", "{who} changed {what}"),
    "delete_planned": ("trash", "{who} deleted {what}"),
    "submit": ("inbox-arrow-down", "{who} submitted {what}"),
    "take_back": ("arrow-uturn-left", "{who} took the submission of {what} back"),
    "ask_for_changes": ("arrow-path", "{who} asked for changes to {what}"),
    "extend": ("clock", "{who} extended the review of {what}"),
}
_REQUEST: Final = {
    "create": ("scale", "The return of what is left in escrow was requested"),
    "accept": ("check", "{who} let the money in escrow go back"),
    "decline": ("hand-raised", "{who} declined the return from escrow; support decides"),
    "dispute": ("hand-raised", "{who} disputed the return from escrow"),
    "reject": ("hand-raised", "{who} rejected the dispute; support mediates"),
    "withdraw": ("banknotes", "{who} chose to pay what was in escrow"),
    "concede": ("banknotes", "{who} chose to pay what was in escrow"),
    "concede_by_silence": ("clock", "The dispute was not answered in time; the escrow is paid"),
    "lapse": ("clock", "The request was not answered in time"),
    "escalate": ("lifebuoy", "The request was not answered in time; support decides"),
    "mediate": ("lifebuoy", "{who} mediates about what was left in escrow"),
    "decide": ("scale", "{who} decided about what was left in escrow"),
}
_SPLIT: Final = {
    "create": ("scale", "{who} proposed a split of the escrow: {parts}"),
    "agree": ("hand-thumb-up", "{who} accepted support's split; the other side has to, too"),
    "accept": ("hand-thumb-up", "{who} accepted the split of the escrow: {parts}"),
    "decline": ("hand-thumb-down", "{who} declined the split of the escrow"),
    "lapse": ("clock", "The split of the escrow was not accepted in time"),
    "take_back": ("arrow-uturn-left", "{who} took the split of the escrow back"),
}
_SAID: Final = {
    StatementKind.ADDITION: "{who} added to what was said about the escrow",
    StatementKind.NOTE: "{who} wrote to both sides about the escrow",
}
"""A dispute and its rejection are told by the request."""
_MONEY: Final = {
    EntryKind.FUND: ("lock-closed", "{client} put into escrow"),
    EntryKind.RELEASE: ("banknotes", "{client} released"),
    EntryKind.RETURN: ("arrow-uturn-left", "Returned from escrow to {to_client}"),
    EntryKind.REFUND: ("arrow-uturn-left", "{talent} refunded"),
    EntryKind.HOURS: ("banknotes", "{client} paid the hours"),
    EntryKind.HOURS_REVERSAL: ("arrow-uturn-left", "Hours reversed, back to {to_client}"),
    EntryKind.BONUS: ("gift", "{client} gave a bonus"),
}


def _changes(
    contract: Contract,
    side: Side,
    names: Mapping[tuple[str, int], str],
    amounts: Mapping[tuple[str, int], Money | None],
) -> Iterator[Event]:
    rows = contract.history.select_related("actor_membership").order_by("-sequence")
    for row in rows[:SHOWN]:
        icon, words = _words_of(row)
        came_with_the_offer = row.transition == "create" and row.at == contract.offered_at
        if row.row_label == "milestone" and came_with_the_offer:
            continue
        if row.row_label == "dormancy" and row.at == contract.ended_at:
            continue
        what = names.get((row.row_label, row.row_id), "")
        if words and (what or row.row_label not in ("week", "hoursdispute")):
            said = words.format(who=_who(row, contract, side), what=what, **_asked(contract, side))
            if row.transition == "end" and row.actor_kind == ActorKind.STAFF:
                said += f" for {_for_whom(contract, side)}"
            amount = (
                amounts.get((row.row_label, row.row_id)) if row.transition == "invoice" else None
            )
            note = _note(contract, row)
            yield Event(row.at, row.sequence, icon=icon, words=said, amount=amount, note=note)


def _note(contract: Contract, row: ContractHistory) -> str:
    """What both sides read beside it; other reasons are private."""
    if row.row_label != "contract":
        return ""
    if row.transition in _TOLD_WITH_REASON:
        return row.reason
    if row.transition == "end" and row.actor_kind == ActorKind.PLATFORM:
        return "Nobody acted while it was dormant."
    return contract.end_note if row.transition == "end" else ""


def _words_of(row: ContractHistory) -> tuple[str, str]:
    """Changes that moved money are told by the books instead."""
    of_row = {
        "contract": _CONTRACT,
        "week": _WEEK,
        "hoursdispute": _DISPUTE,
        "bonusrequest": _BONUS_REQUEST,
        "bonus": {},
        "dormancy": _DORMANCY,
    }
    if row.row_label in of_row:
        return of_row[row.row_label].get(row.transition, ("", ""))
    if row.transition == "create":
        proposed = row.target == "proposed"
        return ("plus-circle", "{who} " + ("proposed" if proposed else "added") + " {what}")
    return _MILESTONE.get(row.transition, ("", ""))


def _requests(contract: Contract, side: Side) -> Iterator[Event]:
    """The request and its splits; one query more for what was said once it was disputed."""
    rows = _request_rows(contract)
    settling = {row.sequence for row in rows if row.transition in _REQUEST}
    for row in rows:
        of_split = row.row_label == "splitproposal"
        if of_split and row.transition == "take_back" and row.sequence - 1 in settling:
            continue  # it ended with its request, which is told
        icon, words = (_SPLIT if of_split else _REQUEST).get(row.transition, ("", ""))
        if words:
            parts = _parts_of(row, contract, side) if of_split else ""
            said = words.format(who=_who(row, contract, side), parts=parts)
            yield Event(row.at, 1000 + row.sequence, icon=icon, words=said)
    if any(row.target in DISCUSSED_REQUESTS for row in rows):
        yield from _statements(contract, side)


def _request_rows(contract: Contract) -> list[BookHistory]:
    """Each with the part of the request's amount that a split gives the talent."""
    split = SplitProposal.objects.filter(pk=OuterRef("row_id")).values("to_talent_minor")
    rows = BookHistory.objects.filter(
        book=contract.book_id, row_label__in=("escrowrefundrequest", "splitproposal")
    )
    found = rows.select_related("actor_membership").annotate(split_minor=Subquery(split))
    return list(found.order_by("-sequence")[:SHOWN])


def _parts_of(row: BookHistory, contract: Contract, side: Side) -> str:
    to_talent = Money(row.split_minor, contract.currency)  # type: ignore[attr-defined]
    to_client = contract.book.escrow_refund_request.amount - to_talent
    client = "you" if side is Side.CLIENT else contract.client.name
    talent = "you" if side is Side.TALENT else contract.talent.name
    return f"{to_talent} to {talent}, {to_client} to {client}"


def _statements(contract: Contract, side: Side) -> Iterator[Event]:
    said = RequestStatement.objects.filter(
        request=contract.book.escrow_refund_request, kind__in=tuple(_SAID)
    )
    for one in said.select_related("actor_membership").order_by("-at", "-pk")[:SHOWN]:
        words = _SAID[StatementKind(one.kind)].format(who=_who(one, contract, side))
        yield Event(one.at, 1500, icon="chat-bubble-left-right", words=words)


def _messages(contract: Contract, side: Side) -> Iterator[Event]:
    written = Message.objects.filter(contract=contract).select_related("author__party")
    for message in written.order_by("-id")[:SHOWN]:
        party = message.author.party
        yield Event(
            message.at,
            2000,
            author="You" if contract.side_of(party.pk) is side else party.name,
            initials=party.initials,
            text=message.text,
        )


def _names(contract: Contract, side: Side) -> dict[str, str]:
    is_client = side is Side.CLIENT
    return {
        "client": "You" if is_client else contract.client.name,
        "to_client": "you" if is_client else contract.client.name,
        "talent": contract.talent.name if is_client else "You",
    }


def _asked(contract: Contract, side: Side) -> dict[str, str]:
    """Whom a dormant contract asks, to go on with *asked*."""
    is_client = side is Side.CLIENT
    return {
        "client_is": "you are" if is_client else f"{contract.client.name} is",
        "talent_is": f"{contract.talent.name} is" if is_client else "You are",
    }


def _for_whom(contract: Contract, side: Side) -> str:
    """Whose end support carried out."""
    ended = Side(contract.ended_side)
    return "you" if ended is side else contract.party(ended).name


def _who(row: ActedOn, contract: Contract, side: Side) -> str:
    if row.actor_kind == ActorKind.STAFF:
        return "Support"
    if row.actor_membership is None:
        return "Closeout"
    acted = contract.side_of(row.actor_membership.party_id)
    return "You" if acted is side or acted is None else contract.party(acted).name
