"""The support desk as a whole: who may do what, what it never does, and what it costs."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django_q.models import Failure, Task

from feedback.models import Feedback
from marketplace import cases, clock, moments
from marketplace.actors import PLATFORM, Actor
from marketplace.models import Case, CaseMessage, Notice, Party, SweepRun, User
from marketplace.states import CaseState
from marketplace.support import group
from marketplace.support.lists import CappedPaginator, ReadOnlyAdmin
from payments.models import EscrowRefundRequest
from tests import desk
from tests.factories import (
    NOON,
    FreelancerFactory,
    PartyFactory,
    StaffFactory,
    UserFactory,
    owner_of,
)

pytestmark = pytest.mark.django_db

SEEN = (
    "contracts.view_bonusrequest",
    "contracts.view_contract",
    "contracts.view_dormancy",
    "contracts.view_hoursdispute",
    "contracts.view_week",
    "feedback.view_feedback",
    "marketplace.view_case",
    "marketplace.view_membership",
    "marketplace.view_notice",
    "marketplace.view_party",
    "marketplace.view_sweeprun",
    "marketplace.view_user",
    "payments.view_account",
    "payments.view_book",
    "payments.view_chargeback",
    "payments.view_correction",
    "payments.view_entry",
    "payments.view_escrowrefundrequest",
    "payments.view_gatewayevent",
    "payments.view_gatewayoperation",
    "payments.view_payment",
    "payments.view_reconciliation",
    "payments.view_refund",
    "payments.view_refundrequest",
    "payments.view_transfer",
    "django_q.view_failure",
)
DONE = (
    "contracts.decide_hoursdispute",
    "contracts.end_contract",
    "contracts.pause_contract",
    "contracts.settle_week",
    "contracts.write_off_week",
    "feedback.extend_window",
    "marketplace.answer_case",
    "marketplace.assign_case",
    "marketplace.close_case",
    "marketplace.run_audit",
    "payments.approve_correction",
    "payments.compare_reconciliation",
    "payments.decide_escrowrefundrequest",
    "payments.handle_gatewayevent",
    "payments.mediate_escrowrefundrequest",
    "payments.propose_correction",
    "payments.settle_gatewayoperation",
    "payments.write_off_chargeback",
)

WINDOWS = {
    model: window
    for model, window in admin.site._registry.items()
    if isinstance(window, ReadOnlyAdmin)
}
each_model = pytest.mark.parametrize("model", WINDOWS, ids=lambda model: model.__name__)

LIST_QUERIES = 7
"""Session, person, permissions (2), how many rows, the rows, whom the person acts for."""
WITH_SPLITS = 1
"""Escrow refund requests are read with the split of each that is open."""


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


def everything(model) -> str:
    return desk.rows(model) + ("?queue=all" if WINDOWS[model].queues else "")


def address(row) -> str:
    if isinstance(row, Feedback):
        return f"{desk.rows(Feedback)}{row.contract.reference}-{row.side}/change/"
    return desk.page(row)


def a_case(**values) -> Case:
    given = {"subject": "Help", "text": "Where is it?", "email": "ann@example.com", "by": PLATFORM}
    return cases.open_case(**(given | values))


# Who may -----------------------------------------------------------------------------------------


def test_group_support_has_exactly_the_permissions_of_the_desk():
    granted = Permission.objects.filter(group__name="Support").order_by("pk")

    names = {f"{one.content_type.app_label}.{one.codename}" for one in granted.select_related()}

    assert names == {*SEEN, *DONE}


def test_group_support_is_given_its_permissions_again_and_loses_others():
    support = Group.objects.get(name="Support")
    support.permissions.set(Permission.objects.filter(codename="delete_user"))

    group.install()
    group.install()

    assert support.permissions.count() == len(SEEN) + len(DONE)
    assert not support.permissions.filter(codename="delete_user").exists()


def test_stranger_is_sent_to_the_sign_in_of_the_site():
    answer = Client().get("/admin/login/?next=/admin/contracts/contract/")

    assert answer.status_code == 302
    assert answer.url == f"{reverse('account_login')}?next=%2Fadmin%2Fcontracts%2Fcontract%2F"


def test_person_who_is_no_staff_does_not_get_in():
    assert desk.signed_in(UserFactory()).get("/admin/login/").status_code == 403


@each_model
def test_staff_without_the_group_see_nothing(model):
    assert desk.signed_in(StaffFactory()).get(desk.rows(model)).status_code == 403


def test_first_page_shows_staff_without_the_group_nothing():
    page = desk.signed_in(StaffFactory()).get("/admin/")

    assert page.context["panels"] == []
    assert page.context["clocks"].rows == []
    assert page.context["app_list"] == []


# What it never does ------------------------------------------------------------------------------


@each_model
def test_nothing_is_added_changed_or_deleted_even_by_a_superuser(model):
    desk.busy_market()
    browser = desk.signed_in(desk.superuser())
    row = model._default_manager.order_by("pk").last()
    before = model._default_manager.count()
    base = address(row).removesuffix("change/")

    answers = [
        browser.get(desk.rows(model) + "add/"),
        browser.post(desk.rows(model) + "add/", {}),
        browser.post(base + "change/", {"name": "Changed", "state": "ended"}),
        browser.get(base + "delete/"),
        browser.post(base + "delete/", {"post": "yes"}),
    ]

    assert {one.status_code for one in answers} == {403}
    assert model._default_manager.count() == before
    again = model._default_manager.get(pk=row.pk)
    fields = [field.attname for field in model._meta.concrete_fields if field.name != "last_login"]
    assert [getattr(again, one) for one in fields] == [getattr(row, one) for one in fields]


def test_lists_cannot_be_filtered_by_what_only_a_relation_tells():
    """``?feedback__isnull=`` would tell which contracts have sealed feedback."""
    browser = desk.signed_in(desk.superuser())

    for url in (
        "/admin/contracts/contract/?feedback__isnull=False",
        "/admin/contracts/contract/?title=x",
        "/admin/marketplace/user/?password__startswith=md5",
    ):
        assert browser.get(url).status_code == 400


def test_user_page_shows_no_password():
    person = UserFactory()

    page = desk.signed_in(desk.superuser()).get(desk.page(person)).content.decode()

    assert person.password not in page
    assert 'name="password"' not in page
    assert person.email in page


def test_password_is_changed_where_everybody_changes_theirs():
    answer = desk.signed_in(desk.support()).get(reverse("admin:password_change"))

    assert answer.url == reverse("account_change_password")


def test_failed_tasks_are_looked_at_but_not_edited_by_support():
    Task.objects.create(
        id="1" * 32, name="task", func="some.task", started=NOON, stopped=NOON, success=False
    )
    browser = desk.signed_in(desk.support())

    assert browser.get(desk.rows(Failure)).status_code == 200
    assert browser.get(f"/admin/django_q/failure/{'1' * 32}/change/").status_code == 200
    assert browser.get(f"/admin/django_q/failure/{'1' * 32}/delete/").status_code == 403
    assert browser.post(f"/admin/django_q/failure/{'1' * 32}/change/").status_code == 403
    assert browser.get("/admin/django_q/success/").status_code == 403
    assert Task.objects.count() == 1


# What it costs -----------------------------------------------------------------------------------


@each_model
def test_list_and_page_take_as_many_queries_for_three_times_as_many_rows(model):
    desk.busy_market()
    browser = desk.signed_in(desk.support())
    once = address(model._default_manager.order_by("pk").last())
    browser.get(once)  # content types are remembered from the first time on
    with CaptureQueriesContext(connection) as page_once:
        browser.get(once)

    with CaptureQueriesContext(connection) as list_once:
        browser.get(everything(model))
    desk.busy_market()
    desk.busy_market()
    with CaptureQueriesContext(connection) as list_thrice:
        assert browser.get(everything(model)).status_code == 200
    again = address(model._default_manager.order_by("pk").last())
    with CaptureQueriesContext(connection) as page_again:
        assert browser.get(again).status_code == 200

    expected = LIST_QUERIES + (WITH_SPLITS if model is EscrowRefundRequest else 0)
    assert (len(list_once), len(list_thrice)) == (expected, expected)
    assert len(page_again) == len(page_once)


def test_list_counts_no_further_than_anybody_turns_pages(monkeypatch):
    monkeypatch.setattr(CappedPaginator, "most", 2)
    PartyFactory.create_batch(3)

    page = desk.signed_in(desk.support()).get(desk.rows(Party))

    assert page.context["cl"].result_count == 2
    assert "No more than 2 are listed." in page.content.decode()


def test_pages_hold_the_policy_against_foreign_and_inline_code():
    answer = desk.signed_in(desk.support()).get("/admin/")

    assert "script-src 'self';" in answer.headers["Content-Security-Policy"] + ";"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


# Finding -----------------------------------------------------------------------------------------


def test_parties_are_found_by_how_their_name_begins_or_by_whose_they_are():
    north = FreelancerFactory(name="North Studio")
    other = FreelancerFactory(name="Studio North")
    owner_of(other)
    user = other.memberships.get().user
    browser = desk.signed_in(desk.support())

    def found(term: str) -> list[Party]:
        return list(browser.get(desk.rows(Party), {"q": term}).context["cl"].result_list)

    assert found("nORTH s") == [north]
    assert found(user.email.upper()) == [other]
    assert found("North Studios") == []


def test_users_are_found_by_how_their_address_begins():
    ann = UserFactory(email="ann@example.com")
    UserFactory(email="joann@example.com")

    page = desk.signed_in(desk.support()).get(desk.rows(User), {"q": "Ann@"})

    assert list(page.context["cl"].result_list) == [ann]


def test_search_looks_beyond_the_queue_that_is_shown_at_first():
    case = a_case()
    cases.close(case, by=Actor.support(StaffFactory()))
    browser = desk.signed_in(desk.support())

    assert list(browser.get(desk.rows(Case)).context["cl"].result_list) == []
    found = browser.get(desk.rows(Case), {"q": case.reference.lower()})
    assert list(found.context["cl"].result_list) == [case]


def test_unsent_notices_come_first():
    desk.busy_market()

    page = desk.signed_in(desk.support()).get(desk.rows(Notice))

    assert {one.email_due_at is not None for one in page.context["cl"].result_list} == {True}


# Cases -------------------------------------------------------------------------------------------


def test_case_is_answered_after_the_answer_was_shown():
    case = a_case()
    support = desk.support(name="Sam Cole")
    browser = desk.signed_in(support)
    url = desk.action(case, "answer")

    shown = browser.post(url, {"text": "In your room.", "reason": "Asked."})

    assert "In your room." in shown.content.decode()
    assert CaseMessage.objects.count() == 1
    answer = browser.post(url, {"text": "In your room.", "reason": "Asked.", "confirm": "1"})
    case.refresh_from_db()
    assert answer.url == desk.page(case)
    assert case.state == CaseState.ANSWERED
    assert CaseMessage.objects.get(actor_staff=support).text == "In your room."
    assert desk.logged(case) == (
        "Answer. Reason: Asked. Before: open, looked after by nobody."
        " After: answered, looked after by nobody."
    )
    assert LogEntry.objects.get().user == support
    assert LogEntry.objects.get().action_time == NOON


def test_case_is_taken_on_and_closed():
    case = a_case()
    support = desk.support(name="Sam Cole")
    browser = desk.signed_in(support)

    assert desk.confirm(browser, desk.action(case, "assign")).status_code == 302
    assert desk.confirm(browser, desk.action(case, "close")).status_code == 302

    case.refresh_from_db()
    assert (case.assigned_to, case.state, case.closed_at) == (support, CaseState.CLOSED, NOON)


def test_closed_case_says_so_and_stays_closed():
    case = a_case()
    browser = desk.signed_in(desk.support())
    desk.confirm(browser, desk.action(case, "close"))

    page = browser.get(desk.action(case, "answer"))
    refused = browser.post(
        desk.action(case, "answer"), {"text": "Late", "reason": "Late", "confirm": "1"}
    )

    assert "This case was closed." in page.content.decode()
    assert refused.status_code == 409
    assert CaseMessage.objects.count() == 1


@pytest.mark.parametrize("name", ["answer", "assign", "close"])
def test_case_action_without_a_reason_changes_nothing(name):
    case = a_case()

    answer = desk.signed_in(desk.support()).post(
        desk.action(case, name), {"reason": "  ", "text": "", "confirm": "1"}
    )

    assert "Give the reason." in answer.content.decode()
    assert unchanged(case)


@pytest.mark.parametrize("name", ["answer", "assign", "close"])
def test_case_action_without_its_permission_is_forbidden(name):
    case = a_case()
    others = {"answer", "assign", "close"} - {name}
    staff = desk.staff_with("marketplace.view_case", *(f"marketplace.{one}_case" for one in others))

    answer = desk.signed_in(staff).post(
        desk.action(case, name), {"reason": "x", "text": "x", "confirm": "1"}
    )

    assert answer.status_code == 403
    assert unchanged(case)


def unchanged(case: Case) -> bool:
    again = Case.objects.get(pk=case.pk)
    same = (again.state, again.assigned_to_id) == (case.state, case.assigned_to_id)
    return same and CaseMessage.objects.count() == 1 and not LogEntry.objects.exists()


def test_person_with_the_permission_alone_acts_and_comes_back_to_the_first_page():
    case = a_case()
    browser = desk.signed_in(desk.staff_with("marketplace.close_case"))

    answer = desk.confirm(browser, desk.action(case, "close"))

    assert answer.url == "/admin/"


# Audit and first page ----------------------------------------------------------------------------


def test_audit_is_run_and_remembered():
    desk.busy_market()
    browser = desk.signed_in(desk.support())
    url = reverse("admin:marketplace_sweeprun_audit")

    answer = desk.confirm(browser, url)

    made = SweepRun.objects.get(name="audit")
    assert (made.at, made.failed) == (NOON, 0)
    page = browser.get(answer.url).content.decode()
    assert f"All {made.done} checks hold." in page
    assert url in page
    assert LogEntry.objects.get().change_message.startswith("Run the audit. Reason: They asked")


def test_audit_without_its_permission_is_forbidden():
    browser = desk.signed_in(desk.staff_with("marketplace.view_sweeprun"))

    answer = browser.post(reverse("admin:marketplace_sweeprun_audit"), {"confirm": "1"})

    assert answer.status_code == 403
    assert not SweepRun.objects.exists()


def test_first_page_shows_what_waits_with_the_clocks_of_support_first():
    held = desk.busy_market()

    page = desk.signed_in(desk.support()).get("/admin/")

    assert [(one.title, one.summary) for one in page.context["panels"]] == [
        ("Escrow refund requests", "1 waiting for support."),
        ("Disputes of hours", "1 waiting for support."),
        ("Owed hours", "0 with support, 1 being retried."),
        ("Corrections", "1 waiting for a second person."),
        ("Cases", "1 waiting for an answer."),
        ("Dormant contracts", "1 with a side that is asked."),
        ("Gateway operations", "1 not settled, 0 of them at the client's bank."),
        (
            "Sweeps and audit",
            f"Last sweep: {moments.full(NOON)}, 0 rows failed. The audit was never run.",
        ),
        ("Withdrawals", "0 on their way."),
        ("Chargebacks", "0 with the bank, 0 lost and not covered."),
        ("Gateway statements", "0 days differ from the books, 0 could not be compared."),
        ("Gateway messages", "0 failed and are tried again."),
    ]
    assert held.reference in page.content.decode()
    assert [one.name for one in page.context["clocks"].rows] == [
        "case",
        "correction",
        "hours-held",
        "request-held",
    ]
    assert "Closeout support" in page.content.decode()
