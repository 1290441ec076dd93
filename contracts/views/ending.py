"""Ending a contract: the same form in the room's dialog and on a page of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.signing import Signer
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from contracts import asking, closing, hours_facts, rules, wording
from contracts.closing import Choice, EndPlan, Facts
from contracts.forms.ending import AskToEndForm, EndForm
from contracts.models import Contract, Milestone
from contracts.plans import ChoiceKind, PayFinal, PayMilestone
from contracts.queries import Room
from contracts.queries.ending import before_the_lock, diary_figures
from contracts.queries.room import Overview
from contracts.states import Side
from contracts.views.base import ContractView, refuse
from marketplace import moments, typed
from marketplace.components import Effect
from marketplace.money import Money
from marketplace.refusals import FiguresChanged, InvalidInput, Overtaken, Refused


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
        if room.asks_to_end:
            return _asking(request, room, AskToEndForm(), status=403)
        refuse(room.may_end)
        return self.show(room, end_context(room, kept=typed.kept_for(request)))

    def post(self, request: HttpRequest, reference: str) -> HttpResponse:
        room = self.room(reference)
        if room.contract.is_ended:
            messages.info(request, _faster(room))
            return self.to_room()
        if room.asks_to_end:
            return _asking(request, room, AskToEndForm(), status=403)
        refuse(room.may_end)
        facts = closing.facts_of(room.contract)
        form = form_of(room, facts, request.POST)
        if not form.is_valid() or "confirm" not in request.POST:
            return self.show(room, end_context(room, facts=facts, form=form))
        return self.confirm(room, facts, form)

    def confirm(self, room: Room, facts: Facts, form: EndForm) -> HttpResponse:
        choice = form.decided
        assert choice is not None
        try:
            _refuse_unseen(room, facts, form, choice)
            closing.end(
                room.contract,
                choice=choice,
                seen=form.cleaned_data["seen"],
                reason=form.cleaned_data["reason"],
                note=form.cleaned_data["note"],
                gives_up=form.cleaned_data["gives_up"],
                by=self.actor,
            )
        except (InvalidInput, FiguresChanged) as refused:
            return self.ask_again(refused)
        except Overtaken:
            messages.info(self.request, _faster(self.room(room.reference)))
        else:
            messages.success(self.request, _ended(room))
        return self.to_room()

    def ask_again(self, refused: Refused) -> HttpResponse:
        """The same form on the figures of now; what was typed stays."""
        room = self.room(self.kwargs["reference"])
        facts = closing.facts_of(room.contract)
        form = form_of(room, facts, self.request.POST)
        form.is_valid()
        form.refuse(refused)
        return self.show(room, end_context(room, facts=facts, form=form))

    def show(self, room: Room, context: dict[str, Any]) -> HttpResponse:
        form = context["form"]
        if form.is_bound:
            form.data = _without_tick(self.request)
        context |= {"room": room, "contract": room.contract}
        return render(self.request, "contracts/end.html", context)


class AskThem(ContractView):
    """A member who may not end asks the owners and managers of their own party to."""

    def get(self, request: HttpRequest, reference: str) -> HttpResponse:
        room = self.room(reference)
        if room.contract.is_ended:
            messages.info(request, _faster(room))
            return self.to_room()
        refuse(rules.asks_to_end(room.contract, self.actor))
        return _asking(request, room, AskToEndForm(initial=typed.kept_for(request)))

    def post(self, request: HttpRequest, reference: str) -> HttpResponse:
        room = self.room(reference)
        form = AskToEndForm(request.POST)
        if not form.is_valid():
            refuse(rules.asks_to_end(room.contract, self.actor))
            return _asking(request, room, form)
        try:
            asked = asking.ask_to_end(room.contract, text=form.cleaned_data["text"], by=self.actor)
        except Overtaken as overtaken:
            messages.info(request, overtaken.sentence)
            return self.to_room()
        who = f"the owners and managers of {self.party.name}"
        if asked:
            messages.success(request, f"You asked {who} to end this contract.")
        else:
            messages.info(request, f"You asked {who} today already. You can ask again tomorrow.")
        return self.to_room()


class Preview(ContractView):
    """The figures alone, for scripts that follow the choice."""

    def post(self, request: HttpRequest, reference: str) -> HttpResponse:
        room = self.room(reference)
        if room.contract.is_ended:
            messages.info(request, _faster(room))
            return HttpResponseClientRedirect(reverse("room", args=[reference]))
        refuse(room.may_end)
        facts = closing.facts_of(room.contract)
        form = form_of(room, facts, request.POST)
        form.is_valid()
        context = end_context(room, facts=facts, form=form)
        return render(request, "contracts/end_preview.html", context | {"room": room})


def _asking(
    request: HttpRequest, room: Room, form: AskToEndForm, *, status: int = 200
) -> HttpResponse:
    context = {
        "room": room,
        "contract": room.contract,
        "form": form,
        "heading": "End contract",
        "submit": "Ask them",
        "reason": room.may_end,
    }
    return render(request, "contracts/ask_to_end.html", context, status=status)


def form_of(room: Room, facts: Facts, *args: Any) -> EndForm:
    asks = room.is_client and bool(facts.escrow)
    return EndForm(*args, escrow=facts.escrow, asks=asks, other=room.other.name)


def end_context(
    room: Room,
    *,
    facts: Facts | None = None,
    form: EndForm | None = None,
    overview: Overview | None = None,
    kept: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """What the end form shows: reminders, the choice, and the figures for it.

    Args:
        facts: as read just now; read here otherwise.
        form: as sent; figures that it has seen and that have changed since say what they were.
        overview: the room's, whose rows are used instead of reading them again.
        kept: what was typed before signing in again.
    """
    contract = room.contract
    diary = diary_figures(contract) if contract.is_hourly else None
    rows = None if facts else _hours_rows(contract, overview)
    facts = facts or closing.facts_of(
        contract,
        milestones=overview.milestones if overview else None,
        charges=overview.charges if overview else None,
        hours=rows,
        kept=diary.kept if diary else None,
    )
    form = form or form_of(room, facts)
    form.initial.update(kept or {})
    decided = _decided(facts, room.side, form)
    token = closing.seen_token(contract, facts)
    changes = _changes(room, facts, form)
    return {
        "form": form,
        "facts": facts,
        "effects": wording.effects_of(
            decided or _undecided(facts, room.side),
            contract,
            room.now,
            before=_before(room, facts, form, decided) if changes else None,
        ),
        "sentence": _sentence(decided, facts, contract, form),
        "seen": token,
        "shown": _shown(token, decided.choice) if decided else "",
        "changes": changes,
        "asks": form.asks,
        "chosen": {kind.value: form.chosen == kind for kind in ChoiceKind},
        "hints": wording.hints_of(facts, contract, room.now),
        "gives_up": room.is_talent and bool(facts.escrow),
        "ways": _ways(room, facts) if room.is_talent and facts.escrow else None,
        "hours": (
            before_the_lock(room, facts.hours, diary, timers=rows.timers if rows else None)
            if facts.hours and diary
            else None
        ),
        "end_note": _note(room),
    }


def _hours_rows(contract: Contract, overview: Overview | None) -> hours_facts.Rows | None:
    """Of an hourly contract: the room's, or read here."""
    if not contract.is_hourly:
        return None
    return overview.hours.rows if overview and overview.hours else hours_facts.read(contract)


def _decided(facts: Facts, side: Side, form: EndForm) -> EndPlan | None:
    """The plan of the choice; None while there is none, or while it is refused at its field."""
    choice = form.decided
    if choice is None:
        return None
    try:
        return closing.plan(facts, side, choice)
    except InvalidInput as refused:
        if refused.field not in form.errors:
            form.refuse(refused)
        return None


def _undecided(facts: Facts, side: Side) -> EndPlan:
    """What happens whatever is chosen for the money in escrow."""
    plan = closing.plan(facts, side, Choice.all())
    settled = tuple(one for one in plan.effects if not isinstance(one, PayMilestone | PayFinal))
    return replace(plan, effects=settled)


def _before(room: Room, facts: Facts, form: EndForm, decided: EndPlan | None) -> EndPlan | None:
    """The same choice on the figures that were seen, if it was possible then."""
    seen = closing.facts_seen(room.contract, _seen(room, form), facts)
    if form.asks and decided is None:
        return _undecided(seen, room.side)
    choice = decided.choice if form.asks and decided else Choice.nothing()
    if not form.asks and form.chosen == ChoiceKind.ALL:
        choice = Choice.all()
    try:
        return closing.plan(seen, room.side, choice)
    except InvalidInput:
        return None


def _sentence(decided: EndPlan | None, facts: Facts, contract: Contract, form: EndForm) -> str:
    if decided is not None:
        return wording.sentence_of(decided, contract)
    if form.chosen and "amount" in form.errors:
        return str(form.errors["amount"][0])
    return f"Choose first what should happen to the {facts.escrow} in escrow."


def _shown(token: str, choice: Choice) -> str:
    """A mark of the figures on the page: these facts, this choice."""
    amount = choice.amount.minor if choice.amount else ""
    return _signer.signature(f"{token.split(':', maxsplit=1)[0]}:{choice.kind}:{amount}")


def _refuse_unseen(room: Room, facts: Facts, form: EndForm, choice: Choice) -> None:
    """Figures that were not on the page yet are shown before anything ends.

    Raises:
        FiguresChanged: the facts, or the choice, are others than those whose figures were shown.
        InvalidInput: the choice is not possible.
    """
    seen = form.cleaned_data["seen"]
    if closing.seen_figures(room.contract, seen) is None:
        raise FiguresChanged("Please read what will happen, then confirm with End Contract.")
    closing.refuse_changed(room.contract, seen, facts)
    closing.plan(facts, room.side, choice)
    if form.cleaned_data["shown"] != _shown(seen, choice):
        raise FiguresChanged("Here is what your choice does. Confirm it with End Contract.")


def _seen(room: Room, form: EndForm) -> dict[str, Any]:
    """The figures that the form was sent with; none when it was not, or when they are not ours."""
    seen = form.cleaned_data.get("seen", "") if form.is_bound else ""
    return closing.seen_figures(room.contract, seen) or {} if seen else {}


def _changes(room: Room, facts: Facts, form: EndForm) -> list[Effect]:
    seen = _seen(room, form)
    if not seen:
        return []
    return wording.changed(seen, closing.comparable(room.contract, seen, facts))


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
    who = room.ended_by
    said = who.capitalize() if who in ("you", "support") else who
    return f"{said} ended this contract{room.ended_for} {ago}. Here is what happened."


def _ended(room: Room) -> str:
    return (
        f"You ended {room.contract.title}. Below is where the money is now,"
        " and what is left for you to do."
    )
