"""Payment methods: the sandbox's cards, a provider's pages and back, and where talents are paid."""

from __future__ import annotations

import pytest

from contracts.models import Contract
from marketplace import clock
from marketplace.states import Role
from payments import gateways, wallet
from payments.gateways import sandbox
from payments.gateways.base import PaidTo, Saved
from payments.models import GatewayIdentity, PaymentMethod
from tests.factories import (
    NOON,
    FreelancerFactory,
    PartyFactory,
    hourly,
    member_of,
    owner_of,
    planned,
)
from tests.pages import Browser
from tests.payments.hosted import switched_on

pytestmark = pytest.mark.django_db

URL = "/payments/methods/"
VISA = Saved("pm_visa", "Visa ending 4242")
MASTER = Saved("pm_master", "Mastercard ending 4444")


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


@pytest.fixture
def provider(monkeypatch, settings):
    return switched_on(monkeypatch, settings)


@pytest.fixture
def payer():
    return PartyFactory()


@pytest.fixture
def browser(payer):
    return Browser.of(owner_of(payer)).confirmed()


def keep(party, *saved) -> list[PaymentMethod]:
    return [wallet.add(party, one, by=owner_of(party)) for one in saved]


def test_sandbox_cards_are_plainly_test_cards(browser):
    page = browser.open(URL)

    assert "These are test cards of the sandbox. No card is charged" in page.text
    for method in sandbox.METHODS:
        assert f"{method.label} {method.help}" in page.text
    assert "Add a payment method" not in page.buttons()


def test_card_put_first_stands_first_where_one_pays():
    milestone = planned()
    payer = milestone.contract.client
    browser = Browser.of(owner_of(payer)).confirmed()

    page = browser.send(f"{URL}prefer/", {"token": sandbox.TIMES_OUT})

    assert "Sandbox card that pays late now stands first wherever you pay." in page.flash
    assert page.part(".rows li:first-child strong") == "Sandbox card that pays late"
    fund = f"/contracts/{milestone.contract.reference}/milestones/1/fund/"
    options = browser.open(fund).dom.query("select[name=method] option")
    tokens = [one.attrs["value"] for one in options if one.attrs.get("value")]
    assert tokens[0] == sandbox.TIMES_OUT


def test_card_that_is_not_there_is_not_put_first(browser, payer):
    assert "no longer there" in browser.send(f"{URL}prefer/", {"token": "x"}).flash
    assert wallet.identity(payer, "sandbox").default_method == ""


def test_page_names_what_hours_are_charged_to_it():
    contract = hourly(title="Data pipeline")
    page = Browser.of(owner_of(contract.client)).open(URL)

    assert "Charged every week for the hours of Data pipeline" in page.text


def test_add_leads_to_the_provider_and_back(browser, payer, provider):
    page = browser.open(URL)
    assert "No payment method yet" in page.text

    left = browser.client.post(f"{URL}add/")
    assert left.status_code == 302
    assert left.url == f"https://provider.example/save?back=http://testserver{URL}added/"
    provider.sessions["s1"] = VISA
    back = browser.open(f"{URL}added/?session=s1")

    assert "Visa ending 4242 was added." in back.flash
    assert "Visa ending 4242 first" in back.text
    assert PaymentMethod.objects.get().party == payer


def test_back_without_having_saved_says_nothing_or_that(browser, provider):
    assert browser.open(f"{URL}added/").flash == ""
    assert "Nothing was saved." in browser.open(f"{URL}added/?session=x").flash
    assert not PaymentMethod.objects.exists()


def test_provider_out_of_reach_loses_nothing(browser, provider):
    provider.sessions["s1"], provider.reachable = VISA, False

    assert "cannot be reached just now" in browser.send(f"{URL}add/").flash
    page = browser.open(f"{URL}added/?session=s1")
    assert "What you saved there is kept" in page.text
    assert f"{URL}added/?session=s1" in page.links()

    provider.reachable = True
    assert "Visa ending 4242 was added." in browser.open(f"{URL}added/?session=s1").flash


def test_remove_says_what_it_means_for_hours_first(browser, payer, provider):
    visa, _ = keep(payer, VISA, MASTER)
    contract = hourly(client=payer, method="pm_visa", title="Data pipeline")

    page = browser.open(f"{URL}{visa.pk}/remove/")
    assert "Hours are charged to it" in page.text
    assert f"/contracts/{contract.reference}/" in page.links()
    assert "Hours are charged to it" not in browser.open(f"{URL}{visa.pk + 1}/remove/").text
    done = page.press("Remove it")

    assert "Visa ending 4242 was removed." in done.flash
    assert "Visa ending 4242" not in done.part(".rows")
    assert provider.forgotten == ["pm_visa"]
    assert Contract.objects.get().charge_method == "pm_visa"


def test_remove_twice_is_a_page_that_is_gone(browser, payer, provider):
    (visa,) = keep(payer, VISA)
    browser.send(f"{URL}{visa.pk}/remove/")

    browser.send(f"{URL}{visa.pk}/remove/", status=404)


def test_method_of_somebody_else_is_not_found(browser, payer, provider):
    (visa,) = keep(PartyFactory(), VISA)

    browser.open(f"{URL}{visa.pk}/remove/", status=404)
    browser.send(f"{URL}{visa.pk}/remove/", status=404)
    assert PaymentMethod.objects.get().removed_at is None


DEEDS = ["add/", "prefer/", "account/add/", "1/remove/"]


@pytest.mark.parametrize("deed", DEEDS)
def test_changes_ask_who_is_there_and_change_nothing_until_then(payer, provider, deed):
    keep(payer, VISA, MASTER)

    page = Browser.of(owner_of(payer)).send(f"{URL}{deed}", {"token": "pm_master"})

    assert "reauthenticate" in page.url
    assert wallet.identity(payer, "hosted").default_method == "pm_visa"
    assert not PaymentMethod.objects.exclude(removed_at=None).exists()


@pytest.mark.parametrize("deed", ["", "added/?session=s1", "account/added/"])
def test_pages_are_for_owners_and_managers(payer, provider, deed):
    Browser.of(member_of(payer)).open(f"{URL}{deed}", status=403)
    Browser.of(member_of(payer, Role.MANAGER)).open(f"{URL}{deed}")


@pytest.mark.parametrize("deed", DEEDS)
def test_changes_are_for_owners_and_managers(payer, provider, deed):
    keep(payer, VISA, MASTER)

    member = Browser.of(member_of(payer)).confirmed()
    member.send(f"{URL}{deed}", {"token": "pm_master"}, status=403)

    assert wallet.identity(payer, "hosted").default_method == "pm_visa"


# Talents ----------------------------------------------------------------------------------------


@pytest.fixture
def talent():
    return FreelancerFactory()


@pytest.fixture
def theirs(talent):
    return Browser.of(owner_of(talent)).confirmed()


def test_talent_reads_the_sandboxs_accounts(theirs):
    page = theirs.open(URL)

    assert "These are test accounts of the sandbox." in page.text
    for place in gateways.gateway().destinations(FreelancerFactory()):
        assert f"{place.label} {place.help}" in page.text
    assert "What should happen to money" not in page.text


def test_talent_names_an_account_at_the_provider(theirs, talent, provider):
    assert "No account yet" in theirs.open(URL).text
    left = theirs.client.post(f"{URL}account/add/")
    assert left.url == f"https://provider.example/account?back=http://testserver{URL}account/added/"

    wallet.identity(talent, "hosted")
    GatewayIdentity.objects.filter(party=talent).update(destination="acct_1")
    back = theirs.open(f"{URL}account/added/")
    assert "still needs something from you" in back.flash
    assert "Finish at the provider" in back.buttons()

    provider.pays_to = PaidTo(can_be_paid=True, label="Bank account ending 6789")
    done = theirs.open(f"{URL}account/added/")
    assert "Withdrawals go to Bank account ending 6789 now." in done.flash
    assert "Bank account ending 6789 You can be paid." in done.text
    assert "/payments/withdraw/" in done.links()


def test_talent_loses_nothing_when_the_provider_is_out_of_reach(theirs, talent, provider):
    wallet.identity(talent, "hosted")
    GatewayIdentity.objects.filter(party=talent).update(destination="acct_1")
    provider.reachable = False

    assert "cannot be reached just now" in theirs.send(f"{URL}account/add/").flash
    assert "cannot be reached just now" in theirs.open(f"{URL}account/added/").flash


def test_client_names_no_account_to_be_paid_to(browser, provider):
    browser.send(f"{URL}account/add/", status=403)


# Cost -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [1, 3])
def test_page_takes_as_many_queries_for_one_way_as_for_three(payer, provider, more):
    keep(payer, *(Saved(f"pm_{number}", f"Card {number}") for number in range(more)))
    for _ in range(more):
        hourly(client=payer, method="pm_0")

    assert Browser.of(owner_of(payer)).count(URL) == 7
