"""What waits about escrow that was asked back: an answer, one to a dispute, one to a split."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from contracts.models import Contract
from contracts.states import Side
from contracts.waiting.shape import Action, Waiting
from marketplace import moments
from payments.models import EscrowRefundRequest, SplitProposal
from payments.states import OnSilence, RequestState


def about_return(
    contract: Contract,
    side: Side,
    request: EscrowRefundRequest,
    split: SplitProposal | None,
    now: datetime,
) -> Waiting | None:
    """What an escrow refund request waits for from a side, whether or not a sweep came by.

    Args:
        split: the request's open one.
    """
    if split is not None and now < split.answer_by:
        asks = _support_split if split.is_by_support else _talent_split
        return None if split.has_agreed(side) else asks(contract, side, request, split)
    if request.state == RequestState.PENDING and side is Side.TALENT:
        return _request(contract, request, _due(request, split))
    if request.state == RequestState.DISPUTED and side is Side.CLIENT:
        return _dispute(contract, request)
    return None


def _due(request: EscrowRefundRequest, split: SplitProposal | None) -> datetime | None:
    """When the talent's time is over; its split was not answered in time, if there is one."""
    return request.due_after_split(split.answer_by) if split else request.answer_by


def _request(contract: Contract, request: EscrowRefundRequest, until: datetime | None) -> Waiting:
    client = contract.client.name
    escalates = request.on_silence == OnSilence.ESCALATE
    return Waiting(
        words=f"Answer about {request.amount} in escrow",
        title=f"{client} asks you to let {request.amount} go back from escrow.",
        until=until,
        then="support decides" if escalates else f"it returns to {client}",
        detail=(
            f"It is {client}'s money, held for this contract; nothing is taken from your balance."
        ),
        **_leads_to(request),
    )


def _dispute(contract: Contract, request: EscrowRefundRequest) -> Waiting:
    talent = contract.talent.name
    return Waiting(
        words=f"Answer the dispute about {request.amount}",
        title=f"{talent} disputes the return of {request.amount} from escrow to you.",
        until=request.answer_by,
        amount=request.amount,
        then=f"paid to {talent}",
        detail="It is your money, held in escrow. If you reject the dispute, support mediates.",
        **_leads_to(request),
    )


def _talent_split(
    contract: Contract, _side: Side, request: EscrowRefundRequest, split: SplitProposal
) -> Waiting:
    talent = contract.talent.name
    return Waiting(
        words=f"Answer a split: {split.to_client} back to you",
        title=(
            f"{talent} proposes a split of {request.amount} in escrow: {split.to_talent} to"
            f" {talent}, {split.to_client} back to you."
        ),
        until=split.answer_by,
        then="the split is off",
        detail=f"Nothing moves then; {talent} has the rest of the time to answer your request.",
        **_leads_to(request),
    )


def _support_split(
    contract: Contract, side: Side, request: EscrowRefundRequest, split: SplitProposal
) -> Waiting:
    parts = f"{split.to_talent} to {contract.talent.name}, {split.to_client} back to you"
    if side is Side.TALENT:
        parts = f"{split.to_talent} to you, {split.to_client} back to {contract.client.name}"
    return Waiting(
        words="Answer support's split",
        title=f"Support proposes a split of {request.amount} in escrow: {parts}.",
        until=split.answer_by,
        then="the split is off",
        detail=f"Nothing moves then; support decides by {moments.day(request.decide_by)}.",
        **_leads_to(request),
    )


def _leads_to(request: EscrowRefundRequest) -> dict[str, Any]:
    url = reverse("escrow_refund", args=[request.pk])
    actions = [Action(label="Read and answer", url=url, main=True)]
    return {"icon": "scale", "url": url, "actions": actions}
