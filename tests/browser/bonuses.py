"""Bonuses between the demo market's people, and requests for one, in every state.

Made in the shape of ``hours``, and built before it: a client who owes hours gives no bonus.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from django.urls import reverse

from contracts import bonuses
from contracts.models import BonusRequest, Contract
from contracts.states import Side
from marketplace import clock, sweeping
from marketplace.management.demo import STARTS_AT
from marketplace.models import Party
from payments.gateways import sandbox
from tests import factories
from tests.factories import owner_of, usd

WHY: Final = (
    "The call with the printer on Friday: the timer did not run.\n\n"
    "And the two corrections that you asked for on the phone."
)
WHY_NOT: Final = "We agreed that calls of less than an hour are part of the preparation."

FIXED: Final = ("Bonus beside a milestone", "Bonus beside leftover escrow", "Bonus given")
ENDED: Final = ("Bonus beside a request", "Bonus after the end", "Bonus charged late")
ASKED: Final = (
    "Bonus asked",
    "Bonus request declined",
    "Bonus request taken back",
    "Bonus request granted",
)
TO_ASK: Final = "Bonus not asked for"
OVER: Final = "Bonus not answered"
AGENCY_S: Final = "Bonus of the agency"


class Bonuses:
    """Builds them, between a client and a freelancer; the last one is an agency's."""

    def __init__(self, client: Party, talent: Party, agency: Party) -> None:
        self.client, self.talent, self.agency = client, talent, agency
        self.by_client, self.by_talent = owner_of(client), owner_of(talent)

    def build(self) -> None:
        with clock.at(STARTS_AT - timedelta(days=400)):
            self.ask(OVER)
        sweeping.run(only="contracts.bonus_requests_expire", as_of=STARTS_AT - timedelta(days=34))
        with clock.at(STARTS_AT - timedelta(hours=5)):
            self.beside_escrow()
            self.after_the_end()
            self.requests()

    def beside_escrow(self) -> None:
        factories.submitted(usd(500), title=FIXED[0], **self.sides)
        factories.leftover(usd(300), title=FIXED[1], **self.sides)
        given = factories.submitted(usd(200), title=FIXED[2], **self.sides).contract
        factories.bonus(given, usd(50), note="Thank you for the extra drafts!")
        factories.bonus(given, usd(25), note="")

    def after_the_end(self) -> None:
        asked_back = factories.funded(usd(400), title=ENDED[0], **self.sides).contract
        factories.ended(asked_back)
        for title in ENDED[1:]:
            factories.ended(factories.hourly(title=title, **self.sides), Side.TALENT)
        factories.bonus(contract_of(ENDED[1]))
        factories.bonus(contract_of(ENDED[2]), usd(2_000), method=sandbox.NEVER_ANSWERS)
        factories.ended(factories.hourly(title=TO_ASK, **self.sides))

    def requests(self) -> None:
        _, declined, taken_back, granted = (self.ask(title) for title in ASKED)
        bonuses.decline_request(declined, because=WHY_NOT, by=self.by_client)
        bonuses.withdraw_request(taken_back, by=self.by_talent)
        factories.bonus(granted.contract, usd(80), request=granted)
        self.ask(AGENCY_S, talent=self.agency)

    def ask(self, title: str, **sides: Any) -> BonusRequest:
        contract = factories.hourly(title=title, **(self.sides | sides))
        ended = factories.ended(contract)
        return factories.bonus_asked(ended, usd(90), minutes=90, reason=WHY)

    @property
    def sides(self) -> dict[str, Any]:
        return {"client": self.client, "talent": self.talent}


def pages() -> Iterator[str]:
    """Paths that both sides look at."""
    for title in (FIXED[2], *ENDED, *ASKED, OVER):
        yield at("room", title)
    for title in (FIXED[2], "Bonus request granted"):
        yield at("room_payments", title)


def of_client() -> Iterator[str]:
    """What only the client is asked."""
    for title in (*FIXED, *ENDED[:2], "Bonus asked", TO_ASK):
        yield at("give_bonus", title)


def of_talent() -> Iterator[str]:
    """What only the freelancer is asked."""
    yield at("ask_bonus", TO_ASK)


def of_agency() -> Iterator[str]:
    yield at("room", AGENCY_S)


def sent_empty(client: str, talent: str) -> Iterator[tuple[str, str, str]]:
    """Forms that are sent as they are: who, where, and the button."""
    yield client, at("give_bonus", "Bonus beside a milestone"), "Give bonus"
    yield talent, at("ask_bonus", TO_ASK), "Ask for a bonus"


def at(name: str, title: str) -> str:
    return reverse(name, args=[contract_of(title).reference])


def contract_of(title: str) -> Contract:
    return Contract.objects.get(title=title)
