"""Mistakes about money that comes back, to be planted: random lives must find each of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connection, transaction

import payments.bonuses
from contracts import closing, dormancy, escrow_answers, owed, quiet
from contracts.plans import ReturnEscrow
from marketplace import clock, policy, workdays
from marketplace.actors import PLATFORM
from marketplace.money import Money
from payments import ledger, refund_requests, refunds, requests, rules
from payments.ledger import Leg
from payments.models import Correction, EscrowRefundRequest
from payments.states import EntryKind, OnSilence, RequestState

# Escrow refund requests --------------------------------------------------------------------------


def parts_swapped(monkeypatch: Any) -> None:
    """What was agreed goes to the wrong sides."""
    settle = requests.settle

    def swapped(request: Any, book: Any, *, transition: str, **given: Any) -> Any:
        if transition == "agree":
            given["to_talent"] = request.amount - given["to_talent"]
        return settle(request, book, transition=transition, **given)

    monkeypatch.setattr(requests, "settle", swapped)


def split_of_a_cent_more(monkeypatch: Any) -> None:
    """What is written down is not what was proposed."""
    propose = requests.propose

    def more(request: Any, book: Any, *, to_talent: Money, **given: Any) -> Any:
        cent = Money(1, to_talent.currency)
        to_talent = min(to_talent + cent, request.amount)
        return propose(request, book, to_talent=to_talent, **given)

    monkeypatch.setattr(requests, "propose", more)


def rest_dropped(monkeypatch: Any) -> None:
    """No forty-eight hours are left at least after a split came to nothing."""
    monkeypatch.setattr(policy, "SPLIT_REST", timedelta(0))


def saturdays_counted(monkeypatch: Any) -> None:
    monkeypatch.setattr(workdays, "_SATURDAY", 6)


def silence_pays_the_client(monkeypatch: Any) -> None:
    """A dispute that is not answered gives the money back."""
    resolve = EscrowRefundRequest._resolve

    def wrong(request: Any, to_talent_minor: int, at: Any) -> None:
        is_silence = request.state == RequestState.DISPUTED and at == request.answer_by
        resolve(request, 0 if is_silence else to_talent_minor, at)

    monkeypatch.setattr(EscrowRefundRequest, "_resolve", wrong)


def dispute_leaves_the_clock(monkeypatch: Any) -> None:
    """The talent's seven days run on after its dispute, and then the money goes back."""
    dispute = requests.dispute

    def runs_on(request: Any, *args: Any, **given: Any) -> None:
        before = request.answer_by
        dispute(request, *args, **given)
        if before is not None:
            request.answer_by, request.on_silence = before, OnSilence.LAPSE
            request.save()

    monkeypatch.setattr(requests, "dispute", runs_on)


def escalation_forgotten(monkeypatch: Any) -> None:
    """Silence gives the money back although work was submitted."""
    file = requests.file

    def lapses(book: Any, **given: Any) -> Any:
        return file(book, **given | {"on_silence": OnSilence.LAPSE})

    monkeypatch.setattr(requests, "file", lapses)


def unanswered_left_lying(monkeypatch: Any) -> None:
    monkeypatch.setattr(escrow_answers, "pass_unanswered", lambda contract, now: None)


def one_side_is_enough(monkeypatch: Any) -> None:
    """A split of support holds as soon as one side agrees."""

    def agree(split: Any, book: Any, *, side: Any, by: Any) -> bool:
        setattr(split, f"{side.other.value}_agreed_at", split.proposed_at)
        return agreed(split, book, side=side, by=by)

    agreed = requests.agree
    monkeypatch.setattr(requests, "agree", agree)


# Refunds and bonuses -----------------------------------------------------------------------------


def fee_returned_by_itself(monkeypatch: Any) -> None:
    """Each refund rounds its own part of the fee, whatever went back before."""
    monkeypatch.setattr(
        refunds, "fee_part", lambda payment, amount: payment.fee.proportion(amount, payment.gross)
    )


def request_left_waiting(monkeypatch: Any) -> None:
    """A refund does not answer what was asked for."""
    monkeypatch.setattr(refund_requests, "grant", lambda payment, refund, **given: None)


def bonus_from_escrow(monkeypatch: Any) -> None:
    pay = payments.bonuses.pay

    def from_escrow(book: Any, gross: Any, **given: Any) -> Any:
        credit = book.credit_account_id
        book.credit_account_id = book.escrow_account_id
        try:
            return pay(book, gross, **given)
        finally:
            book.credit_account_id = credit

    monkeypatch.setattr(payments.bonuses, "pay", from_escrow)


def bonus_paid_twice(monkeypatch: Any) -> None:
    pay = payments.bonuses.pay

    def twice(book: Any, gross: Any, *, key: str, **given: Any) -> Any:
        pay(book, gross, key=f"{key}:again", **given)
        return pay(book, gross, key=key, **given)

    monkeypatch.setattr(payments.bonuses, "pay", twice)


# What sleeps -------------------------------------------------------------------------------------


def silence_keeps_escrow(monkeypatch: Any) -> None:
    """A dormant contract ends, and what it holds stays where it is."""
    registry = closing._do.registry

    def do(effect: Any, ending: Any) -> None:
        if not isinstance(effect, ReturnEscrow) or not ending.by.is_platform:
            registry[type(effect)](effect, ending)

    monkeypatch.setattr(closing, "_do", do)


def sleeps_on(monkeypatch: Any) -> None:
    """What somebody does wakes nothing."""
    monkeypatch.setattr(quiet, "wake", lambda contract, **given: None)


def sleep_left_lying(monkeypatch: Any) -> None:
    monkeypatch.setattr(dormancy, "pass_unanswered", lambda contract, now: None)


def asleep_too_soon(monkeypatch: Any) -> None:
    """A week too early."""
    week = timedelta(days=7)
    monkeypatch.setattr(quiet, "STEPS", (*quiet.STEPS[:-1], quiet.STEPS[-1] - week))


# The desk ----------------------------------------------------------------------------------------


def written_off_and_paid(monkeypatch: Any) -> None:
    """The talent is paid for a week that support gave up on."""
    write_off = owed.write_off

    def paid_too(week: Any, **given: Any) -> Any:
        done = write_off(week, **given)
        with transaction.atomic():
            book = ledger.lock(done.contract.book_id)
            a_cent = Money(1, book.currency)
            ledger.post(
                kind=EntryKind.HOURS,
                book=book,
                legs=[Leg(book.fees_account_id, book.pending_account_id, a_cent)],
                key=f"week:{done.pk}:all the same",
                at=clock.now(),
                by=PLATFORM,
            )
        return done

    monkeypatch.setattr(owed, "write_off", paid_too)


def hold_stays_after_write_off(monkeypatch: Any) -> None:
    monkeypatch.setattr(owed.billing, "lift_hold", lambda contract, **given: None)


def one_person_corrects(monkeypatch: Any) -> None:
    """Who proposed a correction approves it, and the database does not object."""
    monkeypatch.setattr(rules, "second_person", rules.staff_only)
    for found in Correction.approve._django_fsm.transitions.values():
        monkeypatch.setattr(found.permission, "rule", rules.staff_only)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints = ON")


RETURNS = [
    parts_swapped,
    split_of_a_cent_more,
    rest_dropped,
    saturdays_counted,
    silence_pays_the_client,
    dispute_leaves_the_clock,
    escalation_forgotten,
    unanswered_left_lying,
    one_side_is_enough,
]
FIXED = [fee_returned_by_itself, request_left_waiting, bonus_from_escrow, bonus_paid_twice]
QUIET = [silence_keeps_escrow, sleeps_on, sleep_left_lying, asleep_too_soon]
DESK = [written_off_and_paid, hold_stays_after_write_off, one_person_corrects]
