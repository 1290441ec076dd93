"""Support looks at money from and to the outside world, and acts on what waits there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.urls import reverse

from marketplace import clock, policy
from payments import chargebacks, ledger, maturing, operations, outgoing, reconciling
from payments.gateways import sandbox
from payments.gateways.base import Dispute
from payments.models import (
    Chargeback,
    GatewayEvent,
    GatewayOperation,
    Reconciliation,
    SandboxMovement,
)
from payments.outgoing import Outgoing
from payments.states import ChargebackState, OperationState
from tests import desk
from tests.factories import NOON, fund, owner_of, paid_payment, planned, usd

pytestmark = pytest.mark.django_db

EVIDENCE = NOON + timedelta(days=5)


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


@pytest.fixture
def browser():
    return desk.signed_in(desk.support())


def taken(state=ChargebackState.OPEN, *, reference: str = "dp_1") -> Chargeback:
    """The bank took a charge of $500.00 back, which is in escrow."""
    milestone = fund(planned(usd(500)))
    charge = GatewayOperation.objects.get(book=milestone.contract.book_id)
    dispute = Dispute(reference, charge.key, usd(500), state, "Fraudulent", NOON, EVIDENCE)
    found = chargebacks.take(dispute, gateway="sandbox")
    assert found is not None
    return found


def withdrawn(destination: str, key: str = "w-1") -> GatewayOperation:
    """A talent withdraws $90.00 of the $450.00 that it was paid."""
    payment = paid_payment(usd(500))
    book = payment.book
    with clock.at(payment.available_at):
        maturing.mature([payment.pk])
    with transaction.atomic():
        kept = ledger.lock_accounts([book.available_account_id])
        sent = Outgoing(kept[book.available_account_id], usd(90), destination, "A bank", key)
        [operation] = outgoing.begin([sent], kept, by=owner_of(book.talent))
    return operations.carry_out(operation.pk)


def listed(browser, model: str, queue: str) -> str:
    answer = browser.get(reverse(f"admin:payments_{model}_changelist"), {"queue": queue})
    assert answer.status_code == 200
    return answer.content.decode()


# Withdrawals -------------------------------------------------------------------------------------


def test_withdrawal_is_settled_by_asking(browser):
    operation = withdrawn(sandbox.RECEIVES_LATE)
    assert operation.is_open

    desk.confirm(browser, desk.action(operation, "settle"))

    assert GatewayOperation.objects.get(pk=operation.pk).state == OperationState.SUCCEEDED


def test_settling_a_withdrawal_says_what_happens(browser):
    operation = withdrawn(sandbox.RECEIVES_LATE)

    page = browser.post(desk.action(operation, "settle"), {"reason": desk.REASON})

    words = page.content.decode()
    assert "$90.00 comes back to the available money of" in words
    assert "is posted to the credit" not in words


def test_queues_of_operations_show_what_they_say(browser):
    open_one = withdrawn(sandbox.RECEIVES_LATE, "w-open")
    back = withdrawn(sandbox.REFUSES, "w-back")

    assert listed(browser, "gatewayoperation", "open").count("A bank") == 1
    assert sandbox.PAYOUT_REFUSED in listed(browser, "gatewayoperation", "back")
    payouts = listed(browser, "gatewayoperation", "payouts")
    assert open_one.owner.name in payouts
    assert back.owner.name in payouts
    assert "A bank" not in listed(browser, "gatewayoperation", "bank")


def test_operations_are_found_by_the_talent_that_withdraws(browser):
    operation = withdrawn(sandbox.RECEIVES)
    address = reverse("admin:payments_gatewayoperation_changelist")

    found = browser.get(address, {"q": operation.owner.name}).content.decode()
    by_key = browser.get(address, {"q": "w-1"}).content.decode()
    nobody = browser.get(address, {"q": "Nobody"}).content.decode()

    assert "A bank" in found
    assert "A bank" in by_key
    assert "A bank" not in nobody


# Chargebacks -------------------------------------------------------------------------------------


def test_chargebacks_are_sorted_by_until_when_the_bank_is_answered(browser):
    chargeback = taken()

    page = listed(browser, "chargeback", "open")

    assert chargeback.book.client.name in page
    assert "The bank decides without an answer" in page
    assert "Support" in page


def test_lost_chargeback_is_written_off(browser):
    chargeback = taken(ChargebackState.LOST)

    desk.confirm(browser, desk.action(chargeback, "write-off"))

    again = Chargeback.objects.get()
    assert again.state == ChargebackState.WRITTEN_OFF
    assert not chargebacks.blocks(again.book.client)
    assert desk.logged(chargeback).endswith("Before: decided for the client. After: written off.")


def test_open_chargeback_is_not_written_off(browser):
    page = browser.get(desk.action(taken(), "write-off")).content.decode()

    assert "This is no longer possible" in page


def test_write_off_needs_its_permission():
    chargeback = taken(ChargebackState.LOST)
    stranger = desk.signed_in(desk.staff_with("payments.view_chargeback"))

    assert stranger.get(desk.action(chargeback, "write-off")).status_code == 403
    assert Chargeback.objects.get().state == ChargebackState.LOST


def test_chargebacks_stand_among_the_clocks(browser):
    taken()
    taken(ChargebackState.LOST, reference="dp_2")

    page = browser.get(reverse("admin:clocks")).content.decode()

    assert "The bank decides without an answer" in page
    assert "The client cannot offer or fund" in page


# Messages ----------------------------------------------------------------------------------------


def told(**values) -> GatewayEvent:
    """A message about an operation, which is looked up."""
    operation = withdrawn(sandbox.RECEIVES_LATE)
    GatewayOperation.objects.filter(pk=operation.pk).update(reference="po_1")
    return GatewayEvent.objects.create(
        gateway="sandbox",
        event_id="evt_1",
        kind="payout.paid",
        about="po_1",
        received_at=NOON,
        attempts=2,
        due_at=NOON + timedelta(hours=1),
        **values,
    )


def test_message_is_handled_again(browser):
    event = told()

    desk.confirm(browser, desk.action(event, "handle"))

    assert GatewayEvent.objects.get().handled_at == NOON
    assert GatewayOperation.objects.get(key="w-1").state == OperationState.SUCCEEDED
    assert desk.logged(event).endswith("Before: not handled, tried 2 times. After: handled.")


def test_messages_that_failed_have_their_queue(browser):
    told()

    assert "payout.paid" in listed(browser, "gatewayevent", "open")


# Days --------------------------------------------------------------------------------------------


@pytest.fixture
def differing():
    """A movement that is none of ours, on a day that is over."""
    SandboxMovement.objects.create(key="x-9", amount_minor=700, currency="USD", at=NOON)
    with clock.at(NOON + timedelta(days=1)):
        reconciling.reconcile("sandbox", NOON.date())
        yield Reconciliation.objects.get()


def test_day_that_differs_is_named(browser, differing):
    assert "$7.00" in listed(browser, "reconciliation", "differs")

    page = browser.get(reverse("admin:payments_reconciliation_change", args=[differing.pk]))

    assert "x-9: $7.00 in on 2026-11-19 12:00 UTC and is none of ours." in page.content.decode()


def test_day_is_compared_again(browser, differing):
    SandboxMovement.objects.update(amount_minor=900)

    desk.confirm(browser, desk.action(differing, "compare"))

    assert Reconciliation.objects.get().theirs_minor == 900


def test_dashboard_says_how_much_waits(browser, differing):
    taken()
    withdrawn(sandbox.RECEIVES_LATE)

    with clock.at(NOON + policy.RECONCILED_AGAIN):
        page = browser.get(reverse("admin:index")).content.decode()

    assert "1 not settled, 0 of them at the client" in page
    assert "1 on their way." in page
    assert "1 with the bank, 0 lost and not covered." in page
    assert "1 days differ from the books, 0 could not be compared." in page
    assert "0 failed and are tried again." in page
