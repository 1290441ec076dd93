"""Quiet and dormant contracts of the demo market's people, each on its day of the count.

Made in the shape of ``hours``; they began long before the demo market's own clock starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from django.urls import reverse

from contracts import dormancy
from contracts.models import Contract
from marketplace import clock, sweeping
from marketplace.management.demo import STARTS_AT
from marketplace.models import Party
from tests import factories
from tests.factories import owner_of, usd

QUIET: Final = {"Quiet for a month": 31, "Quiet, soon dormant": 84}
"""On which day of the count each of them is when the demo market's clock starts."""

DORMANT: Final = {
    "Dormant, client asked": 92,
    "Dormant, without a milestone": 93,
    "Dormant, freelancer asked": 99,
    "Dormant, release asked": 101,
    "Dormant and returned": 106,
    "Dormant and paid": 120,
}
ASKED: Final = {"Dormant, release asked": 98, "Dormant and paid": 103}
"""On which day the freelancer asked for the release."""

STEPS: Final = (30, 60, 76, 83, 90, 97, 104, 117)
SWEEPS: Final = ("contracts.quiet_reminders", "contracts.dormancies_pass")


class Dormant:
    """Builds them, between a client and a freelancer; quiet hours are an agency's."""

    def __init__(self, client: Party, talent: Party, agency: Party) -> None:
        self.client, self.talent, self.agency = client, talent, agency

    def build(self) -> None:
        for moment, does in sorted(self.story(), key=lambda one: one[0]):
            with clock.at(moment):
                does()

    def story(self) -> Iterator[tuple[datetime, Any]]:
        """What happens when; the clock looks in on each step of each of them."""
        yield began(31), self.begin_hourly
        for title, days in (QUIET | DORMANT).items():
            yield began(days), lambda title=title: self.begin(title)
            for number in STEPS:
                if number <= days:
                    yield began(days) + timedelta(days=number), look
        for title, number in ASKED.items():
            at_day = began(DORMANT[title]) + timedelta(days=number)
            yield at_day, lambda title=title: self.ask(title)

    def begin(self, title: str) -> None:
        sides = {"client": self.client, "talent": self.talent}
        if title == "Dormant, without a milestone":
            factories.leftover(usd(300), title=title, **sides)
        else:
            factories.funded(usd(420), title=title, **sides)

    def begin_hourly(self) -> None:
        factories.hourly(title="Quiet hours", client=self.client, talent=self.agency)

    def ask(self, title: str) -> None:
        dormancy.ask_for_release(
            contract_of(title),
            note="All twelve pictures are in the shared folder since May.\n\nPlease release it.",
            by=owner_of(self.talent),
        )


def began(days: int) -> datetime:
    """When a contract began that is on this day of the count."""
    return STARTS_AT - timedelta(days=days)


def look() -> None:
    """The sweeps about quiet contracts come by."""
    for name in SWEEPS:
        sweeping.run(only=name)


def pages() -> Iterator[str]:
    """Paths that both sides look at."""
    for title in (*QUIET, *DORMANT):
        yield at("room", title)


def of_client() -> Iterator[str]:
    """What only the client is asked."""
    yield at("end_contract", "Dormant, release asked")
    yield at("milestone_approve", "Dormant, client asked", 1)
    yield at("add_milestone", "Dormant, without a milestone")


def of_talent() -> Iterator[str]:
    """What only the freelancer is asked."""
    yield at("ask_release", "Dormant, client asked")
    yield at("end_contract", "Dormant, freelancer asked")


def of_agency() -> Iterator[str]:
    yield at("room", "Quiet hours")


def sent_empty(client: str, talent: str) -> Iterator[tuple[str, str, str]]:
    """Forms that are sent as they are: nothing here has to be filled in."""
    return iter(())


def at(name: str, title: str, *args: Any) -> str:
    return reverse(name, args=[contract_of(title).reference, *args])


def contract_of(title: str) -> Contract:
    return Contract.objects.get(title=title)
