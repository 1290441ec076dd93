"""The people of the demo market. Their names are plainly demo names, their password is ``demo``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group

from marketplace import clock, parties
from marketplace.actors import Actor
from marketplace.models import Membership, User
from marketplace.states import PartyKind, Role

PASSWORD: Final = "demo"  # noqa: S105 - a demo market is open to everybody


@dataclass(frozen=True)
class People:
    """Who acts in the demo market."""

    client: Actor
    freelancer: Actor
    agency: Actor
    member: Actor
    late_payer: Actor
    support: Actor


def make() -> People:
    """Make the accounts, their parties and memberships."""
    client = _person("client@example.com", "Demo Client")
    freelancer = _person("freelancer@example.com", "Demo Freelancer")
    owner = _person("agency@example.com", "Demo Owner")
    member = _person("member@example.com", "Demo Member")
    late_payer = _person("late@example.com", "Demo Late")
    support = _staff("support@example.com", "Demo Support")
    _staff("admin@example.com", "Demo Admin", is_superuser=True)
    support.groups.add(Group.objects.get_or_create(name="Support")[0])
    agency = parties.found(kind=PartyKind.AGENCY, name="Demo Agency", by=owner)
    parties.found(kind=PartyKind.FREELANCER, name="Demo Owner", by=owner)
    return People(
        client=_founded(PartyKind.CLIENT, "North Studio", client),
        freelancer=_founded(PartyKind.FREELANCER, "Demo Freelancer", freelancer),
        agency=Actor.member(agency),
        member=Actor.member(
            Membership.objects.create(
                user=member, party=agency.party, role=Role.MEMBER, joined_at=clock.now()
            )
        ),
        late_payer=_founded(PartyKind.CLIENT, "Demo Late Payer", late_payer),
        support=Actor.support(support),
    )


def _founded(kind: PartyKind, name: str, by: User) -> Actor:
    return Actor.member(parties.found(kind=kind, name=name, by=by))


def _staff(email: str, name: str, *, is_superuser: bool = False) -> User:
    user = _person(email, name)
    user.is_staff, user.is_superuser = True, is_superuser
    user.save(update_fields=["is_staff", "is_superuser"])
    return user


def _person(email: str, name: str) -> User:
    user = User.objects.create_user(email, PASSWORD, name=name, date_joined=clock.now())
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user
