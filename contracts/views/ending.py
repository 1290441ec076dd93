"""Ending a contract: the same form in the room's dialog and on a page of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.signing import Signer
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from contracts import closing, wording
from contracts.closing import Choice, EndPlan, Facts
from contracts.forms import EndForm
from contracts.models import Contract, Milestone
from contracts.plans import ChoiceKind, RequestEscrowRefund
from contracts.queries import Room
from contracts.queries.room import Overview
from contracts.states import Side
from contracts.views.base import ContractView, refuse
from marketplace import moments, typed
from marketplace.components import Effect
from marketplace.money import Money
from marketplace.refusals import FiguresChanged, InvalidInput, Overtaken


@dataclass(frozen=True, slots=True)
class Ways:
    """Three ways to end, with what the talent receives of the escrow, after the fee.

    ``until`` is when the active milestone is released by itself; None while it is not submitted.
    """

    asked: Money
    waits: Money | None
    milestone: Milestone | None
    until: datetime | None


_signer = Signer(salt="contracts.ending.shown")


class End(ContractView):
    """The page; without scripts, in a new tab, or after an error it is all there is."""

    def get(self, request: HttpRequest, reference: str) -> HttpResponse:
        room = self.room(reference)
        if room.contract.is_ended:
            messages.info(request, _faster(room))
            return self.to_room()
        refuse(room.may_end)
        return self.show(room, end_context(room, kept=typed.kept_for(request)))

    def post(self, request: HttpRequest, reference: str) -> HttpResponse:
        room = self.room(reference)
        if room.contract.is_ended:
            messages.info(request, _faster(room))
            return self.to_room()
        refuse(room.may_end)
        facts = closing.facts_of(room.contract)
        form = form_of(room, facts, request.POST)
        if not form.is_valid() or "confirm" not in request.POST:
            form.data = _without_tick(request)
            return self.show(room, end_context(room, facts=facts, form=form))
        return self.confirm(room, facts, form)

    def confirm(self, room: Room, facts: Facts, form: EndForm) -> HttpResponse:
        choice = form.decided
        assert choice is not None
        seen = form.cleaned_data["seen"]
        try:
            _refuse_unseen(room, facts, form, choice)
            closing.end(
                room.contract,
                choice=choice,
                seen=seen,
                reason=form.cleaned_data["reason"],
                note=form.cleaned_data["note"],
                gives_up=form.cleaned_data["gives_up"],
                by=self.actor,
            )
        except InvalidInput as refused:
            form.refuse(refused)
        except FiguresChanged as refused:
            form.add_error(None, refused.sentence)
        except Overtaken:
            messages.info(self.request, _faster(self.room(room.reference)))
            return self.to_room()
        else:
            messages.success(self.request, _ended(room))
            return self.to_room()
        form.data = _without_tick(self.request)
        fresh = self.room(room.reference)
        return self.show(fresh, end_context(fresh, form=form, seen=seen))

    def show(self, room: Room, context: dict[str, Any]) -> HttpResponse:
        context |= {"room": room, "contract": room.contract}
        return render(self.request, "contracts/end.html", context)


class Preview(ContractView):
    """The figures alone, for scripts that follow the choice."""

    def post(self, request: HttpRequest, reference: str) -> HttpResponse:
        room = self.room(reference)
        refuse(room.may_end)
        facts = closing.facts_of(room.contract)
        form = form_of(room, facts, request.POST)
        form.is_valid()
        context = end_context(room, facts=facts, form=form)
        return render(request, "contracts/end_preview.html", context | {"room": room})


def form_of(room: Room, facts: Facts, *args: Any) -> EndForm:
    asks = room.is_client and bool(facts.escrow)
    return EndForm(*args, escrow=facts.escrow, asks=asks, other=room.other.name)


def end_context(
    room: Room,
    *,
    facts: Facts | None = None,
    form: EndForm | None = None,
    overview: Overview | None = None,
    seen: str = "",
    kept: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """What the end form shows: reminders, the choice, and the figures for it.

    Args:
        facts: as read just now; read here otherwise.
        overview: the room's, whose rows are used instead of reading them again.
        kept: what was typed before signing in again.
        seen: the token that was confirmed and refused, to say what has changed since.
    """
    contract = room.contract
    facts = facts or closing.facts_of(
        contract, milestones=overview.milestones if overview else None
    )
    form = form or form_of(room, facts)
    form.initial.update(kept or {})
    chosen = _chosen(form)
    plan = _plan(facts, room.side, chosen, form)
    token = closing.seen_token(contract, facts)
    return {
        "form": form,
        "facts": facts,
        "effects": _effects(plan, room, decided=chosen is not None),
        "sentence": _sentence(plan, room, decided=chosen is not None),
        "seen": token,
        "shown": _shown(token, chosen) if chosen is not None else "",
        "changes": _changes(contract, seen, facts),
        "asks": form.asks,
        "chosen": {kind.value: form.chosen == kind for kind in ChoiceKind},
        "hints": wording.hints_of(facts, contract, room.now),
        "gives_up": room.is_talent and bool(facts.escrow),
        "ways": _ways(room, facts) if room.is_talent and facts.escrow else None,
        "end_note": _note(room),
    }


def _chosen(form: EndForm) -> Choice | None:
    if not form.is_bound:
        return Choice.nothing() if not form.asks else None
    return form.decided


def _plan(facts: Facts, side: Side, choice: Choice | None, form: EndForm) -> EndPlan:
    """The plan of the choice; of nothing, when there is none yet or it is refused."""
    if choice is not None:
        try:
            return closing.plan(facts, side, choice)
        except InvalidInput as refused:
            if refused.field not in form.errors:
                form.refuse(refused)
    return closing.plan(facts, side, Choice.nothing())


def _effects(plan: EndPlan, room: Room, *, decided: bool) -> list[Effect]:
    """All rows; before a choice is made, those that do not depend on it."""
    if decided:
        return wording.effects_of(plan, room.contract, room.now)
    kept = tuple(one for one in plan.effects if not isinstance(one, RequestEscrowRefund))
    undecided = EndPlan(plan.side, plan.choice, plan.escrow, plan.kept, kept)
    return wording.effects_of(undecided, room.contract, room.now)


def _sentence(plan: EndPlan, room: Room, *, decided: bool) -> str:
    if not decided:
        return f"Choose first what should happen to the {plan.escrow} in escrow."
    return wording.sentence_of(plan, room.contract)


def _shown(token: str, choice: Choice) -> str:
    """A mark of the figures on the page: these facts, this choice."""
    amount = choice.amount.minor if choice.amount else ""
    return _signer.signature(f"{token.split(':', maxsplit=1)[0]}:{choice.kind}:{amount}")


def _refuse_unseen(room: Room, facts: Facts, form: EndForm, choice: Choice) -> None:
    """Figures that were not on the page yet are shown before anything ends.

    Raises:
        FiguresChanged: the choice was changed after the figures were shown.
    """
    if closing.seen_figures(room.contract, form.cleaned_data["seen"]) is None:
        raise FiguresChanged("Please read what will happen, then confirm with End Contract.")
    closing.plan(facts, room.side, choice)
    if form.cleaned_data["shown"] != _shown(form.cleaned_data["seen"], choice):
        raise FiguresChanged("Here is what your choice does. Confirm it with End Contract.")


def _changes(contract: Contract, seen: str, facts: Facts) -> list[Effect]:
    figures = closing.seen_figures(contract, seen) if seen else None
    return wording.changed(figures, facts) if figures else []


def _without_tick(request: HttpRequest) -> Any:
    """What was typed stays; the tick that gives money up is never set by us."""
    data = request.POST.copy()
    data.pop("gives_up", None)
    return data


def _ways(room: Room, facts: Facts) -> Ways:
    """What the talent receives by asking, by waiting or submitting first, by ending now."""
    active = facts.active
    milestone = room.contract.milestones.filter(pk=active.pk).first() if active else None
    return Ways(
        asked=facts.received_of(facts.escrow),
        waits=facts.received_of(active.amount) if active else None,
        milestone=milestone,
        until=milestone.review_until if milestone else None,
    )


def _note(room: Room) -> str:
    """The line below the heading; people with several parties read for whom they end."""
    note = f"{room.contract.title}, with {room.other.name}."
    party = room.contract.party(room.side)
    return f"{note} You end this for {party.name}."


def _faster(room: Room) -> str:
    assert room.contract.ended_at is not None
    ago = moments.ago(room.contract.ended_at, room.now)
    who = "You" if room.ended_by == "you" else room.ended_by
    return f"{who} ended this contract {ago}. Here is what happened."


def _ended(room: Room) -> str:
    return (
        f"You ended {room.contract.title}. Below is where the money is now,"
        " and what is left for you to do."
    )
