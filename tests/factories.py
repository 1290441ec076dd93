"""What tests are made of. Rows of the ground are built here; states only through the real doors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import factory
from django.db import transaction
from factory.django import DjangoModelFactory

from contracts import billing, bonuses, closing, diary, funding, milestones, offers, timers
from contracts.closing import Choice
from contracts.models import Bonus, BonusRequest, Contract, Milestone, Stretch, Timer, Week
from contracts.offers import HourlyTerms, MilestoneDraft
from contracts.states import Side
from marketplace import clock
from marketplace.actors import PLATFORM, Actor
from marketplace.models import Membership, Party, User
from marketplace.money import Money
from marketplace.states import PartyKind, Role
from payments import books, escrow, ledger
from payments.gateways import sandbox
from payments.ledger import Leg
from payments.models import Book, Payment
from payments.states import EntryKind

NOON = datetime(2026, 11, 19, 12, tzinfo=UTC)
"""A Thursday, for tests that stop the clock."""

TUESDAY = datetime(2026, 11, 10, 9, tzinfo=UTC)
"""Of the week that is in review at noon."""

_numbers = count(1)


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@example.com")
    name = factory.Sequence(lambda n: f"Person {n}")
    password = factory.django.Password("secret")


class StaffFactory(UserFactory):
    is_staff = True


class PartyFactory(DjangoModelFactory[Party]):
    class Meta:
        model = Party

    kind = PartyKind.CLIENT
    name = factory.Sequence(lambda n: f"Client {n}")
    slug = factory.Sequence(lambda n: f"party-{n}")
    created_at = NOON


class FreelancerFactory(PartyFactory):
    kind = PartyKind.FREELANCER
    name = factory.Sequence(lambda n: f"Freelancer {n}")


class AgencyFactory(PartyFactory):
    kind = PartyKind.AGENCY
    name = factory.Sequence(lambda n: f"Agency {n}")


class MembershipFactory(DjangoModelFactory[Membership]):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    party = factory.SubFactory(PartyFactory)
    role = Role.OWNER
    joined_at = NOON


def actor(membership: Membership) -> Actor:
    return Actor.member(membership)


def owner_of(party: Party) -> Actor:
    """Somebody who owns the party, made on first use."""
    owner = party.memberships.current().filter(role=Role.OWNER).order_by("id").first()
    return actor(owner or MembershipFactory(party=party))


def member_of(party: Party, role: Role = Role.MEMBER) -> Actor:
    """One more person who acts for the party."""
    return actor(MembershipFactory(party=party, role=role))


def usd(amount: str | int) -> Money:
    """Dollars as people write them: ``usd("450")``, ``usd("0.05")``."""
    whole, _, cents = str(amount).partition(".")
    return Money(int(whole) * 100 + int(cents.ljust(2, "0") or 0), "USD")


def open_book(**values: Any) -> Book:
    """A book as a new contract gets it."""
    number = next(_numbers)
    given = {"reference": f"C-{number:06}", "title": f"Contract {number}", "currency": "USD"}
    given |= {"talent_fee": 1_000, **values}
    given.setdefault("client", None)
    given.setdefault("talent", None)
    given["client"] = given["client"] or PartyFactory()
    given["talent"] = given["talent"] or FreelancerFactory()
    return books.open_book(**given)


def charge(book: Book, amount: Money, *, key: str = "") -> None:
    """Money from outside into the client's credit, as a confirmed charge posts it."""
    with transaction.atomic():
        locked = ledger.lock(book.pk)
        ledger.post(
            kind=EntryKind.CHARGE,
            book=locked,
            legs=[Leg(locked.outside_account_id, locked.credit_account_id, amount)],
            key=key or f"charge:test:{next(_numbers)}",
            at=clock.now(),
            by=PLATFORM,
        )


def funded_book(amount: Money | None = None, **values: Any) -> Book:
    """A book with money in escrow, charged and funded through the real doors."""
    amount = usd(500) if amount is None else amount
    book = open_book(**{"currency": amount.currency, **values})
    charge(book, amount)
    with transaction.atomic():
        escrow.fund(
            ledger.lock(book.pk),
            amount,
            key=f"fund:test:{next(_numbers)}",
            memo="Milestone 1, Draft",
            at=clock.now(),
            by=PLATFORM,
        )
    return reread(book)


def paid(book: Book, gross: Money, *, title: str = "Milestone 1, Draft") -> Payment:
    """A payment released from the book's escrow now."""
    now = clock.now()
    with transaction.atomic():
        return escrow.release(
            ledger.lock(book.pk),
            gross,
            key=f"release:test:{next(_numbers)}",
            title=title,
            paid_at=now,
            at=now,
            by=PLATFORM,
        )


def paid_payment(gross: Money | None = None, **values: Any) -> Payment:
    """A payment of a book of its own: all that was in escrow."""
    gross = usd(500) if gross is None else gross
    return paid(funded_book(gross, **values), gross)


def reread(book: Book) -> Book:
    """The book with its accounts as they are now."""
    return Book.objects.select_related(
        "client",
        "talent",
        "escrow_account",
        "credit_account",
        "pending_account",
        "available_account",
    ).get(pk=book.pk)


# Contracts, step by step as people make them ----------------------------------------------------


def offered(amount: Money | None = None, **values: Any) -> Contract:
    """An offer with one milestone; ``fund_first=True`` funds it by a card that pays."""
    amount = usd(500) if amount is None else amount
    client = values.pop("client", None) or PartyFactory()
    talent = values.pop("talent", None) or FreelancerFactory()
    owner_of(talent)
    given = {
        "title": f"Contract {next(_numbers)}",
        "description": "",
        "currency": amount.currency,
        "milestones": [MilestoneDraft("Draft", amount)],
        "fund_first": False,
        "method": sandbox.ACCEPTS if values.get("fund_first") else "",
        "key": "",
    }
    return offers.make(talent=talent, by=owner_of(client), **(given | values))


def active(amount: Money | None = None, **values: Any) -> Contract:
    """An accepted offer: its milestone is planned, unless ``fund_first=True``."""
    contract = offered(amount, **values)
    return offers.accept(contract, by=owner_of(contract.talent))


def hourly_offer(rate: Money | None = None, **values: Any) -> Contract:
    """An hourly offer: $60 an hour, at most 20 hours a week, manual time allowed."""
    client = values.pop("client", None) or PartyFactory()
    talent = values.pop("talent", None) or FreelancerFactory()
    owner_of(talent)
    terms = HourlyTerms(
        rate=rate or usd(60),
        hours=values.pop("hours", 20),
        manual_time=values.pop("manual_time", True),
        method=values.pop("method", sandbox.ACCEPTS),
    )
    given = {"title": f"Contract {next(_numbers)}", "description": "", "key": ""}
    return offers.make_hourly(talent=talent, terms=terms, by=owner_of(client), **(given | values))


def hourly(rate: Money | None = None, **values: Any) -> Contract:
    """An accepted hourly contract; the talent's owner works on it."""
    contract = hourly_offer(rate, **values)
    return offers.accept(contract, by=owner_of(contract.talent))


def recorded(
    contract: Contract,
    starts_at: datetime,
    minutes: int,
    *,
    memo: str = "",
    by: Actor | None = None,
) -> Stretch:
    """Manual time, typed in by who works on the contract; the clock stands after it."""
    return diary.add(
        contract,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=minutes),
        memo=memo,
        key="",
        by=by or owner_of(contract.talent),
    )


def timed(contract: Contract, starts_at: datetime, minutes: int, *, memo: str = "") -> Timer:
    """Time recorded by a timer, started and stopped at these moments."""
    by = owner_of(contract.talent)
    with clock.at(starts_at):
        timers.start(contract, memo=memo, by=by)
    with clock.at(starts_at + timedelta(minutes=minutes)):
        return timers.stop(contract, by=by)


def in_review(minutes: int = 120, *, memo: str = "Design", **values: Any) -> Week:
    """A week billed on Monday 16 November: these minutes of the Tuesday before, from 9 o'clock.

    It is paid, unless ``method`` is one that declines or times out.
    """
    with clock.at(TUESDAY - timedelta(days=1)):
        contract = hourly(**values)
    with clock.at(TUESDAY + timedelta(minutes=minutes)):
        recorded(contract, TUESDAY, minutes, memo=memo)
    with clock.at(datetime(2026, 11, 16, 12, tzinfo=UTC)):
        billing.bill([contract.pk])
    return week_of(contract)


def week_of(contract: Contract) -> Week:
    """The contract's only week as it is now."""
    return Week.objects.select_related("contract__client", "contract__talent", "payment").get(
        contract=contract
    )


def milestone_of(contract: Contract, number: int = 1) -> Milestone:
    """A milestone of the contract as it is now."""
    return contract.milestones.select_related("contract__client", "contract__talent").get(
        number=number
    )


def planned(amount: Money | None = None, **values: Any) -> Milestone:
    return milestone_of(active(amount, **values))


def funded(amount: Money | None = None, **values: Any) -> Milestone:
    return milestone_of(active(amount, fund_first=True, **values))


def submitted(amount: Money | None = None, **values: Any) -> Milestone:
    return submit(funded(amount, **values))


def submit(milestone: Milestone) -> Milestone:
    by = owner_of(milestone.contract.talent)
    return milestones.submit(milestone, message="Here it is.", links=[], by=by)


def changes_requested(amount: Money | None = None, **values: Any) -> Milestone:
    milestone = submitted(amount, **values)
    by = owner_of(milestone.contract.client)
    return milestones.ask_for_changes(milestone, wanted="Larger letters.", by=by)


def leftover(amount: Money | None = None, **values: Any) -> Contract:
    """An active contract with that much in escrow and no active milestone; $5.00 was paid."""
    amount = usd(300) if amount is None else amount
    approve(funded(amount + usd(5), **values), usd(5))
    return Contract.objects.latest("pk")


def approve(milestone: Milestone, amount: Money | None = None) -> Payment:
    """The client releases all of it, or part."""
    by = owner_of(milestone.contract.client)
    return milestones.approve(milestone, amount=amount or milestone.amount, key="", by=by)


def add_milestone(contract: Contract, amount: Money, title: str = "More") -> Milestone:
    by = owner_of(contract.client)
    return milestones.add(contract, title=title, amount=amount, due_on=None, key="", by=by)


def propose(contract: Contract, amount: Money, title: str = "Extra") -> Milestone:
    by = owner_of(contract.talent)
    return milestones.propose(contract, title=title, amount=amount, due_on=None, key="", by=by)


def fund(milestone: Milestone, method: str = sandbox.ACCEPTS) -> Milestone:
    by = owner_of(milestone.contract.client)
    return funding.fund(milestone, method=method, key="", by=by)


def bonus(contract: Contract, amount: Money | None = None, **values: Any) -> Bonus:
    """A bonus from the client's owner, $50, charged to a card that pays."""
    amount = amount or Money(5_000, contract.currency)
    given = {"note": "Thank you!", "method": sandbox.ACCEPTS, "key": ""}
    by = owner_of(contract.client)
    return bonuses.give(contract, amount=amount, by=by, **(given | values))


def bonus_asked(contract: Contract, amount: Money | None = None, **values: Any) -> BonusRequest:
    """The talent of an ended hourly contract asks for one, of $60 for an hour."""
    amount = amount or Money(6_000, contract.currency)
    given = {"minutes": 60, "reason": "The call on Friday.", "key": ""}
    by = owner_of(contract.talent)
    return bonuses.ask(contract, amount=amount, by=by, **(given | values))


def ended(
    contract: Contract,
    side: Side | None = Side.CLIENT,
    choice: Choice | None = None,
    *,
    by: Actor | None = None,
    **values: Any,
) -> Contract:
    """The contract, ended by an owner of that side who confirms what there is to confirm."""
    given = {"choice": choice or Choice.nothing(), "gives_up": True, "side": side}
    given["seen"] = values.pop("seen") if "seen" in values else seen(contract)
    by = by or owner_of(contract.party(side or Side.CLIENT))
    return closing.end(contract, by=by, **(given | values))


def seen(contract: Contract) -> str:
    """The token of the figures that the end page shows now."""
    read = Contract.objects.select_related("book__escrow_account").get(pk=contract.pk)
    return closing.seen_token(read, closing.facts_of(read))


def money_of(contract: Contract) -> tuple[str, str, str, str]:
    """What is in escrow, the client's credit, the talent's pending and available money."""
    book = reread(contract.book)
    accounts = (book.escrow, book.credit, book.pending_account.balance)
    return tuple(str(one) for one in (*accounts, book.available_account.balance))
