"""What both sides are told about bonuses, and about the talent's request for one."""

from __future__ import annotations

from typing import Any, Final

from django.urls import reverse

from contracts.models import Bonus, BonusRequest, Contract
from contracts.notices.telling import BOTH, add, people_of, room_of, tell
from contracts.states import BonusRequestState, Side
from marketplace import moments, notices
from marketplace.actors import PLATFORM, Actor
from marketplace.notices import Batch
from payments.models import GatewayOperation, Payment

BONUS_GIVEN: Final = notices.kind("contracts.bonus_given", money=True)
BONUS_DECLINED: Final = notices.kind("contracts.bonus_declined", money=True)
BONUS_ASKED: Final = notices.kind("contracts.bonus_asked", money=True)
BONUS_REQUEST_CLOSED: Final = notices.kind("contracts.bonus_request_closed", money=True)


def bonus_given(contract: Contract, bonus: Bonus, payment: Payment, *, by: Actor) -> None:
    """Both read the amount and what is left of it after the fee; the talent the client's note."""
    request = bonus.request
    tell(
        BONUS_GIVEN,
        contract,
        by=by,
        paid=payment.gross,
        received=payment.net,
        available_at=payment.available_at,
        note=bonus.note,
        asked=request is not None and request.state == BonusRequestState.GRANTED,
    )


def bonus_declined(contract: Contract, bonus: Bonus, operation: GatewayOperation) -> None:
    """The client's alone: nothing happened, and the talent knows of nothing."""
    tell(
        BONUS_DECLINED,
        contract,
        by=PLATFORM,
        sides=(Side.CLIENT,),
        path=give_path(contract),
        bonus=bonus.amount,
        amount=operation.amount,
        because=operation.declined_because,
    )


def bonus_asked(contract: Contract, request: BonusRequest, *, by: Actor) -> None:
    """The client is led to where it answers; the talent has a receipt."""
    facts = {**_facts(request), "receives": contract.book.net_of(request.amount)}
    batch, people = Batch(), people_of(contract)
    paths = {Side.CLIENT: give_path(contract), Side.TALENT: room_of(contract)}
    for side in BOTH:
        add(
            batch,
            people,
            BONUS_ASKED,
            contract,
            by=by,
            path=paths[side],
            sides=(side,),
            facts=facts,
        )
    batch.write()


def bonus_request_declined(contract: Contract, request: BonusRequest, *, by: Actor) -> None:
    _closed(contract, request, by=by)


def bonus_request_withdrawn(contract: Contract, request: BonusRequest, *, by: Actor) -> None:
    _closed(contract, request, by=by)


def bonus_request_expired(contract: Contract, request: BonusRequest) -> None:
    _closed(contract, request, by=PLATFORM)


def give_path(contract: Contract) -> str:
    """Where a bonus is given, and a request for one is answered."""
    return reverse("give_bonus", args=[contract.reference])


def _closed(contract: Contract, request: BonusRequest, *, by: Actor) -> None:
    facts = _facts(request)
    tell(BONUS_REQUEST_CLOSED, contract, by=by, because=request.declined_because, **facts)


def _facts(request: BonusRequest) -> dict[str, Any]:
    return {
        "amount": request.amount,
        "time": moments.hours(request.minutes),
        "reason": request.reason,
        "until": request.until,
        "state": request.state,
    }
