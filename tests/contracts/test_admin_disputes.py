"""Support decides a dispute of hours per segment, and sees who must act by when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts import billing, hours_disputes
from contracts.models import HoursDispute
from contracts.states import DisputeState
from marketplace import clock
from payments.gateways import sandbox
from tests import desk
from tests.factories import NOON, in_review, money_of, owner_of, usd, week_of
from tests.support.asserting import assert_audit_clean

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser():
    return desk.signed_in(desk.support(name="Sam Cole"))


def pending() -> HoursDispute:
    week = in_review()
    return hours_disputes.file(
        week,
        segments=[(one.pk, start) for one, start in hours_disputes.billed_segments(week)],
        reason="You were travelling then.",
        key="",
        by=owner_of(week.contract.client),
    )


def keys(dispute: HoursDispute, *places: int) -> list[str]:
    found = list(dispute.segments.values_list("pk", flat=True))
    return [str(found[place]) for place in places]


def terms(answer) -> list[tuple[str, str]]:
    return [(one.term, str(one.value)) for one in answer.context["effects"]]


def undecided(dispute: HoursDispute) -> bool:
    again = HoursDispute.objects.get(pk=dispute.pk)
    untouched = money_of(dispute.contract) == ("$0.00", "$0.00", "$108.00", "$0.00")
    return again.state == DisputeState.DECLINED and untouched


def test_decision_shows_what_goes_back_and_moves_nothing_yet(browser):
    dispute = desk.declined_dispute()

    shown = browser.post(
        desk.action(dispute, "decide"),
        {"segments": keys(dispute, 0, 2), "reason": "The log shows it."},
    )

    assert terms(shown) == [
        (f"{dispute.contract.client.name} gets back", "$20.00"),
        ("Stands", "10 min"),
        ("Both sides read", "The log shows it."),
    ]
    assert undecided(dispute)


@pytest.mark.parametrize(
    ("places", "back", "pending_money"),
    [((), "$0.00", "$108.00"), ((1,), "$10.00", "$99.00"), ((0, 1, 2), "$30.00", "$81.00")],
)
def test_decision_takes_exactly_the_ticked_segments_back(browser, places, back, pending_money):
    dispute = desk.declined_dispute()

    answer = desk.confirm(browser, desk.action(dispute, "decide"), segments=keys(dispute, *places))

    assert answer.url == desk.page(dispute)
    decided = HoursDispute.objects.get(pk=dispute.pk)
    assert (decided.state, decided.decided_because) == (DisputeState.DECIDED, desk.REASON)
    assert [one.is_reversed for one in decided.segments.all()] == [
        place in places for place in range(3)
    ]
    assert money_of(dispute.contract) == ("$0.00", back, pending_money, "$0.00")
    assert dispute.contract.history.get(transition="decide").actor_staff.name == "Sam Cole"
    assert desk.logged(dispute).startswith(
        f"Decide per segment. Reason: {desk.REASON} Before: declined, with support. After: decided"
    )
    assert_audit_clean()


def test_entry_goes_back_as_a_whole(browser):
    dispute = desk.declined_dispute()
    entry = str(dispute.segments.first().stretch_id)

    desk.confirm(browser, desk.action(dispute, "decide"), entries=entry, segments=keys(dispute, 0))

    assert HoursDispute.objects.get(pk=dispute.pk).reversed_minutes == 30
    assert money_of(dispute.contract)[1] == "$30.00"


def test_decision_about_unpaid_hours_lowers_what_is_owed(browser):
    dispute = desk.declined_dispute(method=sandbox.DECLINES)
    url, chosen = desk.action(dispute, "decide"), keys(dispute, 0)

    shown = browser.post(url, {"segments": chosen, "reason": "The log shows it."})
    desk.confirm(browser, url, segments=chosen)

    name = dispute.contract.client.name
    assert terms(shown)[0] == (f"{name} no longer owes", "$10.00")
    assert billing.owed(week_of(dispute.contract)) == usd(110)


def test_decision_needs_a_reason_segments_of_this_dispute_and_the_permission(browser):
    dispute, other = desk.declined_dispute(), desk.declined_dispute()
    url = desk.action(dispute, "decide")
    seer = desk.signed_in(desk.staff_with("contracts.view_hoursdispute"))

    browser.post(url, {"segments": keys(dispute, 0), "confirm": "1"})
    browser.post(url, {"segments": keys(other, 0), "reason": "The log.", "confirm": "1"})
    forbidden = seer.post(url, {"segments": keys(dispute, 0), "reason": "The log.", "confirm": "1"})

    assert forbidden.status_code == 403
    assert undecided(dispute)


def test_dispute_that_still_waits_for_the_talent_is_not_decided(browser):
    dispute = pending()

    answer = browser.post(
        desk.action(dispute, "decide"),
        {"segments": keys(dispute, 0), "reason": "The log.", "confirm": "1"},
    )

    assert answer.status_code == 409
    assert HoursDispute.objects.get(pk=dispute.pk).state == DisputeState.PENDING


def test_page_shows_the_facts_and_leads_to_the_decision(browser):
    dispute = desk.declined_dispute()

    page = browser.get(desk.page(dispute)).content.decode()

    for fact in (
        "30 min, $30.00",
        "2 h, $120.00",
        "You were travelling then.",
        "I was at it.",
        "09:00–09:30",
        "Design",
        desk.action(dispute, "decide"),
        desk.page(dispute.contract),
    ):
        assert fact in page


def test_page_of_a_decided_dispute_says_what_went_back(browser):
    dispute = desk.declined_dispute()
    desk.confirm(browser, desk.action(dispute, "decide"), segments=keys(dispute, 0))

    page = browser.get(desk.page(dispute)).content.decode()

    assert "10 min, $10.00" in page
    assert "settled Thursday 19 November 2026, 12:00 (UTC)" in page


def test_held_disputes_are_listed_oldest_first_with_their_clock(browser):
    with clock.at(NOON - timedelta(days=1)):
        older = desk.declined_dispute()
    newer, waiting = desk.declined_dispute(), pending()

    page = browser.get(desk.rows(HoursDispute))
    others = browser.get(desk.rows(HoursDispute), {"queue": "pending"})
    found = browser.get(desk.rows(HoursDispute), {"q": waiting.contract.reference.lower()})

    assert list(page.context["cl"].result_list) == [older, newer]
    assert "Tuesday 24 November 2026, 12:00 (UTC)" in page.content.decode()
    assert list(others.context["cl"].result_list) == [waiting]
    assert waiting.contract.talent.name in others.content.decode()
    assert "Sunday 22 November 2026, 12:00 (UTC)" in others.content.decode()
    assert '<span class="quiet">in 3 days</span>' in others.content.decode()
    assert list(found.context["cl"].result_list) == [waiting]
