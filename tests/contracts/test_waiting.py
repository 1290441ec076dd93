"""The one thing that waits, for each side, in every situation of a contract."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from contracts import escrow_answers, hours_disputes, milestones, offers, terms, timers
from contracts.models import Contract, HoursDispute
from contracts.states import OPEN_MILESTONES, Side
from contracts.waiting import waiting
from contracts.waiting.shape import Waiting
from marketplace import clock
from marketplace.actors import Actor
from marketplace.money import Money
from payments.gateways import sandbox
from payments.models import SplitProposal
from payments.queries import open_split_of
from tests.factories import (
    NOON,
    StaffFactory,
    active,
    add_milestone,
    approve,
    changes_requested,
    ended,
    funded,
    hourly,
    in_review,
    leftover,
    offered,
    owner_of,
    propose,
    submitted,
    usd,
)

pytestmark = pytest.mark.django_db


def for_side(contract: Contract, side: Side | None, *, now=NOON) -> Waiting | None:
    contract = Contract.objects.select_related(
        "client", "talent", "book__escrow_account", "book__escrow_refund_request"
    ).get(pk=contract.pk)
    open_ones = list(contract.milestones.filter(state__in=OPEN_MILESTONES).order_by("number"))
    weeks = list(contract.weeks.select_related("dispute").order_by("starts_on"))
    timer = contract.timers.filter(stopped_at=None).first()
    for one in (*open_ones, *weeks):
        one.contract = contract
    request = getattr(contract.book, "escrow_refund_request", None)
    return waiting(
        contract,
        side,
        open_milestones=open_ones,
        request=request,
        split=open_split_of(request) if request else None,
        escrow=contract.book.escrow,
        now=now,
        weeks=weeks,
        timer=timer,
    )


def words(contract: Contract, side: Side) -> str:
    found = for_side(contract, side)
    return found.words if found else ""


def proposed() -> Contract:
    contract = funded().contract
    propose(contract, usd(80))
    return contract


def kept_open() -> Contract:
    contract = leftover()
    return milestones.keep_open(contract, by=owner_of(contract.client))


def all_paid() -> Contract:
    milestone = funded()
    approve(milestone)
    return milestones.keep_open(milestone.contract, by=owner_of(milestone.contract.client))


def submitted_again_after_pay_now() -> Contract:
    contract = leftover(usd(300))
    milestone = add_milestone(contract, usd(100))
    milestones.submit(milestone, message="Done.", links=[], by=owner_of(contract.talent))
    return contract


def disputed() -> HoursDispute:
    """Half an hour of a paid week."""
    week = in_review()
    return hours_disputes.file(
        week,
        segments=[(one.pk, start) for one, start in hours_disputes.billed_segments(week)[:3]],
        reason="Not then.",
        key="",
        by=owner_of(week.contract.client),
    )


def timing() -> Contract:
    contract = hourly()
    with clock.at(NOON - timedelta(minutes=25)):
        timers.start(contract, by=owner_of(contract.talent))
    return contract


def paused() -> Contract:
    contract = hourly()
    return terms.pause(contract, by=owner_of(contract.client))


def answered_dispute() -> Contract:
    dispute = disputed()
    hours_disputes.decline(dispute, because="I did it.", by=owner_of(dispute.contract.talent))
    return dispute.contract


def split_by_talent() -> Contract:
    """$150.00 of $500.00 for the talent."""
    contract = ended(funded().contract)
    escrow_answers.propose_split(
        contract, to_talent=usd(150), message="", by=owner_of(contract.talent)
    )
    return contract


def said_no(contract: Contract) -> Contract:
    split = SplitProposal.objects.get(request__book=contract.book_id)
    escrow_answers.decline_split(split, by=owner_of(contract.client))
    return contract


def disputed_return() -> Contract:
    contract = ended(funded().contract)
    escrow_answers.dispute(contract, text="I delivered.", by=owner_of(contract.talent))
    return contract


def mediating() -> Contract:
    contract = disputed_return()
    escrow_answers.reject(contract, text="Not so.", by=owner_of(contract.client))
    return contract


def split_by_support() -> Contract:
    contract = mediating()
    by = Actor.support(StaffFactory())
    escrow_answers.propose_in_mediation(contract, to_talent=usd(200), message="Half.", by=by)
    return contract


def accepted_by_client() -> Contract:
    contract = split_by_support()
    split = SplitProposal.objects.get(request__book=contract.book_id)
    escrow_answers.agree_to_split(split, by=owner_of(contract.client))
    return contract


def let_go() -> Contract:
    contract = split_by_talent()
    escrow_answers.let_go(contract, by=owner_of(contract.talent))
    return contract


SITUATIONS: dict[str, tuple[Callable[[], Contract], str, str]] = {
    "offered": (offered, "", "Accept or decline the offer"),
    "planned": (active, "Fund milestone 1", ""),
    "funded": (lambda: funded().contract, "", "Submit milestone 1"),
    "submitted": (lambda: submitted().contract, "Approve milestone 1", ""),
    "changes": (lambda: changes_requested().contract, "", "Submit milestone 1 again"),
    "proposed beside an active one": (
        proposed,
        "Answer the proposed milestone 2",
        "Submit milestone 1",
    ),
    "after Pay now": (leftover, "End this contract, or keep it open?", ""),
    "kept open": (kept_open, "No active milestone", ""),
    "all paid, kept open": (all_paid, "No active milestone", ""),
    "submitted while asked": (submitted_again_after_pay_now, "Approve milestone 2", ""),
    "ended, nothing left": (lambda: ended(active()), "", ""),
    "ended, request": (
        lambda: ended(funded().contract),
        "",
        "Answer about $500.00 in escrow",
    ),
    "ended, the talent's split": (
        split_by_talent,
        "Answer a split: $350.00 back to you",
        "",
    ),
    "ended, the talent's split declined": (
        lambda: said_no(split_by_talent()),
        "",
        "Answer about $500.00 in escrow",
    ),
    "ended, disputed": (
        disputed_return,
        "Answer the dispute about $500.00",
        "",
    ),
    "ended, in mediation": (mediating, "", ""),
    "ended, support's split": (
        split_by_support,
        "Answer support's split",
        "Answer support's split",
    ),
    "ended, support's split accepted by the client": (
        accepted_by_client,
        "",
        "Answer support's split",
    ),
    "ended, settled": (let_go, "", ""),
    "hourly, nothing recorded": (hourly, "", ""),
    "hourly, in review": (
        lambda: in_review().contract,
        "Review last week's hours: $120.00",
        "",
    ),
    "hourly, in review after the end": (
        lambda: ended(in_review().contract),
        "Review last week's hours: $120.00",
        "",
    ),
    "hourly, declined": (
        lambda: in_review(method=sandbox.DECLINES).contract,
        "Pay $120.00 owed",
        "",
    ),
    "hourly, declined and ended": (
        lambda: ended(in_review(method=sandbox.DECLINES).contract),
        "Pay $120.00 owed",
        "",
    ),
    "hourly, disputed": (lambda: disputed().contract, "", "Answer about 30 min disputed"),
    "hourly, disputed after the end": (
        lambda: ended(disputed().contract),
        "",
        "Answer about 30 min disputed",
    ),
    "hourly, with support": (answered_dispute, "", ""),
    "hourly, timer": (timing, "", "Timer running, 25 min"),
    "hourly, paused": (paused, "", ""),
    "ended by the talent": (lambda: ended(funded().contract, Side.TALENT), "", ""),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_each_side_is_told_what_waits_for_it(name):
    make, client, talent = SITUATIONS[name]
    contract = make()

    assert (words(contract, Side.CLIENT), words(contract, Side.TALENT)) == (client, talent)
    assert for_side(contract, None) is None


def test_offer_that_was_declined_waits_for_nobody():
    contract = offered()
    offers.decline(contract, by=owner_of(contract.talent))

    assert [words(contract, side) for side in Side] == ["", ""]


@pytest.mark.parametrize(
    ("make", "side", "until", "then", "amount"),
    [
        (offered, Side.TALENT, timedelta(days=7), "it expires", None),
        (
            lambda: submitted().contract,
            Side.CLIENT,
            timedelta(days=14),
            "released automatically",
            usd(500),
        ),
        (
            lambda: ended(funded().contract),
            Side.TALENT,
            timedelta(days=7),
            "it returns to CLIENT",
            None,
        ),
        (
            lambda: ended(submitted().contract),
            Side.TALENT,
            timedelta(days=7),
            "support decides",
            None,
        ),
        (
            lambda: in_review().contract,
            Side.CLIENT,
            timedelta(days=1, hours=12),
            "paid for good",
            usd(120),
        ),
        (split_by_talent, Side.CLIENT, timedelta(days=7), "the split is off", None),
        (disputed_return, Side.CLIENT, timedelta(days=7), "paid to TALENT", usd(500)),
        (split_by_support, Side.CLIENT, timedelta(days=2), "the split is off", None),
        (split_by_support, Side.TALENT, timedelta(days=2), "the split is off", None),
        (lambda: disputed().contract, Side.TALENT, timedelta(days=3), "support decides", None),
    ],
)
def test_deadline_says_what_silence_does_and_waits_no_longer_than_that(
    make: Callable[[], Contract], side: Side, until: timedelta, then: str, amount: Money | None
):
    contract = make()

    found = for_side(contract, side)
    assert found is not None
    said = then.replace("CLIENT", contract.client.name).replace("TALENT", contract.talent.name)
    assert (found.until, found.then, found.amount) == (NOON + until, said, amount)
    assert for_side(contract, side, now=NOON + until - timedelta(seconds=1)) is not None
    assert for_side(contract, side, now=NOON + until) is None


def test_talent_whose_split_was_not_answered_is_asked_again_whether_or_not_a_sweep_came_by():
    contract = split_by_talent()
    off = NOON + timedelta(days=7)

    found = for_side(contract, Side.TALENT, now=off)
    assert found is not None
    assert (found.words, found.until) == ("Answer about $500.00 in escrow", off + timedelta(days=7))
    assert for_side(contract, Side.CLIENT, now=off) is None
    assert for_side(contract, Side.TALENT, now=off + timedelta(days=7)) is None


def test_words_about_escrow_say_whose_money_it_is():
    asked, disputed_one, split = ended(funded().contract), disputed_return(), split_by_support()

    assert for_side(asked, Side.TALENT).detail == (
        f"It is {asked.client.name}'s money, held for this contract; nothing is taken from your"
        " balance."
    )
    assert for_side(disputed_one, Side.CLIENT).detail.startswith("It is your money")
    assert for_side(split, Side.CLIENT).title == (
        f"Support proposes a split of $500.00 in escrow: $200.00 to {split.talent.name}, $300.00"
        " back to you."
    )
    assert for_side(split, Side.TALENT).title == (
        "Support proposes a split of $500.00 in escrow: $200.00 to you, $300.00 back to"
        f" {split.client.name}."
    )


@pytest.mark.parametrize("name", SITUATIONS)
def test_first_action_of_what_waits_is_marked_and_leads_somewhere(name):
    make, *_ = SITUATIONS[name]
    contract = make()

    for found in (for_side(contract, side) for side in Side):
        if found is not None:
            assert found.url
            assert [one.label for one in found.actions if one.main]
            assert all(one.url for one in found.actions)
