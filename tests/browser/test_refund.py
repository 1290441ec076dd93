"""A freelancer gives part of a payment back, asked or not: figures first, then the refund."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from payments import refund_requests
from payments.models import Payment, Refund
from payments.states import RefundRequestState
from tests.browser.walking import Visit, press_to, tab_to, type_to, with_and_without_scripts
from tests.factories import owner_of, paid_payment, reread, usd

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def payment() -> Payment:
    return paid_payment(usd(500))


@with_and_without_scripts
def test_talent_refunds_part_of_a_payment(visit: Visit, payment: Payment, scripts: bool) -> None:
    page = visit(payment.book.talent, "/payments/", scripts=scripts)

    page.get_by_role("link", name="Give a refund").click()
    page.get_by_label("Another amount").check()
    page.get_by_label("Amount to refund").fill("40")
    page.get_by_label("Amount to refund").press("Enter")
    expect(page.get_by_text("What will happen")).to_be_visible()
    assert not Refund.objects.exists()
    page.get_by_role("button", name="Refund $40.00").click()

    expect(page.get_by_text("You refunded $40.00")).to_be_visible()
    assert Refund.objects.get().amount == usd(40)
    assert reread(payment.book).credit == usd(40)


@with_and_without_scripts
def test_client_asks_and_talent_grants_a_part_by_keyboard(
    visit: Visit, payment: Payment, scripts: bool
) -> None:
    client = visit(payment.book.client, "/payments/", scripts=scripts)
    press_to(client, re.compile("^Ask for a refund"))
    tab_to(client, re.compile("^All of it"))
    client.keyboard.press("ArrowDown")
    type_to(client, "Amount to ask for", "50")
    type_to(client, "Reason", "Half was missing.")
    press_to(client, "Ask for a refund")
    expect(client.get_by_role("heading", name="You asked for $50.00 back")).to_be_visible()

    talent = visit(payment.book.talent, f"/payments/{payment.pk}/refund/", scripts=scripts)
    expect(talent.get_by_text("Half was missing.")).to_be_visible()
    tab_to(talent, re.compile("^What was asked for"))
    talent.keyboard.press("Space")
    press_to(talent, "Show what happens")
    expect(talent.get_by_text("What will happen")).to_be_visible()
    press_to(talent, "Refund $50.00")

    expect(talent.get_by_text("You refunded $50.00")).to_be_visible()
    assert payment.refund_requests.get().state == RefundRequestState.GRANTED
    assert reread(payment.book).credit == usd(50)


def test_talent_declines_without_scripts_and_the_client_reads_why(
    visit: Visit, payment: Payment
) -> None:
    by = owner_of(payment.book.client)
    refund_requests.ask(payment, amount=usd(50), reason="Half was missing.", key="", by=by)
    talent = visit(payment.book.talent, f"/payments/{payment.pk}/refund/", scripts=False)

    talent.get_by_label("Reason").last.fill("All was delivered.")
    talent.get_by_role("button", name="Decline").click()

    expect(talent.get_by_text("You declined")).to_be_visible()
    client = visit(payment.book.client, f"/payments/{payment.pk}/refund/ask/", scripts=False)
    expect(client.get_by_text("All was delivered.")).to_be_visible()
    assert not Refund.objects.exists()
