"""Money that left the demo market, that came back to it, and that a bank took."""

from __future__ import annotations

from typing import Final

from contracts import milestones, offers
from contracts.offers import MilestoneDraft
from marketplace import sweeping
from marketplace.management.demo import on
from marketplace.management.demo.people import People
from marketplace.management.demo.steps import Story, end
from marketplace.money import Money
from payments import payouts
from payments.gateways import sandbox

REPORTS: Final = "payments.sandbox_reports"


class OutsideStories:
    """A story yields when it goes on, then does the next thing."""

    def __init__(self, people: People) -> None:
        self._people = people

    def all(self) -> list[Story]:
        return [self.withdrawals(), self.window_stickers(), _reports()]

    def withdrawals(self) -> Story:
        """The freelancer withdrew twice; once the bank sent the money back."""
        yield on(6, 9)
        self._withdraw(Money(30_000), sandbox.RECEIVES)
        yield on(10, 11)
        self._withdraw(Money(15_000), sandbox.SENDS_BACK)

    def window_stickers(self) -> Story:
        """Ended in October; the client had its bank take the charge back, support has the rest."""
        works, client = self._people.freelancer, self._people.late_payer
        assert works.party is not None
        yield on(6, 9, month=10)
        contract = offers.make(
            talent=works.party,
            title="Window stickers",
            description="Stickers with the opening hours.",
            currency="USD",
            milestones=[MilestoneDraft("Stickers, ready to cut", Money(12_000), None)],
            fund_first=True,
            method=sandbox.DISPUTED,
            key="demo-stickers",
            by=client,
        )
        yield on(6, 11, month=10)
        offers.accept(contract, by=works)
        yield on(6, 17, month=10)
        milestones.approve(
            contract.milestones.select_related("contract").get(),
            amount=Money(12_000),
            key="demo-stickers-paid",
            by=client,
        )
        end(contract, by=client)

    def _withdraw(self, amount: Money, destination: str) -> None:
        by = self._people.freelancer
        assert by.party is not None
        payouts.withdraw(
            by.party, amount=amount, destination=destination, key=f"demo-{destination}", by=by
        )


def _reports() -> Story:
    """When the sandbox's bank disputes, decides, and sends back."""
    for moment in (on(7, 9, 1, month=10), on(14, 9, 2, month=10), on(13, 11, 1)):
        yield moment
        sweeping.run(only=REPORTS)
