"""The timeline of a contract: what happened, what was paid, what was written, newest first.

Feedback is told nowhere here: while it is sealed, not even that it exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from contracts.models import Contract, ContractHistory, Message, Milestone, Week
from contracts.queries.events import SHOWN, Event, who_did
from contracts.queries.timeline_return import return_events
from contracts.states import Side
from contracts.waiting.hours import dispute_of
from marketplace.money import Money
from marketplace.states import ActorKind
from payments.models import Entry, Transfer
from payments.states import EntryKind


def timeline_of(
    contract: Contract,
    side: Side,
    *,
    milestones: Iterable[Milestone],
    weeks: Iterable[Week] = (),
    moved: Iterable[Transfer],
    has_request: bool,
) -> list[Event]:
    """The newest events, as this side reads them; two queries, one more with a request.

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
        *(return_events(contract, side) if has_request else ()),
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
            said = words.format(
                who=who_did(row, contract, side), what=what, **_asked(contract, side)
            )
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
