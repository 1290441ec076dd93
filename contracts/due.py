"""What the clock has already decided on a contract is carried out before anything else on it.

An automatic release due at 14:05 has happened for a client who ends at 14:06, whether or not a
sweep came by. The transition door calls :func:`carry_out` whenever a contract is entered; the
sweeps merely enter contracts that nobody touched.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from contracts import billing, escrow_answers, hours_disputes, milestones, offers, timers
from contracts.models import Contract, HoursDispute, Milestone, Timer, Week
from contracts.states import OPEN_DISPUTES, OPEN_MILESTONES, UNSETTLED_WEEKS
from marketplace import clock, locks
from marketplace.models.history import Rank
from payments.models import EscrowRefundRequest, GatewayOperation
from payments.states import OPEN_OPERATIONS, OPEN_REQUESTS, RequestState


def carry_out(contract: Contract) -> None:
    """Lock the contract's open parts, attach them, and do what is due."""
    _attach(contract)
    now = clock.now()
    if contract.is_offered and contract.expires_at <= now:
        offers.expire(contract)
    for milestone in releases_due(contract.open_milestones, now):
        milestones.release_unanswered(milestone)
    if request_is_due(contract.open_request, now):
        escrow_answers.pass_unanswered(contract)
    if contract.is_hourly and contract.is_agreed:
        _hours(contract, now)


def _hours(contract: Contract, now: datetime) -> None:
    """In the order in which they fall due: a timer runs out before its week is billed."""
    timers.run_out(contract, now)
    billing.invoice_due([contract], at=now)
    hours_disputes.escalate_unanswered(contract, now)


def releases_due(open_milestones: list[Milestone], now: datetime) -> list[Milestone]:
    """Submitted milestones whose review is over."""
    return [one for one in open_milestones if one.review_until and one.review_until <= now]


def request_is_due(request: EscrowRefundRequest | None, now: datetime) -> bool:
    """A request that nobody answered in time."""
    return (
        request is not None and request.state == RequestState.PENDING and request.answer_by <= now
    )


def _attach(contract: Contract) -> None:
    contract.open_milestones, contract.open_operations = [], []
    contract.open_request = None
    contract.open_weeks, contract.running_timers, contract.open_disputes = [], [], []
    if contract.is_hourly:
        _attach_hours(contract)
    elif contract.is_ended:
        _attach_request(contract)
    elif not contract.never_started:
        contract.open_milestones = locks.rows(
            Milestone.objects.filter(contract=contract, state__in=OPEN_MILESTONES), Rank.PART
        )
        for milestone in contract.open_milestones:
            milestone.contract = contract
    contract.open_operations = locks.rows(
        GatewayOperation.objects.filter(book=contract.book_id, state__in=OPEN_OPERATIONS),
        Rank.OPERATION,
    )


def _attach_hours(contract: Contract) -> None:
    """Weeks whose money has not moved, or that are in review; running timers; open disputes."""
    if not contract.is_agreed:
        return
    unsettled = Q(state__in=UNSETTLED_WEEKS) | Q(review_until__isnull=False)
    contract.open_weeks = locks.rows(Week.objects.filter(unsettled, contract=contract), Rank.PART)
    contract.running_timers = locks.rows(
        Timer.objects.filter(contract=contract, stopped_at=None).select_related("membership"),
        Rank.PART,
    )
    contract.open_disputes = locks.rows(
        HoursDispute.objects.filter(contract=contract, state__in=OPEN_DISPUTES), Rank.REQUEST
    )
    for week in contract.open_weeks:
        week.contract = contract
    for timer in contract.running_timers:
        timer.contract = contract
    for dispute in contract.open_disputes:
        dispute.contract = contract


def _attach_request(contract: Contract) -> None:
    requests = locks.rows(
        EscrowRefundRequest.objects.filter(
            book=contract.book_id, state__in=OPEN_REQUESTS
        ).select_related("book__client", "book__talent"),
        Rank.REQUEST,
    )
    contract.open_request = requests[0] if requests else None
