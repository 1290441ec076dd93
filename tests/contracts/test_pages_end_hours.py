"""Ending an hourly contract on its page: hours, dates, what was forgotten, what changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contracts import diary, terms, timers
from contracts.models import Contract
from contracts.states import ContractState, Side
from marketplace import clock, sweeping
from marketplace.states import Role
from payments.gateways import sandbox
from tests.factories import NOON, ended, hourly, member_of, owner_of, recorded
from tests.pages import Browser, Page
from tests.support.asserting import assert_audit_clean

pytestmark = pytest.mark.django_db

WILL = "What will happen"
CHANGED = "What has changed since you looked"
MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1, hours=8)
BILLED = datetime(2026, 11, 23, 12, tzinfo=UTC)
SENTENCE = (
    "End Contract locks the Work Diary now. 6 h 10 min, $370.00, is billed on Monday 23 November."
)


def begun(**values) -> Contract:
    with clock.at(MONDAY):
        return hourly(**values)


def worked(minutes: int = 370, **values) -> Contract:
    contract = begun(**values)
    recorded(contract, TUESDAY, minutes)
    return contract


def running(contract: Contract, since: datetime) -> None:
    with clock.at(since):
        timers.start(contract, by=owner_of(contract.talent))


def url_of(contract: Contract) -> str:
    return f"/contracts/{contract.reference}/end/"


def end_page(contract: Contract, side: Side = Side.CLIENT) -> Page:
    return Browser.of(owner_of(contract.party(side))).open(url_of(contract))


def state_of(contract: Contract) -> str:
    return Contract.objects.get(pk=contract.pk).state


# What is said -----------------------------------------------------------------------------------


def test_client_reads_hours_dates_and_when_time_was_last_recorded():
    contract = worked()
    page = end_page(contract)

    assert page.effects(WILL) == {
        "The Work Diary locks": "now",
        "Billed for this week": "6 h 10 min, $370.00",
        "Feedback opens for both": "until Friday 4 December 2026, 00:00 (UTC)",
        "The contract ends for both": "now",
    }
    assert "on Monday 23 November 2026, 12:00 (UTC)" in page.details(WILL)
    assert "you can dispute hours until Saturday 28 November 2026" in page.details(WILL)
    assert f"{contract.talent.name} last recorded time 17 November 2026." in page.text
    assert "you receive" not in page.details(WILL)
    assert page.part("#end-sum") == SENTENCE


def test_talent_reads_what_they_receive_and_when():
    contract = worked()
    page = end_page(contract, Side.TALENT)

    assert "you receive $333.00 after the fee, available on 2 December 2026" in page.details(WILL)
    assert f"{contract.client.name} can dispute hours until Saturday" in page.details(WILL)
    assert "Delete hours that you do not want to bill before you end." in page.text
    assert page.part("#end-sum") == SENTENCE


@pytest.mark.parametrize("side", Side)
def test_nothing_is_said_of_milestones_or_escrow(side):
    contract = worked()
    browser = Browser.of(owner_of(contract.party(side)))

    for page in (browser.open(url_of(contract)), browser.open(room_of(contract) + "?end=1")):
        told = page.part("dialog, .end-page, #end-sum").lower()
        assert "work diary locks" in told
        assert "milestone" not in told
        assert "escrow" not in told


def room_of(contract: Contract) -> str:
    return f"/contracts/{contract.reference}/"


def test_nothing_is_chosen_and_nothing_is_given_up():
    page = end_page(worked(), Side.TALENT)

    assert not page.dom.query("input[name=choice], input[name=gives_up], .ways")


def test_talent_can_add_missing_time_first():
    contract = worked()
    page = end_page(contract, Side.TALENT)

    assert "You can still add up to 13 h 50 min of manual time" in page.text
    (link,) = [one for one in page.dom.query("a") if one.to_text() == "Add missing time first"]
    assert link.attrs["href"] == f"/contracts/{contract.reference}/diary/add/"


def test_free_time_is_never_more_than_has_passed():
    with clock.at(NOON - timedelta(hours=2)):
        contract = hourly()

    assert "up to 2 h of manual time" in end_page(contract, Side.TALENT).text


@pytest.mark.parametrize(
    "make",
    [
        lambda: begun(manual_time=False),
        lambda: worked(120, hours=2),
        lambda: terms.pause(contract := worked(), by=owner_of(contract.client)),
    ],
    ids=["no manual time", "limit reached", "paused"],
)
def test_no_time_is_offered_where_none_can_be_added(make):
    assert "Add missing time first" not in end_page(make(), Side.TALENT).text


def test_missing_memos_are_counted_in_what_is_not_billed_yet():
    contract = worked()
    recorded(contract, TUESDAY + timedelta(days=1), 10, memo="Said")
    recorded(contract, TUESDAY + timedelta(days=1, hours=1), 10)

    page = end_page(contract, Side.TALENT)

    assert "2 entries have no memo." in page.text
    (link,) = [one for one in page.dom.query("a") if one.to_text() == "Add memos"]
    assert link.attrs["href"] == f"/contracts/{contract.reference}/diary/?week=2026-11-16"
    assert "no memo" not in end_page(contract).text


def test_running_timer_is_named_with_what_counts():
    contract = worked()
    running(contract, NOON - timedelta(minutes=23))

    mine, theirs = end_page(contract, Side.TALENT), end_page(contract)

    assert "A timer is running: 23 min, 20 min count. The end stops it." in mine.text
    assert "'s timer is running: 23 min, 20 min count." in theirs.text.replace("\u2019", "'")
    assert theirs.effects(WILL)["Running timer stops"] == "now"
    assert theirs.effects(WILL)["Billed for this week"] == "at least 6 h 30 min, $390.00"
    assert "At least 6 h 30 min, $390.00, is billed on Monday" in theirs.part("#end-sum")


def test_two_weeks_on_a_monday_morning_are_both_named():
    contract = worked()
    with clock.at(MONDAY + timedelta(days=7, hours=9)):
        recorded(contract, MONDAY + timedelta(days=7, hours=7), 90)
        page = end_page(contract)

        rows = page.effects(WILL)
        assert rows["Billed for last week"] == "6 h 10 min, $370.00"
        assert rows["Billed for this week"] == "1 h 30 min, $90.00"
        assert page.part("#end-sum") == (
            "End Contract locks the Work Diary now. 6 h 10 min, $370.00, and 1 h 30 min, $90.00,"
            " are billed on Monday 23 November."
        )


def test_without_hours_there_is_nothing_to_bill():
    page = end_page(begun())

    assert page.part("#end-sum") == (
        "End Contract locks the Work Diary now. No hours are left to bill."
    )
    assert "has recorded no time yet." in page.text


def test_hours_beyond_the_limit_are_said_not_to_be_billed():
    page = end_page(worked(140, hours=2))

    assert page.effects(WILL)["Billed for this week"] == "2 h, $120.00"
    assert "20 min beyond the limit is not billed" in page.details(WILL)


def test_debt_of_last_week_is_named_and_stays():
    contract = worked(method=sandbox.DECLINES)
    sweeping.run(as_of=BILLED)

    with clock.at(BILLED + timedelta(hours=1)):
        page = end_page(contract)
        assert page.effects(WILL)["Last week, not paid yet"] == "$370.00"
        assert "the charge failed; it stays owed" in page.details(WILL)
        page.press("End Contract")
    assert state_of(contract) == ContractState.ENDED


def test_what_was_paid_before_stays_the_talents():
    contract = worked()
    sweeping.run(as_of=BILLED)

    with clock.at(BILLED + timedelta(hours=1)):
        rows = end_page(contract, Side.TALENT).effects(WILL)

    assert rows["Stays yours"] == "$333.00"
    assert rows["Last week, paid"] == "$370.00"


# The end ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", Side)
def test_end_shows_the_confirmed_figures_in_the_room(side):
    contract = worked()

    done = end_page(contract, side).press("End Contract", note="Thank you.")

    assert "You ended" in done.flash
    assert "Week of 16 November 2026" in done.text
    assert "6 h 10 min, $370.00" in done.text
    assert "billed on Monday 23 November 2026, 12:00 (UTC)" in done.text
    assert ("you receive $333.00 after the fee" in done.text) == (side is Side.TALENT)
    assert "Nothing was in escrow" not in done.text
    assert_audit_clean()


@pytest.mark.parametrize("side", Side)
def test_paused_contract_ends_on_its_page(side):
    contract = worked()
    terms.pause(contract, by=owner_of(contract.client))

    end_page(contract, side).press("End Contract")

    assert state_of(contract) == ContractState.ENDED


def test_plain_member_cannot_end_a_paused_contract():
    contract = worked()
    terms.pause(contract, by=owner_of(contract.client))
    member = member_of(contract.client, Role.MEMBER)
    contract.assignments.create(membership=member.as_member, since=NOON)

    page = Browser.of(member).open(url_of(contract), status=403)

    assert f"Only an owner or manager of {contract.client.name} can end." in page.text


def test_other_side_was_faster():
    contract = worked()
    page = end_page(contract)
    ended(contract, Side.TALENT)

    with clock.at(NOON + timedelta(minutes=2)):
        answer = page.press("End Contract")

    name = contract.talent.name
    assert f"{name} ended this contract 2 minutes ago. Here is what happened." in answer.flash


# What changed meanwhile -------------------------------------------------------------------------


def test_recorded_time_that_changed_says_what_it_was():
    contract = worked()
    page = end_page(contract)
    recorded(contract, TUESDAY + timedelta(days=1), 30)

    stale = page.press("End Contract", note="Thank you.")

    assert state_of(contract) == ContractState.ACTIVE
    assert "The figures have changed since you saw them. Nothing was ended." in stale.alerts
    assert stale.effects(WILL)["Billed for this week"] == (
        "6 h 40 min, $400.00 was 6 h 10 min, $370.00"
    )
    changed = stale.effects(CHANGED)
    assert changed["Recorded in the week of 16 November 2026"] == "6 h 40 min was 6 h 10 min"
    assert stale.filled_in("End Contract")["note"] == "Thank you."
    stale.press("End Contract")
    assert state_of(contract) == ContractState.ENDED


def test_time_that_was_all_deleted_says_what_it_was():
    contract = worked()
    page = end_page(contract)
    diary.remove(contract.stretches.get(), by=owner_of(contract.talent))

    stale = page.press("End Contract")

    assert stale.effects(WILL)["Billed for this week"] == "none was 6 h 10 min, $370.00"


def test_timer_that_started_meanwhile_is_named():
    contract = worked()
    page = end_page(contract)
    running(contract, NOON)

    stale = page.press("End Contract")

    assert stale.effects(CHANGED) == {"Running timers": "1 was 0"}
    assert stale.effects(WILL)["Billed for this week"] == (
        "at least 6 h 10 min, $370.00 was 6 h 10 min, $370.00"
    )


def test_timer_that_was_seen_running_never_makes_figures_stale():
    contract = worked()
    running(contract, NOON - timedelta(minutes=23))
    page = end_page(contract)

    with clock.at(NOON + timedelta(minutes=30)):
        timers.stop(contract, by=owner_of(contract.talent))
        updated = page.press("Update figures")
        assert updated.effects(CHANGED) == {}
        assert updated.effects(WILL)["Billed for this week"] == "7 h, $420.00"
        done = page.press("End Contract")

    assert "7 h, $420.00" in done.text


def test_week_that_was_invoiced_meanwhile_is_named():
    contract = worked()
    page = end_page(contract)

    with clock.at(BILLED):
        stale = page.press("End Contract")

    assert stale.effects(WILL)["Billed for last week"] == "none was 6 h 10 min, $370.00"
    assert stale.effects(CHANGED) == {
        "Hours of the week of 16 November 2026": "invoiced was 6 h 10 min, not billed yet"
    }
    assert state_of(contract) == ContractState.ACTIVE


def test_figures_alone_follow_for_scripts():
    contract = worked()
    page = end_page(contract)

    html = page.browser.client.post(
        f"{url_of(contract)}figures/",
        page.filled_in("End Contract"),
        headers={"hx-request": "true"},
    ).content.decode()

    assert "6 h 10 min, $370.00" in html
    assert "Before you end" not in html


# Cost -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("more", [0, 5])
def test_end_page_takes_as_many_queries_for_one_entry_as_for_six(side, more):
    contract = worked()
    for number in range(more):
        recorded(contract, TUESDAY + timedelta(days=1, hours=number), 10)

    assert Browser.of(owner_of(contract.party(side))).count(url_of(contract)) == 8


@pytest.mark.parametrize("side", Side)
def test_end_page_takes_as_many_queries_while_a_timer_runs(side):
    contract = worked()
    running(contract, NOON - timedelta(hours=1))

    assert Browser.of(owner_of(contract.party(side))).count(url_of(contract)) == 8
