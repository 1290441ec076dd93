"""Feedback on one contract: read, give, change."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_control

from contracts.queries import room_of
from contracts.views.base import ContractView, refuse
from feedback import giving, queries
from feedback.forms import FeedbackForm
from feedback.queries import Stage, Standing
from marketplace import clock, moments, policy, typed
from marketplace.refusals import InvalidInput, Overtaken, Refused
from marketplace.views import refused


@method_decorator(cache_control(private=True, no_store=True), name="dispatch")
class FeedbackView(ContractView):
    """A page with the form; no cache keeps it, whatever stands on it."""

    template: str

    def post(self, request: HttpRequest, reference: str) -> HttpResponse:
        standing = self.standing_of(reference)
        refuse(standing.refusal)
        form = FeedbackForm(request.POST, other=standing.other.name)
        if not form.is_valid():
            return self.show(request, standing, form)
        try:
            receipt = self.carry_out(standing, form)
        except InvalidInput as invalid:
            form.add_error(invalid.field, invalid.sentence)
            return self.show(request, standing, form)
        except Refused as refusal:
            return refused.page(request, refusal)
        messages.success(request, receipt)
        return redirect("feedback", reference)

    def carry_out(self, standing: Standing, form: FeedbackForm) -> str:
        """Do what the form says; returns what has changed and what happens next."""
        raise NotImplementedError

    def standing_of(self, reference: str) -> Standing:
        return queries.standing(self.agreed(reference), self.actor)

    def show(self, request: HttpRequest, standing: Standing, form: FeedbackForm) -> HttpResponse:
        context = {
            "room": room_of(standing.contract, self.actor, page="feedback"),
            "contract": standing.contract,
            "end_dialog": "",
            "standing": standing,
            "form": form,
            "stage_template": f"feedback/stage_{standing.stage}.html",
            "hidden_because": _hidden_because(standing),
            "days": policy.FEEDBACK_DAYS,
        }
        return render(request, self.template, context)


class Page(FeedbackView):
    """Each stage has its page; the form is the page of an open window."""

    template = "feedback/page.html"

    def get(self, request: HttpRequest, reference: str) -> HttpResponse:
        standing = self.standing_of(reference)
        kept = typed.kept_for(request)
        return self.show(request, standing, FeedbackForm(initial=kept, other=standing.other.name))

    def carry_out(self, standing: Standing, form: FeedbackForm) -> str:
        key = form.cleaned_data["key"]
        given = giving.give(standing.contract, **form.given, key=key, by=self.actor)
        other = standing.other.name
        if given.is_revealed(clock.now()):
            return f"You and {other} have both given feedback: you can read each other's now."
        until = moments.full(given.visible_from)
        return f"Sealed until {other} has given feedback too, at the latest until {until}."


class Edit(FeedbackView):
    """Change one's own feedback while it is sealed."""

    template = "feedback/edit.html"

    def get(self, request: HttpRequest, reference: str) -> HttpResponse:
        standing = self.standing_of(reference)
        if standing.stage != Stage.SEALED or standing.mine is None:
            return redirect("feedback", reference)
        initial = FeedbackForm.initial_of(standing.mine)
        form = FeedbackForm(initial=initial, other=standing.other.name)
        return self.show(request, standing, form)

    def carry_out(self, standing: Standing, form: FeedbackForm) -> str:
        if standing.mine is None:
            raise Overtaken("There is no feedback of your side to change.")
        giving.edit(standing.mine, **form.given, by=self.actor)
        return "Your feedback was changed. It is still sealed."


def _hidden_because(standing: Standing) -> str:
    """On an active contract more may still be paid, so nothing is said of it."""
    ended = standing.contract.is_ended
    return queries.hidden_because(standing.contract) if ended else ""
