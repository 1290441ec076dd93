"""Objects as the API shows them, all fields of the usual ones, most of them empty.

Each is held against the official client's types in ``test_shapes.py``.
"""

from __future__ import annotations

from tests.fake_stripe.cards import Bank, Card
from tests.fake_stripe.refusals import Json
from tests.fake_stripe.state import new_id

_ADDRESS: Json = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
_BILLING: Json = {"email": None, "name": None, "phone": None, "tax_id": None}
_CHECKS: Json = {
    "address_line1_check": None,
    "address_postal_code_check": None,
    "cvc_check": "pass",
}


def _new(kind: str, prefix: str, at: int, **fields: object) -> Json:
    return {"id": new_id(prefix), "object": kind, "created": at, **fields}


def _billing() -> Json:
    return {"address": dict(_ADDRESS), **_BILLING}


def customer(at: int) -> Json:
    empty = ("address", "currency", "default_source", "description", "email", "name", "phone")
    return _new(
        "customer",
        "cus",
        at,
        **dict.fromkeys((*empty, "discount", "shipping", "test_clock")),
        balance=0,
        delinquent=False,
        invoice_prefix=new_id("X")[2:10].upper(),
        invoice_settings=dict.fromkeys(
            ("custom_fields", "default_payment_method", "footer", "rendering_options")
        ),
        livemode=False,
        metadata={},
        preferred_locales=[],
        tax_exempt="none",
    )


def payment_method(card: Card, at: int, *, expires: tuple[int, int]) -> Json:
    return _new(
        "payment_method",
        "pm",
        at,
        allow_redisplay="unspecified",
        billing_details=_billing(),
        card={
            "brand": card.brand,
            "checks": dict(_CHECKS),
            "country": "US",
            "display_brand": card.brand,
            "exp_month": expires[1],
            "exp_year": expires[0],
            "fingerprint": f"fake{card.last4}",
            "funding": "credit",
            "generated_from": None,
            "last4": card.last4,
            "networks": {"available": [card.brand], "preferred": None},
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        customer=None,
        livemode=False,
        metadata={},
        type="card",
    )


def setup_intent(at: int) -> Json:
    empty = ("application", "automatic_payment_methods", "cancellation_reason", "customer")
    more = ("description", "last_setup_error", "latest_attempt", "mandate", "next_action")
    return _new(
        "setup_intent",
        "seti",
        at,
        **dict.fromkeys((*empty, *more, "on_behalf_of", "payment_method", "single_use_mandate")),
        client_secret=new_id("seti_secret"),
        livemode=False,
        metadata={},
        payment_method_options={"card": {"request_three_d_secure": "automatic"}},
        payment_method_types=["card"],
        status="requires_payment_method",
        usage="off_session",
    )


def session(at: int) -> Json:
    """A session of hosted Checkout that saves a way to pay."""
    empty = ("after_expiration", "allow_promotion_codes", "amount_subtotal", "amount_total")
    more = ("billing_address_collection", "cancel_url", "client_reference_id", "client_secret")
    last = ("consent", "consent_collection", "currency", "currency_conversion", "customer")
    rest = ("customer_creation", "customer_details", "customer_email", "invoice", "locale")
    end = ("invoice_creation", "payment_intent", "payment_link", "recovered_from", "return_url")
    tail = ("setup_intent", "shipping_cost", "submit_type", "subscription", "success_url")
    return _new(
        "checkout.session",
        "cs_test",
        at,
        **dict.fromkeys((*empty, *more, *last, *rest, *end, *tail, "total_details", "url")),
        automatic_tax=dict.fromkeys(("liability", "provider", "status")) | {"enabled": False},
        custom_fields=[],
        custom_text=dict.fromkeys(
            ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
        ),
        expires_at=at + 24 * 3600,
        livemode=False,
        metadata={},
        mode="setup",
        payment_method_collection="always",
        payment_method_options={"card": {"request_three_d_secure": "automatic"}},
        payment_method_types=["card"],
        payment_status="no_payment_required",
        shipping_options=[],
        status="open",
        ui_mode="hosted_page",
    )


def payment_intent(at: int, amount: int, currency: str) -> Json:
    empty = ("application", "application_fee_amount", "automatic_payment_methods", "canceled_at")
    more = ("cancellation_reason", "customer", "description", "last_payment_error")
    last = ("latest_charge", "next_action", "on_behalf_of", "payment_method", "processing")
    rest = ("receipt_email", "review", "setup_future_usage", "shipping", "source")
    end = ("statement_descriptor", "statement_descriptor_suffix", "transfer_data")
    one = _new(
        "payment_intent",
        "pi",
        at,
        **dict.fromkeys((*empty, *more, *last, *rest, *end, "transfer_group")),
        amount=amount,
        amount_capturable=0,
        amount_details={"tip": {}},
        amount_received=0,
        capture_method="automatic_async",
        confirmation_method="automatic",
        currency=currency,
        livemode=False,
        metadata={},
        payment_method_configuration_details=None,
        payment_method_options={"card": {"request_three_d_secure": "automatic"}},
        payment_method_types=["card"],
        status="requires_payment_method",
    )
    one["client_secret"] = f"{one['id']}_secret_{new_id('x')[2:]}"
    return one


def charge(at: int, intent: Json, method: Json) -> Json:
    """A charge that an intent makes, not yet decided."""
    empty = ("application", "application_fee", "application_fee_amount", "balance_transaction")
    more = ("failure_balance_transaction", "failure_code", "failure_message", "on_behalf_of")
    last = ("receipt_email", "receipt_number", "receipt_url", "review", "shipping", "source")
    rest = ("source_transfer", "statement_descriptor", "statement_descriptor_suffix")
    card = method["card"]
    same = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding")
    details = {name: card[name] for name in (*same, "last4", "wallet")}
    return _new(
        "charge",
        "ch",
        at,
        **dict.fromkeys((*empty, *more, *last, *rest, "outcome", "transfer_data")),
        amount=intent["amount"],
        amount_captured=0,
        amount_refunded=0,
        billing_details=method["billing_details"],
        calculated_statement_descriptor="CLOSEOUT",
        captured=False,
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        disputed=False,
        fraud_details={},
        livemode=False,
        metadata=dict(intent["metadata"]),
        paid=False,
        payment_intent=intent["id"],
        payment_method=method["id"],
        payment_method_details={
            "card": details | {"network": card["brand"], "three_d_secure": None},
            "type": "card",
        },
        refunded=False,
        status="failed",
        transfer_group=intent["transfer_group"],
    )


def outcome(card: Card) -> Json:
    """Of a charge: what the card's network said."""
    declined = bool(card.code)
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": "05" if declined else None,
        "network_status": "declined_by_network" if declined else "approved_by_network",
        "reason": (card.decline_code or card.code) or None,
        "risk_level": "normal",
        "risk_score": 20,
        "seller_message": "The bank declined it." if declined else "Payment complete.",
        "type": "issuer_declined" if declined else "authorized",
    }


def refund(at: int, of: Json, amount: int) -> Json:
    empty = ("balance_transaction", "reason", "receipt_number", "source_transfer_reversal")
    return _new(
        "refund",
        "re",
        at,
        **dict.fromkeys((*empty, "transfer_reversal")),
        amount=amount,
        charge=of["id"],
        currency=of["currency"],
        destination_details={
            "card": {
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        metadata={},
        payment_intent=of["payment_intent"],
        status="succeeded",
    )


def balance_transaction(at: int, kind: str, amount: int, currency: str, source: str) -> Json:
    """
    Args:
        kind: a type of the API; the reporting category is made of it.
        source: what it is of, by id.
    """
    return _new(
        "balance_transaction",
        "txn",
        at,
        amount=amount,
        available_on=at,
        balance_type="payments",
        currency=currency,
        description=None,
        exchange_rate=None,
        fee=0,
        fee_details=[],
        net=amount,
        reporting_category=kind,
        source=source,
        status="available",
        type=kind,
    )


def account(at: int, kind: str, country: str) -> Json:
    one = _new(
        "account",
        "acct",
        at,
        business_profile=dict.fromkeys(
            ("mcc", "name", "product_description", "support_email", "support_phone", "url")
        ),
        business_type=None,
        capabilities={},
        charges_enabled=False,
        controller={
            "fees": {"payer": "application_express"},
            "is_controller": True,
            "losses": {"payments": "application"},
            "requirement_collection": "stripe",
            "stripe_dashboard": {"type": "express"},
            "type": "application",
        },
        country=country,
        default_currency="usd" if country == "US" else "eur",
        details_submitted=False,
        email=None,
        future_requirements=requirements([]),
        metadata={},
        payouts_enabled=False,
        requirements=requirements(["external_account", "tos_acceptance.date"]),
        settings={
            "payouts": {
                "debit_negative_balances": True,
                "schedule": {"delay_days": 2, "interval": "daily"},
                "statement_descriptor": None,
            }
        },
        tos_acceptance={"date": None, "ip": None, "user_agent": None},
        type=kind,
    )
    one["external_accounts"] = {
        "object": "list",
        "data": [],
        "has_more": False,
        "url": f"/v1/accounts/{one['id']}/external_accounts",
    }
    return one


def requirements(due: list[str]) -> Json:
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": list(due),
        "disabled_reason": "requirements.past_due" if due else None,
        "errors": [],
        "eventually_due": list(due),
        "past_due": list(due),
        "pending_verification": [],
    }


def bank_account(bank: Bank, of: str, currency: str) -> Json:
    return {
        "id": new_id("ba"),
        "object": "bank_account",
        "account": of,
        "account_holder_name": None,
        "account_holder_type": None,
        "account_type": None,
        "available_payout_methods": ["standard"],
        "bank_name": "STRIPE TEST BANK",
        "country": "US",
        "currency": currency,
        "default_for_currency": True,
        "fingerprint": f"fake{bank.last4}",
        "last4": bank.last4,
        "metadata": {},
        "routing_number": "110000000",
        "status": "new",
    }


def transfer(at: int, amount: int, currency: str, destination: str) -> Json:
    empty = ("balance_transaction", "description", "destination_payment", "source_transaction")
    one = _new(
        "transfer",
        "tr",
        at,
        **dict.fromkeys((*empty, "transfer_group")),
        amount=amount,
        amount_reversed=0,
        currency=currency,
        destination=destination,
        livemode=False,
        metadata={},
        reversed=False,
        source_type="card",
    )
    one["reversals"] = {
        "object": "list",
        "data": [],
        "has_more": False,
        "url": f"/v1/transfers/{one['id']}/reversals",
    }
    return one


def reversal(at: int, of: Json, amount: int) -> Json:
    return _new(
        "transfer_reversal",
        "trr",
        at,
        **dict.fromkeys(("balance_transaction", "destination_payment_refund", "source_refund")),
        amount=amount,
        currency=of["currency"],
        metadata={},
        transfer=of["id"],
    )


def payout(at: int, amount: int, currency: str, destination: str) -> Json:
    empty = ("application_fee", "application_fee_amount", "balance_transaction", "description")
    more = ("failure_balance_transaction", "failure_code", "failure_message", "original_payout")
    return _new(
        "payout",
        "po",
        at,
        **dict.fromkeys((*empty, *more, "payout_method", "reversed_by", "statement_descriptor")),
        amount=amount,
        arrival_date=at + 2 * 24 * 3600,
        automatic=False,
        currency=currency,
        destination=destination,
        livemode=False,
        metadata={},
        method="standard",
        reconciliation_status="not_applicable",
        source_type="card",
        status="pending",
        trace_id={"status": "pending", "value": None},
        type="bank_account",
    )


def dispute(at: int, of: Json) -> Json:
    return _new(
        "dispute",
        "du",
        at,
        amount=of["amount"],
        balance_transactions=[],
        charge=of["id"],
        currency=of["currency"],
        enhanced_eligibility_types=[],
        evidence={},
        evidence_details={
            "due_by": at + 7 * 24 * 3600,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        intended_submission_method="manual",
        is_charge_refundable=False,
        network_reason_code="10.4",
        livemode=False,
        metadata={},
        payment_intent=of["payment_intent"],
        payment_method_details={
            "card": {"brand": "visa", "case_type": "chargeback", "network_reason_code": "10.4"},
            "type": "card",
        },
        reason="fraudulent",
        status="needs_response",
    )
