"""A charge that the client's bank wants confirmed: the way there from everywhere, and back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace import clock
from payments import operations, wallet
from payments.gateways import sandbox
from payments.gateways.base import Saved
from payments.models import GatewayOperation
from payments.states import OperationState
from tests.factories import (
    NOON,
    PartyFactory,
    active,
    ended,
    funded,
    member_of,
    owner_of,
    planned,
    usd,
)
from tests.pages import Browser, Page
from tests.payments.hosted import switched_on

pytestmark = pytest.mark.django_db

BANK = "https://bank.example/confirm"
CARD = Saved(sandbox.ACCEPTS, "Visa ending 4242")


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


@pytest.fixture
def provider(monkeypatch, settings):
    provider = switched_on(monkeypatch, settings)
    provider.wants_confirmed = True
    return provider


@pytest.fixture
def milestone(provider):
    milestone = planned(usd(300), title="Logo refresh")
    payer = milestone.contract.client
    wallet.add(payer, CARD, by=owner_of(payer))
    return milestone


@pytest.fixture
def browser(milestone):
    return Browser.of(owner_of(milestone.contract.client))


def fund(browser, milestone) -> Page:
    page = browser.open(f"/contracts/{milestone.contract.reference}/milestones/1/fund/")
    return page.press("Fund $300.00", method=sandbox.ACCEPTS)


def test_funding_leads_straight_to_the_confirmation(browser, milestone):
    page = fund(browser, milestone)

    charge = GatewayOperation.objects.get()
    assert page.url == f"/payments/charges/{charge.pk}/confirm/"
    assert "To be charged $300.00 Visa ending 4242" in page.text
    assert "called off on Friday 20 November 2026, 12:00 (UTC), in 1 day" in page.text
    assert BANK in page.links()
    assert page.flash == ""


def test_bonus_leads_straight_to_the_confirmation(provider):
    provider.wants_confirmed = False
    contract = ended(active())
    wallet.add(contract.client, CARD, by=owner_of(contract.client))
    provider.wants_confirmed = True
    url = f"/contracts/{contract.reference}/bonus/"
    page = Browser.of(owner_of(contract.client)).open(url)
    typed = {"amount": "40", "method": sandbox.ACCEPTS}

    shown = page.press("Give bonus", **typed)
    done = shown if BANK in shown.links() else shown.press("Give bonus", **typed)

    assert BANK in done.links()
    assert "To be charged $40.00" in done.text


def test_offer_that_is_funded_leads_straight_to_the_confirmation(browser, milestone):
    talent = milestone.contract.talent
    page = browser.open(f"/jobs/new/?to={talent.slug}").press(
        "Send offer",
        talent=str(talent.pk),
        title="Podcast",
        milestone="Draft",
        amount="180",
        fund="now",
        method=sandbox.ACCEPTS,
    )

    assert "To be charged $180.00" in page.text
    assert "offer" in page.flash


def test_open_confirmation_waits_in_the_room_and_on_my_jobs(browser, milestone):
    page = fund(browser, milestone)
    room = f"/contracts/{milestone.contract.reference}/"

    shown = browser.open(room)
    assert "Your bank wants you to confirm a charge of $300.00." in shown.text
    assert "Without your answer, it is called off on Friday 20 November" in shown.text
    assert page.url in shown.links()
    assert "was charged and is not confirmed yet" not in shown.text
    jobs = browser.open("/jobs/")
    assert "Confirm $300.00 with your bank it is called off in 1 day" in jobs.text
    assert page.url in jobs.links()
    other = Browser.of(owner_of(milestone.contract.talent)).open(room)
    assert "Your bank" not in other.text


def test_confirmation_waits_for_nobody_once_its_time_is_over(browser, milestone):
    fund(browser, milestone)

    with clock.at(NOON + timedelta(days=1)):
        assert "Confirm $300.00" not in browser.open("/jobs/").text


def test_bank_out_of_reach_is_a_page_from_which_to_try_again(browser, milestone, provider):
    url = fund(browser, milestone).url
    provider.reachable = False

    page = browser.open(url)

    assert "page cannot be reached just now" in page.text
    assert url in page.links()
    assert BANK not in page.links()


def test_back_from_the_bank_says_what_became_of_it(browser, milestone, provider):
    url = fund(browser, milestone).url
    provider.wants_confirmed = False

    page = browser.open(url)

    assert page.url == f"/contracts/{milestone.contract.reference}/"
    assert "$300.00 was charged. Nothing is left to confirm." in page.flash
    assert GatewayOperation.objects.get().state == OperationState.SUCCEEDED


def test_charge_that_was_called_off_says_so(browser, milestone, provider):
    url = fund(browser, milestone).url
    provider.wants_confirmed = False
    with clock.at(NOON + timedelta(days=1)):
        operations.ask_again(GatewayOperation.objects.get().pk)

    assert "The charge of $300.00 ended: " in browser.open(url).flash


def test_charge_without_anything_to_confirm_says_that_it_is_open():
    milestone = planned(usd(300))
    browser = Browser.of(owner_of(milestone.contract.client))
    page = browser.open(f"/contracts/{milestone.contract.reference}/milestones/1/fund/")
    page.press("Fund $300.00", method=sandbox.NEVER_ANSWERS)
    charge = GatewayOperation.objects.get()

    shown = browser.open(f"/payments/charges/{charge.pk}/confirm/")

    assert "The charge of $300.00 is still open." in shown.flash


def test_charge_is_its_clients_managers_alone(browser, milestone):
    url = fund(browser, milestone).url

    Browser.of(owner_of(PartyFactory())).open(url, status=404)
    Browser.of(owner_of(milestone.contract.talent)).open(url, status=404)
    Browser.of(member_of(milestone.contract.client)).open(url, status=403)


def test_charge_of_a_funded_milestone_waits_for_nobody():
    contract = funded(usd(300)).contract

    page = Browser.of(owner_of(contract.client)).open(f"/contracts/{contract.reference}/")
    assert "Your bank" not in page.text
