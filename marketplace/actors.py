"""Who acts: a member for a party, a staff user, or the platform (clock, gateway)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marketplace.states import ActorKind

if TYPE_CHECKING:
    from marketplace.models import Membership, Party, User


@dataclass(frozen=True, slots=True)
class Actor:
    """The one who does something; every capability takes it as ``by=``."""

    kind: ActorKind
    membership: Membership | None = None
    staff: User | None = None

    @classmethod
    def member(cls, membership: Membership) -> Actor:
        return cls(ActorKind.MEMBER, membership=membership)

    @classmethod
    def support(cls, user: User) -> Actor:
        return cls(ActorKind.STAFF, staff=user)

    @property
    def party(self) -> Party | None:
        return self.membership.party if self.membership else None

    @property
    def party_id(self) -> int | None:
        return self.membership.party_id if self.membership else None

    @property
    def membership_id(self) -> int | None:
        return self.membership.pk if self.membership else None

    @property
    def as_member(self) -> Membership:
        """The membership of an actor whom a rule has found to be a member."""
        if self.membership is None:
            raise TypeError(f"{self.kind} is no member")
        return self.membership

    @property
    def user(self) -> User | None:
        return self.membership.user if self.membership else self.staff

    @property
    def is_staff(self) -> bool:
        return self.kind == ActorKind.STAFF

    @property
    def is_platform(self) -> bool:
        return self.kind == ActorKind.PLATFORM

    @property
    def manages(self) -> bool:
        """An owner or manager of the party acted for."""
        return bool(self.membership and self.membership.manages)

    def columns(self) -> dict[str, Any]:
        """The values of an :class:`~marketplace.models.ActedOn` row."""
        return {
            "actor_kind": self.kind,
            "actor_membership": self.membership,
            "actor_staff": self.staff,
        }


PLATFORM = Actor(ActorKind.PLATFORM)
