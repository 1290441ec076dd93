"""Charges at Stripe: what becomes of them, whatever is lost on the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import stripe

from marketplace import clock
from marketplace.money import Money
from payments.gateways.base import Answer
from payments.gateways.stripe import words
from payments.gateways.stripe.client import API_VERSION
from tests.factories import NOON, PartyFactory, usd
from tests.fake_stripe.cards import BY_TOKEN
from tests.payments.stripe.support import RETURN_TO, charge, gateway, with_card

pytestmark = pytest.mark.django_db

DECLINES = {
    "pm_card_chargeCustomerFail": words.REFUSED,
    "pm_card_visa_chargeDeclinedInsufficientFunds": words.NO_MONEY,
    "pm_card_chargeDeclinedExpiredCard": words.EXPIRED,
}


@pytest.fixture(autouse=True)
def noon(stripe_on):
    stripe_on.stop_clock(NOON)
    with clock.at(NOON):
        yield


@pytest.fixture
def client():
    return PartyFactory()


@pytest.fixture
def card(stripe_on, client):
    return with_card(stripe_on, client)


def test_charge_succeeds_and_carries_our_key(stripe_on, client, card):
    outcome = gateway().call(charge(client, card))

    (intent,) = stripe_on.all("payment_intent")
    assert outcome.answer is Answer.SUCCEEDED
    assert outcome.reference == intent["id"]
    assert (intent["amount"], intent["currency"]) == (5_000, "usd")
    assert intent["metadata"] == {"key": "key"}


def test_charge_with_the_same_key_answers_for_the_first_call(stripe_on, client, card):
    first = gateway().call(charge(client, card))

    assert gateway().call(charge(client, card)) == first
    assert len(stripe_on.all("payment_intent")) == 1


def test_charge_with_the_same_key_and_another_amount_is_a_defect(stripe_on, client, card):
    gateway().call(charge(client, card))

    with pytest.raises(stripe.IdempotencyError):
        gateway().call(charge(client, card, amount=usd(51)))


@pytest.mark.parametrize("card_of", DECLINES)
def test_declined_card_says_why_in_our_words(stripe_on, client, card_of):
    token = with_card(stripe_on, client, card_of)

    outcome = gateway().call(charge(client, token))

    (intent,) = stripe_on.all("payment_intent")
    assert (outcome.answer, outcome.sentence) == (Answer.DECLINED, DECLINES[card_of])
    assert outcome.reference == intent["id"]
    assert gateway().ask(charge(client, token, reference=intent["id"])) == outcome


def test_charge_of_a_party_without_card_is_declined(stripe_on, client):
    outcome = gateway().call(charge(client, "pm_nothing"))

    assert outcome.sentence == words.NO_METHOD
    assert not stripe_on.all("payment_intent")


def test_charge_of_a_removed_card_is_declined(stripe_on, client, card):
    gateway().forget_method(card)

    outcome = gateway().call(charge(client, card))

    assert outcome.answer is Answer.DECLINED
    assert not stripe_on.all("charge")


def test_charge_of_somebody_elses_card_is_declined(stripe_on, client, card):
    other = PartyFactory()
    with_card(stripe_on, other)

    outcome = gateway().call(charge(other, card))

    assert outcome.answer is Answer.DECLINED
    assert not stripe_on.all("charge")


def test_charge_beyond_what_stripe_takes_is_declined(client, card):
    assert gateway().call(charge(client, card, amount=usd(1_000_000))).sentence == words.TOO_MUCH


def test_charge_with_thousandths_is_declined(stripe_on, client, card):
    outcome = gateway().call(charge(client, card, amount=Money(5_123, "KWD")))

    assert "no such small coins" in outcome.sentence
    assert not stripe_on.all("payment_intent")


def test_client_speaks_the_version_it_was_made_for():
    assert stripe.api_version == API_VERSION


def test_charge_without_decimals_is_written_without(stripe_on, client, card):
    gateway().call(charge(client, card, amount=Money(500, "JPY")))

    assert stripe_on.all("payment_intent")[0]["amount"] == 500


@pytest.mark.parametrize("acted", [True, False])
@pytest.mark.parametrize("what", ["lose_next_answer", "reset_next", "break_next"])
def test_charge_without_answer_is_unknown_until_asked(stripe_on, client, card, what, acted):
    getattr(stripe_on, what)("POST /v1/payment_intents", acted=acted)

    assert gateway().call(charge(client, card)).answer is Answer.UNKNOWN
    charged = gateway().ask(charge(client, card)).answer

    # A 500 is said again to the same key as long as Stripe remembers it.
    assert charged is (
        Answer.UNKNOWN if (what, acted) == ("break_next", False) else Answer.SUCCEEDED
    )
    assert len(stripe_on.all("charge")) == (charged is Answer.SUCCEEDED)


def test_charge_that_never_arrived_is_not_made_any_more_after_a_day(stripe_on, client, card):
    with clock.at(NOON + timedelta(hours=23)):
        assert gateway().ask(charge(client, card)).answer is Answer.UNKNOWN
        assert gateway().call(charge(client, card)).answer is Answer.UNKNOWN

    assert not stripe_on.all("payment_intent")


def test_wrong_key_of_the_site_is_no_refusal(settings, client, card):
    settings.STRIPE_SECRET_KEY = "sk_test_wrong"

    assert gateway().call(charge(client, card)).answer is Answer.UNKNOWN


def test_charge_in_process_is_unknown_until_decided(stripe_on, client, card):
    stripe_on.slow_next()
    outcome = gateway().call(charge(client, card))
    assert (outcome.answer, outcome.confirm_url) == (Answer.UNKNOWN, "")

    stripe_on.finish(outcome.reference)
    asked = gateway().ask(charge(client, card, reference=outcome.reference))

    assert asked.answer is Answer.SUCCEEDED


class TestConfirmed:
    """A bank wants the card's owner to confirm."""

    @pytest.fixture
    def asking(self, stripe_on, client):
        return charge(client, with_card(stripe_on, client, "pm_card_authenticationRequired"))

    @pytest.fixture
    def open_charge(self, asking):
        outcome = gateway().call(asking)
        assert outcome.answer is Answer.UNKNOWN
        return replace(asking, reference=outcome.reference)

    def test_owner_is_led_to_the_bank_and_back_here(self, stripe_on, open_charge):
        outcome = gateway().ask(open_charge)

        assert outcome.confirm_url == f"{stripe_on.base}/bank/{open_charge.reference}"
        back_to = stripe_on.answer_bank(outcome.confirm_url)
        assert back_to.startswith(RETURN_TO)

    def test_owner_agrees(self, stripe_on, open_charge):
        stripe_on.answer_bank(open_charge.reference)

        assert gateway().ask(open_charge).answer is Answer.SUCCEEDED
        assert len(stripe_on.all("payment_intent")) == 1

    def test_owner_refuses(self, stripe_on, open_charge):
        stripe_on.answer_bank(open_charge.reference, agreed=False)

        outcome = gateway().ask(open_charge)

        assert (outcome.answer, outcome.sentence) == (Answer.DECLINED, words.NOT_CONFIRMED)

    def test_same_call_again_asks_the_owner_once(self, stripe_on, asking):
        first = gateway().call(asking)

        assert gateway().call(asking) == first
        assert gateway().ask(asking) == first
        assert len(stripe_on.events("payment_intent.requires_action")) == 1

    def test_answer_lost_while_the_owner_is_asked(self, stripe_on, asking):
        stripe_on.lose_next_answer("POST /v1/payment_intents/.*/confirm", acted=False)

        assert gateway().call(asking).answer is Answer.UNKNOWN
        assert gateway().ask(asking).confirm_url

    def test_owner_who_never_answers_is_not_charged_later(self, stripe_on, open_charge):
        outcome = gateway().cancel(open_charge)

        assert (outcome.answer, outcome.sentence) == (Answer.DECLINED, words.CALLED_OFF)
        stripe_on.answer_bank(open_charge.reference)
        assert gateway().ask(open_charge) == outcome

    def test_charge_that_was_called_off_elsewhere_asks_nobody(
        self, stripe_on, stripe_client, asking
    ):
        stripe_on.lose_next_answer("POST /v1/payment_intents/.*/confirm", acted=False)
        gateway().call(asking)
        stripe_client.v1.payment_intents.cancel(stripe_on.all("payment_intent")[0]["id"])

        assert gateway().call(asking).sentence == words.CALLED_OFF

    def test_bank_that_declines_after_asking(self, stripe_on, asking):
        """The card is blocked between the two tries."""
        stripe_on.lose_next_answer("POST /v1/payment_intents/.*/confirm", acted=False)
        gateway().call(asking)
        stripe_on.state.secret[asking.method] = BY_TOKEN["pm_card_chargeCustomerFail"]

        assert gateway().ask(asking).sentence == words.REFUSED


class TestCancelled:
    def test_charge_that_never_arrived(self, stripe_on, client, card):
        assert gateway().cancel(charge(client, card)) == words.no(words.CALLED_OFF)
        assert not stripe_on.all("payment_intent")

    def test_charge_of_a_party_unknown_there(self, client):
        assert gateway().cancel(charge(client, "pm_nothing")) == words.no(words.CALLED_OFF)

    def test_charge_that_succeeded_unheard(self, stripe_on, client, card):
        stripe_on.lose_next_answer("POST /v1/payment_intents")
        gateway().call(charge(client, card))

        assert gateway().cancel(charge(client, card)).answer is Answer.SUCCEEDED

    def test_charge_in_process_cannot_be(self, stripe_on, client, card):
        stripe_on.slow_next()
        outcome = gateway().call(charge(client, card))

        assert gateway().cancel(charge(client, card)) == outcome


def test_charge_under_a_name_that_stripe_does_not_know_stays_unknown(client, card, caplog):
    elsewhere = replace(charge(client, card), reference="pi_of_another_account")

    assert gateway().ask(elsewhere).answer is Answer.UNKNOWN
    assert gateway().cancel(elsewhere).answer is Answer.UNKNOWN
    assert "key cannot be asked for" in caplog.text
