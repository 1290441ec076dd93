"""The contracts of the demo market, each made step by step at its own clock times."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, date
from heapq import heapify, heappop, heappush
from typing import Final

from django.db import transaction
from django.utils import timezone
from django_q.models import OrmQ

from contracts import (
    checklists,
    escrow_answers,
    funding,
    messages,
    milestones,
    offers,
)
from contracts.closing import Choice
from contracts.models import Contract, Milestone
from contracts.offers import MilestoneDraft
from contracts.states import ChecklistCode
from feedback import giving
from marketplace import clock, parties, sweeping
from marketplace.actors import Actor
from marketplace.management.demo import STARTS_AT, on
from marketplace.management.demo.hourly import HourlyStories
from marketplace.management.demo.outside import OutsideStories
from marketplace.management.demo.people import People, make
from marketplace.management.demo.steps import Story, end
from marketplace.models import Notice
from marketplace.money import Money
from payments import refund_requests

PAYS: Final = "accepts"
MATURES: Final = "payments.mature"


def build() -> None:
    """Fill an empty database with the demo market, the same every time, and start its clock."""
    with (
        timezone.override(UTC),
        parties.codes_from(
            random.Random(2026)  # noqa: S311 - the same references every time is the point
        ),
    ):
        with clock.at(on(1, 10, month=10)):
            people = make()
        stories = _Market(people).stories()
        _live([*stories, *HourlyStories(people).all(), *OutsideStories(people).all()])
    with clock.at(STARTS_AT):
        sweeping.run()
    _lay_the_past_to_rest()
    clock.start_at(STARTS_AT)


def _live(stories: Iterable[Story]) -> None:
    """Let all stories happen side by side, whichever comes next first, as in a real market."""
    waiting = [(next(story), number, story) for number, story in enumerate(stories)]
    heapify(waiting)
    while waiting:
        moment, number, story = heappop(waiting)
        with clock.at(moment):
            sweeping.run(only=MATURES)
            following = next(story, None)
        if following is not None:
            heappush(waiting, (following, number, story))


class _Market:
    """Both sides of every contract. A story yields when it goes on, then does the next thing."""

    def __init__(self, people: People) -> None:
        self.client, self.freelancer = people.client, people.freelancer
        self._keys = 0

    def stories(self) -> list[Story]:
        return [
            self.product_photography(),
            self.landing_page_redesign(),
            self.annual_report_layout(),
            self.logo_refresh(),
            self.newsletter_series(),
            self.mobile_app_prototype(),
            self.podcast_editing(),
            self.trade_fair_banner(),
        ]

    def landing_page_redesign(self) -> Story:
        """Active: milestone 1 paid, 2 submitted for approval, 3 planned."""
        yield on(3, 9)
        contract = self._offer(
            "Landing page redesign",
            "A new landing page: wireframes, responsive templates and help with the launch.",
            _draft("Wireframes", 450, date(2026, 11, 10)),
            _draft("Responsive templates", 500, date(2026, 11, 24)),
            _draft("Launch support", 150, None),
        )
        yield on(3, 15)
        offers.accept(contract, by=self.freelancer)
        yield on(10, 11)
        self._submit(contract, 1, "The wireframes are in the shared folder, all six pages.")
        yield on(12, 9)
        self._approve(contract, 1, 450)
        milestones.keep_open(contract, by=self.client)
        funding.fund(self._milestone(contract, 2), method=PAYS, key=self._key(), by=self.client)
        yield on(13, 8)
        self._write(contract, self.client, "The wireframes are great. On to the templates!")
        yield on(18, 14, 5)
        self._submit(
            contract,
            2,
            "Templates are ready in the shared folder. Mobile navigation follows your sketch.",
        )

    def logo_refresh(self) -> Story:
        """Active: part of milestone 1 was paid, $300 stayed in escrow."""
        yield on(6, 13)
        contract = self._offer(
            "Logo refresh",
            "A lighter version of the logo, in three sizes.",
            _draft("Logo in three sizes", 550, date(2026, 11, 20)),
        )
        yield on(6, 16)
        offers.accept(contract, by=self.freelancer)
        yield on(16, 10)
        self._submit(contract, 1, "Two of the three sizes are done, the small one is not.")
        yield on(17, 9)
        self._approve(contract, 1, 250)
        milestones.keep_open(contract, by=self.client)

    def annual_report_layout(self) -> Story:
        """Ended three days ago by the client, paid in full; feedback and checklists are open."""
        yield on(19, 9, month=10)
        contract = self._offer(
            "Annual report layout",
            "Layout of the annual report, 48 pages.",
            _draft("Layout, 48 pages", 900, date(2026, 11, 13)),
        )
        yield on(20, 8, month=10)
        offers.accept(contract, by=self.freelancer)
        yield on(12, 17)
        self._submit(contract, 1, "All 48 pages, print and screen version.")
        yield on(16, 12)
        self._approve(contract, 1, 900)
        end(contract, by=self.client)

    def mobile_app_prototype(self) -> Story:
        """Ended two days ago by the client with $400 in escrow; nothing was submitted."""
        yield on(2, 9)
        contract = self._offer(
            "Mobile app prototype",
            "A clickable prototype of the booking flow.",
            _draft("Clickable prototype", 400, date(2026, 11, 27)),
        )
        yield on(2, 18)
        offers.accept(contract, by=self.freelancer)
        yield on(17, 15, 30)
        end(
            contract,
            by=self.client,
            note="We have put the app on hold. Thank you for being so flexible.",
        )

    def newsletter_series(self) -> Story:
        """Ended by the client; the return of $250 is disputed and mediated: support decides."""
        yield on(26, 9, month=10)
        contract = self._offer(
            "Newsletter series",
            "Four newsletters for the autumn.",
            _draft("Newsletters 1 and 2", 250, date(2026, 11, 6)),
        )
        yield on(26, 12, month=10)
        offers.accept(contract, by=self.freelancer)
        yield on(9, 10)
        self._submit(contract, 1, "Both newsletters are in the editor, ready to send.")
        yield on(13, 9)
        end(contract, by=self.client)
        yield on(14, 8)
        escrow_answers.dispute(
            contract,
            text="Both newsletters were delivered on 9 November, and one was sent out.",
            links=["https://demo.example/newsletters/sent"],
            by=self.freelancer,
        )
        yield on(17, 13)
        escrow_answers.reject(
            contract,
            text="The first one we could use. The second has last year's prices in it.",
            links=["https://demo.example/newsletters/prices"],
            by=self.client,
        )

    def product_photography(self) -> Story:
        """Ended 20 days ago; both gave feedback and everything is done."""
        yield on(5, 9, month=10)
        contract = self._offer(
            "Product photography",
            "Photos of twelve products on white.",
            _draft("Twelve products", 600, date(2026, 10, 23)),
        )
        yield on(5, 14, month=10)
        offers.accept(contract, by=self.freelancer)
        yield on(22, 16, month=10)
        self._submit(contract, 1, "All twelve, two angles each.")
        yield on(30, 11, month=10)
        end(contract, Choice.all(), by=self.client, note="Beautiful work, thank you!")
        yield on(31, 10, month=10)
        self._give_feedback(contract, self.client, 5, "Precise, quick and easy to talk to.")
        self._tick_all(contract, self.client)
        yield on(2, 9)
        self._give_feedback(contract, self.freelancer, 5, "A clear brief and paid at once.")
        self._tick_all(contract, self.freelancer)

    def podcast_editing(self) -> Story:
        """An offer that waits for the freelancer's answer, its first milestone funded."""
        yield on(18, 10)
        self._offer(
            "Podcast editing",
            "Editing of a monthly podcast, about 40 minutes an episode.",
            _draft("Pilot episode", 180, date(2026, 12, 4)),
        )

    def trade_fair_banner(self) -> Story:
        """Ended seven weeks ago; the client asks for part of the payment back."""
        yield on(5, 11, month=10)
        contract = self._offer(
            "Trade fair banner",
            "A banner for the stand, three metres wide.",
            _draft("Banner, ready to print", 320, date(2026, 10, 12)),
        )
        yield on(5, 15, month=10)
        offers.accept(contract, by=self.freelancer)
        yield on(9, 12, month=10)
        self._submit(contract, 1, "The banner is in the shared folder, with bleed.")
        yield on(12, 9, month=10)
        end(contract, Choice.all(), by=self.client)
        yield on(18, 9)
        refund_requests.ask(
            contract.book.payments.get(),
            amount=Money(8_000),
            reason="The printer charged us $80 for setting the bleed again.",
            key=self._key(),
            by=self.client,
        )

    def _offer(self, title: str, description: str, *drafts: MilestoneDraft) -> Contract:
        assert self.freelancer.party is not None
        return offers.make(
            talent=self.freelancer.party,
            title=title,
            description=description,
            currency="USD",
            milestones=drafts,
            fund_first=True,
            method=PAYS,
            key=self._key(),
            by=self.client,
        )

    def _submit(self, contract: Contract, number: int, message: str) -> None:
        milestones.submit(
            self._milestone(contract, number), message=message, links=[], by=self.freelancer
        )

    def _approve(self, contract: Contract, number: int, dollars: int) -> None:
        milestones.approve(
            self._milestone(contract, number),
            amount=Money(dollars * 100),
            key=self._key(),
            by=self.client,
        )

    def _write(self, contract: Contract, by: Actor, text: str) -> None:
        messages.write(contract, text=text, key=self._key(), by=by)

    def _give_feedback(self, contract: Contract, by: Actor, stars: int, text: str) -> None:
        giving.give(
            Contract.objects.get(pk=contract.pk), stars=stars, text=text, key=self._key(), by=by
        )

    def _tick_all(self, contract: Contract, by: Actor) -> None:
        side = contract.side_of(by.party_id)
        assert side is not None
        for item in checklists.items_of(contract, side):
            sends = (side, ChecklistCode(item.code)) in checklists.REMINDS
            if item.code == ChecklistCode.FEEDBACK:
                continue
            (checklists.send_reminder if sends else checklists.tick)(item, by=by)

    def _milestone(self, contract: Contract, number: int) -> Milestone:
        return Milestone.objects.select_related("contract").get(contract=contract, number=number)

    def _key(self) -> str:
        self._keys += 1
        return f"demo-{self._keys}"


@transaction.atomic
def _lay_the_past_to_rest() -> None:
    """What happened before the market opened was read long ago; only the newest is unread."""
    Notice.objects.update(email_due_at=None)
    old = Notice.objects.filter(created_at__lt=on(17, 0))
    old.update(read_at=STARTS_AT)
    OrmQ.objects.all().delete()


def _draft(title: str, dollars: int, due_on: date | None) -> MilestoneDraft:
    return MilestoneDraft(title, Money(dollars * 100), due_on)
