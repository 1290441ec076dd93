"""Hours paid: what leaves the client's credit, what the talent receives, many at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from marketplace import clock
from marketplace.actors import PLATFORM
from payments import hours, ledger, maturing
from payments.hours import HoursToPay
from payments.ledger import NotEnough
from payments.models import Book, Entry, Payment, Transfer
from payments.states import EntryKind, PaymentKind
from tests.factories import NOON, FreelancerFactory, PartyFactory, charge, open_book, reread, usd
from tests.support.asserting import assert_audit_clean

pytestmark = pytest.mark.django_db

WEDNESDAY = NOON + timedelta(days=9)


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


def with_credit(amount, **values) -> Book:
    book = open_book(**values)
    charge(book, amount)
    return book


def pay(book: Book, gross, key: str = "hours:1") -> Payment:
    with transaction.atomic():
        return hours.pay(
            ledger.lock(book.pk),
            gross,
            key=key,
            title="Hours, week of 9 November 2026",
            paid_at=NOON,
            available_at=WEDNESDAY,
            at=NOON,
            by=PLATFORM,
        )


def balances(book: Book) -> tuple[str, str]:
    book = reread(book)
    return str(book.credit), str(book.pending_account.balance)


def test_pay_moves_credit_to_pending_and_takes_the_fee():
    book = with_credit(usd(100))

    payment = pay(book, usd("33.35"))

    assert payment.kind == PaymentKind.HOURS
    assert (payment.gross, payment.fee, payment.net) == (usd("33.35"), usd("3.34"), usd("30.01"))
    assert (payment.paid_at, payment.available_at, payment.held) == (NOON, WEDNESDAY, False)
    assert payment.pending_left == usd("30.01")
    assert balances(book) == ("$66.65", "$30.01")
    assert (payment.entry.kind, payment.entry.memo) == (EntryKind.HOURS, payment.title)


def test_pay_without_a_fee_makes_one_transfer():
    book = with_credit(usd(10), talent_fee=0)

    payment = pay(book, usd(10))

    assert payment.entry.transfers.count() == 1
    assert payment.net == usd(10)


def test_pay_beyond_the_credit_moves_nothing():
    book = with_credit(usd(10))

    with pytest.raises(NotEnough):
        pay(book, usd("10.01"))

    assert balances(book) == ("$10.00", "$0.00")
    assert not Payment.objects.exists()


def test_pay_all_of_one_clients_books_draws_on_the_same_credit_in_order():
    client = PartyFactory()
    first = with_credit(usd(30), client=client, talent=FreelancerFactory())
    second = open_book(client=client, talent=FreelancerFactory())
    with transaction.atomic():
        books = ledger.lock_all([first.pk, second.pk])
        planned = [
            HoursToPay(books[first.pk], usd(10), "hours:1", "One", NOON, WEDNESDAY),
            HoursToPay(books[second.pk], usd(20), "hours:2", "Two", NOON, WEDNESDAY, held=True),
        ]
        one, two = hours.pay_all(planned, at=NOON, by=PLATFORM)

    assert balances(first) == ("$0.00", "$9.00")
    assert balances(second) == ("$0.00", "$18.00")
    assert [one.entry.key, two.entry.key] == ["hours:1", "hours:2"]
    left = Transfer.objects.filter(debit=first.credit_account).order_by("pk")
    assert list(left.values_list("debit_after", flat=True)) == [2_100, 2_000, 200, 0]
    assert (one.held, two.held) == (False, True)


def test_pay_all_of_nothing_writes_nothing():
    assert hours.pay_all([], at=NOON, by=PLATFORM) == []
    assert not Entry.objects.exists()


def test_held_hours_do_not_become_available():
    book = with_credit(usd(10))
    payment = pay(book, usd(10))
    Payment.objects.update(held=True)

    with clock.at(WEDNESDAY):
        maturing.mature([payment.pk])
        assert balances(book) == ("$0.00", "$9.00")
        Payment.objects.update(held=False)
        maturing.mature([payment.pk])

    assert reread(book).available_account.balance == usd(9)


def test_books_are_right_after_hours_were_paid():
    pay(with_credit(usd(10)), usd("9.99"))

    Payment.objects.update(kind=PaymentKind.RELEASE)
    with pytest.raises(AssertionError, match="its transfers give 899 net"):
        assert_audit_clean()
