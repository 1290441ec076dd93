"""Funding: leftover escrow first, then credit, then a charge; late, double and missing answers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts import escrow_answers, funding, milestones, quotes
from contracts.models import Contract
from contracts.quotes import Quote
from contracts.states import MilestoneState, Side
from marketplace import sweeping
from marketplace.actors import Actor
from marketplace.models import Notice
from marketplace.refusals import (
    FiguresChanged,
    InvalidInput,
    KeyReused,
    NotYours,
    Overtaken,
    Refused,
)
from payments.gateways import sandbox
from payments.models import SandboxCall
from payments.states import OperationState
from tests.factories import (
    NOON,
    StaffFactory,
    active,
    add_milestone,
    charge,
    ended,
    fund,
    funded,
    leftover,
    member_of,
    milestone_of,
    money_of,
    owner_of,
    planned,
    reread,
    usd,
)
from tests.support.asserting import assert_audit_clean, refused

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def quote(contract: Contract, amount) -> Quote:
    contract.book = reread(contract.book)
    return funding.quote(contract, amount)


def with_credit(contract: Contract, amount) -> Contract:
    charge(contract.book, amount)
    return contract


# What it takes -----------------------------------------------------------------------------------


def test_quote_of_a_first_milestone_is_all_charge():
    assert quote(active(), usd(500)) == Quote(usd(0), usd(0), usd(500), usd(0))


def test_quote_takes_leftover_escrow_then_credit_then_charges():
    contract = with_credit(leftover(usd(300)), usd(50))

    assert quote(contract, usd(200)) == Quote(usd(200), usd(0), usd(0), usd(0))
    assert quote(contract, usd(340)) == Quote(usd(300), usd(40), usd(0), usd(0))
    assert quote(contract, usd(500)) == Quote(usd(300), usd(50), usd(150), usd(0))


def test_quote_never_charges_less_than_the_gateways_minimum():
    contract = with_credit(active(), usd("499.80"))

    assert quote(contract, usd(500)) == Quote(usd(0), usd("499.80"), usd("0.50"), usd("0.30"))


def test_quote_leaves_the_active_milestones_money_alone():
    contract = leftover(usd(300))
    add_milestone(contract, usd(200))

    assert quote(contract, usd(150)) == Quote(usd(100), usd(0), usd(50), usd(0))


def test_funding_charges_the_rest_and_nothing_twice():
    contract = with_credit(leftover(usd(300)), usd(50))
    milestone = add_milestone(contract, usd(500))

    milestone = fund(milestone)

    assert (milestone.state, milestone.funded_at) == (MilestoneState.FUNDED, NOON)
    assert money_of(contract) == ("$500.00", "$0.00", "$4.50", "$0.00")
    assert contract.book.operations.latest("id").amount == usd(150)
    assert_audit_clean()


def test_funding_keeps_the_surplus_of_a_minimal_charge_as_credit():
    contract = with_credit(active(), usd("499.80"))

    fund(milestone_of(contract))

    assert money_of(contract) == ("$500.00", "$0.30", "$0.00", "$0.00")
    assert_audit_clean()


def test_funding_from_credit_alone_needs_no_method():
    contract = with_credit(active(), usd(500))

    milestone = fund(milestone_of(contract), method="")

    assert milestone.state == MilestoneState.FUNDED
    assert not contract.book.operations.exists()
    assert_audit_clean()


def test_funding_by_an_unknown_method_is_refused_at_the_method():
    milestone = planned()

    with refused(milestone.contract, InvalidInput, "Choose how to pay.") as refusal:
        fund(milestone, "cash")

    assert refusal.value.field == "method"


# What the gateway answers ------------------------------------------------------------------------


def test_declined_charge_says_why_and_leaves_the_milestone_planned():
    milestone = planned()

    with pytest.raises(Refused, match="The card was declined"):
        fund(milestone, sandbox.DECLINES)

    assert milestone_of(milestone.contract).state == MilestoneState.PLANNED
    assert money_of(milestone.contract) == ("$0.00", "$0.00", "$0.00", "$0.00")
    told = Notice.objects.get(kind="contracts.charge_declined")
    assert told.party == milestone.contract.client
    assert fund(milestone).state == MilestoneState.FUNDED
    assert_audit_clean()


def test_late_success_funds_the_milestone():
    milestone = planned()

    assert fund(milestone, sandbox.TIMES_OUT).state == MilestoneState.PLANNED
    sweeping.run(as_of=NOON + MINUTE)

    assert milestone_of(milestone.contract).state == MilestoneState.FUNDED
    assert money_of(milestone.contract)[0] == "$500.00"
    assert_audit_clean()


def test_double_answer_charges_once():
    milestone = fund(planned(), sandbox.ANSWERS_TWICE)
    assert milestone.state == MilestoneState.FUNDED

    sweeping.run(as_of=NOON + MINUTE)

    assert SandboxCall.objects.get().report_due_at is None
    assert money_of(milestone.contract) == ("$500.00", "$0.00", "$0.00", "$0.00")
    assert_audit_clean()


def test_charge_without_an_answer_is_called_off_after_a_day():
    milestone = planned()
    fund(milestone, sandbox.NEVER_ANSWERS)

    sweeping.run(as_of=NOON + timedelta(hours=24) - MINUTE)
    assert milestone.contract.book.operations.get().is_open
    sweeping.run(as_of=NOON + timedelta(hours=24))

    operation = milestone.contract.book.operations.get()
    assert (operation.state, operation.declined_because) == (
        OperationState.DECLINED,
        sandbox.CALLED_OFF,
    )
    assert fund(milestone).state == MilestoneState.FUNDED
    assert_audit_clean()


def test_form_sent_twice_charges_once_and_reports_the_first_outcome():
    milestone = planned()
    values = {"method": sandbox.ACCEPTS, "key": "form-1", "by": owner_of(milestone.contract.client)}

    states = [funding.fund(milestone, **values).state for _ in range(2)]

    assert states == [MilestoneState.FUNDED] * 2
    assert SandboxCall.objects.count() == 1


def test_form_sent_twice_without_a_charge_reports_the_first_outcome():
    contract = with_credit(active(), usd(500))
    values = {"method": "", "key": "form-1", "by": owner_of(contract.client)}

    states = [funding.fund(milestone_of(contract), **values).state for _ in range(2)]

    assert states == [MilestoneState.FUNDED] * 2
    assert money_of(contract) == ("$500.00", "$0.00", "$0.00", "$0.00")


def test_form_sent_again_after_a_decline_reports_the_decline():
    milestone = planned()
    values = {"method": sandbox.DECLINES, "key": "form-1"}
    values["by"] = owner_of(milestone.contract.client)

    for _ in range(2):
        with pytest.raises(Refused, match="The card was declined"):
            funding.fund(milestone, **values)

    assert SandboxCall.objects.count() == 1
    with pytest.raises(KeyReused):
        funding.fund(milestone, **(values | {"method": sandbox.ACCEPTS}))


def test_key_of_another_milestones_form_is_refused():
    contract = active()
    second = add_milestone(contract, usd(50))
    values = {"method": sandbox.ACCEPTS, "key": "form-1", "by": owner_of(contract.client)}
    funding.fund(milestone_of(contract), **values)

    with refused(contract, KeyReused, "sent before with other values"):
        funding.fund(second, **values)


# What was read is what is taken -----------------------------------------------------------------


@pytest.mark.parametrize("method", ["", sandbox.ACCEPTS])
def test_credit_that_went_elsewhere_since_the_page_is_not_made_up_for_by_a_charge(method):
    contract = with_credit(active(), usd(500))
    seen = quotes.mark(quote(contract, usd(500)))
    fund(planned(usd(400), client=contract.client))
    by = owner_of(contract.client)
    now = quotes.mark(quote(contract, usd(500)))

    with refused(contract, FiguresChanged, "Nothing was charged."):
        funding.fund(milestone_of(contract), method=method, key="form-1", seen=seen, by=by)
    values = {"method": sandbox.ACCEPTS, "key": "form-1", "by": by}
    assert funding.fund(milestone_of(contract), seen=now, **values).state == MilestoneState.FUNDED
    assert SandboxCall.objects.get().amount_minor == 40_000


def test_form_sent_twice_reports_the_first_outcome_though_figures_are_others_by_then():
    milestone = planned()
    values = {"method": sandbox.ACCEPTS, "key": "form-1", "by": owner_of(milestone.contract.client)}
    values["seen"] = quotes.mark(quote(milestone.contract, usd(500)))
    funding.fund(milestone, **values)
    with_credit(milestone.contract, usd(50))

    assert funding.fund(milestone, **values).state == MilestoneState.FUNDED
    assert SandboxCall.objects.count() == 1


def test_marks_tell_surplus_from_need():
    """A charge of the least a card takes is the same for two amounts; what stays is not."""
    marks = {quotes.mark(quote(active(), usd(amount))) for amount in ("0.10", "0.20")}

    assert len(marks) == 2


# One at a time -----------------------------------------------------------------------------------


def test_second_milestone_is_not_funded_while_one_is_active():
    milestone = funded()
    second = add_milestone(milestone.contract, usd(50))

    with refused(milestone.contract, Overtaken, "Milestone 1 is active."):
        fund(second)


def test_second_charge_waits_for_the_first():
    milestone = planned()
    second = add_milestone(milestone.contract, usd(50))
    fund(milestone, sandbox.TIMES_OUT)

    with refused(milestone.contract, Overtaken, "A charge for this contract is still open."):
        fund(second)
    with refused(milestone.contract, Overtaken, "A charge for this contract is still open."):
        fund(milestone)


def test_late_success_stays_credit_when_another_milestone_became_active():
    contract = leftover(usd(300))
    large = add_milestone(contract, usd(400))
    fund(large, sandbox.TIMES_OUT)
    add_milestone(contract, usd(200))

    sweeping.run(as_of=NOON + MINUTE)

    assert milestone_of(contract, 2).state == MilestoneState.PLANNED
    assert milestone_of(contract, 3).state == MilestoneState.FUNDED
    assert money_of(contract)[:2] == ("$300.00", "$100.00")
    assert Notice.objects.get(kind="contracts.charge_kept_as_credit").party == contract.client
    assert_audit_clean()


def test_late_success_stays_credit_when_the_credit_it_counted_on_is_gone():
    first = active()
    other = active(client=first.client)
    charge(first.book, usd(100))
    milestone = milestone_of(first)
    fund(milestone, sandbox.TIMES_OUT)
    charge(first.book, usd(400))
    fund(milestone_of(other))

    sweeping.run(as_of=NOON + MINUTE)

    assert milestone_of(first).state == MilestoneState.PLANNED
    assert money_of(first) == ("$0.00", "$400.00", "$0.00", "$0.00")
    assert_audit_clean()


@pytest.mark.parametrize("settled", ["let go", "paid instead"])
def test_late_success_after_the_request_is_settled_stays_credit(settled):
    contract = leftover(usd(300))
    fund(add_milestone(contract, usd(400)), sandbox.TIMES_OUT)
    contract = ended(contract)
    if settled == "let go":
        escrow_answers.let_go(contract, by=owner_of(contract.talent))
    else:
        escrow_answers.pay_instead(contract, by=owner_of(contract.client))

    sweeping.run(as_of=NOON + MINUTE)

    credit = {"let go": "$400.00", "paid instead": "$100.00"}[settled]
    assert money_of(contract)[:2] == ("$0.00", credit)
    assert_audit_clean()


# When and who ------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", Side)
def test_nothing_is_funded_after_the_end(side):
    milestone = planned()
    ended(milestone.contract, side)

    with refused(milestone.contract, Overtaken, "The contract has ended."):
        fund(milestone)


def test_proposal_is_not_funded_before_it_is_agreed():
    contract = active()
    milestone = milestones.propose(
        contract, title="Idea", amount=usd(50), due_on=None, key="", by=owner_of(contract.talent)
    )

    with refused(contract, Overtaken, "the milestone is proposed now"):
        fund(milestone)


@pytest.mark.parametrize(
    "who",
    [
        lambda contract: owner_of(contract.talent),
        lambda contract: member_of(contract.client),
        lambda contract: owner_of(active().client),
        lambda contract: Actor.support(StaffFactory()),
    ],
    ids=["talent", "plain member", "stranger", "support"],
)
def test_funding_by_anyone_but_the_clients_owner_or_manager_is_refused(who):
    milestone = planned()
    by = who(milestone.contract)

    with refused(milestone.contract, NotYours, "Only"):
        funding.fund(milestone, method=sandbox.ACCEPTS, key="", by=by)
