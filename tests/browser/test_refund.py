"""A freelancer gives part of a payment back, asked or not: figures first, then the refund."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect

from payments import refund_requests
from payments.models import Refund, RefundRequest
from tests.factories import owner_of, paid_payment, reread, usd

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def payment():
    return paid_payment(usd(500))


def sign_in(page: Page, user, live_server) -> None:
    session = Client()
    session.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    cookie = {"name": name, "value": session.cookies[name].value, "url": live_server.url}
    page.context.add_cookies([cookie])


def complaints(page: Page) -> list[str]:
    return [
        f"{page.url}: {found['id']} {node['html']}"
        for found in Axe().run(page).response["violations"]
        for node in found["nodes"]
    ]


def widest(page: Page) -> int:
    return page.evaluate("document.documentElement.scrollWidth")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_talent_refunds_part_of_a_payment(open_page, live_server, payment, scripts):
    page = open_page(viewport={"width": 1280, "height": 800}, java_script_enabled=scripts)
    sign_in(page, owner_of(payment.book.talent).user, live_server)

    page.goto("/payments/")
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


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_client_asks_and_talent_grants_a_part_by_keyboard(open_page, live_server, payment, scripts):
    page = open_page(viewport={"width": 1280, "height": 800}, java_script_enabled=scripts)
    sign_in(page, owner_of(payment.book.client).user, live_server)
    page.goto("/payments/")
    page.get_by_role("link", name="Ask for a refund").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Another amount").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.type("50")
    page.keyboard.press("Tab")
    page.keyboard.type("Half was missing.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="You asked for $50.00 back")).to_be_visible()

    sign_in(page, owner_of(payment.book.talent).user, live_server)
    page.goto(f"/payments/{payment.pk}/refund/")
    expect(page.get_by_text("Half was missing.")).to_be_visible()
    page.get_by_label("What was asked for").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Show what happens").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("What will happen")).to_be_visible()
    page.get_by_role("button", name="Refund $50.00").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_text("You refunded $50.00")).to_be_visible()
    assert RefundRequest.objects.get().state == "granted"
    assert reread(payment.book).credit == usd(50)


def test_talent_declines_without_scripts_and_the_client_reads_why(open_page, live_server, payment):
    by = owner_of(payment.book.client)
    refund_requests.ask(payment, amount=usd(50), reason="Half was missing.", key="", by=by)
    page = open_page(viewport={"width": 360, "height": 800}, java_script_enabled=False)
    sign_in(page, owner_of(payment.book.talent).user, live_server)

    page.goto(f"/payments/{payment.pk}/refund/")
    page.get_by_label("Reason").last.fill("All was delivered.")
    page.get_by_role("button", name="Decline").click()

    expect(page.get_by_text("You declined")).to_be_visible()
    sign_in(page, by.user, live_server)
    page.goto(f"/payments/{payment.pk}/refund/ask/")
    expect(page.get_by_text("All was delivered.")).to_be_visible()
    assert not Refund.objects.exists()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_money_pages_are_accessible_and_fit(open_page, live_server, payment, width, scheme):
    page = open_page(
        viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    )
    sign_in(page, owner_of(payment.book.talent).user, live_server)

    found = []
    for path in ("/payments/", f"/payments/{payment.pk}/refund/"):
        page.goto(path)
        found += complaints(page)
        assert widest(page) <= width
    page.get_by_label("Another amount").check()
    page.get_by_label("Amount to refund").fill("40")
    page.get_by_role("button", name="Show what happens").click()
    expect(page.get_by_text("What will happen")).to_be_visible()
    found += complaints(page)

    assert not found
    assert widest(page) <= width
