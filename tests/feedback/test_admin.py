"""Support reads feedback once it is revealed; before that, the desk does not know of it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry

from contracts.models import Contract
from contracts.states import Side
from feedback.models import Feedback
from marketplace import clock
from marketplace.support.lists import ReadOnlyAdmin
from tests import desk
from tests.factories import NOON
from tests.feedback.ended import CLOSES, ended_contract, give

pytestmark = pytest.mark.django_db

SECRET = "Words that are sealed"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"')


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


@pytest.fixture
def browser():
    return desk.signed_in(desk.support())


def address(contract: Contract, side: Side) -> str:
    return f"{desk.rows(Feedback)}{contract.reference}-{side}/change/"


def pages(browser, contract: Contract) -> dict[str, str]:
    """Every page of the desk, less the tokens that differ each time."""
    found = {}
    for url in ["/admin/", *_lists(), *_rows(), address(contract, Side.TALENT)]:
        answer = browser.get(url, follow=True)
        found[url] = f"{answer.status_code} {TOKEN.sub('', answer.content.decode())}"
    return found


def _windows():
    return [
        (model, window)
        for model, window in admin.site._registry.items()
        if isinstance(window, ReadOnlyAdmin)
    ]


def _lists():
    for model, window in _windows():
        yield from (f"{desk.rows(model)}?queue={name}" for name in window.queues)
        yield desk.rows(model)


def _rows():
    for model, _ in _windows():
        if model is not Feedback:
            yield from (desk.page(row) for row in model._default_manager.order_by("pk"))


def test_no_page_changes_by_a_byte_when_sealed_feedback_is_given(browser):
    contract = ended_contract()
    pages(browser, contract)
    before = pages(browser, contract)

    give(contract, Side.TALENT, text=SECRET, private_note=SECRET)

    after = pages(browser, contract)
    assert after.keys() == before.keys()
    for url, page in after.items():
        assert page == before[url], url
        assert SECRET not in page


def test_sealed_feedback_is_as_if_it_were_not_there_even_for_a_superuser():
    contract = ended_contract()
    sealed = give(contract, Side.TALENT, text=SECRET)
    browser = desk.signed_in(desk.superuser())

    for name in (f"{contract.reference}-talent", f"{contract.reference}-client", str(sealed.pk)):
        answer = browser.get(f"{desk.rows(Feedback)}{name}/change/")
        assert (answer.status_code, answer.url) == (302, "/admin/")
    listed = browser.get(desk.rows(Feedback), {"q": contract.reference})
    assert list(listed.context["cl"].result_list) == []


def test_revealed_feedback_is_read_with_its_private_note(browser):
    contract = ended_contract()
    give(contract, Side.TALENT, text="Clear briefs.", private_note="Paid late, though.")
    give(contract, Side.CLIENT, text="Lovely work.")

    listed = browser.get(desk.rows(Feedback)).content.decode()
    page = browser.get(address(contract, Side.TALENT)).content.decode()

    assert address(contract, Side.TALENT) in listed
    assert address(contract, Side.CLIENT) in listed
    assert "Clear briefs." in page
    assert "Paid late, though." in page


def test_feedback_of_one_side_is_read_once_the_window_is_over(browser):
    contract = ended_contract()
    give(contract, Side.TALENT, text="Clear briefs.")

    with clock.at(CLOSES):
        page = browser.get(address(contract, Side.TALENT)).content.decode()

    assert "Clear briefs." in page


def test_feedback_item_of_the_checklist_is_listed_once_the_window_is_over(browser):
    contract = ended_contract()
    give(contract, Side.TALENT)

    def items() -> list[str]:
        sections = browser.get(desk.page(contract)).context["sections"]
        checklist = next(one for one in sections if one.title == "Checklists")
        return [row[1] for row in checklist.rows]

    assert "Feedback" not in items()
    with clock.at(CLOSES):
        assert items().count("Feedback") == 2


# More time ---------------------------------------------------------------------------------------


LAST_DAY = "2026-12-10"


def test_window_is_extended_once_and_what_is_sealed_stays_sealed(browser):
    contract = ended_contract()
    sealed = give(contract, Side.TALENT, text=SECRET)
    url = desk.action(contract, "extend-feedback")

    desk.confirm(browser, url, last_day=LAST_DAY)

    after = Contract.objects.get(pk=contract.pk)
    assert after.feedback_until == CLOSES + timedelta(days=7)
    sealed.refresh_from_db()
    assert sealed.visible_from == after.feedback_until
    again = browser.post(url, {"last_day": "2026-12-20", "reason": "x", "confirm": "1"})
    assert again.status_code == 409
    assert Contract.objects.get(pk=contract.pk).feedback_until == after.feedback_until
    assert SECRET not in browser.get(desk.page(contract)).content.decode()


@pytest.mark.parametrize("given", [True, False])
def test_extension_shows_the_same_whether_or_not_feedback_was_given(browser, given):
    contract = ended_contract()
    if given:
        give(contract, Side.TALENT)

    shown = browser.post(
        desk.action(contract, "extend-feedback"), {"last_day": LAST_DAY, "reason": "Ill."}
    )

    assert [(one.term, one.value) for one in shown.context["effects"]] == [
        ("Both sides may give feedback", "until Friday 11 December 2026, 00:00 (UTC)"),
        ("What is sealed", "stays sealed until then"),
        ("Both sides read", "Ill."),
    ]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"last_day": LAST_DAY}, "Give the reason."),
        ({"last_day": "2026-12-03", "reason": "x"}, "Choose a day after the present last one."),
        ({"last_day": "", "reason": "x"}, "This field is required."),
    ],
)
def test_window_stays_when_something_is_missing(browser, given, sentence):
    contract = ended_contract()

    answer = browser.post(desk.action(contract, "extend-feedback"), {**given, "confirm": "1"})

    page = answer.content.decode()
    assert sentence in page or "Choose a time later than the present close." in page
    assert unchanged(contract)


def test_window_is_not_extended_without_the_permission():
    contract = ended_contract()
    staff = desk.staff_with("contracts.view_contract", "contracts.end_contract")

    answer = desk.signed_in(staff).post(
        desk.action(contract, "extend-feedback"),
        {"last_day": LAST_DAY, "reason": "x", "confirm": "1"},
    )

    assert answer.status_code == 403
    assert unchanged(contract)


def unchanged(contract: Contract) -> bool:
    again = Contract.objects.get(pk=contract.pk)
    same = (again.feedback_until, again.feedback_extended) == (CLOSES, False)
    return same and not LogEntry.objects.exists()
