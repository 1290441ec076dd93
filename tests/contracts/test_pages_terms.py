"""The pages about a contract's terms: people, weekly limit, pause and restart."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts import assignments, terms
from contracts.models import Contract
from contracts.states import ContractState, Side
from marketplace import clock
from marketplace.models import Notice
from tests.factories import (
    NOON,
    AgencyFactory,
    active,
    ended,
    hourly,
    hourly_offer,
    member_of,
    owner_of,
)
from tests.pages import Browser, Page

pytestmark = pytest.mark.django_db

PAGES = ("people/", "limit/", "pause/")


def page_of(contract: Contract, path: str, side: Side = Side.CLIENT, *, status: int = 200) -> Page:
    browser = Browser.of(owner_of(contract.party(side)))
    return browser.open(f"/contracts/{contract.reference}/{path}", status=status)


def state_of(contract: Contract) -> str:
    return Contract.objects.get(pk=contract.pk).state


# People -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [active, hourly])
def test_manager_of_the_talent_assigns_and_releases(make):
    contract = make(talent=AgencyFactory())
    member = member_of(contract.talent)
    name = member.as_member.user.name

    page = page_of(contract, "people/", Side.TALENT).press(f"Assign {name}")
    assert f"{name} works on it now." in page.flash
    page = page.press(f"Release {name}")
    assert f"{name} does not work on it any more." in page.flash

    assert [one.membership for one in assignments.current(contract)] == [
        owner_of(contract.talent).membership
    ]


def test_client_reads_who_works_and_changes_nothing():
    contract = hourly(talent=AgencyFactory())
    member = member_of(contract.talent)
    owner = owner_of(contract.talent).as_member.user.name

    page = page_of(contract, "people/")

    assert f"Who works on it {owner} owner, works on it since 19 November 2026" in page.text
    assert member.as_member.user.name not in page.text
    assert not page.buttons()
    data = {"membership": member.membership_id}
    page.browser.send(f"/contracts/{contract.reference}/people/assign/", data, status=403)
    assert len(assignments.current(contract)) == 1


def test_plain_member_reads_why_they_cannot_assign():
    contract = hourly(talent=AgencyFactory())
    member = member_of(contract.talent)
    assignments.assign(contract, member.as_member, by=owner_of(contract.talent))

    page = Browser.of(member).open(f"/contracts/{contract.reference}/people/")

    assert f"Only an owner or manager of {contract.talent.name} can do this." in page.text
    assert not page.buttons()


@pytest.mark.parametrize("verb", ["assign", "release"])
def test_stranger_of_another_team_is_refused_at_the_list(verb):
    contract = hourly(talent=AgencyFactory())
    stranger = member_of(AgencyFactory())
    browser = Browser.of(owner_of(contract.talent))

    page = browser.send(
        f"/contracts/{contract.reference}/people/{verb}/", {"membership": stranger.membership_id}
    )

    assert page.alerts == ["Choose one of your team."]
    assert len(assignments.current(contract)) == 1


def test_contract_without_people_says_so():
    contract = hourly()
    assignments.release(contract, owner_of(contract.talent).as_member, by=owner_of(contract.talent))

    assert "Nobody works on it" in page_of(contract, "people/").text


def test_person_released_meanwhile_is_told_quietly():
    contract = hourly(talent=AgencyFactory())
    owner = owner_of(contract.talent)
    page = page_of(contract, "people/", Side.TALENT)
    assignments.release(contract, owner.as_member, by=owner)

    again = page.press(f"Release {owner.as_member.user.name}")

    assert "Choose one of your team." in " ".join(again.alerts)


@pytest.mark.parametrize("more", [0, 2])
def test_people_take_as_many_queries_for_one_as_for_three(more):
    contract = hourly(talent=AgencyFactory())
    for _ in range(more):
        member = member_of(contract.talent)
        member_of(contract.talent)
        assignments.assign(contract, member.as_member, by=owner_of(contract.talent))

    url = f"/contracts/{contract.reference}/people/"
    assert Browser.of(owner_of(contract.client)).count(url) == 5
    assert Browser.of(owner_of(contract.talent)).count(url) == 6


# The weekly limit -------------------------------------------------------------------------------


def test_limit_page_says_what_holds_when_before_it_is_sent():
    text = page_of(hourly(hours=20), "limit/").text

    assert "Now 20 h a week, $1,200.00 at most." in text
    assert "More than 20 h holds at once." in text
    assert "Less holds from Monday 23 November 2026, 00:00 (UTC) on" in text


def test_higher_limit_holds_from_now_on():
    contract = hourly(hours=20)

    room = page_of(contract, "limit/").press("Change the limit", hours="30")

    assert "The limit is 30 h a week from now on." in room.flash
    assert "of 30 h" in room.part("#timesheet")


def test_lower_limit_waits_for_monday_and_says_so():
    contract = hourly(hours=20)

    room = page_of(contract, "limit/").press("Change the limit", hours="10")

    assert "from Monday 23 November 2026, 00:00 (UTC) on." in room.flash
    assert "of 20 h" in room.part("#timesheet")
    assert "on the limit is 10 h." in room.part("#timesheet")
    assert "on it is 10 h; another change replaces that one." in page_of(contract, "limit/").text


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Type whole hours from 1 to 168."),
        ("0", "Type whole hours from 1 to 168."),
        ("169", "Type whole hours from 1 to 168."),
        ("2.5", "Type whole hours from 1 to 168."),
        ("many", "Type whole hours from 1 to 168."),
        ("20", "The limit is 20 hours a week already."),
    ],
)
def test_wrong_limit_is_refused_at_its_field_and_kept(typed, sentence):
    contract = hourly(hours=20)

    page = page_of(contract, "limit/").press("Change the limit", hours=typed)

    assert page.alerts == [sentence]
    assert page.filled_in("Change the limit")["hours"] == typed
    assert contract.week_limits.get().minutes == 20 * 60


# Pause and restart ------------------------------------------------------------------------------


def test_client_pauses_with_a_reason_that_the_talent_reads_and_restarts():
    contract = hourly()

    asked = page_of(contract, "pause/")
    assert "No new time is recorded until you restart." in asked.text
    assert "can still end the contract at any time" in asked.text
    room = asked.press("Pause", reason="We are on holiday.")

    assert "The contract is paused." in room.flash
    assert state_of(contract) == ContractState.PAUSED
    talent = page_of(contract, "", Side.TALENT)
    assert f"until {contract.client.name} restarts it" in talent.text
    assert "We are on holiday." in talent.part("#messages")
    assert "Restart" not in talent.text
    told = Notice.objects.get(kind="contracts.contract_paused", party=contract.talent)
    assert told.facts["reason"] == "We are on holiday."

    room = page_of(contract, "restart/").press("Restart")
    assert "The contract is active again." in room.flash
    assert state_of(contract) == ContractState.ACTIVE


def test_pause_that_somebody_else_made_first_is_told_quietly():
    contract = hourly()
    page = page_of(contract, "pause/")
    terms.pause(contract, by=owner_of(contract.client))

    with clock.at(NOON + timedelta(minutes=1)):
        room = page.press("Pause")

    assert room.url == f"/contracts/{contract.reference}/"
    assert contract.history.filter(transition="pause").count() == 1


# Whose they are ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["limit/", "pause/"])
def test_terms_are_the_clients(path):
    contract = hourly()

    page = page_of(contract, path, Side.TALENT, status=403)

    assert f"Only {contract.client.name} can do this." in page.text


@pytest.mark.parametrize("path", [*PAGES, "restart/"])
def test_stranger_finds_nothing(path):
    contract = hourly()
    browser = Browser.of(owner_of(hourly().client))

    browser.open(f"/contracts/{contract.reference}/{path}", status=404)
    browser.send(
        f"/contracts/{contract.reference}/{path}", status=404 if path != "people/" else 405
    )


@pytest.mark.parametrize("path", PAGES)
def test_offer_leads_to_the_offer(path):
    contract = hourly_offer()

    page = page_of(contract, path)

    assert page.url == f"/contracts/{contract.reference}/offer/"


@pytest.mark.parametrize("path", ["limit/", "pause/"])
def test_ended_contract_says_so(path):
    contract = ended(hourly())

    page = page_of(contract, path)

    assert page.url == f"/contracts/{contract.reference}/"
    assert page.flash


def test_fixed_price_has_no_pause():
    assert "Only hourly contracts" in page_of(active(), "pause/", status=403).text
