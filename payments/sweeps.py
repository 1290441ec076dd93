"""What falls due on the money floor: charges to be settled, pending money, refund requests."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db.models import QuerySet

from marketplace.sweeping import sweep
from payments import maturing, operations, refund_requests
from payments.gateways import sandbox
from payments.models import GatewayOperation, SandboxCharge
from payments.states import OPEN_OPERATIONS


def _unsettled() -> QuerySet[GatewayOperation]:
    due: QuerySet[GatewayOperation] = GatewayOperation.objects.filter(
        state__in=OPEN_OPERATIONS, due_at__isnull=False
    )
    return due


sweep("payments.charges", rows=_unsettled, due_at="due_at")(operations.ask_again)


@sweep("payments.sandbox_reports", rows=sandbox.reports, due_at="report_due_at", deadline=False)
def take_sandbox_report(charge_id: int) -> None:
    """The sandbox answers a second time; a real gateway would call us."""
    charge = SandboxCharge.objects.get(pk=charge_id)
    operations.take_report(charge.key, sandbox.report(charge))
    sandbox.was_heard(charge)


JUST_AFTER: Final = timedelta(seconds=1)
"""At the last instant itself a payment can still be refunded, and a request granted."""

sweep("payments.refund_requests", rows=refund_requests.waiting, due_at="until", after=JUST_AFTER)(
    refund_requests.expire
)

sweep("payments.mature", rows=maturing.waiting, due_at="available_at", whole=True)(maturing.mature)
