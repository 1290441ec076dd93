"""What the pages of one contract have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from contracts.models import Contract, Milestone
from contracts.queries import Room, contract_of, room_of
from contracts.states import AGREED_CONTRACTS
from marketplace import typed
from marketplace.actors import Actor
from marketplace.refusals import (
    FiguresChanged,
    InvalidInput,
    NotYours,
    Overtaken,
    Refusal,
)
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


class FormView(ContractView):
    """A page with one form about a contract or one of its milestones."""

    template = "contracts/milestone_form.html"

    def get(self, request: HttpRequest, **where: Any) -> HttpResponse:
        subject = self.subject(**where)
        form = self.form(subject)
        form.initial.update(typed.kept_for(request))
        return self.ask(subject, form)

    def post(self, request: HttpRequest, **where: Any) -> HttpResponse:
        subject = self.subject(**where)
        form = self.form(subject, request.POST)
        if not form.is_valid() or "update" in request.POST:
            return self.ask(subject, form)
        unseen = self.unseen(subject, form)
        if unseen:
            form.add_error(None, unseen)
            return self.ask(subject, form)
        try:
            receipt = self.carry_out(subject, form)
        except InvalidInput as refused:
            form.refuse(refused)
            return self.show(subject, form)
        except FiguresChanged as changed:
            return self.ask_again(changed, **where)
        except Overtaken as overtaken:
            messages.info(request, overtaken.sentence)
            return self.to_room()
        return self.finish(subject, receipt)

    def finish(self, subject: Any, receipt: str) -> HttpResponse:
        """Back to the room with what changed."""
        messages.success(self.request, receipt)
        return self.to_room()

    def ask(self, subject: Any, form: Any) -> HttpResponse:
        """The page with the form, to whom may use it while it is not too late."""
        try:
            self.check(subject)
        except Overtaken as overtaken:
            messages.info(self.request, overtaken.sentence)
            return self.to_room()
        return self.show(subject, form)

    def ask_again(self, changed: FiguresChanged, **where: Any) -> HttpResponse:
        """The same form on the figures of now; what was typed stays."""
        subject = self.subject(**where)
        form = self.form(subject, self.request.POST)
        form.add_error(None, changed.sentence)
        return self.ask(subject, form)

    def show(self, subject: Any, form: Any) -> HttpResponse:
        contract = subject if isinstance(subject, Contract) else subject.contract
        context = {"room": room_of(contract, self.actor), "contract": contract, "form": form}
        return render(self.request, self.template, context | self.context(subject, form))

    def subject(self, **where: Any) -> Any:
        return self.milestone(where["reference"], where["number"])

    def check(self, subject: Any) -> None:
        """Whether this person may see the form now.

        Raises:
            NotYours, Overtaken: they may not, or it is too late.
        """
        raise NotImplementedError

    def form(self, subject: Any, *args: Any) -> Any:
        raise NotImplementedError

    def context(self, subject: Any, form: Any) -> dict[str, Any]:
        raise NotImplementedError

    def unseen(self, subject: Any, form: Any) -> str:
        """What to say first, when the figures of a valid form were not on the page yet."""
        return ""

    def carry_out(self, subject: Any, form: Any) -> str:
        """Do it; returns what has changed and what happens next."""
        raise NotImplementedError


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
