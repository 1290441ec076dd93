"""What the timeline tells of escrow that was asked back: the request, its splits, what was said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import BigIntegerField, CharField, IntegerField, OuterRef, Subquery, Value

from contracts.models import Contract
from contracts.queries.events import SHOWN, Event, who
from contracts.states import Side
from marketplace.money import Money
from payments.models import BookHistory, EscrowRefundRequest, RequestStatement, SplitProposal
from payments.states import StatementKind

_LABEL: Final = EscrowRefundRequest._meta.model_name
_SPLIT_LABEL: Final = SplitProposal._meta.model_name
_ACTOR: Final = ("actor_kind", "actor_membership__party")

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
    StatementKind.ADDITION: ("chat-bubble-left-right", "{who} added to what was said"),
    StatementKind.NOTE: ("chat-bubble-left-right", "{who} wrote to both sides"),
}
"""A dispute and its rejection are told by the request."""
_WORDS: Final[dict[str | None, dict[str, tuple[str, str]]]] = {
    _LABEL: _REQUEST,
    _SPLIT_LABEL: _SPLIT,
    "": {kind.value: words for kind, words in _SAID.items()},
}


@dataclass(frozen=True, slots=True)
class _Deed:
    """A change of the request or a split, or (without a label) something that was said."""

    at: datetime
    sequence: int
    label: str
    name: str
    actor_kind: str
    party_id: int | None
    split_minor: int | None


def return_events(contract: Contract, side: Side) -> Iterator[Event]:
    """The newest, as a side reads them; one query. The contract's request was read along."""
    deeds = _deeds(contract)
    told = {one.sequence for one in deeds if one.label == _LABEL and one.name in _REQUEST}
    for deed in deeds:
        icon, words = _WORDS[deed.label].get(deed.name, ("", ""))
        if words and not _ended_with_its_request(deed, told):
            acted = who(deed.actor_kind, deed.party_id, contract, side)
            said = words.format(who=acted, parts=_parts(deed, contract, side))
            yield Event(deed.at, 1000 + deed.sequence, icon=icon, words=said)


def _ended_with_its_request(deed: _Deed, told: set[int]) -> bool:
    """Whether a split was only closed because the request was answered, which is told."""
    taken_back = deed.label == _SPLIT_LABEL and deed.name == "take_back"
    return taken_back and deed.sequence - 1 in told


def _deeds(contract: Contract) -> list[_Deed]:
    """Newest first. A split's part for the talent stands with each of its changes."""
    split = SplitProposal.objects.filter(pk=OuterRef("row_id")).values("to_talent_minor")
    changed = (
        BookHistory.objects.filter(book=contract.book_id, row_label__in=(_LABEL, _SPLIT_LABEL))
        .annotate(split_minor=Subquery(split, output_field=BigIntegerField()))
        .values_list("at", "sequence", "row_label", "transition", *_ACTOR, "split_minor")
    )
    said = (
        RequestStatement.objects.filter(request__book=contract.book_id, kind__in=tuple(_SAID))
        .annotate(
            sequence=Value(0, output_field=IntegerField()),
            label=Value("", output_field=CharField()),
            split_minor=Value(None, output_field=BigIntegerField()),
        )
        .values_list("at", "sequence", "label", "kind", *_ACTOR, "split_minor")
    )
    both: Any = changed.order_by().union(said.order_by(), all=True)
    return [_Deed(*row) for row in both.order_by("-at", "-sequence")[:SHOWN]]


def _parts(deed: _Deed, contract: Contract, side: Side) -> str:
    if deed.split_minor is None:
        return ""
    to_talent = Money(deed.split_minor, contract.currency)
    to_client = contract.book.escrow_refund_request.amount - to_talent
    client = "you" if side is Side.CLIENT else contract.client.name
    talent = "you" if side is Side.TALENT else contract.talent.name
    return f"{to_talent} to {talent}, {to_client} to {client}"
