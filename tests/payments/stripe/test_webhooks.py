"""What Stripe tells: only when signed, once, in any order, and never taken at its word."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django_q.models import OrmQ

from marketplace import clock, locks, sweeping
from marketplace.models.history import Rank
from payments import ledger, operations, payouts, wallet, webhooks
from payments.gateways.stripe import events
from payments.models import Chargeback, GatewayEvent, GatewayOperation
from payments.states import ChargebackState, OperationState
from tests.factories import NOON, open_book, owner_of, paid_payment, reread, usd
from tests.fake_stripe.control import WEBHOOK_SECRET
from tests.fake_stripe.webhooks import signed
from tests.payments.stripe.support import gateway, with_bank, with_card

pytestmark = pytest.mark.django_db

URL = "/payments/webhooks/stripe/"
PURPOSE = "test_webhooks"
LATER = timedelta(days=6)


@pytest.fixture(autouse=True)
def noon(stripe_on):
    stripe_on.stop_clock(NOON)
    with clock.at(NOON):
        yield


@pytest.fixture(autouse=True)
def _a_purpose(monkeypatch):
    """A floor above that leaves the money as credit."""
    monkeypatch.setitem(operations._purposes, PURPOSE, keep_as_credit)


@transaction.atomic
def keep_as_credit(operation_id, outcome):
    operation = locks.row(GatewayOperation.objects.filter(pk=operation_id), Rank.OPERATION)
    if operation.is_open:
        operations.record(operation, ledger.lock(operation.book_id), outcome)


@transaction.atomic
def begin(book, method):
    return operations.start(
        book=ledger.lock(book.pk),
        purpose=PURPOSE,
        purpose_id=7,
        amount=usd(50),
        method=method,
        key="key",
        by=owner_of(book.client),
    )


@pytest.fixture
def book():
    return open_book()


@pytest.fixture
def operation(stripe_on, book):
    """A charge that was begun; nobody called yet."""
    return begin(book, with_card(stripe_on, book.client))


def post(body, headers):
    """As Stripe does: no session, no form key."""
    client = Client(enforce_csrf_checks=True)
    return client.post(URL, body, content_type="application/json", headers=headers).status_code


def deliver(stripe_on, **how):
    """Bring what Stripe has to tell, and let a worker take it."""
    statuses = stripe_on.deliver(post, **how)
    for event in GatewayEvent.objects.filter(due_at__isnull=False).order_by("pk"):
        webhooks.handle(event.pk)
    return statuses


def an_event(kind="payment_intent.succeeded", about="pi_1", event_id="evt_1"):
    return {
        "id": event_id,
        "object": "event",
        "type": kind,
        "data": {"object": {"id": about, "object": kind.split(".")[0]}},
    }


class TestReceived:
    def test_signed_message_is_stored_and_queued(self):
        assert post(*signed(an_event(), WEBHOOK_SECRET)) == 200

        event = GatewayEvent.objects.get()
        assert (event.gateway, event.event_id) == ("stripe", "evt_1")
        assert (event.kind, event.about) == ("payment_intent.succeeded", "pi_1")
        assert (event.received_at, event.due_at) == (NOON, NOON + timedelta(minutes=1))
        assert "payments.webhooks.handle" in [task.task["func"] for task in OrmQ.objects.all()]

    def test_same_message_again_is_nothing_new(self):
        for _ in range(2):
            assert post(*signed(an_event(), WEBHOOK_SECRET)) == 200

        assert GatewayEvent.objects.count() == 1
        assert OrmQ.objects.count() == 1

    def test_message_of_no_interest_is_thanked_for(self):
        assert post(*signed(an_event("invoice.paid"), WEBHOOK_SECRET)) == 200

        assert not GatewayEvent.objects.exists()

    def test_message_about_accounts_has_a_secret_of_its_own(self, settings):
        settings.STRIPE_CONNECT_WEBHOOK_SECRET = "whsec_connect"
        message = an_event("payout.paid", "po_1") | {"account": "acct_1"}

        assert post(*signed(message, "whsec_connect")) == 200
        assert post(*signed(an_event(), WEBHOOK_SECRET)) == 200

        assert GatewayEvent.objects.get(event_id="evt_1").account == "acct_1"

    @pytest.mark.parametrize(
        "event",
        [
            [],
            "text",
            {},
            {"object": "event"},
            an_event() | {"data": {}},
            an_event() | {"data": {"object": {}}},
            an_event() | {"object": "v2.core.event"},
        ],
    )
    def test_signed_body_that_is_no_event_is_refused(self, event):
        assert post(*signed(event, WEBHOOK_SECRET)) == 400

        assert not GatewayEvent.objects.exists()

    @pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"null"])
    def test_body_that_is_no_message_is_refused(self, body):
        _, headers = signed(an_event(), WEBHOOK_SECRET)

        assert post(body, headers) == 400

    @pytest.mark.parametrize("signature", ["", "t=1", "v1=x", "t=x,v1=y", "nonsense", "t=1,v1=00"])
    def test_message_without_a_true_signature_is_refused(self, signature):
        body, _ = signed(an_event(), WEBHOOK_SECRET)

        assert post(body, {"Stripe-Signature": signature}) == 400
        assert not GatewayEvent.objects.exists()

    def test_message_signed_with_another_secret_is_refused(self):
        assert post(*signed(an_event(), "whsec_other")) == 400

    def test_message_that_was_changed_on_the_way_is_refused(self):
        body, headers = signed(an_event(), WEBHOOK_SECRET)

        assert post(body.replace(b"pi_1", b"pi_2"), headers) == 400

    def test_old_message_is_refused(self):
        body, headers = signed(an_event(), WEBHOOK_SECRET, at=1_000_000_000)

        assert post(body, headers) == 400

    def test_site_without_secrets_believes_nobody(self, settings):
        settings.STRIPE_WEBHOOK_SECRET = ""

        assert post(*signed(an_event(), "")) == 400

    def test_refusal_says_nothing(self):
        answer = Client().post(URL, b"{}", content_type="application/json")

        assert (answer.status_code, answer.content) == (400, b"")
        assert not answer.cookies

    def test_nobody_can_look_at_it(self, client):
        assert reverse("stripe_webhook") == URL
        assert client.get(URL).status_code == 405

    def test_operator_reads_the_same_list_of_events(self):
        text = Path("docs/operating.md").read_text()

        assert [kind for kind in sorted(events.KINDS) if f"`{kind}`" not in text] == []


class TestCharges:
    def test_charge_is_settled_by_what_stripe_says_when_asked(self, stripe_on, operation, book):
        stripe_on.lose_next_answer("POST /v1/payment_intents")
        operations.carry_out(operation.pk)

        assert set(deliver(stripe_on)) == {200}

        operation.refresh_from_db()
        assert operation.state == OperationState.SUCCEEDED
        assert operation.reference.startswith("pi_")
        assert reread(book).credit == usd(50)

    def test_told_twice_and_in_reverse_it_is_posted_once(self, stripe_on, operation, book):
        operations.carry_out(operation.pk)

        deliver(stripe_on, twice=True, reverse=True)

        assert reread(book).credit == usd(50)
        assert {one.due_at for one in GatewayEvent.objects.all()} == {None}

    def test_lie_in_a_message_moves_nothing(self, stripe_on, operation, book):
        stripe_on.slow_next()
        operations.carry_out(operation.pk)
        operation.refresh_from_db()
        told = an_event(about=operation.reference)
        told["data"]["object"] |= {"status": "succeeded", "amount": 999_999}

        assert post(*signed(told, WEBHOOK_SECRET)) == 200
        webhooks.handle(GatewayEvent.objects.get(event_id="evt_1").pk)

        operation.refresh_from_db()
        assert operation.state == OperationState.UNKNOWN
        assert reread(book).credit == usd(0)

    def test_charge_of_another_site_is_left_alone(self, stripe_on, stripe_client):
        asked = {
            "amount": 700,
            "currency": "usd",
            "confirm": True,
            "payment_method": "pm_card_visa",
            "allowed_payment_method_types": ["card"],
            "metadata": {"key": "theirs"},
        }
        stripe_client.v1.payment_intents.create(asked)

        assert set(deliver(stripe_on)) == {200}
        assert not GatewayEvent.objects.filter(due_at__isnull=False).exists()

    def test_object_that_is_not_there_is_nothing(self):
        for number, kind in enumerate(sorted(events.KINDS)):
            told = an_event(kind, f"none_{number}", f"evt_{number}") | {"account": "acct_none"}
            post(*signed(told, WEBHOOK_SECRET))

        for event in GatewayEvent.objects.order_by("pk"):
            webhooks.handle(event.pk)

        assert not GatewayEvent.objects.filter(due_at__isnull=False).exists()


def test_payout_to_the_operators_own_bank_is_its_own_business(stripe_on):
    """A payout from our own account to our own bank has no connected account."""
    post(*signed(an_event("payout.paid", "po_own"), WEBHOOK_SECRET))

    webhooks.handle(GatewayEvent.objects.get().pk)

    assert not list(stripe_on.asked("GET /v1/payouts/po_own"))


class TestPutOff:
    def test_message_is_due_again_when_stripe_is_silent(self, stripe_on, operation, book):
        stripe_on.lose_next_answer("POST /v1/payment_intents")
        operations.carry_out(operation.pk)
        stripe_on.deliver(post)
        event = GatewayEvent.objects.get(kind="payment_intent.succeeded")
        stripe_on.break_next("GET /v1/payment_intents")

        with pytest.raises(Exception, match="APIError"):
            webhooks.handle(event.pk)

        event.refresh_from_db()
        assert (event.attempts, event.due_at) == (1, NOON + timedelta(minutes=1))
        assert reread(book).credit == usd(0)

    def test_sweep_takes_what_no_worker_took(self, stripe_on, operation, book):
        stripe_on.lose_next_answer("POST /v1/payment_intents")
        operations.carry_out(operation.pk)
        stripe_on.deliver(post)

        ran = sweeping.run(as_of=NOON + timedelta(minutes=1), only="payments.gateway_events")

        assert sum(one.done for one in ran) == GatewayEvent.objects.count()
        assert reread(book).credit == usd(50)

    def test_handled_message_is_not_handled_again(self, stripe_on, operation):
        operations.carry_out(operation.pk)
        deliver(stripe_on)
        asked = len(stripe_on.calls)

        for event in GatewayEvent.objects.all():
            webhooks.handle(event.pk)

        assert len(stripe_on.calls) == asked


class TestOutside:
    def test_card_is_kept_although_nobody_came_back(self, stripe_on, book):
        page = gateway().add_method(book.client, back_to="/payments/methods/added/")
        stripe_on.save_card(page)

        deliver(stripe_on, twice=True)

        (method,) = wallet.saved_methods(book.client)
        assert method.label == "Visa ending 4242"

    def test_card_that_was_removed_does_not_come_back_by_a_late_message(self, stripe_on, book):
        page = gateway().add_method(book.client, back_to="/payments/methods/added/")
        session = stripe_on.save_card(page).rsplit("=", 1)[1]
        by = owner_of(book.client)
        wallet.remove(wallet.take_saved(book.client, session, by=by), by=by)

        deliver(stripe_on)

        assert wallet.saved_methods(book.client) == []

    def test_bank_account_is_known_although_nobody_came_back(self, stripe_on, book):
        account = with_bank(stripe_on, book.talent)

        deliver(stripe_on)

        known = wallet.identity(book.talent, "stripe")
        assert (known.can_be_paid, known.destination) == (True, account)

    def test_session_without_customer_is_nobodys(self, stripe_on, stripe_client):
        asked = {
            "mode": "setup",
            "allowed_payment_method_types": ["card"],
            "success_url": "http://testserver/",
        }
        stripe_on.save_card(stripe_client.v1.checkout.sessions.create(asked).id)

        assert set(deliver(stripe_on)) == {200}

    def test_dispute_is_taken_and_decided(self, stripe_on, operation, book):
        operations.carry_out(operation.pk)
        operation.refresh_from_db()
        dispute = stripe_on.dispute(operation.reference)

        deliver(stripe_on, twice=True, reverse=True)
        assert reread(book).credit == usd(0)
        stripe_on.settle_dispute(dispute["id"], won=True)
        deliver(stripe_on, reverse=True)

        chargeback = Chargeback.objects.get()
        assert (chargeback.reference, chargeback.state) == (dispute["id"], ChargebackState.WON)
        assert reread(book).credit == usd(50)

    def test_withdrawal_that_the_bank_sends_back_is_available_again(self, stripe_on):
        other = open_book()
        operations.carry_out(begin(other, with_card(stripe_on, other.client)).pk)
        talent = paid_payment(usd(20)).book.talent
        account = with_bank(stripe_on, talent, "sends_back")
        deliver(stripe_on)
        with clock.at(NOON + LATER):
            stripe_on.stop_clock(NOON + LATER)
            sent = payouts.withdraw(
                talent, amount=usd(18), destination=account, key="out", by=owner_of(talent)
            )
            assert payouts.available(talent, "USD", clock.now()) == usd(0)
            for _ in range(3):
                stripe_on.advance_payouts()
            deliver(stripe_on, twice=True, reverse=True)

            sent.refresh_from_db()
            assert sent.state == OperationState.RETURNED
            assert payouts.available(talent, "USD", clock.now()) == usd(18)


def test_message_is_kept_without_its_contents():
    told = an_event()
    told["data"]["object"]["receipt_email"] = "person@example.com"

    assert post(*signed(told, WEBHOOK_SECRET)) == 200

    (row,) = GatewayEvent.objects.values()
    assert "person@example.com" not in str(row)
