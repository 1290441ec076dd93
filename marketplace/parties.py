"""Parties come to be: by signing up, by being invited, and by claiming an invitation."""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import transaction

from marketplace import clock, locks, policy
from marketplace.models import Membership, Party, User
from marketplace.models.history import Rank
from marketplace.states import TALENT_KINDS, PartyKind, Role

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

_secret = secrets.SystemRandom()
_chooser: ContextVar[random.Random] = ContextVar("chooser", default=_secret)


def code(length: int) -> str:
    """An unguessable code of letters and digits that cannot be mistaken for each other."""
    return "".join(_chooser.get().choice(ALPHABET) for _ in range(length))


@contextmanager
def codes_from(chooser: random.Random) -> Iterator[None]:
    """Draw codes from a chooser of one's own: the demo market has the same ones every time."""
    token = _chooser.set(chooser)
    try:
        yield
    finally:
        _chooser.reset(token)


@transaction.atomic
def found(*, kind: PartyKind, name: str, by: User) -> Membership:
    """Make a party whose owner is ``by``, unless an invitation by e-mail already made it.

    A talent that was invited by the owner's address becomes this party, with the offers that wait
    for it: the address must be confirmed before this is called.
    """
    now = clock.now()
    party = _invited(by.email) if kind in TALENT_KINDS else None
    if party is None:
        party = Party(kind=kind, name=name, slug=code(12).lower(), created_at=now)
    party.kind, party.name, party.invited_email = kind, name, ""
    party.save()
    return Membership.objects.create(user=by, party=party, role=Role.OWNER, joined_at=now)


@transaction.atomic
def welcome(*, by: User) -> None:
    """A person's address is confirmed: make the party they signed up as, claim invitations.

    The link opened twice at the same moment makes one party: the second waits for the first.
    """
    locks.row(User.objects.filter(pk=by.pk), Rank.PARTY)
    if by.signed_up_as and not by.memberships.exists():
        found(kind=PartyKind(by.signed_up_as), name=by.name, by=by)
    invited = _invited(by.email)
    if invited is not None:
        found(kind=PartyKind(invited.kind), name=by.name, by=by)


def talent_by_email(email: str) -> Party:
    """The talent an offer to this address goes to: the person's own, or one newly invited.

    Nothing tells the caller which of the two it was.
    """
    address = email.strip().lower()
    known = (
        Membership.objects.managing()
        .filter(user__email=address, party__kind__in=TALENT_KINDS)
        .select_related("party")
        .order_by("id")
        .first()
    )
    if known is not None:
        return known.party
    invited, _ = Party.objects.get_or_create(
        invited_email=address,
        defaults={
            "kind": PartyKind.FREELANCER,
            "name": address[: policy.NAME_LENGTH],
            "slug": code(12).lower(),
            "created_at": clock.now(),
        },
    )
    return invited


def _invited(address: str) -> Party | None:
    return next(iter(locks.rows(Party.objects.filter(invited_email=address), Rank.PARTY)), None)
