"""What Stripe tells of its own accord: whether it is from Stripe, and what it is about.

A message is a hint. Of what it says only the id of the object is kept; the object is looked up.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Final

import stripe
from django.conf import settings

from payments.gateways.base import News
from payments.gateways.stripe import identities
from payments.gateways.stripe.client import api, key_of
from payments.models import GatewayIdentity

logger = logging.getLogger(__name__)

KINDS: Final = frozenset(
    (
        "account.updated",
        "charge.dispute.closed",
        "charge.dispute.created",
        "charge.dispute.funds_reinstated",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.refund.updated",
        "checkout.session.completed",
        "payment_intent.canceled",
        "payment_intent.payment_failed",
        "payment_intent.processing",
        "payment_intent.requires_action",
        "payment_intent.succeeded",
        "payout.canceled",
        "payout.failed",
        "payout.paid",
        "payout.updated",
        "refund.created",
        "refund.failed",
        "refund.updated",
        "transfer.reversed",
    )
)
"""What we want to hear of; docs/operating.md lists the same for the operator to choose."""


class Unsigned(ValueError):
    """A message that is not from Stripe, or too old, or none at all."""


@dataclass(frozen=True, slots=True)
class Message:
    """A signed message: ``about`` is the id of the object, ``account`` whose it is if not ours."""

    event_id: str
    kind: str
    about: str
    account: str


def read(body: bytes, signature: str) -> Message | None:
    """A message, once its signature is proved with one of the secrets.

    Returns:
        None for a kind that is of no interest.

    Raises:
        Unsigned: see there.
    """
    event = _signed(body, signature)
    try:
        if event.type not in KINDS:
            return None
        about = str(event.data.object.id)
        return Message(str(event.id), event.type, about, getattr(event, "account", None) or "")
    except AttributeError as broken:
        raise Unsigned("no event") from broken


def look_up(kind: str, about: str, account: str) -> News:
    """See :meth:`payments.gateways.base.Gateway.look_up`."""
    if kind.startswith("charge.dispute."):
        return News(dispute=about)
    if kind == "account.updated":
        return News(destination_of=_party(destination=account or about))
    try:
        return _about(kind.split(".", 1)[0], about, account)
    except stripe.InvalidRequestError:
        return News()


def _signed(body: bytes, signature: str) -> Any:
    """The event; any secret will do: Stripe has one per endpoint, and both lead here."""
    for secret in (settings.STRIPE_WEBHOOK_SECRET, settings.STRIPE_CONNECT_WEBHOOK_SECRET):
        try:
            if secret:
                return stripe.Webhook.construct_event(body, signature, secret)
        except stripe.SignatureVerificationError:
            continue
        except (ValueError, AttributeError) as broken:
            raise Unsigned("no event") from broken
    raise Unsigned("no valid signature")


def _about(what: str, about: str, account: str) -> News:
    match what:
        case "payment_intent":
            return News(key=key_of(api().payment_intents.retrieve(about)))
        case "refund" | "charge":
            return News(key=key_of(api().refunds.retrieve(about)))
        case "transfer":
            return News(key=key_of(api().transfers.retrieve(about)))
        case "payout" if account:
            owner = {"stripe_account": account}
            return News(key=key_of(api().payouts.retrieve(about, None, owner)))
        case "checkout":
            session = api().checkout.sessions.retrieve(about)
            return News(saved_by=_party(customer=session.customer or ""), session=about)
    return News()


def _party(**by: str) -> int | None:
    """The id of our party that is this customer or this account there."""
    if not all(by.values()):
        return None
    known = GatewayIdentity.objects.filter(gateway=identities.NAME, **by)
    return known.values_list("party", flat=True).first()
