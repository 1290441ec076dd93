"""The pages a person is led to, as a browser sees them."""

from __future__ import annotations

import urllib.error
import urllib.request
from urllib.parse import urlencode

import pytest
import stripe

from tests.fake_stripe import FakeStripe
from tests.fake_stripe.playing import BACK, RETURN, payee, payer


class Stay(urllib.request.HTTPRedirectHandler):
    """Says where a page leads to, and does not go there."""

    def redirect_request(self, *args: object) -> None:
        return None


def visit(address: str, **typed: str) -> tuple[int, str]:
    """Status, and the page or the address it leads to."""
    opener = urllib.request.build_opener(Stay)
    body = urlencode(typed).encode() if typed else None
    try:
        with opener.open(address, body, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.headers.get("Location") or answer.read().decode()


@pytest.fixture
def session(stripe_client: stripe.StripeClient) -> stripe.checkout.Session:
    customer = stripe_client.v1.customers.create({})
    return stripe_client.v1.checkout.sessions.create(
        {
            "mode": "setup",
            "currency": "usd",
            "customer": customer.id,
            "success_url": BACK,
            "cancel_url": "https://closeout.example/methods?a=1&b=2",
        }
    )


def test_card_is_chosen_on_the_page(session: stripe.checkout.Session) -> None:
    assert session.url is not None
    status, page = visit(session.url)
    assert status == 200
    assert "Card whose bank asks its owner each time" in page
    assert 'href="https://closeout.example/methods?a=1&amp;b=2"' in page

    led = visit(session.url, card="pm_card_visa", do="save")

    assert led == (303, f"https://closeout.example/back?session={session.id}")
    assert "cannot be used any more" in visit(session.url)[1]


def test_card_that_cannot_be_saved_leaves_the_page_open(
    fake_stripe: FakeStripe, session: stripe.checkout.Session
) -> None:
    assert session.url is not None

    status, page = visit(session.url, card="pm_card_visa_chargeDeclined", do="save")

    assert status == 402
    assert "Your card was declined." in page
    assert fake_stripe.all("checkout.session")[0]["status"] == "open"


def test_bank_asks_and_leads_back(fake_stripe: FakeStripe) -> None:
    intent = payer(fake_stripe, "pm_card_authenticationRequired").pay(
        off_session=False, return_url=RETURN
    )
    address = f"{fake_stripe.base}/bank/{intent.id}"
    assert "50.00 USD" in visit(address)[1]

    status, led = visit(address, do="yes")

    assert status == 303
    assert led.endswith("redirect_status=succeeded")
    assert "nothing to confirm" in visit(address)[1]


def test_onboarding_link_opens_once(
    fake_stripe: FakeStripe, stripe_client: stripe.StripeClient
) -> None:
    account = stripe_client.v1.accounts.create({"type": "express"})
    link = stripe_client.v1.account_links.create(
        {
            "account": account.id,
            "type": "account_onboarding",
            "return_url": "https://closeout.example/named",
            "refresh_url": "https://closeout.example/again",
        }
    )
    assert visit(link.url)[0] == 200

    assert visit(link.url) == (303, "https://closeout.example/again")
    assert visit(link.url, bank="refuses") == (303, "https://closeout.example/named")
    found = stripe_client.v1.accounts.retrieve(account.id)
    assert found.external_accounts is not None
    assert found.external_accounts.data[0].last4 == "1113"


def test_desk_lets_things_happen(fake_stripe: FakeStripe) -> None:
    ada, account = payer(fake_stripe), payee(fake_stripe)
    intent = ada.pay(50_000)
    ada.client.v1.transfers.create({"amount": 900, "currency": "usd", "destination": account})
    payout = ada.client.v1.payouts.create(
        {"amount": 900, "currency": "usd"}, {"stripe_account": account}
    )
    desk = f"{fake_stripe.base}/"
    refund = ada.client.v1.refunds.create({"payment_intent": intent.id, "amount": 100})

    assert refund.id in visit(desk)[1]
    visit(desk, do=f"fail:{refund.id}")
    visit(desk, do=f"failed:{payout.id}")
    visit(desk, do=f"dispute:{intent.latest_charge}")
    (dispute,) = fake_stripe.all("dispute")
    visit(desk, do=f"lost:{dispute['id']}")

    assert fake_stripe.all("refund")[0]["status"] == "failed"
    assert fake_stripe.all("payout")[0]["status"] == "failed"
    assert fake_stripe.all("dispute")[0]["status"] == "lost"
    waiting = len(fake_stripe.held)
    visit(desk, do="again:last")
    assert len(fake_stripe.held) == waiting + 1


def test_strange_addresses_are_not_there(fake_stripe: FakeStripe) -> None:
    for path in ("/elsewhere", "/pay/cs_none", "/bank/pi_none", "/connect/acct_none"):
        assert visit(f"{fake_stripe.base}{path}")[0] == 404
