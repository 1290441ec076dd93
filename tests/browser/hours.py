"""Hourly contracts of the demo market's people, in the states that its own story leaves out.

One person's time never overlaps: each contract has an hour of its own on the Saturday of last week,
and another on this week's Wednesday.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from django.urls import reverse

from contracts import hours_disputes, terms, timers
from contracts.models import Contract, HoursDispute
from contracts.states import Side
from marketplace import clock, sweeping
from marketplace.actors import Actor
from marketplace.management.demo import STARTS_AT, on
from marketplace.models import Party, User
from marketplace.money import Money
from payments.gateways import sandbox
from tests import factories
from tests.factories import owner_of

LAST_WEEK: Final = "2026-11-09"
SATURDAY: Final = on(14, 2)
WEDNESDAY: Final = on(18, 14)
DENSE: Final = 16
"""Stretches a day of the dense week."""

LAST_WEEK_ONLY: Final = (
    "Hours disputed",
    "Dispute declined",
    "Dispute accepted",
    "Dispute withdrawn",
    "Dispute decided",
    "On hold",
    "Owed after the end",
)
BOTH_WEEKS: Final = ("Paused", "Hours ended", "Timer running")
HOURLY: Final = (*LAST_WEEK_ONLY, *BOTH_WEEKS)
DISPUTED: Final = LAST_WEEK_ONLY[:5]
DECLINED: Final = ("On hold", "Owed after the end")
"""In euros, so that the client's credit does not pay them. From then on no offer can be made."""


class Hours:
    """Builds them, between a client and a freelancer; the dense week is an agency's."""

    def __init__(self, client: Party, talent: Party, agency: Party) -> None:
        self.client, self.talent, self.agency = client, talent, agency

    def build(self) -> None:
        with clock.at(on(9, 1)):
            contracts = {title: self.hourly(title) for title in HOURLY}
            dense = self.hourly("Dense week", talent=self.agency, hours=10)
        with clock.at(on(15, 20)):
            self.work(contracts.values(), SATURDAY)
            factories.hourly_offer(title="Hours offered", client=self.client, talent=self.talent)
        for late in (0, 5):
            sweeping.run(as_of=on(16, 12, late))
        with clock.at(on(17, 9)):
            self.disputes(contracts)
        with clock.at(STARTS_AT - timedelta(hours=2)):
            self.this_week(contracts)
            self.dense_week(dense)

    def hourly(self, title: str, **values: Any) -> Contract:
        sides = {"client": self.client, "talent": self.talent}
        if title in DECLINED:
            sides |= {"rate": Money(6_000, "EUR"), "method": sandbox.DECLINES}
        return factories.hourly(title=title, **(sides | values))

    def work(self, contracts: Any, begin: datetime) -> None:
        for number, contract in enumerate(contracts):
            start = begin + timedelta(hours=number)
            factories.recorded(contract, start, 60, memo="Drafts and a call")

    def disputes(self, contracts: dict[str, Contract]) -> None:
        client, talent = owner_of(self.client), owner_of(self.talent)
        made = [self.dispute(contracts[title], by=client) for title in DISPUTED]
        _, declined, accepted, withdrawn, decided = made
        for one in (declined, decided):
            hours_disputes.decline(one, because="I took notes of that call.", by=talent)
        hours_disputes.accept(accepted, by=talent)
        hours_disputes.withdraw(withdrawn, by=client)
        hours_disputes.decide(
            decided,
            reversed_segments=[decided.segments.all()[0].pk],
            because="Half of it was the call.",
            by=Actor.support(User.objects.get(email="support@example.com")),
        )

    def dispute(self, contract: Contract, *, by: Actor) -> HoursDispute:
        week = contract.weeks.select_related("contract").get()
        segments = [(one.pk, at) for one, at in hours_disputes.billed_segments(week)[:2]]
        return hours_disputes.file(
            week, segments=segments, reason="We had no call that day.", key="", by=by
        )

    def this_week(self, contracts: dict[str, Contract]) -> None:
        client, talent = owner_of(self.client), owner_of(self.talent)
        self.work([contracts[title] for title in BOTH_WEEKS], WEDNESDAY)
        terms.set_limit(contracts["Paused"], hours=10, by=client)
        terms.pause(contracts["Paused"], by=client, reason="The budget is being decided.")
        factories.ended(contracts["Hours ended"])
        factories.ended(contracts["Owed after the end"], Side.TALENT)
        timers.start(contracts["Timer running"], memo="The second draft", by=talent)

    def dense_week(self, dense: Contract) -> None:
        """Beyond its limit, with many memos; the agency's owner works."""
        for day in (16, 17, 18):
            for number in range(DENSE):
                start = on(day, 2) + number * timedelta(minutes=30)
                factories.recorded(dense, start, 20, memo=f"Part {number + 1} of the index")


def pages() -> Iterator[str]:
    """Paths that both sides look at."""
    for title in (*HOURLY, "Data pipeline support"):
        yield at("room", title)
    for title in ("Data pipeline support", "Paused", "Timer running", "On hold"):
        yield at("diary", title)
        yield at("end_contract", title)
    yield at("diary", "Hours ended")
    yield f"{at('diary', 'Data pipeline support')}?week={LAST_WEEK}"
    for title in ("Timer running", "On hold"):
        yield f"{at('room', title)}?end=1"
    for title in DISPUTED:
        yield reverse("hours_dispute", args=[contract_of(title).hours_disputes.get().pk])
    for title in ("Data pipeline support", "Dispute accepted", "On hold"):
        yield at("room_payments", title)
    yield at("offer", "Hours offered")


def of_client() -> Iterator[str]:
    """What only the client is asked."""
    yield f"{reverse('new_contract')}?kind=hourly"
    yield at("diary", "Dense week")
    yield at("hours_dispute_new", "Data pipeline support", LAST_WEEK)
    for title in DECLINED:
        yield at("week_pay", title, LAST_WEEK)
    yield at("week_limit", "Data pipeline support")
    yield at("pause_contract", "Data pipeline support")
    yield at("restart_contract", "Paused")


def of_talent() -> Iterator[str]:
    """What only the freelancer is asked."""
    yield at("diary_add", "Data pipeline support")
    for kind in ("manual", "timer"):
        yield stretch_of("Data pipeline support", kind)


def of_agency() -> Iterator[str]:
    yield at("diary", "Dense week")
    yield at("end_contract", "Dense week")
    yield at("contract_people", "Dense week")
    yield at("diary_add", "Dense week")


def of_member() -> Iterator[str]:
    """One who works for the agency, and may not type time in."""
    yield at("diary", "Quarterly bookkeeping")
    yield at("room", "Quarterly bookkeeping")


def sent_empty(client: str, talent: str) -> Iterator[tuple[str, str, str]]:
    """Forms that are sent as they are: who, where, and the button."""
    yield client, f"{reverse('new_contract')}?kind=hourly", "Send offer"
    yield client, at("hours_dispute_new", "Data pipeline support", LAST_WEEK), "Dispute hours"
    yield client, at("week_limit", "Data pipeline support"), "Change the limit"
    yield talent, at("diary_add", "Data pipeline support"), "Add time"


def stretch_of(title: str, kind: str) -> str:
    """The form of a stretch of this week."""
    contract = contract_of(title)
    stretch = contract.stretches.filter(kind=kind, starts_at__gte=on(16, 0))[0]
    return reverse("diary_change", args=[contract.reference, stretch.pk])


def at(name: str, title: str, *args: Any) -> str:
    return reverse(name, args=[contract_of(title).reference, *args])


def contract_of(title: str) -> Contract:
    return Contract.objects.get(title=title)
