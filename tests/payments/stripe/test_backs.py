"""Money sent back through Stripe: never more than was charged, never twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from marketplace import clock
from marketplace.money import Money
from payments.gateways.base import Answer
from payments.gateways.stripe import words
from tests.factories import NOON, PartyFactory, usd
from tests.payments.stripe.support import back, charge, gateway, with_card

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon(stripe_on):
    stripe_on.stop_clock(NOON)
    with clock.at(NOON):
        yield


@pytest.fixture
def charged(stripe_on):
    """A charge of $50.00 that succeeded."""
    client = PartyFactory()
    call = charge(client, with_card(stripe_on, client))
    return replace(call, reference=gateway().call(call).reference)


def test_money_goes_back_to_its_charge(stripe_on, charged):
    outcome = gateway().call(back(charged))

    (refund,) = stripe_on.all("refund")
    assert (outcome.answer, outcome.reference) == (Answer.SUCCEEDED, refund["id"])
    assert (refund["payment_intent"], refund["amount"]) == (charged.reference, 2_000)
    assert refund["metadata"] == {"key": "back"}


def test_money_goes_back_to_a_charge_whose_reference_is_not_known(charged):
    unknown = replace(charged, reference="")

    assert gateway().call(back(unknown)).answer is Answer.SUCCEEDED


def test_same_key_again_sends_nothing_more(stripe_on, charged):
    first = gateway().call(back(charged))

    assert gateway().call(back(charged)) == first
    assert len(stripe_on.all("refund")) == 1


def test_no_more_than_the_charge_goes_back(stripe_on, charged):
    gateway().call(back(charged, amount=usd(40), key="first"))

    outcome = gateway().call(back(charged, amount=usd("10.01"), key="second"))

    assert outcome.answer is Answer.DECLINED
    assert [one["amount"] for one in stripe_on.all("refund")] == [4_000]


def test_nothing_goes_back_to_a_disputed_charge(stripe_on, charged):
    stripe_on.dispute(charged.reference)

    assert gateway().call(back(charged)) == words.no(words.BACK_DISPUTED)


def test_nothing_goes_back_to_a_charge_that_never_was(charged):
    nowhere = replace(charged, key="other", reference="")

    assert gateway().call(back(nowhere)) == words.no(words.BACK_REFUSED)
    assert gateway().ask(back(nowhere)) == words.no(words.BACK_REFUSED)


def test_thousandths_do_not_go_back(stripe_on, charged):
    outcome = gateway().call(back(charged, amount=Money(1_005, "KWD")))

    assert "no such small coins" in outcome.sentence
    assert not stripe_on.all("refund")


def test_refund_that_waits_has_gone_and_may_still_fail(stripe_on, charged):
    stripe_on.slow_next()
    outcome = gateway().call(back(charged))
    assert outcome.answer is Answer.SUCCEEDED

    stripe_on.fail_refund(outcome.reference)
    asked = gateway().ask(back(charged, reference=outcome.reference))

    assert asked == words.no(words.BACK_REFUSED, outcome.reference)


@pytest.mark.parametrize("acted", [True, False])
def test_refund_without_answer_is_unknown_until_asked(stripe_on, charged, acted):
    stripe_on.lose_next_answer("POST /v1/refunds", acted=acted)

    assert gateway().call(back(charged)).answer is Answer.UNKNOWN
    assert gateway().ask(back(charged)).answer is Answer.SUCCEEDED
    assert len(stripe_on.all("refund")) == 1


def test_refund_that_never_arrived_is_not_made_any_more_after_a_day(stripe_on, charged):
    with clock.at(NOON + timedelta(hours=23)):
        assert gateway().ask(back(charged)).answer is Answer.UNKNOWN

    assert not stripe_on.all("refund")


def test_cancelling_one_that_never_arrived(stripe_on, charged):
    assert gateway().cancel(back(charged)) == words.no(words.BACK_CALLED_OFF)
    assert not stripe_on.all("refund")


def test_cancelling_one_that_went(charged):
    outcome = gateway().call(back(charged))

    assert gateway().cancel(back(charged)) == outcome
