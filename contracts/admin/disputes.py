"""Disputes of hours: who must act by when, the facts, and support's decision per segment."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC
from itertools import groupby
from operator import attrgetter
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.urls import reverse

from contracts import hours_disputes, weeks
from contracts.admin.actions import ToldForm
from contracts.models import DisputedSegment, HoursDispute, Stretch
from contracts.queries.disputes import runs_of
from contracts.states import HELD_DISPUTES, DisputeState
from marketplace import moments, policy, transitions
from marketplace.actors import Actor
from marketplace.components import Effect
from marketplace.money import Money
from marketplace.refusals import Refusal
from marketplace.support.actions import SupportAction
from marketplace.support.clocks import (
    CLOCK,
    SUPPORT,
    Clock,
    HasClock,
    Source,
    settled,
    source,
)
from marketplace.support.dashboard import Panel, how_many, panel
from marketplace.support.lists import EVERYTHING, Queue, ReadOnlyAdmin
from marketplace.support.sections import Section, address, when
from marketplace.support.tools import Tool, tool

HELD = Q(state__in=HELD_DISPUTES)
PENDING = Q(state=DisputeState.PENDING)
SIDES = ("contract__client", "contract__talent")
DECIDED_AFTER = policy.HOURS_ANSWER_WINDOW + policy.SUPPORT_ANSWERS
"""From the filing: the talent's time, then support's."""


def clock_of(dispute: HoursDispute) -> Clock:
    """Who must act on a dispute of hours."""
    if dispute.is_held:
        return Clock(SUPPORT, dispute.filed_at + DECIDED_AFTER, "The payment stays held")
    if dispute.is_open:
        return Clock(dispute.contract.talent.name, dispute.answer_by, "Support decides")
    return settled(dispute.settled_at)


@admin.register(HoursDispute)
class HoursDisputeAdmin(HasClock, ReadOnlyAdmin):
    list_display = ("contract", "week", "time", "state", *CLOCK)
    list_select_related = (*SIDES, "week")
    related = (*SIDES, "contract__book", "week__payment", "reversal")
    search_fields = ("contract",)
    search_help_text = "A reference"
    queues = {
        "held": Queue("Waiting for support", HELD, ("filed_at", "pk")),
        "pending": Queue("Waiting for the talent", PENDING, ("answer_by", "pk")),
        "all": EVERYTHING,
    }
    fields = (
        "contract",
        "week",
        "billed",
        "disputed",
        "state",
        *CLOCK,
        "reason",
        "filed_at",
        "answer_by",
        "declined_because",
        "decided_because",
        "went_back",
        "settled_at",
    )

    def search(self, rows: QuerySet[HoursDispute], term: str) -> QuerySet[HoursDispute]:
        return rows.filter(contract__reference=term.upper())

    def sections(self, row: HoursDispute) -> Sequence[Section]:
        return [_segments(row)]

    def clock_of(self, row: HoursDispute) -> Clock:
        return clock_of(row)

    @admin.display(description="time")
    def time(self, row: HoursDispute) -> str:
        return moments.hours(row.minutes)

    @admin.display(description="billed for the week")
    def billed(self, row: HoursDispute) -> str:
        return f"{moments.hours(row.week.billable_minutes or 0)}, {row.week.amount}"

    @admin.display(description="disputed")
    def disputed(self, row: HoursDispute) -> str:
        return f"{moments.hours(row.minutes)}, {_at_stake(row)}"

    @admin.display(description="went back")
    def went_back(self, row: HoursDispute) -> str:
        if row.is_open:
            return "–"
        row.week.contract = row.contract
        return f"{moments.hours(row.reversed_minutes or 0)}, {hours_disputes.given_back(row)}"


class _Ticks(forms.TypedMultipleChoiceField):
    """Rows that are ticked, by their ids; perhaps none."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(coerce=int, required=False, **kwargs)


def _at_stake(dispute: HoursDispute) -> Money:
    dispute.week.contract = dispute.contract
    return hours_disputes.at_stake(dispute)


def _segments(dispute: HoursDispute) -> Section:
    return Section(
        "Disputed segments",
        ("day (UTC)", "time", "together", "who", "how", "memo", "recorded", "goes back"),
        [
            (
                one.day,
                one.span,
                moments.hours(one.minutes),
                one.who,
                one.stretch.get_kind_display(),
                one.memo or "–",
                when(one.stretch.recorded_at),
                {None: "open", True: "yes", False: "no"}[one.is_reversed],
            )
            for one in runs_of(dispute)
        ],
    )


class DecideForm(ToldForm):
    """Which segments go back, by themselves or with their whole entry; what is not ticked stands.

    A disputed week can have a thousand of them.
    """

    entries = _Ticks(label="Entries of which all disputed segments go back")
    segments = _Ticks(label="Segments that go back", help_text="What is not ticked stands.")

    def __init__(self, row: HoursDispute, data: Any = None) -> None:
        super().__init__(row, data)
        disputed = row.segments.select_related("stretch__membership__user")
        ordered = disputed.order_by("stretch__starts_at", "stretch", "starts_at")
        self.of_entry = {
            stretch: list(of_it) for stretch, of_it in groupby(ordered, key=attrgetter("stretch"))
        }
        self.fields["entries"].choices = [  # type: ignore[attr-defined]
            (stretch.pk, _name(stretch)) for stretch in self.of_entry
        ]
        self.fields["segments"].choices = [  # type: ignore[attr-defined]
            (_name(stretch), [(one.pk, _time(one)) for one in of_it])
            for stretch, of_it in self.of_entry.items()
        ]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        entries = cleaned.get("entries", ())
        whole = [of_it for one, of_it in self.of_entry.items() if one.pk in entries]
        cleaned["chosen"] = {
            *(one.pk for of_it in whole for one in of_it),
            *cleaned.get("segments", ()),
        }
        return cleaned


def _name(stretch: Stretch) -> str:
    who, memo = stretch.membership.user.name, stretch.memo or "no memo"
    return f"{stretch} UTC, {who}, {memo}"


def _time(segment: DisputedSegment) -> str:
    return f"{segment.starts_at.astimezone(UTC):%H:%M}"


@tool
class DecideDispute(SupportAction):
    """Say of each disputed segment whether it goes back."""

    model = HoursDispute
    related = (*SIDES, "contract__book", "week__payment")
    name = "decide"
    label = "Decide per segment"
    button = "Decide"
    permission = "contracts.decide_hoursdispute"
    form_class = DecideForm

    def refusal(self, row: HoursDispute, by: Actor) -> Refusal | None:
        return transitions.possible(row, "decide", by=by)

    def effects(self, row: HoursDispute, given: dict[str, Any]) -> Sequence[Effect]:
        row.week.contract = row.contract
        minutes = _minutes(given["chosen"])
        back = hours_disputes.worth(row.week, minutes, row.week.payment)
        term = f"{row.contract.client.name} gets back"
        if not row.week.is_paid:
            term = f"{row.contract.client.name} no longer owes"
        return [
            Effect(term=term, value=back, detail=moments.hours(minutes)),
            Effect(term="Stands", value=moments.hours(row.minutes - minutes)),
            Effect(term="Both sides read", value=given["reason"]),
        ]

    def carry_out(self, row: HoursDispute, given: dict[str, Any], *, by: Actor) -> str:
        decided = hours_disputes.decide(
            row, reversed_segments=given["chosen"], because=given["reason"], by=by
        )
        return (
            f"{moments.hours(decided.reversed_minutes or 0)} goes back,"
            f" {hours_disputes.given_back(decided)}. Both are told, with your reason."
        )

    def state_of(self, row: HoursDispute) -> str:
        state = row.get_state_display().lower()
        if row.reversed_minutes is None:
            return state
        return f"{state}, {moments.hours(row.reversed_minutes)} went back"


def _minutes(segments: Collection[int]) -> int:
    return weeks.minutes_in(len(segments))


@tool
class OfDispute(Tool):
    """From a dispute to its contract."""

    model = HoursDispute
    label = "The contract"
    permission = "contracts.view_contract"

    def address(self, row: HoursDispute) -> str:
        return address(row.contract)


class _Disputes(Source):
    permission = "contracts.view_hoursdispute"

    def words(self, row: HoursDispute) -> str:
        return f"Dispute of {moments.hours(row.minutes)} of the {row.week}"

    def contract(self, row: HoursDispute) -> str:
        return str(row.contract)

    def clock(self, row: HoursDispute) -> Clock:
        return clock_of(row)


@source
class HeldDisputes(_Disputes):
    name = "hours-held"
    of_support = True
    column = "filed_at"
    later = DECIDED_AFTER

    def rows(self) -> QuerySet[HoursDispute]:
        return HoursDispute.objects.filter(HELD).select_related(*SIDES, "week")


@source
class PendingDisputes(_Disputes):
    name = "hours-pending"
    of_support = False
    column = "answer_by"

    def rows(self) -> QuerySet[HoursDispute]:
        return HoursDispute.objects.filter(PENDING).select_related(*SIDES, "week")


@panel(place=2, permission="contracts.view_hoursdispute")
def held_disputes() -> Panel:
    held = how_many(HoursDispute.objects.filter(HELD))
    return Panel(
        "Disputes of hours",
        reverse("admin:contracts_hoursdispute_changelist"),
        f"{held} waiting for support.",
    )
