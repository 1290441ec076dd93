"""The same key again is the same call; faults on the way do not change that."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import stripe

from tests.fake_stripe import FakeStripe
from tests.fake_stripe.fixtures import client_of
from tests.fake_stripe.playing import declined, payee, payer

PAY = "POST /v1/payment_intents"
NOON = datetime(2026, 11, 19, 12, tzinfo=UTC)


def test_same_key_answers_with_the_first_charge(fake_stripe: FakeStripe) -> None:
    ada = payer(fake_stripe)

    first, second = ada.pay(key="one"), ada.pay(key="one")

    assert second.id == first.id
    assert second.last_response is not None
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(fake_stripe.all("charge")) == 1


def test_other_keys_charge_again(fake_stripe: FakeStripe) -> None:
    ada = payer(fake_stripe)

    ada.pay(key="one")
    ada.pay(key="two")

    assert len(fake_stripe.all("charge")) == 2


def test_same_key_with_another_amount_is_refused(fake_stripe: FakeStripe) -> None:
    ada = payer(fake_stripe)
    ada.pay(5_000, key="one")

    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        ada.pay(6_000, key="one")

    assert [one["amount"] for one in fake_stripe.all("charge")] == [5_000]


def test_same_key_for_another_address_is_refused(fake_stripe: FakeStripe) -> None:
    ada = payer(fake_stripe)
    ada.pay(key="one")

    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        ada.client.v1.customers.create({}, {"idempotency_key": "one"})


def test_keys_are_of_one_account_each(fake_stripe: FakeStripe) -> None:
    ada, account = payer(fake_stripe), payee(fake_stripe)
    ada.pay(50_000, key="one")
    ada.client.v1.transfers.create({"amount": 900, "currency": "usd", "destination": account})

    payout = ada.client.v1.payouts.create(
        {"amount": 900, "currency": "usd"}, {"stripe_account": account, "idempotency_key": "one"}
    )

    assert payout.status == "pending"


def test_decline_is_remembered_as_well(fake_stripe: FakeStripe) -> None:
    poor = payer(fake_stripe, "pm_card_chargeCustomerFail")

    first, second = declined(poor, key="one"), declined(poor, key="one")

    assert first.error is not None
    assert second.error is not None
    assert second.error.payment_intent.id == first.error.payment_intent.id
    assert len(fake_stripe.all("charge")) == 1


def test_wrong_parameters_do_not_use_a_key_up(fake_stripe: FakeStripe) -> None:
    ada = payer(fake_stripe)
    with pytest.raises(stripe.InvalidRequestError):
        ada.pay(10, key="one")

    assert ada.pay(5_000, key="one").status == "succeeded"


def test_key_is_forgotten_after_a_day_and_not_before(fake_stripe: FakeStripe) -> None:
    fake_stripe.stop_clock(NOON)
    ada = payer(fake_stripe)
    ada.pay(key="one")

    fake_stripe.stop_clock(NOON + timedelta(hours=24, seconds=-1))
    ada.pay(key="one")
    assert len(fake_stripe.all("charge")) == 1
    fake_stripe.stop_clock(NOON + timedelta(hours=24))
    ada.pay(key="one")
    assert len(fake_stripe.all("charge")) == 2


def test_call_under_way_refuses_its_key_to_another(fake_stripe: FakeStripe) -> None:
    ada, answers = payer(fake_stripe), []
    with fake_stripe.paused(PAY) as pause:
        thread = threading.Thread(target=lambda: answers.append(ada.pay(key="one")))
        thread.start()
        assert pause.entered.wait(10)
        with pytest.raises(stripe.APIError) as refused:
            ada.pay(key="one")
    thread.join(10)

    assert refused.value.http_status == 409
    assert refused.value.error is not None
    assert refused.value.error.code == "idempotency_key_in_use"
    assert [one.status for one in answers] == ["succeeded"]
    assert len(fake_stripe.all("charge")) == 1


@pytest.mark.parametrize(("acted", "charges"), [(True, 1), (False, 0)])
def test_lost_answer_leaves_the_charge_as_it_was_told(
    fake_stripe: FakeStripe, acted: bool, charges: int
) -> None:
    ada = payer(fake_stripe)
    fake_stripe.lose_next_answer(PAY, acted=acted)

    with pytest.raises(stripe.APIConnectionError):
        ada.pay(key="one")

    assert len(fake_stripe.all("charge")) == charges
    ada.pay(key="one")
    assert len(fake_stripe.all("charge")) == 1


@pytest.mark.parametrize("acted", [True, False])
def test_reset_connection_is_no_answer(fake_stripe: FakeStripe, acted: bool) -> None:
    ada = payer(fake_stripe)
    fake_stripe.reset_next(PAY, acted=acted)

    with pytest.raises(stripe.APIConnectionError):
        ada.pay(key="one")

    assert len(fake_stripe.all("charge")) == int(acted)


@pytest.mark.parametrize("acted", [True, False])
def test_broken_answer_stays_broken_for_its_key(fake_stripe: FakeStripe, acted: bool) -> None:
    ada = payer(fake_stripe)
    fake_stripe.break_next(PAY, acted=acted)

    for _ in range(2):
        with pytest.raises(stripe.APIError) as broken:
            ada.pay(key="one")
        assert broken.value.http_status == 500

    assert len(fake_stripe.all("charge")) == int(acted)


def test_client_that_tries_again_by_itself_charges_once(fake_stripe: FakeStripe) -> None:
    ada = payer(fake_stripe)
    patient = type(ada)(client_of(fake_stripe, retries=2), ada.customer, ada.method)
    fake_stripe.lose_next_answer(PAY, times=2)

    assert patient.pay(key="one").status == "succeeded"
    assert len(fake_stripe.all("charge")) == 1
