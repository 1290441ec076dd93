"""Every state × every transition × every role: who may, and that whoever may not changes nothing.

The machines come from the code. A transition or a state that has no row here fails.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django_fsm import FSMField

from contracts import (
    bonuses,
    diary,
    dormancy,
    escrow_answers,
    funding,
    hours_disputes,
    milestones,
    offers,
    terms,
)
from contracts.models import (
    Bonus,
    BonusRequest,
    Contract,
    Dormancy,
    HoursDispute,
    Milestone,
    Week,
)
from contracts.states import (
    BonusRequestState,
    BonusState,
    ContractState,
    DisputeState,
    DormancyState,
    MilestoneState,
    Side,
    WeekState,
)
from marketplace import clock, sweeping, transitions
from marketplace.actors import PLATFORM, Actor
from marketplace.models import Party, Stateful
from marketplace.refusals import NotYours, Refused
from marketplace.states import Role
from payments import corrections, refund_requests, refunds
from payments.gateways import sandbox
from payments.models import (
    Chargeback,
    Correction,
    EscrowRefundRequest,
    GatewayOperation,
    RefundRequest,
    SplitProposal,
)
from payments.states import (
    ChargebackState,
    CorrectionState,
    OperationState,
    RefundRequestState,
    RequestState,
    SplitState,
)
from tests.factories import (
    NOON,
    FreelancerFactory,
    PartyFactory,
    StaffFactory,
    active,
    approve,
    changes_requested,
    ended,
    fund,
    funded,
    hourly,
    member_of,
    offered,
    owner_of,
    planned,
    recorded,
    submitted,
    usd,
)
from tests.proof import leaving, returning
from tests.support.asserting import everything_of, refused

pytestmark = pytest.mark.django_db

Made = Contract | Milestone | HoursDispute

CLIENT = {"client owner", "client manager"}
TALENT = {"talent owner", "talent manager"}
WORKERS = TALENT | {"talent member"}
SUPPORT, CLOCK = {"support"}, {"platform"}
STRANGERS = {"client member", "stranger"}
CLIENT_SIDE, TALENT_SIDE = Side.CLIENT, Side.TALENT
EVENING = NOON + timedelta(hours=8)
BILLED = NOON + timedelta(days=4)
"""Monday 12:00, when the hours of that Thursday are billed."""

ASLEEP = {"client_asked", "talent_asked", "release_asked"}

ROLES = CLIENT | WORKERS | SUPPORT | CLOCK | STRANGERS

MACHINES: dict[type[Stateful], dict[str, tuple[set[str], set[str]]]] = {
    Contract: {
        "accept": ({"offered"}, TALENT),
        "decline": ({"offered"}, TALENT),
        "withdraw": ({"offered"}, CLIENT),
        "expire": ({"offered"}, CLOCK),
        "pause": ({"active"}, CLIENT | SUPPORT),
        "restart": ({"paused"}, CLIENT | SUPPORT),
        "end": ({"active", "paused"}, CLIENT | TALENT | SUPPORT | CLOCK),
        "extend_feedback": ({"ended"}, SUPPORT),
    },
    Milestone: {
        "agree": ({"proposed"}, CLIENT),
        "decline": ({"proposed"}, CLIENT),
        "take_back_proposal": ({"proposed"}, TALENT),
        "revise": ({"planned"}, CLIENT),
        "delete_planned": ({"planned"}, CLIENT),
        "fund": ({"planned"}, CLIENT | CLOCK),
        "submit": ({"funded", "changes_requested"}, WORKERS),
        "take_back": ({"submitted"}, WORKERS),
        "ask_for_changes": ({"submitted"}, CLIENT),
        "extend": ({"submitted"}, CLIENT),
        "pay": ({"funded", "submitted", "changes_requested"}, CLIENT | CLOCK),
        "cancel": (
            {"proposed", "planned", "funded", "submitted", "changes_requested"},
            CLIENT | TALENT | SUPPORT | CLOCK,
        ),
    },
    Week: {
        "lock": ({"open"}, CLIENT | TALENT | SUPPORT | CLOCK),
        "close_empty": ({"open", "locked"}, CLOCK),
        "invoice": ({"open", "locked"}, CLOCK),
        "fail": ({"invoiced", "unpaid"}, CLOCK),
        "charge_again": ({"unpaid"}, CLIENT | CLOCK),
        "hand_over": ({"unpaid"}, CLOCK),
        "pay": ({"invoiced", "unpaid"}, CLIENT | CLOCK),
        "reverse_all": ({"invoiced", "unpaid"}, TALENT | SUPPORT | CLOCK),
        "write_off": ({"unpaid"}, SUPPORT),
    },
    HoursDispute: {
        "accept": ({"pending", "declined", "escalated"}, TALENT),
        "decline": ({"pending"}, TALENT),
        "escalate": ({"pending"}, CLOCK),
        "withdraw": ({"pending", "declined", "escalated"}, CLIENT),
        "decide": ({"declined", "escalated"}, SUPPORT),
    },
    Dormancy: {
        "ask_talent": ({"client_asked"}, CLOCK),
        "ask_for_release": ({"client_asked", "talent_asked"}, TALENT),
        "wake": (ASLEEP, CLIENT | WORKERS | {"client member"} | SUPPORT | CLOCK),
        "pay": ({"release_asked"}, CLOCK),
        "give_back": ({"talent_asked"}, CLOCK),
    },
    Bonus: {
        "pay": ({"charging"}, CLIENT | CLOCK),
        "fail": ({"charging"}, CLOCK),
    },
    BonusRequest: {
        "grant": ({"waiting"}, CLIENT | CLOCK),
        "decline": ({"waiting"}, CLIENT | CLOCK),
        "withdraw": ({"waiting"}, TALENT),
        "expire": ({"waiting"}, CLOCK),
    },
    RefundRequest: {
        "grant": ({"waiting"}, TALENT),
        "decline": ({"waiting"}, TALENT),
        "withdraw": ({"waiting"}, CLIENT),
        "expire": ({"waiting"}, CLOCK),
    },
    Correction: {
        "approve": ({"proposed"}, SUPPORT),
        "reject": ({"proposed"}, SUPPORT),
    },
    EscrowRefundRequest: {
        "accept": ({"pending", "disputed", "escalated", "mediating"}, TALENT),
        "stop_clock": ({"pending"}, TALENT),
        "go_on": ({"pending"}, CLIENT | TALENT | CLOCK),
        "dispute": ({"pending"}, TALENT),
        "reject": ({"disputed"}, CLIENT),
        "withdraw": ({"pending", "escalated"}, CLIENT),
        "concede": ({"disputed", "mediating"}, CLIENT),
        "concede_by_silence": ({"disputed"}, CLOCK),
        "lapse": ({"pending"}, CLOCK),
        "escalate": ({"pending"}, CLOCK),
        "mediate": ({"escalated"}, SUPPORT),
        "agree": ({"pending", "mediating"}, CLIENT | TALENT | CLOCK),
        "decide": ({"mediating"}, SUPPORT),
    },
    SplitProposal: {
        "agree": ({"open"}, CLIENT),
        "accept": ({"open"}, CLIENT),
        "decline": ({"open"}, CLIENT),
        "lapse": ({"open"}, CLOCK),
        "take_back": ({"open"}, CLIENT | TALENT | CLOCK),
    },
    GatewayOperation: {
        "succeed": ({"started", "unknown"}, CLOCK),
        "fail": ({"started", "unknown"}, CLOCK),
        "lose_sight": ({"started"}, CLOCK),
        "come_back": ({"succeeded"}, CLOCK),
    },
    Chargeback: {
        "win": ({"open"}, CLOCK),
        "lose": ({"open"}, CLOCK),
        "write_off": ({"lost"}, SUPPORT),
    },
}
"""By machine and transition: from which states, and by whom."""


def proposed() -> Milestone:
    contract = active()
    return milestones.propose(
        contract, title="Idea", amount=usd(50), due_on=None, key="", by=owner_of(contract.talent)
    )


def answered(answer: Callable[..., Contract], side: str) -> Contract:
    contract = offered(fund_first=True)
    return answer(contract, by=owner_of(getattr(contract, side)))


def passed(contract: Contract) -> Contract:
    sweeping.run(as_of=NOON + timedelta(days=7))
    return contract


def after(
    make: Callable[[], Contract], answer: Callable[..., Any], side: Side, **words: Any
) -> Callable[[], Contract]:
    """A side answers about what was made."""

    def made() -> Contract:
        contract = make()
        answer(contract, **words, by=owner_of(contract.party(side)))
        return contract

    return made


def about(
    make: Callable[[], Contract],
    row_of: Callable[[Contract], Any],
    answer: Callable[..., Any],
    who: Side | Callable[[], Actor],
    **words: Any,
) -> Callable[[], Contract]:
    """A side, or somebody of support, answers a row of what was made."""

    def made() -> Contract:
        contract = make()
        by = owner_of(contract.party(who)) if isinstance(who, Side) else who()
        answer(row_of(contract), **words, by=by)
        return contract

    return made


def about_split(answer: Callable[..., Any], side: Side) -> Callable[[], Contract]:
    """A side answers the talent's split."""
    return after(
        returning.split, lambda contract, by: answer(returning.split_of(contract), by=by), side
    )


def started() -> Milestone:
    """The intent is committed, the call not made."""
    milestone = planned()
    by = owner_of(milestone.contract.client)
    funding._begin(milestone, method=sandbox.ACCEPTS, key="fund:1", seen=None, by=by)
    return milestone


def charged(method: str) -> Milestone:
    milestone = planned()
    try:
        return fund(milestone, method)
    except Refused:
        return milestone


def worked(**values: Any) -> Contract:
    """An hour was typed in on the day on which the contract began."""
    contract = hourly(**values)
    with clock.at(EVENING):
        recorded(contract, NOON + timedelta(hours=1), 60)
    return contract


def paused() -> Contract:
    contract = hourly()
    return terms.pause(contract, by=owner_of(contract.client))


def nothing_left() -> Contract:
    contract = worked()
    with clock.at(EVENING):
        diary.remove(contract.stretches.get(), by=owner_of(contract.talent))
    sweeping.run(as_of=BILLED)
    return contract


def billed(method: str = sandbox.ACCEPTS) -> Contract:
    contract = worked(method=method)
    sweeping.run(as_of=BILLED)
    return contract


def hours_disputed(method: str = sandbox.ACCEPTS) -> HoursDispute:
    contract = billed(method)
    week = contract.weeks.get()
    with clock.at(BILLED):
        return hours_disputes.file(
            week,
            segments=[
                (stretch.pk, start) for stretch, start in hours_disputes.billed_segments(week)
            ],
            reason="Too long.",
            key="",
            by=owner_of(contract.client),
        )


def hours_answered(
    answer: Callable[..., HoursDispute], side: str, method: str = sandbox.ACCEPTS, **words: str
) -> HoursDispute:
    dispute = hours_disputed(method)
    with clock.at(BILLED):
        return answer(dispute, by=owner_of(getattr(dispute.contract, side)), **words)


def hours_unanswered() -> HoursDispute:
    dispute = hours_disputed()
    sweeping.run(as_of=BILLED + timedelta(days=3))
    return dispute


def hours_decided() -> HoursDispute:
    dispute = hours_unanswered()
    by = Actor.support(StaffFactory())
    with clock.at(BILLED + timedelta(days=3)):
        return hours_disputes.decide(dispute, reversed_segments=[], because="So.", by=by)


MAKERS: dict[type[Stateful], dict[str, Callable[[], Made]]] = {
    Contract: {
        ContractState.OFFERED: offered,
        ContractState.ACTIVE: hourly,
        ContractState.PAUSED: paused,
        ContractState.ENDED: lambda: ended(active()),
        ContractState.DECLINED: lambda: answered(offers.decline, "talent"),
        ContractState.WITHDRAWN: lambda: answered(offers.withdraw, "client"),
        ContractState.EXPIRED: lambda: passed(offered()),
    },
    Milestone: {
        MilestoneState.PROPOSED: proposed,
        MilestoneState.PLANNED: planned,
        MilestoneState.FUNDED: funded,
        MilestoneState.SUBMITTED: submitted,
        MilestoneState.CHANGES_REQUESTED: changes_requested,
        MilestoneState.PAID: lambda: approve(submitted()).milestone,
        MilestoneState.DECLINED: lambda: milestones.decline_proposal(
            one := proposed(), by=owner_of(one.contract.client)
        ),
        MilestoneState.CANCELLED: lambda: milestones.delete(
            one := planned(), by=owner_of(one.contract.client)
        ),
    },
    Week: {
        WeekState.OPEN: worked,
        WeekState.LOCKED: lambda: ended(worked()),
        WeekState.NOTHING: nothing_left,
        WeekState.INVOICED: lambda: billed(sandbox.TIMES_OUT),
        WeekState.UNPAID: lambda: billed(sandbox.DECLINES),
        WeekState.PAID: billed,
        WeekState.REVERSED: lambda: hours_answered(
            hours_disputes.accept, "talent", sandbox.DECLINES
        ),
        WeekState.WRITTEN_OFF: returning.written_off,
    },
    Dormancy: {
        DormancyState.CLIENT_ASKED: returning.dormant,
        DormancyState.TALENT_ASKED: returning.talent_asked,
        DormancyState.RELEASE_ASKED: returning.release_asked,
        DormancyState.WOKEN: after(returning.dormant, dormancy.still_working, CLIENT_SIDE),
        DormancyState.PAID: returning.release_paid,
        DormancyState.RETURNED: returning.returned_in_silence,
    },
    Bonus: {
        BonusState.CHARGING: lambda: returning.bonus(sandbox.TIMES_OUT),
        BonusState.PAID: returning.bonus,
        BonusState.FAILED: lambda: returning.bonus(sandbox.DECLINES),
    },
    BonusRequest: {
        BonusRequestState.WAITING: returning.bonus_asked,
        BonusRequestState.GRANTED: returning.bonus_granted,
        BonusRequestState.DECLINED: about(
            returning.bonus_asked,
            returning.bonus_request_of,
            bonuses.decline_request,
            CLIENT_SIDE,
            because="",
        ),
        BonusRequestState.WITHDRAWN: about(
            returning.bonus_asked,
            returning.bonus_request_of,
            bonuses.withdraw_request,
            TALENT_SIDE,
        ),
        BonusRequestState.EXPIRED: returning.bonus_request_over,
    },
    RefundRequest: {
        RefundRequestState.WAITING: returning.refund_asked,
        RefundRequestState.GRANTED: about(
            returning.refund_asked,
            returning.payment_of,
            refunds.give,
            TALENT_SIDE,
            amount=usd(80),
            reason="",
            key="",
        ),
        RefundRequestState.DECLINED: about(
            returning.refund_asked,
            returning.refund_request_of,
            refund_requests.decline,
            TALENT_SIDE,
            because="",
        ),
        RefundRequestState.WITHDRAWN: about(
            returning.refund_asked,
            returning.refund_request_of,
            refund_requests.withdraw,
            CLIENT_SIDE,
        ),
        RefundRequestState.EXPIRED: returning.refund_request_over,
    },
    Correction: {
        CorrectionState.PROPOSED: returning.corrected,
        CorrectionState.POSTED: about(
            returning.corrected, returning.correction_of, corrections.approve, returning.support
        ),
        CorrectionState.REJECTED: about(
            returning.corrected,
            returning.correction_of,
            corrections.reject,
            returning.support,
            because="No.",
        ),
    },
    HoursDispute: {
        DisputeState.PENDING: hours_disputed,
        DisputeState.DECLINED: lambda: hours_answered(
            hours_disputes.decline, "talent", because="I worked."
        ),
        DisputeState.ESCALATED: hours_unanswered,
        DisputeState.ACCEPTED: lambda: hours_answered(hours_disputes.accept, "talent"),
        DisputeState.WITHDRAWN: lambda: hours_answered(hours_disputes.withdraw, "client"),
        DisputeState.DECIDED: hours_decided,
    },
    EscrowRefundRequest: {
        RequestState.PENDING: returning.asked,
        RequestState.ACCEPTED: after(returning.asked, escrow_answers.let_go, TALENT_SIDE),
        RequestState.LAPSED: returning.lapsed,
        RequestState.WITHDRAWN: after(returning.asked, escrow_answers.pay_instead, CLIENT_SIDE),
        RequestState.DISPUTED: returning.disputed,
        RequestState.CONCEDED: after(returning.disputed, escrow_answers.pay_instead, CLIENT_SIDE),
        RequestState.CONCEDED_BY_SILENCE: returning.conceded_by_silence,
        RequestState.ESCALATED: returning.escalated,
        RequestState.MEDIATING: returning.mediating,
        RequestState.AGREED: about_split(escrow_answers.agree_to_split, CLIENT_SIDE),
        RequestState.DECIDED: returning.decided,
    },
    SplitProposal: {
        SplitState.OPEN: returning.split,
        SplitState.ACCEPTED: about_split(escrow_answers.agree_to_split, CLIENT_SIDE),
        SplitState.DECLINED: about_split(escrow_answers.decline_split, CLIENT_SIDE),
        SplitState.LAPSED: returning.split_lapsed,
        SplitState.TAKEN_BACK: about_split(escrow_answers.take_back_split, TALENT_SIDE),
    },
    GatewayOperation: {
        OperationState.STARTED: started,
        OperationState.UNKNOWN: lambda: charged(sandbox.TIMES_OUT),
        OperationState.SUCCEEDED: lambda: charged(sandbox.ACCEPTS),
        OperationState.DECLINED: lambda: charged(sandbox.DECLINES),
        OperationState.RETURNED: leaving.sent_back_and_returned,
    },
    Chargeback: {
        ChargebackState.OPEN: leaving.charged_back,
        ChargebackState.WON: lambda: leaving.charged_back_and(ChargebackState.WON),
        ChargebackState.LOST: lambda: leaving.charged_back_and(ChargebackState.LOST),
        ChargebackState.WRITTEN_OFF: leaving.written_off,
    },
}

WITHDRAWALS: dict[str, Callable[[], Contract]] = {
    OperationState.STARTED: leaving.begun,
    OperationState.UNKNOWN: lambda: leaving.withdrawn(sandbox.RECEIVES_LATE),
    OperationState.SUCCEEDED: leaving.withdrawn,
    OperationState.DECLINED: lambda: leaving.withdrawn(sandbox.REFUSES),
    OperationState.RETURNED: leaving.withdrawn_and_returned,
}
"""What belongs to an account of the talent, and to no contract."""


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


def stateful(model: type[Stateful] = Stateful) -> list[type[Stateful]]:
    return [
        one
        for child in model.__subclasses__()
        for one in ([] if child._meta.abstract else [child]) + stateful(child)
    ]


def machine_of(model: type[Stateful]) -> FSMField:
    return model._meta.get_field("state")


def test_every_machine_has_its_rows():
    ours = {model for model in stateful() if not model.__module__.startswith("tests")}

    assert ours == set(MACHINES) == set(MAKERS)


@pytest.mark.parametrize("model", MACHINES, ids=lambda model: model.__name__)
def test_every_transition_has_its_row_with_its_sources(model):
    sources: dict[str, set[str]] = {}
    for one in machine_of(model).get_all_transitions(model):
        sources.setdefault(one.name, set()).add(str(one.source))

    assert sources == {name: row[0] for name, row in MACHINES[model].items()}


@pytest.mark.parametrize("model", MACHINES, ids=lambda model: model.__name__)
def test_every_state_has_its_maker(model):
    assert {value for value, _ in machine_of(model).choices} == set(MAKERS[model])


@pytest.mark.parametrize(
    ("model", "state"),
    [
        pytest.param(model, state, id=f"{model.__name__} {state}")
        for model in MACHINES
        for state in MAKERS[model]
    ],
)
def test_state_lets_exactly_those_roles_pass(model, state):
    contract = contract_of(MAKERS[model][state]())
    row = row_of(model, contract)
    assert row.state == state

    assert passes(row, contract) == {
        (name, role)
        for name, (sources, allowed) in MACHINES[model].items()
        for role in allowed
        if state in sources
    }


@pytest.mark.parametrize("state", WITHDRAWALS)
def test_withdrawal_is_settled_by_the_platform_alone(state):
    contract = WITHDRAWALS[state]()
    row = leaving.withdrawal_of(contract)
    assert row.state == state

    assert passes(row, contract) == {
        (name, "platform")
        for name, (sources, _) in MACHINES[GatewayOperation].items()
        if state in sources
    }


def test_split_of_support_is_answered_by_both_sides():
    contract = contract_of(returning.split_by_support())
    by_both = CLIENT | TALENT

    assert passes(returning.split_of(contract), contract) == {
        (name, role)
        for name, allowed in {
            "agree": by_both,
            "accept": by_both,
            "decline": by_both,
            "lapse": CLOCK,
            "take_back": by_both | SUPPORT | CLOCK,
        }.items()
        for role in allowed
    }


def test_correction_is_not_approved_by_who_proposed_it():
    """Who proposed it takes it back by rejecting it."""
    contract = contract_of(returning.corrected())
    correction = returning.correction_of(contract)
    by = Actor.support(correction.proposed_by)

    with refused(contract, NotYours, "A second person of support"):
        corrections.approve(correction, by=by)
    assert transitions.possible(correction, "reject", by=by) is None


def passes(row: Stateful, contract: Contract) -> set[tuple[str, str]]:
    """By transition and role, what the door lets through; nothing of it changes anything."""
    actors = {role: actor_of(role, contract) for role in ROLES}
    before = everything_of(contract)
    found = {
        (name, role)
        for name in MACHINES[type(row)]
        for role in ROLES
        if lets_pass(row, name, actors[role])
    }
    assert everything_of(contract) == before
    return found


def lets_pass(row: Stateful, name: str, by: Actor) -> bool:
    """Whether the door opens; where it does not, it is pushed once to see that it holds."""
    if transitions.possible(row, name, by=by) is None:
        return True
    with pytest.raises(Refused) as refusal, transaction.atomic():
        transitions.move(row, name, by=by)
    assert refusal.value.sentence.endswith(".")
    return False


@pytest.mark.parametrize("role", sorted(ROLES))
def test_fixed_price_is_paused_by_nobody(role):
    contract = active()
    by = actor_of(role, contract)

    with refused(contract, NotYours, "Only hourly contracts can be paused."):
        transitions.move(contract, "pause", by=by)


def contract_of(made: Made) -> Contract:
    contract = made if isinstance(made, Contract) else made.contract
    return Contract.objects.select_related("client", "talent").get(pk=contract.pk)


BOOK_OF = {SplitProposal: "request__book", RefundRequest: "payment__book"}
OF_CONTRACT = (Milestone, Week, HoursDispute, Dormancy, Bonus, BonusRequest)
"""Where the book of a row is that has none of its own."""


def row_of(model: type[Stateful], contract: Contract) -> Stateful:
    if model is Contract:
        return contract
    if model in OF_CONTRACT:
        read = model._base_manager.select_related("contract__client", "contract__talent")
        return read.filter(contract=contract).latest("pk")
    book = BOOK_OF.get(model, "book")
    read = model._base_manager.select_related(f"{book}__client", f"{book}__talent")
    return read.filter(**{book: contract.book_id}).latest("pk")


def actor_of(role: str, contract: Contract) -> Actor:
    if role == "platform":
        return PLATFORM
    if role == "support":
        return Actor.support(StaffFactory())
    if role == "stranger":
        return owner_of(stranger_to(contract))
    side, _, standing = role.partition(" ")
    party: Party = getattr(contract, side)
    return owner_of(party) if standing == "owner" else member_of(party, Role(standing))


def stranger_to(contract: Contract) -> Party:
    """Somebody who is a client here and a talent elsewhere knows neither side."""
    return FreelancerFactory() if contract.client_id % 2 else PartyFactory()
