"""The people of a contract: who works on it, and who else of the talent's team could."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from contracts import assignments, rules
from contracts.queries.room import Room
from marketplace.models import Membership
from marketplace.refusals import Refusal


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One person; ``url`` is where a button changes it, empty where the reader may not."""

    name: str
    role: str
    label: str
    url: str
    fields: dict[str, int]
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """Who works on it, and ``others`` of the team for those who may change it."""

    working: Sequence[PersonRow]
    others: Sequence[PersonRow]
    why_not: Refusal | None


def people_of(room: Room) -> PeoplePage:
    """The page's content; one query, one more for those who may change it."""
    contract = room.contract
    why_not = rules.talent_assigns(contract, room.actor)
    working = assignments.current(contract)
    busy = {one.membership_id for one in working}
    team = [] if why_not else assignments.team_of(contract)
    return PeoplePage(
        working=[
            _row(room, one.membership, "" if why_not else "release", since=one.since)
            for one in working
        ],
        others=[_row(room, one, "assign") for one in team if one.pk not in busy],
        why_not=why_not,
    )


def _row(
    room: Room, membership: Membership, verb: str, *, since: datetime | None = None
) -> PersonRow:
    return PersonRow(
        name=membership.user.name,
        role=membership.get_role_display().lower(),
        label=f"{verb.capitalize()} {membership.user.name}" if verb else "",
        url=reverse(f"contract_people_{verb}", args=[room.reference]) if verb else "",
        fields={"membership": membership.pk},
        since=since,
    )
