"""The page on which talents withdraw: figures first, then once, and told what became of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from marketplace import clock, sweeping, typed
from marketplace.money import Money
from marketplace.states import Role
from payments import gateways, payouts
from payments.forms_payout import LOOK_AGAIN
from payments.gateways import sandbox
from payments.models import Account, GatewayOperation, Payment, SandboxCall
from payments.states import AccountKind, OperationKind, OperationState
from tests.factories import (
    NOON,
    AgencyFactory,
    FreelancerFactory,
    PartyFactory,
    member_of,
    owner_of,
    paid_payment,
    usd,
)
from tests.pages import Browser, Page

pytestmark = pytest.mark.django_db

DUE = NOON + timedelta(days=5)
URL = "/payments/withdraw/"
USD, EUR = f"{URL}?currency=USD", f"{URL}?currency=EUR"
SUM = "#withdraw-sum"


@pytest.fixture(autouse=True)
def _due():
    with clock.at(DUE):
        yield


@pytest.fixture
def talent():
    """A freelancer with $450 due."""
    return paid_at_noon(usd(500)).book.talent


@pytest.fixture
def browser(talent):
    return Browser.of(owner_of(talent)).confirmed()


def paid_at_noon(gross: Money, **values):
    with clock.at(NOON):
        return paid_payment(gross, **values)


def payouts_of(party) -> list[tuple[str, str]]:
    found = payouts.withdrawals(party).order_by("pk")
    return [(str(one.amount), one.state) for one in found]


def pressed(page: Page, **values) -> Page:
    return page.press("Withdraw", **values)


def assert_nothing_moved() -> None:
    assert not GatewayOperation.objects.filter(kind=OperationKind.PAYOUT).exists()
    assert not SandboxCall.objects.filter(kind=OperationKind.PAYOUT).exists()


# What it shows -----------------------------------------------------------------------------------


def test_page_shows_what_is_available_and_when_the_rest_is(browser, talent):
    with clock.at(DUE - timedelta(days=1)):
        paid_payment(usd(100), talent=talent, title="Brochure")

    page = browser.open(URL)

    assert "Available $450.00 can be withdrawn now" in page.text
    assert "Pending $90.00 on its way to available" in page.text
    assert "28 November 2026 Brochure $90.00" in page.text
    assert page.part(SUM) == (
        "$450.00 leaves your balance now and goes to Sandbox bank account that receives."
        " After this you have $0.00 available."
    )
    assert page.buttons()[-1] == "Withdraw"


def test_page_says_what_waits_for_a_dispute(browser, talent):
    with clock.at(DUE - timedelta(days=1)):
        held = paid_payment(usd(100), talent=talent)
    Payment.objects.filter(pk=held.pk).update(held=True)

    page = browser.open(URL)

    assert "Pending $90.00" in page.text
    assert "Available next Once it is settled Its hours are disputed $90.00" in page.text


def test_looking_changes_nothing(browser, talent):
    browser.open(URL)
    browser.send(USD, {**browser.open(USD).filled_in("Withdraw"), "update": "1"})

    assert_nothing_moved()
    assert Account.objects.get(party=talent, kind=AccountKind.AVAILABLE).balance == usd(0)


def test_page_with_nothing_available_says_when(talent):
    with clock.at(DUE - timedelta(days=1)):
        page = Browser.of(owner_of(talent)).confirmed().open(URL)

    assert "Nothing is available now $450.00 becomes available on Tuesday 24 November" in page.text
    assert "Withdraw" not in page.buttons()


def test_talent_without_a_contract_reads_what_will_be_here():
    browser = Browser.of(owner_of(FreelancerFactory())).confirmed()

    assert "Nothing to withdraw yet" in browser.open(URL).text
    browser.send(URL, {"choice": "whole"}, status=404)


class Nowhere(sandbox.Sandbox):
    """A provider to which the talent has named no bank account yet."""

    name = "nowhere"

    def destinations(self, party):
        return ()


def test_page_says_where_to_name_a_bank_account_when_there_is_none(browser, monkeypatch, settings):
    monkeypatch.setitem(gateways.GATEWAYS, Nowhere.name, Nowhere)
    settings.PAYMENT_GATEWAY = Nowhere.name

    page = browser.open(URL)

    assert "Say first where it goes" in page.text
    assert reverse("payment_methods") in page.links()
    assert "Withdraw" not in page.buttons()
    browser.send(USD, {"choice": "whole", "destination": sandbox.RECEIVES, "key": "k"})
    assert_nothing_moved()


# Withdrawing -------------------------------------------------------------------------------------


def test_all_of_it_is_withdrawn_at_one_press(browser, talent):
    page = pressed(browser.open(URL))

    assert page.url == USD
    assert page.flash == (
        "$450.00 is on its way to Sandbox bank account that receives."
        " Expect it by 26 November 2026."
    )
    assert payouts_of(talent) == [("$450.00", "succeeded")]
    assert "$450.00 On its way" in page.text
    assert "Expected by 26 November 2026." in page.text
    assert "Nothing is available now" in page.text


def test_other_amount_is_shown_before_it_leaves(browser, talent):
    page = pressed(browser.open(URL), choice="part", amount="100.50")

    assert LOOK_AGAIN in page.alerts
    assert page.part(SUM).endswith("After this you have $349.50 available.")
    assert_nothing_moved()

    assert "$100.50 is on its way" in pressed(page).flash
    assert payouts_of(talent) == [("$100.50", "succeeded")]


def test_other_place_is_shown_before_money_goes_there(browser, talent):
    page = pressed(browser.open(URL), destination=sandbox.SENDS_BACK)

    assert LOOK_AGAIN in page.alerts
    assert "goes to Sandbox bank account that sends back." in page.part(SUM)
    assert_nothing_moved()


def test_figures_follow_what_is_typed(browser):
    data = browser.open(USD).filled_in("Withdraw") | {"choice": "part", "amount": "20"}

    page = browser.send(USD, data | {"update": "1"})

    assert page.part(SUM).startswith("$20.00 leaves your balance now")
    assert_nothing_moved()


def test_balance_that_changed_meanwhile_is_shown_again(browser, talent):
    page = browser.open(URL)
    payouts.withdraw(
        talent, amount=usd(50), destination=sandbox.RECEIVES, key="", by=owner_of(talent)
    )

    again = pressed(page)

    assert LOOK_AGAIN in again.alerts
    assert again.part(SUM).startswith("$400.00 leaves")
    assert payouts_of(talent) == [("$50.00", "succeeded")]


@pytest.mark.parametrize(
    ("typed_in", "says"),
    [
        ({"choice": ""}, "Choose how much to withdraw."),
        ({"choice": "part"}, "Type an amount."),
        ({"choice": "part", "amount": "0"}, "Type an amount above zero."),
        ({"choice": "part", "amount": "-5"}, "Type an amount above zero."),
        ({"choice": "part", "amount": "1e9"}, "Type an amount in figures, such as 25.00."),
        ({"choice": "part", "amount": "9" * 400}, "This amount is too large."),
        (
            {"choice": "part", "amount": "450.01"},
            "You can withdraw $450.00 now, all that is available.",
        ),
        ({"choice": "whole", "amount": "5"}, "Leave this empty, or choose another amount."),
        ({"destination": "elsewhere"}, payouts.NOWHERE),
        ({"destination": ""}, payouts.NOWHERE),
    ],
)
def test_wrong_input_is_said_beside_it_and_moves_nothing(browser, typed_in, says):
    data = browser.open(USD).filled_in("Withdraw") | typed_in

    assert says in " ".join(browser.send(USD, data).alerts)

    assert_nothing_moved()


def test_figures_that_were_made_up_move_nothing(browser):
    data = browser.open(USD).filled_in("Withdraw")

    for shown in ("", "1:receives:0", "45000:receives:1", "45000", "x" * 500):
        browser.send(USD, data | {"shown": shown})

    assert_nothing_moved()


# Once --------------------------------------------------------------------------------------------


def test_second_click_reads_the_first_result(browser, talent):
    data = browser.open(USD).filled_in("Withdraw")

    flashes = [browser.send(USD, data).flash for _ in range(2)]

    assert flashes[0] == flashes[1] != ""
    assert payouts_of(talent) == [("$450.00", "succeeded")]


def test_old_form_with_other_values_is_refused(browser, talent):
    data = browser.open(USD).filled_in("Withdraw") | {"choice": "part", "amount": "100"}
    data["shown"] = "10000:receives:35000"
    browser.send(USD, data)

    page = browser.send(USD, data | {"shown": "5000:receives:30000", "amount": "50"}, status=409)

    assert "This form was sent before with other values." in page.text
    assert payouts_of(talent) == [("$100.00", "succeeded")]


def test_key_of_somebody_else_begins_and_tells_nothing(browser, talent):
    data = browser.open(USD).filled_in("Withdraw")
    browser.send(USD, data)
    other = paid_at_noon(usd(500)).book.talent

    Browser.of(owner_of(other)).confirmed().send(USD, data, status=409)

    assert payouts_of(other) == []


# What becomes of it ------------------------------------------------------------------------------


def test_declined_withdrawal_says_so_and_can_be_done_again(browser, talent):
    data = browser.open(USD).filled_in("Withdraw") | {"destination": sandbox.REFUSES}
    data["shown"] = f"45000:{sandbox.REFUSES}:0"

    page = browser.send(USD, data)

    assert "The bank refused it. $450.00 is available again." in page.alerts
    assert "Available $450.00" in page.text
    assert "$450.00 Came back" in page.text
    assert payouts_of(talent) == [("$450.00", "declined")]
    assert page.filled_in("Withdraw")["key"] != data["key"]

    again = pressed(page, destination=sandbox.RECEIVES)
    assert "$450.00 is on its way" in pressed(again).flash
    assert payouts_of(talent) == [("$450.00", "declined"), ("$450.00", "succeeded")]


def test_declined_form_sent_again_reads_the_same(browser, talent):
    data = browser.open(USD).filled_in("Withdraw") | {"destination": sandbox.REFUSES}
    data["shown"] = f"45000:{sandbox.REFUSES}:0"

    alerts = [browser.send(USD, data).alerts for _ in range(2)]

    assert alerts[0] == alerts[1] == ["The bank refused it. $450.00 is available again."]
    assert payouts_of(talent) == [("$450.00", "declined")]


def test_withdrawal_without_an_answer_is_on_its_way(browser, talent):
    data = browser.open(USD).filled_in("Withdraw") | {"destination": sandbox.RECEIVES_LATE}
    data["shown"] = f"45000:{sandbox.RECEIVES_LATE}:0"

    page = browser.send(USD, data)

    assert page.flash == (
        "$450.00 left your balance. The bank has not answered yet. You will be told."
    )
    assert "$450.00 On its way" in page.text
    with clock.at(DUE + timedelta(minutes=1)):
        sweeping.run()
        assert "Expected by 26 November 2026." in browser.open(URL).text


def test_withdrawal_that_came_back_later_says_why(browser, talent):
    data = browser.open(USD).filled_in("Withdraw") | {"destination": sandbox.SENDS_BACK}
    data["shown"] = f"45000:{sandbox.SENDS_BACK}:0"
    browser.send(USD, data)

    with clock.at(DUE + sandbox.COMES_BACK_AFTER):
        assert "Sent" in browser.open(URL).text
        sweeping.run()
        page = browser.open(URL)

    assert payouts_of(talent) == [("$450.00", OperationState.RETURNED)]
    assert "$450.00 Came back" in page.text
    assert sandbox.SENT_BACK in page.text
    assert "Available $450.00" in page.text
    assert "came back" in browser.send(USD, data).flash


def test_page_shows_the_newest_withdrawals_and_leads_to_the_others(browser, talent):
    for cents in range(1, 12):
        payouts.withdraw(
            talent,
            amount=Money(cents, "USD"),
            destination=sandbox.RECEIVES,
            key="",
            by=owner_of(talent),
        )

    page = browser.open(URL)

    assert page.html.count("On its way") == 10
    assert "All in Payments" in page.text
    assert "$0.11 On its way" in page.text
    assert "$0.01 On its way" not in page.text


# Currencies --------------------------------------------------------------------------------------


def test_each_currency_has_its_own_page(browser, talent):
    paid_at_noon(Money(100_00, "EUR"), talent=talent)

    page = browser.open(EUR)
    assert "Available €90.00" in page.text
    assert USD in page.links()
    page = pressed(page)

    assert page.flash.startswith("€90.00 is on its way")
    assert payouts_of(talent) == [("€90.00", "succeeded")]
    assert payouts.available(talent, "USD", DUE) == usd(450)


@pytest.mark.parametrize("named", ["EUR", "usd", "XXX", "U", "'; --", "x" * 3000])
def test_currency_that_is_not_the_talents_is_not_there(browser, named):
    paid_at_noon(Money(100_00, "EUR"))

    assert browser.client.get(URL, {"currency": named}).status_code in (400, 404)
    answer = browser.client.post(f"{URL}?currency=EUR", {"choice": "whole"})
    assert answer.status_code == 404
    assert_nothing_moved()


def test_form_of_one_currency_sent_to_another_moves_nothing(browser, talent):
    paid_at_noon(Money(100_00, "EUR"), talent=talent)
    data = browser.open(USD).filled_in("Withdraw")

    page = browser.send(EUR, data)

    assert LOOK_AGAIN in page.alerts
    assert_nothing_moved()


# Who ---------------------------------------------------------------------------------------------


def test_page_asks_who_it_is_first(talent):
    browser = Browser.of(owner_of(talent))

    page = browser.open(USD)

    assert page.url.startswith("/accounts/reauthenticate/?next=")
    assert "Confirm that it is you" in page.text


def test_form_of_somebody_not_sure_moves_nothing_and_is_back_after_confirming(talent):
    browser = Browser.of(owner_of(talent))
    data = {
        "choice": "part",
        "amount": "20.00",
        "destination": sandbox.SENDS_BACK,
        "key": "k",
        "shown": f"2000:{sandbox.SENDS_BACK}:43000",
    }

    page = browser.send(USD, data)
    assert page.url.startswith("/accounts/reauthenticate/")
    assert_nothing_moved()

    page = page.press("Confirm", password="secret")
    assert page.url == USD
    filled = page.filled_in("Withdraw")
    assert (filled["choice"], filled["amount"], filled["destination"]) == (
        "part",
        "20.00",
        sandbox.SENDS_BACK,
    )
    assert filled["key"] != "k"
    assert typed.SESSION_KEY not in browser.client.session
    assert_nothing_moved()
    assert "$20.00 is on its way" in pressed(page).flash


def test_wrong_password_moves_nothing(talent):
    browser = Browser.of(owner_of(talent))

    page = browser.open(USD).press("Confirm", password="wrong")

    assert page.url.startswith("/accounts/reauthenticate/")
    assert browser.send(USD, {"choice": "whole"}).url.startswith("/accounts/reauthenticate/")
    assert_nothing_moved()


def test_member_reads_who_can():
    studio = AgencyFactory(name="Studio")
    paid_at_noon(usd(500), talent=studio)
    owner, manager = owner_of(studio), member_of(studio, Role.MANAGER)
    browser = Browser.of(member_of(studio))

    page = browser.open(URL, status=403)

    assert "Only an owner or manager of Studio can do this." in page.text
    assert owner.user.name in page.text
    assert manager.user.name in page.text
    assert "$450.00" not in page.text
    browser.send(USD, {"choice": "whole"}, status=403)
    assert_nothing_moved()


def test_client_is_led_to_its_credit():
    browser = Browser.of(owner_of(PartyFactory()))

    page = browser.open(URL, status=403)

    assert "Clients have credit here" in page.text
    assert reverse("send_credit_back") in page.links()
    browser.send(URL, {"choice": "whole"}, status=403)


def test_signed_out_signs_in_first(client):
    assert (
        client.get(USD)["Location"] == "/accounts/login/?next=/payments/withdraw/%3Fcurrency%3DUSD"
    )


# Cost --------------------------------------------------------------------------------------------


def test_page_takes_as_many_queries_for_one_row_as_for_many(browser, talent):
    def more() -> None:
        paid_payment(usd(10), talent=talent)
        payouts.withdraw(
            talent, amount=usd(1), destination=sandbox.RECEIVES, key="", by=owner_of(talent)
        )

    more()
    one = browser.count(URL)
    more()
    more()

    assert browser.count(URL) == one <= 12


def test_gateway_is_not_asked_by_looking(browser):
    browser.open(URL)

    assert gateways.gateway().name == "sandbox"
    assert not SandboxCall.objects.filter(kind=OperationKind.PAYOUT).exists()
