"""The Work Diary's pages: what a week shows, and what is done from there."""

from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

from contracts import assignments, billing, hours_disputes, terms, timers
from contracts.models import Contract, Stretch, Timer, Week
from contracts.states import Side, StretchKind
from marketplace import clock
from marketplace.actors import Actor
from marketplace.states import Role
from payments.gateways import sandbox
from tests.factories import (
    NOON,
    AgencyFactory,
    PartyFactory,
    active,
    ended,
    hourly,
    hourly_offer,
    in_review,
    member_of,
    owner_of,
    recorded,
    timed,
)
from tests.pages import Browser, Page

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
NEXT_MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
PAGE_BUDGET = 100_000
"""Bytes of a page's HTML, styles and scripts together, compressed."""


def begun(**values) -> Contract:
    """An hourly contract since Monday 2 November."""
    with clock.at(datetime(2026, 11, 2, 8, tzinfo=UTC)):
        return hourly(**values)


def diary_of(contract: Contract, who: Side | Actor = Side.TALENT, path: str = "") -> Page:
    by = who if isinstance(who, Actor) else owner_of(contract.party(who))
    return Browser.of(by).open(f"/contracts/{contract.reference}/diary/{path}")


def url(contract: Contract, path: str = "") -> str:
    return f"/contracts/{contract.reference}/diary/{path}"


def a_week() -> Contract:
    """Half of the week in the design: 6 h 10 min by timer and by hand."""
    contract = begun(title="Data pipeline support")
    timed(contract, MONDAY + 9 * HOUR, 90, memo="Fixed the nightly import")
    recorded(contract, MONDAY + 13 * HOUR, 30, memo="Call about retention rules")
    timed(contract, MONDAY + 33 * HOUR, 130, memo="Schema review")
    timed(contract, MONDAY + 58 * HOUR, 120)
    return contract


def agency_week() -> Contract:
    """Two members at the same time, beyond a limit of two hours."""
    contract = begun(talent=AgencyFactory(name="Demo Agency"), hours=2)
    for number, name in enumerate(("Ada Agent", "Bea Builder")):
        member = member_of(contract.talent)
        member.as_member.user.name = name
        member.as_member.user.save()
        assignments.assign(contract, member.as_member, by=owner_of(contract.talent))
        recorded(contract, MONDAY + (9 + number / 2) * HOUR, 80, memo=f"By {name}", by=member)
    return contract


def lanes(page: Page) -> list[str]:
    return [one.attrs["aria-label"] for one in page.dom.query(".lane")]


def rows(page: Page) -> list[str]:
    return [" ".join(row.to_text(separator=" ").split()) for row in page.dom.query("tbody tr")]


# A week -----------------------------------------------------------------------------------------


def test_week_shows_the_same_to_both_sides():
    contract = a_week()

    for side in Side:
        page = diary_of(contract, side)
        assert "Data pipeline support · 16 – 22 November 2026, UTC" in page.text
        assert lanes(page) == [
            "Mon 16: 2 h; 09:00–10:30, 13:00–13:30 manual",
            "Tue 17: 2 h 10 min; 09:00–11:10",
            "Wed 18: 2 h; 10:00–12:00",
            "Thu 19: –",
            "Fri 20: –",
            "Sat 21: –",
            "Sun 22: –",
        ]
        assert "This week 6 h 10 min of 20 h limit" in page.text
        assert "At $60.00 an hour $370.00" in page.text
        assert "#entries" in page.links()


def test_entries_are_a_table_by_day_with_what_was_done():
    assert rows(diary_of(a_week(), Side.CLIENT)) == [
        "Monday 16 November 2 h",
        "09:00–10:30 Fixed the nightly import 1 h 30 min",
        "13:00–13:30 Call about retention rules manual 30 min",
        "Tuesday 17 November 2 h 10 min",
        "09:00–11:10 Schema review 2 h 10 min",
        "Wednesday 18 November 2 h",
        "10:00–12:00 No memo 2 h",
    ]


def test_sides_differ_only_in_what_they_can_do():
    contract = a_week()
    talent, client = diary_of(contract), diary_of(contract, Side.CLIENT)

    assert talent.buttons() == ["Start timer"]
    assert url(contract, "add/") in talent.links()
    assert len(_changes(talent, contract)) == 4
    assert "You receive, after the fee $333.00" in talent.text
    assert client.buttons() == []
    assert _changes(client, contract) == []
    assert url(contract, "add/") not in client.links()
    assert "You receive" not in client.text


def _changes(page: Page, contract: Contract) -> list[str]:
    """The links to pages on which time is changed."""
    return [one for one in page.links() if re.fullmatch(rf"{url(contract)}\d+/", one)]


def test_adjacent_time_of_one_kind_is_one_block():
    contract = begun()
    for hour in (9, 10):
        recorded(contract, MONDAY + hour * HOUR, 60)
    timed(contract, MONDAY + 11 * HOUR, 60)

    page = diary_of(contract)

    assert lanes(page)[0] == "Mon 16: 3 h; 09:00–11:00 manual, 11:00–12:00"
    assert len(page.dom.query(".lane rect")) == 2
    assert len(rows(page)) == 4


def test_grid_is_as_wide_as_what_is_in_it():
    contract = begun()
    assert _hours_of(diary_of(contract)) == ["7", "9", "11", "13", "15", "17"]

    recorded(contract, MONDAY + 50 * MINUTE, 10)
    recorded(contract, MONDAY + 23 * HOUR + 50 * MINUTE, 10)
    page = diary_of(contract)

    assert _hours_of(page) == ["0", "4", "8", "12", "16", "20"]
    assert lanes(page)[0] == "Mon 16: 20 min; 00:50–01:00 manual, 23:50–24:00 manual"
    assert "23:50–24:00 No memo manual 10 min Change 23:50–24:00" not in rows(page)[2]
    assert rows(page)[2].startswith("23:50–24:00")


def _hours_of(page: Page) -> list[str]:
    return [one.to_text() for one in page.dom.query(".hours text")]


def test_time_beyond_the_limit_is_marked_and_not_billed():
    page = diary_of(agency_week(), Side.CLIENT)

    assert lanes(page)[0] == (
        "Mon 16: 2 h 40 min; 09:00–10:20 manual, 09:30–10:10 manual, 10:10–10:50 not billed"
    )
    assert rows(page)[1:] == [
        "09:00–10:20 By Ada Agent manual Ada Agent 1 h 20 min",
        "09:30–10:50 By Bea Builder manual 40 min not billed Bea Builder 1 h 20 min",
    ]
    assert "2 h 40 min of 2 h limit" in page.text
    assert "Beyond the limit, not billed 40 min" in page.text
    assert "$120.00" in page.text
    assert "not billed" in page.part(".key")


def test_key_says_not_billed_only_where_it_is():
    assert diary_of(a_week()).part(".key") == "recorded manual running"


def test_people_are_named_only_where_there_are_several():
    contract = a_week()
    name = owner_of(contract.talent).user.name

    assert name not in " ".join(rows(diary_of(contract, Side.CLIENT)))


def test_running_timer_stands_beside_what_is_recorded():
    contract = a_week()
    with clock.at(NOON):
        timers.start(contract, memo="Replay", by=owner_of(contract.talent))

    with clock.at(NOON + 26 * MINUTE):
        client = diary_of(contract, Side.CLIENT)
        talent = diary_of(contract)

    assert "6 h 10 min of 20 h limit, and 20 min running" in client.text
    assert lanes(client)[3] == "Thu 19: –; 12:00–12:26 running"
    assert rows(client)[-1] == "since 12:00 Replay 20 min"
    assert client.buttons() == []
    assert "20 min count so far" in talent.text
    assert talent.buttons() == ["Stop timer"]
    assert talent.filled_in("Stop timer")["memo"] == "Replay"


def test_timer_that_runs_over_midnight_is_drawn_on_both_days():
    contract = begun()
    with clock.at(MONDAY - HOUR):
        timers.start(contract, by=owner_of(contract.talent))

    with clock.at(MONDAY + HOUR):
        assert lanes(diary_of(contract))[0] == "Mon 16: –; 00:00–01:00 running"
        before = diary_of(contract, path="?week=2026-11-09")

    assert lanes(before)[6] == "Sun 15: –; 23:00–24:00 running"
    assert before.buttons() == []


# Which week -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("", "16 – 22 November"),
        ("2026-11-16", "16 – 22 November"),
        ("2026-11-22", "16 – 22 November"),
        ("2026-11-15", "9 – 15 November"),
        ("2026-11-02", "2 – 8 November"),
        ("2026-11-01", "2 – 8 November"),
        ("0001-01-01", "2 – 8 November"),
        ("9999-12-31", "16 – 22 November"),
        ("2026-11-23", "16 – 22 November"),
        ("2026-13-01", "16 – 22 November"),
        ("2026-W46-1", "9 – 15 November"),
        ("yesterday", "16 – 22 November"),
        ("%00", "16 – 22 November"),
    ],
)
def test_asked_week_is_shown_or_the_nearest_there_is(asked, shown):
    assert shown in diary_of(begun(), path=f"?week={asked}").text


def test_weeks_lead_to_each_other():
    contract = begun()
    this, middle = diary_of(contract), diary_of(contract, path="?week=2026-11-09")
    first = diary_of(contract, path="?week=2026-11-02")

    assert _weeks_in(this) == [url(contract, "?week=2026-11-09")]
    assert _weeks_in(middle) == [
        url(contract, "?week=2026-11-02"),
        url(contract),
        url(contract, "?week=2026-11-16"),
    ]
    assert _weeks_in(first) == [url(contract), url(contract, "?week=2026-11-09")]
    assert "This week" in middle.text
    assert middle.buttons() == []


def _weeks_in(page: Page) -> list[str]:
    return [
        one.attrs["href"]
        for one in page.dom.query(".headline .actions a")
        if "add" not in str(one.attrs["href"])
    ]


def test_ended_contract_shows_its_last_week():
    contract = a_week()
    ended(contract)

    with clock.at(NEXT_MONDAY + 300 * HOUR):
        page = diary_of(contract)

    assert "16 – 22 November 2026" in page.text
    assert "Next week" not in page.html


def test_title_names_both_months_and_years_where_they_differ():
    with clock.at(datetime(2025, 12, 29, tzinfo=UTC)):
        contract = hourly()
        assert "29 December 2025 – 4 January 2026" in diary_of(contract).text


# Adding -----------------------------------------------------------------------------------------


def test_manual_time_is_added():
    contract = begun()
    page = diary_of(contract, path="add/")
    assert "Times are UTC, in steps of 10 minutes. It is 12:00 UTC now." in page.text
    assert page.filled_in("Add time")["day"] == "2026-11-19"

    done = page.press("Add time", day="2026-11-16", starts="23:00", ends="24:00", memo="Late call")

    assert "You added 1 h." in done.flash
    assert done.url.endswith("/diary/?week=2026-11-16")
    assert rows(done)[1].startswith("23:00–24:00 Late call manual")
    assert contract.weeks.get().minutes == 60


def test_reader_elsewhere_also_reads_their_own_time():
    contract = begun()
    user = owner_of(contract.talent).user
    user.time_zone = "Asia/Kolkata"
    user.save()

    page = diary_of(contract, path="add/")

    assert "It is 12:00 UTC now; for you it is Thursday 19 November 2026, 17:30 (Kolkata)." in (
        page.text
    )


def test_days_of_the_week_so_far_can_be_chosen():
    page = diary_of(begun(), path="add/")

    days = [one.to_text().strip() for one in page.dom.query("select[name=day] option")]
    assert days == [
        "Monday 16 November",
        "Tuesday 17 November",
        "Wednesday 18 November",
        "Thursday 19 November",
    ]


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"starts": "", "ends": "11:00"}, "Choose a time."),
        ({"starts": "10:05", "ends": "11:00"}, "Choose one of these times."),
        ({"starts": "11:00", "ends": "10:00"}, "Choose an end after the start."),
        ({"starts": "11:00", "ends": "12:10"}, "This time is not over yet: it is 12:00 UTC now."),
        ({"starts": "08:00", "ends": "09:10"}, "This overlaps 09:00–10:00 UTC."),
        ({"day": "2026-11-20"}, "Choose one of the days of this week."),
        ({"memo": "x" * 201}, "at most 200 characters"),
    ],
)
def test_wrong_input_is_told_beside_its_field_and_kept(typed, message):
    contract = begun()
    recorded(contract, NOON - 3 * HOUR, 60)
    typed = {"starts": "11:00", "ends": "12:00", "memo": "Import"} | typed

    page = diary_of(contract, path="add/").press("Add time", **typed)

    assert message in " ".join(page.alerts)
    kept = page.filled_in("Add time")
    assert kept["memo"] == typed["memo"]
    assert kept["ends"] == typed["ends"]
    assert contract.stretches.count() == 1


def test_form_sent_twice_adds_once():
    contract = begun()
    page = diary_of(contract, path="add/")

    for _ in range(2):
        page.press("Add time", starts="10:00", ends="11:00")

    assert contract.stretches.count() == 1


def test_what_was_typed_is_back_after_signing_in_again():
    contract = begun()
    page = diary_of(contract, path="add/")
    page.browser.client.logout()
    page.browser.client.post(
        url(contract, "add/"),
        page.filled_in("Add time") | {"starts": "10:00", "memo": "Kept"},
        headers={"referer": f"http://testserver{url(contract, 'add/')}"},
    )

    page.browser.client.force_login(owner_of(contract.talent).user)
    kept = page.browser.open(url(contract, "add/")).filled_in("Add time")

    assert (kept["starts"], kept["memo"]) == ("10:00", "Kept")


def test_manual_time_that_is_not_allowed_says_so():
    contract = begun(manual_time=False)

    page = diary_of(contract)
    assert "The client does not allow manual time on this contract. Use the timer." in page.text
    assert "Start timer" in page.buttons()
    assert url(contract, "add/") not in page.links()
    back = diary_of(contract, path="add/")
    assert back.url.endswith("/diary/")
    assert "The client does not allow manual time" in back.flash


def test_client_has_no_page_to_add_time():
    contract = begun()

    Browser.of(owner_of(contract.client)).open(url(contract, "add/"), status=403)
    Browser.of(owner_of(contract.client)).send(url(contract, "timer/start/"), status=403)

    assert not Timer.objects.exists()


# Changing and deleting --------------------------------------------------------------------------


def test_manual_time_is_changed():
    contract = a_week()
    stretch = contract.stretches.get(kind=StretchKind.MANUAL)
    page = diary_of(contract, path=f"{stretch.pk}/")
    filled = page.filled_in("Save")
    assert (filled["day"], filled["starts"], filled["ends"]) == ("2026-11-16", "13:00", "13:30")

    done = page.press("Save", day="2026-11-17", starts="13:00", ends="15:00", memo="Longer")

    assert "Your changes were saved." in done.flash
    assert lanes(done)[1] == "Tue 17: 4 h 10 min; 09:00–11:10, 13:00–15:00 manual"


def test_recorded_time_offers_its_memo_alone():
    contract = a_week()
    stretch = contract.stretches.filter(kind=StretchKind.TIMER).last()
    page = diary_of(contract, path=f"{stretch.pk}/")
    assert "What a timer recorded cannot be moved, only deleted." in page.text
    assert set(page.filled_in("Save")) == {"memo"}

    page.press("Save", memo="Replay")

    stretch.refresh_from_db()
    assert (stretch.memo, stretch.minutes) == ("Replay", 120)


def test_time_is_deleted_from_its_own_page_and_only_once():
    contract = a_week()
    stretch = contract.stretches.get(kind=StretchKind.MANUAL)
    page = diary_of(contract, path=f"{stretch.pk}/")
    assert "13:00–13:30 UTC, 30 min" in page.text

    done = page.press("Delete this time")
    assert "You deleted 30 min." in done.flash
    again = page.press("Delete this time")
    assert "This time was deleted meanwhile." in again.flash
    gone = page.browser.open(page.url)
    assert "This time was deleted meanwhile." in gone.flash

    assert contract.weeks.get().minutes == 340


def test_address_of_deleting_alone_shows_the_page_first():
    contract = a_week()
    stretch = contract.stretches.first()

    page = diary_of(contract, path=f"{stretch.pk}/remove/")

    assert page.url.endswith(f"/diary/{stretch.pk}/")
    assert contract.stretches.count() == 4


def test_member_changes_own_time_only():
    contract = agency_week()
    own, other = contract.stretches.all()
    member = Actor.member(own.membership)

    page = diary_of(contract, member)
    assert url(contract, f"{own.pk}/") in page.links()
    assert url(contract, f"{other.pk}/") not in page.links()
    Browser.of(member).open(url(contract, f"{other.pk}/"), status=403)
    assert url(contract, f"{other.pk}/") in diary_of(contract).links()


def test_stretch_of_another_contract_is_not_found_here():
    contract, other = begun(), a_week()
    stretch = other.stretches.first()

    page = diary_of(contract, path=f"{stretch.pk}/")

    assert "This time was deleted meanwhile." in page.flash
    assert Stretch.objects.count() == 4


# The timer --------------------------------------------------------------------------------------


def test_timer_starts_and_stops():
    contract = begun()
    running = diary_of(contract).press("Start timer", memo="Import")
    assert "Your timer is running. Whole ten-minute segments count." in running.flash

    with clock.at(NOON + 25 * MINUTE):
        done = running.press("Stop timer", memo="Import of returns")

    assert "Your timer has stopped and recorded 20 min." in done.flash
    stretch = contract.stretches.get()
    assert (stretch.memo, stretch.minutes) == ("Import of returns", 20)


def test_timer_stopped_at_once_says_that_nothing_counts():
    contract = begun()
    running = diary_of(contract).press("Start timer")

    done = running.press("Stop timer")

    assert "No whole ten-minute segment was in it, so nothing counts." in done.flash
    assert not contract.stretches.exists()


def test_start_and_stop_pressed_twice_are_quiet():
    contract = begun()
    idle = diary_of(contract)
    running = idle.press("Start timer")

    assert "Your timer is running already." in idle.press("Start timer").flash
    running.press("Stop timer")
    assert (
        "Your timer stopped at 12:00 UTC and recorded 0 min." in running.press("Stop timer").flash
    )


def test_too_long_a_memo_is_told_and_kept():
    page = diary_of(begun()).press("Start timer", memo="x" * 201)

    assert "at most 200 characters" in " ".join(page.alerts)
    assert page.filled_in("Start timer")["memo"] == "x" * 201
    assert not Timer.objects.exists()


@pytest.mark.parametrize("verb", ["start", "stop"])
def test_address_of_a_timers_button_leads_to_the_diary(verb):
    assert diary_of(begun(), path=f"timer/{verb}/").url.endswith("/diary/")


def test_timer_on_another_contract_leads_there():
    contract = begun()
    other = begun(talent=contract.talent, title="Elsewhere")
    timers.start(other, by=owner_of(contract.talent))

    page = diary_of(contract)

    assert "Your timer is running on Elsewhere." in page.text
    assert url(other) in page.links()
    assert "Elsewhere" not in diary_of(contract, Side.CLIENT).text


def test_timer_that_ran_out_unseen_says_so():
    contract = begun()
    timers.start(contract, by=owner_of(contract.talent))

    with clock.at(NOON + 13 * HOUR):
        page = diary_of(contract)

    assert (
        "Your timer ran out after 12 hours, on Friday 20 November 2026, 00:00 (UTC)." in page.text
    )
    assert page.buttons() == []


# When no time is taken --------------------------------------------------------------------------


def test_locked_diary_says_since_when_and_why():
    contract = a_week()
    with clock.at(NOON + HOUR):
        ended(contract, Side.TALENT)
    since = "Locked since Thursday 19 November 2026, 13:00 (UTC)"

    talent, client = diary_of(contract), diary_of(contract, Side.CLIENT)

    rest = "ended the contract. Nothing can be added, changed or deleted."
    assert f"{since}: you {rest}" in talent.text
    assert f"{since}: {contract.talent.name} {rest}" in client.text
    assert talent.buttons() == []
    assert _changes(talent, contract) == []


def test_paused_contract_says_who_can_restart_it():
    contract = begun()
    terms.pause(contract, by=owner_of(contract.client))

    talent, client = diary_of(contract), diary_of(contract, Side.CLIENT)

    assert "No time is recorded until they restart it." in talent.text
    assert "can record time again once you restart it." in client.text
    assert talent.buttons() == []


def test_contract_on_hold_says_what_is_to_be_done():
    week = in_review(method=sandbox.DECLINES)

    talent, client = diary_of(week.contract), diary_of(week.contract, Side.CLIENT)

    assert "No time is recorded until they have paid; the hours stay owed to you." in talent.text
    assert "can record time again once you have paid what is owed." in client.text
    assert talent.buttons() == []


def test_manager_who_is_not_assigned_reads_who_can_record():
    contract = begun(talent=AgencyFactory(name="Demo Agency"))
    manager = member_of(contract.talent, Role.MANAGER)

    page = diary_of(contract, manager)

    assert "An owner or manager of Demo Agency can assign you." in page.text
    assert page.buttons() == []


# What happens with a week -----------------------------------------------------------------------


def state_of(contract: Contract, side: Side = Side.TALENT, week: str = "2026-11-09") -> str:
    page = diary_of(contract, side, f"?week={week}")
    return page.part("aside section:last-child")


def test_open_week_says_until_when_it_can_be_changed():
    contract = a_week()

    until = "can change what is recorded until Monday 23 November 2026, 12:00 (UTC), in 4 days."
    assert f"Open: you {until}" in state_of(contract, week="")
    assert f"Open: {contract.talent.name} {until}" in state_of(contract, Side.CLIENT, "")
    with clock.at(NEXT_MONDAY + 11 * HOUR):
        assert "Open: you can change" in state_of(contract, week="2026-11-16")
        assert "Change" in diary_of(contract, path="?week=2026-11-16").text


def test_week_that_is_due_is_locked_whether_or_not_it_was_billed():
    contract = a_week()

    with clock.at(NEXT_MONDAY + 12 * HOUR):
        page = diary_of(contract, path="?week=2026-11-16")

    assert "Locked since Monday 23 November 2026, 12:00 (UTC). It is being billed." in page.text
    assert "Change" not in page.part("table")


def test_week_locked_by_the_end_says_when_it_is_billed():
    contract = a_week()
    ended(contract, Side.CLIENT)

    words = state_of(contract, week="")

    assert f"because {contract.client.name} ended the contract." in words
    assert "It is invoiced and charged on Monday 23 November 2026, 12:00 (UTC), in 4 days." in words


def test_paid_week_says_what_was_paid_and_until_when_it_is_reviewed():
    week = in_review()

    talent, client = state_of(week.contract), state_of(week.contract, Side.CLIENT)

    assert "Invoiced: $120.00. Paid Monday 16 November 2026, 12:00 (UTC)" in talent
    assert "available on 25 November 2026" in talent
    assert f"{week.contract.client.name} can dispute hours of this week." in talent
    assert "Until then you can dispute hours of this week." in client
    assert "Dispute hours" in client
    assert "Dispute hours" not in talent
    with clock.at(datetime(2026, 11, 21, tzinfo=UTC)):
        assert "In review" not in state_of(week.contract)
        assert "Dispute hours" not in state_of(week.contract, Side.CLIENT)
    with clock.at(datetime(2026, 11, 25, tzinfo=UTC)):
        assert "; available." in state_of(week.contract)


def test_unpaid_week_leads_the_client_to_pay():
    week = in_review(method=sandbox.DECLINES)

    assert "Not paid: the charge was declined, and the contract is on hold." in state_of(
        week.contract
    )
    assert "Pay these hours" in state_of(week.contract, Side.CLIENT)
    assert "Pay these hours" not in state_of(week.contract)


def test_week_whose_charge_is_open_says_so():
    week = in_review(method=sandbox.TIMES_OUT)

    assert "The charge is not confirmed yet." in state_of(week.contract)


def test_disputed_week_leads_to_its_dispute_and_then_says_what_went_back():
    week = in_review()
    segments = hours_disputes.billed_segments(week)[:3]
    dispute = hours_disputes.file(
        week,
        segments=[(stretch.pk, at) for stretch, at in segments],
        reason="Not agreed.",
        key="",
        by=owner_of(week.contract.client),
    )
    assert "kept back while hours are disputed" in state_of(week.contract)
    assert "The dispute of this week" in state_of(week.contract, Side.CLIENT)

    hours_disputes.accept(dispute, by=owner_of(week.contract.talent))

    page = diary_of(week.contract, path="?week=2026-11-09")
    assert "Reversed 30 min" in page.text
    assert "$90.00" in page.text


def test_week_without_time_says_that_nothing_is_billed():
    contract = begun()

    page = diary_of(contract, path="?week=2026-11-02")

    assert "Nothing was recorded in this week" in page.text
    assert "Nothing is billed for this week." in page.text


def test_week_whose_time_was_all_deleted_was_not_billed():
    contract = a_week()
    for stretch in contract.stretches.all():
        diary_of(contract, path=f"{stretch.pk}/").press("Delete this time")
    with clock.at(NEXT_MONDAY + 12 * HOUR):
        billing.bill([contract.pk])
        assert "Nothing was billed for this week." in state_of(contract, week="2026-11-16")


def test_limit_that_is_lowered_from_monday_is_announced():
    contract = a_week()
    terms.set_limit(contract, hours=10, by=owner_of(contract.client))

    page = diary_of(contract)

    assert "of 20 h limit" in page.text
    assert "Limit from next Monday 10 h" in page.text


# Frame ------------------------------------------------------------------------------------------


def test_only_hourly_contracts_have_a_diary():
    fixed, hours = active(), begun()

    Browser.of(owner_of(fixed.talent)).open(url(fixed), status=404)
    Browser.of(owner_of(fixed.talent)).send(url(fixed, "timer/start/"), status=404)
    Browser.of(owner_of(fixed.talent)).open(url(fixed, "add/"), status=404)
    room = Browser.of(owner_of(hours.talent)).open(f"/contracts/{hours.reference}/")
    assert url(hours) in room.links()


def test_stranger_finds_nothing_and_an_offer_leads_to_the_offer():
    contract, offer = begun(), hourly_offer()
    stranger = Browser.of(owner_of(PartyFactory()))

    stranger.open(url(contract), status=404)
    stranger.send(url(contract, "timer/start/"), status=404)
    page = Browser.of(owner_of(offer.talent)).open(url(offer))

    assert page.url.endswith("/offer/")


@pytest.mark.parametrize("side", Side)
def test_page_takes_as_many_queries_for_a_full_week(side):
    contract = begun()
    browser = Browser.of(owner_of(contract.party(side)))
    browser.count(url(contract))
    none = browser.count(url(contract))
    recorded(contract, MONDAY, 10)
    one = browser.count(url(contract))
    dense(contract)
    full = browser.count(url(contract))

    assert none <= one == full <= 12


def test_full_week_stays_within_the_page_budget():
    contract = begun(hours=60)
    recorded(contract, MONDAY, 10)
    dense(contract)

    page = diary_of(contract)

    assert "168 h of 60 h limit" in page.text
    assert lanes(page)[0] == "Mon 16: 24 h; 00:00–00:10 manual, 00:10–24:00"
    assert len(rows(page)) == 1_008 + 7
    paths = ("bootstrap/css/bootstrap.min.css", "marketplace/site.css", "marketplace/site.js")
    sizes = [len(gzip.compress(Path(finders.find(one)).read_bytes())) for one in paths]
    assert sum(sizes) + len(gzip.compress(page.html.encode())) < PAGE_BUDGET


def dense(contract: Contract) -> None:
    """Every segment of the week a stretch of its own, with a memo; the first is there already."""
    first = contract.stretches.get()
    starts = [first.starts_at + number * 10 * MINUTE for number in range(1, 1_008)]
    Stretch.objects.bulk_create(
        Stretch(
            contract=contract,
            week=first.week,
            membership=first.membership,
            person=first.person,
            kind=StretchKind.TIMER,
            starts_at=start,
            ends_at=start + 10 * MINUTE,
            memo=f"Segment {number:x}, {hash(start) % 10**9:x} looked through",
            recorded_at=start,
        )
        for number, start in enumerate(starts)
    )
    Week.objects.filter(pk=first.week_id).update(minutes=10_080)
