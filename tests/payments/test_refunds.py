"""Refunds: the window, the caps, the fee, and where the money comes from."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from marketplace import clock
from marketplace.models import Notice
from marketplace.money import Money, zero
from marketplace.refusals import InvalidInput, KeyReused, NotYours, Refused
from marketplace.states import Role
from payments import ledger, refunds
from payments.models import Payment, Refund
from payments.refunds import Balances
from payments.states import EntryKind, RefundKind
from tests.factories import (
    NOON,
    AgencyFactory,
    funded_book,
    member_of,
    owner_of,
    paid,
    paid_payment,
    reread,
    usd,
)
from tests.support.asserting import assert_audit_clean

pytestmark = pytest.mark.django_db

DAYS_180 = timedelta(days=180)


@pytest.fixture
def payment():
    """$500 paid at noon: $450 for the freelancer, $50 fee."""
    with clock.at(NOON):
        return paid_payment(usd(500))


def give(payment, amount, *, at=NOON, by=None, key="", reason=""):
    with clock.at(at):
        by = by or owner_of(payment.book.talent)
        return refunds.give(payment, amount=amount, reason=reason, key=key, by=by)


def money_of(payment) -> tuple[Money, Money, Money]:
    book = reread(payment.book)
    return book.credit, book.pending_account.balance, book.available_account.balance


def test_give_whole_payment_returns_the_whole_fee(payment):
    refund = give(payment, usd(500), reason="We could not finish.")

    assert (refund.amount, refund.fee) == (usd(500), usd(50))
    assert money_of(payment) == (usd(500), usd(0), usd(0))
    payment.refresh_from_db()
    assert (payment.refunded, payment.fee_returned) == (usd(500), usd(50))
    assert payment.pending_left == usd(0)


def test_give_part_takes_the_pending_part_of_that_payment(payment):
    give(payment, usd(40))

    assert money_of(payment) == (usd(40), usd(414), usd(0))
    entry = Refund.objects.get().entry
    assert [str(one) for one in entry.transfers.order_by("pk").values_list("amount_minor")] == [
        "(3600,)",
        "(400,)",
    ]


def test_give_after_five_days_takes_what_became_available_first(payment):
    give(payment, usd(40), at=NOON + timedelta(days=5))

    assert money_of(payment) == (usd(40), usd(0), usd(414))
    payment.refresh_from_db()
    assert payment.matured_at == NOON + timedelta(days=5)


def test_give_counts_what_is_due_of_other_payments_before_any_sweep(payment):
    with clock.at(NOON + timedelta(days=170)):
        late = paid(funded_book(usd(100), talent=payment.book.talent), usd(100))
    older = Payment.objects.get(pk=payment.pk)
    give(older, usd(500), at=NOON + timedelta(days=176))

    assert money_of(payment)[1:] == (usd(0), usd(90))
    late.refresh_from_db()
    assert late.matured_at == NOON + timedelta(days=176)


def test_give_never_takes_the_pending_money_of_another_payment(payment):
    with clock.at(NOON):
        other = paid(funded_book(usd(100), talent=payment.book.talent), usd(100))
    give(payment, usd(500))

    other.refresh_from_db()

    assert other.pending_left == usd(90)
    assert money_of(payment) == (usd(500), usd(90), usd(0))


def test_give_at_exactly_180_days_is_possible(payment):
    refund = give(payment, usd(5), at=NOON + DAYS_180)

    assert refund.amount == usd(5)


def test_give_one_second_after_180_days_is_refused(payment):
    with pytest.raises(Refused, match="more than 180 days old"):
        give(payment, usd(5), at=NOON + DAYS_180 + timedelta(seconds=1))

    assert not Refund.objects.exists()
    assert money_of(payment)[0] == usd(0)


def test_give_more_than_is_left_of_the_payment_is_refused(payment):
    give(payment, usd(400))

    with pytest.raises(InvalidInput, match=r"At most \$100.00 of this payment") as refused:
        give(payment, usd("100.01"))

    assert refused.value.field == "amount"
    assert Refund.objects.count() == 1


def test_give_of_a_payment_refunded_in_full_is_refused(payment):
    give(payment, usd(500))

    with pytest.raises(Refused, match="refunded in full already"):
        give(payment, usd(1))

    assert Refund.objects.count() == 1


def test_preview_of_more_than_the_balance_says_what_is_possible_now(payment):
    poor = Balances(usd(0), usd(36))

    with pytest.raises(InvalidInput) as refused:
        refunds.preview(payment, usd(41), poor)

    assert refused.value.sentence == "You can refund $40.00 now, your whole balance."
    assert refunds.preview(payment, usd(40), poor).after == Balances(usd(0), usd(0))


def test_preview_with_an_empty_balance_says_so(payment):
    with pytest.raises(InvalidInput, match="Your balance is empty"):
        refunds.preview(payment, usd(1), Balances(usd(0), usd(0)))


@pytest.mark.parametrize("dollars", [0, -5])
def test_preview_of_nothing_or_less_is_refused(payment, dollars):
    with pytest.raises(InvalidInput, match="above zero"):
        refunds.preview(payment, usd(dollars), Balances(usd(450), usd(0)))


@pytest.mark.parametrize("side", ["client", "talent member", "stranger"])
def test_give_by_somebody_else_is_refused(payment, side):
    book = payment.book
    by = {
        "client": lambda: owner_of(book.client),
        "talent member": lambda: member_of(book.talent),
        "stranger": lambda: owner_of(AgencyFactory()),
    }[side]()

    with pytest.raises(NotYours):
        give(payment, usd(5), by=by)

    assert not Refund.objects.exists()
    assert money_of(payment) == (usd(0), usd(450), usd(0))


def test_give_by_a_manager_of_the_agency_is_possible():
    with clock.at(NOON):
        payment = paid_payment(usd(100), talent=AgencyFactory())

    refund = give(payment, usd(10), by=member_of(payment.book.talent, Role.MANAGER))

    assert refund.amount == usd(10)


def test_give_twice_with_the_same_key_gives_the_first_refund(payment):
    by = owner_of(payment.book.talent)

    first = give(payment, usd(40), key="form-1", by=by)
    second = give(payment, usd(40), key="form-1", by=by)

    assert first.pk == second.pk
    assert money_of(payment)[0] == usd(40)


def test_give_with_the_same_key_and_another_amount_is_refused(payment):
    give(payment, usd(40), key="form-1")

    with pytest.raises(KeyReused):
        give(payment, usd(41), key="form-1")

    assert money_of(payment)[0] == usd(40)


def test_give_tells_the_managers_of_both_sides(payment):
    book = payment.book
    owner_of(book.client)
    member_of(book.talent)

    give(payment, usd(40), reason="Half a day less.")

    told = {(notice.kind, notice.party_id) for notice in Notice.objects.order_by("pk")}
    assert told == {
        ("payments.refund_given", book.talent_id),
        ("payments.refund_received", book.client_id),
    }


amounts = st.integers(min_value=1, max_value=200_000)
currencies = st.sampled_from(["JPY", "USD", "KWD"])  # no, two and three decimals


@given(
    currency=currencies,
    gross=amounts,
    fee_rate=st.integers(0, 9_999),
    parts=st.lists(amounts, max_size=30),
)
def test_any_sequence_of_partial_refunds_returns_exactly_the_fee(currency, gross, fee_rate, parts):
    payment = Payment(currency=currency, gross_minor=gross, book_id=0, pending_left_minor=0)
    payment.fee_minor = payment.gross.fraction(fee_rate).minor
    payment.net_minor = gross - payment.fee_minor
    rich = Balances(zero(currency), Money(10**9, currency))

    for part in [*parts, gross]:
        amount = min(Money(part, currency), payment.refundable)
        if not amount:
            break
        planned = refunds.preview(payment, amount, rich)
        assert zero(currency) <= planned.fee <= amount
        payment.refunded_minor += planned.amount.minor
        payment.fee_returned_minor += planned.fee.minor
        assert payment.fee_returned == payment.fee.proportion(payment.refunded, payment.gross)

    assert (payment.refunded, payment.fee_returned) == (payment.gross, payment.fee)


@given(
    gross=amounts,
    fee_rate=st.integers(0, 9_999),
    refunded=st.integers(0, 200_000),
    balance=st.integers(0, 200_000),
)
def test_most_possible_is_covered_and_a_cent_more_is_not(gross, fee_rate, refunded, balance):
    payment = Payment(currency="USD", gross_minor=gross, book_id=0, pending_left_minor=0)
    payment.fee_minor = payment.gross.fraction(fee_rate).minor
    payment.refunded_minor = min(refunded, gross)
    payment.fee_returned_minor = payment.fee.proportion(payment.refunded, payment.gross).minor
    balances = Balances(usd(0), Money(balance))

    most = refunds.most_possible(payment, balances)

    if most:
        assert refunds.preview(payment, most, balances).cost <= balances.together
    if most < payment.refundable:
        rich = Balances(usd(0), Money(10**9))
        assert refunds.preview(payment, most + Money(1), rich).cost > balances.together


# Disputed hours ----------------------------------------------------------------------------------


def reverse(payment, amount, *, at=NOON, key="reversal"):
    """As a settled dispute does: on the payment as it is, under its book's lock."""
    with transaction.atomic():
        book = ledger.lock(payment.book_id)
        payment = Payment.objects.get(pk=payment.pk)
        payment.book = book
        return refunds.reverse(
            payment, amount, key=key, reason="Not worked.", at=at, by=owner_of(payment.book.talent)
        )


def test_held_payment_is_not_refunded_before_it_is_let_go(payment):
    refunds.hold(payment)

    with pytest.raises(Refused, match="The hours of this payment are disputed"):
        give(payment, usd(5))
    assert money_of(payment) == (usd(0), usd(450), usd(0))

    refunds.let_go(payment)
    assert give(payment, usd(5)).amount == usd(5)


def test_reverse_gives_back_from_pending_and_from_the_fee(payment):
    refunds.hold(payment)

    reversal = reverse(payment, usd(40))

    assert (reversal.kind, reversal.amount, reversal.fee) == (RefundKind.REVERSAL, usd(40), usd(4))
    assert (reversal.from_pending, reversal.from_available) == (usd(36), usd(0))
    assert reversal.entry.kind == EntryKind.HOURS_REVERSAL
    assert money_of(payment) == (usd(40), usd(414), usd(0))
    payment.refresh_from_db()
    assert (payment.refunded, payment.fee_returned) == (usd(40), usd(4))
    assert payment.pending_left == usd(414)


def test_reverse_of_what_is_left_after_a_refund_empties_the_payment(payment):
    give(payment, usd("0.05"))
    refunds.hold(payment)

    reversal = reverse(payment, usd("499.95"))

    assert (reversal.amount, reversal.fee) == (usd("499.95"), usd("49.99"))
    assert money_of(payment) == (usd(500), usd(0), usd(0))
    refunds.let_go(payment)
    assert_audit_clean()


@given(
    gross=st.integers(1, 100_000),
    first=st.integers(0, 100_000),
    second=st.integers(1, 100_000),
)
def test_pending_money_always_covers_a_reversal(gross, first, second):
    """Whatever was refunded before: what is pending is the net less what that cost."""
    amounts = [Money(min(first, gross - 1), "USD")]
    amounts.append(Money(min(second, gross - amounts[0].minor), "USD"))
    fee = Money(gross, "USD").fraction(1_000)
    payment = Payment(
        currency="USD", gross_minor=gross, fee_minor=fee.minor, net_minor=gross - fee.minor
    )
    payment.pending_left_minor = payment.net_minor
    for amount in amounts:
        part = refunds.fee_part(payment, amount)
        payment.refunded_minor += amount.minor
        payment.fee_returned_minor += part.minor
        payment.pending_left_minor -= (amount - part).minor

        assert payment.pending_left_minor >= 0
        assert usd(0) <= part <= amount


@pytest.mark.parametrize("amount", [usd(0), usd("500.01")])
def test_reverse_of_nothing_or_of_more_than_is_left_is_a_defect(payment, amount):
    refunds.hold(payment)

    with pytest.raises(ValueError, match="cannot be reversed"):
        reverse(payment, amount)

    assert money_of(payment) == (usd(0), usd(450), usd(0))


def test_reverse_of_a_payment_that_is_not_held_is_a_defect(payment):
    with pytest.raises(ValueError, match="cannot be reversed"):
        reverse(payment, usd(5))

    assert not Refund.objects.exists()


def test_refund_after_a_reversal_returns_the_rest_of_the_fee(payment):
    refunds.hold(payment)
    reverse(payment, usd("0.05"))
    payment.refresh_from_db()
    refunds.let_go(payment)

    rest = give(payment, usd("499.95"))

    assert (rest.kind, rest.fee) == (RefundKind.REFUND, usd("49.99"))
    payment.refresh_from_db()
    assert (payment.refunded, payment.fee_returned) == (usd(500), usd(50))
