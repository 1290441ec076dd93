"""The contract room: overview, payments, messages, and what is done from there."""

from __future__ import annotations

from typing import Any

from django.contrib import messages as flash
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from contracts import checklists, messages, milestones
from contracts.forms.messages import MessageForm
from contracts.menus import END_DIALOG
from contracts.models import ChecklistItem
from contracts.queries import Room, room_of
from contracts.queries.payments import payments_of
from contracts.queries.room import overview_of
from contracts.states import ChecklistCode
from contracts.views.base import ContractView
from contracts.views.ending import end_context
from marketplace import typed
from marketplace.refusals import InvalidInput, Refused


class Overview(ContractView):
    """The room's first tab; with ``?end=1`` its end dialog is open."""

    def get(self, request: HttpRequest, reference: str) -> HttpResponse:
        room = self.room(reference)
        kept = typed.kept_for(request)
        return self.show(room, MessageForm(other=room.other.name, initial=kept), kept)

    def show(
        self, room: Room, form: MessageForm, kept: dict[str, Any] | None = None
    ) -> HttpResponse:
        overview = overview_of(room)
        context: dict[str, Any] = {
            "room": room,
            "contract": room.contract,
            "overview": overview,
            "message_form": form,
            "end_dialog": "",
        }
        if room.contract.is_running and room.may_end is None:
            context |= end_context(room, overview=overview, kept=kept)
            context |= {"end_dialog": END_DIALOG, "asks_to_end": "end" in self.request.GET}
        return render(self.request, "contracts/room.html", context)


class Payments(ContractView):
    """The payments tab: each payment with what can still be refunded."""

    def get(self, request: HttpRequest, reference: str) -> HttpResponse:
        room = room_of(self.agreed(reference), self.actor, page="room_payments")
        context = {
            "room": room,
            "contract": room.contract,
            "page": payments_of(room),
            "end_dialog": "",
        }
        return render(request, "contracts/room_payments.html", context)


class Write(ContractView):
    """Writes a message to the other side."""

    def post(self, request: HttpRequest, reference: str) -> HttpResponse:
        room = self.room(reference)
        contract, form = room.contract, MessageForm(request.POST, other=room.other.name)
        if not form.is_valid():
            return self.refused(reference, form)
        try:
            messages.write(
                contract,
                text=form.cleaned_data["text"],
                key=form.cleaned_data["key"],
                by=self.actor,
            )
        except InvalidInput as refused:
            form.add_error("text", refused.sentence)
            return self.refused(reference, form)
        flash.success(request, "Your message was sent.")
        return self.to_room()

    def refused(self, reference: str, form: MessageForm) -> HttpResponse:
        view = Overview()
        view.setup(self.request, **self.kwargs)
        view.actor, view.party = self.actor, self.party
        return view.show(self.room(reference), form)


class KeepOpen(ContractView):
    """Answers *Keep it open* after *Pay now*."""

    def post(self, request: HttpRequest, reference: str) -> HttpResponse:
        contract = self.agreed(reference)
        return self.act(
            lambda: milestones.keep_open(contract, by=self.actor),
            "The contract stays open. You can add a milestone or end it at any time.",
        )


class Checklist(ContractView):
    """Ticks, skips, undoes an item of one's own side, or sends its reminder."""

    DOES = {
        "tick": (checklists.tick, "Done."),
        "undo": (checklists.undo, "The item is open again."),
        "skip": (checklists.skip, "Skipped. You can undo that."),
        "remind": (checklists.send_reminder, "Your reminder was sent."),
    }

    def post(self, request: HttpRequest, reference: str, code: str, verb: str) -> HttpResponse:
        contract = self.agreed(reference)
        side = contract.side_of(self.party.pk)
        if verb not in self.DOES or code not in ChecklistCode.values:
            raise Http404
        item = get_object_or_404(ChecklistItem, contract=contract, side=side, code=code)
        item.contract = contract
        does, receipt = self.DOES[verb]
        try:
            does(item, by=self.actor)
        except Refused as refused:
            flash.info(request, refused.sentence)
        else:
            flash.success(request, receipt)
        return self.to_room()
