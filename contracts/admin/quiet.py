"""Dormant contracts: who is asked about the money that sleeps in escrow, and until when."""

from __future__ import annotations

from typing import Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.urls import reverse

from contracts.models import Contract, Dormancy
from contracts.states import DormancyState, Side
from marketplace.money import Money
from marketplace.support.clocks import CLOCK, Clock, HasClock, Source, settled, source
from marketplace.support.dashboard import Panel, how_many, panel
from marketplace.support.lists import EVERYTHING, Queue, ReadOnlyAdmin
from marketplace.support.sections import Section, address, link, when
from marketplace.support.tools import Tool, tool

ASKED: Final = Q(due_at__isnull=False)
SIDES: Final = ("contract__client", "contract__talent")
ESCROW: Final = "contract__book__escrow_account"

_ASKS: Final = {
    DormancyState.CLIENT_ASKED: (Side.CLIENT, "The talent is asked"),
    DormancyState.TALENT_ASKED: (Side.TALENT, "Escrow goes back, and the contract ends"),
    DormancyState.RELEASE_ASKED: (Side.CLIENT, "Escrow is paid to the talent"),
}


def clock_of(dormancy: Dormancy) -> Clock:
    """Who is asked now, until when, and what their silence does."""
    if not dormancy.is_open:
        return settled(dormancy.closed_at)
    side, silence = _ASKS[DormancyState(dormancy.state)]
    return Clock(dormancy.contract.party(side).name, dormancy.due_at, silence)


@admin.register(Dormancy)
class DormancyAdmin(HasClock, ReadOnlyAdmin):
    """Only looked at: support wakes a contract by ending it for a side, or not at all."""

    list_display = ("contract", "escrow", "since", "state", *CLOCK)
    list_select_related = (*SIDES, ESCROW)
    related = (*SIDES, ESCROW)
    search_fields = ("contract",)
    search_help_text = "A reference"
    queues = {
        "open": Queue("Somebody is asked", ASKED, ("due_at", "pk")),
        "all": EVERYTHING,
    }
    fields = (
        "contract",
        "escrow",
        "state",
        *CLOCK,
        "since",
        "release_asked_at",
        "release_note",
        "closed_at",
    )

    def search(self, rows: QuerySet[Dormancy], term: str) -> QuerySet[Dormancy]:
        return rows.filter(contract__reference=term.upper())

    def clock_of(self, row: Dormancy) -> Clock:
        return clock_of(row)

    @admin.display(description="in escrow")
    def escrow(self, row: Dormancy) -> Money:
        return row.contract.book.escrow


@tool
class OfDormancy(Tool):
    """From a dormancy to its contract."""

    model = Dormancy
    label = "The contract"
    permission = "contracts.view_contract"

    def address(self, row: Dormancy) -> str:
        return address(row.contract)


def dormancies_of(contract: Contract) -> Section:
    """How often a contract was dormant; one query."""
    return Section(
        "Dormant",
        ("since", "state", "asked until", "over"),
        [
            (
                link(one, when(one.since)),
                one.get_state_display(),
                when(one.due_at),
                when(one.closed_at),
            )
            for one in contract.dormancies.order_by("-since", "-pk")
        ],
    )


@source
class OpenDormancies(Source):
    name = "dormant"
    permission = "contracts.view_dormancy"
    of_support = False
    column = "due_at"

    def rows(self) -> QuerySet[Dormancy]:
        return Dormancy.objects.filter(ASKED).select_related(*SIDES)

    def words(self, row: Dormancy) -> str:
        return f"Contract {row}"

    def contract(self, row: Dormancy) -> str:
        return str(row.contract)

    def clock(self, row: Dormancy) -> Clock:
        return clock_of(row)


@panel(place=7, permission="contracts.view_dormancy")
def dormant_contracts() -> Panel:
    asked = how_many(Dormancy.objects.filter(ASKED))
    return Panel(
        "Dormant contracts",
        reverse("admin:contracts_dormancy_changelist"),
        f"{asked} with a side that is asked.",
    )
