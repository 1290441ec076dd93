"""The support desk's window on feedback: what is revealed, and more time to give it.

What is sealed is not here at all: not its text, not that it exists, not a gap where its number
would be. So a page's address is the contract's reference and the side, never a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from contracts.admin.actions import ToldForm
from contracts.models import Contract
from contracts.states import Side
from feedback import rules, windows
from feedback.models import Feedback
from marketplace import clock, moments
from marketplace.actors import Actor
from marketplace.components import Effect
from marketplace.refusals import InvalidInput, Refusal
from marketplace.support.actions import SupportAction
from marketplace.support.lists import QueueList, ReadOnlyAdmin
from marketplace.support.sections import when
from marketplace.support.tools import tool


class FeedbackList(QueueList):
    def url_for_result(self, result: Any) -> str:
        return reverse("admin:feedback_feedback_change", args=[_name(result)])


@admin.register(Feedback)
class FeedbackAdmin(ReadOnlyAdmin):
    """Revealed feedback alone."""

    list_display = ("given_by", "about", "stars", "visible_from")
    list_select_related = ("contract__client", "contract__talent")
    related = (*list_select_related, "author__user", "author__party")
    search_fields = ("contract",)
    search_help_text = "A contract's reference"
    fields = (
        "contract",
        "given_by",
        "about",
        "author",
        "stars",
        "text",
        "private_note",
        "would_work_again",
        "visible_from",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Feedback]:
        return super().get_queryset(request).filter(visible_from__lte=clock.now())

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Feedback | None:
        reference, _, side = object_id.rpartition("-")
        named = self.get_queryset(request).filter(contract__reference=reference, side=side)
        return named.order_by("pk").first()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[FeedbackList]:
        return FeedbackList

    def search(self, rows: QuerySet[Feedback], term: str) -> QuerySet[Feedback]:
        return rows.filter(contract__reference=term.upper())

    @admin.display(description="given by")
    def given_by(self, row: Feedback) -> str:
        return f"{row.contract.party(Side(row.side)).name}, {row.contract.reference}"

    @admin.display(description="about")
    def about(self, row: Feedback) -> str:
        return row.contract.party(Side(row.side).other).name


def _name(feedback: Feedback) -> str:
    return f"{feedback.contract.reference}-{feedback.side}"


class ExtendForm(ToldForm):
    last_day = forms.DateField(
        label="Last day",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="The time for feedback ends when this day ends, UTC.",
    )


@tool
class ExtendWindow(SupportAction):
    """More time for both sides, once per contract."""

    model = Contract
    related = ("client", "talent")
    name = "extend-feedback"
    label = "Extend the time for feedback"
    button = "Extend it"
    permission = "feedback.extend_window"
    form_class = ExtendForm

    def refusal(self, row: Contract, by: Actor) -> Refusal | None:
        return rules.may_extend(row, by, now=clock.now())

    def effects(self, row: Contract, given: dict[str, Any]) -> Sequence[Effect]:
        until = _end_of(given["last_day"])
        if row.feedback_until is None or until <= row.feedback_until:
            raise InvalidInput("Choose a day after the present last one.", field="last_day")
        return [
            Effect(
                term="Both sides may give feedback",
                value=f"until {moments.full(until)}",
                detail=f"instead of {moments.full(row.feedback_until)}; this is possible once",
            ),
            Effect(term="What is sealed", value="stays sealed until then"),
            Effect(term="Both sides read", value=given["reason"]),
        ]

    def carry_out(self, row: Contract, given: dict[str, Any], *, by: Actor) -> str:
        until = _end_of(given["last_day"])
        windows.extend_window(row, until=until, because=given["reason"], by=by)
        return f"Both sides of {row.reference} have time until {moments.full(until)}, and know it."

    def state_of(self, row: Contract) -> str:
        return f"feedback until {when(row.feedback_until)}"


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time.min, tzinfo=UTC)
