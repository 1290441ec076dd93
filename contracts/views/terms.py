"""The terms of a contract that goes on: who works on it, its weekly limit, pause and restart."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from contracts import assignments, rules, terms, weeks
from contracts.forms.terms import LimitForm, NoteForm, PersonForm
from contracts.models import Contract
from contracts.queries import room_of
from contracts.queries.people import people_of
from contracts.views.base import ContractView, FormView, refuse
from marketplace import clock, moments, transitions
from marketplace.refusals import Overtaken


class People(ContractView):
    """Who works on the contract: for both sides to read, for the talent's managers to change."""

    def get(self, request: HttpRequest, reference: str) -> HttpResponse:
        return self.show(self.agreed(reference))

    def show(self, contract: Contract, form: PersonForm | None = None) -> HttpResponse:
        room = room_of(contract, self.actor, page="contract_people")
        context = {"room": room, "contract": contract, "page": people_of(room), "form": form}
        context["end_dialog"] = ""
        return render(self.request, "contracts/people.html", context)


class ChangePeople(People):
    """Assigns one of the team to the contract, or takes them off it."""

    http_method_names = ("post", "options")
    verb = ""

    DOES = {
        "assign": (assignments.assign, "{name} works on it now."),
        "release": (assignments.release, "{name} does not work on it any more."),
    }

    def post(self, request: HttpRequest, reference: str) -> HttpResponse:
        contract = self.agreed(reference)
        does, receipt = self.DOES[self.verb]
        form = PersonForm(request.POST, people=self.people(contract))
        if not form.is_valid():
            return self.show(contract, form)
        chosen = form.cleaned_data["membership"]
        try:
            does(contract, chosen, by=self.actor)
        except Overtaken as overtaken:
            messages.info(request, overtaken.sentence)
        else:
            messages.success(request, receipt.format(name=chosen.user.name))
        return redirect("contract_people", reference)

    def people(self, contract: Contract) -> Any:
        """Whom this may be about: the team, and who left it but was never taken off."""
        if self.verb == "assign":
            return assignments.team_of(contract)
        return assignments.assigned_to(contract)


class TermsView(FormView):
    """A page about the terms of an hourly contract."""

    def subject(self, **where: Any) -> Contract:
        return self.agreed(where["reference"])


class Limit(TermsView):
    """The weekly limit: raised at once, lowered from next Monday."""

    template = "contracts/week_limit.html"

    def check(self, subject: Contract) -> None:
        rules.refuse(rules.client_sets_limit(subject, self.actor))

    def form(self, subject: Contract, *args: Any) -> LimitForm:
        return LimitForm(*args)

    def context(self, subject: Contract, form: LimitForm) -> dict[str, Any]:
        monday = weeks.week_of(clock.now())
        following = weeks.week_of(weeks.ends(monday))
        limits = list(subject.week_limits.order_by("from_week"))
        now, then = (weeks.limit_in(limits, week) for week in (monday, following))
        return {
            "heading": "Weekly limit",
            "limit": now,
            "next_limit": then if then != now else 0,
            "next_monday": weeks.ends(monday),
            "most": weeks.amount(subject.hourly_rate, now),
            "submit": "Change the limit",
        }

    def carry_out(self, subject: Contract, form: LimitForm) -> str:
        hours = form.cleaned_data["hours"]
        first = weeks.starts(terms.set_limit(subject, hours=hours, by=self.actor))
        begins = "from now on" if first <= clock.now() else f"from {moments.full(first)} on"
        return f"The limit is {moments.hours(hours * 60)} a week {begins}."


class Pause(TermsView):
    """Asks for a pause, and says what it does."""

    template = "contracts/pause.html"
    transition = "pause"
    heading = "Pause this contract"
    submit = "Pause"

    def check(self, subject: Contract) -> None:
        refuse(rules.may_pause(subject, self.actor))
        transitions.refuse_unless_possible(subject, self.transition, by=self.actor)

    def form(self, subject: Contract, *args: Any) -> NoteForm:
        return NoteForm(*args, other=subject.talent.name)

    def context(self, subject: Contract, form: NoteForm) -> dict[str, Any]:
        return {"heading": self.heading, "submit": self.submit}

    def carry_out(self, subject: Contract, form: NoteForm) -> str:
        terms.pause(subject, reason=form.cleaned_data["reason"], by=self.actor)
        return (
            f"The contract is paused. {subject.talent.name} was told; no time is recorded until"
            " you restart it."
        )


class Restart(Pause):
    """Lets work go on."""

    template = "contracts/restart.html"
    transition = "restart"
    heading = "Restart this contract"
    submit = "Restart"

    def carry_out(self, subject: Contract, form: NoteForm) -> str:
        terms.restart(subject, reason=form.cleaned_data["reason"], by=self.actor)
        return f"The contract is active again. {subject.talent.name} was told."
