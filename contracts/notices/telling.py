"""How both sides of a contract are told: each in words of its side, in one batch."""

from __future__ import annotations

from typing import Any, Final

from django.urls import reverse

from contracts.models import Assignment, Contract
from contracts.states import Side
from marketplace import notices
from marketplace.actors import Actor
from marketplace.notices import Batch, Kind, of_party

BOTH: Final = (Side.CLIENT, Side.TALENT)


def tell(
    kind: Kind,
    contract: Contract,
    *,
    by: Actor,
    sides: tuple[Side, ...] = BOTH,
    path: str = "",
    **facts: Any,
) -> None:
    batch = Batch()
    add(
        batch,
        people_of(contract),
        kind,
        contract,
        by=by,
        path=path or room_of(contract),
        sides=sides,
        facts=facts,
    )
    batch.write()


def add(
    batch: Batch,
    people: list[notices.Recipient],
    kind: Kind,
    contract: Contract,
    *,
    by: Actor,
    path: str,
    facts: dict[str, Any],
    sides: tuple[Side, ...] = BOTH,
) -> None:
    for side in sides:
        party = contract.party(side)
        batch.add(
            kind,
            to=of_party(people, party),
            path=path,
            facts={
                "title": contract.title,
                "side": side,
                "other": contract.party(side.other).name,
                "own": by.party_id == party.pk,
                **facts,
            },
        )


def people_of(contract: Contract) -> list[notices.Recipient]:
    """Owners and managers of both sides, and who is assigned; one query."""
    assigned = Assignment.objects.filter(contract=contract, until=None).values("membership")
    return notices.people_of(contract.client, contract.talent, members=assigned)


def room_of(contract: Contract) -> str:
    return reverse("room", args=[contract.reference])
