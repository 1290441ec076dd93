"""Who a party is at Stripe: a customer who pays, an account that is paid; made on first need."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings

from marketplace import clock
from marketplace.models import Party
from payments.gateways.stripe.client import api
from payments.models import GatewayIdentity

NAME: Final = "stripe"
OUR_PARTY: Final = "party"
"""The name in an object's metadata under which it carries the id of our party: no more is told."""


def of(party_id: int) -> GatewayIdentity | None:
    """Who the party is there, or None when it never needed to be anybody."""
    return GatewayIdentity.objects.filter(party=party_id, gateway=NAME).first()


def customer_of(party_id: int) -> str:
    """The party as one who pays; empty when it never saved a way to pay."""
    known = of(party_id)
    return known.customer if known else ""


def customer(party: Party) -> str:
    """The party as one who pays, made if there is none. Two at once get the same one."""
    known = customer_of(party.pk)
    return known or _keep(party, "customer", _new_customer(party))


def account(party: Party) -> str:
    """The party as one who is paid, made if there is none. Two at once get the same one."""
    known = of(party.pk)
    if known and known.destination:
        return known.destination
    return _keep(party, "destination", _new_account(party))


def _keep(party: Party, column: str, made: str) -> str:
    """Note what was made, unless somebody else was faster; what stands then."""
    GatewayIdentity.objects.get_or_create(
        party=party, gateway=NAME, defaults={"made_at": clock.now()}
    )
    chosen = GatewayIdentity.objects.filter(party=party, gateway=NAME)
    chosen.filter(**{column: ""}).update(**{column: made})
    return str(chosen.values_list(column, flat=True).get())


def _new_customer(party: Party) -> str:
    asked = {"metadata": {OUR_PARTY: str(party.pk)}}
    made = api().customers.create(asked, _once(party, "customer"))
    return str(made.id)


def _new_account(party: Party) -> str:
    """An account whose owner deals with Stripe alone, and whose money leaves when we say so."""
    asked: dict[str, Any] = {
        "controller": {
            "fees": {"payer": "application"},
            "losses": {"payments": "application"},
            "requirement_collection": "stripe",
            "stripe_dashboard": {"type": "express"},
        },
        "capabilities": {"transfers": {"requested": True}},
        "settings": {"payouts": {"schedule": {"interval": "manual"}}},
        "metadata": {OUR_PARTY: str(party.pk)},
    }
    if settings.STRIPE_COUNTRY:
        asked["country"] = settings.STRIPE_COUNTRY
    made = api().accounts.create(asked, _once(party, "account"))
    return str(made.id)


def _once(party: Party, what: str) -> dict[str, Any]:
    return {"idempotency_key": f"{what}:{settings.SITE_URL}:{party.pk}"}
