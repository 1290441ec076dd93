"""Support writes off what stays owed, or proposes that the operator pays it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry

from contracts import owed
from contracts.models import BonusRequest, Contract, Dormancy, Week
from contracts.states import WeekState
from marketplace import clock, sweeping
from payments.gateways import sandbox
from payments.models import Correction
from payments.states import CorrectionState
from tests import desk
from tests.factories import NOON, ended, in_review, money_of, week_of

pytestmark = pytest.mark.django_db

SATURDAY = NOON + timedelta(days=2)
NOTHING = ("$0.00", "$0.00", "$0.00", "$0.00")


@pytest.fixture(autouse=True)
def _saturday():
    with clock.at(SATURDAY):
        yield


@pytest.fixture
def browser():
    return desk.signed_in(desk.support(name="Sam Cole"))


def unpaid() -> Week:
    with clock.at(NOON):
        return in_review(method=sandbox.DECLINES)


def handed_over() -> Week:
    """The contract ended 31 days ago, and every charge was declined."""
    with clock.at(NOON - timedelta(days=31)):
        week = in_review(method=sandbox.DECLINES)
        ended(week.contract)
    sweeping.run(as_of=SATURDAY, only="contracts.owed_hours_retried")
    return week_of(week.contract)


def terms(answer) -> list[tuple[str, str]]:
    return [(one.term, str(one.value)) for one in answer.context["effects"]]


def rows(browser, queue: str = "") -> list[Week]:
    given = {"queue": queue} if queue else {}
    return list(browser.get(desk.rows(Week), given).context["cl"].result_list)


def test_write_off_shows_what_will_happen_and_does_it_once_confirmed(browser):
    week = unpaid()
    client, talent, url = week.contract.client, week.contract.talent, desk.action(week, "write-off")

    shown = browser.post(url, {"reason": "They are bankrupt."})
    assert week_of(week.contract).state == WeekState.UNPAID
    answer = desk.confirm(browser, url, reason="They are bankrupt.")

    assert terms(shown) == [
        (f"{client.name} no longer owes", "$120.00"),
        (f"{talent.name} is not paid", "$108.00"),
        ("The hold of the contract", "is lifted, unless another week of it is not paid"),
        ("Both sides read", "They are bankrupt."),
    ]
    assert answer.url == desk.page(week)
    assert week_of(week.contract).state == WeekState.WRITTEN_OFF
    assert Contract.objects.get(pk=week.contract_id).hold_since is None
    assert money_of(week.contract) == NOTHING
    assert desk.logged(week) == (
        "Write off. Reason: They are bankrupt."
        " Before: not paid, $120.00 owed. After: written off, $0.00 owed."
    )


def test_settlement_is_proposed_by_one_and_paid_once_another_approves(browser):
    week = unpaid()
    client, talent, url = week.contract.client, week.contract.talent, desk.action(week, "settle")

    shown = browser.post(url, {"reason": "They are bankrupt."})
    desk.confirm(browser, url, reason="They are bankrupt.")

    assert terms(shown) == [
        ("Nothing is moved yet", "A second person of support has to approve"),
        ("Out of Fees of Closeout", "$120.00"),
        (f"Into Client credit of {client.name}", "$120.00"),
        (f"{talent.name} is paid for the week of 9 November 2026", "$120.00"),
        (f"{client.name} no longer owes", "$120.00"),
        ("They read", "They are bankrupt."),
    ]
    assert "$0.00 before, $120.00 after" in shown.content.decode()
    proposed = Correction.objects.get()
    assert week_of(week.contract).state == WeekState.UNPAID
    own = browser.post(desk.action(proposed, "approve"), {"reason": "x", "confirm": "1"})
    assert "A second person of support has to approve what you proposed." in own.content.decode()
    assert money_of(week.contract) == NOTHING

    second = desk.signed_in(desk.support(name="Ina Roth"))
    shown = second.post(desk.action(proposed, "approve"), {"reason": "Agreed."})
    desk.confirm(second, desk.action(proposed, "approve"))

    assert (f"{talent.name} is paid for the week of 9 November 2026", "$120.00") in terms(shown)
    assert ("Sam Cole wrote", "They are bankrupt.") in terms(shown)
    assert week_of(week.contract).state == WeekState.PAID
    assert money_of(week.contract) == ("$0.00", "$0.00", "$108.00", "$0.00")
    assert Correction.objects.get().state == CorrectionState.POSTED


@pytest.mark.parametrize("name", ["write-off", "settle"])
def test_action_without_its_permission_is_forbidden(name):
    week = unpaid()
    mine = {"write-off": "write_off_week", "settle": "settle_week"}[name]
    others = {"write_off_week", "settle_week"} - {mine}
    staff = desk.staff_with("contracts.view_week", *(f"contracts.{one}" for one in others))

    answer = desk.signed_in(staff).post(desk.action(week, name), {"reason": "x", "confirm": "1"})

    assert answer.status_code == 403
    assert unchanged(week)


@pytest.mark.parametrize("name", ["write-off", "settle"])
def test_action_without_a_reason_changes_nothing(browser, name):
    week = unpaid()

    answer = browser.post(desk.action(week, name), {"reason": " ", "confirm": "1"})

    assert "Give the reason." in answer.content.decode()
    assert unchanged(week)


def unchanged(week: Week) -> bool:
    same = week_of(week.contract).state == week.state and not Correction.objects.exists()
    return same and money_of(week.contract) == NOTHING and not LogEntry.objects.exists()


def test_paid_week_says_why_not(browser):
    with clock.at(NOON):
        week = in_review()

    page = browser.get(desk.page(week)).content.decode()
    answers = [
        browser.post(desk.action(week, name), {"reason": "x", "confirm": "1"})
        for name in ("write-off", "settle")
    ]

    assert "no longer possible" in page
    assert {one.status_code for one in answers} == {409}
    assert not LogEntry.objects.exists()


def test_owed_weeks_are_listed_with_support_first_and_being_retried_apart(browser):
    retried, handed = unpaid(), handed_over()
    with clock.at(NOON):
        in_review()

    assert rows(browser) == [handed]
    assert rows(browser, "retried") == [retried]
    page = browser.get(desk.rows(Week), {"queue": "all"})
    window = page.context["cl"].model_admin
    clocks = {one.pk: window.clock_of(one) for one in page.context["cl"].result_list}
    assert clocks[handed.pk].who == "Support"
    assert clocks[handed.pk].by == handed.contract.ended_at + timedelta(days=33)
    assert clocks[retried.pk].who == retried.contract.client.name
    assert clocks[retried.pk].silence == "The charge is tried again"


def test_week_page_takes_as_many_queries_whatever_it_owes(browser, django_assert_num_queries):
    pages = [desk.page(unpaid()), desk.page(handed_over())]
    browser.get(pages[0])

    for page in pages:
        with django_assert_num_queries(PAGE_QUERIES):
            browser.get(page)


PAGE_QUERIES = 9


def test_written_off_week_shows_that_on_its_page_and_in_the_contract(browser):
    week = unpaid()
    owed.write_off(week, because="Bankrupt.", by=desk.staff())

    page = browser.get(desk.page(week.contract)).content.decode()

    assert "Written off" in page
    assert "Bankrupt." in page


# Only looked at ----------------------------------------------------------------------------------


def test_dormant_contracts_are_listed_by_who_is_asked(browser):
    contract = desk.dormant()
    row = Dormancy.objects.get()

    page = browser.get(desk.rows(Dormancy))

    assert list(page.context["cl"].result_list) == [row]
    shown = page.context["cl"].model_admin.clock_of(row)
    assert (shown.who, shown.silence) == (contract.client.name, "The talent is asked")
    assert "$500.00" in page.content.decode()
    assert desk.page(contract) in browser.get(desk.page(row)).content.decode()


def test_bonus_requests_are_only_looked_at(browser):
    with clock.at(NOON):
        request = desk.bonus_asked()

    listed = browser.get(desk.rows(BonusRequest)).context["cl"].result_list
    page = browser.get(desk.page(request)).content.decode()

    assert list(listed) == [request]
    for words in ("$30.00", "30 min", "The call on Friday.", request.contract.reference):
        assert words in page, words


def test_weeks_in_review_and_to_be_billed_have_their_clock(browser):
    with clock.at(NOON):
        reviewed, disputed = in_review(), desk.declined_dispute().week
        window = browser.get(desk.rows(Week), {"queue": "review"}).context["cl"]

    clocks = {one.pk: window.model_admin.clock_of(one) for one in window.result_list}
    shown = clocks[reviewed.pk]
    assert (shown.who, shown.by) == (reviewed.contract.client.name, SATURDAY.replace(hour=0))
    assert shown.silence == "The hours stand"
    assert clocks[disputed.pk].who == ""
