"""What falls due: telling both sides of the feedback window. The reveal itself needs no sweep."""

from __future__ import annotations

from django.db.models import QuerySet

from contracts.models import Contract
from feedback import announcing
from marketplace.actors import PLATFORM
from marketplace.sweeping import sweep


def _windows() -> QuerySet[Contract]:
    """Every window of which something is left to tell, whoever gave feedback."""
    windows: QuerySet[Contract] = Contract.objects.filter(feedback_due_at__isnull=False)
    return windows


@sweep("feedback.windows", rows=_windows, due_at="feedback_due_at")
def tell(contract_id: int) -> bool:
    """Remind both sides alike before the close; announce at the close what was revealed."""
    return announcing.tell_what_is_due(Contract.objects.get(pk=contract_id), by=PLATFORM)
