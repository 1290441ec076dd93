"""Every page of the site in every state: the demo market, and a few contracts more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import Any, Final

from django.urls import reverse

from contracts import checklists, messages, milestones, offers
from contracts.closing import Choice
from contracts.models import Assignment, Contract
from contracts.states import ChecklistCode, Side
from feedback import giving
from marketplace import clock, sweeping
from marketplace.actors import Actor
from marketplace.management.demo import STARTS_AT, market
from marketplace.models import Membership, Party
from payments.gateways import sandbox
from payments.models import EscrowRefundRequest, Payment
from tests import factories
from tests.browser import bonuses, desk, dormant, hours, outside, refunds, requests
from tests.factories import usd
from tests.support.snapshots import build_once

CLIENT: Final = "client@example.com"
FREELANCER: Final = "freelancer@example.com"
AGENCY: Final = "agency@example.com"
MEMBER: Final = "member@example.com"
SUPPORT: Final = desk.SUPPORT
NOBODY: Final = ""

LONG: Final = "Donaudampfschifffahrtsgesellschaftskapitaen-and-so-on-and-so-forth " * 2

MORE: Final = (hours, requests, refunds, bonuses, dormant, outside)
"""Modules of sights, each with contracts of its own."""
MAKERS: Final = (
    requests.Requests,
    refunds.Refunds,
    bonuses.Bonuses,
    dormant.Dormant,
    outside.Outside,
)
"""Hours come after them: the client then owes some, and makes no offers any more."""

BOTH: Final = (CLIENT, FREELANCER)
OTHERS: Final = (NOBODY, AGENCY, MEMBER)


AT_REST: Final = (
    "Landing page redesign",
    "Logo refresh",
    "Annual report layout",
    "Mobile app prototype",
    "Newsletter series",
    "Product photography",
    "Nothing in escrow",
    "Changes asked for",
    "Just paid",
    "Charge still open",
    "Milestone proposed",
    "Talent ended",
    "Part paid",
    "Feedback sealed",
    "Refund granted",
)
"""Contracts whose room shows a state of its own to each side."""

OFFERS: Final = ("Podcast editing", "Offer without money", "Offer being charged")
OLD_OFFERS: Final = ("Offer declined", "Offer withdrawn", "Offer expired")
REQUESTS: Final = ("Mobile app prototype", "Newsletter series")
ENDS: Final = ("Landing page redesign", "Logo refresh", "Nothing in escrow", LONG)
FEEDBACK: Final = ("Logo refresh", "Annual report layout", "Product photography", "Feedback sealed")


@dataclass(frozen=True, slots=True)
class Sight:
    """A page as one person sees it; ``ticks`` and ``presses`` name what is done there first."""

    who: str
    path: str
    presses: str = ""
    ticks: str = ""


def open_market() -> None:
    """Fill the empty database with the demo market and with the states it does not show."""
    build_once(_build)


def _build() -> None:
    market.build()
    _Extras().build()


def sights() -> Iterator[Sight]:
    """What there is to look at, after ``open_market``."""
    yield from _signed_out()
    for who in BOTH:
        yield from _frame(who)
        yield from _contracts(who)
        yield from _escrow_and_money(who)
    yield from _work_in_progress()
    yield from _agency()
    for module in MORE:
        yield from _of(module)


def desk_sights() -> Iterator[Sight]:
    """What support looks at."""
    for path in desk.of_support():
        yield Sight(SUPPORT, path)


def _signed_out() -> Iterator[Sight]:
    names = ("front", "account_login", "account_signup", "account_reset_password", "help", "terms")
    for path in (*map(reverse, names), reverse("privacy"), reverse("contact_support"), "/nowhere/"):
        yield Sight(NOBODY, path)


def _frame(who: str) -> Iterator[Sight]:
    for tab in ("active", "offers", "ended", "all"):
        yield Sight(who, f"{reverse('jobs')}?tab={tab}")
    yield Sight(who, f"{reverse('jobs')}?q=nothing+like+this")
    for name in ("new_contract", "inbox", "account", "contact_support"):
        yield Sight(who, reverse(name))
    for party in Party.objects.filter(name__in=("North Studio", "Demo Freelancer")).order_by("id"):
        yield Sight(who, reverse("work_history", args=[party.slug]))


def _contracts(who: str) -> Iterator[Sight]:
    for title in (*AT_REST, LONG):
        yield Sight(who, _path("room", title))
    for title in ("Landing page redesign", "Nothing in escrow"):
        yield Sight(who, _path("room_payments", title))
    for title in (*OFFERS, *OLD_OFFERS):
        yield Sight(who, _path("offer", title))
    for title in ENDS:
        yield Sight(who, _path("end_contract", title))
        yield Sight(who, f"{_path('room', title)}?end=1")
    for title in FEEDBACK:
        yield Sight(who, _path("feedback", title))


def _escrow_and_money(who: str) -> Iterator[Sight]:
    for title in REQUESTS:
        asked = EscrowRefundRequest.objects.get(book=_contract(title).book)
        yield Sight(who, reverse("escrow_refund", args=[asked.pk]))
    yield Sight(who, reverse("payments"))
    payment = Payment.objects.get(book=_contract("Landing page redesign").book)
    refund = reverse("give_refund", args=[payment.pk])
    yield Sight(FREELANCER, refund)
    yield Sight(FREELANCER, refund, "Show what happens", ticks="All of it")


def _work_in_progress() -> Iterator[Sight]:
    """Forms about milestones, and what they say when they are sent empty."""
    landing, logo = "Landing page redesign", "Logo refresh"
    for name, number in (("approve", 2), ("changes", 2), ("extend", 2), ("edit", 3)):
        yield Sight(CLIENT, _path(f"milestone_{name}", landing, number))
    yield Sight(CLIENT, _path("milestone_fund", "Nothing in escrow", 1))
    yield Sight(FREELANCER, _path("milestone_submit", "Changes asked for", 1))
    for who, name, presses in (
        (CLIENT, "add_milestone", "Save"),
        (FREELANCER, "propose_milestone", "Propose"),
    ):
        yield Sight(who, _path(name, logo))
        yield Sight(who, _path(name, logo), presses)
    yield Sight(CLIENT, _path("milestone_approve", landing, 2), "Pay now")
    yield Sight(CLIENT, reverse("new_contract"), "Send offer")
    yield Sight(CLIENT, f"{reverse('new_contract')}?again={_contract('Talent ended').reference}")
    yield Sight(CLIENT, _path("end_contract", logo), "End Contract")
    yield Sight(FREELANCER, _path("end_contract", landing), "End Contract")


def _agency() -> Iterator[Sight]:
    yield Sight(AGENCY, reverse("jobs"))
    yield Sight(AGENCY, f"{reverse('jobs')}?tab=ended")
    yield Sight(AGENCY, reverse("payments"))
    yield Sight(AGENCY, reverse("inbox"))
    yield Sight(MEMBER, _path("room", "Bookkeeping"))
    yield Sight(MEMBER, _path("end_contract", "Bookkeeping"))


def _of(module: Any) -> Iterator[Sight]:
    """What another module of sights has for whom; see :mod:`tests.browser.hours`."""
    people = {
        CLIENT: (module.pages, module.of_client),
        FREELANCER: (module.pages, module.of_talent),
        AGENCY: (getattr(module, "of_agency", tuple),),
        MEMBER: (getattr(module, "of_member", tuple),),
    }
    for who, pages in people.items():
        for path in chain.from_iterable(page() for page in pages):
            yield Sight(who, path)
    for who, path, button in module.sent_empty(CLIENT, FREELANCER):
        yield Sight(who, path, button)


def _path(name: str, title: str, *args: Any) -> str:
    return reverse(name, args=[_contract(title).reference, *args])


def _contract(title: str) -> Contract:
    return Contract.objects.get(title=title.strip())


def _party(email: str) -> Party:
    return _membership(email).party


def _owner(email: str) -> Actor:
    return Actor.member(_membership(email))


def _membership(email: str) -> Membership:
    """The first membership of a person of the demo market."""
    people = Membership.objects.filter(user__email=email).select_related("party", "user")
    return people.order_by("id")[0]


class _Extras:
    """Contracts of the demo market's two sides, in the states that its own story leaves out."""

    def __init__(self) -> None:
        self.client, self.talent = _party(CLIENT), _party(FREELANCER)
        self.sides = {"client": self.client, "talent": self.talent}

    def build(self) -> None:
        with clock.at(STARTS_AT - timedelta(days=12)):
            self.offers_of_the_past()
        with clock.at(STARTS_AT - timedelta(hours=2)):
            self.offers_of_today()
            self.milestones_of_today()
            self.ends_of_today()
            self.agency_contract()
        agency = Party.objects.get(name="Demo Agency")
        for make in (*MAKERS, hours.Hours, desk.Desk):
            make(self.client, self.talent, agency).build()
        with clock.at(STARTS_AT):
            sweeping.run()

    def offers_of_the_past(self) -> None:
        offers.decline(self._offered("Offer declined"), by=_owner(FREELANCER))
        offers.withdraw(self._offered("Offer withdrawn"), by=_owner(CLIENT))
        self._offered("Offer expired")

    def offers_of_today(self) -> None:
        self._offered("Offer without money")
        self._offered("Offer being charged", fund_first=True, method=sandbox.NEVER_ANSWERS)

    def milestones_of_today(self) -> None:
        factories.active(title="Nothing in escrow", **self.sides)
        factories.changes_requested(title="Changes asked for", **self.sides)
        factories.approve(factories.submitted(title="Just paid", **self.sides))
        planned = factories.planned(title="Charge still open", **self.sides)
        factories.fund(planned, sandbox.NEVER_ANSWERS)
        proposed = factories.leftover(usd(120), title="Milestone proposed", **self.sides)
        milestones.propose(
            proposed, title="One more", amount=usd(80), due_on=None, key="", by=_owner(FREELANCER)
        )
        self.long_words()

    def long_words(self) -> None:
        drafts = [offers.MilestoneDraft(LONG.strip(), usd("123456.78")) for _ in range(3)]
        contract = factories.active(
            title=LONG.strip(), description=LONG, fund_first=True, milestones=drafts, **self.sides
        )
        factories.submit(factories.milestone_of(contract))
        messages.write(contract, text=LONG * 3, key="", by=_owner(FREELANCER))

    def ends_of_today(self) -> None:
        factories.ended(
            factories.leftover(usd(40), title="Talent ended", **self.sides), Side.TALENT
        )
        part = factories.leftover(usd(300), title="Part paid", **self.sides)
        factories.ended(part, choice=Choice.part(usd(100)))
        self.sealed(factories.ended(self.paid("Feedback sealed")))

    def paid(self, title: str) -> Contract:
        """A contract whose only milestone was just paid."""
        milestone = factories.submitted(title=title, **self.sides)
        factories.approve(milestone)
        return _contract(title)

    def sealed(self, contract: Contract) -> None:
        """The client gave feedback, and ticked, skipped and sent something."""
        client = _owner(CLIENT)
        giving.give(contract, stars=4, text="Good work.", key="", by=client)
        items = {one.code: one for one in checklists.items_of(contract, Side.CLIENT)}
        checklists.tick(items[ChecklistCode.ACCESS], by=client)
        checklists.skip(items[ChecklistCode.DELIVERABLES], by=client)
        checklists.send_reminder(items[ChecklistCode.PROPERTY], by=client)

    def agency_contract(self) -> None:
        agency = Party.objects.get(name="Demo Agency")
        contract = factories.active(title="Bookkeeping", client=self.client, talent=agency)
        member = _membership(MEMBER)
        Assignment.objects.create(contract=contract, membership=member, since=clock.now())

    def _offered(self, title: str, **values: Any) -> Contract:
        return factories.offered(usd(200), title=title, **self.sides, **values)
