"""One line of a contract's timeline, and who did it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from contracts.models import Contract
from contracts.states import Side
from marketplace.models import ActedOn
from marketplace.money import Money
from marketplace.states import ActorKind

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


def who_did(row: ActedOn, contract: Contract, side: Side) -> str:
    """Who acted, as a side reads it; the row's membership must have been read along."""
    membership = row.actor_membership
    party = membership.party_id if membership else None
    return who(row.actor_kind, party, contract, side)


def who(kind: str, party_id: int | None, contract: Contract, side: Side) -> str:
    """A side by its name, *You*, *Support*, or *Closeout* itself."""
    if kind == ActorKind.STAFF:
        return "Support"
    if party_id is None:
        return "Closeout"
    acted = contract.side_of(party_id)
    return "You" if acted is side or acted is None else contract.party(acted).name
