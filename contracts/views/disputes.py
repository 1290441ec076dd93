"""Disputes of hours: filed by the client for a week, then the same page for both sides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from contracts import hours_disputes, rules, weeks
from contracts.forms.base import ReasonForm
from contracts.forms.disputes import HoursDisputeForm
from contracts.models import Contract, HoursDispute, Week
from contracts.queries import disputes as queries
from contracts.views.base import ContractView, refuse
from marketplace import clock, moments, policy, typed
from marketplace.actors import Actor
from marketplace.components import Effect
from marketplace.money import Money
from marketplace.refusals import InvalidInput, Overtaken
from marketplace.views.base import ActingView


class FilingView(ContractView):
    """Finds an invoiced week for the client's owners and managers."""

    def week(self, reference: str, monday: date) -> Week:
        contract = self.agreed(reference)
        week = queries.invoiced_week(contract, monday) if contract.is_hourly else None
        if week is None:
            raise Http404
        refuse(rules.client_disputes(contract, self.actor))
        return week

    def form(self, week: Week, *args: Any, **kwargs: Any) -> HoursDisputeForm:
        return HoursDisputeForm(*args, billed=queries.billed_of(week), **kwargs)


class New(FilingView):
    """Choose what is disputed, read what would come back, say why."""

    def get(self, request: HttpRequest, reference: str, week: date) -> HttpResponse:
        found = self.week(reference, week)
        elsewhere = self.elsewhere(found)
        if elsewhere is not None:
            return elsewhere
        return self.show(found, self.form(found, initial=typed.kept_for(request)))

    def post(self, request: HttpRequest, reference: str, week: date) -> HttpResponse:
        found = self.week(reference, week)
        if found.invoiced_at is None:
            return self.closed(hours_disputes.may_be_filed(found, now=clock.now()))
        form = self.form(found, request.POST)
        if form.is_valid() and "confirm" in request.POST:
            return self.file(found, form)
        if "confirm" not in request.POST:
            form.errors.pop("reason", None)
        return self.show(found, form)

    def file(self, week: Week, form: HoursDisputeForm) -> HttpResponse:
        try:
            dispute = hours_disputes.file(
                week,
                segments=form.chosen,
                reason=form.cleaned_data["reason"],
                key=form.cleaned_data["key"],
                by=self.actor,
            )
        except InvalidInput as refused:
            form.refuse(refused)
            return self.show(week, form)
        except Overtaken as overtaken:
            return self.closed(overtaken.sentence)
        messages.success(self.request, _filed(week.contract, dispute))
        return redirect(dispute)

    def elsewhere(self, week: Week) -> HttpResponse | None:
        """A week that was disputed has its page; one that cannot be says why in the room."""
        dispute = getattr(week, "dispute", None)
        if dispute is not None:
            return redirect(dispute)
        refusal = hours_disputes.may_be_filed(week, now=clock.now())
        return self.closed(refusal) if refusal else None

    def closed(self, sentence: str) -> HttpResponse:
        messages.info(self.request, sentence)
        return self.to_room()

    def show(self, week: Week, form: HoursDisputeForm) -> HttpResponse:
        return render(self.request, "contracts/dispute_new.html", _context(week, form))


class Figures(FilingView):
    """The figures alone, for scripts that follow the choice."""

    def post(self, request: HttpRequest, reference: str, week: date) -> HttpResponse:
        found = self.week(reference, week)
        if found.invoiced_at is None:
            raise Http404
        form = self.form(found, request.POST)
        form.is_valid()
        return render(request, "contracts/dispute_new_figures.html", _context(found, form))


class DisputeView(ActingView):
    """Finds a dispute among those of the contracts that the acting party sees."""

    def dispute(self, pk: int) -> HoursDispute:
        return self.find(_visible, pk=pk)

    def show(self, dispute: HoursDispute, form: ReasonForm) -> HttpResponse:
        page = queries.dispute_page(dispute, self.actor)
        context = {"page": page, "contract": dispute.contract, "form": form}
        return render(self.request, "contracts/dispute.html", context)

    def answer(self, pk: int, does: Callable[[], Any], receipt: str) -> HttpResponse:
        try:
            does()
        except Overtaken as overtaken:
            messages.info(self.request, overtaken.sentence)
        else:
            messages.success(self.request, receipt)
        return redirect("hours_dispute", pk)


class Dispute(DisputeView):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self.show(self.dispute(pk), ReasonForm())


class Accept(DisputeView):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        dispute = self.dispute(pk)
        name = dispute.contract.client.name
        return self.answer(
            pk,
            lambda: hours_disputes.accept(dispute, by=self.actor),
            f"You accepted. The disputed hours are taken back, and {name} was told.",
        )


class Withdraw(DisputeView):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        dispute = self.dispute(pk)
        name = dispute.contract.talent.name
        return self.answer(
            pk,
            lambda: hours_disputes.withdraw(dispute, by=self.actor),
            f"You withdrew the dispute. The hours stand, and {name} was told.",
        )


class Decline(DisputeView):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        dispute, form = self.dispute(pk), ReasonForm(request.POST)
        if not form.is_valid():
            return self.show(dispute, form)
        because = form.cleaned_data["because"]
        try:
            return self.answer(
                pk,
                lambda: hours_disputes.decline(dispute, because=because, by=self.actor),
                "You declined. Support decides about each segment.",
            )
        except InvalidInput as refused:
            form.refuse(refused)
            return self.show(dispute, form)


def _visible(actor: Actor) -> QuerySet[HoursDispute]:
    seen = HoursDispute.objects.filter(contract__in=Contract.objects.visible_to(actor))
    return seen.select_related(
        "contract__client", "contract__talent", "contract__book", "week__payment", "reversal"
    )


def _context(week: Week, form: HoursDisputeForm) -> dict[str, Any]:
    """What the page and its figures show of a choice."""
    contract, minutes = week.contract, weeks.minutes_in(len(form.chosen))
    amount = hours_disputes.worth(week, minutes, week.payment)
    return {
        "contract": contract,
        "week": week,
        "form": form,
        "days": queries.choices_of(form.billed, form.entries, form.cells),
        "answer_days": policy.HOURS_ANSWER_WINDOW.days,
        "until": weeks.review_until(week.starts_on),
        "effects": _effects(week, minutes, amount),
    }


def _effects(week: Week, minutes: int, amount: Money) -> list[Effect]:
    name = week.contract.talent.name
    if not minutes:
        return [Effect(term="Nothing is chosen yet", value="–")]
    if week.is_paid:
        back = Effect(
            term=f"Comes back to you if {name} accepts",
            value=amount,
            detail="as credit, which pays your next charge first",
        )
        waits = Effect(
            term=f"The payment to {name}", value="waits", detail="until the dispute is settled"
        )
    else:
        back = Effect(term=f"Not owed any more if {name} accepts", value=amount)
        waits = Effect(term="What you owe", value="stays", detail="until the dispute is settled")
    return [
        Effect(term="You dispute", value=moments.hours(minutes)),
        back,
        Effect(
            term=f"If {name} does not accept",
            value="support decides",
            detail="about each segment, with a reason that both of you read",
        ),
        waits,
    ]


def _filed(contract: Contract, dispute: HoursDispute) -> str:
    return (
        f"You disputed {moments.hours(dispute.minutes)}. {contract.talent.name} was told and has"
        f" until {moments.full(dispute.answer_by)} to answer; then support decides."
    )
