"""Refund requests: who asks for what until when, and how the talent answers, or does not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts import hours_disputes
from marketplace import clock, once, sweeping
from marketplace.models import Notice
from marketplace.notices import KINDS, text_of
from marketplace.refusals import InvalidInput, KeyReused, NotYours, Overtaken, Refused
from marketplace.states import Role
from payments import refund_requests, refunds
from payments.models import BookHistory, Payment, Refund, RefundRequest
from payments.states import RefundRequestState
from tests.factories import (
    NOON,
    AgencyFactory,
    in_review,
    member_of,
    owner_of,
    paid_payment,
    reread,
    usd,
)
from tests.support.asserting import assert_audit_clean

pytestmark = pytest.mark.django_db

DAYS_180 = timedelta(days=180)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


@pytest.fixture
def payment():
    """$500 paid at noon: $450 for the freelancer, $50 fee."""
    payment = paid_payment(usd(500))
    owner_of(payment.book.talent), owner_of(payment.book.client)
    return payment


def ask(payment, amount=None, *, at=NOON, by=None, key="", reason="Half was missing."):
    with clock.at(at):
        by = by or owner_of(payment.book.client)
        return refund_requests.ask(payment, amount=amount or usd(50), reason=reason, key=key, by=by)


def give(payment, amount, *, at=NOON, answers=None):
    with clock.at(at):
        by = owner_of(payment.book.talent)
        return refunds.give(payment, amount=amount, reason="", key="", answers=answers, by=by)


def decline(request, because="", by=None):
    by = by or owner_of(request.payment.book.talent)
    return refund_requests.decline(request, because=because, by=by)


def withdraw(request, by=None):
    return refund_requests.withdraw(request, by=by or owner_of(request.payment.book.client))


def sweep(moment) -> int:
    outcomes = sweeping.run(as_of=moment, only="payments.refund_requests")
    assert not any(one.failed for one in outcomes)
    return sum(one.done for one in outcomes)


def state_of(request) -> str:
    return RefundRequest.objects.get(pk=request.pk).state


# Asking -----------------------------------------------------------------------------------------


def test_ask_keeps_what_is_asked_and_until_when(payment):
    request = ask(payment, usd(50), reason="  Half was missing. ")

    assert (request.amount, request.reason) == (usd(50), "Half was missing.")
    assert (request.state, request.asked_at) == (RefundRequestState.WAITING, NOON)
    assert request.until == NOON + DAYS_180
    assert reread(payment.book).credit == usd(0)
    history = BookHistory.objects.get(row_label="refundrequest")
    assert (history.transition, history.target) == ("create", "waiting")
    assert history.actor == owner_of(payment.book.client)


def test_ask_by_a_manager_for_all_of_it_is_possible(payment):
    request = ask(payment, usd(500), by=member_of(payment.book.client, Role.MANAGER))

    assert request.amount == usd(500)


@pytest.mark.parametrize("who", ["talent", "client member", "stranger"])
def test_ask_by_somebody_else_is_refused(payment, who):
    by = {
        "talent": lambda: owner_of(payment.book.talent),
        "client member": lambda: member_of(payment.book.client),
        "stranger": lambda: owner_of(AgencyFactory()),
    }[who]()

    with pytest.raises(NotYours):
        ask(payment, by=by)

    assert not RefundRequest.objects.exists()
    assert not Notice.objects.exists()


def test_ask_at_exactly_180_days_is_possible_and_can_be_granted_then(payment):
    last = NOON + DAYS_180
    request = ask(payment, at=last)

    assert sweep(last) == 0
    give(payment, usd(50), at=last)

    assert state_of(request) == RefundRequestState.GRANTED


def test_ask_one_second_after_180_days_is_refused(payment):
    with pytest.raises(Refused, match="more than 180 days old"):
        ask(payment, at=NOON + DAYS_180 + SECOND)

    assert not RefundRequest.objects.exists()


@pytest.mark.parametrize(
    ("amount", "reason", "field", "sentence"),
    [
        (usd("500.01"), "Why.", "amount", "At most $500.00 of this payment"),
        (usd(-5), "Why.", "amount", "above zero"),
        (usd(5), "  ", "reason", "Say why, so that"),
    ],
)
def test_ask_for_what_cannot_be_is_refused_beside_the_field(
    payment, amount, reason, field, sentence
):
    with pytest.raises(InvalidInput) as refused:
        ask(payment, amount, reason=reason)

    assert refused.value.field == field
    assert sentence in refused.value.sentence
    assert not RefundRequest.objects.exists()


def test_ask_for_more_than_is_left_is_refused(payment):
    give(payment, usd(470))

    with pytest.raises(InvalidInput, match=r"At most \$30.00 of this payment"):
        ask(payment, usd(31))

    assert not RefundRequest.objects.exists()


def test_ask_of_a_payment_refunded_in_full_is_refused(payment):
    give(payment, usd(500))

    with pytest.raises(Refused, match="refunded in full already"):
        ask(payment, usd(1))

    assert not RefundRequest.objects.exists()


def test_ask_while_one_waits_is_refused_in_a_sentence(payment):
    ask(payment, usd(50))

    with pytest.raises(Overtaken) as refused:
        ask(payment, usd(60), by=member_of(payment.book.client, Role.MANAGER))

    talent = payment.book.talent.name
    assert refused.value.sentence == (
        f"$50.00 of this payment was asked for already. That request still waits for {talent}."
    )
    assert RefundRequest.objects.count() == 1


def test_ask_a_fourth_time_is_refused(payment):
    for _ in range(3):
        decline(ask(payment))

    with pytest.raises(Refused, match="asked back 3 times"):
        ask(payment)

    assert RefundRequest.objects.count() == 3


def test_ask_for_disputed_hours_waits_for_the_dispute():
    dispute = disputed(week := in_review())

    with pytest.raises(Refused, match="hours of this payment are disputed"):
        ask(week.payment)
    assert not RefundRequest.objects.exists()
    hours_disputes.withdraw(dispute, by=owner_of(week.contract.client))

    assert ask(week.payment).is_waiting


def test_same_form_asks_once(payment):
    key = once.new_key()

    assert ask(payment, key=key) == ask(payment, key=key)
    with pytest.raises(KeyReused):
        ask(payment, usd(60), key=key)

    assert RefundRequest.objects.count() == 1


# Granted ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dollars", [20, 50, 80])
def test_any_refund_grants_what_waits(payment, dollars):
    request = ask(payment, usd(50))

    refund = give(payment, usd(dollars))

    request = RefundRequest.objects.get()
    assert (request.state, request.refund) == (RefundRequestState.GRANTED, refund)
    assert request.closed_at == NOON
    assert reread(payment.book).credit == usd(dollars)
    assert_audit_clean()


def test_refund_without_a_request_grants_nothing(payment):
    request = withdraw(ask(payment))

    give(payment, usd(50))

    assert state_of(request) == RefundRequestState.WITHDRAWN
    assert_audit_clean()


@pytest.mark.parametrize("closed", [decline, withdraw])
def test_refund_that_answers_a_closed_request_is_refused(payment, closed):
    request = ask(payment)
    closed(request)

    with pytest.raises(Overtaken, match="no longer possible: the refund request is"):
        give(payment, usd(50), answers=request)

    assert not Refund.objects.exists()
    assert reread(payment.book).credit == usd(0)


def test_refund_of_another_payment_leaves_the_request_waiting(payment):
    request = ask(payment)

    give(paid_payment(usd(100), talent=payment.book.talent), usd(50))

    assert state_of(request) == RefundRequestState.WAITING


def test_ask_again_after_a_part_is_possible(payment):
    ask(payment, usd(50))
    give(payment, usd(20))

    assert ask(payment, usd(30)).is_waiting


# Declined, taken back, over ---------------------------------------------------------------------


def test_decline_keeps_the_reason_and_moves_nothing(payment):
    request = decline(ask(payment), " All was delivered. ")

    assert state_of(request) == RefundRequestState.DECLINED
    assert (request.declined_because, request.closed_at) == ("All was delivered.", NOON)
    assert reread(payment.book).credit == usd(0)


def test_decline_by_the_client_is_refused(payment):
    request = ask(payment)

    with pytest.raises(NotYours):
        decline(request, by=owner_of(payment.book.client))

    assert state_of(request) == RefundRequestState.WAITING


def test_withdraw_by_the_talent_is_refused(payment):
    request = ask(payment)

    with pytest.raises(NotYours):
        withdraw(request, by=owner_of(payment.book.talent))

    assert state_of(request) == RefundRequestState.WAITING


@pytest.mark.parametrize("answer", [decline, withdraw])
def test_answer_to_a_closed_request_is_overtaken(payment, answer):
    request = withdraw(ask(payment))

    with pytest.raises(Overtaken, match="the refund request is taken back now"):
        answer(request)

    assert state_of(request) == RefundRequestState.WITHDRAWN


@pytest.mark.parametrize("answer", [decline, withdraw])
def test_answer_one_second_after_180_days_is_overtaken(payment, answer):
    request = ask(payment)

    with clock.at(NOON + DAYS_180 + SECOND), pytest.raises(Overtaken, match="this request is over"):
        answer(request)

    assert state_of(request) == RefundRequestState.WAITING


def test_request_is_over_one_second_after_180_days(payment):
    request = ask(payment)
    over = NOON + DAYS_180 + SECOND

    assert sweeping.registered()["payments.refund_requests"].next_due(NOON) == over
    assert sweep(NOON + DAYS_180) == 0
    assert sweep(over) == 1
    assert sweep(over) == 0

    request.refresh_from_db(fields=["closed_at"])
    assert (state_of(request), request.closed_at) == (
        RefundRequestState.EXPIRED,
        NOON + DAYS_180,
    )
    history = BookHistory.objects.get(row_label="refundrequest", transition="expire")
    assert history.actor.is_platform


def test_expire_of_one_that_was_answered_or_still_runs_does_nothing(payment):
    request = ask(payment)

    assert refund_requests.expire(request.pk) is False
    withdraw(request)
    with clock.at(NOON + DAYS_180 + SECOND):
        assert refund_requests.expire(request.pk) is False

    assert state_of(request) == RefundRequestState.WITHDRAWN


# Hours ------------------------------------------------------------------------------------------


def disputed(week, places=12):
    segments = [(one.pk, start) for one, start in hours_disputes.billed_segments(week)][:places]
    return hours_disputes.file(
        week, segments=segments, reason="No.", key="", by=owner_of(week.contract.client)
    )


def test_reversal_of_all_that_is_left_closes_the_request():
    week = in_review()
    request = ask(week.payment)
    hours_disputes.accept(disputed(week), by=owner_of(week.contract.talent))

    assert state_of(request) == RefundRequestState.EXPIRED
    assert not Refund.objects.filter(request__isnull=False).exists()
    told = Notice.objects.filter(kind="payments.refund_request_over").select_related("party")
    assert len(told) == 2
    for notice in told:
        assert "disputed hours were reversed" in " ".join(text_of(notice).paragraphs)
    assert_audit_clean()


def test_reversal_of_a_part_leaves_the_request_waiting():
    week = in_review()
    request = ask(week.payment)
    hours_disputes.accept(disputed(week, 3), by=owner_of(week.contract.talent))

    assert state_of(request) == RefundRequestState.WAITING
    assert_audit_clean()


def test_refund_while_the_hours_are_disputed_leaves_the_request_waiting():
    week = in_review()
    request = ask(week.payment)
    disputed(week, 3)

    with pytest.raises(Refused, match="hours of this payment are disputed"):
        give(Payment.objects.get(), usd(50), answers=request)

    assert state_of(request) == RefundRequestState.WAITING
    assert decline(request).state == RefundRequestState.DECLINED


# Notices ----------------------------------------------------------------------------------------


def over(payment) -> None:
    ask(payment)
    sweep(NOON + DAYS_180 + SECOND)


SCENES = {
    "refund_given": [
        lambda one: give(one, usd(5)),
        lambda one: (ask(one), give(one, usd(20))),
        lambda one: (ask(one), give(one, usd(500))),
    ],
    "refund_received": [
        lambda one: give(one, usd(5)),
        lambda one: (ask(one), give(one, usd(20))),
        lambda one: (ask(one), give(one, usd(500))),
    ],
    "refund_asked": [ask],
    "refund_declined": [
        lambda one: decline(ask(one)),
        lambda one: decline(ask(one), "All is there."),
    ],
    "refund_request_withdrawn": [lambda one: withdraw(ask(one))],
    "refund_request_over": [over],
}


def test_every_kind_of_notice_about_refunds_has_its_scene():
    declared = {code.partition(".")[2] for code in KINDS if code.startswith("payments.refund")}

    assert declared == set(SCENES)


@pytest.mark.parametrize(
    ("name", "number"), [(name, number) for name in SCENES for number in range(len(SCENES[name]))]
)
def test_notice_reads_well_to_everybody_who_is_told(payment, name, number):
    SCENES[name][number](payment)

    told = Notice.objects.filter(kind=f"payments.{name}").select_related("party")
    assert told.count() == (1 if name in ("refund_given", "refund_received") else 2)
    for notice in told:
        text = text_of(notice)
        words = " ".join([text.title, *text.paragraphs])
        assert text.title
        assert text.paragraphs
        for mistake in ("None", "{{", "{%", " ,", " .", "..", "()"):
            assert mistake not in words, words
        assert notice.email_due_at is not None
        assert notice.path.startswith("/payments/")


def test_both_sides_read_what_was_asked_in_words_of_their_own(payment):
    ask(payment)

    texts = {
        one.party_id: text_of(one)
        for one in Notice.objects.filter(kind="payments.refund_asked").select_related("party")
    }
    book = payment.book
    talent, client = texts[book.talent_id], texts[book.client_id]
    assert talent.title == f"{book.client.name} asks for $50.00 back: {book.title}"
    assert client.title == f"You asked {book.talent.name} for $50.00 back: {book.title}"
    assert "You need not answer" in talent.paragraphs[0]
    assert "Tuesday 18 May 2027, 12:00 (UTC)" in talent.paragraphs[0]
    assert talent.paragraphs[1] == client.paragraphs[1] == "The reason given: Half was missing."


def test_members_are_not_told_of_money(payment):
    members = [member_of(payment.book.talent), member_of(payment.book.client)]
    ask(payment)

    assert not Notice.objects.filter(recipient__in=[one.user for one in members]).exists()
