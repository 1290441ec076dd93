"""What the pages about bonuses show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, QuerySet, Subquery
from django.urls import reverse

from contracts import quotes, rules
from contracts.models import BonusRequest, Contract
from contracts.quotes import Quote
from contracts.states import ACTIVE_MILESTONES, BonusRequestState
from marketplace import clock, moments, policy
from marketplace.actors import Actor
from marketplace.money import Money


@dataclass(frozen=True, slots=True)
class EscrowWay:
    """What can be done with the money in escrow instead of giving a bonus."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class BonusFigures:
    """What a bonus of an amount takes and gives."""

    amount: Money
    quote: Quote
    receives: Money
    available_at: datetime


@dataclass(frozen=True, slots=True)
class BonusPage:
    """The page on which the client gives a bonus.

    Attributes:
        escrow_way: None when nothing is in escrow, or nothing can be done with it here.
        request: the talent's, that waits.
        until: the last moment for a bonus; None while the contract goes on.
    """

    contract: Contract
    escrow: Money
    escrow_way: EscrowWay | None
    credit: Money
    request: BonusRequest | None
    until: datetime | None
    minimum: Money

    @property
    def escrow_title(self) -> str:
        return f"{self.escrow} is in escrow."

    @property
    def request_title(self) -> str:
        """What the talent asks for, in one line."""
        if self.request is None:
            return ""
        name, time = self.contract.talent.name, moments.hours(self.request.minutes)
        return f"{name} asks for {self.request.amount}: {time} that was not recorded."


@dataclass(frozen=True, slots=True)
class BonusLine:
    """A line of *Still possible*.

    Attributes:
        url: a page; where ``asked`` is set, what takes that request back.
        asked: what the reader asked for, and the client has not answered.
    """

    label: str
    url: str
    until: datetime
    asked: Money | None = None


def bonus_page(contract: Contract) -> BonusPage:
    """The page's facts; at most two queries beyond the contract."""
    escrow = contract.book.escrow
    return BonusPage(
        contract=contract,
        escrow=escrow,
        escrow_way=_escrow_way(contract) if escrow else None,
        credit=contract.book.credit,
        request=waiting_request(contract),
        until=rules.bonus_until(contract),
        minimum=policy.minimum_bonus(contract.currency),
    )


def bonus_figures(contract: Contract, amount: Money) -> BonusFigures:
    """Quoted from an unlocked reading of the book."""
    book = contract.book
    return BonusFigures(
        amount=amount,
        quote=quotes.quote(amount, credit=book.credit),
        receives=book.net_of(amount),
        available_at=clock.now() + policy.SECURITY_PERIOD,
    )


def waiting_request(contract: Contract) -> BonusRequest | None:
    """What the talent asks for, as long as it waits; no query for a contract that takes none."""
    if not (contract.is_hourly and contract.is_ended):
        return None
    now = clock.now()
    found = contract.bonus_requests.filter(state=BonusRequestState.WAITING, until__gt=now).first()
    if found is not None:
        found.contract = contract
    return found


def with_bonus_asked(found: QuerySet[Contract], *, now: datetime) -> QuerySet[Contract]:
    """Contracts with what :func:`bonus_asked` reads: the request that waits; no query more."""
    waits = BonusRequest.objects.filter(
        contract=OuterRef("pk"), state=BonusRequestState.WAITING, until__gt=now
    ).order_by()
    return found.annotate(
        bonus_request_id=Subquery(waits.values("pk")[:1]),
        bonus_asked_minor=Subquery(waits.values("amount_minor")[:1]),
    )


def bonus_asked(contract: Contract) -> Money | None:
    """What the talent asks for, of a contract that :func:`with_bonus_asked` found."""
    minor: int | None = contract.bonus_asked_minor  # type: ignore[attr-defined]
    return None if minor is None else Money(minor, contract.currency)


def bonus_line(contract: Contract, actor: Actor, *, now: datetime) -> BonusLine | None:
    """What the reader of an ended contract can still do about bonuses; no queries.

    Args:
        contract: found by :func:`with_bonus_asked`.
    """
    until = rules.bonus_until(contract)
    assert until is not None, "only ended contracts have a last moment"
    if rules.may_give_bonus(contract, actor, now=now) is None:
        url = reverse("give_bonus", args=[contract.reference])
        return BonusLine("Give a bonus", url, until)
    if rules.may_ask_for_bonus(contract, actor, now=now) is not None:
        return None
    asked, pk = bonus_asked(contract), contract.bonus_request_id  # type: ignore[attr-defined]
    if asked is not None:
        back = reverse("withdraw_bonus_request", args=[contract.reference, pk])
        return BonusLine("Take the request back", back, until, asked)
    url = reverse("ask_bonus", args=[contract.reference])
    return BonusLine("Ask for a bonus for unrecorded time", url, until)


def _escrow_way(contract: Contract) -> EscrowWay | None:
    """Approve what is active, or add a milestone; after the end, pay what was asked back."""
    reference = contract.reference
    if contract.is_ended:
        request = getattr(contract.book, "escrow_refund_request", None)
        if request is None:
            return None
        return EscrowWay("Pay from escrow instead", reverse("escrow_refund", args=[request.pk]))
    active = contract.milestones.filter(state__in=ACTIVE_MILESTONES).first()
    if active is None:
        return EscrowWay("Add new milestone", reverse("add_milestone", args=[reference]))
    url = reverse("milestone_approve", args=[reference, active.number])
    return EscrowWay(f"Approve milestone {active.number}", url)
