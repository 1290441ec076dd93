"""Milestones: planned, proposed, submitted, reviewed, released; exact amounts and instants."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from contracts import milestones
from contracts.models import Contract, Milestone, Submission
from contracts.states import MilestoneState, Side
from marketplace import clock, policy, sweeping
from marketplace.actors import Actor
from marketplace.models import Notice
from marketplace.money import Money
from marketplace.notices import text_of
from marketplace.refusals import InvalidInput, KeyReused, NotYours, Overtaken
from payments.gateways import sandbox
from payments.models import Payment
from tests.factories import (
    NOON,
    StaffFactory,
    active,
    add_milestone,
    approve,
    changes_requested,
    ended,
    fund,
    funded,
    hourly,
    leftover,
    member_of,
    milestone_of,
    money_of,
    offered,
    owner_of,
    planned,
    submit,
    submitted,
    usd,
)
from tests.support.asserting import assert_audit_clean, refused

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 19)
REVIEW = timedelta(days=14)


def client(milestone_or_contract) -> Actor:
    contract = getattr(milestone_or_contract, "contract", milestone_or_contract)
    return owner_of(contract.client)


def talent(milestone_or_contract) -> Actor:
    contract = getattr(milestone_or_contract, "contract", milestone_or_contract)
    return owner_of(contract.talent)


def propose(contract: Contract, amount: Money, **values):
    given = {"title": "Idea", "due_on": None, "key": "", "by": owner_of(contract.talent)}
    return milestones.propose(contract, amount=amount, **(given | values))


# Adding (S) --------------------------------------------------------------------------------------


def test_added_milestone_is_planned_and_charges_nothing():
    contract = active()

    milestone = milestones.add(
        contract, title="Logo", amount=usd(5), due_on=TODAY, key="", by=client(contract)
    )

    assert (milestone.number, milestone.state) == (2, MilestoneState.PLANNED)
    assert (milestone.amount, milestone.due_on, milestone.created_at) == (usd(5), TODAY, NOON)
    assert money_of(contract) == ("$0.00", "$0.00", "$0.00", "$0.00")


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        (usd("4.99"), "A milestone is at least $5.00."),
        (usd(0), "A milestone is at least $5.00."),
        (-usd(10), "A milestone is at least $5.00."),
        (usd("1000000.01"), "An amount is at most $1,000,000.00."),
        (Money(1_000, "EUR"), "Amounts of this contract are in USD."),
    ],
)
def test_milestone_of_an_impossible_amount_is_refused_at_the_amount(amount, sentence):
    contract = active()

    with refused(contract, InvalidInput, sentence) as refusal:
        add_milestone(contract, amount)

    assert refusal.value.field == "amount"


def test_milestone_due_yesterday_is_refused_at_the_date():
    contract = active()

    with refused(contract, InvalidInput, "Choose today or a later date.") as refusal:
        milestones.add(
            contract,
            title="Late",
            amount=usd(5),
            due_on=TODAY - timedelta(days=1),
            key="",
            by=client(contract),
        )

    assert refusal.value.field == "due_on"


def test_leftover_escrow_that_covers_a_new_milestone_activates_it_on_save():
    contract = leftover(usd(300))

    milestone = add_milestone(contract, usd(200))

    assert (milestone.state, milestone.funded_at) == (MilestoneState.FUNDED, NOON)
    assert money_of(contract)[0] == "$300.00"
    assert contract.book.operations.count() == 1
    assert_audit_clean()


def test_leftover_escrow_that_does_not_cover_a_new_milestone_leaves_it_planned():
    assert add_milestone(leftover(usd(300)), usd("300.01")).state == MilestoneState.PLANNED


def test_leftover_escrow_activates_nothing_while_a_milestone_is_active():
    contract = leftover(usd(300))
    add_milestone(contract, usd(100))

    assert add_milestone(contract, usd(100)).state == MilestoneState.PLANNED


def test_milestone_below_the_minimum_is_possible_for_the_whole_leftover():
    milestone = add_milestone(leftover(usd(3)), usd(3))

    assert milestone.state == MilestoneState.FUNDED


@pytest.mark.parametrize("amount", [usd("2.99"), usd("3.01")])
def test_milestone_below_the_minimum_for_another_amount_is_refused(amount):
    contract = leftover(usd(3))

    with refused(contract, InvalidInput, "or the $3.00 that is left in escrow"):
        add_milestone(contract, amount)


def test_form_sent_twice_adds_one_milestone():
    contract = active()
    values = {"title": "Logo", "amount": usd(50), "due_on": None, "by": client(contract)}

    first, second = (milestones.add(contract, key="form-1", **values) for _ in range(2))

    assert first == second
    assert contract.milestones.count() == 2
    with pytest.raises(KeyReused):
        milestones.add(contract, key="form-1", **(values | {"amount": usd(51)}))


def test_contract_has_at_most_100_milestones(monkeypatch):
    monkeypatch.setattr(policy, "MILESTONES", 2)
    contract = active()
    add_milestone(contract, usd(50))

    with refused(contract, InvalidInput, "at most 2 milestones"):
        add_milestone(contract, usd(50))


@pytest.mark.parametrize("make", [offered, lambda: ended(active())], ids=["offered", "ended"])
def test_milestone_is_added_only_while_the_contract_is_active(make):
    contract = make()

    with refused(contract, Overtaken, ""):
        add_milestone(contract, usd(50))


# Proposing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", list(Side))
def test_hourly_contract_has_no_milestones(side):
    contract = hourly()
    by = owner_of(contract.party(side))
    do = milestones.add if side is Side.CLIENT else milestones.propose

    with refused(contract, Overtaken, "Only fixed-price contracts have milestones."):
        do(contract, title="Logo", amount=usd(50), due_on=None, key="", by=by)


def test_talent_proposes_and_the_client_agrees():
    milestone = propose(active(), usd(50))
    assert milestone.state == MilestoneState.PROPOSED

    milestone = milestones.agree(milestone, by=client(milestone))

    assert milestone.state == MilestoneState.PLANNED
    assert Notice.objects.filter(kind="contracts.proposal_answered").count() == 2


def test_agreed_proposal_is_activated_by_leftover_escrow():
    milestone = propose(leftover(usd(300)), usd(200))

    milestone = milestones.agree(milestone, by=client(milestone))

    assert milestone.state == MilestoneState.FUNDED
    assert_audit_clean()


def test_declined_proposal_is_closed():
    milestone = propose(active(), usd(50))

    milestone = milestones.decline_proposal(milestone, by=client(milestone))

    assert (milestone.state, milestone.closed_at) == (MilestoneState.DECLINED, NOON)


def test_proposal_taken_back_is_closed():
    milestone = propose(active(), usd(50))

    milestone = milestones.take_back_proposal(milestone, by=talent(milestone))

    assert (milestone.state, milestone.closed_at) == (MilestoneState.CANCELLED, NOON)


def test_proposal_below_the_minimum_is_refused():
    contract = leftover(usd(3))

    with refused(contract, InvalidInput, "A milestone is at least $5.00."):
        propose(contract, usd(3))


def test_answer_to_an_answered_proposal_reads_that_it_is_closed():
    milestone = propose(active(), usd(50))
    milestones.take_back_proposal(milestone, by=talent(milestone))

    with refused(milestone.contract, Overtaken, "This milestone is no longer open."):
        milestones.agree(milestone, by=client(milestone))


# Planning ----------------------------------------------------------------------------------------


def test_planned_milestone_is_revised():
    milestone = planned()

    milestone = milestones.revise(
        milestone, title="Better", amount=usd(60), due_on=TODAY, by=client(milestone)
    )

    assert (milestone.title, milestone.amount, milestone.due_on) == ("Better", usd(60), TODAY)


def test_revised_milestone_keeps_a_date_that_has_passed_meanwhile():
    milestone = planned()
    given = {"title": "Draft", "amount": usd(60), "by": client(milestone)}
    milestones.revise(milestone, due_on=TODAY, **given)

    with clock.at(NOON + timedelta(days=2)):
        assert milestones.revise(milestone, due_on=TODAY, **given).due_on == TODAY
        with refused(milestone.contract, InvalidInput, "Choose today or a later date."):
            milestones.revise(milestone, due_on=TODAY + timedelta(days=1), **given)


def test_deleted_milestone_stays_as_cancelled():
    milestone = planned()

    milestone = milestones.delete(milestone, by=client(milestone))

    assert (milestone.state, milestone.closed_at) == (MilestoneState.CANCELLED, NOON)


def test_milestone_moves_above_the_planned_one_before_it():
    contract = active()
    add_milestone(contract, usd(50), "Second")
    third = add_milestone(contract, usd(60), "Third")

    milestones.move_up(third, by=client(contract))

    assert list(contract.milestones.values_list("number", "title")) == [
        (1, "Draft"),
        (2, "Third"),
        (3, "Second"),
    ]


def test_first_planned_milestone_does_not_move_above_an_active_one():
    milestone = funded()
    second = add_milestone(milestone.contract, usd(50))

    with refused(milestone.contract, Overtaken, "cannot move further up"):
        milestones.move_up(second, by=client(milestone))


@pytest.mark.parametrize(
    "change",
    [
        lambda one: milestones.revise(
            one, title="Other", amount=usd(9), due_on=None, by=client(one)
        ),
        lambda one: milestones.delete(one, by=client(one)),
    ],
    ids=["revise", "delete"],
)
def test_milestone_whose_charge_is_open_stays_as_it_is(change):
    milestone = planned()
    fund(milestone, sandbox.TIMES_OUT)

    with refused(milestone.contract, Overtaken, "A charge for this milestone is still open."):
        change(milestone)


@pytest.mark.parametrize("make", [funded, submitted, changes_requested])
def test_active_milestone_is_neither_revised_nor_deleted(make):
    milestone = make()

    with refused(milestone.contract, Overtaken, "no longer possible"):
        milestones.revise(
            milestone, title="Other", amount=usd(1), due_on=None, by=client(milestone)
        )
    with refused(milestone.contract, Overtaken, "no longer possible"):
        milestones.delete(milestone, by=client(milestone))


# Submitting and reviewing ------------------------------------------------------------------------


def test_submission_starts_a_review_of_14_days():
    milestone = submitted()

    assert milestone.state == MilestoneState.SUBMITTED
    assert (milestone.submitted_at, milestone.review_until) == (NOON, NOON + REVIEW)
    assert milestone.reminder_due_at == NOON + timedelta(days=7)
    handed_in = Submission.objects.get()
    assert (handed_in.message, handed_in.links, handed_in.at) == ("Here it is.", [], NOON)
    assert handed_in.membership == talent(milestone).membership


def test_assigned_member_submits_and_takes_back():
    milestone = funded()
    by = member_of(milestone.contract.talent)

    milestone = milestones.submit(milestone, message="Done.", links=["https://example.com"], by=by)
    milestone = milestones.take_back(milestone, by=by)

    assert milestone.state == MilestoneState.FUNDED


def test_unfunded_milestone_has_no_submit():
    milestone = planned()

    with refused(milestone.contract, Overtaken, "the milestone is not funded now"):
        submit(milestone)


def test_submission_taken_back_counts_as_never_made():
    milestone = submitted()

    milestone = milestones.take_back(milestone, by=talent(milestone))

    assert (milestone.submitted_at, milestone.review_until) == (None, None)
    assert milestone.was_submitted is False
    assert Submission.objects.get().taken_back_at == NOON
    assert ended(milestone.contract).book.escrow_refund_request.on_silence == "lapse"


def test_asking_for_changes_stops_the_clock_and_a_new_submission_starts_another():
    milestone = changes_requested()
    assert (milestone.review_until, milestone.reminder_due_at) == (None, None)
    assert milestone.changes_wanted == "Larger letters."

    later = NOON + timedelta(days=30)
    sweeping.run(as_of=later)
    with clock.at(later):
        milestone = submit(milestone)

    assert milestone.review_until == later + REVIEW
    assert Payment.objects.count() == 0


@pytest.mark.parametrize("words", ["", "  \n"])
def test_asking_for_changes_and_for_time_takes_words(words):
    milestone = submitted()

    with refused(milestone.contract, InvalidInput, "Say what should change."):
        milestones.ask_for_changes(milestone, wanted=words, by=client(milestone))
    with refused(milestone.contract, InvalidInput, "Say why you need more time."):
        milestones.extend(milestone, because=words, by=client(milestone))


def test_review_is_extended_by_seven_days_once_per_milestone():
    milestone = submitted()

    milestone = milestones.extend(milestone, because="Holidays.", by=client(milestone))

    assert milestone.review_until == NOON + timedelta(days=21)
    with refused(milestone.contract, NotYours, "once per milestone"):
        milestones.extend(milestone, because="More holidays.", by=client(milestone))


def test_extension_is_used_up_for_a_later_submission_too():
    milestone = submitted()
    milestones.extend(milestone, because="Holidays.", by=client(milestone))
    milestones.ask_for_changes(milestone, wanted="Larger.", by=client(milestone))
    milestone = submit(milestone)

    assert milestone.review_until == NOON + REVIEW
    with refused(milestone.contract, NotYours, "once per milestone"):
        milestones.extend(milestone, because="Again.", by=client(milestone))


def days_reminded(milestone: Milestone) -> list[float]:
    """After how many days the client is told, by a sweep at each reminder, until the release."""
    days = []
    told = Notice.objects.filter(kind="contracts.review_reminder")
    while (due := milestone_of(milestone.contract).reminder_due_at) is not None:
        before = told.count()
        sweeping.run(as_of=due)
        assert told.count() == before + 1
        days.append((due - NOON) / timedelta(days=1))
    return days


@pytest.mark.parametrize("after", [2, 8, 13.5])
def test_extended_review_is_reminded_of_in_its_last_days(after):
    milestone = submitted()
    with clock.at(NOON + timedelta(days=after)):
        milestones.extend(milestone, because="Holidays.", by=client(milestone))

    assert days_reminded(milestone) == [14, 18, 20]
    told = Notice.objects.filter(kind="contracts.review_reminder").select_related("party")
    for notice in told:
        words = " ".join(text_of(notice).paragraphs)
        assert "is released on Thursday 10 December 2026, 12:00 (UTC)" in words


def test_reminders_that_were_missed_in_an_extension_are_made_up_for_by_one():
    milestone = submitted()
    milestones.extend(milestone, because="Holidays.", by=client(milestone))

    sweeping.run(as_of=NOON + timedelta(days=19))

    assert Notice.objects.filter(kind="contracts.review_reminder").count() == 1
    due = milestone_of(milestone.contract).reminder_due_at
    assert due == NOON + timedelta(days=20)


# Paying ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [funded, submitted, changes_requested])
def test_approving_releases_in_full_with_or_without_a_submission(make):
    milestone = make(usd("100.05"))

    payment = approve(milestone)

    assert (payment.gross, payment.fee, payment.net) == (usd("100.05"), usd("10.01"), usd("90.04"))
    assert (payment.paid_at, payment.available_at) == (NOON, NOON + timedelta(days=5))
    paid = milestone_of(milestone.contract)
    assert (paid.state, paid.paid, paid.paid_at) == (MilestoneState.PAID, usd("100.05"), NOON)
    assert money_of(milestone.contract) == ("$0.00", "$0.00", "$90.04", "$0.00")
    assert_audit_clean()


def test_approving_a_part_leaves_the_rest_in_escrow():
    milestone = submitted()

    payment = approve(milestone, usd(5))

    assert (payment.gross, payment.fee, payment.net) == (usd(5), usd("0.50"), usd("4.50"))
    assert money_of(milestone.contract) == ("$495.00", "$0.00", "$4.50", "$0.00")
    assert milestone_of(milestone.contract).state == MilestoneState.PAID
    assert_audit_clean()


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        (usd("4.99"), "Release at least $5.00."),
        (-usd(50), "Release at least $5.00."),
        (usd("500.01"), "At most $500.00"),
    ],
)
def test_approving_an_impossible_part_is_refused_at_the_amount(amount, sentence):
    milestone = submitted()

    with refused(milestone.contract, InvalidInput, sentence) as refusal:
        approve(milestone, amount)

    assert refusal.value.field == "amount"


def test_milestone_below_the_minimum_is_released_whole():
    milestone = add_milestone(leftover(usd(3)), usd(3))

    with refused(milestone.contract, InvalidInput, "Release at least $3.00."):
        approve(milestone, usd(2))
    assert approve(milestone, usd(3)).net == usd("2.70")


def test_more_than_the_milestone_is_never_released_even_with_leftover_escrow():
    contract = leftover(usd(300))
    milestone = add_milestone(contract, usd(100))

    with refused(contract, InvalidInput, "At most $100.00, the amount of this milestone"):
        approve(milestone, usd(101))


def test_form_sent_twice_pays_once():
    milestone = submitted()
    values = {"amount": usd(500), "key": "form-1", "by": client(milestone)}

    first, second = (milestones.approve(milestone, **values) for _ in range(2))

    assert first == second
    assert Payment.objects.count() == 1
    assert Notice.objects.filter(kind="contracts.payment_released").count() == 2


def test_second_approval_reads_that_it_is_paid():
    milestone = submitted()
    approve(milestone)

    with refused(milestone.contract, Overtaken, "This milestone is no longer open."):
        approve(milestone)


def test_question_after_pay_now_stays_until_it_is_answered():
    milestone = submitted()
    approve(milestone)
    contract = Contract.objects.get(pk=milestone.contract_id)
    assert contract.asks_to_end_since == NOON

    contract = milestones.keep_open(contract, by=client(contract))

    assert contract.asks_to_end_since is None
    assert contract.is_active


def test_review_that_is_over_releases_the_full_amount_as_of_then():
    milestone = submitted()

    sweeping.run(as_of=NOON + REVIEW - timedelta(microseconds=1))
    assert Payment.objects.count() == 0
    sweeping.run(as_of=NOON + REVIEW + timedelta(hours=30))

    payment = Payment.objects.get()
    assert (payment.gross, payment.paid_at) == (usd(500), NOON + REVIEW)
    assert payment.available_at == NOON + REVIEW + timedelta(days=5)
    paid = milestone_of(milestone.contract)
    assert (paid.paid_at, paid.paid) == (NOON + REVIEW, usd(500))
    assert Contract.objects.get().asks_to_end_since is None
    assert_audit_clean()


def test_extended_review_is_over_a_week_later():
    milestone = submitted()
    milestones.extend(milestone, because="Holidays.", by=client(milestone))

    sweeping.run(as_of=NOON + timedelta(days=21) - timedelta(microseconds=1))
    assert Payment.objects.count() == 0
    sweeping.run(as_of=NOON + timedelta(days=21))
    assert Payment.objects.count() == 1


@pytest.mark.parametrize(
    "late",
    [
        lambda one: milestones.ask_for_changes(one, wanted="Larger.", by=client(one)),
        lambda one: milestones.extend(one, because="Holidays.", by=client(one)),
        lambda one: milestones.take_back(one, by=talent(one)),
        lambda one: approve(one, usd(100)),
    ],
    ids=["changes", "extension", "take back", "part"],
)
def test_what_comes_on_the_instant_of_the_release_comes_too_late(late):
    milestone = submitted()

    with clock.at(NOON + REVIEW), refused(milestone.contract, Overtaken, "no longer open"):
        late(milestone)


def test_client_is_reminded_on_days_7_11_and_13():
    milestone = submitted()
    days = []

    for hours in range(0, 14 * 24, 6):
        sweeping.run(as_of=NOON + timedelta(hours=hours))
        if Notice.objects.filter(kind="contracts.review_reminder").count() > len(days):
            days.append(hours / 24)

    assert days == [7, 11, 13]
    told = Notice.objects.filter(kind="contracts.review_reminder")
    assert {one.party for one in told} == {milestone.contract.client}


def test_client_is_reminded_once_for_reminders_that_were_missed():
    submitted()

    sweeping.run(as_of=NOON + timedelta(days=12))

    assert Notice.objects.filter(kind="contracts.review_reminder").count() == 1
    sweeping.run(as_of=NOON + timedelta(days=13))
    assert Notice.objects.filter(kind="contracts.review_reminder").count() == 2


# Who ---------------------------------------------------------------------------------------------


def who(milestone, name: str) -> Actor:
    contract = milestone.contract
    return {
        "client owner": lambda: owner_of(contract.client),
        "client member": lambda: member_of(contract.client),
        "talent owner": lambda: owner_of(contract.talent),
        "talent member": lambda: member_of(contract.talent),
        "stranger": lambda: owner_of(active().client),
        "support": lambda: Actor.support(StaffFactory()),
    }[name]()


CLIENT_ALONE = ("client member", "talent owner", "talent member", "stranger", "support")
TALENT_ALONE = ("client owner", "client member", "talent member", "stranger", "support")
WORKERS_ALONE = ("client owner", "client member", "stranger", "support")

DEEDS = {
    "add": (
        planned,
        CLIENT_ALONE,
        lambda one, by: milestones.add(
            one.contract, title="More", amount=usd(5), due_on=None, key="", by=by
        ),
    ),
    "propose": (
        planned,
        TALENT_ALONE,
        lambda one, by: milestones.propose(
            one.contract, title="More", amount=usd(5), due_on=None, key="", by=by
        ),
    ),
    "revise": (
        planned,
        CLIENT_ALONE,
        lambda one, by: milestones.revise(one, title="Other", amount=usd(1), due_on=None, by=by),
    ),
    "delete": (planned, CLIENT_ALONE, lambda one, by: milestones.delete(one, by=by)),
    "move up": (
        lambda: add_milestone(active(), usd(50)),
        CLIENT_ALONE,
        lambda one, by: milestones.move_up(one, by=by),
    ),
    "agree": (
        lambda: propose(active(), usd(50)),
        CLIENT_ALONE,
        lambda one, by: milestones.agree(one, by=by),
    ),
    "decline": (
        lambda: propose(active(), usd(50)),
        CLIENT_ALONE,
        lambda one, by: milestones.decline_proposal(one, by=by),
    ),
    "take back proposal": (
        lambda: propose(active(), usd(50)),
        TALENT_ALONE,
        lambda one, by: milestones.take_back_proposal(one, by=by),
    ),
    "submit": (
        funded,
        WORKERS_ALONE,
        lambda one, by: milestones.submit(one, message="Done.", links=[], by=by),
    ),
    "take back": (submitted, WORKERS_ALONE, lambda one, by: milestones.take_back(one, by=by)),
    "changes": (
        submitted,
        CLIENT_ALONE,
        lambda one, by: milestones.ask_for_changes(one, wanted="Larger.", by=by),
    ),
    "extend": (
        submitted,
        CLIENT_ALONE,
        lambda one, by: milestones.extend(one, because="Holidays.", by=by),
    ),
    "approve": (
        submitted,
        CLIENT_ALONE,
        lambda one, by: milestones.approve(one, amount=usd(500), key="", by=by),
    ),
    "keep open": (
        submitted,
        CLIENT_ALONE,
        lambda one, by: milestones.keep_open(one.contract, by=by),
    ),
}


@pytest.mark.parametrize(
    ("deed", "name"), [(deed, name) for deed, row in DEEDS.items() for name in row[1]]
)
def test_deed_of_somebody_else_changes_nothing(deed, name):
    make, _, do = DEEDS[deed]
    milestone = make()
    by = who(milestone, name)

    with refused(milestone.contract, NotYours, "Only"):
        do(milestone, by)
