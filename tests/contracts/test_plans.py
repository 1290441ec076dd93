"""The plan of an end: pure, and whatever the facts, not a cent is made or lost."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, example, given, reject
from hypothesis import strategies as st

from contracts.plans import (
    BillWeek,
    CancelMilestones,
    ChargeStaysCredit,
    Choice,
    ChoiceKind,
    DisputeFacts,
    EndPlan,
    Facts,
    HoursFacts,
    LockDiary,
    MilestoneFacts,
    OpenFeedback,
    OwedFacts,
    PayFinal,
    PayMilestone,
    RequestEscrowRefund,
    ReturnEscrow,
    StaysDisputed,
    StaysOwed,
    StopTimers,
    WeekFacts,
    after_due_releases,
    plan,
)
from contracts.states import ACTIVE_MILESTONES, MilestoneState, Side
from marketplace.money import Money
from marketplace.refusals import InvalidInput
from payments.states import OnSilence
from tests.factories import usd

NEVER_ACTIVE = (MilestoneState.PROPOSED, MilestoneState.PLANNED)


def one(pk=1, state=MilestoneState.FUNDED, amount=None, *, was_submitted=False) -> MilestoneFacts:
    return MilestoneFacts(pk, pk, "Draft", state, amount or usd(500), was_submitted)


def facts(escrow, *milestones: MilestoneFacts, charge: Money | None = None, fee=1_000) -> Facts:
    return Facts(7, escrow, milestones, charge, fee, usd(0))


@st.composite
def all_facts(draw) -> Facts:
    """What a contract can be: at most one active milestone, covered by escrow."""
    minors = st.integers(1, 100_000_000)
    waiting = [
        MilestoneFacts(number, number, "Draft", draw(st.sampled_from(NEVER_ACTIVE)), amount, False)
        for number, amount in enumerate(
            (Money(minor) for minor in draw(st.lists(minors, max_size=3))), start=1
        )
    ]
    escrow = draw(st.integers(0, 100_000_000))
    if escrow and draw(st.booleans()):
        amount = Money(draw(st.integers(1, escrow)))
        state = draw(st.sampled_from(ACTIVE_MILESTONES))
        delivered = state != MilestoneState.FUNDED
        waiting.append(MilestoneFacts(9, 9, "Active", state, amount, delivered))
    charge = draw(st.none() | minors.map(Money))
    fee = draw(st.integers(0, 9_999))
    return Facts(3, Money(escrow), tuple(waiting), charge, fee, usd(0))


def planned(given_facts: Facts, side: Side, choice: Choice) -> EndPlan:
    """The plan, of an amount that is possible; any other is refused to a client alone."""
    possible = min(usd(5), given_facts.escrow), given_facts.escrow
    fits = choice.amount is None or possible[0] <= choice.amount <= possible[1]
    if side is Side.CLIENT and given_facts.escrow and not fits:
        with pytest.raises(InvalidInput):
            plan(given_facts, side, choice)
        reject()
    return plan(given_facts, side, choice)


choices = (
    st.just(Choice.all())
    | st.just(Choice.nothing())
    | st.integers(-10, 100_000_010).map(lambda minor: Choice.part(Money(minor)))
)


@given(all_facts(), st.sampled_from(Side), choices)
@example(facts(usd(0)), Side.CLIENT, Choice.part(usd(5)))
@example(facts(usd("4.99"), one(amount=usd("4.99"))), Side.CLIENT, Choice.part(usd("4.99")))
def test_plan_accounts_for_every_cent_of_escrow(given_facts, side, choice):
    made = planned(given_facts, side, choice)

    assert made.paid + made.returned + made.requested == given_facts.escrow
    assert made.received == made.paid - made.paid.fraction(given_facts.talent_fee)
    assert all(amount.minor >= 0 for amount in (made.paid, made.returned, made.requested))
    if side is Side.TALENT:
        assert (made.paid, made.requested) == (usd(0), usd(0))
    else:
        assert not made.returned


@given(all_facts(), st.sampled_from(Side), choices)
def test_plan_closes_every_open_milestone_once(given_facts, side, choice):
    made = planned(given_facts, side, choice)

    paid = [effect.milestone for effect in made.effects if isinstance(effect, PayMilestone)]
    cancelled = [
        milestone
        for effect in made.effects
        if isinstance(effect, CancelMilestones)
        for milestone in effect.milestones
    ]
    assert sorted(milestone.pk for milestone in paid + cancelled) == [
        milestone.pk for milestone in given_facts.milestones
    ]


@given(all_facts(), choices)
def test_plan_pays_a_final_payment_only_without_an_active_milestone(given_facts, choice):
    made = planned(given_facts, Side.CLIENT, choice)

    final = [effect for effect in made.effects if isinstance(effect, PayFinal)]
    closing = [effect for effect in made.effects if isinstance(effect, PayMilestone)]
    assert len(final) + len(closing) == (1 if made.paid else 0)
    assert not (final and given_facts.active)
    for effect in closing:
        assert effect.milestone == given_facts.active
        raised = effect.raised_to or effect.milestone.amount
        assert raised == max(effect.pays, effect.milestone.amount)


@given(all_facts(), choices)
def test_plan_of_less_than_all_never_pays_less_than_the_minimum(given_facts, choice):
    made = planned(given_facts, Side.CLIENT, choice)

    assert not made.paid or made.paid >= min(usd(5), given_facts.escrow)


@given(all_facts(), st.sampled_from(Side), choices)
def test_plan_opens_feedback_and_names_the_open_charge(given_facts, side, choice):
    made = planned(given_facts, side, choice)

    assert made.effects[-1] == OpenFeedback()
    named = [one.amount for one in made.effects if isinstance(one, ChargeStaysCredit)]
    assert named == ([given_facts.open_charge] if given_facts.open_charge else [])


@pytest.mark.parametrize(
    ("milestones", "choice", "silence"),
    [
        ((one(),), Choice.nothing(), OnSilence.LAPSE),
        ((one(state="submitted", was_submitted=True),), Choice.nothing(), OnSilence.ESCALATE),
        (
            (one(state="changes_requested", was_submitted=True),),
            Choice.nothing(),
            OnSilence.ESCALATE,
        ),
        ((one(state="submitted", was_submitted=True),), Choice.part(usd(200)), OnSilence.LAPSE),
        ((), Choice.nothing(), OnSilence.LAPSE),
    ],
)
def test_request_escalates_on_silence_after_work_that_is_not_paid(milestones, choice, silence):
    made = plan(facts(usd(500), *milestones), Side.CLIENT, choice)

    assert [
        effect.on_silence for effect in made.effects if isinstance(effect, RequestEscrowRefund)
    ] == [silence]


def test_plan_of_a_client_reads_in_the_order_in_which_it_is_carried_out():
    active, waiting = one(amount=usd(200)), one(2, MilestoneState.PLANNED)
    made = plan(
        facts(usd(500), active, waiting, charge=usd(40)), Side.CLIENT, Choice.part(usd(300))
    )

    assert made.effects == (
        PayMilestone(active, usd(300), usd(270), raised_to=usd(300)),
        RequestEscrowRefund(usd(200), OnSilence.LAPSE),
        CancelMilestones((waiting,)),
        ChargeStaysCredit(usd(40)),
        OpenFeedback(),
    )
    assert made.gives_up is False


def test_plan_of_a_talent_gives_escrow_back_whatever_is_chosen():
    active = one()
    made = plan(facts(usd(500), active), Side.TALENT, Choice.all())

    assert made.effects == (ReturnEscrow(usd(500)), CancelMilestones((active,)), OpenFeedback())
    assert made.gives_up is True


def test_plan_without_escrow_pays_asks_and_gives_up_nothing():
    for side in Side:
        made = plan(facts(usd(0)), side, Choice.all())

        assert made.effects == (OpenFeedback(),)
        assert made.gives_up is False


def test_part_without_an_amount_is_refused_at_the_amount():
    with pytest.raises(InvalidInput, match="Type the amount to pay") as refusal:
        plan(facts(usd(500)), Side.CLIENT, Choice(ChoiceKind.PART))

    assert refusal.value.field == "amount"


@given(all_facts())
def test_due_release_in_memory_takes_the_milestone_and_its_money(given_facts):
    active = given_facts.active
    assume(active is not None)

    after = after_due_releases(given_facts, {active.pk})

    assert after.escrow == given_facts.escrow - active.amount
    assert after.kept == given_facts.received_of(active.amount)
    assert after.version == given_facts.version + 1
    assert after.active is None
    assert after_due_releases(given_facts, set()) is given_facts


# Hours ------------------------------------------------------------------------------------------

MONDAY = date(2026, 11, 16)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@st.composite
def all_hours(draw) -> Facts:
    """What an hourly contract can be: at most two weeks to bill, some timers, some invoices."""
    timers = tuple(range(1, 1 + draw(st.integers(0, 3))))
    segments = st.integers(0, 7 * 144).map(lambda number: 10 * number)
    found = [
        WeekFacts(
            starts_on=MONDAY + timedelta(weeks=number),
            minutes=draw(segments),
            counting=draw(segments) if timers else 0,
            timed=bool(timers),
            limit=60 * draw(st.integers(1, 168)),
            bills_at=NOON,
        )
        for number in range(draw(st.integers(0, 2)))
    ]
    owed = [
        OwedFacts(
            MONDAY - timedelta(weeks=1),
            usd(350),
            is_paid=is_paid,
            has_failed=False,
            review_until=None,
        )
        for is_paid in draw(st.lists(st.booleans(), max_size=2))
    ]
    disputes = draw(st.just(()) | st.just((DisputeFacts(MONDAY, 20),)))
    rate = Money(draw(st.integers(100, 100_000)))
    hours = HoursFacts(rate, 1_200, tuple(found), timers, tuple(owed), disputes)
    return Facts(3, usd(0), (), None, draw(st.integers(0, 9_999)), usd(0), hours)


@given(all_hours(), st.sampled_from(Side), choices)
def test_plan_of_hours_bills_what_is_within_the_limit_whatever_is_chosen(given_facts, side, choice):
    made = plan(given_facts, side, choice)
    hours = given_facts.hours

    assert made.is_hourly
    assert (made.paid, made.returned, made.requested) == (usd(0), usd(0), usd(0))
    weeks = [one for one in hours.weeks if one.in_all or one.timed]
    assert [one.starts_on for one in made.billed] == [one.starts_on for one in weeks]
    for billed, week in zip(made.billed, weeks, strict=True):
        assert billed.minutes == week.minutes + week.counting
        assert billed.billable == min(billed.minutes, week.limit)
        assert billed.beyond == billed.minutes - billed.billable
        exact = hours.rate.minor * billed.billable / 60
        assert abs(billed.amount.minor - exact) <= 0.5
        assert billed.receives == billed.amount - billed.amount.fraction(given_facts.talent_fee)
        assert not (billed.at_least and billed.billable == week.limit)


@given(all_hours(), st.sampled_from(Side))
def test_plan_of_hours_locks_the_diary_once_and_leaves_invoices_and_disputes(given_facts, side):
    made = plan(given_facts, side, Choice.nothing())
    hours = given_facts.hours

    assert [one for one in made.effects if isinstance(one, LockDiary)] == [LockDiary()]
    stops = [one.timers for one in made.effects if isinstance(one, StopTimers)]
    assert stops == ([hours.timers] if hours.timers else [])
    assert [one.owed for one in made.effects if isinstance(one, StaysOwed)] == list(hours.owed)
    kept = [one.dispute for one in made.effects if isinstance(one, StaysDisputed)]
    assert kept == list(hours.disputes)
    assert made.effects[-1] == OpenFeedback()
    assert made.gives_up is False


def test_week_of_hours_is_rounded_half_up_once():
    week = WeekFacts(MONDAY, 10, 0, timed=False, limit=1_200, bills_at=NOON)
    hours = HoursFacts(Money(3_333), 1_200, (week,), (), (), ())
    (billed,) = plan(
        Facts(3, usd(0), (), None, 1_000, usd(0), hours), Side.CLIENT, Choice.all()
    ).billed

    assert billed == BillWeek(MONDAY, 10, 10, Money(556), Money(500), at_least=False, bills_at=NOON)
