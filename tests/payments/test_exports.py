"""The file of a party's money: what its columns hold, and that they add up to the cent."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest

from marketplace import clock
from marketplace.money import Money
from payments import exports, maturing, queries, refunds
from payments.queries import Asked, money
from tests.factories import (
    NOON,
    FreelancerFactory,
    PartyFactory,
    charge,
    funded_book,
    owner_of,
    paid,
    usd,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


@pytest.fixture
def book():
    """$500 funded, $300 paid, $100 of that refunded; the rest of the payment is available."""
    book = funded_book(usd(500), title="=HYPERLINK(1)", reference="C-ABCDEF")
    payment = paid(book, usd(300))
    refunds.give(payment, amount=usd(100), reason="", key="", by=owner_of(book.talent))
    with clock.at(NOON + timedelta(days=5)):
        maturing.mature([payment.pk])
    return book


def rows_of(party, asked=None):
    text = "".join(exports.payments_csv(party, asked or Asked()))
    assert text.startswith("\ufeffdate,event,")
    return list(csv.DictReader(io.StringIO(text[1:])))


def columns(rows, *names):
    return [tuple(row[name] for name in names) for row in rows]


def test_file_of_the_talent_has_gross_fee_and_net(book):
    rows = rows_of(book.talent)

    assert columns(rows, "what", "for", "gross", "fee", "amount", "balance") == [
        (
            f"Payment from {book.client.name}",
            "Milestone 1, Draft",
            "300.00",
            "30.00",
            "270.00",
            "270.00",
        ),
        (
            f"Refund to {book.client.name}",
            "Milestone 1, Draft",
            "100.00",
            "10.00",
            "-90.00",
            "180.00",
        ),
        ("Became available", "Milestone 1, Draft", "180.00", "", "0.00", "180.00"),
    ]
    assert columns(rows, "date", "currency", "other party") == [
        ("2026-11-19T12:00:00Z", "USD", book.client.name),
        ("2026-11-19T12:00:00Z", "USD", book.client.name),
        ("2026-11-24T12:00:00Z", "USD", book.client.name),
    ]


def test_file_of_the_client_has_no_fee_and_its_credit(book):
    rows = rows_of(book.client)

    assert columns(rows, "gross", "fee", "amount", "balance") == [
        ("500.00", "", "500.00", "500.00"),
        ("500.00", "", "-500.00", "0.00"),
        ("300.00", "", "0.00", "0.00"),
        ("100.00", "", "100.00", "100.00"),
    ]
    assert {row["contract"] for row in rows} == {"C-ABCDEF"}


def test_what_begins_like_a_formula_is_marked_as_text(book):
    assert {row["title"] for row in rows_of(book.client)} == {"'=HYPERLINK(1)"}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_cell_defuses_whatever_a_spreadsheet_would_calculate(start):
    assert exports.cell(f"{start}1") == f"'{start}1"
    assert exports.cell(f"1{start}") == f"1{start}"


def test_events_are_no_numbers_that_a_spreadsheet_rounds(book):
    events = {row["event"] for row in rows_of(book.talent)}

    assert len(events) == 3
    assert all(one.startswith("E") for one in events)


@pytest.fixture
def mixed():
    """Parties with dollars, euros and yen, and movements of each."""
    client, talent = PartyFactory(), FreelancerFactory()
    for amount in (usd(900), Money(70_000, "EUR"), Money(90_000, "JPY")):
        book = funded_book(amount, client=client, talent=talent)
        charge(book, Money(777, amount.currency))
        for number in range(1, 4):
            payment = paid(book, Money(1_001 * number, amount.currency))
            part = Money(333, amount.currency)
            refunds.give(payment, amount=part, reason="", key="", by=owner_of(talent))
    return client, talent


def sums(rows):
    found = {}
    for row in rows:
        before = found.get(row["currency"], Decimal(0))
        found[row["currency"]] = before + Decimal(row["amount"])
    return found


@pytest.mark.parametrize(("side", "labels"), [(0, {"Credit"}), (1, {"Available", "Pending"})])
def test_file_adds_up_to_the_balances_to_the_cent(mixed, side, labels, monkeypatch):
    monkeypatch.setattr(exports, "BATCH", 4)
    party = mixed[side]
    page = queries.payments_page(party, Asked())
    held = {}
    for figure in page.figures:
        if figure.label in labels:
            currency = figure.amount.currency
            held[currency] = held.get(currency, Decimal(0)) + Decimal(figure.amount.typed())

    rows = rows_of(party)

    assert sums(rows) == held
    assert {row["currency"]: Decimal(row["balance"]) for row in rows} == held


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("asked", [{}, {"kind": "payments"}, {"kind": "refunds"}])
def test_file_has_the_lines_of_the_page(mixed, side, asked, monkeypatch):
    monkeypatch.setattr(exports, "BATCH", 3)
    monkeypatch.setattr(money, "PAGE", 30)
    chosen = Asked(**asked)
    page = queries.payments_page(mixed[side], chosen)
    lines = sorted((line for one in page.events for line in one.lines), key=lambda one: one.number)

    rows = rows_of(mixed[side], chosen)

    assert page.older == ""
    assert columns(rows, "what", "amount", "gross", "entry") == [
        (line.title, line.effect.typed(), line.gross.typed(), line.key) for line in lines
    ]


def test_what_is_posted_meanwhile_is_not_in_the_file(book, monkeypatch):
    monkeypatch.setattr(exports, "BATCH", 2)
    pieces = exports.payments_csv(book.client, Asked())
    text = next(pieces) + next(pieces)
    charge(book, usd(1))

    text += "".join(pieces)

    assert len(text.splitlines()) == 1 + 4


def test_number_of_queries_is_that_of_the_batches(mixed, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(exports, "BATCH", 10)

    with django_assert_num_queries(1 + 2 * 3 + 1):
        assert len(rows_of(mixed[1])) == 18
