"""The money and the clocks of escrow refund requests, by each way one can end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from marketplace import auditing, clock, locks, policy, workdays
from marketplace.actors import PLATFORM, Actor
from marketplace.models.history import Rank
from marketplace.refusals import InvalidInput, NotYours, Overtaken
from marketplace.states import Side
from payments import ledger, requests
from payments.models import EscrowRefundRequest, SplitProposal
from payments.states import OnSilence, Proposer, RequestState, SplitState, StatementKind
from tests.factories import NOON, StaffFactory, funded_book, owner_of, reread, usd

pytestmark = pytest.mark.django_db

ANSWER_BY = NOON + timedelta(days=7)
DAY = timedelta(days=1)
WORKDAYS = timedelta(days=7)
"""Five business days from the Thursday of ``NOON``, or from any day of a working week."""


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


def open_split(book):
    chosen = SplitProposal.objects.filter(request__book=book, state=SplitState.OPEN)
    return next(iter(locks.rows(chosen, Rank.REQUEST)), None)


def locked_split(book):
    split = open_split(book)
    split.request = locked(book)
    return split


@transaction.atomic
def settle(book, transition, *, by, **values):
    request, split = locked(book), open_split(book)
    if split is not None:
        split.request = request
    return requests.settle(
        request, ledger.lock(book.pk), transition=transition, split=split, by=by, **values
    )


@transaction.atomic
def dispute(book):
    request, split = locked(book), open_split(book)
    if split is not None:
        split.request = request
    requests.dispute(
        request,
        ledger.lock(book.pk),
        text="The work is done.",
        links=["https://example.com/proof"],
        split=split,
        by=owner_of(book.talent),
    )
    return request


@transaction.atomic
def reject(book):
    request = locked(book)
    by = owner_of(book.client)
    requests.reject(request, ledger.lock(book.pk), text="It is not.", links=[], by=by)
    return request


@transaction.atomic
def propose(book, to_talent, *, proposer=Proposer.TALENT):
    request = locked(book)
    by = owner_of(book.talent) if proposer == Proposer.TALENT else support()
    return requests.propose(
        request,
        ledger.lock(book.pk),
        proposer=proposer,
        to_talent=to_talent,
        message="Half of it.",
        by=by,
    )


@transaction.atomic
def end_split(book, transition, *, by):
    split = locked_split(book)
    requests.end_split(split, ledger.lock(book.pk), transition=transition, by=by)
    return split.request


@transaction.atomic
def agree(book, side):
    split = locked_split(book)
    party = book.client if side is Side.CLIENT else book.talent
    return requests.agree(split, ledger.lock(book.pk), side=side, by=owner_of(party))


def support() -> Actor:
    return Actor.support(StaffFactory())


def money(book):
    book = reread(book)
    return book.escrow, book.credit, book.pending_account.balance


# What each end moves ------------------------------------------------------------------------------


def test_file_moves_nothing_and_plans_the_first_reminder(book):
    request = book.escrow_refund_request

    assert request.state == RequestState.PENDING
    assert request.reminder_due_at == NOON + timedelta(days=3)
    assert request.decide_by == NOON + timedelta(days=30)
    assert money(book) == (usd(400), usd(0), usd(0))
    assert [row.transition for row in book.history.all()] == ["create"]


def test_accept_returns_all_of_it_to_the_client(book):
    request = settle(book, "accept", by=owner_of(book.talent))

    assert (request.state, request.resolved_at) == (RequestState.ACCEPTED, NOON)
    assert money(book) == (usd(0), usd(400), usd(0))
    assert auditing.run().clean


def test_lapse_counts_from_when_the_time_was_over(book):
    with clock.at(ANSWER_BY + timedelta(hours=3)):
        request = settle(book, "lapse", by=PLATFORM)

    assert request.resolved_at == ANSWER_BY
    assert money(book) == (usd(0), usd(400), usd(0))


def test_withdraw_pays_all_of_it_to_the_talent_less_the_fee(book):
    settle(book, "withdraw", by=owner_of(book.client))

    assert money(book) == (usd(0), usd(0), usd(360))
    assert book.payments.get().gross == usd(400)
    assert auditing.run().clean


def test_concede_after_a_dispute_pays_the_talent(book):
    dispute(book)
    assert money(book) == (usd(400), usd(0), usd(0))

    settle(book, "concede", by=owner_of(book.client))

    assert money(book) == (usd(0), usd(0), usd(360))


def test_silence_after_a_dispute_pays_the_talent_as_of_when_the_time_was_over(book):
    dispute(book)

    with clock.at(NOON + WORKDAYS + timedelta(days=20)):
        request = settle(book, "concede_by_silence", by=PLATFORM)

    assert request.state == RequestState.CONCEDED_BY_SILENCE
    assert request.resolved_at == NOON + WORKDAYS
    payment = book.payments.get()
    assert (payment.paid_at, payment.available_at) == (NOON + WORKDAYS, NOON + WORKDAYS + 5 * DAY)
    assert money(book) == (usd(0), usd(0), usd(360))
    assert auditing.run().clean


def test_decide_splits_with_a_reason(book):
    dispute(book)
    reject(book)

    request = settle(
        book, "decide", to_talent=usd(150), by=support(), because="Half was delivered."
    )

    assert request.decided_because == "Half was delivered."
    assert (request.to_talent, request.to_client) == (usd(150), usd(250))
    assert money(book) == (usd(0), usd(250), usd(135))
    assert auditing.run().clean


def test_decide_more_than_the_amount_is_refused(book):
    dispute(book)
    reject(book)

    with pytest.raises(InvalidInput, match=r"from \$0.00 to \$400.00"):
        settle(book, "decide", to_talent=usd("400.01"), by=support(), because="x")

    assert money(book) == (usd(400), usd(0), usd(0))


def test_decide_before_the_client_answered_the_dispute_is_refused(book):
    dispute(book)

    with pytest.raises(Overtaken, match="disputed now"):
        settle(book, "decide", to_talent=usd(1), by=support(), because="x")

    assert money(book) == (usd(400), usd(0), usd(0))


def test_settle_twice_is_refused_and_pays_once(book):
    settle(book, "accept", by=owner_of(book.talent))

    with pytest.raises(Overtaken):
        settle(book, "withdraw", by=owner_of(book.client))

    assert money(book) == (usd(0), usd(400), usd(0))


def test_accept_by_the_client_is_refused(book):
    with pytest.raises(NotYours):
        settle(book, "accept", by=owner_of(book.client))

    assert money(book) == (usd(400), usd(0), usd(0))


def test_escalate_keeps_the_money_in_escrow(book):
    with transaction.atomic():
        requests.move(locked(book), ledger.lock(book.pk), "escalate", by=PLATFORM)

    request = EscrowRefundRequest.objects.get(book=book)
    assert (request.state, request.answer_by) == (RequestState.ESCALATED, None)
    assert request.reminder_due_at is None
    assert money(book) == (usd(400), usd(0), usd(0))


# A dispute ----------------------------------------------------------------------------------------


def test_dispute_keeps_the_reason_and_turns_silence_round(book):
    request = dispute(book)

    said = request.statements.get()
    assert (said.kind, said.text) == (StatementKind.DISPUTE, "The work is done.")
    assert (said.links, said.at) == (["https://example.com/proof"], NOON)
    assert said.actor == owner_of(book.talent)
    assert (request.on_silence, request.answer_by) == (OnSilence.CONCEDE, NOON + WORKDAYS)
    assert request.reminder_due_at == NOON + WORKDAYS - timedelta(days=3)


def test_dispute_takes_the_open_split_back_and_starts_the_clients_clock(book):
    propose(book, usd(100))

    with clock.at(NOON + DAY):
        request = dispute(book)

    split = SplitProposal.objects.get()
    assert (split.state, split.closed_at) == (SplitState.TAKEN_BACK, NOON + DAY)
    assert (request.state, request.time_left) == (RequestState.DISPUTED, None)
    assert request.answer_by == NOON + DAY + WORKDAYS
    assert auditing.run().clean


def test_reject_brings_it_to_mediation_where_nobodys_silence_decides(book):
    dispute(book)

    request = reject(book)

    assert (request.state, request.answer_by) == (RequestState.MEDIATING, None)
    assert [one.kind for one in request.statements.all()] == ["dispute", "rejection"]
    assert auditing.run().clean


# Splits -------------------------------------------------------------------------------------------


def test_split_of_the_talent_stops_its_clock(book):
    with clock.at(NOON + 2 * DAY):
        split = propose(book, usd(150))

    request = EscrowRefundRequest.objects.get()
    assert (request.answer_by, request.time_left) == (None, timedelta(days=5))
    assert request.reminder_due_at is None
    # From a Saturday: counted from Monday 00:00.
    assert split.answer_by == datetime(2026, 11, 30, tzinfo=UTC)
    assert (split.to_talent, split.to_client) == (usd(150), usd(250))
    assert split.has_agreed(Side.TALENT)
    assert not split.has_agreed(Side.CLIENT)
    assert auditing.run().clean


def test_split_that_the_client_agrees_to_is_paid_so(book):
    propose(book, usd("133.35"))

    assert agree(book, Side.CLIENT)

    request = EscrowRefundRequest.objects.get()
    assert (request.state, request.to_talent) == (RequestState.AGREED, usd("133.35"))
    assert (request.time_left, request.answer_by) == (None, None)
    assert money(book) == (usd(0), usd("266.65"), usd("120.01"))
    assert auditing.run().clean


@pytest.mark.parametrize(
    ("proposed", "ended", "rest"),
    [
        (DAY, 2 * DAY, 6 * DAY),
        (timedelta(days=5), timedelta(days=6), timedelta(days=2)),
        (timedelta(days=6), timedelta(days=6, hours=1), timedelta(hours=48)),
        (7 * DAY - timedelta(microseconds=1), timedelta(days=8), timedelta(hours=48)),
    ],
)
@pytest.mark.parametrize("how", ["decline", "take_back"])
def test_clock_goes_on_with_the_rest_of_its_time_at_least_48_hours(
    book, how, proposed, ended, rest
):
    with clock.at(NOON + proposed):
        propose(book, usd(100))

    with clock.at(NOON + ended):
        request = end_split(
            book, how, by=owner_of(book.client if how == "decline" else book.talent)
        )

    assert (request.answer_by, request.time_left) == (NOON + ended + rest, None)
    assert request.state == RequestState.PENDING
    assert request.reminder_due_at is not None
    assert auditing.run().clean


def test_clock_after_a_split_that_was_not_answered_goes_on_from_when_that_was_over(book):
    with clock.at(NOON + DAY):
        split = propose(book, usd(100))

    with clock.at(split.answer_by + timedelta(hours=30)):
        request = end_split(book, "lapse", by=PLATFORM)

    assert SplitProposal.objects.get().closed_at == split.answer_by
    assert request.answer_by == split.answer_by + timedelta(days=6)


def test_reminders_after_a_split_keep_their_distance_from_the_end(book):
    with clock.at(NOON + DAY):
        propose(book, usd(100))
    with clock.at(NOON + 4 * DAY):
        request = end_split(book, "decline", by=owner_of(book.client))

    assert requests.reminders_of(request) == [
        request.answer_by - timedelta(days=left) for left in (4, 2, 1)
    ]
    assert request.reminder_due_at == NOON + 6 * DAY


def test_split_of_support_holds_once_both_agree(book):
    dispute(book)
    reject(book)
    split = propose(book, usd(200), proposer=Proposer.SUPPORT)
    assert split.answer_by == NOON + timedelta(days=2)

    assert not agree(book, Side.TALENT)
    assert money(book) == (usd(400), usd(0), usd(0))
    assert agree(book, Side.CLIENT)

    assert EscrowRefundRequest.objects.get().state == RequestState.AGREED
    assert money(book) == (usd(0), usd(200), usd(180))
    assert auditing.run().clean


def test_split_of_support_that_comes_to_nothing_starts_no_clock(book):
    dispute(book)
    reject(book)
    propose(book, usd(200), proposer=Proposer.SUPPORT)

    request = end_split(book, "decline", by=owner_of(book.client))

    assert (request.state, request.answer_by) == (RequestState.MEDIATING, None)
    assert auditing.run().clean


def test_settling_closes_the_open_split_in_the_same_moment(book):
    propose(book, usd(200))

    settle(book, "accept", by=owner_of(book.talent))

    split = SplitProposal.objects.select_related("request").get()
    assert (split.state, split.closed_at) == (SplitState.TAKEN_BACK, split.request.resolved_at)
    assert auditing.run().clean


moments = st.integers(0, 7 * 24 * 60 - 1).map(lambda minutes: timedelta(minutes=minutes))
filed = st.integers(0, 7 * 24 * 60).map(lambda minutes: NOON + timedelta(minutes=minutes))


def asked(at: datetime) -> EscrowRefundRequest:
    return EscrowRefundRequest(
        filed_at=at,
        answer_by=at + policy.ESCROW_ANSWER_WINDOW,
        decide_by=at + policy.DECISION_WINDOW,
    )


@given(filed, moments)
def test_there_is_always_time_for_a_first_split(at, later):
    assert requests.leaves_time(asked(at), at + later)


@given(filed, moments, moments)
def test_however_long_everybody_waits_support_has_time_for_a_split_of_its_own(at, first, second):
    """Two splits at any moments, each unanswered, then a dispute on the last instant, rejected."""
    request = asked(at)
    now = at + first
    for later in (second, timedelta(0)):
        if requests.leaves_time(request, now):
            request.time_left = request.answer_by - now
            off = workdays.after(now, policy.ESCROW_CLIENT_WORKDAYS)
            request.answer_by = request.due_after_split(off)
            now = min(off + later, request.answer_by)
    rejected = workdays.after(request.answer_by, policy.ESCROW_CLIENT_WORKDAYS)
    assert rejected + policy.MEDIATION_ANSWER_WINDOW <= request.decide_by


# Reminders ----------------------------------------------------------------------------------------


def test_remind_next_goes_through_days_three_five_and_six(book):
    dues = []
    while (due := EscrowRefundRequest.objects.get(book=book).reminder_due_at) is not None:
        dues.append((due - NOON).days)
        with clock.at(due), transaction.atomic():
            assert requests.remind_next(locked(book))

    assert dues == [3, 5, 6]


def test_remind_next_sends_one_for_all_that_were_missed(book):
    with clock.at(NOON + timedelta(days=5, hours=1)), transaction.atomic():
        assert requests.remind_next(locked(book))

    request = EscrowRefundRequest.objects.get(book=book)
    assert (request.reminders_sent, request.reminder_due_at) == (1, NOON + timedelta(days=6))


def test_remind_next_before_it_is_due_does_nothing(book):
    with transaction.atomic():
        assert not requests.remind_next(locked(book))

    assert EscrowRefundRequest.objects.get(book=book).reminders_sent == 0
