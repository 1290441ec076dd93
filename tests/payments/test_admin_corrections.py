"""Support proposes correcting entries from a book, and decides those of others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry

from marketplace import clock
from marketplace.actors import Actor
from payments.models import Book, Correction, Entry
from payments.states import CorrectionState, EntryKind
from tests import desk
from tests.factories import NOON, charge, reread, usd

pytestmark = pytest.mark.django_db

REASON = "The same card was charged twice on 4 November."


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


@pytest.fixture
def sam():
    return desk.support(name="Sam Cole")


@pytest.fixture
def browser(sam):
    return desk.signed_in(sam)


@pytest.fixture
def book() -> Book:
    """With $100.00 of the client's credit."""
    contract = desk.mediated(usd(500)).book.contract
    charge(contract.book, usd(100))
    return reread(contract.book)


GIVEN = {"debit": "credit", "credit": "outside", "amount": "40", "reason": REASON}


def proposed(book: Book, by=None) -> Correction:
    values = {"debit": book.credit_account, "credit": book.outside_account, "amount": usd(40)}
    return desk.correction(book.contract, by=Actor.support(by) if by else None, **values)


def terms(answer) -> list[tuple[str, str, str]]:
    return [(one.term, str(one.value), one.detail) for one in answer.context["effects"]]


def credit_of(book: Book) -> str:
    return str(reread(book).credit)


def test_proposal_shows_both_balances_before_and_after_and_moves_nothing(browser, book):
    url = desk.action(book, "propose-correction")

    shown = browser.post(url, GIVEN)
    assert not Correction.objects.exists()
    answer = desk.confirm(browser, url, **GIVEN)

    assert terms(shown)[1:3] == [
        (f"Out of Client credit of {book.client.name}", "$40.00", "$100.00 before, $60.00 after"),
        ("Into Outside world of Closeout", "$40.00", "This account keeps no balance."),
    ]
    assert answer.url == desk.page(book)
    made = Correction.objects.get()
    assert (made.amount, made.state, made.proposed_by.name) == (usd(40), "proposed", "Sam Cole")
    assert credit_of(book) == "$100.00"
    assert desk.logged(book) == (
        f"Propose a correction. Reason: {REASON}"
        " Before: 0 waiting for a second person. After: 1 waiting for a second person."
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"amount": "100.01"}, "Client credit holds $100.00; no more can be moved from it."),
        ({"credit": "credit"}, "Choose two different accounts."),
        ({"debit": "escrow"}, "Select a valid choice."),
        ({"credit": "pending"}, "Select a valid choice."),
        ({"amount": "0"}, "Type an amount above zero."),
        ({"reason": " "}, "Give the reason."),
    ],
)
def test_proposal_that_cannot_be_posted_is_refused_at_its_field(browser, book, given, sentence):
    answer = browser.post(
        desk.action(book, "propose-correction"), {**GIVEN, **given, "confirm": "1"}
    )

    assert sentence in answer.content.decode()
    assert not Correction.objects.exists()
    assert not LogEntry.objects.exists()


def test_form_offers_neither_escrow_nor_pending_and_says_why(browser, book):
    page = browser.get(desk.action(book, "propose-correction")).content.decode()

    assert 'value="escrow"' not in page
    assert 'value="pending"' not in page
    assert "Escrow and pending money are moved by decisions and payments, never by hand." in page


def test_second_person_approves(book):
    correction = proposed(book)
    browser = desk.signed_in(desk.support(name="Ina Roth"))
    url = desk.action(correction, "approve")

    shown = browser.post(url, {"reason": "Seen on the statement."})
    assert credit_of(book) == "$100.00"
    desk.confirm(browser, url, reason="Seen on the statement.")

    assert (
        f"Out of Client credit of {book.client.name}",
        "$40.00",
        "$100.00 before, $60.00 after",
    ) in terms(shown)
    assert credit_of(book) == "$60.00"
    entry = Entry.objects.get(kind=EntryKind.CORRECTION)
    assert desk.page(correction) in browser.get(desk.page(entry)).content.decode()
    assert desk.logged(correction).endswith("Before: waiting for a second person. After: posted.")


def test_who_proposed_takes_back_but_does_not_approve_or_reject(browser, sam, book):
    correction = proposed(book, by=sam)

    page = browser.get(desk.page(correction)).content.decode()
    for name in ("approve", "reject"):
        browser.post(desk.action(correction, name), {"reason": "x", "confirm": "1"})
        assert f'href="{desk.action(correction, name)}"' not in page
    assert Correction.objects.get().state == CorrectionState.PROPOSED
    desk.confirm(browser, desk.action(correction, "take-back"))

    assert Correction.objects.get().state == CorrectionState.REJECTED
    assert credit_of(book) == "$100.00"


def test_second_person_rejects_and_takes_nothing_back(browser, book):
    correction = proposed(book)

    page = browser.get(desk.page(correction)).content.decode()
    assert f'href="{desk.action(correction, "take-back")}"' not in page
    desk.confirm(browser, desk.action(correction, "reject"), reason="Two purchases.")

    assert Correction.objects.get().state == CorrectionState.REJECTED
    assert credit_of(book) == "$100.00"
    assert book.history.get(row_label="correction", transition="reject").reason == "Two purchases."


@pytest.mark.parametrize(
    ("name", "permission"),
    [("approve", "approve"), ("reject", "approve"), ("take-back", "propose")],
)
def test_action_without_its_permission_is_forbidden(book, name, permission):
    correction = proposed(book)
    other = {"approve": "propose", "propose": "approve"}[permission]
    staff = desk.staff_with("payments.view_correction", f"payments.{other}_correction")

    answer = desk.signed_in(staff).post(
        desk.action(correction, name), {"reason": "x", "confirm": "1"}
    )

    assert answer.status_code == 403
    assert Correction.objects.get().state == CorrectionState.PROPOSED
    assert credit_of(book) == "$100.00"


def test_proposing_without_its_permission_is_forbidden(book):
    staff = desk.staff_with("payments.view_book", "payments.approve_correction")

    answer = desk.signed_in(staff).post(
        desk.action(book, "propose-correction"), {**GIVEN, "confirm": "1"}
    )

    assert answer.status_code == 403
    assert not Correction.objects.exists()


def test_corrections_wait_with_their_clock_and_are_found(browser, book):
    with clock.at(NOON - timedelta(days=4)):
        older = proposed(book)
    newer = proposed(book)

    page = browser.get(desk.rows(Correction))
    found = browser.get(desk.rows(Correction), {"q": book.reference.lower()})

    assert list(page.context["cl"].result_list) == [older, newer]
    assert len(found.context["cl"].result_list) == 2
    assert '<span class="overdue">1 day late</span>' in page.content.decode()
    assert f"A second person of support, not {newer.proposed_by.name}" in page.content.decode()


def test_contract_page_shows_its_corrections(browser, book):
    correction = proposed(book)

    assert desk.page(correction) in browser.get(desk.page(book.contract)).content.decode()
