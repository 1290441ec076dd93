"""Stripe's own statement: what went through the operator's balance there, line by line.

Fees of Stripe, and what the operator moves between Stripe and its own bank, are its own business
and no lines of ours. Amounts are those of the charge, refund or transfer, which may be in another
currency than the balance.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from marketplace.money import Money
from payments.gateways.base import Movement
from payments.gateways.stripe import amounts, disputes
from payments.gateways.stripe.client import api, key_of, moment

OURS: Final = frozenset(
    (
        "charge",
        "payment",
        "refund",
        "payment_refund",
        "refund_failure",
        "payment_failure_refund",
        "payment_reversal",
        "transfer",
        "transfer_cancel",
        "transfer_failure",
        "transfer_refund",
    )
)
"""Kinds of lines that are money of clients and talents; beside them adjustments by disputes."""
PAGE: Final = 100


def movements(since: datetime, until: datetime) -> Iterator[Movement]:
    """See :meth:`payments.gateways.base.Gateway.movements`. Read page by page."""
    asked = {
        "created": {"gte": int(since.timestamp()), "lt": int(until.timestamp())},
        "limit": PAGE,
        "expand": ["data.source"],
    }
    for line in api().balance_transactions.list(asked).auto_paging_iter():
        if line.type in OURS or _is_of_dispute(line):
            yield _movement(line)


def _is_of_dispute(line: Any) -> bool:
    return line.type == "adjustment" and _object(line) == "dispute"


def _movement(line: Any) -> Movement:
    source, of_dispute = line.source, _is_of_dispute(line)
    known = not isinstance(source, str) and source is not None
    return Movement(
        key=(disputes.key_of_charge(source) if of_dispute else key_of(source)) if known else "",
        amount=_amount(line, source if known else line),
        at=moment(line.created),
        reference=source.id if known else line.id,
        dispute=source.id if of_dispute else "",
    )


def _amount(line: Any, source: Any) -> Money:
    """With the sign of the line; a reversal may be of a part only, which its source says."""
    amount = amounts.read(abs(source.amount), source.currency)
    return amount if line.amount > 0 else -amount


def _object(line: Any) -> str:
    return str(getattr(line.source, "object", ""))
