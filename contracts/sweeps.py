"""What falls due on contracts. Entering a contract carries it out; a sweep enters the untouched."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet

from contracts import escrow_answers, milestones
from contracts.models import Contract, Milestone
from contracts.states import ContractState
from marketplace import transitions
from marketplace.sweeping import sweep
from payments.models import EscrowRefundRequest
from payments.states import RequestState


def _offers() -> QuerySet[Contract]:
    return Contract.objects.filter(state=ContractState.OFFERED)


def _in_review() -> QuerySet[Milestone]:
    return Milestone.objects.exclude(review_until=None)


def _reviews_to_remind() -> QuerySet[Milestone]:
    return Milestone.objects.exclude(reminder_due_at=None)


def _unanswered() -> QuerySet[EscrowRefundRequest]:
    return EscrowRefundRequest.objects.filter(state=RequestState.PENDING)


def _requests_to_remind() -> QuerySet[EscrowRefundRequest]:
    return EscrowRefundRequest.objects.exclude(reminder_due_at=None)


@sweep("contracts.offers_expire", rows=_offers, due_at="expires_at")
@transaction.atomic
def expire_offer(contract_id: int) -> None:
    transitions.enter(Contract(pk=contract_id))


@sweep("contracts.reviews_end", rows=_in_review, due_at="review_until")
@transaction.atomic
def release_unanswered(milestone_id: int) -> None:
    transitions.enter(Contract.objects.get(milestones=milestone_id))


@sweep("contracts.review_reminders", rows=_reviews_to_remind, due_at="reminder_due_at")
@transaction.atomic
def remind_of_review(milestone_id: int) -> None:
    contract = transitions.enter(Contract.objects.get(milestones=milestone_id))
    for milestone in contract.open_milestones:
        if milestone.pk == milestone_id:
            milestones.remind(milestone)


@sweep("contracts.escrow_requests_pass", rows=_unanswered, due_at="answer_by")
@transaction.atomic
def pass_unanswered(request_id: int) -> None:
    transitions.enter(_of_request(request_id))


@sweep("contracts.escrow_request_reminders", rows=_requests_to_remind, due_at="reminder_due_at")
@transaction.atomic
def remind_of_request(request_id: int) -> None:
    escrow_answers.remind(transitions.enter(_of_request(request_id)))


def _of_request(request_id: int) -> Contract:
    return Contract.objects.get(book__escrow_refund_request=request_id)
