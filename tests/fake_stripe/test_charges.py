"""Cards: saved on a hosted page, charged while their owner is away, or confirmed at the bank."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import stripe

from tests.fake_stripe import FakeStripe
from tests.fake_stripe.playing import BACK, RETURN, declined, payer


def test_card_is_saved_on_the_hosted_page(
    fake_stripe: FakeStripe, stripe_client: stripe.StripeClient
) -> None:
    customer = stripe_client.v1.customers.create({"name": "Ada"})
    session = stripe_client.v1.checkout.sessions.create(
        {"mode": "setup", "currency": "usd", "customer": customer.id, "success_url": BACK}
    )
    assert (session.status, session.url) == ("open", f"{fake_stripe.base}/pay/{session.id}")

    back = fake_stripe.save_card(session.id)

    assert back == f"https://closeout.example/back?session={session.id}"
    done = stripe_client.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["setup_intent.payment_method"]}
    )
    assert (done.status, done.url) == ("complete", None)
    intent = done.setup_intent
    assert isinstance(intent, stripe.SetupIntent)
    assert isinstance(intent.payment_method, stripe.PaymentMethod)
    assert intent.payment_method.customer == customer.id
    assert intent.payment_method.card is not None
    assert intent.payment_method.card.last4 == "4242"


def test_session_nobody_finishes_expires_after_a_day(
    fake_stripe: FakeStripe, stripe_client: stripe.StripeClient
) -> None:
    now = datetime(2026, 11, 19, 12, tzinfo=UTC)
    fake_stripe.stop_clock(now)
    session = stripe_client.v1.checkout.sessions.create(
        {"mode": "setup", "currency": "usd", "success_url": BACK}
    )

    fake_stripe.stop_clock(now + timedelta(days=1))

    assert stripe_client.v1.checkout.sessions.retrieve(session.id).status == "expired"


def test_card_pays(fake_stripe: FakeStripe) -> None:
    ada = payer(fake_stripe)

    intent = ada.pay(5_000, metadata={"key": "seven"}, expand=["latest_charge.balance_transaction"])

    assert (intent.status, intent.amount_received) == ("succeeded", 5_000)
    charge = intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert charge.metadata["key"] == "seven"
    line = charge.balance_transaction
    assert isinstance(line, stripe.BalanceTransaction)
    assert (line.amount, line.fee, line.net) == (5_000, 175, 4_825)


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_chargeCustomerFail", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_authenticationRequired", "authentication_required", "authentication_required"),
    ],
)
def test_card_is_declined(
    fake_stripe: FakeStripe, card: str, code: str, decline_code: str | None
) -> None:
    ada = payer(fake_stripe, card)

    refused = declined(ada)

    assert refused.http_status == 402
    assert refused.code == code
    assert refused.error is not None
    assert getattr(refused.error, "decline_code", None) == decline_code
    intent = ada.client.v1.payment_intents.retrieve(refused.error.payment_intent.id)
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.code == code
    assert fake_stripe.available() == 0


@pytest.mark.parametrize(
    ("agreed", "status", "result"),
    [(True, "succeeded", "succeeded"), (False, "requires_payment_method", "failed")],
)
def test_owner_answers_the_bank(
    fake_stripe: FakeStripe, agreed: bool, status: str, result: str
) -> None:
    ada = payer(fake_stripe, "pm_card_authenticationRequired")
    refused = declined(ada)
    assert refused.error is not None

    asked = ada.client.v1.payment_intents.confirm(
        refused.error.payment_intent.id, {"payment_method": ada.method, "return_url": RETURN}
    )
    assert asked.status == "requires_action"
    assert asked.next_action is not None
    assert asked.next_action.redirect_to_url is not None
    assert asked.next_action.redirect_to_url.url == f"{fake_stripe.base}/bank/{asked.id}"
    back = fake_stripe.answer_bank(asked.id, agreed=agreed)

    assert back.startswith(f"{RETURN}&payment_intent={asked.id}&")
    assert back.endswith(f"redirect_status={result}")
    assert ada.client.v1.payment_intents.retrieve(asked.id).status == status


def test_charge_that_waits_is_called_off_and_a_paid_one_is_not(fake_stripe: FakeStripe) -> None:
    ada = payer(fake_stripe, "pm_card_authenticationRequired")
    waiting = ada.pay(off_session=False, return_url=RETURN)

    assert ada.client.v1.payment_intents.cancel(waiting.id).status == "canceled"
    fake_stripe.answer_bank(waiting.id)
    assert ada.client.v1.payment_intents.retrieve(waiting.id).status == "canceled"
    paid = payer(fake_stripe).pay()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        ada.client.v1.payment_intents.cancel(paid.id)
    assert refused.value.code == "payment_intent_unexpected_state"


def test_removed_card_charges_nothing(fake_stripe: FakeStripe) -> None:
    ada = payer(fake_stripe)
    ada.client.v1.payment_methods.detach(ada.method)

    with pytest.raises(stripe.InvalidRequestError, match="detached"):
        ada.pay()

    assert fake_stripe.all("charge") == []


def test_card_of_another_customer_charges_nothing(fake_stripe: FakeStripe) -> None:
    ada, bob = payer(fake_stripe), payer(fake_stripe)

    with pytest.raises(stripe.InvalidRequestError, match="must belong to the customer"):
        ada.pay(payment_method=bob.method)


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"payment_method_types": ["card"]}, "payment_method_types"),
        ({"amount": 49}, "amount"),
        ({"currency": "USD"}, "currency"),
        ({"confirm": False}, "off_session"),
        ({"allowed_payment_method_types": []}, "return_url"),
    ],
)
def test_wrong_parameters_are_named(
    fake_stripe: FakeStripe, more: dict[str, object], param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        payer(fake_stripe).pay(**more)  # type: ignore[arg-type]

    assert refused.value.param == param
    assert fake_stripe.all("charge") == []


def test_lists_go_page_by_page_the_newest_first(fake_stripe: FakeStripe) -> None:
    ada = payer(fake_stripe)
    made = [ada.pay(1_000 + place).id for place in range(5)]

    first = ada.client.v1.payment_intents.list({"customer": ada.customer, "limit": 2})

    assert [one.id for one in first.data] == made[:-3:-1]
    assert first.has_more
    assert [one.id for one in first.auto_paging_iter()] == made[::-1]
    late = {"created": {"gte": fake_stripe.state.now() + 60}}
    assert ada.client.v1.payment_intents.list(late).data == []  # type: ignore[arg-type]


def test_stranger_learns_nothing(fake_stripe: FakeStripe) -> None:
    stranger = stripe.StripeClient("sk_test_other", base_addresses={"api": fake_stripe.base})

    with pytest.raises(stripe.AuthenticationError):
        stranger.v1.customers.list()


def test_version_of_the_api_is_noted(
    fake_stripe: FakeStripe, stripe_client: stripe.StripeClient
) -> None:
    stripe_client.v1.customers.create({})

    (call,) = fake_stripe.asked("POST /v1/customers")
    assert call.version == stripe.api_version


def test_what_is_not_there_is_missing(stripe_client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        stripe_client.v1.payment_intents.retrieve("pi_none")

    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")
