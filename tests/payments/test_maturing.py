"""Pending money becomes available five days after it was paid."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace import auditing, clock, sweeping
from payments import maturing, refunds
from payments.models import Entry, Payment
from payments.states import EntryKind
from tests.factories import (
    NOON,
    FreelancerFactory,
    funded_book,
    owner_of,
    paid,
    paid_payment,
    reread,
    usd,
)

pytestmark = pytest.mark.django_db

DUE = NOON + timedelta(days=5)


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


def sweep(moment):
    return sum(one.done for one in sweeping.run(as_of=moment, only="payments.mature"))


def test_mature_exactly_when_due():
    payment = paid_payment(usd(100))

    assert sweep(DUE - timedelta(seconds=1)) == 0
    assert sweep(DUE) == 1

    book = reread(payment.book)
    assert (book.pending_account.balance, book.available_account.balance) == (usd(0), usd(90))
    payment.refresh_from_db()
    assert (payment.matured_at, payment.pending_left) == (DUE, usd(0))


def test_mature_twice_moves_once():
    payment = paid_payment(usd(100))
    with clock.at(DUE):
        maturing.mature([payment.pk])
        maturing.mature([payment.pk])

    assert Entry.objects.filter(kind=EntryKind.MATURE).count() == 1
    assert reread(payment.book).available_account.balance == usd(90)


def test_mature_moves_only_what_was_not_refunded():
    payment = paid_payment(usd(100))
    owner = owner_of(payment.book.talent)
    refunds.give(payment, amount=usd(30), reason="", key="", by=owner)

    sweep(DUE)

    assert reread(payment.book).available_account.balance == usd(63)
    assert auditing.run().clean


def test_mature_of_a_payment_refunded_in_full_moves_nothing():
    payment = paid_payment(usd(100))
    owner = owner_of(payment.book.talent)
    refunds.give(payment, amount=usd(100), reason="", key="", by=owner)

    assert sweep(DUE) == 1

    assert not Entry.objects.filter(kind=EntryKind.MATURE).exists()
    assert Payment.objects.get().matured_at == DUE


def test_mature_many_takes_as_many_statements_as_two(django_assert_num_queries):
    talent = FreelancerFactory()
    some = [paid(funded_book(usd(10), talent=talent), usd(10)).pk for _ in range(2)]
    many = [paid(funded_book(usd(10)), usd(10)).pk for _ in range(7)]

    with clock.at(DUE):
        with django_assert_num_queries(9):
            maturing.mature(some)
        with django_assert_num_queries(9):
            maturing.mature(many)

    assert not maturing.waiting().exists()
    assert auditing.run().clean
