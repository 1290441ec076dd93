"""My Jobs: whose contracts, in which order, with what waits, and at what cost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts import terms, timers
from contracts.models import Assignment, Contract
from contracts.queries import jobs as queries
from contracts.states import Side
from marketplace import clock
from marketplace.states import Role
from payments.gateways import sandbox
from tests.factories import (
    NOON,
    FreelancerFactory,
    MembershipFactory,
    PartyFactory,
    active,
    ended,
    funded,
    hourly,
    in_review,
    leftover,
    member_of,
    offered,
    owner_of,
    recorded,
    submitted,
    usd,
)
from tests.pages import Browser, Page

pytestmark = pytest.mark.django_db


def jobs_of(party, asked: str = "") -> Page:
    return Browser.of(owner_of(party)).open(f"/jobs/{asked}")


def tabs(page: Page) -> list[str]:
    return [" ".join(one.to_text(separator=" ").split()) for one in page.dom.query("nav.tabs a")]


def row(page: Page, title: str) -> str:
    (found,) = [one for one in page.dom.query(".jobs > li") if title in one.to_text()]
    return " ".join(found.to_text(separator=" ").split())


def one_of_each(client, talent) -> None:
    for title, make in (
        ("Working", active),
        ("Waiting", offered),
        ("Done", lambda **v: ended(active(**v))),
    ):
        make(client=client, talent=talent, title=title)


def test_tabs_count_and_show_their_contracts():
    client, talent = PartyFactory(), FreelancerFactory()
    one_of_each(client, talent)

    for tab, shown in (
        ("active", ["Working"]),
        ("offers", ["Waiting"]),
        ("ended", ["Done"]),
        ("all", ["Done", "Waiting", "Working"]),
    ):
        page = jobs_of(client, f"?tab={tab}")
        assert tabs(page) == ["Active 1", "Offers 1", "Ended 1", "All 3"]
        assert sorted(one for one in ("Working", "Waiting", "Done") if one in page.text) == shown


@pytest.mark.parametrize(
    "asked", ["?tab=nothing", "?after=x", "?after=99999999999999999999.1", "?tab="]
)
def test_odd_address_shows_the_first_page(asked):
    contract = active(title="Working")

    assert "Working" in jobs_of(contract.client, asked).text


@pytest.mark.parametrize("asked", ["poster", "POSTER", "{other}", "{reference}"])
def test_search_finds_title_other_party_and_reference(asked):
    client = PartyFactory()
    found = active(client=client, title="Poster for spring")
    active(client=client, title="Bookkeeping")
    words = asked.format(other=found.talent.name, reference=found.reference)

    page = jobs_of(client, f"?q={words}")

    assert "Poster for spring" in page.text
    assert "Bookkeeping" not in page.text


def test_search_without_a_find_says_what_was_searched():
    page = jobs_of(active().client, "?q=%3Cb%3Enothing%00")

    assert "No contract here matches “<b>nothing”" in page.text


def test_row_says_everything_at_a_glance():
    milestone = submitted(title="Poster")
    contract = milestone.contract

    client_row = row(jobs_of(contract.client), "Poster")
    talent_row = row(jobs_of(contract.talent), "Poster")

    assert f"{contract.talent.name} · fixed price · {contract.reference}" in client_row
    assert "Approve milestone 1 released automatically in 14 days" in client_row
    assert "$500.00 in escrow" in client_row
    assert f"{contract.client.name} · fixed price" in talent_row
    assert "Approve" not in talent_row


def test_row_of_an_ended_contract_says_since_when_and_what_is_left():
    contract = ended(active(title="Poster"), Side.CLIENT)

    with clock.at(NOON + timedelta(minutes=5)):
        shown = row(jobs_of(contract.client, "?tab=ended"), "Poster")

    assert "ended 5 minutes ago" in shown
    assert "Post-close checklist 4 of 4 left" in shown


def test_release_that_is_due_waits_for_nobody():
    contract = submitted(title="Poster").contract

    with clock.at(NOON + timedelta(days=14)):
        assert "Approve" not in row(jobs_of(contract.client), "Poster")


def test_rows_with_a_deadline_come_first_then_the_newest_activity():
    client = PartyFactory()
    with clock.at(NOON - timedelta(days=3)):
        submitted(client=client, title="Deadline")
    with clock.at(NOON - timedelta(days=2)):
        active(client=client, title="Older")
    with clock.at(NOON - timedelta(days=1)):
        active(client=client, title="Newer")

    html = jobs_of(client).html

    assert html.index(">Deadline<") < html.index(">Newer<") < html.index(">Older<")


def test_summary_counts_what_waits_and_what_is_held():
    client = PartyFactory()
    submitted(client=client)
    leftover(usd(300), client=client)

    text = jobs_of(client).text

    assert "2 contracts here wait for you. $800.00 is in escrow." in text


def test_pages_follow_each_other_without_gap_or_repetition(monkeypatch):
    monkeypatch.setattr(queries, "PAGE", 2)
    client = PartyFactory()
    every = {active(client=client, title=f"Job {number}").reference for number in range(5)}
    browser, url, seen = Browser.of(owner_of(client)), "/jobs/", []

    for _ in range(3):
        page = browser.open(url)
        seen += [one.to_text() for one in page.dom.query(".jobs > li .ref")]
        older = [one.attrs["href"] for one in page.dom.query("a[rel=next]")]
        url = older[0] if older else ""

    assert not url
    assert sorted(seen) == sorted(every)


def test_counts_stop_where_they_are_no_longer_read(monkeypatch):
    monkeypatch.setattr(queries, "COUNTED", 2)
    client = PartyFactory()
    for number in range(3):
        active(client=client, title=f"Job {number}")

    assert tabs(jobs_of(client))[0] == "Active 2+"


def test_client_without_contracts_is_offered_to_make_one():
    page = jobs_of(PartyFactory())

    assert "No contracts here yet" in page.text
    assert "/jobs/new/" in page.links()


def test_talent_without_contracts_finds_its_own_link_for_clients():
    talent = FreelancerFactory()

    assert f"http://testserver/jobs/new/?to={talent.slug}" in jobs_of(talent).text


def test_nobody_sees_contracts_of_others():
    active(title="Secret")

    assert "Secret" not in jobs_of(PartyFactory(), "?tab=all&q=Secret").text.replace("“Secret”", "")


def test_plain_member_sees_what_they_are_assigned_to():
    contract, other = active(title="Mine"), None
    other = active(title="Not mine", talent=contract.talent)
    member = member_of(contract.talent)
    Assignment.objects.create(contract=contract, membership=member.as_member, since=NOON)

    page = Browser.of(member).open("/jobs/?tab=all")

    assert "Mine" in page.text
    assert other.reference not in page.text
    assert tabs(page)[-1] == "All 1"


def test_menu_says_whose_it_is_and_offers_the_rooms_actions():
    contract = active(title="Poster")

    page = jobs_of(contract.client)

    assert page.dom.query('button[aria-label="More options for Poster"]')
    hrefs = [one.attrs["href"] for one in page.dom.query(".menu a.line")]
    assert f"/contracts/{contract.reference}/?end=1" in hrefs
    assert f"/contracts/{contract.reference}/milestones/new/" in hrefs


def test_person_with_two_parties_sees_those_of_the_acting_one():
    one, other = active(title="First"), active(title="Second")
    person = owner_of(one.client).user
    MembershipFactory(user=person, party=other.talent)
    browser = Browser.of(owner_of(one.client))

    assert "Second" not in browser.open("/jobs/").text
    browser.send("/account/switch/", {"party": other.talent_id})
    assert "Second" in browser.open("/jobs/").text


def test_row_of_an_hourly_contract_says_this_weeks_hours_against_the_limit():
    contract = timed_this_week()

    client_row = row(jobs_of(contract.client), "Pipeline")
    talent_row = row(jobs_of(contract.talent), "Pipeline")

    for shown, other in ((client_row, contract.talent), (talent_row, contract.client)):
        assert f"{other.name} · hourly, $60.00 · {contract.reference}" in shown
        assert "2 h 10 min of 20 h this week" in shown
        assert "in escrow" not in shown


def timed_this_week() -> Contract:
    with clock.at(NOON - timedelta(hours=3)):
        contract = hourly(title="Pipeline")
    recorded(contract, NOON - timedelta(hours=3), 130)
    return contract


def worked(number: int, **sides) -> Contract:
    """Half an hour of this week, each contract at a time of its own."""
    start = NOON - timedelta(hours=number + 1)
    with clock.at(start):
        contract = hourly(**sides)
    recorded(contract, start, 30)
    return contract


def test_hours_of_last_week_do_not_count_this_week():
    contract = in_review(title="Pipeline").contract

    shown = row(jobs_of(contract.client), "Pipeline")

    assert "0 min of 20 h this week" in shown
    assert "Review last week's hours: $120.00 paid for good in 1 day" in shown


def test_paused_contract_counts_as_active_and_says_so():
    contract = hourly(title="Pipeline")
    terms.pause(contract, by=owner_of(contract.client))

    for party in (contract.client, contract.talent):
        page = jobs_of(party)
        assert tabs(page)[0] == "Active 1"
        assert row(page, "Pipeline").startswith("Pipeline Paused ")


def test_contract_on_hold_says_so_and_what_is_owed():
    contract = in_review(title="Pipeline", method=sandbox.DECLINES).contract

    assert "On hold" in row(jobs_of(contract.talent), "Pipeline")
    assert "Pay $120.00 owed a charge was declined" in row(jobs_of(contract.client), "Pipeline")


def test_own_running_timer_waits_and_nobody_elses():
    contract = hourly(title="Pipeline")
    with clock.at(NOON - timedelta(minutes=25)):
        timers.start(contract, memo="Import", by=owner_of(contract.talent))

    assert "Timer running, 25 min Import" in row(jobs_of(contract.talent), "Pipeline")
    manager = Browser.of(member_of(contract.talent, Role.MANAGER)).open("/jobs/")
    assert "Timer" not in row(manager, "Pipeline")
    assert "Timer" not in row(jobs_of(contract.client), "Pipeline")


def test_kind_narrows_the_list_its_counts_and_every_link():
    client = PartyFactory()
    hourly(client=client, title="By the hour")
    active(client=client, title="For a price")

    both = jobs_of(client)
    by_hour = jobs_of(client, "?kind=hourly&q=e")
    fixed = jobs_of(client, "?kind=fixed")

    assert tabs(both)[0] == "Active 2"
    assert tabs(by_hour)[0] == tabs(fixed)[0] == "Active 1"
    assert "By the hour" in by_hour.text
    assert "For a price" not in by_hour.text
    assert "By the hour" not in fixed.text
    links = [one.attrs["href"] for one in by_hour.dom.query("nav.tabs a")]
    assert links[1] == "/jobs/?tab=offers&q=e&kind=hourly"
    assert by_hour.filled_in("Search")["kind"] == "hourly"


def test_kind_stays_from_page_to_page(monkeypatch):
    monkeypatch.setattr(queries, "PAGE", 1)
    client = PartyFactory()
    for number in range(2):
        hourly(client=client, title=f"Job {number}")

    (older,) = jobs_of(client, "?kind=hourly").dom.query("a[rel=next]")

    assert "kind=hourly" in older.attrs["href"]


def test_kind_without_contracts_says_what_was_asked_for():
    assert "No hourly contract here." in jobs_of(active().client, "?kind=hourly").text


@pytest.mark.parametrize("tab", ["active", "offers", "ended", "all"])
@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("rows", [1, 3])
def test_my_jobs_takes_as_many_queries_for_one_row_as_for_three(side, rows, tab):
    client, talent = PartyFactory(), FreelancerFactory()
    for number in range(rows):
        one_of_each(client, talent)
        submitted(client=client, talent=talent)
        ended(funded(client=client, talent=talent).contract)
        worked(number, client=client, talent=talent)
    party = client if side is Side.CLIENT else talent

    expected = 7 if side is Side.CLIENT else 8
    assert Browser.of(owner_of(party)).count(f"/jobs/?tab={tab}") == expected
    assert Contract.objects.count() == 6 * rows
