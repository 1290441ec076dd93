"""Charges that their owners dispute at the bank."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import stripe

from payments.gateways.base import Dispute
from payments.gateways.stripe import amounts
from payments.gateways.stripe.client import api, key_of, moment
from payments.states import ChargebackState

DECIDED: Final = {
    "won": ChargebackState.WON,
    "warning_closed": ChargebackState.WON,
    "prevented": ChargebackState.WON,
    "lost": ChargebackState.LOST,
}
"""Every other state waits for an answer, or for the bank."""
REASONS: Final = {
    "credit_not_processed": "The owner says that a promised refund never came",
    "duplicate": "The owner says it was charged twice",
    "fraudulent": "The owner does not recognise the charge",
    "product_not_received": "The owner says that nothing was received",
    "product_unacceptable": "The owner says that it was not as described",
    "subscription_canceled": "The owner says that it was cancelled before",
    "unrecognized": "The owner does not recognise the charge",
}
NO_REASON: Final = "The bank gives no reason"


def dispute(reference: str) -> Dispute | None:
    """See :meth:`payments.gateways.base.Gateway.dispute`.

    While a bank only inquires it has taken nothing: there is no dispute yet.
    """
    try:
        found = api().disputes.retrieve(reference, {"expand": ["payment_intent"]})
    except stripe.InvalidRequestError:
        return None
    key = key_of(found.payment_intent) if found.payment_intent else ""
    if not key or not found.balance_transactions:
        return None
    return Dispute(
        reference=found.id,
        key=key,
        amount=amounts.read(found.amount, found.currency),
        state=DECIDED.get(found.status, ChargebackState.OPEN),
        because=REASONS.get(found.reason, NO_REASON),
        opened_at=moment(found.created),
        evidence_due_at=_due(found),
    )


def key_of_charge(found: Any) -> str:
    """The key of our call that a disputed charge was made for."""
    intent = found.payment_intent
    if isinstance(intent, str):
        intent = api().payment_intents.retrieve(intent)
    return key_of(intent) if intent else ""


def _due(found: Any) -> datetime | None:
    seconds = found.evidence_details.due_by
    return moment(seconds) if seconds else None
