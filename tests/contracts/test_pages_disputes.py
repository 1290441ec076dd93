"""Disputing hours on pages: the client chooses, both sides read the same, each answers once."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zlib import compress

import pytest

from contracts import billing, hours_disputes
from contracts.models import Assignment, HoursDispute, Week
from contracts.states import DisputeState, Side
from marketplace import clock, sweeping
from marketplace.actors import Actor
from marketplace.states import Role
from payments.gateways import sandbox
from tests.factories import (
    NOON,
    TUESDAY,
    StaffFactory,
    ended,
    hourly,
    in_review,
    member_of,
    money_of,
    owner_of,
    recorded,
    usd,
    week_of,
)
from tests.pages import Browser, Page
from tests.support.asserting import assert_audit_clean, everything_of

pytestmark = pytest.mark.django_db

REASON = "You were travelling then."
DAYS_3 = timedelta(days=3)


def filing(week: Week) -> str:
    return f"/contracts/{week.contract.reference}/weeks/2026-11-09/dispute/"


def browser_of(week: Week, side: Side) -> Browser:
    return Browser.of(owner_of(week.contract.party(side)))


def filing_page(week: Week) -> Page:
    return browser_of(week, Side.CLIENT).open(filing(week))


def filed(week: Week, places: range = range(3)) -> HoursDispute:
    billed = hours_disputes.billed_segments(week)
    return hours_disputes.file(
        week,
        segments=[(billed[place][0].pk, billed[place][1]) for place in places],
        reason=REASON,
        key="",
        by=owner_of(week.contract.client),
    )


def page_of(dispute: HoursDispute, side: Side) -> Page:
    contract = dispute.contract
    return Browser.of(owner_of(contract.party(side))).open(f"/hours-disputes/{dispute.pk}/")


def state_of(dispute: HoursDispute) -> str:
    return str(HoursDispute.objects.get(pk=dispute.pk).state)


# Filing ------------------------------------------------------------------------------------------


def test_filing_page_says_what_a_dispute_is_and_until_when():
    page = filing_page(in_review())

    assert "It is not about the quality of the work." in page.text
    assert "once, until Saturday 21 November 2026, 00:00 (UTC), in 1 day" in page.text
    assert "has 3 days to accept or decline" in page.text
    assert "Tuesday 10 November" in page.text
    assert "09:00–11:00" in page.text
    assert page.effects("What will happen") == {"Nothing is chosen yet": "–"}


def test_figures_follow_what_is_chosen_and_file_nothing():
    week = in_review()
    name, stretch = week.contract.talent.name, week.stretches.get()
    page = filing_page(week)

    shown = page.press("Update figures", s=["0", "11"])

    assert shown.effects("What will happen") == {
        "You dispute": "20 min",
        f"Comes back to you if {name} accepts": "$20.00",
        f"If {name} does not accept": "support decides",
        f"The payment to {name}": "waits",
    }
    assert shown.alerts == []
    assert len(shown.dom.query("details[open]")) == 1
    whole = shown.press("Update figures", e=str(stretch.pk))
    assert whole.effects("What will happen")["You dispute"] == "2 h"
    assert not HoursDispute.objects.exists()


def test_figures_alone_follow_by_script():
    week = in_review()
    answer = browser_of(week, Side.CLIENT).client.post(
        f"{filing(week)}figures/", {"s": "3"}, headers={"HX-Request": "true"}
    )

    page = Page(browser_of(week, Side.CLIENT), "", answer.content.decode())
    assert page.effects("What will happen")["You dispute"] == "10 min"
    assert "<html" not in page.html


def test_client_disputes_a_whole_entry_and_part_of_another():
    week = in_review()
    stretch = week.stretches.get()

    done = filing_page(week).press("Dispute hours", e=str(stretch.pk), s="0", reason=REASON)

    dispute = HoursDispute.objects.get()
    assert done.url == f"/hours-disputes/{dispute.pk}/"
    assert dispute.minutes == 120
    assert "You disputed 2 h." in done.flash
    assert "Sunday 22 November 2026, 12:00 (UTC)" in done.flash


def test_form_that_is_sent_twice_files_one_dispute():
    page = filing_page(in_review())

    first = page.press("Dispute hours", s="0", reason=REASON)
    second = page.press("Dispute hours", s="0", reason=REASON)

    assert first.url == second.url
    assert HoursDispute.objects.count() == 1


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"reason": REASON}, "Choose the time that you dispute."),
        ({"s": "0", "reason": " "}, "Say why this time is not right."),
        ({"s": "12", "reason": REASON}, "Select a valid choice."),
        ({"e": "999999", "reason": REASON}, "Select a valid choice."),
    ],
)
def test_filing_says_what_is_missing_and_keeps_the_rest(typed, sentence):
    again = filing_page(in_review()).press("Dispute hours", **typed)

    assert sentence in " ".join(again.alerts)
    assert again.filled_in("Dispute hours")["reason"].strip() == typed["reason"].strip()
    assert not HoursDispute.objects.exists()


def test_unpaid_hours_are_disputed_as_what_is_owed():
    shown = filing_page(week := in_review(method=sandbox.DECLINES)).press("Update figures", s="0")

    name = week.contract.talent.name
    assert shown.effects("What will happen")[f"Not owed any more if {name} accepts"] == "$10.00"
    assert shown.effects("What will happen")["What you owe"] == "stays"


def test_only_what_was_billed_is_offered():
    page = filing_page(in_review(120, hours=1))

    assert "09:00–10:00" in page.text
    assert len(page.dom.query("input[name=s]")) == 6


def test_filing_after_the_review_says_so_in_the_room():
    week = in_review()
    page = filing_page(week)

    with clock.at(datetime.fromisoformat("2026-11-21T00:00:00+00:00")):
        late = page.press("Dispute hours", s="0", reason=REASON)
        closed = filing_page(week)

    for one in (late, closed):
        assert one.url == f"/contracts/{week.contract.reference}/"
        assert "The review of this week ended" in one.flash
    assert not HoursDispute.objects.exists()


def test_filing_page_of_a_disputed_week_leads_to_its_dispute():
    week = in_review()
    dispute = filed(week)

    assert filing_page(week).url == f"/hours-disputes/{dispute.pk}/"


def test_filing_is_for_the_managers_of_the_client():
    week = in_review()
    contract = week.contract
    member = member_of(contract.client, Role.MEMBER)
    Assignment.objects.create(contract=contract, membership=member.as_member, since=NOON)

    browser_of(week, Side.TALENT).open(filing(week), status=403)
    Browser.of(member).open(filing(week), status=403)
    Browser.of(owner_of(in_review().contract.client)).open(filing(week), status=404)


@pytest.mark.parametrize("day", ["2026-11-16", "2026-11-10", "2026-13-45"])
def test_there_is_no_filing_page_of_a_week_without_hours(day):
    week = in_review()
    address = filing(week).replace("2026-11-09", day)

    browser_of(week, Side.CLIENT).open(address, status=404)


def test_week_that_is_not_invoiced_yet_is_not_disputed():
    with clock.at(TUESDAY):
        contract = hourly()
    with clock.at(TUESDAY + timedelta(hours=1)):
        recorded(contract, TUESDAY, 60)
        week = week_of(contract)
        page = filing_page(week)
        sent = browser_of(week, Side.CLIENT).send(filing(week), {"confirm": "1", "s": "0"})

    for one in (page, sent):
        assert "not invoiced yet" in one.flash


def full_week() -> Week:
    """Every segment of the week but the last one, which is over when the next week has begun."""
    monday = TUESDAY.replace(day=9, hour=0)
    with clock.at(monday):
        contract = hourly(hours=168)
    for number in range(7):
        day, minutes = monday + timedelta(days=number), 1_430 if number == 6 else 1_440
        with clock.at(day + timedelta(minutes=minutes)):
            recorded(contract, day, minutes)
    with clock.at(datetime.fromisoformat("2026-11-16T12:00:00+00:00")):
        billing.bill([contract.pk])
    return week_of(contract)


def test_filing_page_of_a_full_week_is_small():
    html = filing_page(full_week()).html

    assert html.count('name="s"') == 1_007
    assert len(compress(html.encode())) < 20_000


def test_full_week_is_disputed_whole():
    week = full_week()
    every = [str(pk) for pk in week.stretches.values_list("pk", flat=True)]

    filing_page(week).press("Dispute hours", e=every, reason=REASON)

    dispute = HoursDispute.objects.get()
    assert (dispute.minutes, dispute.segments.count()) == (10_070, 1_007)
    for side in Side:
        text = page_of(dispute, side).text
        assert "Monday 9 November, 00:00–24:00 · 24 h" in text
        assert "Sunday 15 November, 00:00–23:50 · 23 h 50 min" in text


# The dispute's page ------------------------------------------------------------------------------


def test_both_sides_read_the_same_facts_and_what_silence_does():
    dispute = filed(in_review())

    for side in Side:
        text = page_of(dispute, side).text
        assert REASON in text
        assert "2 h, $120.00" in text
        assert "30 min, $30.00" in text
        assert "Tuesday 10 November, 09:00–09:30 · 30 min" in text
        assert "Sunday 22 November 2026, 12:00 (UTC), in 3 days, support decides." in text
        assert "the payment of that week does not become available" in text


def test_talent_accepts():
    dispute = filed(in_review())
    name = dispute.contract.client.name
    page = page_of(dispute, Side.TALENT)
    assert f"$27.00 of the pending payment of that week and $3.00 of the fee go back to {name}" in (
        page.text
    )

    done = page.press(f"Accept: $30.00 goes back to {name}")

    assert "You accepted." in done.flash
    assert f"30 min, $30.00, went back to {name}." in done.text
    assert "30 min, $30.00, went back to you, as credit." in page_of(dispute, Side.CLIENT).text
    assert done.buttons() == []
    assert money_of(dispute.contract)[1] == "$30.00"
    assert_audit_clean()


def test_talent_declines_with_a_reason_that_both_read():
    dispute = filed(in_review())
    page = page_of(dispute, Side.TALENT)

    empty = page.press("Decline", because=" ")
    assert len(empty.alerts) == 1
    assert state_of(dispute) == DisputeState.PENDING
    empty.press("Decline", because="I was at it.")

    for side in Side:
        assert "“I was at it.”" in page_of(dispute, side).text
    name = dispute.contract.client.name
    assert page_of(dispute, Side.TALENT).buttons() == [f"Accept: $30.00 goes back to {name}"]
    assert page_of(dispute, Side.CLIENT).buttons() == ["Withdraw"]


def test_client_withdraws():
    dispute = filed(in_review())

    done = page_of(dispute, Side.CLIENT).press("Withdraw")

    assert "You withdrew the dispute." in done.flash
    assert "All of the time stands." in done.text
    assert state_of(dispute) == DisputeState.WITHDRAWN
    assert_audit_clean()


@pytest.mark.parametrize("first", Side)
@pytest.mark.parametrize("second", Side)
def test_second_answer_is_told_quietly_and_moves_nothing(first, second):
    dispute = filed(in_review())
    name = dispute.contract.client.name
    button = {Side.TALENT: f"Accept: $30.00 goes back to {name}", Side.CLIENT: "Withdraw"}
    pages = {side: page_of(dispute, side) for side in Side}
    pages[first].press(button[first])
    before = everything_of(dispute.contract)

    late = pages[second].press(button[second])

    assert late.url == f"/hours-disputes/{dispute.pk}/"
    assert "settled already" in late.flash
    assert everything_of(dispute.contract) == before


def test_decline_after_three_days_finds_it_with_support():
    dispute = filed(in_review())
    page = page_of(dispute, Side.TALENT)

    with clock.at(NOON + DAYS_3):
        unswept = page_of(dispute, Side.TALENT)
        assert "The dispute was not answered in time." in unswept.text
        assert len(unswept.buttons()) == 1
        late = page.press("Decline", because="I was at it.")
        assert late.flash
        sweeping.run()
    assert state_of(dispute) == DisputeState.ESCALATED


def test_decision_of_support_is_read_by_both_per_segment():
    dispute = filed(in_review())
    page_of(dispute, Side.TALENT).press("Decline", because="I was at it.")
    first = dispute.segments.first()
    hours_disputes.decide(
        dispute,
        reversed_segments=[first.pk],
        because="The log starts at ten past nine.",
        by=Actor.support(StaffFactory()),
    )

    for side in Side:
        text = page_of(dispute, side).text
        assert "“The log starts at ten past nine.”" in text
        assert "10 min, $10.00, went back" in text
        assert re.search(r"09:00–09:10 · 10 min .* went back", text)
        assert re.search(r"09:10–09:30 · 20 min .* stands", text)


@pytest.mark.parametrize("side", Side)
def test_plain_member_reads_who_answers(side):
    dispute = filed(in_review())
    party = dispute.contract.party(side)
    member = member_of(party, Role.MEMBER)
    Assignment.objects.create(contract=dispute.contract, membership=member.as_member, since=NOON)

    page = Browser.of(member).open(f"/hours-disputes/{dispute.pk}/")

    assert f"Only an owner or manager of {party.name} can do this." in page.text
    assert page.buttons() == []
    verbs = ["accept", "decline"] if side is Side.TALENT else ["withdraw"]
    for verb in verbs:
        Browser.of(member).send(
            f"/hours-disputes/{dispute.pk}/{verb}/", {"because": "No."}, status=403
        )
    assert state_of(dispute) == DisputeState.PENDING


def test_strangers_find_no_dispute():
    dispute = filed(in_review())
    stranger = Browser.of(owner_of(in_review().contract.client))

    stranger.open(f"/hours-disputes/{dispute.pk}/", status=404)
    for verb in ("accept", "decline", "withdraw"):
        stranger.send(f"/hours-disputes/{dispute.pk}/{verb}/", status=404)
    assert state_of(dispute) == DisputeState.PENDING


def test_dispute_of_unpaid_hours_is_about_what_is_owed():
    dispute = filed(in_review(method=sandbox.DECLINES))

    page = page_of(dispute, Side.TALENT)
    assert "owes $30.00 less for that week, $27.00 after the fee." in page.text
    done = page.press("Accept: $30.00 is not owed any more")

    assert "30 min does not count, and $30.00 is not owed any more." in done.text
    assert billing.owed(week_of(dispute.contract)) == usd(90)


def test_dispute_outlives_the_end_of_the_contract():
    week = in_review()
    ended(week.contract)
    dispute = filed(week_of(week.contract))

    page_of(dispute, Side.TALENT).press(
        f"Accept: $30.00 goes back to {dispute.contract.client.name}"
    )

    assert state_of(dispute) == DisputeState.ACCEPTED
    assert_audit_clean()


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("number", [1, 12])
def test_dispute_takes_as_many_queries_for_one_segment_as_for_twelve(side, number):
    dispute = filed(in_review(), range(number))

    assert browser_of(dispute.week, side).count(f"/hours-disputes/{dispute.pk}/") == 5


@pytest.mark.parametrize("minutes", [10, 120])
def test_filing_page_takes_as_many_queries_for_one_segment_as_for_twelve(minutes):
    week = in_review(minutes)

    assert browser_of(week, Side.CLIENT).count(filing(week)) == 6
