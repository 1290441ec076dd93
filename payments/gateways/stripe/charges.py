"""Charges: payment intents on a saved card while its owner is away.

When the bank wants its owner to confirm, the same intent is confirmed again as if the owner were
there, which answers with the address of the bank's page.
"""

from __future__ import annotations

from typing import Any, Final

import stripe
from django.conf import settings

from payments.gateways.base import UNKNOWN, Answer, Call, Outcome
from payments.gateways.stripe import amounts, identities, words
from payments.gateways.stripe.client import OUR_KEY, api, is_young, made_for, since

KINDS: Final = ["card"]
ASKS_OWNER: Final = "authentication_required"


def make(call: Call) -> Outcome:
    """See :meth:`payments.gateways.base.Gateway.call`."""
    customer = identities.customer_of(call.party)
    if not customer:
        return words.no(words.NO_METHOD)
    try:
        intent = _create(call, customer)
    except amounts.NotPossible as refused:
        return words.no(str(refused))
    except stripe.CardError as refused:
        return _refused(call, refused)
    except stripe.InvalidRequestError as refused:
        return words.no(words.charge_not_possible(refused))
    return _outcome(call, intent)


def ask(call: Call) -> Outcome:
    """See :meth:`payments.gateways.base.Gateway.ask`; one that never arrived is made again."""
    intent = find(call)
    if intent is None:
        return make(call) if is_young(call) else UNKNOWN
    return _outcome(call, intent)


def cancel(call: Call) -> Outcome:
    """See :meth:`payments.gateways.base.Gateway.cancel`."""
    intent = find(call)
    if intent is None:
        return words.no(words.CALLED_OFF)
    if intent.status not in ("succeeded", "canceled"):
        intent = _cancelled(intent.id)
    return _state(intent)


def find(call: Call) -> Any:
    """The payment intent of a call, or None when there is none."""
    if call.reference:
        return api().payment_intents.retrieve(call.reference)
    customer = identities.customer_of(call.party)
    if not customer:
        return None
    asked = {"customer": customer, "created": since(call), "limit": 100}
    return made_for(call, api().payment_intents.list(asked))


def _create(call: Call, customer: str) -> Any:
    asked = {
        "amount": amounts.to_charge(call.amount),
        "currency": call.amount.currency.lower(),
        "customer": customer,
        "payment_method": call.method,
        "allowed_payment_method_types": KINDS,
        "confirm": True,
        "off_session": True,
        "metadata": {OUR_KEY: call.key},
    }
    return api().payment_intents.create(asked, {"idempotency_key": call.key})


def _refused(call: Call, refused: stripe.CardError) -> Outcome:
    intent = refused.error.payment_intent if refused.error else None
    if intent is not None and refused.code == ASKS_OWNER:
        return _confirm(call, intent.id)
    return words.no(words.charge_refused(refused.error), intent.id if intent else "")


def _outcome(call: Call, intent: Any) -> Outcome:
    """What an intent says; one whose owner has to be asked is confirmed on the way."""
    error = intent.last_payment_error
    if intent.status == "requires_payment_method" and error and error.code == ASKS_OWNER:
        return _confirm(call, intent.id)
    return _state(intent)


def _confirm(call: Call, intent_id: str) -> Outcome:
    """Have the owner asked. Made once, so a second refusal of the same kind is final."""
    asked = {
        "payment_method": call.method,
        "return_url": call.return_to or settings.SITE_URL,
    }
    options = {"idempotency_key": f"{call.key}:confirm"}
    try:
        return _state(api().payment_intents.confirm(intent_id, asked, options))
    except stripe.CardError as refused:
        return words.no(words.charge_refused(refused.error), intent_id)
    except stripe.InvalidRequestError:
        # Somebody was faster: it went on, or it was called off.
        return _state(api().payment_intents.retrieve(intent_id))


def _cancelled(intent_id: str) -> Any:
    try:
        return api().payment_intents.cancel(intent_id)
    except stripe.InvalidRequestError:
        return api().payment_intents.retrieve(intent_id)


def _state(intent: Any) -> Outcome:
    match intent.status:
        case "succeeded":
            return Outcome(Answer.SUCCEEDED, reference=intent.id)
        case "canceled":
            return words.no(words.CALLED_OFF, intent.id)
        case "requires_payment_method":
            return words.no(words.charge_refused(intent.last_payment_error), intent.id)
        case "requires_action":
            return Outcome(Answer.UNKNOWN, reference=intent.id, confirm_url=_page(intent))
        case _:
            return Outcome(Answer.UNKNOWN, reference=intent.id)


def _page(intent: Any) -> str:
    """Where the owner confirms; empty when it is not a page to be led to."""
    redirect = getattr(intent.next_action, "redirect_to_url", None)
    return str(redirect.url) if redirect and redirect.url else ""
