"""Weeks of hourly contracts: what is to be billed, in review, not paid; and one week's time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from django.contrib import admin
from django.db.models import Q, QuerySet

from contracts.models import Contract, Timer, Week
from contracts.states import UNBILLED_WEEKS, WeekState
from contracts.timers import counted
from contracts.waiting.hours import dispute_of
from marketplace import clock, moments, policy
from marketplace.support.clocks import CLOCK, SUPPORT, Clock, HasClock
from marketplace.support.lists import EVERYTHING, Queue, ReadOnlyAdmin
from marketplace.support.sections import LATEST, Section, address, link, when
from marketplace.support.tools import Tool, tool

SIDES: Final = ("contract__client", "contract__talent")
NOT_PAID: Final = Q(state=WeekState.UNPAID, contract__hold_since__isnull=False)
WITH_SUPPORT: Final = NOT_PAID & Q(retry_at=None)
"""It was tried for long enough after the end; found by the contracts on hold."""
RETRIED: Final = Q(retry_at__isnull=False)


def clock_of(week: Week) -> Clock:
    """Who must act on a week: bill it, review it, pay it, or give it up."""
    if week.is_unbilled:
        return Clock("Closeout", week.bills_at)
    if not week.is_unpaid:
        return _clock_of_review(week)
    if week.retry_at is not None:
        return Clock(week.contract.client.name, week.retry_at, "The charge is tried again")
    assert week.contract.ended_at is not None
    handed_over = week.contract.ended_at + policy.OWED_RETRIED_AFTER_END
    return Clock(SUPPORT, handed_over + policy.SUPPORT_ANSWERS, "It stays owed")


def _clock_of_review(week: Week) -> Clock:
    """A week that was disputed is not reviewed a second time."""
    if week.review_until is None or dispute_of(week) is not None:
        return Clock()
    return Clock(week.contract.client.name, week.review_until, "The hours stand")


@admin.register(Week)
class WeekAdmin(HasClock, ReadOnlyAdmin):
    list_display = ("contract", "starts_on", "state", "invoice", *CLOCK)
    list_select_related = (*SIDES, "dispute")
    related = (*SIDES, "payment", "dispute")
    search_fields = ("contract",)
    search_help_text = "A reference"
    queues = {
        "support": Queue("With support", WITH_SUPPORT, ("contract__ended_at", "pk")),
        "retried": Queue("Being retried", RETRIED, ("retry_at", "pk")),
        "review": Queue("In review", Q(review_until__isnull=False), ("review_until", "pk")),
        "unbilled": Queue("To be billed", Q(state__in=UNBILLED_WEEKS), ("bills_at", "pk")),
        "all": EVERYTHING,
    }
    fields = (
        "contract",
        "starts_on",
        "state",
        *CLOCK,
        "time",
        "invoice",
        "reversed",
        "bills_at",
        "locked_at",
        "invoiced_at",
        "review_until",
        "unpaid_since",
        "retry_at",
        "paid_at",
        "paid_by",
        "disputed",
    )

    def search(self, rows: QuerySet[Week], term: str) -> QuerySet[Week]:
        return rows.filter(contract__reference=term.upper())

    def sections(self, row: Week) -> Sequence[Section]:
        return [_stretches(row)]

    def clock_of(self, row: Week) -> Clock:
        return clock_of(row)

    @admin.display(description="recorded")
    def time(self, row: Week) -> str:
        return moments.hours(row.minutes)

    @admin.display(description="invoice")
    def invoice(self, row: Week) -> str:
        if row.billable_minutes is None:
            return "–"
        return f"{moments.hours(row.billable_minutes)}, {row.amount}"

    @admin.display(description="reversed")
    def reversed(self, row: Week) -> str:
        return moments.hours(row.reversed_minutes)

    @admin.display(description="payment")
    def paid_by(self, row: Week) -> str:
        return link(row.payment)

    @admin.display(description="dispute")
    def disputed(self, row: Week) -> str:
        return _dispute(row)


@tool
class OfWeek(Tool):
    """From a week to its contract."""

    model = Week
    label = "The contract"
    permission = "contracts.view_contract"

    def address(self, row: Week) -> str:
        return address(row.contract)


def weeks_of(contract: Contract) -> Section:
    """The newest weeks of a contract; one query."""
    rows = contract.weeks.select_related("payment", "dispute").order_by("-starts_on")[:LATEST]
    return Section(
        "Weeks",
        ("week", "recorded", "state", "billed", "invoice", "reversed", "payment", "dispute"),
        [_row(one) for one in rows],
        note=f"The latest {LATEST}, newest first.",
    )


def limits_of(contract: Contract) -> Section:
    """Every weekly limit there was, and one that is to come; one query."""
    return Section(
        "Weekly limits",
        ("from the week of", "limit"),
        [
            (f"{one.from_week:%-d %B %Y}", moments.hours(one.minutes))
            for one in contract.week_limits.order_by("from_week")
        ],
    )


def timers_of(contract: Contract) -> Section:
    """Who records time now; one query."""
    now = clock.now()
    rows: Iterable[Timer] = contract.timers.filter(stopped_at=None).select_related(
        "membership__user", "membership__party"
    )
    return Section(
        "Running timers",
        ("who", "since", "counts so far", "stops itself"),
        [
            (
                one.membership,
                when(one.started_at),
                moments.hours(counted(one, now)),
                when(one.runs_out_at),
            )
            for one in rows
        ],
    )


def _row(week: Week) -> Sequence[object]:
    billed = "–" if week.billable_minutes is None else moments.hours(week.billable_minutes)
    return (
        link(week, f"{week.starts_on:%-d %B %Y}"),
        moments.hours(week.minutes),
        week.get_state_display(),
        billed,
        week.amount or "–",
        moments.hours(week.reversed_minutes),
        link(week.payment),
        _dispute(week),
    )


def _dispute(week: Week) -> str:
    dispute = dispute_of(week)
    return link(dispute, dispute.get_state_display()) if dispute else "–"


def _stretches(week: Week) -> Section:
    rows = week.stretches.select_related("membership__user", "membership__party")
    return Section(
        "Time (UTC)",
        ("from", "to", "time", "who", "how", "memo", "recorded"),
        [
            (
                f"{one.starts_at:%-d %B %Y, %H:%M}",
                f"{one.ends_at:%H:%M}",
                moments.hours(one.minutes),
                one.membership,
                one.get_kind_display(),
                one.memo or "–",
                when(one.recorded_at),
            )
            for one in rows.order_by("starts_at", "id")
        ],
    )
