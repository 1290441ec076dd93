"""The escrow refund request after a client's end: answered, held, decided, or passed in silence."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts import escrow_answers, messages
from contracts.closing import Choice
from contracts.models import Contract
from contracts.states import Side
from marketplace import clock, sweeping
from marketplace.actors import Actor
from marketplace.models import Notice
from marketplace.refusals import InvalidInput, NotYours, Overtaken
from marketplace.states import Role
from payments.models import Payment
from payments.states import RequestState
from tests.factories import (
    NOON,
    StaffFactory,
    active,
    ended,
    funded,
    leftover,
    member_of,
    money_of,
    owner_of,
    submitted,
    usd,
)
from tests.support.asserting import assert_audit_clean, refused

pytestmark = pytest.mark.django_db

WEEK = timedelta(days=7)
TICK = timedelta(microseconds=1)


def asked(milestone=None) -> Contract:
    """The client ended with $400 in escrow; nothing was submitted."""
    return ended((milestone or funded(usd(400))).contract)


def asked_after_work() -> Contract:
    return asked(submitted(usd(400)))


def declined() -> Contract:
    contract = asked()
    escrow_answers.decline(contract, because="I delivered.", by=owner_of(contract.talent))
    return contract


def escalated() -> Contract:
    contract = asked_after_work()
    sweeping.run(as_of=NOON + WEEK)
    return contract


def support() -> Actor:
    return Actor.support(StaffFactory())


def told(contract: Contract, name: str) -> set[int]:
    return {one.party_id for one in Notice.objects.filter(kind=f"contracts.{name}")}


# Answers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [asked, asked_after_work, declined, escalated])
def test_letting_go_returns_the_escrow_at_once(make):
    contract = make()

    request = escrow_answers.let_go(contract, by=owner_of(contract.talent))

    assert (request.state, request.to_talent) == (RequestState.ACCEPTED, usd(0))
    assert money_of(contract) == ("$0.00", "$400.00", "$0.00", "$0.00")
    assert told(contract, "escrow_refund_settled") == {contract.client_id, contract.talent_id}
    assert_audit_clean()


@pytest.mark.parametrize(
    ("make", "state"),
    [
        (asked, RequestState.WITHDRAWN),
        (escalated, RequestState.WITHDRAWN),
        (declined, RequestState.CONCEDED),
    ],
)
def test_paying_instead_gives_the_whole_to_the_talent(make, state):
    contract = make()

    request = escrow_answers.pay_instead(contract, by=owner_of(contract.client))

    assert (request.state, request.to_talent) == (state, usd(400))
    payment = Payment.objects.get()
    assert (payment.gross, payment.fee, payment.net) == (usd(400), usd(40), usd(360))
    assert money_of(contract) == ("$0.00", "$0.00", "$360.00", "$0.00")
    assert_audit_clean()


def test_declining_holds_the_money_for_support():
    contract = asked()

    request = escrow_answers.decline(
        contract, because="  I delivered.  ", by=owner_of(contract.talent)
    )

    assert (request.state, request.declined_because) == (RequestState.DISPUTED, "I delivered.")
    assert request.reminder_due_at is None
    sweeping.run(as_of=NOON + timedelta(days=365))
    assert money_of(contract)[:2] == ("$400.00", "$0.00")
    assert_audit_clean()


@pytest.mark.parametrize("words", ["", " \n"])
def test_declining_without_a_reason_is_refused_at_the_field(words):
    contract = asked()

    with refused(contract, InvalidInput, "Say why.") as refusal:
        escrow_answers.decline(contract, because=words, by=owner_of(contract.talent))

    assert refusal.value.field == "because"


@pytest.mark.parametrize("make", [declined, escalated])
@pytest.mark.parametrize(
    ("to_talent", "money"),
    [
        (usd(0), ("$0.00", "$400.00", "$0.00", "$0.00")),
        (usd("0.01"), ("$0.00", "$399.99", "$0.01", "$0.00")),
        (usd("133.35"), ("$0.00", "$266.65", "$120.01", "$0.00")),
        (usd(400), ("$0.00", "$0.00", "$360.00", "$0.00")),
    ],
)
def test_support_splits_a_held_request_with_a_reason_both_read(make, to_talent, money):
    contract = make()
    by = support()

    request = escrow_answers.decide(
        contract, to_talent=to_talent, because="Half of it was done.", by=by
    )

    assert (request.state, request.to_talent) == (RequestState.DECIDED, to_talent)
    assert request.decided_because == "Half of it was done."
    assert money_of(contract) == money
    assert contract.book.history.latest("sequence").actor == by
    assert {
        one.facts["because"]
        for one in Notice.objects.filter(kind="contracts.escrow_refund_settled")
    } == {"Half of it was done."}
    assert_audit_clean()


@pytest.mark.parametrize("to_talent", [usd("400.01"), -usd("0.01")])
def test_split_that_does_not_add_up_is_refused(to_talent):
    contract = declined()

    with refused(contract, InvalidInput, "from nothing to $400.00") as refusal:
        escrow_answers.decide(contract, to_talent=to_talent, because="So.", by=support())

    assert refusal.value.field == "to_talent"


def test_split_without_a_reason_is_refused():
    contract = declined()

    with refused(contract, InvalidInput, "Give the reason"):
        escrow_answers.decide(contract, to_talent=usd(1), because=" ", by=support())


def test_request_that_waits_for_an_answer_is_not_supports_to_decide():
    contract = asked()

    with refused(contract, Overtaken, "waiting for an answer"):
        escrow_answers.decide(contract, to_talent=usd(1), because="So.", by=support())


# Silence -----------------------------------------------------------------------------------------


def test_silence_for_a_week_returns_the_escrow():
    contract = asked()

    sweeping.run(as_of=NOON + WEEK - TICK)
    assert money_of(contract)[0] == "$400.00"
    sweeping.run(as_of=NOON + WEEK + timedelta(days=2))

    request = contract.book.escrow_refund_request
    request = type(request).objects.get(pk=request.pk)
    assert (request.state, request.resolved_at) == (RequestState.LAPSED, NOON + WEEK)
    assert money_of(contract) == ("$0.00", "$400.00", "$0.00", "$0.00")
    assert_audit_clean()


def test_silence_after_submitted_work_leaves_it_to_support():
    contract = escalated()

    assert read(contract).state == RequestState.ESCALATED
    assert money_of(contract)[0] == "$400.00"
    assert told(contract, "escrow_refund_escalated") == {contract.client_id, contract.talent_id}
    assert_audit_clean()


def test_answer_just_in_time_counts():
    contract = asked()

    with clock.at(NOON + WEEK - TICK):
        escrow_answers.decline(contract, because="No.", by=owner_of(contract.talent))

    assert read(contract).state == RequestState.DISPUTED


@pytest.mark.parametrize(
    "answer",
    [
        lambda one: escrow_answers.decline(one, because="No.", by=owner_of(one.talent)),
        lambda one: escrow_answers.pay_instead(one, by=owner_of(one.client)),
        lambda one: escrow_answers.let_go(one, by=owner_of(one.talent)),
    ],
    ids=["decline", "pay instead", "let go"],
)
def test_answer_on_the_instant_of_the_lapse_comes_too_late(answer):
    contract = asked()

    with clock.at(NOON + WEEK), refused(contract, Overtaken, "settled already"):
        answer(contract)


def test_lapse_is_carried_out_by_whatever_comes_first():
    contract = asked()

    with clock.at(NOON + WEEK):
        messages.write(contract, text="Hello?", key="", by=owner_of(contract.client))

    assert read(contract).state == RequestState.LAPSED
    assert_audit_clean()


def test_talent_is_reminded_on_days_3_5_and_6():
    contract = asked()
    days = []

    for hours in range(0, 7 * 24, 6):
        sweeping.run(as_of=NOON + timedelta(hours=hours))
        if Notice.objects.filter(kind="contracts.escrow_refund_reminder").count() > len(days):
            days.append(hours / 24)

    assert days == [3, 5, 6]
    assert told(contract, "escrow_refund_reminder") == {contract.talent_id}


def test_request_is_settled_once():
    contract = asked()
    escrow_answers.let_go(contract, by=owner_of(contract.talent))

    with refused(contract, Overtaken, "settled already"):
        escrow_answers.pay_instead(contract, by=owner_of(contract.client))


def test_contract_without_a_request_has_nothing_to_answer():
    contract = ended(active(), Side.TALENT)

    with refused(contract, Overtaken, "settled already"):
        escrow_answers.let_go(contract, by=owner_of(contract.talent))


def test_request_after_a_part_was_paid_is_about_the_rest():
    contract = ended(submitted().contract, choice=Choice.part(usd(200)))

    escrow_answers.let_go(contract, by=owner_of(contract.talent))

    assert money_of(contract) == ("$0.00", "$300.00", "$180.00", "$0.00")


def test_request_for_less_than_the_minimum_is_answered_like_any_other():
    contract = ended(leftover(usd(3)))

    escrow_answers.pay_instead(contract, by=owner_of(contract.client))

    assert money_of(contract) == ("$0.00", "$0.00", "$7.20", "$0.00")


# Who ---------------------------------------------------------------------------------------------

WRONG = {
    "let_go": ("client owner", "client member", "talent member", "stranger", "support"),
    "decline": ("client owner", "client member", "talent member", "stranger", "support"),
    "pay_instead": ("talent owner", "talent member", "client member", "stranger", "support"),
    "decide": ("talent owner", "client owner", "client manager", "stranger"),
}
GIVEN = {"decline": {"because": ""}, "decide": {"to_talent": usd(999), "because": ""}}


@pytest.mark.parametrize(("name", "who"), [(one, who) for one in WRONG for who in WRONG[one]])
def test_answer_of_somebody_else_changes_nothing(name, who):
    contract = declined() if name == "decide" else asked()
    by = {
        "client owner": lambda: owner_of(contract.client),
        "client manager": lambda: member_of(contract.client, Role.MANAGER),
        "client member": lambda: member_of(contract.client),
        "talent owner": lambda: owner_of(contract.talent),
        "talent member": lambda: member_of(contract.talent),
        "stranger": lambda: owner_of(active().client),
        "support": support,
    }[who]()

    with refused(contract, NotYours, "Only"):
        getattr(escrow_answers, name)(contract, **GIVEN.get(name, {}), by=by)


def read(contract: Contract):
    return Contract.objects.get(pk=contract.pk).book.escrow_refund_request
