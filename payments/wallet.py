"""How parties pay and are paid: the ways they saved at the gateway, and the one they prefer."""

from __future__ import annotations

import logging
from collections.abc import Collection

from django.db import transaction

from marketplace import clock, locks
from marketplace.actors import PLATFORM, Actor
from marketplace.models import Party
from marketplace.models.history import Rank
from marketplace.refusals import NotYours, Overtaken, Refused
from payments import gateways, notices, rules
from payments.gateways import sandbox
from payments.gateways.base import Method, PaidTo, Saved, Unavailable
from payments.models import GatewayIdentity, PaymentMethod

logger = logging.getLogger(__name__)


def labels_of(methods: Collection[tuple[int, str]]) -> dict[tuple[int, str], str]:
    """How ways to pay are called for people; at most one query.

    Args:
        methods: pairs of a party's id and the token of its method.
    """
    gateway = gateways.gateway()
    if not gateway.hosted:
        known = {one.token: one.label for one in sandbox.METHODS}
        return {pair: known.get(pair[1], "") for pair in methods}
    saved = PaymentMethod.objects.filter(
        gateway=gateway.name, token__in={token for _, token in methods}
    )
    labels = {(one.party_id, one.token): one.label for one in saved}
    return {pair: labels.get(pair, "") for pair in methods}


def identity(party: Party, gateway: str) -> GatewayIdentity:
    """Who a party is at a gateway, made on first use."""
    found, _ = GatewayIdentity.objects.get_or_create(
        party=party, gateway=gateway, defaults={"made_at": clock.now()}
    )
    return found


def saved_methods(party: Party) -> list[PaymentMethod]:
    """The ways to pay that a party has saved at the gateway of now, newest first."""
    kept = party.payment_methods.filter(gateway=gateways.gateway().name, removed_at=None)
    return list(kept.order_by("-added_at", "-pk"))


@transaction.atomic
def add(party: Party, saved: Saved, *, by: Actor) -> PaymentMethod:
    """Keep a way to pay that a party saved at the provider; the first one is preferred.

    Saved again it is the same row, also after it was removed.

    Raises:
        NotYours: not an owner or manager of the party, or somebody else's method.
    """
    _refuse(party, by)
    at_gateway = _lock(party)
    name = at_gateway.gateway
    known = PaymentMethod.objects.filter(gateway=name, token=saved.token).first()
    if known is not None and known.party_id != party.pk:
        raise NotYours("This payment method belongs to somebody else.")
    if known is not None and known.removed_at is None:
        return known
    method = known or PaymentMethod(party=party, gateway=name, token=saved.token)
    method.label, method.expires_on = saved.label[:80], saved.expires_on
    method.added_at, method.removed_at = clock.now(), None
    for column, value in by.columns().items():
        setattr(method, column, value)
    method.save()
    if not at_gateway.default_method:
        _prefer(at_gateway, method.token)
    notices.wallet_changed(party, "added", method.label, by=by)
    return method


@transaction.atomic
def prefer(party: Party, token: str, *, by: Actor) -> Method:
    """Have one of the party's ways to pay stand first wherever one is chosen.

    Raises:
        NotYours: not an owner or manager of the party.
        Overtaken: it is none of its ways to pay, or no longer one.
    """
    _refuse(party, by)
    at_gateway = _lock(party)
    chosen = {one.token: one for one in gateways.gateway().methods(party)}.get(token)
    if chosen is None:
        raise Overtaken("This payment method is no longer there.")
    if at_gateway.default_method != token:
        _prefer(at_gateway, token)
        notices.wallet_changed(party, "preferred", chosen.label, by=by)
    return chosen


def remove(method: PaymentMethod, *, by: Actor) -> PaymentMethod:
    """Forget a way to pay, here and then at the provider. Earlier charges keep its name.

    Runs in a transaction of its own. The provider not answering does not bring it back.

    Raises:
        NotYours: not an owner or manager of the party.
        Overtaken: it was removed before.
    """
    removed = _remove(method, by=by)
    try:
        gateways.gateway(removed.gateway).forget_method(removed.token)
    except Unavailable:
        logger.warning("payment method %s is removed here, not yet at the provider", removed.pk)
    return removed


def take_saved(party: Party, session: str, *, by: Actor) -> PaymentMethod:
    """Keep what the party saved in a session of the provider's page.

    Raises:
        NotYours: not an owner or manager of the party.
        Refused: nothing was saved there.
        Unavailable: the provider cannot be asked now; the same address works again later.
    """
    _refuse(party, by)
    saved = gateways.gateway().saved_method(party, session)
    if saved is None:
        raise Refused("Nothing was saved. You can add a payment method again.")
    return add(party, saved, by=by)


def refresh_destination(party: Party) -> GatewayIdentity:
    """Ask the provider how far a talent has come with where it is paid to, and note it.

    Raises:
        Unavailable: the provider cannot be asked now; what was known stays.
    """
    gateway = gateways.gateway()
    known = identity(party, gateway.name)
    if not known.destination:
        return known
    return _note_destination(party, gateway.paid_to(party))


@transaction.atomic
def _note_destination(party: Party, told: PaidTo) -> GatewayIdentity:
    """Whoever manages the party reads that its withdrawals go somewhere else now."""
    at_gateway, label = _lock(party), told.label[:80]
    before = (at_gateway.can_be_paid, at_gateway.destination_label)
    if before == (told.can_be_paid, label):
        return at_gateway
    at_gateway.can_be_paid, at_gateway.destination_label = told.can_be_paid, label
    at_gateway.save(update_fields=["can_be_paid", "destination_label"])
    if label and told.can_be_paid:
        notices.wallet_changed(party, "destination", label, by=PLATFORM)
    return at_gateway


@transaction.atomic
def _remove(method: PaymentMethod, *, by: Actor) -> PaymentMethod:
    _refuse(method.party, by)
    at_gateway = _lock(method.party)
    method = PaymentMethod.objects.select_related("party").get(pk=method.pk)
    if method.removed_at is not None:
        raise Overtaken(f"{method.label} was removed already.")
    method.removed_at = clock.now()
    method.save(update_fields=["removed_at"])
    if at_gateway.default_method == method.token:
        left = saved_methods(method.party)
        _prefer(at_gateway, left[0].token if left else "")
    notices.wallet_changed(method.party, "removed", method.label, by=by)
    return method


def _lock(party: Party) -> GatewayIdentity:
    """One change of a party's wallet at a time; who it is at the gateway of now."""
    locks.row(Party.objects.filter(pk=party.pk), Rank.PARTY)
    return identity(party, gateways.gateway().name)


def _prefer(at_gateway: GatewayIdentity, token: str) -> None:
    at_gateway.default_method = token
    at_gateway.save(update_fields=["default_method"])


def _refuse(party: Party, by: Actor) -> None:
    """The provider may tell us what a party saved there before the party comes back."""
    refusal = None if by.is_platform else rules.sees_money(party, by)
    if refusal is not None:
        raise NotYours(refusal)
