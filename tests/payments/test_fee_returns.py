"""Fees that come back: never a minor unit too many or too few, whatever the currency counts in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from marketplace import clock, money
from marketplace.money import Money, zero
from marketplace.refusals import InvalidInput
from payments import ledger, refunds, requests
from payments.models import Payment, Refund
from payments.states import OnSilence
from tests.factories import NOON, funded_book, owner_of, paid, reread
from tests.support.asserting import assert_audit_clean

pytestmark = pytest.mark.django_db

CURRENCIES = ("JPY", "USD", "KWD", "BHD")
"""Of 0, 2, 3 and 3 decimals."""

currencies = st.sampled_from(CURRENCIES)
rates = st.sampled_from([0, 1, 333, 1_000, 1_250, 9_999])
amounts = st.integers(1, 100_000)


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


def payment_of(gross: Money, rate: int) -> Payment:
    """A payment of all that a book of that currency and fee had in escrow."""
    return paid(funded_book(gross, talent_fee=rate), gross)


def kept(payment: Payment) -> tuple[Money, Money]:
    """What the client has back, and what the talent still has of it."""
    book = reread(payment.book)
    return book.credit, book.pending_account.balance + book.available_account.balance


@given(
    currency=currencies,
    gross=amounts,
    rate=rates,
    parts=st.lists(st.integers(1, 40_000), max_size=6),
)
def test_any_sequence_of_refunds_gives_back_the_fee_to_the_minor_unit(currency, gross, rate, parts):
    payment = payment_of(Money(gross, currency), rate)
    by, net = owner_of(payment.book.talent), payment.net
    refunded = zero(currency)

    for part in [*parts, gross]:
        amount = min(Money(part, currency), payment.refundable)
        if not amount:
            break
        refunds.give(payment, amount=amount, reason="", key="", by=by)
        payment = Payment.objects.select_related("book__talent").get(pk=payment.pk)
        refunded += amount
        exact = (2 * payment.fee_minor * refunded.minor + gross) // (2 * gross)
        assert payment.fee_returned == Money(exact, currency)
        assert kept(payment) == (refunded, net - refunded + payment.fee_returned)

    assert payment.fee_returned == payment.fee
    assert kept(payment) == (Money(gross, currency), zero(currency))
    assert_audit_clean()


@given(currency=currencies, gross=st.integers(2, 16), rate=rates)
def test_refund_unit_by_unit_costs_what_one_refund_costs(currency, gross, rate):
    piecemeal = payment_of(Money(gross, currency), rate)
    at_once = payment_of(Money(gross, currency), rate)
    half = gross // 2

    for _ in range(half):
        by = owner_of(piecemeal.book.talent)
        refunds.give(piecemeal, amount=Money(1, currency), reason="", key="", by=by)
    by = owner_of(at_once.book.talent)
    refunds.give(at_once, amount=Money(half, currency), reason="", key="", by=by)

    assert kept(piecemeal) == kept(at_once)
    piecemeal.refresh_from_db()
    at_once.refresh_from_db()
    assert piecemeal.fee_returned == at_once.fee_returned


@given(currency=currencies, gross=amounts, rate=rates)
def test_one_unit_more_than_the_payment_is_refused(currency, gross, rate):
    payment = payment_of(Money(gross, currency), rate)

    with pytest.raises(InvalidInput):
        refunds.give(
            payment,
            amount=Money(gross + 1, currency),
            reason="",
            key="",
            by=owner_of(payment.book.talent),
        )

    assert not Refund.objects.filter(payment=payment).exists()


@given(currency=currencies, amount=st.integers(2, 100_000), share=st.integers(0, 1_000))
def test_split_of_escrow_adds_up_in_every_currency(currency, amount, share):
    """A request settled by a split: both parts and the fee are the amount, to the minor unit."""
    asked = Money(amount, currency)
    to_talent = Money(amount * share // 1_000, currency)
    book = funded_book(asked)
    with transaction.atomic():
        locked = ledger.lock(book.pk)
        request = requests.file(
            locked,
            amount=asked,
            answer_by=NOON + timedelta(days=7),
            on_silence=OnSilence.LAPSE,
            at=NOON,
            by=owner_of(book.client),
        )
        by = owner_of(book.client)
        requests.settle(request, locked, transition="agree", to_talent=to_talent, by=by)

    after = reread(book)
    fee = to_talent.fraction(book.talent_fee)
    assert after.escrow == zero(currency)
    assert after.credit == asked - to_talent
    assert after.pending_account.balance == to_talent - fee


@pytest.mark.parametrize(
    ("currency", "gross", "part", "fee", "shown"),
    [
        ("JPY", 1_001, 500, 50, "¥450"),
        ("USD", 1_001, 500, 50, "$4.50"),
        ("KWD", 1_001, 500, 50, "KWD0.450"),
        ("BHD", 999_995, 1, 0, "BHD0.001"),
    ],
)
def test_cost_of_a_refund_is_counted_and_shown_in_the_currencys_own_units(
    currency, gross, part, fee, shown
):
    payment = payment_of(Money(gross, currency), 1_000)

    refund = refunds.give(
        payment, amount=Money(part, currency), reason="", key="", by=owner_of(payment.book.talent)
    )

    assert refund.fee == Money(fee, currency)
    assert (refund.amount - refund.fee).format().replace("\xa0", "") == shown
    assert money.parse(refund.amount.typed(), currency) == refund.amount


@given(
    currency=currencies,
    minor=st.integers(0, 10**12),
    weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any),
)
def test_allocation_and_proportion_lose_nothing_in_any_currency(currency, minor, weights):
    whole = Money(minor, currency)

    shares = whole.allocate(weights)

    assert money.total(shares, currency) == whole
    assert all(share >= zero(currency) for share in shares)
    parts = Money(sum(weights), currency)
    seen = zero(currency)
    in_steps = zero(currency)
    for weight in weights:
        before = whole.proportion(seen, parts)
        seen += Money(weight, currency)
        in_steps += whole.proportion(seen, parts) - before
    assert in_steps == whole
