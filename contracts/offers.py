"""Offers: how a contract begins. Accepted, declined, withdrawn, or expired."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction

from contracts import assignments, funding, milestones, notices, owing, positions, rules, weeks
from contracts.models import Contract, Milestone, WeekLimit
from contracts.states import ContractKind, MilestoneState
from marketplace import clock, once, parties, policy, transitions
from marketplace.actors import PLATFORM, Actor
from marketplace.models import Membership, Party
from marketplace.money import Money
from marketplace.refusals import InvalidInput, NotYours, Refused
from payments import books, escrow, ledger


@dataclass(frozen=True, slots=True)
class MilestoneDraft:
    """A milestone of an offer to be."""

    title: str
    amount: Money
    due_on: date | None = None


@dataclass(frozen=True, slots=True)
class HourlyTerms:
    """The terms of an hourly offer to be.

    Attributes:
        rate: of one hour; it never changes.
        hours: the weekly limit, in whole hours.
        manual_time: whether time may be typed in, beside the timer.
        method: token of the payment method that is charged every week.
    """

    rate: Money
    hours: int
    manual_time: bool
    method: str


def make(
    *,
    talent: Party,
    title: str,
    description: str,
    currency: str,
    milestones: Sequence[MilestoneDraft],
    fund_first: bool,
    method: str = "",
    follows: Contract | None = None,
    key: str,
    by: Actor,
) -> Contract:
    """A client offers a fixed-price contract.

    The offer goes out at once. With ``fund_first`` the first milestone is then funded, charging
    what the client's credit does not cover; a declined charge leaves the offer standing, with the
    milestone planned, and says so.

    Args:
        talent: a freelancer or agency, or one invited by e-mail.
        method: token of one of the gateway's methods, needed with ``fund_first``.
        follows: the ended contract whose terms start again.
        key: the form's key.

    Raises:
        NotYours: not an owner or manager of a client.
        Refused: the client owes hours.
        InvalidInput: the talent is not one, shares a person with the client, or an amount or date
            is out of bounds.
    """
    if fund_first:
        funding.refuse_unknown_method(by.party, method)
    contract = _make(
        talent=talent,
        title=title,
        description=description,
        currency=currency,
        drafts=list(milestones),
        follows=follows,
        pays=[fund_first, method],
        key=key,
        by=by,
    )
    first = contract.milestones.order_by("number").first()
    if fund_first and first is not None and first.state == MilestoneState.PLANNED:
        _try_to_fund(first, method=method, key=key, by=by)
    return Contract.objects.get(pk=contract.pk)


@transaction.atomic
def make_hourly(
    *,
    talent: Party,
    title: str,
    description: str,
    terms: HourlyTerms,
    follows: Contract | None = None,
    key: str,
    by: Actor,
) -> Contract:
    """A client offers an hourly contract. Nothing is charged before a week with hours is over.

    Args:
        talent: a freelancer or agency, or one invited by e-mail.
        follows: the ended contract whose terms start again.
        key: the form's key.

    Raises:
        NotYours: not an owner or manager of a client.
        Refused: the client owes hours.
        InvalidInput: the talent is not one, shares a person with the client, or a term is out of
            bounds.
    """
    again = once.claim(
        key,
        client=by.party_id,
        talent=talent.pk,
        terms=[title, description, terms.rate, terms.hours, terms.manual_time, terms.method],
        follows=follows.pk if follows else None,
    )
    if again is not None:
        return Contract.objects.get(pk=again.result)
    client = _client(by)
    _check_sides(client, talent, terms.rate.currency)
    _check_hourly(client, terms)
    if follows is not None:
        rules.refuse(rules.may_start_again(follows, by))
    contract = _open(
        client,
        talent,
        title,
        description,
        terms.rate.currency,
        follows,
        kind=ContractKind.HOURLY,
        rate_minor=terms.rate.minor,
        manual_time=terms.manual_time,
        charge_method=terms.method,
    )
    transitions.created(contract, by=by)
    WeekLimit.objects.create(
        contract=contract, from_week=weeks.week_of(contract.offered_at), minutes=terms.hours * 60
    )
    notices.offer_made(contract, by=by)
    once.keep(key, contract.pk)
    return contract


@transaction.atomic
def accept(contract: Contract, *, works: Sequence[Membership] = (), by: Actor) -> Contract:
    """The talent accepts. An open charge of a fixed price funds it when confirmed.

    Args:
        works: who works on it, of the talent's people; without a choice whoever accepts.

    Raises:
        NotYours: not an owner or manager of the talent, or one person belongs to both sides.
        Overtaken: the offer was answered or withdrawn, or has expired.
        InvalidInput: on ``works``: somebody does not belong to the talent.
    """
    contract = transitions.enter(contract)
    if _share_a_person(contract.client, contract.talent):
        raise NotYours("You cannot accept: one person belongs to both sides of this offer.")
    now = clock.now()
    transitions.move(contract, "accept", by=by, at=now)
    assignments.begin(contract, works, by=by)
    positions.touch(contract, now=now)
    notices.offer_accepted(contract, by=by)
    return contract


@transaction.atomic
def decline(contract: Contract, *, by: Actor, reason: str = "") -> Contract:
    """The talent declines; money in escrow goes back to the client at once."""
    contract = transitions.enter(contract)
    _close(contract, "decline", by=by, reason=reason)
    notices.offer_declined(contract, reason=reason, by=by)
    return contract


@transaction.atomic
def withdraw(contract: Contract, *, by: Actor) -> Contract:
    """The client withdraws an offer that was not answered yet."""
    contract = transitions.enter(contract)
    _close(contract, "withdraw", by=by)
    notices.offer_withdrawn(contract, by=by)
    return contract


def expire(contract: Contract) -> None:
    """Nobody answered within the window. Called while the contract is entered."""
    _close(contract, "expire", by=PLATFORM)
    notices.offer_expired(contract)


def _close(contract: Contract, name: str, *, by: Actor, reason: str = "") -> None:
    """The offer will not become a contract: return its money, cancel its milestones."""
    transitions.refuse_unless_possible(contract, name, by=by)
    now = clock.now()
    book = ledger.lock(contract.book_id)
    if book.escrow:
        escrow.give_back(
            book,
            book.escrow,
            key=f"offer:{contract.pk}:return",
            memo="The offer did not become a contract",
            at=now,
            by=by,
        )
    transitions.move_all(contract.open_milestones, "cancel", by=by, at=now)
    contract.open_milestones = []
    transitions.move(contract, name, by=by, reason=reason, at=now)
    positions.touch(contract, now=now)


@transaction.atomic
def _make(
    *,
    talent: Party,
    title: str,
    description: str,
    currency: str,
    drafts: list[MilestoneDraft],
    follows: Contract | None,
    pays: list[Any],
    key: str,
    by: Actor,
) -> Contract:
    """The offer itself; ``pays`` only tells one sending of the form from another."""
    again = once.claim(
        key,
        client=by.party_id,
        talent=talent.pk,
        terms=[title, description, currency],
        drafts=[_facts(one) for one in drafts],
        follows=follows.pk if follows else None,
        pays=pays,
    )
    if again is not None:
        return Contract.objects.get(pk=again.result)
    client = _client(by)
    _check(client, talent, currency, drafts)
    if follows is not None:
        rules.refuse(rules.may_start_again(follows, by))
    contract = _open(client, talent, title, description, currency, follows, kind=ContractKind.FIXED)
    transitions.created(contract, by=by)
    for number, draft in enumerate(drafts, start=1):
        _plan(contract, number, draft, by=by)
    notices.offer_made(contract, by=by)
    once.keep(key, contract.pk)
    return contract


def _open(
    client: Party,
    talent: Party,
    title: str,
    description: str,
    currency: str,
    follows: Contract | None,
    **terms: Any,
) -> Contract:
    """The contract's row and its book; ``terms`` are the columns of its kind."""
    now = clock.now()
    reference = f"C-{parties.code(8)}"
    book = books.open_book(
        reference=reference,
        title=title,
        currency=currency,
        client=client,
        talent=talent,
        talent_fee=policy.TALENT_FEE,
    )
    contract = Contract(
        reference=reference,
        book=book,
        title=title,
        description=description,
        currency=currency,
        client=client,
        talent=talent,
        offered_at=now,
        expires_at=now + policy.OFFER_WINDOW,
        follows=follows,
        **terms,
    )
    contract.open_milestones, contract.open_request = [], None
    contract.open_weeks, contract.open_disputes = [], []
    contract.disputed_weeks = set()
    positions.place(contract, now=now)
    contract.save(force_insert=True)
    return contract


def _plan(contract: Contract, number: int, draft: MilestoneDraft, *, by: Actor) -> None:
    milestone = Milestone(
        contract=contract,
        number=number,
        title=draft.title,
        currency=contract.currency,
        amount_minor=draft.amount.minor,
        due_on=draft.due_on,
        created_at=clock.now(),
    )
    milestone.save(force_insert=True)
    transitions.created(milestone, by=by)


def _try_to_fund(first: Milestone, *, method: str, key: str, by: Actor) -> None:
    """A declined charge does not take the offer back; the client was told by a notice."""
    with suppress(Refused):
        funding.fund(first, method=method, key=key or f"offer-{first.contract_id}", by=by)


def _client(by: Actor) -> Party:
    party = by.party
    if party is None or not party.is_client:
        raise NotYours("Only a client can make an offer.")
    if not by.manages:
        raise NotYours(f"Only an owner or manager of {party.name} can make an offer.")
    owing.refuse_who_owes(party)
    return party


def _check(client: Party, talent: Party, currency: str, drafts: list[MilestoneDraft]) -> None:
    _check_sides(client, talent, currency)
    if not drafts:
        raise InvalidInput("Describe the first milestone.", field="milestone")
    for draft in drafts:
        milestones.check_amount(draft.amount, currency)
        if draft.due_on is not None and draft.due_on < clock.now().date():
            raise InvalidInput("Choose today or a later date.", field="due_on")


def _check_hourly(client: Party, terms: HourlyTerms) -> None:
    lowest, highest = (
        bound(terms.rate.currency) for bound in (policy.minimum_rate, policy.maximum_rate)
    )
    if not lowest <= terms.rate <= highest:
        raise InvalidInput(f"Choose a rate from {lowest} to {highest} an hour.", field="rate")
    if not 1 <= terms.hours <= policy.WEEKLY_HOURS:
        raise InvalidInput(f"Type whole hours from 1 to {policy.WEEKLY_HOURS}.", field="hours")
    funding.refuse_unknown_method(client, terms.method)


def _check_sides(client: Party, talent: Party, currency: str) -> None:
    if not talent.is_talent:
        raise InvalidInput("Choose a freelancer or an agency.", field="talent")
    if _share_a_person(client, talent):
        raise InvalidInput(
            f"You cannot make an offer to {talent.name}: one person belongs to both sides.",
            field="talent",
        )
    if currency not in policy.CURRENCIES:
        raise InvalidInput("Choose one of the currencies.", field="currency")


def _share_a_person(client: Party, talent: Party) -> bool:
    """One person acts for both, or was invited by an address that acts for the client."""
    of_client = Membership.objects.current().filter(party=client)
    if talent.invited_email:
        return of_client.filter(user__email=talent.invited_email).exists()
    people = of_client.values("user")
    return Membership.objects.current().filter(party=talent, user__in=people).exists()


def _facts(draft: MilestoneDraft) -> list[Any]:
    return [draft.title, draft.amount, draft.due_on]
