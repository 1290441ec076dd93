"""Correcting entries: proposed by one of support, posted by a second person, or not at all."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from marketplace import clock
from marketplace.actors import PLATFORM, Actor
from marketplace.money import Money
from marketplace.refusals import InvalidInput, NotYours, Overtaken
from payments import corrections
from payments.models import Book, Correction, Entry
from payments.states import CorrectionState, EntryKind
from tests.factories import (
    NOON,
    StaffFactory,
    charge,
    funded_book,
    open_book,
    owner_of,
    paid_payment,
    reread,
    usd,
)
from tests.support.asserting import assert_audit_clean

pytestmark = pytest.mark.django_db

REASON = "The same card was charged twice on 4 November."


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


def support() -> Actor:
    return Actor.support(StaffFactory())


def with_credit(amount: Money | None = None) -> Book:
    book = open_book()
    charge(book, amount or usd(100))
    return reread(book)


def proposed(book: Book, *, by: Actor | None = None, **values) -> Correction:
    given = {
        "debit": book.credit_account,
        "credit": book.outside_account,
        "amount": usd(40),
        "reason": REASON,
    }
    return corrections.propose(book, by=by or support(), **(given | values))


def credit_of(book: Book) -> Money:
    return reread(book).credit


def now(correction: Correction) -> Correction:
    return Correction.objects.get(pk=correction.pk)


# Proposing ---------------------------------------------------------------------------------------


def test_proposal_moves_nothing_and_is_in_the_history():
    book, by = with_credit(), support()

    correction = proposed(book, by=by)

    assert now(correction).state == CorrectionState.PROPOSED
    assert (correction.proposed_by, correction.proposed_at) == (by.staff, NOON)
    assert credit_of(book) == usd(100)
    assert not Entry.objects.filter(kind=EntryKind.CORRECTION).exists()
    made = book.history.get(row_label="correction")
    assert (made.transition, made.actor_staff, made.reason) == ("create", by.staff, REASON)
    assert_audit_clean()


@pytest.mark.parametrize("who", ["client", "talent", "platform"])
def test_only_support_proposes(who):
    book = with_credit()
    by = PLATFORM if who == "platform" else owner_of(getattr(book, who))

    with pytest.raises(NotYours, match=r"Only support can do this\."):
        proposed(book, by=by)

    assert not Correction.objects.exists()


@pytest.mark.parametrize("end", ["debit", "credit"])
@pytest.mark.parametrize(
    ("kind", "sentence"), [("escrow", "Escrow is not corrected"), ("pending", "Pending money is")]
)
def test_escrow_and_pending_money_are_refused_with_a_sentence(end, kind, sentence):
    book = funded_book(usd(500))

    with pytest.raises(InvalidInput, match=sentence) as refused:
        proposed(book, **{end: getattr(book, f"{kind}_account")})

    assert refused.value.field == end
    assert not Correction.objects.exists()


def test_account_of_another_book_is_refused():
    book, other = with_credit(), with_credit()

    with pytest.raises(InvalidInput, match="not one of this book"):
        proposed(book, credit=other.credit_account)

    assert not Correction.objects.exists()


@pytest.mark.parametrize(
    ("values", "field", "sentence"),
    [
        ({"amount": usd("100.01")}, "amount", "Client credit holds \\$100.00; no more"),
        ({"amount": usd(0)}, "amount", "Type an amount above zero."),
        ({"amount": Money(4_000, "EUR")}, "amount", "This book is kept in USD."),
        ({"reason": "  "}, "reason", "Give the reason."),
    ],
)
def test_proposal_that_cannot_be_posted_is_refused_at_its_field(values, field, sentence):
    book = with_credit()

    with pytest.raises(InvalidInput, match=sentence) as refused:
        proposed(book, **values)

    assert refused.value.field == field
    assert not Correction.objects.exists()


def test_same_account_twice_is_refused():
    book = with_credit()

    with pytest.raises(InvalidInput, match="two different accounts"):
        proposed(book, credit=book.credit_account)

    assert not Correction.objects.exists()


def test_accounts_of_the_site_keep_no_balance_and_are_never_overdrawn():
    book = with_credit()

    before, after = corrections.quote(book.fees_account, book.credit_account, usd(9_000))

    assert (before.before, before.after) == (None, None)
    assert (after.before, after.after) == (usd(100), usd(9_100))


def test_quote_says_what_there_is_when_it_is_too_little():
    book = with_credit()

    with pytest.raises(InvalidInput, match=r"Client credit holds \$100.00"):
        corrections.quote(book.credit_account, book.fees_account, usd(101))


# Approving ---------------------------------------------------------------------------------------


def test_second_person_approves_and_the_entry_is_posted():
    book, second = with_credit(), support()
    correction = proposed(book)

    corrections.approve(correction, by=second)

    after = now(correction)
    assert (after.state, after.decided_by, after.decided_at) == ("posted", second.staff, NOON)
    assert credit_of(book) == usd(60)
    entry = Entry.objects.get(kind=EntryKind.CORRECTION)
    assert (entry.key, entry.memo) == (f"correction:{correction.pk}", REASON)
    assert (entry.actor_staff, after.entry) == (second.staff, entry)
    (transfer,) = entry.transfers.all()
    assert (transfer.debit, transfer.credit) == (book.credit_account, book.outside_account)
    assert (transfer.amount, transfer.debit_after, transfer.credit_after) == (usd(40), 6_000, None)
    assert_audit_clean()


def test_available_money_is_given_by_the_operator():
    payment = paid_payment(usd(500))
    book = reread(payment.book)

    corrections.approve(
        proposed(book, debit=book.fees_account, credit=book.available_account), by=support()
    )

    assert reread(book).available_account.balance == usd(40)
    assert_audit_clean()


def test_who_proposed_does_not_approve():
    book, by = with_credit(), support()
    correction = proposed(book, by=by)

    with pytest.raises(NotYours, match="A second person of support has to approve"):
        corrections.approve(correction, by=by)

    assert now(correction).state == CorrectionState.PROPOSED
    assert credit_of(book) == usd(100)


def test_the_table_itself_takes_two_persons():
    correction = proposed(with_credit())
    corrections.approve(correction, by=support())

    with pytest.raises(IntegrityError), transaction.atomic():
        Correction.objects.update(decided_by=correction.proposed_by)


@pytest.mark.parametrize("who", ["client", "talent", "platform"])
def test_only_support_approves_or_rejects(who):
    book = with_credit()
    correction = proposed(book)
    by = PLATFORM if who == "platform" else owner_of(getattr(book, who))

    with pytest.raises(NotYours):
        corrections.approve(correction, by=by)
    with pytest.raises(NotYours):
        corrections.reject(correction, because="No.", by=by)

    assert now(correction).state == CorrectionState.PROPOSED
    assert credit_of(book) == usd(100)


def test_money_that_is_gone_is_not_moved():
    book = with_credit()
    first, second = proposed(book, amount=usd(70)), proposed(book, amount=usd(70))
    corrections.approve(first, by=support())

    with pytest.raises(Overtaken, match=r"Client credit holds \$30.00"):
        corrections.approve(second, by=support())

    assert now(second).state == CorrectionState.PROPOSED
    assert credit_of(book) == usd(30)
    assert_audit_clean()


@pytest.mark.parametrize("first", ["approve", "reject"])
@pytest.mark.parametrize("then", ["approve", "reject"])
def test_decided_correction_is_not_decided_again(first, then):
    book = with_credit()
    correction = proposed(book)
    decide = {
        "approve": lambda: corrections.approve(correction, by=support()),
        "reject": lambda: corrections.reject(correction, because="No.", by=support()),
    }
    decide[first]()
    credit = credit_of(book)

    with pytest.raises(Overtaken, match="decided already"):
        decide[then]()

    assert credit_of(book) == credit


# Rejecting ---------------------------------------------------------------------------------------


def test_rejected_correction_posts_nothing():
    book, second = with_credit(), support()
    correction = proposed(book)

    corrections.reject(correction, because="It was two purchases.", by=second)

    after = now(correction)
    assert (after.state, after.decided_by, after.entry) == ("rejected", second.staff, None)
    assert credit_of(book) == usd(100)
    assert book.history.get(transition="reject").reason == "It was two purchases."
    assert_audit_clean()


def test_who_proposed_takes_it_back():
    by = support()
    correction = proposed(with_credit(), by=by)

    corrections.reject(correction, because="Typed into the wrong book.", by=by)

    assert now(correction).state == CorrectionState.REJECTED


def test_rejecting_takes_a_reason():
    correction = proposed(with_credit())

    with pytest.raises(InvalidInput, match=r"Give the reason\.") as refused:
        corrections.reject(correction, because=" ", by=support())

    assert refused.value.field == "because"
    assert now(correction).state == CorrectionState.PROPOSED


def test_purpose_has_one_function():
    with pytest.raises(ValueError, match="has its function already"):
        corrections.purpose("hours")(lambda pk, by: None)
