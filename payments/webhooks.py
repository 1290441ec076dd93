"""Messages of a gateway: taken in once, answered at once, acted on by looking things up.

A message is a hint. It is stored by its id, so that one that is sent again is nothing new, and
handled soon after by the queue, or else by a sweep, until that succeeds. Handling asks the gateway
how things stand, so that messages may come late, twice and in any order.
"""

from __future__ import annotations

import logging

from django.db import transaction

from marketplace import clock, policy, queue
from marketplace.actors import PLATFORM
from marketplace.models import Party
from marketplace.refusals import Refused
from payments import chargebacks, gateways, operations, wallet
from payments.models import GatewayEvent, GatewayOperation

logger = logging.getLogger(__name__)


@transaction.atomic
def receive(gateway: str, *, event_id: str, kind: str, about: str, account: str) -> bool:
    """Take in a message whose signature was proved.

    Args:
        gateway: the name of who sent it.
        event_id: its own name for the message.
        kind, about, account: see :class:`payments.models.GatewayEvent`.

    Returns:
        Whether it is new.
    """
    now = clock.now()
    event, is_new = GatewayEvent.objects.get_or_create(
        gateway=gateway,
        event_id=event_id,
        defaults={
            "kind": kind,
            "about": about,
            "account": account,
            "received_at": now,
            "due_at": now + policy.step(policy.EVENT_RETRY, 1),
        },
    )
    if is_new:
        queue.soon("payments.webhooks.handle", event.pk)
    return is_new


def handle(event_id: int) -> None:
    """Act on a message, once; outside transactions. What fails is due again later.

    Raises:
        Exception: whatever went wrong, once it is noted when the message is due again.
    """
    event = GatewayEvent.objects.get(pk=event_id)
    if event.due_at is None:
        return
    try:
        _act_on(event)
    except Exception:
        _put_off(event)
        raise
    GatewayEvent.objects.filter(pk=event.pk).update(due_at=None, handled_at=clock.now())


def _act_on(event: GatewayEvent) -> None:
    known = GatewayOperation.objects.filter(gateway=event.gateway, reference=event.about).first()
    if known is not None:
        operations.hear(known.pk)
        return
    gateway = gateways.gateway(event.gateway)
    news = gateway.look_up(event.kind, event.about, event.account)
    if news.key:
        operations.hear_of(news.key)
    elif news.dispute:
        dispute = gateway.dispute(news.dispute)
        if dispute is not None:
            chargebacks.take(dispute, gateway=event.gateway)
    elif news.destination_of is not None:
        wallet.refresh_destination(Party.objects.get(pk=news.destination_of))
    elif news.saved_by is not None:
        _take_saved(news.saved_by, news.session)


def _take_saved(party_id: int, session: str) -> None:
    """The person may have come back first, or never; nothing saved is nothing to do."""
    party = Party.objects.get(pk=party_id)
    try:
        wallet.take_saved(party, session, by=PLATFORM)
    except Refused:
        logger.info("session of party %s saved nothing", party.pk)


def _put_off(event: GatewayEvent) -> None:
    attempts = event.attempts + 1
    later = clock.now() + policy.step(policy.EVENT_RETRY, attempts)
    GatewayEvent.objects.filter(pk=event.pk, due_at__isnull=False).update(
        attempts=attempts, due_at=later
    )
