"""Ended contracts for the tests of feedback, made through the real doors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from contracts import closing, funding, milestones, offers
from contracts.models import Contract
from contracts.offers import MilestoneDraft
from contracts.states import Side
from feedback import giving
from feedback.models import Feedback
from marketplace import clock
from marketplace.actors import Actor
from marketplace.models import Party
from marketplace.money import Money
from tests.factories import NOON, FreelancerFactory, PartyFactory, charge, owner_of, usd

CLOSES = datetime(2026, 12, 4, tzinfo=UTC)
"""When the window of a contract that ended at NOON closes: the end of the 14th day after, UTC."""
REMINDS = CLOSES - timedelta(days=3)
JUST_BEFORE = timedelta(microseconds=1)

_keys = count(1)


def active_contract(
    *, client: Party | None = None, talent: Party | None = None, title: str = "Annual report"
) -> Contract:
    """An accepted contract with one planned milestone of $100."""
    client, talent = client or PartyFactory(), talent or FreelancerFactory()
    contract = offers.make(
        talent=talent,
        title=title,
        description="",
        currency="USD",
        milestones=[MilestoneDraft("Layout", usd(100))],
        fund_first=False,
        key=f"offer-{next(_keys)}",
        by=owner_of(client),
    )
    return offers.accept(contract, by=owner_of(talent))


def paid_contract(amount: Money | None = None, **values: Any) -> Contract:
    """An active contract of which one milestone, or a part of it, was paid."""
    contract = active_contract(**values)
    charge(contract.book, usd(100))
    client, key = owner_of(contract.client), f"pay-{next(_keys)}"
    milestone = funding.fund(contract.milestones.get(), method="", key=key, by=client)
    milestones.approve(milestone, amount=amount or usd(100), key=key, by=client)
    return contract


def end(contract: Contract, *, by: Actor | None = None) -> Contract:
    contract = Contract.objects.select_related("client", "talent", "book__escrow_account").get(
        pk=contract.pk
    )
    seen = closing.seen_token(contract, closing.facts_of(contract))
    by = by or owner_of(contract.client)
    closing.end(contract, choice=closing.Choice.nothing(), seen=seen, by=by)
    return reread(contract)


def ended_contract(*, at: datetime = NOON, **values: Any) -> Contract:
    """A paid contract that the client ended at a moment; its window closes at CLOSES."""
    with clock.at(at):
        return end(paid_contract(**values))


def unpaid_ended_contract(*, at: datetime = NOON, **values: Any) -> Contract:
    with clock.at(at):
        return end(active_contract(**values))


def reread(contract: Contract) -> Contract:
    return Contract.objects.select_related("client", "talent").get(pk=contract.pk)


def give(
    contract: Contract, side: Side, *, stars: int = 5, at: datetime = NOON, **given: Any
) -> Feedback:
    """One side's owner gives feedback at a moment."""
    with clock.at(at):
        return giving.give(contract, stars=stars, **given, by=owner_of(contract.party(side)))
