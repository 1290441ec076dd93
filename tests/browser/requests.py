"""Escrow refund requests between the demo market's people, in every state.

Made in the shape of ``hours``; times are before the demo market's own clock starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from django.urls import reverse

from contracts import escrow_answers
from contracts.models import Assignment, Contract
from marketplace import clock, sweeping
from marketplace.actors import Actor
from marketplace.management.demo import STARTS_AT
from marketplace.models import Membership, Party, User
from payments.models import EscrowRefundRequest, SplitProposal
from tests import factories
from tests.factories import owner_of, usd

WHY: Final = (
    "The first half was delivered on Monday and is on your site since then.\n\n"
    "We spoke about the second half on the phone, and I held two days free for it."
)
WHY_NOT: Final = "The first half is paid. Nothing of the second half has arrived so far."
LINKS: Final = (
    "https://example.com/handover/first-half",
    f"https://example.com/a-very-long-address/{'without-a-single-space-' * 5}in-it.html",
)

OPEN: Final = (
    "Return asked",
    "Return after work",
    "Split open",
    "Split declined",
    "Return disputed",
    "Return escalated",
    "Dispute rejected",
    "Split by support",
    "Split half accepted",
)
SETTLED: Final = (
    "Return let go",
    "Return lapsed",
    "Return paid instead",
    "Dispute conceded",
    "Dispute not answered",
    "Split agreed",
    "Mediation agreed",
    "Return decided",
)
AGENCY_S: Final = "Return from the agency"


class Requests:
    """Builds them, between a client and a freelancer; the last one is an agency's."""

    def __init__(self, client: Party, talent: Party, agency: Party) -> None:
        self.client, self.talent, self.agency = client, talent, agency
        self.by_client, self.by_talent = owner_of(client), owner_of(talent)
        self.support = Actor.support(User.objects.get(email="support@example.com"))

    def build(self) -> None:
        with clock.at(STARTS_AT - timedelta(days=16)):
            for title in ("Return lapsed", "Return escalated", "Dispute not answered"):
                self.asked(title)
            self.dispute("Dispute not answered")
        sweeping.run(as_of=STARTS_AT - timedelta(days=5))
        with clock.at(STARTS_AT - timedelta(days=4)):
            made = [title for title in (*OPEN, *SETTLED) if not self.exists(title)]
            for title in made:
                self.asked(title)
            self.asked(AGENCY_S, talent=self.agency)
        with clock.at(STARTS_AT - timedelta(days=2)):
            self.said()
        with clock.at(STARTS_AT - timedelta(days=1)):
            self.answered()

    def said(self) -> None:
        for title in ("Split open", "Split declined", "Split agreed"):
            self.split(title)
        for title in (
            "Return disputed",
            "Dispute rejected",
            "Dispute conceded",
            "Split by support",
            "Split half accepted",
            "Mediation agreed",
            "Return decided",
        ):
            self.dispute(title)

    def answered(self) -> None:
        escrow_answers.let_go(contract_of("Return let go"), by=self.by_talent)
        escrow_answers.pay_instead(contract_of("Return paid instead"), by=self.by_client)
        escrow_answers.pay_instead(contract_of("Dispute conceded"), by=self.by_client)
        escrow_answers.decline_split(split_of("Split declined"), by=self.by_client)
        escrow_answers.agree_to_split(split_of("Split agreed"), by=self.by_client)
        for title in (
            "Dispute rejected",
            "Split by support",
            "Split half accepted",
            "Mediation agreed",
            "Return decided",
        ):
            self.reject(title)
        escrow_answers.write_note(
            contract_of("Dispute rejected"),
            note="Could you both send what you agreed on the phone?",
            by=self.support,
        )
        escrow_answers.add_statement(
            contract_of("Dispute rejected"), text="My notes.", links=LINKS[:1], by=self.by_talent
        )
        self.mediated()

    def mediated(self) -> None:
        for title in ("Split by support", "Split half accepted", "Mediation agreed"):
            escrow_answers.propose_in_mediation(
                contract_of(title),
                to_talent=usd(150),
                message="Half of the second half was prepared.",
                by=self.support,
            )
        escrow_answers.agree_to_split(split_of("Split half accepted"), by=self.by_talent)
        escrow_answers.agree_to_split(split_of("Mediation agreed"), by=self.by_talent)
        escrow_answers.agree_to_split(split_of("Mediation agreed"), by=self.by_client)
        escrow_answers.decide(
            contract_of("Return decided"),
            to_talent=usd(100),
            because="A quarter of it had been prepared, as both of you say.",
            by=self.support,
        )

    def asked(self, title: str, **sides: Any) -> None:
        """A milestone was delivered and paid; the next one is in escrow when the client ends."""
        values = {"client": self.client, "talent": self.talent, "title": title} | sides
        first = factories.submitted(usd(100), **values)
        factories.approve(first)
        contract = contract_of(title)
        second = factories.add_milestone(contract, usd(400), "Second half")
        factories.fund(second)
        if title in ("Return after work", "Return escalated"):
            factories.submit(factories.milestone_of(contract, 2))
        factories.ended(contract_of(title), note="We go on with somebody else. Thank you!")
        if title == AGENCY_S:
            member = Membership.objects.get(user__email="member@example.com")
            Assignment.objects.create(contract=contract, membership=member, since=clock.now())

    def split(self, title: str) -> None:
        escrow_answers.propose_split(
            contract_of(title),
            to_talent=usd(150),
            message="I had prepared the pictures already.",
            by=self.by_talent,
        )

    def dispute(self, title: str) -> None:
        escrow_answers.dispute(contract_of(title), text=WHY, links=LINKS, by=self.by_talent)

    def reject(self, title: str) -> None:
        escrow_answers.reject(contract_of(title), text=WHY_NOT, by=self.by_client)

    def exists(self, title: str) -> bool:
        return Contract.objects.filter(title=title).exists()


def pages() -> Iterator[str]:
    """Paths that both sides look at."""
    for title in (*OPEN, *SETTLED):
        yield at("escrow_refund", title)
    for name in ("split_agree", "split_decline"):
        yield at(name, "Split by support", split_of("Split by support").pk)
    yield at("escrow_refund_add", "Dispute rejected")


def of_client() -> Iterator[str]:
    """What only the client is asked."""
    yield at("escrow_refund_pay_instead", "Return asked")
    yield at("escrow_refund_reject", "Return disputed")
    for name in ("split_agree", "split_decline"):
        yield at(name, "Split open", split_of("Split open").pk)


def of_talent() -> Iterator[str]:
    """What only the freelancer is asked."""
    yield at("escrow_refund_let_go", "Return asked")
    for title in ("Return asked", "Split declined"):
        yield at("escrow_refund_split", title)
    for title in ("Return asked", "Split open"):
        yield at("escrow_refund_dispute", title)


def of_member() -> Iterator[str]:
    """One who works for the agency, and may not answer."""
    yield at("escrow_refund", AGENCY_S)


def sent_empty(client: str, talent: str) -> Iterator[tuple[str, str, str]]:
    """Forms that are sent as they are: who, where, and the button."""
    yield client, at("escrow_refund_reject", "Return disputed"), "Reject the dispute"
    yield talent, at("escrow_refund_split", "Return asked"), "Propose a split"
    yield talent, at("escrow_refund_dispute", "Return asked"), "Dispute"


def at(name: str, title: str, *args: Any) -> str:
    return reverse(name, args=[request_of(title).pk, *args])


def request_of(title: str) -> EscrowRefundRequest:
    return EscrowRefundRequest.objects.get(book=contract_of(title).book)


def split_of(title: str) -> SplitProposal:
    """The newest split of a request."""
    return request_of(title).proposals.select_related("request").latest("pk")


def contract_of(title: str) -> Contract:
    return Contract.objects.get(title=title)
