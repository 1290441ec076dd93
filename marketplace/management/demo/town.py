"""The people of a large demo market, and where their money is."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle
from typing import Any, Final

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.hashers import make_password

from marketplace import locks
from marketplace.actors import Actor
from marketplace.management.demo.people import PASSWORD
from marketplace.management.demo.rows import Rows
from marketplace.models import Membership, Party, User
from marketplace.models.history import Rank
from marketplace.parties import ALPHABET
from marketplace.states import PartyKind, Role
from payments import books
from payments.models import Account
from payments.states import SITE_WIDE, AccountKind

CLIENT_SIZES: Final = (2, 13, 5, 50, 1, 8, 34, 3, 21)
TALENT_SIZES: Final = (9, 1, 25, 4, 50, 2, 16)
"""How many contracts small parties have, in turn."""

LARGE_SHARE: Final = 50
"""One contract in so many is the large client's, and another one the large talent's."""
LARGE_AT_MOST: Final = 20_000

FOUNDED: Final = timedelta(days=450)
"""How long before the present everybody joined."""

CURRENCIES: Final = ("USD", "EUR")
"""Most contracts are in the first."""

_FIRST: Final = ("Robin", "Sam", "Kim", "Alex", "Noa", "Jo", "Mika", "Toni", "Luca", "Ren", "Ari")
_LAST: Final = ("Ash", "Brook", "Field", "Hill", "Lake", "Marsh", "North", "Reed", "Stone")
_PLACE: Final = ("Harbour", "Maple", "Summit", "River", "Meadow", "Canal", "Orchard", "Bridge")
_TRADE: Final = ("Studio", "Works", "Press", "Foods", "Tools", "Travel", "Books")


@dataclass(slots=True)
class Person:
    """A party, by the one who owns it; time of theirs is recorded up to ``busy_until``."""

    party: Party
    by: Actor
    busy_until: datetime


class Town:
    """The parties of one batch, with the large ones that all batches share.

    Accounts of small parties live and die with their batch, so memory stays flat; those of the
    large parties are read again, under their locks, at the start of each.
    """

    def __init__(self, chooser: random.Random, now: datetime) -> None:
        self.chooser, self._since = chooser, now - FOUNDED
        self.rows = Rows()
        self._accounts: dict[tuple[str, int | None, str], Account] = {}
        self._password = make_password(PASSWORD if settings.DEMO else None)
        self._large: dict[PartyKind, Person] = {}
        self._support: User | None = None

    @property
    def support(self) -> Actor:
        """Somebody of support, who decides what the two sides cannot."""
        if self._support is None:
            self._support = self._user("support", "Support", is_staff=True)
        return Actor.support(self._support)

    def begin(self) -> None:
        """Start a batch; called first in its transaction."""
        self.rows = Rows()
        of_large = {one.party.pk for one in self._large.values()}
        known = [one.pk for one in self._accounts.values() if one.party_id in of_large]
        held = locks.rows(Account.objects.filter(pk__in=known), Rank.ACCOUNT)
        # Before the first row is numbered in memory: those of the site are made by the engine.
        site_wide = [books.site_account(kind, one) for kind in SITE_WIDE for one in CURRENCIES]
        self._accounts = {
            (one.kind, one.party_id, one.currency): one for one in (*held, *site_wide)
        }

    def save(self) -> None:
        """Insert what the batch made, and the new balances of what was there before."""
        before = [one for one in self._accounts.values() if not one._state.adding]  # noqa: SLF001
        kept = [one for one in before if one.balance_minor is not None]
        self.rows.insert()
        Account.objects.bulk_update(sorted(kept, key=lambda one: one.pk), ["balance_minor"])

    def pairs(self, start: int, number: int) -> Iterator[tuple[Person, Person]]:
        """Client and talent of each contract, from the market's contract number ``start`` on."""
        clients = self._small(PartyKind.CLIENT, CLIENT_SIZES, number)
        talents = self._small(PartyKind.FREELANCER, TALENT_SIZES, number)
        self.chooser.shuffle(talents)
        for index, (client, talent) in enumerate(zip(clients, talents, strict=True), start):
            turn, place = divmod(index, LARGE_SHARE)
            if turn < LARGE_AT_MOST and place == 0:
                yield self._large_one(PartyKind.CLIENT), talent
            elif turn < LARGE_AT_MOST and place == LARGE_SHARE // 2:
                yield client, self._large_one(PartyKind.AGENCY)
            else:
                yield client, talent

    def account(self, kind: AccountKind, party: Party | None, currency: str) -> Account:
        """A party's account, or one of the site's, made on first use."""
        key = (kind, party.pk if party else None, currency)
        if key not in self._accounts:
            self._accounts[key] = self._open(kind, party, currency)
        return self._accounts[key]

    def escrow_account(self, client: Party, currency: str) -> Account:
        """A new contract's own."""
        return self._open(AccountKind.ESCROW, client, currency)

    def _open(self, kind: AccountKind, party: Party | None, currency: str) -> Account:
        return self.rows.add(Account(kind=kind, party=party, currency=currency, balance_minor=0))

    def _small(self, kind: PartyKind, sizes: tuple[int, ...], number: int) -> list[Person]:
        """One person per contract: each as often as its size says."""
        found: list[Person] = []
        for size in cycle(sizes):
            if len(found) >= number:
                return found[:number]
            is_agency = kind != PartyKind.CLIENT and self.chooser.randrange(8) == 0
            person = self._person(PartyKind.AGENCY if is_agency else kind)
            found += [person] * size
        return found

    def _large_one(self, kind: PartyKind) -> Person:
        if kind not in self._large:
            self._large[kind] = self._person(kind, name="Very Large")
        return self._large[kind]

    def _person(self, kind: PartyKind, name: str = "") -> Person:
        name = name or self._name(kind)
        party = self.rows.add(Party(kind=kind, name=name, created_at=self._since))
        party.slug, party.name = scrambled(party.pk, 12).lower(), f"{name} {party.pk}"
        user = self._user(kind, party.name)
        owner = Membership(user=user, party=party, role=Role.OWNER, joined_at=self._since)
        return Person(party, Actor.member(self.rows.add(owner)), self._since)

    def _user(self, what: str, name: str, **columns: Any) -> User:
        user = User(name=name, password=self._password, date_joined=self._since, **columns)
        self.rows.add(user)
        user.email = f"{what}-{user.pk}@example.com"
        self.rows.add(EmailAddress(user=user, email=user.email, verified=True, primary=True))
        return user

    def _name(self, kind: PartyKind) -> str:
        words = (_FIRST, _LAST) if kind == PartyKind.FREELANCER else (_PLACE, _TRADE)
        return " ".join(self.chooser.choice(one) for one in words)


def scrambled(number: int, length: int) -> str:
    """A code like :func:`marketplace.parties.code`, different for each number."""
    base = len(ALPHABET)
    # An odd factor takes every number of this range to another one: the range is a power of two.
    value, letters = number * 0x9E3779B1_7F4A7C15 % base**length, ""
    for _ in range(length):
        value, letter = divmod(value, base)
        letters += ALPHABET[letter]
    return letters
