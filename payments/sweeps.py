"""What falls due on the money floor: calls to be settled, pending money, refund requests."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db.models import QuerySet

from marketplace.sweeping import sweep
from payments import (
    chargebacks,
    credits,
    gateways,
    maturing,
    operations,
    outgoing,
    reconciling,
    refund_requests,
    webhooks,
)
from payments.gateways import sandbox
from payments.models import GatewayEvent, GatewayOperation
from payments.states import OPEN_OPERATIONS


def _unsettled() -> QuerySet[GatewayOperation]:
    due: QuerySet[GatewayOperation] = GatewayOperation.objects.filter(
        state__in=OPEN_OPERATIONS, due_at__isnull=False
    )
    return due


sweep("payments.charges", rows=_unsettled, due_at="due_at")(operations.ask_again)


sweep("payments.outgoing_watched", rows=outgoing.watched, due_at="watch_at", deadline=False)(
    outgoing.look
)


sweep("payments.credit_goes_back", rows=credits.waiting, due_at="goes_back_at", deadline=False)(
    credits.send_back_at_once
)


def _untold() -> QuerySet[GatewayEvent]:
    return GatewayEvent.objects.filter(due_at__isnull=False)


sweep("payments.gateway_events", rows=_untold, due_at="due_at", deadline=False)(webhooks.handle)


@sweep("payments.sandbox_reports", rows=sandbox.reports, due_at="report_due_at", deadline=False)
def take_sandbox_report(call_id: int) -> None:
    """The sandbox tells of its own accord; a real gateway would call us."""
    told = sandbox.report(call_id)
    if told is None:
        return
    operations.hear_of(told.key)
    if told.dispute:
        name = sandbox.Sandbox.name
        dispute = gateways.gateway(name).dispute(told.dispute)
        assert dispute is not None, "what it tells of is there"
        chargebacks.take(dispute, gateway=name)
    sandbox.was_heard(call_id)


JUST_AFTER: Final = timedelta(seconds=1)
"""At the last instant itself a payment can still be refunded, and a request granted."""

sweep("payments.refund_requests", rows=refund_requests.waiting, due_at="until", after=JUST_AFTER)(
    refund_requests.expire
)

sweep("payments.mature", rows=maturing.waiting, due_at="available_at", whole=True)(maturing.mature)


sweep("payments.reconciled", rows=reconciling.waiting, due_at="due_at", deadline=False)(
    reconciling.compare_day
)
