"""The people of a played market, and looking things up in it by a number that was drawn."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from contracts.models import Assignment, Contract
from contracts.states import Side
from marketplace.actors import Actor
from marketplace.models import Party
from marketplace.states import Role
from tests.factories import (
    NOON,
    AgencyFactory,
    FreelancerFactory,
    PartyFactory,
    StaffFactory,
    member_of,
    owner_of,
)

CURRENCIES = ("USD", "EUR")


@dataclass(frozen=True)
class World:
    """Two clients, a freelancer and an agency with a plain member, a stranger, and support."""

    clients: Sequence[Party]
    talents: Sequence[Party]
    owners: dict[int, Actor]
    members: dict[int, Actor]
    stranger: Actor
    support: Actor

    @classmethod
    def make(cls) -> World:
        clients = [PartyFactory(), PartyFactory()]
        talents = [FreelancerFactory(), AgencyFactory()]
        parties = [*clients, *talents]
        return cls(
            clients,
            talents,
            {party.pk: owner_of(party) for party in parties},
            {party.pk: member_of(party, Role.MEMBER) for party in parties},
            owner_of(PartyFactory()),
            Actor.support(StaffFactory()),
        )

    def owner(self, contract: Contract, side: Side) -> Actor:
        return self.owners[contract.party(side).pk]

    def anybody(self, contract: Contract, number: int) -> Actor:
        """One of those who may have no business in it."""
        client, talent = contract.client_id, contract.talent_id
        everybody = (
            self.owners[client],
            self.owners[talent],
            self.members[client],
            self.members[talent],
            self.stranger,
            self.support,
        )
        return everybody[number % len(everybody)]

    def assign(self, contract: Contract) -> None:
        """The plain member of the talent works on it too."""
        Assignment.objects.create(
            contract=contract, membership=self.members[contract.talent_id].membership, since=NOON
        )


def pick(dice: random.Random, likely: Any, otherwise: Any = None) -> Any:
    """One of the likely rows; now and then, or when there are none, one of the others."""
    rows = list(likely.order_by("pk"))
    if otherwise is not None and (not rows or dice.randrange(16) == 0):
        rows = list(otherwise.order_by("pk"))
    return dice.choice(rows) if rows else None
