"""Gateway operations: what was asked of the outside world, and what is not settled yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.urls import reverse

from marketplace.actors import Actor
from marketplace.components import Effect
from marketplace.money import Money
from marketplace.refusals import Refusal
from marketplace.support import find
from marketplace.support.actions import SupportAction
from marketplace.support.dashboard import Panel, how_many, panel
from marketplace.support.lists import EVERYTHING, Queue, ReadOnlyAdmin
from marketplace.support.sections import ACTOR, Section, link, when, who
from marketplace.support.tools import tool
from payments import operations
from payments.models import Account, Book, GatewayOperation
from payments.states import OPEN_OPERATIONS, AccountKind, OperationKind

UNSETTLED: Final = Q(due_at__isnull=False)
AT_THE_BANK: Final = Q(due_at__isnull=False, confirm_since__isnull=False)
CAME_BACK: Final = Q(back_entry__isnull=False)
WITHDRAWALS: Final = Q(kind=OperationKind.PAYOUT)
NEWEST_FIRST: Final = ("-started_at", "-pk")


@admin.register(GatewayOperation)
class GatewayOperationAdmin(ReadOnlyAdmin):
    list_display = (
        "started_at",
        "kind",
        "whose",
        "book",
        "asked_for",
        "method_label",
        "state",
        "declined_because",
        "attempts",
        "due_at",
        "who",
    )
    list_select_related = ("book__client", "account__party", *ACTOR)
    related = ("book__client", "account__party", "of", "entry", "back_entry", *ACTOR)
    search_fields = ("book",)
    search_help_text = "A contract's reference, how a talent's name begins, or the whole key"
    queues = {
        "open": Queue("Not settled", UNSETTLED, ("due_at", "pk")),
        "bank": Queue("Waiting for the client's bank", AT_THE_BANK, ("due_at", "pk")),
        "back": Queue("Came back", CAME_BACK, NEWEST_FIRST),
        "payouts": Queue("Withdrawals", WITHDRAWALS, NEWEST_FIRST),
        "all": EVERYTHING,
    }
    fields = (
        "kind",
        "book",
        "whose",
        "asked_for",
        "state",
        "purpose",
        "purpose_id",
        "gateway",
        "method",
        "method_label",
        "of",
        "key",
        "reference",
        "who",
        "started_at",
        "attempts",
        "due_at",
        "confirm_since",
        "settled_at",
        "arrives_on",
        "watch_at",
        "declined_because",
        "entry",
        "back_entry",
    )

    def search(self, rows: QuerySet[GatewayOperation], term: str) -> QuerySet[GatewayOperation]:
        books = list(Book.objects.filter(reference=term.upper()).values_list("pk", flat=True))
        paid = Account.objects.filter(kind=AccountKind.AVAILABLE, party__in=find.parties(term))
        accounts = list(paid.values_list("pk", flat=True))
        return rows.filter(Q(key=term) | Q(book__in=books) | Q(account__in=accounts))

    @admin.display(description="of")
    def whose(self, row: GatewayOperation) -> str:
        return row.owner.name

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
        outcomes = _if_sent(row) if row.is_outgoing else _if_charged(row)
        return [
            *outcomes,
            Effect(term="Without an answer", value="nothing changes; it is asked again later"),
        ]

    def carry_out(self, row: GatewayOperation, given: dict[str, Any], *, by: Actor) -> str:
        operation = operations.ask_again(row.pk)
        if operation.state in OPEN_OPERATIONS:
            return f"The gateway does not know yet. It is asked again {when(operation.due_at)}."
        return f"Settled: {operation.get_state_display().lower()}."

    def state_of(self, row: GatewayOperation) -> str:
        return f"{row.get_state_display().lower()}, asked {row.attempts} times"


def _if_charged(row: GatewayOperation) -> list[Effect]:
    name = row.owner.name
    return [
        Effect(
            term="If it was paid",
            value=f"{row.amount} is posted to the credit of {name}",
            detail="and goes on to what it was for, if that still stands.",
        ),
        Effect(term="If it was declined", value=f"nothing is posted; {name} is told"),
    ]


def _if_sent(row: GatewayOperation) -> list[Effect]:
    """Of money that left the books when it was begun."""
    name = row.owner.name
    place = "available money" if row.kind == OperationKind.PAYOUT else "credit"
    return [
        Effect(term="If it was sent", value=f"nothing moves; {name} is told that it went out"),
        Effect(
            term="If it was not",
            value=f"{row.amount} comes back to the {place} of {name}",
            detail="once; they are told why, and can send it again themselves.",
        ),
    ]


@panel(place=8, permission="payments.view_gatewayoperation")
def unsettled_operations() -> Panel:
    open_ones = GatewayOperation.objects.filter(UNSETTLED)
    at_the_bank = open_ones.filter(AT_THE_BANK)
    return Panel(
        "Gateway operations",
        reverse("admin:payments_gatewayoperation_changelist"),
        f"{how_many(open_ones)} not settled, {how_many(at_the_bank)} of them at the client's bank.",
    )


@panel(place=10, permission="payments.view_gatewayoperation")
def open_withdrawals() -> Panel:
    address = reverse("admin:payments_gatewayoperation_changelist")
    open_ones = GatewayOperation.objects.filter(UNSETTLED, WITHDRAWALS)
    return Panel("Withdrawals", f"{address}?queue=payouts", f"{how_many(open_ones)} on their way.")
