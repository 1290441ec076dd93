"""Pages of Stripe that people are led to: Checkout to save a card, Connect to name a bank account.

Card data never touches this site.
"""

from __future__ import annotations

import calendar
import re
from contextlib import suppress
from datetime import date
from typing import Any, Final
from urllib.parse import urljoin

import stripe
from django.conf import settings

from marketplace.models import Party
from payments.gateways.base import PaidTo, Saved
from payments.gateways.stripe import charges, identities
from payments.gateways.stripe.client import api

BRANDS: Final = {
    "american_express": "American Express",
    "amex": "American Express",
    "cartes_bancaires": "Cartes Bancaires",
    "diners": "Diners Club",
    "diners_club": "Diners Club",
    "discover": "Discover",
    "eftpos_au": "eftpos",
    "eftpos_australia": "eftpos",
    "interac": "Interac",
    "jcb": "JCB",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "union_pay": "UnionPay",
    "visa": "Visa",
}
_SESSION: Final = re.compile(r"cs_[A-Za-z0-9_]{1,200}")
_PLACEHOLDER: Final = "{CHECKOUT_SESSION_ID}"


def add_method(party: Party, back_to: str) -> str:
    """See :meth:`payments.gateways.base.Gateway.add_method`."""
    back = urljoin(settings.SITE_URL, back_to)
    asked = {
        "mode": "setup",
        "customer": identities.customer(party),
        "allowed_payment_method_types": charges.KINDS,
        "success_url": f"{back}{'&' if '?' in back else '?'}session={_PLACEHOLDER}",
        "cancel_url": back,
    }
    return str(api().checkout.sessions.create(asked).url)


def saved_method(party: Party, session: str) -> Saved | None:
    """See :meth:`payments.gateways.base.Gateway.saved_method`. The session is a stranger's word."""
    customer = identities.customer_of(party.pk)
    if not customer or not _SESSION.fullmatch(session):
        return None
    try:
        found = api().checkout.sessions.retrieve(
            session, {"expand": ["setup_intent.payment_method"]}
        )
    except stripe.InvalidRequestError:
        return None
    if (found.mode, found.status, found.customer) != ("setup", "complete", customer):
        return None
    method = found.setup_intent.payment_method if found.setup_intent else None
    # One that was removed meanwhile is nobody's any more.
    if method is None or method.customer != customer:
        return None
    return Saved(method.id, _label(method), _last_day(method))


def forget_method(token: str) -> None:
    """See :meth:`payments.gateways.base.Gateway.forget_method`; twice is as good as once."""
    with suppress(stripe.InvalidRequestError):
        api().payment_methods.detach(token)


def add_destination(party: Party, back_to: str) -> str:
    """See :meth:`payments.gateways.base.Gateway.add_destination`.

    Who has told Stripe all it needs changes its bank account in Stripe's own dashboard.
    """
    account = identities.account(party)
    if api().accounts.retrieve(account).details_submitted:
        return str(api().accounts.login_links.create(account).url)
    back = urljoin(settings.SITE_URL, back_to)
    asked = {
        "account": account,
        "type": "account_onboarding",
        "return_url": back,
        "refresh_url": back,
    }
    return str(api().account_links.create(asked).url)


def paid_to(party: Party) -> PaidTo:
    """See :meth:`payments.gateways.base.Gateway.paid_to`."""
    known = identities.of(party.pk)
    if known is None or not known.destination:
        return PaidTo(can_be_paid=False)
    account = api().accounts.retrieve(known.destination)
    return PaidTo(can_be_paid=bool(account.payouts_enabled), label=_bank(account))


def _label(method: Any) -> str:
    card = getattr(method, "card", None)
    if card is None:
        return f"Saved payment method ({method.type.replace('_', ' ')})"
    brand = getattr(card, "display_brand", None) or card.brand
    return f"{BRANDS.get(brand, 'Card')} ending {card.last4}"


def _last_day(method: Any) -> date | None:
    card = getattr(method, "card", None)
    if card is None:
        return None
    last = calendar.monthrange(card.exp_year, card.exp_month)[1]
    return date(card.exp_year, card.exp_month, last)


def _bank(account: Any) -> str:
    """The bank account, or card, that is paid to, as people call it."""
    listed = getattr(account, "external_accounts", None)
    banks = listed.data if listed else []
    chosen = next((one for one in banks if one.default_for_currency), banks[0] if banks else None)
    if chosen is None:
        return ""
    name = getattr(chosen, "bank_name", None) or getattr(chosen, "brand", None) or "Bank account"
    return f"{name} ending {chosen.last4}"
