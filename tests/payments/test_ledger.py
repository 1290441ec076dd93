"""The books, as a lesson: where each dollar of a contract goes."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from marketplace import clock
from marketplace.actors import PLATFORM
from marketplace.refusals import KeyReused
from payments import escrow, ledger, triggers
from payments.ledger import Leg, NotEnough
from payments.models import Account, Entry, Payment, Transfer
from payments.states import AccountKind, EntryKind
from tests.factories import (
    NOON,
    FreelancerFactory,
    PartyFactory,
    charge,
    funded_book,
    open_book,
    paid,
    reread,
    usd,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


def balances(book) -> dict[str, str]:
    book = reread(book)
    return {
        "credit": str(book.credit),
        "escrow": str(book.escrow),
        "pending": str(book.pending_account.balance),
        "available": str(book.available_account.balance),
    }


def give_back(book, amount, key="return:1"):
    with transaction.atomic():
        return escrow.give_back(
            ledger.lock(book.pk), amount, key=key, memo="", at=clock.now(), by=PLATFORM
        )


def test_lesson_a_charge_becomes_credit_then_escrow_then_pay():
    """North Studio pays $500 for a page; the freelancer keeps $450, the site $50."""
    book = open_book()

    charge(book, usd(500))
    assert balances(book)["credit"] == "$500.00"

    book = funded_book(usd(500))
    assert balances(book) == {
        "credit": "$0.00",
        "escrow": "$500.00",
        "pending": "$0.00",
        "available": "$0.00",
    }

    payment = paid(book, usd(500))
    assert balances(book) == {
        "credit": "$0.00",
        "escrow": "$0.00",
        "pending": "$450.00",
        "available": "$0.00",
    }
    assert (payment.gross, payment.fee, payment.net) == (usd(500), usd(50), usd(450))
    moves = payment.entry.transfers.order_by("pk").values_list("amount_minor", flat=True)
    assert list(moves) == [45_000, 5_000]


def test_lesson_part_is_paid_and_the_rest_returned():
    book = funded_book(usd(300))

    paid(book, usd(100))
    give_back(book, usd(200))

    assert balances(book) == {
        "credit": "$200.00",
        "escrow": "$0.00",
        "pending": "$90.00",
        "available": "$0.00",
    }


def test_transfers_keep_the_balance_right_after_them():
    book = funded_book(usd(300))
    paid(book, usd(100))
    paid(book, usd(50))

    out = Transfer.objects.filter(debit=book.escrow_account).order_by("pk")

    assert [one.debit_after for one in out] == [21_000, 20_000, 15_500, 15_000]


def test_site_wide_accounts_keep_no_balance():
    book = funded_book()
    paid(book, usd(500))

    site_wide = Account.objects.filter(kind__in=[AccountKind.FEES, AccountKind.OUTSIDE])

    assert {one.balance_minor for one in site_wide.order_by("pk")} == {None}
    fee = Transfer.objects.get(credit=book.fees_account)
    assert (fee.amount, fee.credit_after) == (usd(50), None)


def test_two_contracts_of_one_client_share_credit_but_not_escrow():
    client, talent = PartyFactory(), FreelancerFactory()
    first = funded_book(usd(100), client=client, talent=talent)
    second = funded_book(usd(70), client=client, talent=talent)

    give_back(first, usd(100))

    assert balances(first)["escrow"] == "$0.00"
    assert balances(second) == balances(second) | {"escrow": "$70.00", "credit": "$100.00"}


def test_post_with_the_same_key_and_input_gives_the_first_entry():
    book = funded_book(usd(100))

    first, second = give_back(book, usd(60)), give_back(book, usd(60))

    assert first.pk == second.pk
    assert balances(book)["escrow"] == "$40.00"


def test_post_with_the_same_key_and_other_input_is_refused():
    book = funded_book(usd(100))
    give_back(book, usd(60))

    with pytest.raises(KeyReused):
        give_back(book, usd(40))

    assert balances(book)["escrow"] == "$40.00"


def test_post_of_more_than_there_is_writes_nothing():
    book = funded_book(usd(100))
    before = Entry.objects.count()

    with pytest.raises(NotEnough):
        give_back(book, usd("100.01"))

    assert Entry.objects.count() == before
    assert balances(book)["escrow"] == "$100.00"


def test_post_of_nothing_is_an_error():
    book = funded_book(usd(100))

    with pytest.raises(ValueError, match="would move nothing"):
        give_back(book, usd(0))


def test_post_in_another_currency_is_an_error():
    book = funded_book(usd(100))
    leg = Leg(book.escrow_account_id, book.credit_account_id, type(usd(1))(100, "EUR"))

    with pytest.raises(ValueError, match="cannot be transferred"), transaction.atomic():
        ledger.post(
            kind=EntryKind.RETURN,
            book=ledger.lock(book.pk),
            legs=[leg],
            key="euro",
            at=NOON,
            by=PLATFORM,
        )

    assert not Entry.objects.filter(key="euro").exists()


def test_database_refuses_an_overdraft_whatever_the_code_says():
    book = funded_book(usd(100))

    with pytest.raises(IntegrityError), transaction.atomic():
        Account.objects.filter(pk=book.escrow_account_id).update(balance_minor=-1)

    assert balances(book)["escrow"] == "$100.00"


@pytest.mark.parametrize("model", [Entry, Transfer])
def test_ledger_rows_cannot_be_changed_or_deleted(model):
    funded_book(usd(100))
    changes = {Entry: {"memo": "x"}, Transfer: {"amount_minor": 1}}[model]
    before = list(model.objects.order_by("pk").values())

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        model.objects.update(**changes)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        model.objects.filter(pk__gt=0)._raw_delete("default")

    assert list(model.objects.order_by("pk").values()) == before


def test_triggers_are_installed_and_come_back_after_being_lifted():
    assert triggers.installed() == triggers.expected()

    with triggers.lifted():
        assert triggers.installed() == set()

    assert triggers.installed() == triggers.expected()


def pay_and_stumble(book) -> None:
    paid(book, usd(100))
    raise RuntimeError


def test_release_in_a_transaction_that_fails_leaves_no_trace():
    book = funded_book(usd(100))

    with pytest.raises(RuntimeError), transaction.atomic():
        pay_and_stumble(book)

    assert not Payment.objects.exists()
    assert balances(book)["escrow"] == "$100.00"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("time", ["first", "second"])
def test_ledger_is_empty_and_guarded_at_the_start_of_every_test(time):
    assert not Entry.objects.exists()
    assert triggers.installed() == triggers.expected()
    funded_book(usd(5))
