"""The hourly contracts of the demo market, and the Mondays on which their weeks are billed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from contracts import bonuses, diary, hours_disputes, offers, timers
from contracts.models import Contract
from contracts.offers import HourlyTerms
from marketplace import sweeping
from marketplace.actors import Actor
from marketplace.management.demo import on
from marketplace.management.demo.people import People
from marketplace.management.demo.steps import Story, end
from marketplace.money import Money
from payments.gateways import sandbox

RETRIES: Final = "contracts.owed_hours_retried"

_TYPED_AFTER: Final = timedelta(minutes=5)
"""How long after the work manual time is typed in."""


class HourlyStories:
    """Contracts by the hour. A story yields when it goes on, then does the next thing."""

    def __init__(self, people: People) -> None:
        self._people = people

    def all(self) -> list[Story]:
        return [
            self.data_pipeline_support(),
            self.quarterly_bookkeeping(),
            self.customer_survey(),
            self.archive_scans(),
            self.price_list(),
            _mondays(),
            _retries(),
        ]

    def data_pipeline_support(self) -> Story:
        """Active: one week paid, one in review, 6 h 10 min recorded this week."""
        works = self._people.freelancer
        yield on(30, 10, month=10)
        contract = self._offer(
            works,
            "Data pipeline support",
            "Care for the nightly imports, by the hour, and a replay when one fails.",
            HourlyTerms(rate=Money(6_000), hours=20, manual_time=True, method=sandbox.ACCEPTS),
        )
        yield on(2, 8)
        offers.accept(contract, by=works)
        yield from _timed(contract, on(3, 9), 120, "Access, first look at the imports", by=works)
        yield from _timed(contract, on(5, 13), 90, "List of sources and owners", by=works)
        yield from _typed(contract, on(6, 9), 60, "Planning call", by=works)
        yield from _timed(contract, on(10, 9), 140, "Alerts for late files", by=works)
        yield from _timed(contract, on(11, 13), 120, "Import of returns, rewritten", by=works)
        yield from _typed(contract, on(12, 13, 30), 30, "Call about the alerts", by=works)
        yield from _timed(contract, on(13, 10), 60, "Handbook for replays", by=works)
        yield from _timed(
            contract, on(16, 9), 90, "Fixed the nightly import, wrote the replay script", by=works
        )
        yield from _typed(contract, on(16, 13), 30, "Call about retention rules", by=works)
        yield from _timed(contract, on(17, 8, 30), 60, "Schema review", by=works)
        yield from _timed(contract, on(17, 15), 40, "", by=works)
        yield from _timed(contract, on(18, 10), 110, "Replay of October, first half", by=works)
        yield from _timed(contract, on(19, 9, 30), 40, "Replay of October, second half", by=works)

    def quarterly_bookkeeping(self) -> Story:
        """Active, with the agency, worked by its member: one week in review, one going on."""
        owner, works = self._people.agency, self._people.member
        yield on(9, 9)
        contract = self._offer(
            owner,
            "Quarterly bookkeeping",
            "Receipts of the third quarter, sorted and booked.",
            HourlyTerms(rate=Money(4_500), hours=10, manual_time=False, method=sandbox.ACCEPTS),
        )
        yield on(9, 16)
        offers.accept(contract, works=[works.as_member], by=owner)
        yield from _timed(contract, on(11, 8), 150, "Receipts of July", by=works)
        yield from _timed(contract, on(13, 12, 30), 90, "Receipts of August", by=works)
        yield from _timed(contract, on(17, 9), 100, "Receipts of September", by=works)
        yield from _timed(contract, on(19, 8), 50, "Open questions", by=works)

    def customer_survey(self) -> Story:
        """Active: an hour of last week is disputed, the talent declined, support decides."""
        works = self._people.freelancer
        yield on(9, 10)
        contract = self._offer(
            works,
            "Customer survey",
            "Questions, and a first look at the answers.",
            HourlyTerms(rate=Money(5_000), hours=10, manual_time=True, method=sandbox.ACCEPTS),
        )
        yield on(9, 14)
        offers.accept(contract, by=works)
        yield from _timed(contract, on(11, 9), 90, "Questions, first version", by=works)
        yield from _timed(contract, on(13, 13), 120, "Trial with ten answers", by=works)
        yield on(17, 10)
        billed = hours_disputes.billed_segments(contract.weeks.get())
        dispute = hours_disputes.file(
            contract.weeks.get(),
            segments=[(stretch.pk, start) for stretch, start in billed[-6:]],
            reason="The trial was planned for one hour.",
            key="demo-dispute",
            by=self._people.client,
        )
        yield on(18, 16)
        hours_disputes.decline(
            dispute,
            because="Two people answered late, so the trial took both hours.",
            by=works,
        )

    def archive_scans(self) -> Story:
        """Ended three weeks ago, with a bonus; the talent asks for time that it did not record."""
        works, client = self._people.freelancer, self._people.client
        yield on(26, 10, month=10)
        contract = self._offer(
            works,
            "Archive scans",
            "Old catalogues, scanned and named.",
            HourlyTerms(rate=Money(3_000), hours=10, manual_time=True, method=sandbox.ACCEPTS),
        )
        yield on(26, 13, month=10)
        offers.accept(contract, by=works)
        yield from _timed(contract, on(27, 9, month=10), 180, "Catalogues to 1995", by=works)
        yield from _timed(contract, on(29, 9, month=10), 150, "Catalogues to 2004", by=works)
        yield on(30, 16, month=10)
        end(contract, by=client)
        yield on(3, 9)
        bonuses.give(
            contract,
            amount=Money(4_000),
            note="For the careful file names. Thank you!",
            method=sandbox.ACCEPTS,
            key="demo-bonus",
            by=client,
        )
        yield on(18, 8)
        bonuses.ask(
            contract,
            minutes=40,
            amount=Money(2_000),
            reason="On 30 October I sorted the doubles for 40 minutes, without the timer.",
            key="demo-unrecorded",
            by=works,
        )

    def price_list(self) -> Story:
        """Ended six weeks ago by a client whose card is declined; support has the hours."""
        works, client = self._people.freelancer, self._people.late_payer
        yield on(5, 9, month=10)
        contract = self._offer(
            works,
            "Price list",
            "The new price list, in two languages.",
            HourlyTerms(rate=Money(4_000), hours=10, manual_time=True, method=sandbox.DECLINES),
            by=client,
        )
        yield on(5, 13, month=10)
        offers.accept(contract, by=works)
        yield from _timed(contract, on(6, 9, month=10), 150, "German prices", by=works)
        yield from _timed(contract, on(8, 9, month=10), 120, "English prices", by=works)
        yield on(9, 12, month=10)
        end(contract, by=client)

    def _offer(
        self,
        talent: Actor,
        title: str,
        description: str,
        terms: HourlyTerms,
        *,
        by: Actor | None = None,
    ) -> Contract:
        assert talent.party is not None
        return offers.make_hourly(
            talent=talent.party,
            title=title,
            description=description,
            terms=terms,
            key=f"demo-{title}",
            by=by or self._people.client,
        )


def _mondays() -> Story:
    """The weekly run, the end of each review, and when the money is available."""
    october = [on(day, 12, month=10) for day in (12, 19, 26)]
    for moment in (*october, on(2, 12), on(9, 12), on(14, 0), on(16, 12), on(18, 0)):
        for late in (0, 5):
            yield moment + timedelta(minutes=late)
            sweeping.run()


def _retries() -> Story:
    """A declined charge is tried again daily, until support has it."""
    for days in range(1, 32):
        yield on(12, 12, 10, month=10) + timedelta(days=days)
        sweeping.run(only=RETRIES)


def _timed(contract: Contract, start: datetime, minutes: int, memo: str, *, by: Actor) -> Story:
    yield start
    timers.start(contract, memo=memo, by=by)
    yield start + timedelta(minutes=minutes)
    timers.stop(contract, by=by)


def _typed(contract: Contract, start: datetime, minutes: int, memo: str, *, by: Actor) -> Story:
    stop = start + timedelta(minutes=minutes)
    yield stop + _TYPED_AFTER
    diary.add(contract, starts_at=start, ends_at=stop, memo=memo, key="", by=by)
