"""The people of a played market, and looking things up in it by a number that was drawn."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from contracts import assignments
from contracts.models import Contract
from contracts.states import Side
from marketplace.actors import Actor
from marketplace.models import Party
from marketplace.states import Role
from payments.models import GatewayDay
from tests.factories import (
    AgencyFactory,
    FreelancerFactory,
    MembershipFactory,
    PartyFactory,
    StaffFactory,
    actor,
    member_of,
    owner_of,
)

CURRENCIES = ("USD", "EUR")


@dataclass(frozen=True)
class World:
    """Two clients, a freelancer and an agency, their plain members, a stranger, two of support.

    The freelancer works for the agency, too: one person with time on contracts of two parties.
    """

    clients: Sequence[Party]
    talents: Sequence[Party]
    owners: dict[int, Actor]
    members: dict[int, Actor]
    stranger: Actor
    support: Actor
    colleague: Actor

    @classmethod
    def make(cls) -> World:
        # Days begin when a database is made, which is another day each time; lives choose theirs.
        GatewayDay.objects.all().delete()
        clients = [PartyFactory(), PartyFactory()]
        talents = [FreelancerFactory(), AgencyFactory()]
        parties = [*clients, *talents]
        owners = {party.pk: owner_of(party) for party in parties}
        members = {party.pk: member_of(party, Role.MEMBER) for party in (*clients, talents[0])}
        freelancer, agency = owners[talents[0].pk].user, talents[1]
        employed = MembershipFactory(user=freelancer, party=agency, role=Role.MEMBER)
        return cls(
            clients,
            talents,
            owners,
            members | {agency.pk: actor(employed)},
            owner_of(PartyFactory()),
            Actor.support(StaffFactory()),
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
        member = self.members[contract.talent_id].membership
        assignments.assign(contract, member, by=self.owner(contract, Side.TALENT))

    def person(self, membership_id: int) -> Actor:
        """Who acts by a membership."""
        everybody = (*self.owners.values(), *self.members.values())
        return next(one for one in everybody if one.membership_id == membership_id)


def pick(dice: random.Random, likely: Any, otherwise: Any = None) -> Any:
    """One of the likely rows; now and then, or when there are none, one of the others."""
    rows = list(likely.order_by("pk"))
    if otherwise is not None and (not rows or dice.randrange(16) == 0):
        rows = list(otherwise.order_by("pk"))
    return dice.choice(rows) if rows else None
