"""The Work Diary: a week to read, time to add and change, a timer to start and stop."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from contracts import diary, rules, timers, weeks
from contracts.forms.diary import MemoForm, TimeForm, TimerForm, days_of, time_form
from contracts.models import Contract, Stretch
from contracts.queries import room_of
from contracts.queries.diary import diary_page, span_of
from contracts.views.base import ContractView, FormView
from marketplace import clock, moments, typed
from marketplace.refusals import Overtaken


class DiaryView(ContractView):
    """A page of an hourly contract's Work Diary; other contracts have none."""

    def hourly(self, reference: str) -> Contract:
        contract = self.agreed(reference)
        if not contract.is_hourly:
            raise Http404
        return contract

    def to_room(self) -> HttpResponse:
        """What is done in the diary leads back there."""
        return redirect("diary", self.kwargs["reference"])


class Diary(DiaryView):
    """One week of the diary."""

    def get(self, request: HttpRequest, reference: str) -> HttpResponse:
        contract = self.hourly(reference)
        return self.show(contract, TimerForm(initial=typed.kept_for(request)))

    def show(self, contract: Contract, form: TimerForm) -> HttpResponse:
        room = room_of(contract, self.actor, page="diary")
        page = diary_page(room, self.request.GET.get("week", ""))
        if page.timer is not None:
            form.initial.setdefault("memo", page.timer.timer.memo)
        context = {"room": room, "contract": contract, "page": page, "form": form}
        return render(self.request, "contracts/diary.html", context)


class StartTimer(Diary):
    """Starts the person's timer."""

    def post(self, request: HttpRequest, reference: str) -> HttpResponse:
        contract, form = self.hourly(reference), TimerForm(request.POST)
        if not form.is_valid():
            return self.show(contract, form)
        memo = form.cleaned_data["memo"]
        return self.act(
            lambda: timers.start(contract, memo=memo, by=self.actor),
            "Your timer is running. Whole ten-minute segments count.",
        )

    def get(self, request: HttpRequest, reference: str) -> HttpResponse:
        """Whoever comes here by the address alone is shown the diary."""
        return self.to_room()


class StopTimer(StartTimer):
    """Stops the person's timer; what was typed as its memo is kept."""

    def post(self, request: HttpRequest, reference: str) -> HttpResponse:
        contract, form = self.hourly(reference), TimerForm(request.POST)
        if not form.is_valid():
            return self.show(contract, form)
        memo = form.cleaned_data["memo"] if "memo" in request.POST else None
        try:
            timer = timers.stop(contract, memo=memo, by=self.actor)
        except Overtaken as overtaken:
            messages.info(request, overtaken.sentence)
        else:
            messages.success(request, _stopped(timer.minutes or 0))
        return self.to_room()


class DiaryFormView(DiaryView, FormView):
    """A form about time; it leads back to the week that it is about."""

    back_to: datetime | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().dispatch(request, *args, **kwargs)
        except Overtaken as overtaken:
            messages.info(request, overtaken.sentence)
            return self.to_room()

    def context(self, subject: Any, form: Any) -> dict[str, Any]:
        now = clock.now()
        return {
            "clock_utc": diary.utc(now),
            "now": now,
            "reads_utc": moments.zone() == "UTC",
            "back_url": self.back_url(),
        }

    def back_url(self) -> str:
        url = reverse("diary", args=[self.kwargs["reference"]])
        return f"{url}?week={weeks.week_of(self.back_to)}" if self.back_to else url

    def to_room(self) -> HttpResponse:
        return redirect(self.back_url())


class Add(DiaryFormView):
    """Add manual time in the current week."""

    template = "contracts/diary_add.html"

    def subject(self, **where: Any) -> Contract:
        return self.hourly(where["reference"])

    def check(self, subject: Contract) -> None:
        rules.refuse(rules.records_by_hand(subject, self.actor))
        diary.refuse_unassigned(subject, self.actor)

    def form(self, subject: Contract, *args: Any) -> TimeForm:
        now = clock.now()
        today = now.astimezone(UTC).date().isoformat()
        return TimeForm(*args, days=days_of(weeks.week_of(now), now), initial={"day": today})

    def context(self, subject: Contract, form: TimeForm) -> dict[str, Any]:
        shown = {"heading": "Add time", "submit": "Add time"}
        return super().context(subject, form) | shown

    def carry_out(self, subject: Contract, form: TimeForm) -> str:
        stretch = diary.add(
            subject,
            starts_at=form.starts_at,
            ends_at=form.ends_at,
            memo=form.cleaned_data["memo"],
            key=form.cleaned_data["key"],
            by=self.actor,
        )
        self.back_to = stretch.starts_at
        return f"You added {moments.hours(stretch.minutes)}."


class Change(DiaryFormView):
    """Change or delete a stretch while its week is open."""

    template = "contracts/diary_change.html"

    def subject(self, **where: Any) -> Stretch:
        stretch = _stretch(self.hourly(where["reference"]), where["pk"])
        self.back_to = stretch.starts_at
        return stretch

    def check(self, subject: Stretch) -> None:
        rules.refuse(rules.tidies(subject, self.actor))
        diary.refuse_locked(subject.week)

    def form(self, subject: Stretch, *args: Any) -> TimeForm | MemoForm:
        return time_form(subject, clock.now(), *args)

    def context(self, subject: Stretch, form: TimeForm | MemoForm) -> dict[str, Any]:
        return super().context(subject, form) | {
            "heading": "Change time",
            "submit": "Save",
            "stretch": subject,
            "span": span_of(subject),
        }

    def carry_out(self, subject: Stretch, form: Any) -> str:
        moved = isinstance(form, TimeForm)
        diary.change(
            subject,
            starts_at=form.starts_at if moved else subject.starts_at,
            ends_at=form.ends_at if moved else subject.ends_at,
            memo=form.cleaned_data["memo"],
            by=self.actor,
        )
        return "Your changes were saved."


class Remove(DiaryFormView):
    """Deletes a stretch, from its own page."""

    def get(self, request: HttpRequest, **where: Any) -> HttpResponse:
        return redirect("diary_change", where["reference"], where["pk"])

    def post(self, request: HttpRequest, **where: Any) -> HttpResponse:
        stretch = _stretch(self.hourly(where["reference"]), where["pk"])
        self.back_to = stretch.starts_at
        return self.act(
            lambda: diary.remove(stretch, by=self.actor),
            f"You deleted {moments.hours(stretch.minutes)}.",
        )


def _stretch(contract: Contract, pk: int) -> Stretch:
    found = contract.stretches.filter(pk=pk).select_related("membership", "week", "person").first()
    if found is None:
        raise Overtaken("This time was deleted meanwhile.")
    found.contract = contract
    return found


def _stopped(minutes: int) -> str:
    if not minutes:
        return "Your timer has stopped. No whole ten-minute segment was in it, so nothing counts."
    return f"Your timer has stopped and recorded {moments.hours(minutes)}."
