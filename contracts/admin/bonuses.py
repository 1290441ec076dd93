"""Bonuses, and what talents ask for beside the diary; support only looks at them."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Q, QuerySet

from contracts.models import Bonus, BonusRequest, Contract
from contracts.states import BonusRequestState
from marketplace import moments
from marketplace.money import Money
from marketplace.support.lists import EVERYTHING, Queue, ReadOnlyAdmin
from marketplace.support.sections import LATEST, Section, address, link, when
from marketplace.support.tools import Tool, tool

SIDES = ("contract__client", "contract__talent")


@admin.register(BonusRequest)
class BonusRequestAdmin(ReadOnlyAdmin):
    list_display = ("asked_at", "contract", "asked_for", "time", "state", "until")
    list_select_related = ("contract",)
    related = SIDES
    search_fields = ("contract",)
    search_help_text = "A reference"
    queues = {
        "waiting": Queue(
            "Waiting for the client", Q(state=BonusRequestState.WAITING), ("until", "pk")
        ),
        "all": EVERYTHING,
    }
    fields = (
        "contract",
        "asked_for",
        "time",
        "reason",
        "state",
        "asked_at",
        "until",
        "declined_because",
        "closed_at",
    )

    def search(self, rows: QuerySet[BonusRequest], term: str) -> QuerySet[BonusRequest]:
        return rows.filter(contract__reference=term.upper())

    @admin.display(description="amount")
    def asked_for(self, row: BonusRequest) -> Money:
        return row.amount

    @admin.display(description="for time not recorded")
    def time(self, row: BonusRequest) -> str:
        return moments.hours(row.minutes)


@tool
class OfBonusRequest(Tool):
    """From a bonus request to its contract."""

    model = BonusRequest
    label = "The contract"
    permission = "contracts.view_contract"

    def address(self, row: BonusRequest) -> str:
        return address(row.contract)


def bonuses_of(contract: Contract) -> Section:
    """What the client gave beside escrow and hours, or tried to; one query."""
    rows: QuerySet[Bonus] = contract.bonuses.select_related("payment").order_by("-pk")
    return Section(
        "Bonuses",
        ("given", "amount", "state", "payment", "note"),
        [
            (
                when(one.given_at),
                one.amount,
                one.get_state_display(),
                link(one.payment),
                one.note or "–",
            )
            for one in rows[:LATEST]
        ],
    )


def bonus_requests_of(contract: Contract) -> Section:
    """What the talent asked for unrecorded time; one query."""
    rows: QuerySet[BonusRequest] = contract.bonus_requests.order_by("-pk")
    return Section(
        "Bonus requests",
        ("asked", "amount", "time", "state", "until", "reason"),
        [
            (
                when(one.asked_at),
                link(one, str(one.amount)),
                moments.hours(one.minutes),
                one.get_state_display(),
                when(one.until),
                one.reason,
            )
            for one in rows[:LATEST]
        ],
    )
