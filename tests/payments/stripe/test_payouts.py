"""Payouts through Stripe: both steps or none, and back when the bank does not take the money."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import timedelta

import pytest

from marketplace import clock
from marketplace.money import Money
from payments.gateways.base import Answer
from payments.gateways.stripe import words
from tests.factories import NOON, FreelancerFactory, PartyFactory, usd
from tests.payments.stripe.support import charge, gateway, payout, with_bank, with_card

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon(stripe_on):
    """Noon, with $485.20 at Stripe."""
    stripe_on.stop_clock(NOON)
    with clock.at(NOON):
        client = PartyFactory()
        gateway().call(charge(client, with_card(stripe_on, client), amount=usd(500)))
        yield


@pytest.fixture
def talent():
    return FreelancerFactory()


@pytest.fixture
def account(stripe_on, talent):
    return with_bank(stripe_on, talent)


def there(stripe_on, account):
    """What is left in the operator's balance, and in the talent's, at Stripe."""
    return stripe_on.available(), stripe_on.available(account=account)


def test_money_goes_through_the_account_to_the_bank(stripe_on, talent, account):
    before, _ = there(stripe_on, account)

    outcome = gateway().call(payout(talent, account))

    (sent,), (transfer,) = stripe_on.all("payout"), stripe_on.all("transfer")
    assert (outcome.answer, outcome.reference) == (Answer.SUCCEEDED, sent["id"])
    assert outcome.arrives_on > NOON.date()
    assert (transfer["amount"], transfer["destination"]) == (3_000, account)
    assert sent["metadata"] == {"key": "payout", "transfer": transfer["id"]}
    assert there(stripe_on, account) == (before - 3_000, 0)


def test_same_key_again_sends_nothing_more(stripe_on, talent, account):
    first = gateway().call(payout(talent, account))

    assert gateway().call(payout(talent, account)) == first
    assert (len(stripe_on.all("transfer")), len(stripe_on.all("payout"))) == (1, 1)


def test_two_at_once_send_once(stripe_on, talent, account):
    """The second one meets the first at Stripe, which says so: no refusal, and no transfer."""
    call = payout(talent, account)
    with stripe_on.paused("POST /v1/transfers$") as pause, ThreadPoolExecutor(1) as pool:
        first = pool.submit(copy_context().run, gateway().call, call)
        assert pause.entered.wait(30)
        assert gateway().call(call).answer is Answer.UNKNOWN
        pause.let_go.set()
        assert first.result(30).answer is Answer.SUCCEEDED

    assert (len(stripe_on.all("transfer")), len(stripe_on.all("payout"))) == (1, 1)


def test_account_that_is_not_ready_gets_nothing(stripe_on, talent):
    gateway().add_destination(talent, back_to="/back/")
    (account,) = stripe_on.all("account")

    outcome = gateway().call(payout(talent, account["id"]))

    assert outcome == words.no(words.NOT_READY)
    assert not stripe_on.all("transfer")


def test_account_without_a_bank_account_in_the_currency_gets_nothing(stripe_on, talent, account):
    outcome = gateway().call(payout(talent, account, amount=Money(3_000, "JPY")))

    assert outcome == words.no("The payment provider has no bank account in JPY to pay to.")
    assert not stripe_on.all("transfer")


def test_parts_of_a_forint_are_not_sent(stripe_on, talent, account):
    for one in stripe_on.all("account")[0]["external_accounts"]["data"]:
        one["currency"] = "huf"

    outcome = gateway().call(payout(talent, account, amount=Money(1_005, "HUF")))

    assert "no such small coins" in outcome.sentence
    assert not stripe_on.all("transfer")


def test_transfer_that_was_reversed_there_is_taken_for_back(
    stripe_on, stripe_client, talent, account
):
    before = there(stripe_on, account)
    stripe_on.lose_next_answer("POST /v1/payouts$", acted=False)
    gateway().call(payout(talent, account))
    stripe_client.v1.transfers.reversals.create(stripe_on.all("transfer")[0]["id"])

    assert gateway().cancel(payout(talent, account)) == words.no(words.PAYOUT_CALLED_OFF)
    assert gateway().ask(payout(talent, account)) == words.no(words.PAYOUT_REFUSED)
    assert there(stripe_on, account) == before


def test_more_than_the_operator_has_there_is_not_sent(stripe_on, talent, account):
    outcome = gateway().call(payout(talent, account, amount=usd(486)))

    assert outcome == words.no(words.NOT_NOW)
    assert not stripe_on.all("payout")


@pytest.mark.parametrize("acted", [True, False])
@pytest.mark.parametrize("step", ["POST /v1/transfers$", "POST /v1/payouts$"])
def test_answer_lost_on_either_step(stripe_on, talent, account, step, acted):
    before, _ = there(stripe_on, account)
    stripe_on.lose_next_answer(step, acted=acted)

    assert gateway().call(payout(talent, account)).answer is Answer.UNKNOWN
    assert gateway().ask(payout(talent, account)).answer is Answer.SUCCEEDED
    assert (len(stripe_on.all("transfer")), len(stripe_on.all("payout"))) == (1, 1)
    assert there(stripe_on, account) == (before - 3_000, 0)


def test_transfer_without_payout_comes_back_when_cancelled(stripe_on, talent, account):
    before = there(stripe_on, account)
    stripe_on.lose_next_answer("POST /v1/payouts$", acted=False)
    gateway().call(payout(talent, account))

    assert gateway().cancel(payout(talent, account)) == words.no(words.PAYOUT_CALLED_OFF)
    assert there(stripe_on, account) == before
    assert gateway().ask(payout(talent, account)).answer is Answer.DECLINED
    assert not stripe_on.all("payout")


def test_cancelling_one_that_never_arrived(stripe_on, talent, account):
    assert gateway().cancel(payout(talent, account)) == words.no(words.PAYOUT_CALLED_OFF)
    assert not stripe_on.all("transfer")


def test_cancelling_one_that_is_on_its_way(talent, account):
    outcome = gateway().call(payout(talent, account))

    assert gateway().cancel(payout(talent, account)) == outcome


def test_payout_that_never_arrived_is_not_made_any_more_after_a_day(stripe_on, talent, account):
    with clock.at(NOON + timedelta(hours=23)):
        assert gateway().ask(payout(talent, account)).answer is Answer.UNKNOWN

    assert not stripe_on.all("transfer")


@pytest.mark.parametrize(
    ("bank", "sentence"),
    [("refuses", words.PAYOUT_CLOSED), ("sends_back", words.PAYOUT_WRONG)],
)
def test_money_the_bank_does_not_take_comes_back_once(stripe_on, talent, bank, sentence):
    account = with_bank(stripe_on, talent, bank)
    before = there(stripe_on, account)
    sent = gateway().call(payout(talent, account))
    for _ in range(3):
        stripe_on.advance_payouts()
    call = payout(talent, account, reference=sent.reference)

    outcome = gateway().ask(call)

    assert outcome == words.no(sentence, sent.reference)
    assert gateway().ask(call) == outcome
    assert there(stripe_on, account) == before
    assert len(stripe_on.all("transfer_reversal")) == 1
    assert stripe_on.all("transfer_reversal")[0]["metadata"] == {"key": "payout"}


def test_payout_refused_after_its_transfer_leaves_nothing_in_the_account(
    stripe_on, talent, account
):
    """The account is restricted between the two steps."""
    before = there(stripe_on, account)
    stripe_on.lose_next_answer("POST /v1/payouts$", acted=False)
    gateway().call(payout(talent, account))
    stripe_on.all("account")[0]["payouts_enabled"] = False

    outcome = gateway().ask(payout(talent, account))

    assert outcome == words.no(words.PAYOUT_REFUSED)
    assert there(stripe_on, account) == before


@pytest.mark.parametrize("acted", [True, False])
def test_answer_lost_while_it_is_taken_back(stripe_on, talent, acted):
    account = with_bank(stripe_on, talent, "refuses")
    before = there(stripe_on, account)
    sent = gateway().call(payout(talent, account))
    stripe_on.advance_payouts()
    stripe_on.lose_next_answer("POST /v1/transfers/.*/reversals", acted=acted)
    call = payout(talent, account, reference=sent.reference)

    assert gateway().ask(call).answer is Answer.UNKNOWN
    assert gateway().ask(call) == words.no(words.PAYOUT_CLOSED, sent.reference)
    assert there(stripe_on, account) == before


def test_money_that_cannot_be_taken_back_is_not_said_to_be(
    stripe_on, stripe_client, talent, account, caplog
):
    """Somebody emptied the account between the two steps."""
    stripe_on.lose_next_answer("POST /v1/payouts$", acted=False)
    gateway().call(payout(talent, account))
    elsewhere = {"amount": 3_000, "currency": "usd"}
    stripe_client.v1.payouts.create(elsewhere, {"stripe_account": account})

    assert gateway().ask(payout(talent, account)).answer is Answer.UNKNOWN
    assert "stays" in caplog.text
