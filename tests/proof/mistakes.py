"""Mistakes about money that comes back, to be planted: random lives must find each of them."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from django.db import connection, transaction
from django.db.models import F

import payments.bonuses
from contracts import closing, dormancy, escrow_answers, owed, quiet
from contracts.plans import ReturnEscrow
from marketplace import clock, policy, workdays
from marketplace.actors import PLATFORM
from marketplace.money import Money
from payments import (
    chargebacks,
    credits,
    ledger,
    maturing,
    operations,
    outgoing,
    payouts,
    refund_requests,
    refunds,
    requests,
    rules,
)
from payments.ledger import Leg
from payments.models import (
    Account,
    Correction,
    Entry,
    EscrowRefundRequest,
    GatewayOperation,
)
from payments.states import (
    NOT_ARRIVED,
    EntryKind,
    OnSilence,
    OperationKind,
    OperationState,
    RequestState,
)
from tests.proof.world import World

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


# Money from and to the outside world -------------------------------------------------------------


def comes_back_twice(monkeypatch: Any) -> None:
    """A withdrawal that failed is available again, and once more."""
    post_back = outgoing._post_back

    def twice(operation: Any, *args: Any) -> Any:
        again = copy(operation)
        again.key += ":again"
        post_back(again, *args)
        return post_back(operation, *args)

    monkeypatch.setattr(outgoing, "_post_back", twice)


def never_comes_back(monkeypatch: Any) -> None:
    monkeypatch.setattr(outgoing, "_post_back", lambda operation, *args: operation.entry)


def spendable_until_it_arrives(monkeypatch: Any) -> None:
    """What is on its way out is posted out only when the gateway has answered."""
    begin, settle = outgoing.begin, outgoing.settle

    def posted(operation: Any, kept: Any, *, out: bool) -> None:
        account = operation.account or operation.book.credit_account
        outside = _outside(operation.currency)
        legs = [Leg(account.pk, outside, operation.amount)]
        if not out:
            legs = [Leg(outside, account.pk, operation.amount)]
        kind = EntryKind(operation.kind) if out else EntryKind.PAYOUT_FAILED
        key = f"spendable:{operation.key}:{out}"
        posting = ledger.Posting(kind, operation.book, legs, key, talent=account.party)
        ledger.post_all([posting], kept, at=clock.now(), by=PLATFORM)

    def begin_without(chosen: Any, kept: Any, *, by: Any) -> Any:
        begun = begin(chosen, kept, by=by)
        for operation in begun:
            posted(operation, kept, out=False)
        return begun

    def settle_with(operation_id: int, outcome: Any) -> None:
        with transaction.atomic():
            operation = operations.lock(operation_id)
            if operation.is_open:
                posted(operation, outgoing._lock(operation), out=True)
        settle(operation_id, outcome)

    monkeypatch.setattr(outgoing, "begin", begin_without)
    for purpose in outgoing.PURPOSES.values():
        monkeypatch.setitem(operations._purposes, purpose, settle_with)


def _outside(currency: str) -> int:
    return Account.objects.get(kind="outside", currency=currency).pk


def more_than_its_charge(monkeypatch: Any) -> None:
    """Credit goes back to a charge whatever went back to it before."""

    def unspent(account: Any) -> Any:
        succeeded = credits._charges(account).filter(state=OperationState.SUCCEEDED)
        whole = succeeded.annotate(left_minor=F("amount_minor"), disputed=credits._disputed())
        return whole.order_by("-settled_at", "-pk")

    monkeypatch.setattr(credits, "_unspent", unspent)


def disputed_charges_take_it(monkeypatch: Any) -> None:
    """The bank has given the money back already, and we send it once more."""

    def all_of_them(account: Any, now: Any) -> Any:
        since = now - policy.CREDIT_BACK_WINDOW
        return credits._unspent(account).filter(settled_at__gte=since)

    monkeypatch.setattr(credits, "_fitting", all_of_them)


def sent_while_a_charge_is_open(monkeypatch: Any) -> None:
    """Credit goes back at once although a charge may count on it."""
    monkeypatch.setattr(credits, "open_charges", lambda account: GatewayOperation.objects.none())


def chargeback_posted_twice(monkeypatch: Any) -> None:
    take = chargebacks._open

    def twice(charge: Any, book: Any, dispute: Any, now: Any) -> Any:
        taken = take(charge, book, dispute, now)
        ledger.post(
            kind=EntryKind.CHARGEBACK,
            book=book,
            legs=[Leg(book.fees_account_id, book.outside_account_id, dispute.amount)],
            key=f"chargeback:{taken.pk}:again",
            at=now,
            by=PLATFORM,
        )
        return taken

    monkeypatch.setattr(chargebacks, "_open", twice)


def won_and_kept_by_the_bank(monkeypatch: Any) -> None:
    """The bank decided for the platform, and nobody posts what it gave back."""
    monkeypatch.setattr(chargebacks, "_give_back", lambda chargeback, now: chargeback.entry)


def withdrawn_before_it_matures(monkeypatch: Any) -> None:
    """What is due stays pending, and cannot be withdrawn."""
    without = SimpleNamespace(due_of=maturing.due_of, mature_pending=lambda *args: None)
    monkeypatch.setattr(payouts, "maturing", without)


def withdrawn_without_a_lock(monkeypatch: Any) -> None:
    """The balance is what it was when it was looked at the last time."""
    seen: dict[int, Account] = {}
    lock_accounts, make = ledger.lock_accounts, World.make

    def stale(account_ids: Iterable[int]) -> dict[int, Account]:
        locked = lock_accounts(account_ids)
        return {pk: copy(seen.setdefault(pk, copy(one))) for pk, one in locked.items()}

    def afresh() -> World:
        seen.clear()
        return make()

    without = SimpleNamespace(**vars(ledger) | {"lock_accounts": stale})
    monkeypatch.setattr(payouts, "ledger", without)
    monkeypatch.setattr(World, "make", staticmethod(afresh))


def report_posts_again(monkeypatch: Any) -> None:
    """What is told of a charge a second time brings the money a second time."""
    settle = operations.settle

    def again(operation_id: int, outcome: Any) -> Any:
        before = operations._read(operation_id)
        settled = settle(operation_id, outcome)
        if before.state == OperationState.SUCCEEDED and before.kind == OperationKind.CHARGE:
            with transaction.atomic():
                book = ledger.lock(before.book_id)
                leg = Leg(book.outside_account_id, book.credit_account_id, before.amount)
                key = f"charge:{before.key}:{Entry.objects.count()}"
                ledger.post(
                    kind=EntryKind.CHARGE,
                    book=book,
                    legs=[leg],
                    key=key,
                    at=clock.now(),
                    by=PLATFORM,
                )
        return settled

    monkeypatch.setattr(operations, "settle", again)


def failure_posts_again(monkeypatch: Any) -> None:
    """What did not arrive comes back each time the gateway is asked."""
    settle = operations.settle

    def again(operation_id: int, outcome: Any) -> Any:
        before = operations._read(operation_id)
        settled = settle(operation_id, outcome)
        if before.state in NOT_ARRIVED and before.is_outgoing:
            with transaction.atomic():
                operation = operations.lock(operation_id)
                kept = outgoing._lock(operation)
                operation.key += f":{Entry.objects.count()}"
                outgoing._post_back(operation, kept, "Again.", clock.now())
        return settled

    monkeypatch.setattr(operations, "settle", again)


def looked_at_no_more(monkeypatch: Any) -> None:
    """What the gateway sent back after it had said yes is never noticed."""
    settle = outgoing.settle

    def only_open(operation_id: int, outcome: Any) -> None:
        if operations._read(operation_id).is_open:
            settle(operation_id, outcome)

    for purpose in outgoing.PURPOSES.values():
        monkeypatch.setitem(operations._purposes, purpose, only_open)


OUTSIDE = [
    comes_back_twice,
    never_comes_back,
    spendable_until_it_arrives,
    more_than_its_charge,
    disputed_charges_take_it,
    sent_while_a_charge_is_open,
    chargeback_posted_twice,
    won_and_kept_by_the_bank,
    withdrawn_before_it_matures,
    withdrawn_without_a_lock,
    report_posts_again,
    failure_posts_again,
    looked_at_no_more,
]
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
