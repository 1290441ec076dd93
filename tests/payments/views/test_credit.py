"""Sending credit back: what goes where before it goes, then once; and the choice beside it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from marketplace import clock
from marketplace.money import Money
from marketplace.states import Role
from payments import operations
from payments.gateways import sandbox
from payments.models import GatewayOperation
from payments.states import OperationKind
from tests.factories import (
    NOON,
    FreelancerFactory,
    member_of,
    open_book,
    owner_of,
    reread,
    usd,
)
from tests.pages import Browser
from tests.payments.crediting import (
    PURPOSE,
    another_book,
    charged,
    credit_of,
    disputed_at_the_sandbox,
    from_nowhere,
    keep_as_credit,
)

pytestmark = pytest.mark.django_db

URL = "/payments/credit/back/"
LATER = NOON + timedelta(days=1)


@pytest.fixture(autouse=True)
def _a_purpose(monkeypatch):
    monkeypatch.setitem(operations._purposes, PURPOSE, keep_as_credit)


@pytest.fixture(autouse=True)
def _later():
    with clock.at(LATER):
        yield


@pytest.fixture
def book():
    """$100 charged for one contract, $200 for another an hour later: $300 of credit."""
    book = open_book(title="Website")
    with clock.at(NOON - timedelta(hours=1)):
        charged(book, usd(100))
    with clock.at(NOON):
        charged(another_book(book.client, title="Logo refresh"), usd(200))
    return book


@pytest.fixture
def browser(book):
    return Browser.of(owner_of(book.client)).confirmed()


def sent_back() -> list[Money]:
    back = GatewayOperation.objects.filter(kind=OperationKind.CREDIT_BACK).order_by("pk")
    return [one.amount for one in back]


def test_page_says_how_much_can_go_where(browser):
    page = browser.open(URL)

    assert "Can go back now $300.00" in page.text
    assert "Stays as credit" not in page.text
    assert "charged 19 November 2026 for Logo refresh" in page.details("Where it can go")
    assert page.effects("Where it can go") == {"To Sandbox card that pays": "$100.00"}


def test_page_says_what_stays_and_why(browser, book):
    from_nowhere(book, usd(30))

    assert (
        "Stays as credit $30.00 The rest came from no charge that can take it back."
        " What stays pays your next charge first." in browser.open(URL).text
    )


def test_figures_come_first_and_move_nothing(browser, book):
    page = browser.open(URL).press("Show what happens", choice="part", amount="250")

    details = page.details("What will happen")
    assert "charged 19 November 2026 for Logo refresh $200.00" in details
    assert "charged 19 November 2026 for Website $50.00" in details
    assert "Stays as your credit It pays your next charge first. $50.00" in details
    assert sent_back() == []
    assert reread(book).credit == usd(300)


def test_confirmed_figures_are_sent_once_and_told(browser, book):
    page = browser.open(URL).press("Show what happens", choice="part", amount="250")

    done = page.press("Send $250.00 back")
    again = page.press("Send $250.00 back")

    assert done.url == again.url == reverse("payments")
    assert sent_back() == [usd(200), usd(50)]
    receipt = (
        "$250.00 of your credit is on its way back ($200.00 to Sandbox card that pays,"
        " $50.00 to Sandbox card that pays)."
    )
    assert receipt in done.flash
    assert receipt in again.flash
    assert reread(book).credit == usd(50)


def test_all_of_it_goes_and_then_there_is_none(browser, book):
    browser.open(URL).press("Show what happens", choice="all").press("Send $300.00 back")

    assert reread(book).credit == usd(0)
    assert "You have no credit" in browser.open(URL).text


def test_figures_that_were_not_shown_are_shown_first(browser):
    page = browser.open(URL).press("Show what happens", choice="part", amount="250")

    other = page.press("Send $250.00 back", amount="10")

    assert "Send $10.00 back" in other.buttons()
    assert sent_back() == []


def test_figures_that_changed_are_shown_again(browser, book):
    page = browser.open(URL).press("Show what happens", choice="all")
    charged(book, usd(40))

    changed = page.press("Send $300.00 back")

    assert "Send $340.00 back" in changed.buttons()
    assert sent_back() == []


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({}, "Choose how much to send back."),
        ({"choice": "all", "amount": "5"}, "Leave this empty, or choose another amount."),
        ({"choice": "part", "amount": ""}, "Type an amount."),
        ({"choice": "part", "amount": "0"}, "Type an amount above zero."),
        ({"choice": "part", "amount": "300.01"}, "At most $300.00 can be sent back now"),
    ],
)
def test_what_is_typed_wrong_is_said_beside_it(browser, typed, sentence):
    page = browser.open(URL).press("Show what happens", **typed)

    assert any(sentence in alert for alert in page.alerts)
    assert sent_back() == []


def test_what_the_card_refuses_is_told_at_once(browser, book):
    with clock.at(NOON + timedelta(hours=1)):
        disputed_at_the_sandbox(charged(book, usd(60), sandbox.DISPUTED))

    page = browser.open(URL).press("Show what happens", choice="part", amount="100")
    done = page.press("Send $100.00 back")

    assert "$40.00 of your credit is on its way back to Sandbox card that pays." in done.flash
    assert "$60.00 could not be sent back to Sandbox card whose owner disputes" in done.flash
    assert reread(book).credit == usd(320)


def test_nothing_can_go_back_and_the_page_says_why():
    book = open_book()
    from_nowhere(book, usd(30))
    browser = Browser.of(owner_of(book.client)).confirmed()

    page = browser.open(URL)

    assert "The rest came from no charge that can take it back." in page.text
    assert page.buttons() == []


def test_open_charge_is_named(browser, book):
    charged(book, usd(75), sandbox.NEVER_ANSWERS)

    assert "A charge of $75.00 may count on this credit." in browser.open(URL).text


def test_each_currency_has_its_page(browser, book):
    charged(open_book(client=book.client, currency="EUR"), Money(7_000, "EUR"))

    assert "You also have $300.00 of credit" in browser.open(URL).text
    dollars = browser.open(f"{URL}?currency=USD")
    assert "Can go back now $300.00" in dollars.text
    dollars.press("Show what happens", choice="all").press("Send $300.00 back")
    assert credit_of(book.client, "EUR").balance == Money(7_000, "EUR")


@pytest.mark.parametrize("url", [URL, "/payments/credit/choice/"])
def test_credit_is_for_owners_and_managers_of_a_client(book, url):
    member = Browser.of(member_of(book.client)).confirmed()
    talent = Browser.of(owner_of(FreelancerFactory())).confirmed()

    for one in (member, talent):
        one.send(url, {"choice": "back"}, status=403)
    member.open(URL, status=403)
    assert not credit_of(book.client).goes_back
    assert Browser.of(member_of(book.client, Role.MANAGER)).confirmed().open(URL).buttons()


def test_page_asks_who_is_there_first(book):
    page = Browser.of(owner_of(book.client)).open(URL)

    assert "reauthenticate" in page.url


def test_form_sent_too_late_moves_nothing_and_keeps_what_was_typed(book):
    browser = Browser.of(owner_of(book.client))

    page = browser.send(URL, {"choice": "part", "amount": "70", "key": "k", "confirm": "yes"})
    assert "reauthenticate" in page.url
    assert sent_back() == []

    kept = browser.confirmed().open(URL).filled_in("Show what happens")
    assert (kept["choice"], kept["amount"]) == ("part", "70")


# The choice -------------------------------------------------------------------------------------


def test_choice_is_kept_and_said(browser, book):
    page = browser.open("/payments/methods/")
    assert page.filled_in("Save")["choice"] == "keep"

    chosen = page.press("Save", choice="back")

    assert "goes back to what was charged from now on" in chosen.flash
    assert credit_of(book.client).goes_back
    assert chosen.filled_in("Save")["choice"] == "back"
    back = chosen.press("Save", choice="keep")
    assert "stays as credit from now on" in back.flash
    assert not credit_of(book.client).goes_back


def test_choice_of_nothing_is_refused(browser, book):
    page = browser.send("/payments/credit/choice/", {"choice": "away"})

    assert "Select a valid choice" in page.flash
    assert not credit_of(book.client).goes_back


# Cost -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [1, 3])
def test_page_takes_as_many_queries_for_one_charge_as_for_three(more):
    book = open_book()
    for _ in range(more):
        charged(book, usd(10))
    browser = Browser.of(owner_of(book.client)).confirmed()

    assert browser.count(URL) == 7
