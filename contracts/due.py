"""What the clock has already decided on a contract is carried out before anything else on it.

An automatic release due at 14:05 has happened for a client who ends at 14:06, whether or not a
sweep came by. The transition door calls :func:`carry_out` whenever a contract is entered; the
sweeps merely enter contracts that nobody touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from contracts import (
    billing,
    bonuses,
    dormancy,
    escrow_answers,
    hours_disputes,
    milestones,
    offers,
    timers,
)
from contracts.milestones import releases_due
from contracts.models import Contract, Dormancy, HoursDispute, Milestone, Timer, Week
from contracts.models.week import UNFINISHED
from contracts.states import OPEN_DISPUTES, OPEN_DORMANCIES, OPEN_MILESTONES
from marketplace import clock, locks
from marketplace.models.history import Rank
from payments.models import EscrowRefundRequest, GatewayOperation, SplitProposal
from payments.states import OPEN_OPERATIONS, OPEN_REQUESTS, SplitState


def carry_out(contracts: Sequence[Contract]) -> None:
    """Lock the contracts' open parts, attach them, and do what is due.

    Hourly contracts may come many at once, any other by itself: its money moves in its own book.
    """
    _attach(contracts)
    now = clock.now()
    for contract in contracts:
        _milestones(contract, now)
    _hours([one for one in contracts if one.is_hourly and one.is_agreed], now)


def _milestones(contract: Contract, now: datetime) -> None:
    if contract.is_offered and contract.expires_at <= now:
        offers.expire(contract)
    for milestone in releases_due(contract.open_milestones, now):
        milestones.release_unanswered(milestone)
    dormancy.pass_unanswered(contract, now)
    escrow_answers.pass_unanswered(contract, now)


def _hours(contracts: Sequence[Contract], now: datetime) -> None:
    """In the order in which they fall due: a timer runs out before its week is billed."""
    for contract in contracts:
        timers.run_out(contract, now)
    billing.invoice_due(contracts, at=now)
    billing.end_reviews(contracts, at=now)
    for contract in contracts:
        hours_disputes.escalate_unanswered(contract, now)
        bonuses.expire_request(contract, now)


def _attach(contracts: Sequence[Contract]) -> None:
    """In the house's lock order: parts, requests, operations."""
    for contract in contracts:
        contract.open_milestones, contract.open_operations = [], []
        contract.open_request = contract.open_split = contract.open_dormancy = None
        contract.open_weeks, contract.running_timers, contract.open_disputes = [], [], []
        contract.disputed_weeks = set()
    hourly = {one.pk: one for one in contracts if one.is_hourly and one.is_agreed}
    fixed = [one for one in contracts if not one.is_hourly]
    running = {one.pk: one for one in fixed if not (one.is_ended or one.never_started)}
    by_book = {one.book_id: one for one in contracts}
    if running:
        _attach_milestones(running)
    dormant = {pk: one for pk, one in running.items() if one.is_dormant}
    if dormant:
        _attach_dormancies(dormant)
    if hourly:
        _attach_hours(hourly)
    ended = {one.book_id: one for one in fixed if one.is_ended}
    if ended:
        _attach_requests(ended)
    charges = GatewayOperation.objects.filter(book__in=by_book, state__in=OPEN_OPERATIONS)
    for operation in locks.rows(charges, Rank.OPERATION):
        by_book[operation.book_id].open_operations.append(operation)


def _attach_milestones(contracts: dict[int, Contract]) -> None:
    chosen = Milestone.objects.filter(contract__in=contracts, state__in=OPEN_MILESTONES)
    for milestone in locks.rows(chosen, Rank.PART):
        milestone.contract = contracts[milestone.contract_id]
        milestone.contract.open_milestones.append(milestone)


def _attach_dormancies(contracts: dict[int, Contract]) -> None:
    chosen = Dormancy.objects.filter(contract__in=contracts, state__in=OPEN_DORMANCIES)
    for one in locks.rows(chosen, Rank.PART):
        one.contract = contracts[one.contract_id]
        one.contract.open_dormancy = one


def _attach_hours(contracts: dict[int, Contract]) -> None:
    """Weeks whose money has not moved, in review, or disputed; running timers; open disputes."""
    disputed = HoursDispute.objects.filter(contract__in=contracts, state__in=OPEN_DISPUTES)
    running = Timer.objects.filter(contract__in=contracts, stopped_at=None)
    chosen = Week.objects.filter(UNFINISHED, contract__in=contracts).select_related("dispute")
    for week in locks.rows(chosen, Rank.PART):
        week.contract = contracts[week.contract_id]
        week.contract.open_weeks.append(week)
        if getattr(week, "dispute", None) is not None:
            week.contract.disputed_weeks.add(week.pk)
    for timer in locks.rows(running.select_related("membership"), Rank.PART):
        timer.contract = contracts[timer.contract_id]
        timer.contract.running_timers.append(timer)
    for dispute in locks.rows(disputed, Rank.REQUEST):
        dispute.contract = contracts[dispute.contract_id]
        dispute.contract.open_disputes.append(dispute)


def _attach_requests(contracts: dict[int, Contract]) -> None:
    chosen = EscrowRefundRequest.objects.filter(book__in=contracts, state__in=OPEN_REQUESTS)
    for request in locks.rows(chosen.select_related("book__client", "book__talent"), Rank.REQUEST):
        contracts[request.book_id].open_request = request
    splits = SplitProposal.objects.filter(request__book__in=contracts, state=SplitState.OPEN)
    for split in locks.rows(splits.select_related("request"), Rank.REQUEST):
        contract = contracts[split.request.book_id]
        if contract.open_request is not None:
            split.request = contract.open_request
        contract.open_split = split
