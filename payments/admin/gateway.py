"""What gateways tell of their own accord, and the days of their statements beside the books."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.urls import reverse

from marketplace import clock, policy
from marketplace.actors import Actor
from marketplace.components import Effect
from marketplace.money import Money
from marketplace.refusals import Refusal, Refused
from marketplace.support.actions import SupportAction
from marketplace.support.dashboard import Panel, how_many, panel
from marketplace.support.lists import EVERYTHING, Queue, ReadOnlyAdmin
from marketplace.support.sections import Section
from marketplace.support.tools import tool
from payments import reconciling, webhooks
from payments.gateways.base import Unavailable
from payments.models import GatewayDay, GatewayEvent, Reconciliation

UNHANDLED: Final = Q(due_at__isnull=False)
DIFFERS: Final = ~Q(different=0)
NOT_READ: Final = "The gateway cannot be read now. Try again in a few minutes."


# Events ------------------------------------------------------------------------------------------


@admin.register(GatewayEvent)
class GatewayEventAdmin(ReadOnlyAdmin):
    list_display = ("received_at", "kind", "about", "attempts", "due_at", "handled_at")
    search_fields = ("event_id",)
    search_help_text = "The whole id of a message"
    queues = {
        "open": Queue("Not handled", UNHANDLED, ("due_at", "pk")),
        "all": EVERYTHING,
    }
    fields = (
        "gateway",
        "event_id",
        "kind",
        "about",
        "account",
        "received_at",
        "attempts",
        "due_at",
        "handled_at",
    )

    def search(self, rows: QuerySet[GatewayEvent], term: str) -> QuerySet[GatewayEvent]:
        return rows.filter(event_id=term)


@tool
class HandleEvent(SupportAction):
    """Look up now what a message is about, as the queue does."""

    model = GatewayEvent
    name = "handle"
    label = "Handle again"
    button = "Handle it now"
    permission = "payments.handle_gatewayevent"
    separate = True

    def refusal(self, row: GatewayEvent, by: Actor) -> Refusal | None:
        return None if row.due_at else Refusal("This message is handled.")

    def effects(self, row: GatewayEvent, given: dict[str, Any]) -> Sequence[Effect]:
        return [
            Effect(
                term="What it is about is looked up",
                value=row.about,
                detail="at the gateway; what is new there is posted, and its people are told.",
            ),
            Effect(term="If that fails", value="nothing changes; it is tried again later"),
        ]

    def carry_out(self, row: GatewayEvent, given: dict[str, Any], *, by: Actor) -> str:
        try:
            webhooks.handle(row.pk)
        except Unavailable:
            raise Refused(NOT_READ) from None
        return "Handled."

    def state_of(self, row: GatewayEvent) -> str:
        return "handled" if row.handled_at else f"not handled, tried {row.attempts} times"


# Days --------------------------------------------------------------------------------------------


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnlyAdmin):
    list_display = ("day", "gateway", "currency", "theirs", "ours", "compared", "different", "at")
    queues = {
        "differs": Queue("Differ", DIFFERS, ("-day", "-pk")),
        "all": EVERYTHING,
    }
    fields = ("day", "gateway", "currency", "theirs", "ours", "compared", "different", "at")

    def sections(self, row: Reconciliation) -> Sequence[Section]:
        note = f"The first {len(row.differences)} of {row.different}." if row.differences else ""
        return [Section("Differences", ("what",), [(one,) for one in row.differences], note=note)]

    @admin.display(description="by the gateway")
    def theirs(self, row: Reconciliation) -> Money:
        return Money(row.theirs_minor, row.currency)

    @admin.display(description="by the books")
    def ours(self, row: Reconciliation) -> Money:
        return Money(row.ours_minor, row.currency)


@tool
class CompareAgain(SupportAction):
    """Compare a day once more, as the sweep does daily while it differs."""

    model = Reconciliation
    name = "compare"
    label = "Compare again"
    button = "Compare it now"
    permission = "payments.compare_reconciliation"
    separate = True

    def effects(self, row: Reconciliation, given: dict[str, Any]) -> Sequence[Effect]:
        return [
            Effect(
                term=f"The statement of {row.gateway}",
                value=f"is read for {row.day}",
                detail="and compared with the books, in every currency.",
            ),
            Effect(
                term="What only the gateway knows",
                value="is taken in",
                detail="as if it had told us: outcomes, money that came back, disputes.",
            ),
        ]

    def carry_out(self, row: Reconciliation, given: dict[str, Any], *, by: Actor) -> str:
        try:
            compared = reconciling.reconcile(row.gateway, row.day)
        except Unavailable:
            raise Refused(NOT_READ) from None
        different = sum(one.different for one in compared)
        return f"{different} differences on {row.day}." if different else "Everything agrees."

    def state_of(self, row: Reconciliation | None) -> str:
        return f"{row.different} differences" if row else "nothing moved"


@panel(place=12, permission="payments.view_reconciliation")
def reconciled_days() -> Panel:
    differ = how_many(Reconciliation.objects.filter(DIFFERS))
    late = clock.now() - policy.RECONCILED_AGAIN
    unread = how_many(GatewayDay.objects.filter(due_at__lt=late))
    return Panel(
        "Gateway statements",
        reverse("admin:payments_reconciliation_changelist"),
        f"{differ} days differ from the books, {unread} could not be compared.",
    )


@panel(place=13, permission="payments.view_gatewayevent")
def unhandled_events() -> Panel:
    failed = how_many(GatewayEvent.objects.filter(UNHANDLED, attempts__gt=0))
    return Panel(
        "Gateway messages",
        reverse("admin:payments_gatewayevent_changelist"),
        f"{failed} failed and are tried again.",
    )
