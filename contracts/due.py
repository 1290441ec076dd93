"""What the clock has already decided on a contract is carried out before anything else on it.

An automatic release due at 14:05 has happened for a client who ends at 14:06, whether or not a
sweep came by. The transition door calls :func:`carry_out` whenever a contract is entered; the
sweeps merely enter contracts that nobody touched.
"""

from __future__ import annotations

from datetime import datetime

from contracts import escrow_answers, milestones, offers
from contracts.models import Contract, Milestone
from contracts.states import OPEN_MILESTONES
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
    if contract.is_ended:
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


def _attach_request(contract: Contract) -> None:
    requests = locks.rows(
        EscrowRefundRequest.objects.filter(
            book=contract.book_id, state__in=OPEN_REQUESTS
        ).select_related("book__client", "book__talent"),
        Rank.REQUEST,
    )
    contract.open_request = requests[0] if requests else None
