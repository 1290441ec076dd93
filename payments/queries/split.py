"""The open split of an escrow refund request, for pages and lists."""

from __future__ import annotations

from typing import Any

from django.db.models import FilteredRelation, Q, QuerySet

from payments.models import EscrowRefundRequest, SplitProposal
from payments.states import SplitState


def with_open_split(found: QuerySet[Any], *, request: str) -> QuerySet[Any]:
    """Rows read along with what :func:`open_split_of` gives; no query more.

    A request has at most one that is open, so that no row comes twice.

    Args:
        request: the path from the rows to their escrow refund request.
    """
    is_open = Q(**{f"{request}__proposals__state": SplitState.OPEN})
    joined = FilteredRelation(f"{request}__proposals", condition=is_open)
    return found.annotate(open_split=joined).select_related("open_split")


def open_split_of(request: EscrowRefundRequest, row: Any = None) -> SplitProposal | None:
    """The one that is open; no query where none can be.

    Args:
        row: the request's, that :func:`with_open_split` found; without it, one query.
    """
    if not request.may_have_a_split:
        return None
    if row is None:
        split = request.proposals.filter(state=SplitState.OPEN).first()
    else:
        # Django sets it only where there is one.
        split = getattr(row, "open_split", None)
    if split is not None:
        split.request = request
    return split
