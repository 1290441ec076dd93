"""The support desk of the demo market, with something in every queue.

Built between parties of its own, so that it does not matter when; what the other modules build
waits in the same queues.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.urls import reverse

from contracts.models import BonusRequest, Contract, Dormancy, HoursDispute, Week
from contracts.states import WeekState
from marketplace import clock
from marketplace.actors import Actor
from marketplace.management.demo import STARTS_AT
from marketplace.models import Case, Party, User
from payments.gateways import sandbox
from payments.models import (
    Book,
    Chargeback,
    Correction,
    EscrowRefundRequest,
    GatewayEvent,
    GatewayOperation,
    Reconciliation,
    RefundRequest,
)
from payments.states import ChargebackState, OperationKind, RequestState, SplitState
from tests import desk
from tests.factories import ended, in_review, usd

SUPPORT: Final = "support@example.com"
LISTS: Final = (
    BonusRequest,
    Case,
    Chargeback,
    Contract,
    Correction,
    Dormancy,
    EscrowRefundRequest,
    GatewayEvent,
    GatewayOperation,
    HoursDispute,
    Reconciliation,
    RefundRequest,
    Week,
)


class Desk:
    """Builds it; the demo's own parties have no part in it."""

    def __init__(self, client: Party, talent: Party, agency: Party) -> None:
        self.support = Actor.support(User.objects.get(email=SUPPORT))

    def build(self) -> None:
        with clock.at(STARTS_AT - timedelta(days=33)):
            desk.mediated(usd(640))
        with clock.at(STARTS_AT - timedelta(days=31)):
            ended(in_review(method=sandbox.DECLINES).contract)
        with clock.at(STARTS_AT - timedelta(hours=2)):
            contract = desk.busy_market()
            desk.escalated(usd(900))
            desk.disputed(usd(350))
            desk.correction(contract, by=self.support)


def of_support() -> Iterator[str]:
    """Paths that support looks at."""
    yield reverse("admin:index")
    for whose in ("support", "sides", "all"):
        yield f"{reverse('admin:clocks')}?whose={whose}"
    for model in LISTS:
        yield f"{desk.rows(model)}?queue=all"
    for queue in ("held", "pending", "client", "split"):
        yield f"{desk.rows(EscrowRefundRequest)}?queue={queue}"
    yield from _requests()
    yield from _owed_and_corrections()
    yield from _outside()


def _outside() -> Iterator[str]:
    """What banks took back and sent back; a lost chargeback waits to be written off."""
    lost = Chargeback.objects.get(state=ChargebackState.LOST)
    yield desk.page(lost)
    yield desk.action(lost, "write-off")
    for queue in ("open", "bank", "back", "payouts"):
        yield f"{desk.rows(GatewayOperation)}?queue={queue}"
    yield desk.page(GatewayOperation.objects.filter(kind=OperationKind.PAYOUT).latest("pk"))


def _requests() -> Iterator[str]:
    found = EscrowRefundRequest.objects.order_by("pk")
    mediated = found.filter(state=RequestState.MEDIATING)
    split = mediated.filter(proposals__state=SplitState.OPEN)[0]
    free = mediated.exclude(proposals__state=SplitState.OPEN)[0]
    yield desk.page(split)
    yield desk.action(split, "take-back-split")
    for name in ("write", "propose-split", "decide"):
        yield desk.action(free, name)
    yield desk.action(found.filter(state=RequestState.ESCALATED)[0], "mediate")
    yield desk.page(RefundRequest.objects.order_by("pk")[0])
    yield desk.page(Dormancy.objects.order_by("pk")[0])
    yield desk.page(HoursDispute.objects.order_by("pk")[0])


def _owed_and_corrections() -> Iterator[str]:
    week = Week.objects.filter(state=WeekState.UNPAID).order_by("pk")[0]
    yield desk.page(week)
    for name in ("write-off", "settle"):
        yield desk.action(week, name)
    yield desk.action(Book.objects.order_by("pk")[0], "propose-correction")
    waiting = Correction.objects.order_by("pk")
    others = waiting.exclude(proposed_by__email=SUPPORT)[0]
    yield desk.page(others)
    for name in ("approve", "reject"):
        yield desk.action(others, name)
    yield desk.action(waiting.filter(proposed_by__email=SUPPORT)[0], "take-back")


def sent_empty() -> Iterator[tuple[str, str, str]]:
    """Forms that are sent as they are: who, where, and the button."""
    for path in (*_requests(), *_owed_and_corrections()):
        if "/support/" in path:
            yield SUPPORT, path, "Show what will happen"
