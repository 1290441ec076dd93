"""Money sent back to where it came from: refunds of a charge."""

from __future__ import annotations

from typing import Any, Final

import stripe

from payments.gateways.base import UNKNOWN, Answer, Call, Outcome
from payments.gateways.stripe import amounts, charges, words
from payments.gateways.stripe.client import OUR_KEY, api, is_young, made_for

FAILED: Final = ("failed", "canceled")


def make(call: Call) -> Outcome:
    """See :meth:`payments.gateways.base.Gateway.call`."""
    charge = _charge(call)
    if not charge:
        return words.no(words.BACK_REFUSED)
    try:
        asked = {
            "payment_intent": charge,
            "amount": amounts.to_charge(call.amount),
            "metadata": {OUR_KEY: call.key},
        }
        refund = api().refunds.create(asked, {"idempotency_key": call.key})
    except amounts.NotPossible as refused:
        return words.no(str(refused))
    except stripe.InvalidRequestError as refused:
        return words.no(words.back_refused(refused))
    return _state(refund)


def ask(call: Call) -> Outcome:
    """See :meth:`payments.gateways.base.Gateway.ask`; one that never arrived is made again."""
    refund = find(call)
    if refund is None:
        return make(call) if is_young(call) else UNKNOWN
    return _state(refund)


def cancel(call: Call) -> Outcome:
    """A refund cannot be called off; one that never arrived needs not to be."""
    refund = find(call)
    return words.no(words.BACK_CALLED_OFF) if refund is None else _state(refund)


def find(call: Call) -> Any:
    """The refund of a call, or None when there is none."""
    if call.reference:
        return api().refunds.retrieve(call.reference)
    charge = _charge(call)
    if not charge:
        return None
    return made_for(call, api().refunds.list({"payment_intent": charge, "limit": 100}))


def _charge(call: Call) -> str:
    """What Stripe calls the charge that the money came from; empty when there is none."""
    if call.of is None or call.of.reference:
        return call.of.reference if call.of else ""
    intent = charges.find(call.of)
    return intent.id if intent is not None else ""


def _state(refund: Any) -> Outcome:
    if refund.status in FAILED:
        return words.no(words.BACK_REFUSED, refund.id)
    return Outcome(Answer.SUCCEEDED, reference=refund.id)
