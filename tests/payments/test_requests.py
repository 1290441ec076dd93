"""The money of escrow refund requests, by each way it can end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from marketplace import auditing, clock, locks
from marketplace.actors import PLATFORM, Actor
from marketplace.models.history import Rank
from marketplace.refusals import InvalidInput, NotYours, Overtaken
from payments import ledger, requests
from payments.models import EscrowRefundRequest
from payments.states import OnSilence, RequestState
from tests.factories import NOON, StaffFactory, funded_book, owner_of, reread, usd

pytestmark = pytest.mark.django_db

ANSWER_BY = NOON + timedelta(days=7)


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


@pytest.fixture
def book():
    """$400 left in escrow, asked back at noon."""
    book = funded_book(usd(400))
    with transaction.atomic():
        requests.file(
            ledger.lock(book.pk),
            amount=usd(400),
            answer_by=ANSWER_BY,
            on_silence=OnSilence.LAPSE,
            at=NOON,
            by=owner_of(book.client),
        )
    return book


def locked(book):
    return locks.row(
        EscrowRefundRequest.objects.select_related("book__client", "book__talent").filter(
            book=book
        ),
        Rank.REQUEST,
    )


@transaction.atomic
def settle(book, transition, to_talent, *, by, because=""):
    request = locked(book)
    return requests.settle(
        request,
        ledger.lock(book.pk),
        transition=transition,
        to_talent=to_talent,
        because=because,
        by=by,
    )


@transaction.atomic
def decline(book):
    requests.decline(locked(book), because="The work is done.", by=owner_of(book.talent))


def money(book):
    book = reread(book)
    return book.escrow, book.credit, book.pending_account.balance


def test_file_moves_nothing_and_plans_the_first_reminder(book):
    request = book.escrow_refund_request

    assert request.state == RequestState.PENDING
    assert request.reminder_due_at == NOON + timedelta(days=3)
    assert money(book) == (usd(400), usd(0), usd(0))
    assert [row.transition for row in book.history.all()] == ["create"]


def test_accept_returns_all_of_it_to_the_client(book):
    request = settle(book, "accept", usd(0), by=owner_of(book.talent))

    assert (request.state, request.resolved_at) == (RequestState.ACCEPTED, NOON)
    assert money(book) == (usd(0), usd(400), usd(0))
    assert auditing.run().clean


def test_lapse_counts_from_when_the_time_was_over(book):
    with clock.at(ANSWER_BY + timedelta(hours=3)):
        request = settle(book, "lapse", usd(0), by=PLATFORM)

    assert request.resolved_at == ANSWER_BY
    assert money(book) == (usd(0), usd(400), usd(0))


def test_withdraw_pays_all_of_it_to_the_talent_less_the_fee(book):
    settle(book, "withdraw", usd(400), by=owner_of(book.client))

    assert money(book) == (usd(0), usd(0), usd(360))
    assert book.payments.get().gross == usd(400)
    assert auditing.run().clean


def test_concede_after_a_decline_pays_the_talent(book):
    decline(book)
    assert money(book) == (usd(400), usd(0), usd(0))

    settle(book, "concede", usd(400), by=owner_of(book.client))

    assert money(book) == (usd(0), usd(0), usd(360))


def test_decide_splits_with_a_reason(book):
    decline(book)
    by = Actor.support(StaffFactory())

    request = settle(book, "decide", usd(150), by=by, because="Half was delivered.")

    assert request.decided_because == "Half was delivered."
    assert (request.to_talent, request.to_client) == (usd(150), usd(250))
    assert money(book) == (usd(0), usd(250), usd(135))
    assert auditing.run().clean


def test_decide_more_than_the_amount_is_refused(book):
    decline(book)

    with pytest.raises(InvalidInput, match=r"from \$0.00 to \$400.00"):
        settle(book, "decide", usd("400.01"), by=Actor.support(StaffFactory()), because="x")

    assert money(book) == (usd(400), usd(0), usd(0))


def test_settle_with_a_split_that_the_transition_does_not_make_is_a_defect(book):
    with pytest.raises(ValueError, match="accept gives the talent"):
        settle(book, "accept", usd(1), by=owner_of(book.talent))

    assert money(book) == (usd(400), usd(0), usd(0))


def test_settle_twice_is_refused_and_pays_once(book):
    settle(book, "accept", usd(0), by=owner_of(book.talent))

    with pytest.raises(Overtaken):
        settle(book, "withdraw", usd(400), by=owner_of(book.client))

    assert money(book) == (usd(0), usd(400), usd(0))


def test_accept_by_the_client_is_refused(book):
    with pytest.raises(NotYours):
        settle(book, "accept", usd(0), by=owner_of(book.client))

    assert money(book) == (usd(400), usd(0), usd(0))


def test_escalate_keeps_the_money_in_escrow(book):
    with transaction.atomic():
        requests.escalate(locked(book), by=PLATFORM)

    request = EscrowRefundRequest.objects.get(book=book)
    assert (request.state, request.reminder_due_at) == (RequestState.ESCALATED, None)
    assert money(book) == (usd(400), usd(0), usd(0))


def test_remind_next_goes_through_days_three_five_and_six(book):
    dues = []
    while (due := EscrowRefundRequest.objects.get(book=book).reminder_due_at) is not None:
        dues.append((due - NOON).days)
        with clock.at(due), transaction.atomic():
            assert requests.remind_next(locked(book))

    assert dues == [3, 5, 6]


def test_remind_next_before_it_is_due_does_nothing(book):
    with transaction.atomic():
        assert not requests.remind_next(locked(book))

    assert EscrowRefundRequest.objects.get(book=book).reminders_sent == 0
