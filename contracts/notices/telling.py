"""How both sides of a contract are told: each in words of its side, in one batch."""

from __future__ import annotations

from typing import Any, Final

from django.urls import reverse

from contracts.models import Assignment, Contract
from contracts.states import Side
from marketplace import notices
from marketplace.actors import PLATFORM, Actor
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


class Letters:
    """Money notices about several contracts, written together.

    Their readers, owners and managers of both sides, are found with one query.
    """

    def __init__(self) -> None:
        self._told: list[tuple[Kind, Contract, dict[str, Any]]] = []

    def add(self, kind: Kind, contract: Contract, **given: Any) -> None:
        """Collect a notice; ``given`` as for :func:`add`, ``by`` is the platform."""
        self._told.append((kind, contract, given))

    def write(self) -> None:
        """Write what was collected."""
        if not self._told:
            return
        parties = {
            party.pk: party
            for _, contract, _ in self._told
            for party in (contract.client, contract.talent)
        }
        people: dict[int, list[notices.Recipient]] = {pk: [] for pk in parties}
        for one in notices.managers_of(*parties.values()):
            people[one.party_id].append(one)
        batch = Batch()
        for kind, contract, given in self._told:
            both = [*people[contract.client_id], *people[contract.talent_id]]
            add(batch, both, kind, contract, by=PLATFORM, **given)
        self._told = []
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
