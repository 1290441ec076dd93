"""Parties, the sides of contracts, and the people who act for them."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from marketplace.states import MANAGING_ROLES, TALENT_KINDS, PartyKind, Role


class Party(models.Model):
    """A client, a freelancer or an agency.

    A party that was only invited by e-mail has ``invited_email`` and nobody who acts for it until
    the person who owns that address claims it.
    """

    kind = models.CharField(max_length=12, choices=PartyKind.choices)
    name = models.CharField(max_length=120)
    slug = models.CharField(max_length=32, unique=True)
    invited_email = models.EmailField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "parties"
        constraints: ClassVar = [
            models.UniqueConstraint(
                Lower("invited_email"),
                condition=~Q(invited_email=""),
                name="one_invited_party_per_address",
            )
        ]
        indexes: ClassVar = [
            models.Index(Lower("name"), name="party_name"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_client(self) -> bool:
        return self.kind == PartyKind.CLIENT

    @property
    def is_talent(self) -> bool:
        return self.kind in TALENT_KINDS

    @property
    def kind_label(self) -> str:
        return PartyKind(self.kind).label

    @property
    def initials(self) -> str:
        words = [word for word in self.name.replace("@", " ").split() if word[:1].isalnum()]
        return "".join(word[0] for word in words[:2]).upper() or "?"


class MembershipQuerySet(models.QuerySet["Membership"]):
    def current(self) -> MembershipQuerySet:
        return self.filter(left_at=None)

    def managing(self) -> MembershipQuerySet:
        return self.current().filter(role__in=MANAGING_ROLES)


class Membership(models.Model):
    """A person acting for a party. It ends by ``left_at``; the row stays, history names it."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="memberships"
    )
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role.choices)
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "party"],
                condition=Q(left_at=None),
                name="one_current_membership_per_person_and_party",
            ),
            models.CheckConstraint(
                condition=Q(left_at=None) | Q(left_at__gte=F("joined_at")),
                name="membership_ends_after_it_began",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} for {self.party} ({self.role})"

    @property
    def manages(self) -> bool:
        return self.role in MANAGING_ROLES and self.left_at is None
