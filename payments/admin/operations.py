"""Gateway operations: what was asked of the outside world, and what is not settled yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.urls import reverse

from marketplace.actors import Actor
from marketplace.components import Effect
from marketplace.money import Money
from marketplace.refusals import Refusal
from marketplace.support.actions import SupportAction
from marketplace.support.dashboard import Panel, how_many, panel
from marketplace.support.lists import EVERYTHING, Queue, ReadOnlyAdmin
from marketplace.support.sections import ACTOR, Section, link, when, who
from marketplace.support.tools import tool
from payments import operations
from payments.admin.payments import BY_REFERENCE
from payments.models import GatewayOperation
from payments.states import OPEN_OPERATIONS

UNSETTLED = Q(due_at__isnull=False)


@admin.register(GatewayOperation)
class GatewayOperationAdmin(ReadOnlyAdmin):
    list_display = ("started_at", "book", "asked_for", "state", "attempts", "due_at", "who")
    list_select_related = ("book", *ACTOR)
    related = ("book", "entry", *ACTOR)
    search_fields = ("book",)
    search_help_text = BY_REFERENCE
    queues = {
        "open": Queue("Not settled", UNSETTLED, ("due_at", "pk")),
        "all": EVERYTHING,
    }
    fields = (
        "kind",
        "book",
        "asked_for",
        "state",
        "purpose",
        "purpose_id",
        "gateway",
        "method",
        "key",
        "who",
        "started_at",
        "attempts",
        "due_at",
        "settled_at",
        "declined_because",
        "entry",
    )

    def search(self, rows: QuerySet[GatewayOperation], term: str) -> QuerySet[GatewayOperation]:
        return rows.filter(book__reference=term.upper())

    @admin.display(description="amount")
    def asked_for(self, row: GatewayOperation) -> Money:
        return row.amount

    @admin.display(description="started by")
    def who(self, row: GatewayOperation) -> str:
        return who(row.actor)


def operations_of(rows: QuerySet[GatewayOperation]) -> Section:
    """A contract's gateway operations."""
    return Section(
        "Gateway operations",
        ("started", "operation", "state", "asked again", "settled", "answer"),
        [
            (
                when(one.started_at),
                link(one),
                one.get_state_display(),
                when(one.due_at),
                when(one.settled_at),
                one.declined_because,
            )
            for one in rows
        ],
    )


@tool
class SettleOperation(SupportAction):
    """Ask the gateway now, as the sweep does when the operation is due."""

    model = GatewayOperation
    related = ("book__client", "account__party")
    name = "settle"
    label = "Settle by asking the gateway"
    button = "Ask the gateway"
    permission = "payments.settle_gatewayoperation"
    separate = True

    def refusal(self, row: GatewayOperation, by: Actor) -> Refusal | None:
        return None if row.is_open else Refusal("This operation is settled.")

    def effects(self, row: GatewayOperation, given: dict[str, Any]) -> Sequence[Effect]:
        name = row.owner.name
        return [
            Effect(
                term="If it was paid",
                value=f"{row.amount} is posted to the credit of {name}",
                detail="and goes on to what it was for, if that still stands.",
            ),
            Effect(term="If it was declined", value=f"nothing is posted; {name} is told"),
            Effect(term="Without an answer", value="nothing changes; it is asked again later"),
        ]

    def carry_out(self, row: GatewayOperation, given: dict[str, Any], *, by: Actor) -> str:
        operation = operations.ask_again(row.pk)
        if operation.state in OPEN_OPERATIONS:
            return f"The gateway does not know yet. It is asked again {when(operation.due_at)}."
        return f"Settled: {operation.get_state_display().lower()}."

    def state_of(self, row: GatewayOperation) -> str:
        return f"{row.get_state_display().lower()}, asked {row.attempts} times"


@panel(place=8, permission="payments.view_gatewayoperation")
def unsettled_operations() -> Panel:
    unsettled = how_many(GatewayOperation.objects.filter(UNSETTLED))
    return Panel(
        "Gateway operations",
        reverse("admin:payments_gatewayoperation_changelist"),
        f"{unsettled} not settled.",
    )
