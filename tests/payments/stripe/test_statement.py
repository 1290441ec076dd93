"""Stripe's own statement, and disputes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from marketplace import clock
from marketplace.money import Money
from payments.gateways.base import Movement, Unavailable
from payments.states import ChargebackState
from tests.factories import NOON, FreelancerFactory, PartyFactory, usd
from tests.payments.stripe.support import back, charge, gateway, payout, with_bank, with_card

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


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


def lines(since=NOON, until=NOON + HOUR):
    told = gateway().movements(since, until)
    return sorted((one.key, str(one.amount), bool(one.dispute)) for one in told)


def test_statement_names_our_calls_and_leaves_fees_out(stripe_on, charged):
    gateway().call(back(charged, amount=usd(5)))
    talent = FreelancerFactory()
    account = with_bank(stripe_on, talent, "refuses")
    sent = gateway().call(payout(talent, account))
    stripe_on.advance_payouts()
    gateway().ask(payout(talent, account, reference=sent.reference))

    assert lines() == [
        ("back", "-$5.00", False),
        ("key", "$50.00", False),
        ("payout", "$30.00", False),
        ("payout", "-$30.00", False),
    ]


def test_refund_that_failed_comes_back_in_the_statement(stripe_on, charged):
    refund = gateway().call(back(charged))
    stripe_on.fail_refund(refund.reference)

    assert lines() == [
        ("back", "$20.00", False),
        ("back", "-$20.00", False),
        ("key", "$50.00", False),
    ]


def test_dispute_stands_in_the_statement_with_its_charge(stripe_on, charged):
    dispute = stripe_on.dispute(charged.reference)
    stripe_on.settle_dispute(dispute["id"], won=True)

    assert lines() == [
        ("key", "$50.00", False),
        ("key", "$50.00", True),
        ("key", "-$50.00", True),
    ]
    taken = [one for one in gateway().movements(NOON, NOON + HOUR) if one.dispute]
    assert {one.dispute for one in taken} == {dispute["id"]}


def test_statement_ends_before_its_end(stripe_on, charged):
    assert lines(NOON - HOUR, NOON) == []
    (line,) = gateway().movements(NOON, NOON + timedelta(seconds=1))
    assert line == Movement("key", usd(50), NOON, reference=stripe_on.all("charge")[0]["id"])


def test_statement_of_many_pages(stripe_on, charged):
    for number in range(120):
        gateway().call(replace(charged, key=f"key{number:03}", reference="", amount=usd(1)))

    assert len(lines()) == 121


def test_charge_in_another_currency_than_the_balance_is_named_as_it_was_made(stripe_on, charged):
    euros = Money(4_000, "EUR")
    gateway().call(replace(charged, key="euros", reference="", amount=euros))
    line = stripe_on.all("balance_transaction")[-1]
    line |= {"currency": "usd", "amount": 4_320, "exchange_rate": 1.08}

    assert ("euros", "€40.00", False) in lines()


def test_what_the_operator_moves_for_itself_is_left_out(stripe_on, charged):
    stripe_on.all("balance_transaction")[0]["type"] = "stripe_fee"

    assert lines() == []


def test_charge_made_by_hand_there_has_no_key(stripe_on, stripe_client):
    asked = {
        "amount": 700,
        "currency": "usd",
        "confirm": True,
        "payment_method": "pm_card_visa",
        "allowed_payment_method_types": ["card"],
    }
    stripe_client.v1.payment_intents.create(asked)

    assert lines() == [("", "$7.00", False)]


def test_statement_that_cannot_be_read_is_not_there_now(stripe_on):
    stripe_on.break_next()

    with pytest.raises(Unavailable):
        list(gateway().movements(NOON, NOON + HOUR))


class TestDispute:
    def test_open_one_names_its_charge(self, stripe_on, charged):
        made = stripe_on.dispute(charged.reference)

        dispute = gateway().dispute(made["id"])

        assert (dispute.key, dispute.reference) == ("key", made["id"])
        assert (dispute.amount, dispute.state) == (usd(50), ChargebackState.OPEN)
        assert dispute.because == "The owner does not recognise the charge"
        assert dispute.opened_at == NOON
        assert dispute.evidence_due_at > NOON

    @pytest.mark.parametrize(
        ("won", "state"), [(True, ChargebackState.WON), (False, ChargebackState.LOST)]
    )
    def test_decided_one(self, stripe_on, charged, won, state):
        made = stripe_on.dispute(charged.reference)
        stripe_on.settle_dispute(made["id"], won=won)

        assert gateway().dispute(made["id"]).state == state

    def test_inquiry_takes_nothing_yet(self, stripe_on, charged):
        made = stripe_on.dispute(charged.reference)
        made["status"], made["balance_transactions"] = "warning_needs_response", []

        assert gateway().dispute(made["id"]) is None

    def test_one_that_nothing_can_be_said_against(self, stripe_on, charged):
        made = stripe_on.dispute(charged.reference)
        made["evidence_details"]["due_by"] = None

        assert gateway().dispute(made["id"]).evidence_due_at is None

    def test_one_of_a_charge_without_intent_is_none_of_ours(self, stripe_on, charged):
        made = stripe_on.dispute(charged.reference)
        made["payment_intent"] = None

        assert gateway().dispute(made["id"]) is None
        assert [one.key for one in gateway().movements(NOON, NOON + HOUR) if one.dispute] == [""]

    def test_reason_that_nobody_foresaw(self, stripe_on, charged):
        made = stripe_on.dispute(charged.reference, because="general")

        assert gateway().dispute(made["id"]).because == "The bank gives no reason"

    def test_one_that_is_not_there(self):
        assert gateway().dispute("du_none") is None

    def test_silence_is_no_answer(self, stripe_on):
        stripe_on.break_next()

        with pytest.raises(Unavailable):
            gateway().dispute("du_any")
