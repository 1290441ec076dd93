"""What both sides are told about an escrow refund request, once it was made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.urls import reverse

from contracts.models import Contract
from contracts.notices.telling import BOTH, tell
from contracts.states import Side
from marketplace import notices
from marketplace.actors import PLATFORM, Actor
from marketplace.notices import Kind
from payments.models import EscrowRefundRequest, RequestStatement, SplitProposal
from payments.states import RequestState

REQUESTED: Final = notices.kind("contracts.escrow_refund_requested", money=True)
REMINDER: Final = notices.kind("contracts.escrow_refund_reminder", money=True)
DISPUTED: Final = notices.kind("contracts.escrow_refund_disputed", money=True)
REJECTED: Final = notices.kind("contracts.escrow_refund_rejected", money=True)
ESCALATED: Final = notices.kind("contracts.escrow_refund_escalated", money=True)
MEDIATION: Final = notices.kind("contracts.escrow_refund_mediation", money=True)
STATEMENT: Final = notices.kind("contracts.escrow_refund_statement", money=True)
SETTLED: Final = notices.kind("contracts.escrow_refund_settled", money=True)
SPLIT_PROPOSED: Final = notices.kind("contracts.split_proposed", money=True)
SPLIT_AGREED: Final = notices.kind("contracts.split_agreed", money=True)
SPLIT_OFF: Final = notices.kind("contracts.split_off", money=True)


def path_of(request: EscrowRefundRequest) -> str:
    return reverse("escrow_refund", args=[request.pk])


def facts_of(request: EscrowRefundRequest) -> dict[str, Any]:
    """What stands in every text about a request; ``net`` is what the talent receives of a part."""
    book, paid = request.book, request.to_talent or None
    return {
        "amount": request.amount,
        "net": book.net_of(request.amount),
        "until": request.answer_by,
        "decide_by": request.decide_by,
        "on_silence": request.on_silence,
        "state": request.state,
        "because": request.decided_because,
        "to_talent": paid,
        "net_to_talent": book.net_of(paid) if paid else None,
        "to_client": request.to_client or None,
    }


def escrow_refund_reminder(contract: Contract, request: EscrowRefundRequest) -> None:
    """To the side whose answer is due."""
    asked = Side.TALENT if request.state == RequestState.PENDING else Side.CLIENT
    _tell(REMINDER, contract, request, by=PLATFORM, sides=(asked,))


def escrow_refund_disputed(
    contract: Contract,
    request: EscrowRefundRequest,
    *,
    text: str,
    links: Sequence[str],
    by: Actor,
) -> None:
    _tell(DISPUTED, contract, request, by=by, text=text, links=list(links))


def escrow_refund_rejected(
    contract: Contract,
    request: EscrowRefundRequest,
    *,
    text: str,
    links: Sequence[str],
    by: Actor,
) -> None:
    _tell(REJECTED, contract, request, by=by, text=text, links=list(links))


def escrow_refund_escalated(contract: Contract, request: EscrowRefundRequest) -> None:
    _tell(ESCALATED, contract, request, by=PLATFORM)


def mediation_opened(
    contract: Contract, request: EscrowRefundRequest, *, note: str, by: Actor
) -> None:
    _tell(MEDIATION, contract, request, by=by, text=note)


def statement_added(
    contract: Contract, request: EscrowRefundRequest, said: RequestStatement, *, by: Actor
) -> None:
    _tell(
        STATEMENT,
        contract,
        request,
        by=by,
        text=said.text,
        links=said.links,
        by_support=by.is_staff,
    )


def escrow_refund_accepted(contract: Contract, request: EscrowRefundRequest, *, by: Actor) -> None:
    _tell(SETTLED, contract, request, by=by)


def escrow_refund_paid_instead(
    contract: Contract, request: EscrowRefundRequest, *, by: Actor
) -> None:
    _tell(SETTLED, contract, request, by=by)


def escrow_refund_lapsed(contract: Contract, request: EscrowRefundRequest) -> None:
    _tell(SETTLED, contract, request, by=PLATFORM)


def escrow_refund_conceded_by_silence(contract: Contract, request: EscrowRefundRequest) -> None:
    _tell(SETTLED, contract, request, by=PLATFORM)


def escrow_refund_decided(contract: Contract, request: EscrowRefundRequest, *, by: Actor) -> None:
    _tell(SETTLED, contract, request, by=by)


def split_proposed(contract: Contract, split: SplitProposal, *, by: Actor) -> None:
    _tell_split(SPLIT_PROPOSED, contract, split, by=by)


def split_agreed(contract: Contract, split: SplitProposal, *, by: Actor) -> None:
    """Both have: the request is settled so."""
    _tell(SETTLED, contract, split.request, by=by)


def split_agreed_by_one(contract: Contract, split: SplitProposal, *, by: Actor) -> None:
    _tell_split(SPLIT_AGREED, contract, split, by=by)


def split_declined(contract: Contract, split: SplitProposal, *, by: Actor) -> None:
    _tell_split(SPLIT_OFF, contract, split, by=by, how="declined")


def split_taken_back(contract: Contract, split: SplitProposal, *, by: Actor) -> None:
    _tell_split(SPLIT_OFF, contract, split, by=by, how="taken_back")


def split_lapsed(contract: Contract, split: SplitProposal) -> None:
    _tell_split(SPLIT_OFF, contract, split, by=PLATFORM, how="lapsed")


def _tell_split(
    kind: Kind, contract: Contract, split: SplitProposal, *, by: Actor, **facts: Any
) -> None:
    """The split's parts and its own clock stand beside the request's."""
    _tell(
        kind,
        contract,
        split.request,
        by=by,
        message=split.message,
        by_support=split.is_by_support,
        split_to_talent=split.to_talent,
        split_net=split.book.net_of(split.to_talent),
        split_to_client=split.to_client,
        split_until=split.answer_by,
        **facts,
    )


def _tell(
    kind: Kind,
    contract: Contract,
    request: EscrowRefundRequest,
    *,
    by: Actor,
    sides: tuple[Side, ...] = BOTH,
    **facts: Any,
) -> None:
    given = {**facts_of(request), **facts}
    tell(kind, contract, by=by, path=path_of(request), sides=sides, **given)
