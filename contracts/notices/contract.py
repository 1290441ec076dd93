"""What both sides are told about offers, milestones, the end, escrow requests and messages."""

from __future__ import annotations

from typing import Any, Final

from django.urls import reverse

from contracts import weeks
from contracts.models import ChecklistItem, Contract, Message, Milestone
from contracts.notices import requests
from contracts.notices.telling import BOTH, add, people_of, room_of, tell
from contracts.plans import EndPlan
from contracts.states import MilestoneState, Side
from marketplace import notices
from marketplace.actors import PLATFORM, Actor
from marketplace.money import Money
from marketplace.notices import Batch, Kind
from payments.models import GatewayOperation, Payment

OFFER_MADE: Final = notices.kind("contracts.offer_made", money=True)
OFFER_ACCEPTED: Final = notices.kind("contracts.offer_accepted")
OFFER_CLOSED: Final = notices.kind("contracts.offer_closed", money=True)
MILESTONE_ADDED: Final = notices.kind("contracts.milestone_added")
MILESTONE_PROPOSED: Final = notices.kind("contracts.milestone_proposed")
PROPOSAL_ANSWERED: Final = notices.kind("contracts.proposal_answered")
MILESTONE_FUNDED: Final = notices.kind("contracts.milestone_funded")
CHARGE_DECLINED: Final = notices.kind("contracts.charge_declined", money=True)
CHARGE_KEPT: Final = notices.kind("contracts.charge_kept_as_credit", money=True)
WORK_SUBMITTED: Final = notices.kind("contracts.work_submitted")
SUBMISSION_TAKEN_BACK: Final = notices.kind("contracts.submission_taken_back")
CHANGES_REQUESTED: Final = notices.kind("contracts.changes_requested")
REVIEW_EXTENDED: Final = notices.kind("contracts.review_extended")
REVIEW_REMINDER: Final = notices.kind("contracts.review_reminder", money=True)
PAYMENT_RELEASED: Final = notices.kind("contracts.payment_released", money=True)
CONTRACT_ENDED: Final = notices.kind("contracts.contract_ended")
MESSAGE_RECEIVED: Final = notices.kind("contracts.message_received")
CHECKLIST_REMINDER: Final = notices.kind("contracts.checklist_reminder")
ASKED_TO_END: Final = notices.kind("contracts.asked_to_end")


def offer_made(contract: Contract, *, by: Actor) -> None:
    path = reverse("offer", args=[contract.reference])
    tell(OFFER_MADE, contract, by=by, path=path, until=contract.expires_at)


def offer_accepted(contract: Contract, *, by: Actor) -> None:
    funded = any(one.state == MilestoneState.FUNDED for one in contract.open_milestones)
    tell(OFFER_ACCEPTED, contract, by=by, funded=funded, hourly=contract.is_hourly)


def offer_declined(contract: Contract, *, reason: str, by: Actor) -> None:
    _offer_closed(contract, "declined", by=by, reason=reason)


def offer_withdrawn(contract: Contract, *, by: Actor) -> None:
    _offer_closed(contract, "withdrawn", by=by)


def offer_expired(contract: Contract) -> None:
    _offer_closed(contract, "expired", by=PLATFORM)


def milestone_added(milestone: Milestone, *, by: Actor) -> None:
    funded = milestone.state == MilestoneState.FUNDED
    _tell_of(MILESTONE_ADDED, milestone, by=by, funded=funded)


def milestone_proposed(milestone: Milestone, *, by: Actor) -> None:
    _tell_of(MILESTONE_PROPOSED, milestone, by=by)


def proposal_answered(milestone: Milestone, *, by: Actor) -> None:
    agreed = milestone.state != MilestoneState.DECLINED
    _tell_of(PROPOSAL_ANSWERED, milestone, by=by, agreed=agreed)


def milestone_funded(milestone: Milestone, *, by: Actor) -> None:
    _tell_of(MILESTONE_FUNDED, milestone, by=by, offered=milestone.contract.is_offered)


def charge_declined(contract: Contract, operation: GatewayOperation) -> None:
    tell(
        CHARGE_DECLINED,
        contract,
        by=PLATFORM,
        sides=(Side.CLIENT,),
        amount=operation.amount,
        because=operation.declined_because,
    )


def charge_kept_as_credit(contract: Contract, operation: GatewayOperation) -> None:
    tell(CHARGE_KEPT, contract, by=PLATFORM, sides=(Side.CLIENT,), amount=operation.amount)


def work_submitted(milestone: Milestone, *, message: str, by: Actor) -> None:
    _tell_of(WORK_SUBMITTED, milestone, by=by, until=milestone.review_until, message=message)


def submission_taken_back(milestone: Milestone, *, by: Actor) -> None:
    _tell_of(SUBMISSION_TAKEN_BACK, milestone, by=by)


def changes_requested(milestone: Milestone, *, by: Actor) -> None:
    _tell_of(CHANGES_REQUESTED, milestone, by=by, wanted=milestone.changes_wanted)


def review_extended(milestone: Milestone, *, by: Actor) -> None:
    _tell_of(
        REVIEW_EXTENDED,
        milestone,
        by=by,
        until=milestone.review_until,
        because=milestone.extended_because,
    )


def review_reminder(milestone: Milestone) -> None:
    _tell_of(
        REVIEW_REMINDER,
        milestone,
        by=PLATFORM,
        sides=(Side.CLIENT,),
        until=milestone.review_until,
    )


def payment_released(milestone: Milestone, payment: Payment, *, by: Actor) -> None:
    _payment(milestone, payment, by=by)


def payment_released_automatically(milestone: Milestone, payment: Payment) -> None:
    _payment(milestone, payment, by=PLATFORM)


def asked_to_end(contract: Contract, *, text: str, by: Actor) -> None:
    """Who may end for the member's own party is told; the other side is not."""
    side = contract.side_of(by.party_id)
    assert side is not None
    party = contract.party(side)
    facts = {
        "title": contract.title,
        "other": contract.party(side.other).name,
        "name": by.as_member.user.name,
        "text": text,
    }
    path = reverse("end_contract", args=[contract.reference])
    notices.tell(ASKED_TO_END, to=notices.managers_of(party), facts=facts, path=path)


def contract_ended(contract: Contract, plan: EndPlan, *, by: Actor) -> None:
    """Both are told what happened; the talent is e-mailed about what stays in escrow (S)."""
    figures = {
        "paid": plan.paid or None,
        "received": plan.received or None,
        "returned": plan.returned or None,
        "requested": plan.requested or None,
        "ended_side": plan.side,
        "note": contract.end_note,
        "feedback_until": contract.feedback_until,
        "support": by.is_staff,
        "silence": by.is_platform,
        "hourly": plan.is_hourly,
        "weeks": [
            {
                "week": one.starts_on,
                "minutes": one.billable,
                "amount": one.amount,
                "receives": one.receives,
                "bills_at": one.bills_at,
                "review_until": weeks.review_until(one.starts_on),
            }
            for one in plan.billed
            if one.minutes
        ],
    }
    batch, people = Batch(), people_of(contract)
    add(batch, people, CONTRACT_ENDED, contract, by=by, path=room_of(contract), facts=figures)
    if contract.open_request is not None:
        request = contract.open_request
        add(
            batch,
            people,
            requests.REQUESTED,
            contract,
            by=by,
            path=requests.path_of(request),
            sides=(Side.TALENT,),
            facts=requests.facts_of(request),
        )
    batch.write()


def message_received(message: Message, *, by: Actor) -> None:
    contract = message.contract
    sender = contract.side_of(by.party_id)
    assert sender is not None
    tell(MESSAGE_RECEIVED, contract, by=by, sides=(sender.other,), text=message.text)


def checklist_reminder(item: ChecklistItem, *, text: str, by: Actor) -> None:
    tell(CHECKLIST_REMINDER, item.contract, by=by, text=text)


def _offer_closed(contract: Contract, how: str, *, by: Actor, reason: str = "") -> None:
    path = reverse("offer", args=[contract.reference])
    tell(OFFER_CLOSED, contract, by=by, path=path, how=how, reason=reason)


def _payment(milestone: Milestone, payment: Payment, *, by: Actor) -> None:
    _tell_of(
        PAYMENT_RELEASED,
        milestone,
        by=by,
        automatic=by.is_platform,
        paid=payment.gross,
        received=payment.net,
        partly=payment.gross < milestone.amount,
        available_at=payment.available_at,
    )


def _tell_of(
    kind: Kind, milestone: Milestone, *, by: Actor, sides: tuple[Side, ...] = BOTH, **facts: Any
) -> None:
    """About one milestone: its number, title and amount stand in every text."""
    amount: Money = milestone.amount
    tell(
        kind,
        milestone.contract,
        by=by,
        sides=sides,
        number=milestone.number,
        milestone=milestone.title,
        amount=amount,
        **facts,
    )
