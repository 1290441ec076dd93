"""Money that leaves: posted out when it is begun, watched afterwards, back at most once."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.db import transaction

from marketplace import clock, policy, sweeping
from marketplace.models import Notice
from marketplace.money import Money
from marketplace.notices import text_of
from payments import credits, gateways, ledger, operations, outgoing
from payments.gateways import sandbox
from payments.gateways.base import SUCCEEDED, UNKNOWN, InsideTransaction, declined
from payments.ledger import NotEnough
from payments.models import Account, AccountHistory, Entry, GatewayOperation, SandboxCall
from payments.outgoing import Outgoing
from payments.states import AccountKind, EntryKind, OperationKind, OperationState
from tests.factories import NOON, PartyFactory, open_book, owner_of, paid_payment, usd
from tests.payments.crediting import PURPOSE, charged, credit_of, keep_as_credit
from tests.support.asserting import assert_audit_clean

pytestmark = pytest.mark.django_db

DUE = NOON + timedelta(days=5)
NO = declined("The bank refused it.")
BACK = declined("The bank sent the money back.")


@pytest.fixture(autouse=True)
def _due(monkeypatch):
    monkeypatch.setitem(operations._purposes, PURPOSE, keep_as_credit)
    with clock.at(DUE):
        yield
        assert_audit_clean()


@pytest.fixture
def account():
    """A talent's $450, available."""
    with clock.at(NOON):
        payment = paid_payment(usd(500))
    sweeping.run(only="payments.mature")
    return Account.objects.get(party=payment.book.talent, kind=AccountKind.AVAILABLE)


@transaction.atomic
def begin(account: Account, amount: Money, method=sandbox.RECEIVES, key="k") -> GatewayOperation:
    kept = ledger.lock_accounts([account.pk])
    leaving = Outgoing(kept[account.pk], amount, method=method, label="My bank", key=key)
    return outgoing.begin([leaving], kept, by=owner_of(kept[account.pk].party))[0]


def sent(account: Account, amount: Money, method=sandbox.RECEIVES) -> GatewayOperation:
    return operations.carry_out(begin(account, amount, method).pk)


def credit_sent(amount: Money, method=sandbox.ACCEPTS) -> tuple[Account, GatewayOperation]:
    """A client's credit, of one charge, of which part was sent back."""
    client = PartyFactory()
    charged(open_book(client=client), usd(100), method)
    account = credit_of(client)
    (operation,) = credits.send_back(account, amount=amount, key="", by=owner_of(client))
    return account, operation


def now_of(operation: GatewayOperation) -> GatewayOperation:
    return GatewayOperation.objects.get(pk=operation.pk)


def balance(account: Account) -> Money:
    return Account.objects.get(pk=account.pk).balance


def posted(operation: GatewayOperation) -> list[str]:
    """The kinds of entries that an operation has posted, oldest first."""
    ids = [operation.entry_id, now_of(operation).back_entry_id]
    return list(Entry.objects.filter(pk__in=ids).order_by("pk").values_list("kind", flat=True))


def sweep(moment, name="payments.charges") -> int:
    (outcome,) = sweeping.run(as_of=moment, only=name)
    assert not outcome.failed
    return outcome.done


OUT, OUT_AND_BACK = ["payout"], ["payout", "payout_failed"]


# Beginning ---------------------------------------------------------------------------------------


def test_begun_money_has_left_the_balance_before_the_gateway_knows(account):
    operation = begin(account, usd(200))

    assert (operation.state, operation.due_at) == (
        OperationState.STARTED,
        DUE + timedelta(minutes=1),
    )
    assert balance(account) == usd(250)
    assert posted(operation) == OUT
    assert (operation.entry.memo, operation.method_label) == ("My bank", "My bank")
    assert not SandboxCall.objects.filter(key="k").exists()


def test_more_than_the_account_holds_cannot_be_begun(account):
    with pytest.raises(NotEnough):
        begin(account, usd("450.01"))

    assert balance(account) == usd(450)
    assert not GatewayOperation.objects.filter(key="k").exists()


def test_what_was_not_committed_was_not_begun(account):
    @transaction.atomic
    def begin_and_die() -> None:
        begin(account, usd(200))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        begin_and_die()

    assert balance(account) == usd(450)
    assert sweep(DUE + timedelta(days=2)) == 0


def test_gateway_is_never_called_in_a_transaction(account):
    operation = begin(account, usd(200))

    for call in (operations.carry_out, operations.ask_again, operations.hear, outgoing.look):
        with pytest.raises(InsideTransaction), transaction.atomic():
            call(operation.pk)

    assert now_of(operation).state == OperationState.STARTED


# The gateway takes it ----------------------------------------------------------------------------


def test_money_that_the_gateway_took_is_gone_and_watched(account):
    operation = sent(account, usd(200))

    assert (operation.state, operation.settled_at, operation.due_at, operation.watch_at) == (
        OperationState.SUCCEEDED,
        DUE,
        None,
        DUE + timedelta(days=1),
    )
    assert operation.arrives_on == (DUE + sandbox.ARRIVES_AFTER).date()
    assert balance(account) == usd(250)
    assert posted(operation) == OUT
    history = AccountHistory.objects.filter(account=account).order_by("sequence")
    assert [row.transition for row in history] == ["create", "succeed"]


def test_money_is_watched_at_growing_steps_and_then_no_more(account):
    operation = sent(account, usd(200))

    seen = []
    while (moment := now_of(operation).watch_at) is not None:
        seen.append(moment - DUE)
        assert sweep(moment - timedelta(microseconds=1), "payments.outgoing_watched") == 0
        assert sweep(moment, "payments.outgoing_watched") == 1

    assert tuple(seen) == policy.OUTGOING_WATCHED
    assert now_of(operation).arrives_on == (DUE + sandbox.ARRIVES_AFTER).date()
    assert posted(operation) == OUT


def test_gateway_that_does_not_answer_while_watched_is_asked_later(account):
    operation = sent(account, usd(200))
    SandboxCall.objects.filter(key="k").delete()
    moment = DUE + timedelta(days=1)

    assert sweep(moment, "payments.outgoing_watched") == 1

    assert now_of(operation).watch_at == moment + policy.OPERATION_RETRY[-1]
    assert now_of(operation).state == OperationState.SUCCEEDED


def test_late_answer_is_learnt_when_asked_again(account):
    operation = sent(account, usd(200), sandbox.RECEIVES_LATE)
    assert operation.state == OperationState.UNKNOWN
    assert balance(account) == usd(250)

    assert sweep(DUE + timedelta(minutes=1)) == 1

    assert now_of(operation).state == OperationState.SUCCEEDED
    assert posted(operation) == OUT


@pytest.mark.parametrize("called", [False, True])
def test_process_that_died_on_the_way_sends_once(account, called):
    before, operation = sandbox.came_in("USD"), begin(account, usd(200))
    if called:
        gateways.gateway().call(operations.call_of(operation))

    assert sweep(DUE + timedelta(minutes=1)) == 1
    operations.carry_out(operation.pk)

    assert now_of(operation).state == OperationState.SUCCEEDED
    assert SandboxCall.objects.filter(key="k").count() == 1
    assert sandbox.came_in("USD") == before - usd(200)
    assert posted(operation) == OUT


# It does not arrive ------------------------------------------------------------------------------


def test_declined_money_is_back_at_once(account):
    operation = sent(account, usd(200), sandbox.REFUSES)

    assert (operation.state, operation.declined_because, operation.watch_at) == (
        OperationState.DECLINED,
        sandbox.PAYOUT_REFUSED,
        None,
    )
    assert balance(account) == usd(450)
    assert posted(operation) == OUT_AND_BACK
    assert (operation.back_entry.talent, operation.back_entry.memo) == (
        account.party,
        sandbox.PAYOUT_REFUSED,
    )


def test_money_without_an_answer_is_called_off_after_a_day_and_back(account):
    operation = sent(account, usd(200), sandbox.NEVER_RECEIVES)

    while (now := now_of(operation)).is_open:
        assert balance(account) == usd(250)
        assert sweep(now.due_at) == 1

    assert now.settled_at == DUE + policy.OPERATION_GIVES_UP
    assert (now.state, now.declined_because) == (
        OperationState.DECLINED,
        sandbox.PAYOUT_CALLED_OFF,
    )
    assert balance(account) == usd(450)


def test_money_that_comes_back_days_later_is_back_once(account):
    operation = sent(account, usd(200), sandbox.SENDS_BACK)
    moment = DUE + sandbox.COMES_BACK_AFTER

    assert sweep(moment, "payments.sandbox_reports") == 1
    with clock.at(moment):
        operations.hear(operation.pk)
        operations.hear_of("k")
        outgoing.look(operation.pk)

    now = now_of(operation)
    assert (now.state, now.declined_because) == (OperationState.RETURNED, sandbox.SENT_BACK)
    assert (now.settled_at, now.watch_at, now.back_entry.at) == (DUE, None, moment)
    assert balance(account) == usd(450)
    assert posted(operation) == OUT_AND_BACK
    assert Notice.objects.filter(kind="payments.money_came_back").count() == 1


def test_return_that_nobody_told_of_is_found_by_watching(account):
    operation = sent(account, usd(200), sandbox.SENDS_BACK)
    call = SandboxCall.objects.get(key="k")
    with clock.at(DUE + sandbox.COMES_BACK_AFTER):
        sandbox.report(call.pk)
    sandbox.was_heard(call.pk)

    assert sweep(DUE + timedelta(days=1), "payments.outgoing_watched") == 1
    assert now_of(operation).state == OperationState.RETURNED
    assert balance(account) == usd(450)


def test_money_that_came_back_is_never_sent_again_by_itself(account):
    operation = sent(account, usd(200), sandbox.REFUSES)

    for _ in range(3):
        operations.carry_out(operation.pk)
        operations.ask_again(operation.pk)
        operations.hear(operation.pk)
    sweeping.run(as_of=DUE + timedelta(days=30))

    assert posted(operation) == OUT_AND_BACK
    assert SandboxCall.objects.filter(key="k").count() == 1
    assert GatewayOperation.objects.filter(kind=OperationKind.PAYOUT).count() == 1


def test_money_that_came_back_is_done_again_under_a_new_key(account):
    sent(account, usd(200), sandbox.REFUSES)

    again = operations.carry_out(begin(account, usd(450), key="l").pk)

    assert again.state == OperationState.SUCCEEDED
    assert balance(account) == usd(0)


# Answers in any order ----------------------------------------------------------------------------

ORDERS = {
    "yes, yes": ([SUCCEEDED, SUCCEEDED], OperationState.SUCCEEDED),
    "no, no": ([NO, NO], OperationState.DECLINED),
    "nothing, yes": ([UNKNOWN, UNKNOWN, SUCCEEDED], OperationState.SUCCEEDED),
    "nothing, no": ([UNKNOWN, NO, UNKNOWN], OperationState.DECLINED),
    "yes, back": ([SUCCEEDED, BACK], OperationState.RETURNED),
    "yes, back twice": ([SUCCEEDED, UNKNOWN, BACK, BACK], OperationState.RETURNED),
    "back before yes": ([BACK, SUCCEEDED], OperationState.DECLINED),
    "yes after back": ([SUCCEEDED, BACK, SUCCEEDED, BACK], OperationState.RETURNED),
}


@pytest.mark.parametrize("order", ORDERS)
def test_answers_in_any_order_move_the_money_once(account, order):
    answers, state = ORDERS[order]
    operation = begin(account, usd(200))

    for answer in answers:
        operations.settle(operation.pk, answer)

    assert now_of(operation).state == state
    arrived = state == OperationState.SUCCEEDED
    assert posted(operation) == (OUT if arrived else OUT_AND_BACK)
    assert balance(account) == (usd(250) if arrived else usd(450))


@pytest.mark.parametrize("order", ORDERS)
def test_answers_in_any_order_move_credit_once(order):
    answers, state = ORDERS[order]
    client = PartyFactory()
    charged(open_book(client=client), usd(100))
    account = credit_of(client)
    (pk,) = credits._begin(account, amount=usd(60), key="k", by=owner_of(client))

    for answer in answers:
        operations.settle(pk, answer)

    operation = GatewayOperation.objects.get(pk=pk)
    assert operation.state == state
    arrived = state == OperationState.SUCCEEDED
    assert posted(operation) == ["credit_back", *([] if arrived else ["payout_failed"])]
    assert balance(account) == (usd(40) if arrived else usd(100))


def test_answer_that_contradicts_what_came_back_is_looked_at_by_somebody(account, caplog):
    operation = sent(account, usd(200), sandbox.REFUSES)

    with caplog.at_level(logging.ERROR):
        operations.settle(operation.pk, SUCCEEDED)

    assert f"operation {operation.pk} was settled and is now contradicted" in caplog.text
    assert balance(account) == usd(450)


# Credit ------------------------------------------------------------------------------------------


def test_credit_is_watched_like_a_withdrawal():
    account, operation = credit_sent(usd(60))

    assert (operation.state, operation.watch_at) == (
        OperationState.SUCCEEDED,
        DUE + timedelta(days=1),
    )
    assert (operation.entry.kind, operation.entry.client) == (
        EntryKind.CREDIT_BACK,
        account.party,
    )
    assert balance(account) == usd(40)


def test_credit_that_comes_back_is_credit_of_the_same_contract():
    account, operation = credit_sent(usd(60))

    operations.settle(operation.pk, BACK)

    back = now_of(operation).back_entry
    assert (back.book, back.client, back.talent) == (operation.book, account.party, None)
    assert balance(account) == usd(100)


# What people read --------------------------------------------------------------------------------


def told(kind: str) -> tuple[str, str, str]:
    """The title, the text in one line, and the path of the one notice of a kind."""
    notice = Notice.objects.get(kind=f"payments.{kind}")
    text = text_of(notice)
    return text.title, " ".join(text.paragraphs), notice.path


def test_who_manages_the_money_reads_what_is_on_its_way(account):
    operation = sent(account, usd(200))

    title, text, path = told("money_sent")
    assert title == "$200.00 is on its way to your bank"
    person = operation.actor.user.name
    assert text == (
        f"{person} withdrew $200.00 to My bank. It has left your balance. Expect it by"
        " 26 November 2026. Should it not arrive, it comes back to your balance and you are told."
    )
    assert path == "/payments/withdraw/?currency=USD"


def test_who_manages_the_money_reads_what_came_back(account):
    sent(account, usd(200), sandbox.REFUSES)

    title, text, path = told("money_came_back")
    assert title == "$200.00 came back to your balance"
    assert text == (
        "The withdrawal of $200.00 to My bank did not arrive. The bank refused it. The money is"
        " available again. Nothing is sent a second time by itself: look whether the bank account"
        " is right, then withdraw it once more."
    )
    assert path == "/payments/withdraw/?currency=USD"


def test_client_reads_what_came_back():
    _, operation = credit_sent(usd(60))
    operations.settle(operation.pk, BACK)

    title, text, _ = told("money_came_back")
    assert title == "$60.00 came back to your credit"
    assert text.startswith("$60.00 of your credit could not be sent back to Sandbox card that pays")
    assert "The money is in your credit again" in text
