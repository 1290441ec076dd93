"""Before money leaves, or goes elsewhere: who is there has shown a moment ago who they are."""

from __future__ import annotations

import time
from urllib.parse import quote

import pytest
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.contrib.messages import get_messages
from django.core import mail
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.urls import include, path, reverse

from marketplace import typed
from marketplace.views.sure import NOTHING_YET, RecentlySignedInView
from tests.factories import MembershipFactory
from tests.pages import be_sure

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

SENT: list[str] = []
PAGE = "/money/?currency=EUR"
ASKED = f"/accounts/reauthenticate/?next={quote(PAGE, safe='')}"


def said(text: str) -> HttpResponse:
    return HttpResponse(text, content_type="text/plain")


class SendMoney(RecentlySignedInView):
    def must_be_sure(self) -> bool:
        return self.actor.manages

    def get(self, request):
        return said(typed.kept_for(request).get("amount", "empty"))

    def post(self, request):
        SENT.append(request.POST["amount"])
        return said("sent")


urlpatterns = [
    path("money/", SendMoney.as_view()),
    path("", include("marketplace.urls")),
]


@pytest.fixture(autouse=True)
def nothing_sent_and_nothing_tried():
    SENT.clear()
    cache.clear()


@pytest.fixture
def me():
    return MembershipFactory(user__email="robin@example.com")


@pytest.fixture
def browser(client: Client, me):
    client.force_login(me.user)
    return client


def confirm(browser: Client, password: str = "secret", next_page: str = PAGE):
    return browser.post(
        reverse("account_reauthenticate"), {"password": password, "next": next_page}
    )


def grow_old(browser: Client) -> None:
    session = browser.session
    records = session[AUTHENTICATION_METHODS_SESSION_KEY]
    records[-1]["at"] = time.time() - settings.ACCOUNT_REAUTHENTICATION_TIMEOUT - 1
    session[AUTHENTICATION_METHODS_SESSION_KEY] = records
    session.save()


def send(browser: Client):
    data = {"amount": "12.50", "key": "k", "password": "x", "confirm": "on"}
    return browser.post(PAGE, data, headers={"referer": f"http://testserver{PAGE}"})


def test_page_asks_first_and_leads_back(browser):
    assert browser.get(PAGE)["Location"] == ASKED

    assert confirm(browser)["Location"] == PAGE

    assert browser.get(PAGE).content == b"empty"


def test_form_of_somebody_not_sure_changes_nothing_and_keeps_what_was_typed(browser):
    answer = send(browser)

    assert answer["Location"] == ASKED
    assert [str(one) for one in get_messages(answer.wsgi_request)] == [NOTHING_YET]
    assert SENT == []

    assert confirm(browser)["Location"] == PAGE
    assert SENT == []
    assert browser.get(PAGE).content == b"12.50"
    assert browser.get(PAGE).content == b"empty"


def test_consents_keys_and_passwords_are_not_kept(browser):
    send(browser)

    assert browser.session[typed.SESSION_KEY]["fields"] == {"amount": "12.50"}


def test_wrong_password_changes_nothing(browser):
    send(browser)

    assert confirm(browser, password="wrong").status_code == 200

    assert browser.get(PAGE)["Location"] == ASKED
    assert send(browser)["Location"] == ASKED
    assert SENT == []


def test_confirmation_that_is_too_old_is_asked_for_again(browser):
    confirm(browser)
    grow_old(browser)

    assert browser.get(PAGE)["Location"] == ASKED
    assert send(browser)["Location"] == ASKED
    assert SENT == []


@pytest.mark.parametrize("confirmed", [confirm, be_sure])
def test_form_of_somebody_sure_is_carried_out(browser, confirmed):
    confirmed(browser)

    assert send(browser).content == b"sent"
    assert SENT == ["12.50"]


def test_signing_in_alone_is_not_enough(client, me):
    me.user.emailaddress_set.create(email=me.user.email, verified=True, primary=True)
    client.post(reverse("account_login"), {"login": "robin@example.com", "password": "secret"})
    assert client.session["_auth_user_id"] == str(me.user.pk)

    assert client.get(PAGE)["Location"] == ASKED


def test_confirmation_of_the_person_before_does_not_count(browser):
    confirm(browser)
    browser.force_login(MembershipFactory().user)

    assert browser.get(PAGE)["Location"] == ASKED


def test_code_counts_as_well(browser, me):
    me.user.set_unusable_password()
    me.user.save()
    browser.force_login(me.user)
    TOTP.activate(me.user, generate_totp_secret())
    codes = RecoveryCodes.activate(me.user).get_unused_codes()
    asked = f"/accounts/2fa/reauthenticate/?next={quote(PAGE, safe='')}"
    assert browser.get(PAGE)["Location"] == asked

    wrong = browser.post(asked, {"code": "000000", "next": PAGE})
    assert wrong.status_code == 200
    assert browser.get(PAGE)["Location"] == asked

    assert browser.post(asked, {"code": codes[0], "next": PAGE})["Location"] == PAGE
    assert browser.get(PAGE).content == b"empty"


def test_account_without_a_password_chooses_one_by_a_link_in_its_mailbox(browser, me):
    me.user.set_unusable_password()
    me.user.save()
    me.user.emailaddress_set.create(email=me.user.email, verified=True, primary=True)
    browser.force_login(me.user)

    assert send(browser)["Location"] == f"/accounts/password/set/?next={quote(PAGE, safe='')}"
    assert SENT == []
    page = browser.get("/accounts/password/set/")
    assert "robin@example.com" in page.content.decode()
    assert "password1" not in page.content.decode()

    browser.post(reverse("account_reset_password"), {"email": "robin@example.com"})
    assert [one.to for one in mail.outbox] == [["robin@example.com"]]
    assert "/accounts/password/reset/key/" in mail.outbox[0].body


def test_first_password_is_not_set_by_whoever_sits_at_the_browser(browser, me):
    me.user.set_unusable_password()
    me.user.save()
    browser.force_login(me.user)

    chosen = {"password1": "correct horse battery", "password2": "correct horse battery"}
    browser.post(reverse("account_set_password"), chosen)

    me.user.refresh_from_db()
    assert not me.user.has_usable_password()


def test_page_that_has_an_answer_for_others_does_not_ask_them(client):
    client.force_login(MembershipFactory(role="member").user)

    assert client.get("/money/").content == b"empty"


def test_signed_out_goes_to_the_sign_in(client):
    assert client.get("/money/")["Location"] == "/accounts/login/?next=/money/"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:x"])
def test_confirming_leads_to_no_other_site(browser, elsewhere):
    assert confirm(browser, next_page=elsewhere)["Location"] == "/"


def test_guessing_is_stopped_on_a_page_of_ours(browser):
    answers = [confirm(browser, password="wrong") for _ in range(11)]

    assert [one.status_code for one in answers] == [200] * 10 + [429]
    assert "Too many tries" in answers[-1].content.decode()
    assert confirm(browser).status_code == 429
