"""For which party a signed-in person acts: chosen in the header, kept in the session."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest

from marketplace.actors import Actor
from marketplace.models import Membership, Notice, User

SESSION_KEY = "acting_for"


@dataclass(frozen=True)
class Acting:
    """The person's memberships with what the header shows of them, and the chosen one."""

    membership: Membership | None = None
    others: list[Membership] = field(default_factory=list)

    @property
    def actor(self) -> Actor | None:
        return Actor.member(self.membership) if self.membership else None

    @property
    def all(self) -> list[Membership]:
        return [self.membership, *self.others] if self.membership else []


def of(request: HttpRequest) -> Acting:
    """Whom this request acts for; one query, however many parties a person has."""
    if not request.user.is_authenticated:
        return Acting()
    memberships = list(_memberships(request.user))
    if not memberships:
        return Acting()
    chosen = request.session.get(SESSION_KEY)
    current = next((one for one in memberships if one.party_id == chosen), memberships[0])
    return Acting(current, [one for one in memberships if one is not current])


def switch(request: HttpRequest, *, party_id: int, by: User) -> Membership | None:
    """Act for another of the person's parties from now on; None when it is not theirs."""
    membership = (
        Membership.objects.current()
        .filter(user=by, party_id=party_id)
        .select_related("party")
        .first()
    )
    if membership is not None:
        request.session[SESSION_KEY] = membership.party_id
    return membership


def _memberships(user: User) -> Any:
    unread = (
        Notice.objects.filter(recipient=OuterRef("user"), party=OuterRef("party"), read_at=None)
        .order_by()
        .values("recipient")
        .annotate(number=Count("pk"))
        .values("number")
    )
    return (
        Membership.objects.current()
        .filter(user=user)
        .select_related("party")
        .annotate(unread=Coalesce(Subquery(unread), 0))
        .order_by("id")
    )
