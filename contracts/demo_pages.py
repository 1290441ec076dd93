"""For the demo bar: who is on the other side of a contract's page."""

from __future__ import annotations

import re
from typing import Final

from django.db.models import Q

from contracts.models import Contract
from marketplace.models import Party

_CONTRACT: Final = re.compile(r"/contracts/(?P<key>[^/]+)/")
_REQUEST: Final = re.compile(r"/escrow-refunds/(?P<key>\d{1,18})/")
_DISPUTE: Final = re.compile(r"/hours-disputes/(?P<key>\d{1,18})/")
_PAYMENT: Final = re.compile(r"/payments/(?P<key>\d{1,18})/")


def other_side(path: str, party: Party) -> Party | None:
    """The other party of the contract that a page is about; None for pages about none."""
    if found := _CONTRACT.match(path):
        named = Q(reference=found["key"])
    elif found := _REQUEST.match(path):
        named = Q(book__escrow_refund_request=found["key"])
    elif found := _DISPUTE.match(path):
        named = Q(hours_disputes=found["key"])
    elif found := _PAYMENT.match(path):
        named = Q(book__payments=found["key"])
    else:
        return None
    mine = Contract.objects.filter(Q(client=party) | Q(talent=party), named)
    contract = mine.select_related("client", "talent").first()
    side = contract.side_of(party.pk) if contract else None
    return contract.party(side.other) if contract and side else None
