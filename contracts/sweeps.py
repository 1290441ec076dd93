"""What falls due on contracts. Entering a contract carries it out; a sweep enters the untouched."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet

from contracts import billing, dormancy, escrow_answers, milestones
from contracts.models import (
    BonusRequest,
    Contract,
    Dormancy,
    HoursDispute,
    Milestone,
    Timer,
    Week,
)
from contracts.states import UNBILLED_WEEKS, BonusRequestState, ContractState, DisputeState
from marketplace import transitions
from marketplace.sweeping import sweep
from payments.models import EscrowRefundRequest, SplitProposal
from payments.states import SplitState


def _offers() -> QuerySet[Contract]:
    return Contract.objects.filter(state=ContractState.OFFERED)


def _in_review() -> QuerySet[Milestone]:
    return Milestone.objects.exclude(review_until=None)


def _reviews_to_remind() -> QuerySet[Milestone]:
    return Milestone.objects.exclude(reminder_due_at=None)


def _unanswered() -> QuerySet[EscrowRefundRequest]:
    return EscrowRefundRequest.objects.exclude(answer_by=None)


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


def _open_splits() -> QuerySet[SplitProposal]:
    return SplitProposal.objects.filter(state=SplitState.OPEN)


@sweep("contracts.splits_lapse", rows=_open_splits, due_at="answer_by")
@transaction.atomic
def lapse_split(split_id: int) -> None:
    transitions.enter(Contract.objects.get(book__escrow_refund_request__proposals=split_id))


@sweep("contracts.escrow_request_reminders", rows=_requests_to_remind, due_at="reminder_due_at")
@transaction.atomic
def remind_of_request(request_id: int) -> None:
    escrow_answers.remind(transitions.enter(_of_request(request_id)))


def _quiet() -> QuerySet[Contract]:
    return Contract.objects.exclude(quiet_due_at=None)


@sweep("contracts.quiet_reminders", rows=_quiet, due_at="quiet_due_at")
@transaction.atomic
def remind_of_quiet(contract_id: int) -> None:
    dormancy.remind(transitions.enter(Contract(pk=contract_id)))


def _dormant() -> QuerySet[Dormancy]:
    return Dormancy.objects.exclude(due_at=None)


@sweep("contracts.dormancies_pass", rows=_dormant, due_at="due_at")
@transaction.atomic
def pass_dormancy(dormancy_id: int) -> None:
    transitions.enter(Contract.objects.get(dormancies=dormancy_id))


def _asked_bonuses() -> QuerySet[BonusRequest]:
    return BonusRequest.objects.filter(state=BonusRequestState.WAITING)


@sweep("contracts.bonus_requests_expire", rows=_asked_bonuses, due_at="until")
@transaction.atomic
def expire_bonus_request(request_id: int) -> None:
    transitions.enter(Contract.objects.get(bonus_requests=request_id))


def _unanswered_disputes() -> QuerySet[HoursDispute]:
    return HoursDispute.objects.filter(state=DisputeState.PENDING)


@sweep("contracts.hours_disputes_escalate", rows=_unanswered_disputes, due_at="answer_by")
@transaction.atomic
def escalate_dispute(dispute_id: int) -> None:
    transitions.enter(Contract.objects.get(hours_disputes=dispute_id))


def _running_timers() -> QuerySet[Timer]:
    return Timer.objects.filter(stopped_at=None)


@sweep("contracts.timers_run_out", rows=_running_timers, due_at="runs_out_at")
@transaction.atomic
def stop_timer(timer_id: int) -> None:
    transitions.enter(Contract.objects.get(timers=timer_id))


def _unbilled_weeks() -> QuerySet[Week]:
    return Week.objects.filter(state__in=UNBILLED_WEEKS)


@sweep("contracts.hours_billed", rows=_unbilled_weeks, due_at="bills_at", whole=True)
def bill_weeks(week_ids: Sequence[int]) -> bool:
    """The weekly run: nothing of a batch is done row by row."""
    return billing.bill(_of_weeks(week_ids))


def _declined_weeks() -> QuerySet[Week]:
    return Week.objects.filter(retry_at__isnull=False)


@sweep("contracts.owed_hours_retried", rows=_declined_weeks, due_at="retry_at", whole=True)
def charge_again(week_ids: Sequence[int]) -> bool:
    return billing.try_again(_of_weeks(week_ids))


def _hours_in_review() -> QuerySet[Week]:
    return Week.objects.filter(review_until__isnull=False)


@sweep("contracts.hours_reviews_end", rows=_hours_in_review, due_at="review_until", whole=True)
@transaction.atomic
def end_hours_reviews(week_ids: Sequence[int]) -> bool:
    return bool(transitions.enter_all(Contract, _of_weeks(week_ids), free=True))


def _of_weeks(week_ids: Sequence[int]) -> set[int]:
    found = Week.objects.filter(pk__in=week_ids).order_by("pk")
    return set(found.values_list("contract", flat=True))


def _of_request(request_id: int) -> Contract:
    return Contract.objects.get(book__escrow_refund_request=request_id)
