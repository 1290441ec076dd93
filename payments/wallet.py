"""What parties pay with: the ways they saved at the gateway, and the one they prefer."""

from __future__ import annotations

from collections.abc import Collection

from payments import gateways
from payments.gateways import sandbox
from payments.models import PaymentMethod


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
