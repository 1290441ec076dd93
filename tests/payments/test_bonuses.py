"""The money of a bonus: from credit to pending, less the fee, once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from marketplace import clock
from marketplace.actors import PLATFORM
from payments import bonuses, ledger
from payments.ledger import NotEnough
from payments.models import Book, Entry, Payment
from payments.states import EntryKind, PaymentKind
from tests.factories import NOON, charge, funded_book, open_book, reread, usd

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


def pay(book: Book, amount, key: str = "bonus:1") -> Payment:
    with transaction.atomic():
        return bonuses.pay(
            ledger.lock(book.pk),
            amount,
            key=key,
            title="Bonus",
            paid_at=NOON,
            at=NOON,
            by=PLATFORM,
        )


def balances(book: Book) -> list[str]:
    book = reread(book)
    accounts = (book.escrow_account, book.credit_account, book.pending_account)
    return [str(one.balance) for one in accounts]


def test_bonus_takes_credit_and_pays_the_talent_after_the_fee():
    book = open_book()
    charge(book, usd(80))

    payment = pay(book, usd(50))

    assert balances(book) == ["$0.00", "$30.00", "$45.00"]
    assert (payment.kind, payment.gross, payment.fee, payment.net) == (
        PaymentKind.BONUS,
        usd(50),
        usd(5),
        usd(45),
    )
    assert payment.entry.kind == EntryKind.BONUS
    assert payment.available_at == NOON + timedelta(days=5)


def test_fee_of_a_bonus_is_rounded_half_up_once():
    book = open_book()
    charge(book, usd("1.05"))

    payment = pay(book, usd("1.05"))

    assert (payment.fee, payment.net) == (usd("0.11"), usd("0.94"))


def test_bonus_never_takes_escrow():
    book = funded_book(usd(500))

    with pytest.raises(NotEnough):
        pay(book, usd(50))

    assert balances(book) == ["$500.00", "$0.00", "$0.00"]
    assert not Entry.objects.filter(kind=EntryKind.BONUS).exists()


def test_books_stay_right_with_a_bonus_beside_escrow():
    book = funded_book(usd(500))
    charge(book, usd(50))

    pay(book, usd(50))

    assert balances(book) == ["$500.00", "$0.00", "$45.00"]
