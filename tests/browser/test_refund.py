"""A freelancer gives part of a payment back: figures first, then the refund, by keyboard too."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect

from payments.models import Refund
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
