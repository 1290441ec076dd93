"""Ending a contract: each side × what is in escrow × what is chosen, to the cent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contracts import closing, funding, messages, milestones
from contracts.closing import Choice
from contracts.models import Contract, Milestone
from contracts.states import EndReason, MilestoneState, Side
from marketplace import clock, sweeping
from marketplace.actors import Actor
from marketplace.facts import freeze
from marketplace.models import Notice
from marketplace.refusals import FiguresChanged, InvalidInput, NotYours, Overtaken
from marketplace.states import Role
from payments.gateways import sandbox
from payments.models import EscrowRefundRequest, Payment
from payments.states import OnSilence, RequestState
from tests import factories
from tests.factories import (
    NOON,
    MembershipFactory,
    PartyFactory,
    StaffFactory,
    active,
    add_milestone,
    approve,
    changes_requested,
    ended,
    fund,
    funded,
    leftover,
    member_of,
    milestone_of,
    money_of,
    owner_of,
    seen,
    submitted,
    usd,
)
from tests.support.asserting import assert_audit_clean, refused

pytestmark = pytest.mark.django_db

CLIENT, TALENT = Side.CLIENT, Side.TALENT
ALL, NOTHING = Choice.all(), Choice.nothing()
FEEDBACK_UNTIL = datetime(2026, 12, 4, tzinfo=UTC)

SITUATIONS = {
    "nothing in escrow": active,
    "less than the minimum": lambda: leftover(usd(3)),
    "funded": lambda: funded().contract,
    "submitted": lambda: submitted().contract,
    "changes requested": lambda: changes_requested().contract,
    "leftover without milestone": leftover,
}


@dataclass(frozen=True)
class Then:
    """Money as ``escrow, credit, pending``; milestones in order; what silence does to a request."""

    money: tuple[str, str, str]
    milestones: list[str]
    request: str | None = None
    """What silence does, when there is one."""


TABLE = {
    (TALENT, NOTHING, "nothing in escrow"): Then(("$0.00", "$0.00", "$0.00"), ["cancelled"]),
    (TALENT, NOTHING, "less than the minimum"): Then(("$0.00", "$3.00", "$4.50"), ["paid"]),
    (TALENT, NOTHING, "funded"): Then(("$0.00", "$500.00", "$0.00"), ["cancelled"]),
    (TALENT, NOTHING, "submitted"): Then(("$0.00", "$500.00", "$0.00"), ["cancelled"]),
    (TALENT, NOTHING, "changes requested"): Then(("$0.00", "$500.00", "$0.00"), ["cancelled"]),
    (TALENT, NOTHING, "leftover without milestone"): Then(("$0.00", "$300.00", "$4.50"), ["paid"]),
    (CLIENT, ALL, "nothing in escrow"): Then(("$0.00", "$0.00", "$0.00"), ["cancelled"]),
    (CLIENT, ALL, "less than the minimum"): Then(("$0.00", "$0.00", "$7.20"), ["paid", "paid"]),
    (CLIENT, ALL, "funded"): Then(("$0.00", "$0.00", "$450.00"), ["paid"]),
    (CLIENT, ALL, "submitted"): Then(("$0.00", "$0.00", "$450.00"), ["paid"]),
    (CLIENT, ALL, "changes requested"): Then(("$0.00", "$0.00", "$450.00"), ["paid"]),
    (CLIENT, ALL, "leftover without milestone"): Then(
        ("$0.00", "$0.00", "$274.50"), ["paid", "paid"]
    ),
    (CLIENT, Choice.part(usd(200)), "nothing in escrow"): Then(
        ("$0.00", "$0.00", "$0.00"), ["cancelled"]
    ),
    (CLIENT, Choice.part(usd(3)), "less than the minimum"): Then(
        ("$0.00", "$0.00", "$7.20"), ["paid", "paid"]
    ),
    (CLIENT, Choice.part(usd(200)), "funded"): Then(
        ("$300.00", "$0.00", "$180.00"), ["paid"], "lapse"
    ),
    (CLIENT, Choice.part(usd(200)), "submitted"): Then(
        ("$300.00", "$0.00", "$180.00"), ["paid"], "lapse"
    ),
    (CLIENT, Choice.part(usd(200)), "changes requested"): Then(
        ("$300.00", "$0.00", "$180.00"), ["paid"], "lapse"
    ),
    (CLIENT, Choice.part(usd(200)), "leftover without milestone"): Then(
        ("$100.00", "$0.00", "$184.50"), ["paid", "paid"], "lapse"
    ),
    (CLIENT, NOTHING, "nothing in escrow"): Then(("$0.00", "$0.00", "$0.00"), ["cancelled"]),
    (CLIENT, NOTHING, "less than the minimum"): Then(
        ("$3.00", "$0.00", "$4.50"), ["paid"], "lapse"
    ),
    (CLIENT, NOTHING, "funded"): Then(("$500.00", "$0.00", "$0.00"), ["cancelled"], "lapse"),
    (CLIENT, NOTHING, "submitted"): Then(("$500.00", "$0.00", "$0.00"), ["cancelled"], "escalate"),
    (CLIENT, NOTHING, "changes requested"): Then(
        ("$500.00", "$0.00", "$0.00"), ["cancelled"], "escalate"
    ),
    (CLIENT, NOTHING, "leftover without milestone"): Then(
        ("$300.00", "$0.00", "$4.50"), ["paid"], "lapse"
    ),
}

ROWS = [
    pytest.param(*row, then, id=f"{row[0]} {row[1].kind}: {row[2]}") for row, then in TABLE.items()
]
WITHOUT_PAYING = [row for row in ROWS if row.values[1] is NOTHING]


def test_table_names_every_situation_for_every_choice():
    kinds = {(side, choice.kind, situation) for side, choice, situation in TABLE}

    assert len(kinds) == len(SITUATIONS) * 4


@pytest.mark.parametrize(("side", "choice", "situation", "then"), ROWS)
def test_end_by_a_side_moves_what_the_rule_book_says(side, choice, situation, then):
    contract = ended(SITUATIONS[situation](), side, choice)

    assert_ended(contract, side, then)
    assert contract.history.latest("sequence").actor == owner_of(contract.party(side))


@pytest.mark.parametrize(("side", "choice", "situation", "then"), WITHOUT_PAYING)
def test_end_by_support_is_the_end_of_that_side(side, choice, situation, then):
    support = Actor.support(StaffFactory())

    contract = ended(SITUATIONS[situation](), by=support, side=side, choice=choice, gives_up=False)

    assert_ended(contract, side, then)
    assert contract.history.latest("sequence").actor == support


@pytest.mark.parametrize("choice", [ALL, Choice.part(usd(200))], ids=["all", "part"])
@pytest.mark.parametrize("situation", ["funded", "leftover without milestone"])
def test_end_by_support_pays_nothing_of_a_clients_money(choice, situation):
    contract = SITUATIONS[situation]()

    with refused(contract, InvalidInput, "Support ends without paying"):
        ended(contract, by=Actor.support(StaffFactory()), side=CLIENT, choice=choice)


def test_end_by_support_names_a_side():
    contract = active()

    with refused(contract, InvalidInput, "Choose whose end this is."):
        ended(contract, None, by=Actor.support(StaffFactory()))


def test_end_keeps_reason_note_and_the_figures_that_were_confirmed():
    contract = ended(
        funded().contract,
        CLIENT,
        Choice.part(usd(200)),
        reason=EndReason.NOT_NEEDED.value,
        note="Thank you for the draft.",
    )

    assert contract.end_reason == EndReason.NOT_NEEDED
    assert contract.end_note == "Thank you for the draft."
    assert contract.end_figures == freeze(
        {
            "side": "client",
            "choice": "part",
            "escrow": usd(500),
            "paid": usd(200),
            "received": usd(180),
            "returned": usd(0),
            "requested": usd(300),
            "cancelled": [],
        }
    )


def test_end_with_an_unknown_reason_is_refused():
    contract = active()

    with refused(contract, InvalidInput, "Choose one of the reasons, or none."):
        ended(contract, reason="because")


# Money -------------------------------------------------------------------------------------------


def test_closing_milestone_is_raised_from_leftover_escrow():
    contract = leftover(usd(300))
    add_milestone(contract, usd(200))

    contract = ended(contract, CLIENT, Choice.part(usd("250.55")))

    milestone = milestone_of(contract, 2)
    assert (milestone.state, milestone.amount, milestone.paid) == (
        MilestoneState.PAID,
        usd("250.55"),
        usd("250.55"),
    )
    assert milestone.payment.fee == usd("25.06")
    assert contract.milestones.count() == 2
    assert money_of(contract) == ("$49.45", "$0.00", "$229.99", "$0.00")
    assert_audit_clean()


def test_closing_milestone_takes_all_of_escrow_in_one_release():
    contract = leftover(usd(300))
    add_milestone(contract, usd(200))

    contract = ended(contract, CLIENT, ALL)

    assert milestone_of(contract, 2).amount == usd(300)
    assert [str(payment.gross) for payment in Payment.objects.order_by("id")] == [
        "$5.00",
        "$300.00",
    ]


def test_final_payment_is_made_only_without_an_active_milestone():
    contract = leftover(usd(300))
    add_milestone(contract, usd(400), "Too large for what is left")

    contract = ended(contract, CLIENT, ALL)

    assert [(one.number, one.title, one.state) for one in contract.milestones.all()] == [
        (1, "Draft", MilestoneState.PAID),
        (2, "Too large for what is left", MilestoneState.CANCELLED),
        (3, "Final payment", MilestoneState.PAID),
    ]
    final = milestone_of(contract, 3)
    assert (final.amount, final.paid, final.funded_at) == (usd(300), usd(300), NOON)


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        (usd("500.01"), "At most $500.00 is in escrow;"),
        (usd("4.99"), "Pay at least $5.00, or choose to pay nothing."),
        (usd(0), "Pay at least $5.00, or choose to pay nothing."),
        (-usd(5), "Pay at least $5.00, or choose to pay nothing."),
    ],
)
def test_end_paying_an_impossible_part_is_refused_at_the_amount(amount, sentence):
    contract = funded().contract

    with refused(contract, InvalidInput, sentence) as refusal:
        ended(contract, CLIENT, Choice.part(amount))

    assert refusal.value.field == "amount"


def test_end_paying_a_part_of_less_than_the_minimum_in_escrow_is_refused():
    contract = leftover(usd(3))

    with refused(contract, InvalidInput, "Pay at least $3.00, or choose to pay nothing."):
        ended(contract, CLIENT, Choice.part(usd(2)))


def test_end_after_pay_now_answers_the_question():
    contract = funded().contract
    approve(milestone_of(contract))
    assert Contract.objects.get(pk=contract.pk).asks_to_end_since == NOON

    contract = ended(contract)

    assert contract.asks_to_end_since is None
    assert money_of(contract) == ("$0.00", "$0.00", "$450.00", "$0.00")


def test_end_cancels_proposals_and_planned_milestones_and_stops_the_review():
    contract = submitted().contract
    add_milestone(contract, usd(100))
    milestones.propose(
        contract, title="Idea", amount=usd(50), due_on=None, key="", by=owner_of(contract.talent)
    )

    contract = ended(contract, TALENT)

    assert [one.state for one in contract.milestones.all()] == ["cancelled"] * 3
    assert milestone_of(contract).review_until is None
    assert all(one.closed_at == NOON for one in contract.milestones.all())
    sweeping.run(as_of=NOON + timedelta(days=400))
    assert Payment.objects.count() == 0


def test_end_names_the_open_charge_whose_late_success_becomes_credit():
    contract = active()
    fund(milestone_of(contract), sandbox.TIMES_OUT)
    facts = closing.facts_of(read(contract))
    assert facts.open_charge == usd(500)

    contract = ended(contract, TALENT, gives_up=False)
    sweeping.run(as_of=NOON + timedelta(minutes=1))

    assert money_of(contract) == ("$0.00", "$500.00", "$0.00", "$0.00")
    assert milestone_of(contract).state == MilestoneState.CANCELLED
    told = Notice.objects.get(kind="contracts.charge_kept_as_credit")
    assert told.party == contract.client
    assert_audit_clean()


# Time --------------------------------------------------------------------------------------------


def test_release_that_is_due_comes_before_the_end():
    milestone = submitted()
    due = NOON + timedelta(days=14)

    with clock.at(due):
        contract = ended(milestone.contract, TALENT, gives_up=False)

    assert milestone_of(contract).paid_at == due
    assert [row.transition for row in contract.history.order_by("sequence")][-2:] == ["pay", "end"]
    assert money_of(contract) == ("$0.00", "$0.00", "$450.00", "$0.00")
    assert contract.end_figures["returned"] == freeze(usd(0))


def test_release_that_is_due_is_previewed_in_memory():
    milestone = submitted()
    due = NOON + timedelta(days=14)

    with clock.at(due - timedelta(microseconds=1)):
        before = closing.facts_of(read(milestone.contract))
    with clock.at(due):
        after = closing.facts_of(read(milestone.contract))

    assert (before.escrow, len(before.milestones), before.kept) == (usd(500), 1, usd(0))
    assert (after.escrow, after.milestones, after.kept) == (usd(0), (), usd(450))
    assert after.version == before.version + 1
    assert milestone_of(milestone.contract).state == MilestoneState.SUBMITTED


def test_preview_of_a_due_release_is_what_the_end_confirms():
    contract = submitted().contract
    due = NOON + timedelta(days=14)

    with clock.at(due):
        shown = seen(contract)
        assert ended(contract, seen=shown).is_ended


@pytest.mark.parametrize(
    ("ended_at", "until"),
    [
        (datetime(2026, 11, 19, 0, 0, tzinfo=UTC), datetime(2026, 12, 4, tzinfo=UTC)),
        (datetime(2026, 11, 19, 23, 59, 59, tzinfo=UTC), datetime(2026, 12, 4, tzinfo=UTC)),
        (datetime(2026, 2, 28, 12, 0, tzinfo=UTC), datetime(2026, 3, 15, tzinfo=UTC)),
    ],
)
def test_feedback_closes_with_the_14th_day_after_the_end(ended_at, until):
    assert closing.feedback_closes(ended_at) == until


# Who and when ------------------------------------------------------------------------------------


def test_end_by_a_manager_is_possible():
    contract = active()

    assert ended(contract, by=member_of(contract.talent, Role.MANAGER)).ended_side == TALENT


@pytest.mark.parametrize("side", Side)
def test_end_by_a_plain_member_says_who_can(side):
    contract = funded().contract
    name = contract.party(side).name

    with refused(contract, NotYours, f"Only an owner or manager of {name} can end."):
        ended(contract, side, by=member_of(contract.party(side)))


def test_end_by_a_stranger_is_refused():
    contract = funded().contract

    with refused(contract, NotYours, "Only the two sides"):
        ended(contract, by=Actor.member(MembershipFactory(party=PartyFactory())))


def test_end_of_an_offer_is_refused():
    contract = factories.offered(fund_first=True)

    with refused(contract, Overtaken, "no longer possible"):
        ended(contract)


def test_second_end_reads_who_was_faster():
    contract = funded().contract
    shown = seen(contract)
    ended(contract, TALENT)

    with refused(contract, Overtaken, f"{contract.talent.name} ended this contract."):
        ended(contract, CLIENT, ALL, seen=shown)
    with refused(contract, Overtaken, "You ended this contract before."):
        ended(contract, TALENT, seen=shown)


def test_second_end_after_supports_reads_for_whom_that_was():
    contract = funded().contract
    shown = seen(contract)
    ended(contract, TALENT, by=Actor.support(StaffFactory()))

    with refused(contract, Overtaken, "Support ended this contract for you. Here is"):
        ended(contract, TALENT, seen=shown)
    with refused(contract, Overtaken, f"Support ended this contract for {contract.talent.name}."):
        ended(contract, CLIENT, ALL, seen=shown)
    assert contract.book.entries.latest("pk").memo == (
        f"Support ended the contract for {contract.talent.name}"
    )


@pytest.mark.parametrize(
    "change",
    [
        factories.submit,
        lambda milestone: approve(milestone, usd(100)),
        lambda milestone: add_milestone(milestone.contract, usd(50)),
    ],
    ids=["submitted", "paid", "added"],
)
def test_end_with_stale_figures_changes_nothing(change):
    contract = funded().contract
    shown = seen(contract)
    change(milestone_of(contract))

    with refused(contract, FiguresChanged, "The figures have changed"):
        ended(contract, CLIENT, ALL, seen=shown)


def test_end_with_figures_that_a_late_charge_changed_changes_nothing():
    contract = active()
    fund(milestone_of(contract), sandbox.TIMES_OUT)
    shown = seen(contract)
    sweeping.run(as_of=NOON + timedelta(minutes=1))

    with refused(contract, FiguresChanged, "The figures have changed"):
        ended(contract, TALENT, seen=shown)


def test_end_is_not_disturbed_by_messages_or_time():
    contract = funded().contract
    shown = seen(contract)

    messages.write(contract, text="Shall we?", key="", by=owner_of(contract.talent))
    with clock.at(NOON + timedelta(days=3)):
        assert ended(contract, CLIENT, ALL, seen=shown).is_ended


@pytest.mark.parametrize("token", ["", "nonsense", "eyJ2ZXJzaW9uIjoxfQ:forged:token"])
def test_end_with_a_token_that_is_not_ours_changes_nothing(token):
    contract = funded().contract

    with refused(contract, FiguresChanged, "The figures have changed"):
        ended(contract, TALENT, seen=token)


def test_token_of_another_contract_is_none_of_this_one():
    contract, other = funded().contract, funded().contract

    assert closing.seen_figures(contract, seen(contract)) is not None
    assert closing.seen_figures(contract, seen(other)) is None


def test_talent_who_does_not_tick_what_it_gives_up_is_refused():
    contract = funded().contract

    with refused(contract, InvalidInput, "Tick that you give up the $500.00") as refusal:
        ended(contract, TALENT, gives_up=False)

    assert refusal.value.field == "gives_up"


def test_talent_with_nothing_to_give_up_needs_no_tick():
    assert ended(active(), TALENT, gives_up=False).is_ended


def test_end_takes_at_most_24_statements():
    three = funded().contract
    add_milestone(three, usd(100))
    add_milestone(three, usd(150))

    assert statements_of(three, Choice.part(usd(200))) <= 24
    assert statements_of(funded().contract, NOTHING) <= 24
    assert statements_of(leftover(), ALL) <= 24


def test_charge_answered_twice_after_the_end_is_credited_once():
    contract = active()
    fund(milestone_of(contract), sandbox.TIMES_OUT)
    contract = ended(contract)
    operation = contract.book.operations.get()

    for _ in range(2):
        funding.settle(operation.pk, sandbox.SUCCEEDED)

    assert money_of(contract)[:2] == ("$0.00", "$500.00")
    assert Notice.objects.filter(kind="contracts.charge_kept_as_credit").count() == 1
    assert_audit_clean()


# In other words ----------------------------------------------------------------------------------


def assert_ended(contract: Contract, side: Side, then: Then) -> None:
    contract = Contract.objects.get(pk=contract.pk)
    assert (contract.is_ended, contract.ended_at, contract.ended_side) == (True, NOON, side)
    assert contract.feedback_until == FEEDBACK_UNTIL
    assert money_of(contract) == (*then.money, "$0.00")
    assert [one.state for one in Milestone.objects.filter(contract=contract)] == then.milestones
    assert_requested(contract, then)
    assert_told(contract, side, asked=then.request is not None)
    assert list(contract.checklist.values_list("side", "code", "state")) == [
        (one, code, "open")
        for one in ("client", "talent")
        for code in ("access", "deliverables", "property", "feedback")
    ]
    last = contract.history.latest("sequence")
    assert (last.transition, last.source, last.target) == ("end", "active", "ended")
    assert last.sequence == contract.version == contract.history.count()
    assert_audit_clean()


def assert_requested(contract: Contract, then: Then) -> None:
    request = EscrowRefundRequest.objects.filter(book=contract.book_id).first()
    if then.request is None:
        assert request is None
        return
    assert request is not None
    assert (request.state, request.on_silence) == (RequestState.PENDING, then.request)
    assert str(request.amount) == then.money[0]
    assert request.answer_by == NOON + timedelta(days=7)
    assert OnSilence(request.on_silence) in OnSilence


def assert_told(contract: Contract, side: Side, *, asked: bool) -> None:
    """Each side once, the talent once more when it is asked for something."""
    told = Notice.objects.filter(kind="contracts.contract_ended").order_by("party_id")
    assert {one.party_id for one in told} == {contract.client_id, contract.talent_id}
    assert len(told) == 2
    for one in told:
        assert one.facts["ended_side"] == side
    requests = Notice.objects.filter(kind="contracts.escrow_refund_requested")
    assert [one.party_id for one in requests] == ([contract.talent_id] if asked else [])


def read(contract: Contract) -> Contract:
    return Contract.objects.select_related("book__escrow_account").get(pk=contract.pk)


def statements_of(contract: Contract, choice: Choice) -> int:
    shown, by = seen(contract), owner_of(contract.client)
    contract = Contract.objects.get(pk=contract.pk)
    with CaptureQueriesContext(connection) as captured:
        closing.end(contract, choice=choice, seen=shown, by=by)
    return len([one for one in captured if "SAVEPOINT" not in one["sql"]])
