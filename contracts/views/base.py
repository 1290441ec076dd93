"""What the pages of one contract have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from contracts.models import Contract, Milestone
from contracts.queries import Room, contract_of, room_of
from contracts.states import AGREED_CONTRACTS
from marketplace.actors import Actor
from marketplace.refusals import NotYours, Overtaken, Refusal
from marketplace.views.base import ActingView


class ContractView(ActingView):
    """A page of one contract, found among those the acting party sees."""

    def contract(self, reference: str) -> Contract:
        return self.find(_visible, reference=reference)

    def agreed(self, reference: str) -> Contract:
        """One that became a contract; offers have a page of their own."""
        contract = self.contract(reference)
        if contract.state not in AGREED_CONTRACTS:
            raise IsAnOffer
        return contract

    def room(self, reference: str) -> Room:
        return room_of(self.agreed(reference), self.actor)

    def milestone(self, reference: str, number: int) -> Milestone:
        contract = self.agreed(reference)
        milestone = contract.milestones.filter(number=number).first()
        if milestone is None:
            raise Http404
        milestone.contract = contract
        return milestone

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().dispatch(request, *args, **kwargs)
        except IsAnOffer:
            return redirect("offer", kwargs["reference"])

    def to_room(self) -> HttpResponse:
        return redirect("room", self.kwargs["reference"])

    def act(self, what: Callable[[], Any], receipt: str) -> HttpResponse:
        """Do something from the room; back there with what changed, or what happened instead."""
        try:
            what()
        except Overtaken as overtaken:
            messages.info(self.request, overtaken.sentence)
        else:
            messages.success(self.request, receipt)
        return self.to_room()


class IsAnOffer(Exception):
    """The page is one of a contract, and this is still an offer, or never became one."""


def refuse(refusal: Refusal | None) -> None:
    """A page that this person may not use says why.

    Raises:
        NotYours: there is a refusal.
    """
    if refusal is not None:
        raise NotYours(refusal)


def _visible(actor: Actor) -> QuerySet[Contract]:
    return contract_of(Contract.objects.visible_to(actor))
