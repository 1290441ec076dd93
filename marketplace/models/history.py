"""Who did what when: what every append-only record shares, and the base of state machines."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django_fsm import ConcurrentTransitionMixin

from marketplace.actors import Actor
from marketplace.models.party import Membership
from marketplace.states import ActorKind


class Rank(IntEnum):
    """The house's lock order: a row is locked only after rows of lower rank (architecture)."""

    PERSON = 1
    PARTY = 2
    CONTRACT = 3
    PART = 4
    REQUEST = 5
    OPERATION = 6
    BOOK = 7
    ACCOUNT = 8


class ActedOn(models.Model):
    """The actor of a record: a member for a party, a staff user, or the platform."""

    actor_kind = models.CharField(max_length=10, choices=ActorKind.choices)
    actor_membership = models.ForeignKey(
        Membership, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    actor_staff = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )

    class Meta:
        abstract = True
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=(
                    Q(
                        actor_kind=ActorKind.MEMBER,
                        actor_membership__isnull=False,
                        actor_staff__isnull=True,
                    )
                    | Q(
                        actor_kind=ActorKind.STAFF,
                        actor_membership__isnull=True,
                        actor_staff__isnull=False,
                    )
                    | Q(
                        actor_kind=ActorKind.PLATFORM,
                        actor_membership__isnull=True,
                        actor_staff__isnull=True,
                    )
                ),
                name="%(app_label)s_%(class)s_actor",
            )
        ]

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind(self.actor_kind), self.actor_membership, self.actor_staff)


class History(ActedOn):
    """One change of state of one row of an aggregate (a contract, a book).

    Concrete tables add the aggregate's key. ``row_label`` and ``row_id`` name the row meant, which
    may be the aggregate itself; ``sequence`` counts within the aggregate and is its version.
    """

    sequence = models.PositiveIntegerField()
    row_label = models.CharField(max_length=30)
    row_id = models.BigIntegerField()
    transition = models.CharField(max_length=40)
    source = models.CharField(max_length=24, blank=True)
    target = models.CharField(max_length=24)
    reason = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta(ActedOn.Meta):
        abstract = True
        ordering: ClassVar = ["sequence"]

    def __str__(self) -> str:
        return f"{self.sequence}. {self.row_label} {self.source} → {self.target}"


class Stateful(ConcurrentTransitionMixin, models.Model):
    """A row with a django-fsm ``state``, moved only through the transition door.

    ``aggregate_name`` is the attribute that holds the row whose history and version it shares;
    empty when the row is its own aggregate. An aggregate has ``version`` and a reverse relation
    ``history``; ``lock_related`` are the foreign keys read along when it is entered.
    """

    lock_rank: ClassVar[Rank]
    aggregate_name: ClassVar[str] = ""
    lock_related: ClassVar[tuple[str, ...]] = ()

    state: Any
    version: int
    journal: list[Any] | None = None

    class Meta:
        abstract = True

    @property
    def aggregate(self) -> Any:
        return getattr(self, self.aggregate_name) if self.aggregate_name else self

    def was_written(self) -> None:
        """Its state was saved by a bulk update: what is saved next starts from there."""
        self._update_initial_state()
