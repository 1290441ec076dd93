"""Withdrawals: what is available leaves once, and comes back once if it does not arrive."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marketplace import clock
from marketplace.actors import PLATFORM, Actor
from marketplace.models import Notice
from marketplace.money import Money
from marketplace.refusals import InvalidInput, KeyReused, NotYours, Refused
from marketplace.states import Role
from payments import operations, payouts, refunds
from payments.gateways import sandbox
from payments.models import Account, AccountHistory, Entry, GatewayOperation, SandboxCall
from payments.states import AccountKind, EntryKind, OperationKind, OperationState
from tests.factories import (
    NOON,
    AgencyFactory,
    FreelancerFactory,
    PartyFactory,
    StaffFactory,
    member_of,
    owner_of,
    paid_payment,
    usd,
)
from tests.support.asserting import assert_audit_clean

pytestmark = pytest.mark.django_db

DUE = NOON + timedelta(days=5)
"""When what was paid at NOON becomes available."""


@pytest.fixture(autouse=True)
def _due():
    with clock.at(DUE):
        yield


@pytest.fixture
def talent():
    """A freelancer with $450 due, which no sweep has moved yet."""
    return paid_at_noon(usd(500)).book.talent


def paid_at_noon(gross: Money, **values):
    with clock.at(NOON):
        return paid_payment(gross, **values)


def withdraw(party, amount=None, **values) -> GatewayOperation:
    given = {"destination": sandbox.RECEIVES, "key": "", "by": owner_of(party), **values}
    return payouts.withdraw(party, amount=amount or usd(450), **given)


def balance(party, kind=AccountKind.AVAILABLE, currency="USD") -> Money:
    return Account.objects.get(party=party, kind=kind, currency=currency).balance


def entries(party) -> list[tuple[str, str]]:
    """What moved the party's money out and back, oldest first."""
    kinds = (EntryKind.PAYOUT, EntryKind.PAYOUT_FAILED)
    found = Entry.objects.filter(talent=party, kind__in=kinds).order_by("pk")
    return [(one.kind, str(one.transfers.get().amount)) for one in found]


def assert_nothing_moved(party) -> None:
    assert not GatewayOperation.objects.filter(kind=OperationKind.PAYOUT).exists()
    assert not SandboxCall.objects.filter(kind=OperationKind.PAYOUT).exists()
    assert entries(party) == []


def test_withdrawal_of_what_is_due_matures_it_first_and_sends_it(talent):
    assert balance(talent) == usd(0)

    done = withdraw(talent, key="k")

    assert (done.kind, done.state, done.amount) == (
        OperationKind.PAYOUT,
        OperationState.SUCCEEDED,
        usd(450),
    )
    assert (done.method, done.method_label) == (
        sandbox.RECEIVES,
        "Sandbox bank account that receives",
    )
    assert (done.settled_at, done.arrives_on) == (DUE, (DUE + timedelta(days=2)).date())
    assert done.owner == talent
    assert (balance(talent), balance(talent, AccountKind.PENDING)) == (usd(0), usd(0))
    assert entries(talent) == [("payout", "$450.00")]
    assert_audit_clean()


def test_withdrawal_of_part_leaves_the_rest(talent):
    withdraw(talent, usd("100.01"))

    assert balance(talent) == usd("349.99")


def test_withdrawal_takes_nothing_that_is_still_pending(talent):
    paid_payment(usd(100), talent=talent)

    with pytest.raises(InvalidInput) as refused:
        withdraw(talent, usd("450.01"))

    assert refused.value.sentence == "You can withdraw $450.00 now, all that is available."
    assert_nothing_moved(talent)
    assert payouts.available(talent, "USD", DUE) == usd(450)


def test_available_counts_what_is_due_before_and_after_a_sweep(talent):
    before = payouts.available(talent, "USD", DUE - timedelta(microseconds=1))
    assert before == usd(0)
    assert payouts.available(talent, "USD", DUE) == usd(450)

    withdraw(talent, usd(50))

    assert payouts.available(talent, "USD", DUE) == usd(400)
    assert payouts.available(talent, "EUR", DUE) == Money(0, "EUR")
    assert payouts.available(FreelancerFactory(), "USD", DUE) == usd(0)


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        (Money(0, "USD"), "Type an amount above zero."),
        (Money(-1, "USD"), "Type an amount above zero."),
        (Money(10**30, "USD"), "You can withdraw $450.00 now, all that is available."),
        (Money(1, "EUR"), "Nothing is available now, so nothing can be withdrawn."),
        (Money(1, "XYZ"), "Nothing is available now, so nothing can be withdrawn."),
    ],
)
def test_withdrawal_of_what_is_not_there_is_refused(talent, amount, sentence):
    with pytest.raises(InvalidInput) as refused:
        payouts.withdraw(
            talent, amount=amount, destination=sandbox.RECEIVES, key="k", by=owner_of(talent)
        )

    assert (refused.value.field, refused.value.sentence) == ("amount", sentence)
    assert_nothing_moved(talent)


def test_withdrawal_to_a_place_nobody_knows_is_refused(talent):
    for place in ("", "elsewhere", sandbox.ACCEPTS):
        with pytest.raises(InvalidInput) as refused:
            withdraw(talent, destination=place, key="k")
        assert (refused.value.field, refused.value.sentence) == ("destination", payouts.NOWHERE)

    assert_nothing_moved(talent)


def test_refused_key_can_be_used_once_it_is_right(talent):
    with pytest.raises(InvalidInput):
        withdraw(talent, usd(451), key="k")

    assert withdraw(talent, usd(450), key="k").state == OperationState.SUCCEEDED


# Who ---------------------------------------------------------------------------------------------


def test_owners_and_managers_withdraw():
    agency = AgencyFactory()
    paid_at_noon(usd(500), talent=agency)

    withdraw(agency, usd(50), by=owner_of(agency))
    withdraw(agency, usd(60), by=member_of(agency, Role.MANAGER))

    assert balance(agency) == usd(340)
    begun = AccountHistory.objects.filter(transition="create").order_by("pk")
    assert [row.actor.membership.role for row in begun] == [Role.OWNER, Role.MANAGER]


@pytest.mark.parametrize(
    ("who", "says"),
    [
        (member_of, "Only an owner or manager of Studio can do this."),
        (lambda talent: owner_of(FreelancerFactory()), "Only Studio can do this."),
        (lambda talent: owner_of(PartyFactory()), "Only Studio can do this."),
        (lambda talent: Actor.support(StaffFactory()), "Only Studio can do this."),
        (lambda talent: PLATFORM, "Only Studio can do this."),
    ],
)
def test_nobody_else_withdraws(who, says):
    studio = AgencyFactory(name="Studio")
    paid_at_noon(usd(500), talent=studio)

    with pytest.raises(NotYours) as refused:
        withdraw(studio, by=who(studio))

    assert refused.value.sentence == says
    assert_nothing_moved(studio)


def test_client_has_credit_instead(talent):
    client = PartyFactory()

    with pytest.raises(NotYours) as refused:
        withdraw(client)

    assert "credit" in refused.value.sentence


# Once --------------------------------------------------------------------------------------------


def test_same_form_again_gives_the_first_result(talent):
    first = withdraw(talent, usd(200), key="k")

    again = withdraw(talent, usd(200), key="k")

    assert again == first
    assert balance(talent) == usd(250)
    assert SandboxCall.objects.filter(kind=OperationKind.PAYOUT).count() == 1


def test_same_form_with_other_values_is_refused(talent):
    withdraw(talent, usd(200), key="k")

    for other in ({"amount": usd(201)}, {"destination": sandbox.REFUSES}):
        with pytest.raises(KeyReused):
            withdraw(talent, **({"amount": usd(200), "key": "k"} | other))

    assert balance(talent) == usd(250)


def test_key_of_another_party_is_refused(talent):
    withdraw(talent, usd(200), key="k")
    other = paid_at_noon(usd(500)).book.talent

    with pytest.raises(KeyReused):
        withdraw(other, usd(200), key="k")

    assert payouts.begun_with("k", other) is None
    assert payouts.begun_with("k", talent).amount == usd(200)
    assert payouts.begun_with("", talent) is None
    assert payouts.available(other, "USD", DUE) == usd(450)


def test_two_forms_withdraw_twice(talent):
    withdraw(talent, usd(200), key="k")
    withdraw(talent, usd(200), key="l")

    assert balance(talent) == usd(50)


# When it does not arrive -------------------------------------------------------------------------


def test_withdrawal_declined_at_once_is_available_again(talent):
    with pytest.raises(Refused) as refused:
        withdraw(talent, usd(200), destination=sandbox.REFUSES, key="k")

    assert refused.value.sentence == "The bank refused it. $200.00 is available again."
    assert balance(talent) == usd(450)
    assert entries(talent) == [("payout", "$200.00"), ("payout_failed", "$200.00")]
    assert_audit_clean()


def test_declined_form_sent_again_says_the_same_and_sends_nothing(talent):
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            withdraw(talent, usd(200), destination=sandbox.REFUSES, key="k")
        assert refused.value.sentence == "The bank refused it. $200.00 is available again."

    assert entries(talent) == [("payout", "$200.00"), ("payout_failed", "$200.00")]


def test_withdrawal_that_failed_can_be_done_again(talent):
    with pytest.raises(Refused):
        withdraw(talent, usd(450), destination=sandbox.REFUSES, key="k")

    withdraw(talent, usd(450), key="l")

    assert balance(talent) == usd(0)
    assert [kind for kind, _ in entries(talent)] == ["payout", "payout_failed", "payout"]
    assert_audit_clean()


def test_withdrawal_without_an_answer_has_left_the_balance(talent):
    begun = withdraw(talent, usd(200), destination=sandbox.RECEIVES_LATE, key="k")

    assert begun.state == OperationState.UNKNOWN
    assert balance(talent) == usd(250)
    with pytest.raises(InvalidInput) as refused:
        withdraw(talent, usd(300))
    assert refused.value.sentence == "You can withdraw $250.00 now, all that is available."


def test_form_sent_again_while_the_first_call_is_not_made_yet_makes_it(talent):
    """The process died, or is slow, between the intent and the call."""
    begun = payouts._begin(
        talent,
        amount=usd(200),
        destination=sandbox.RECEIVES,
        key="payout:k",
        by=owner_of(talent),
    )
    assert begun.state == OperationState.STARTED

    assert withdraw(talent, usd(200), key="k").state == OperationState.SUCCEEDED
    operations.carry_out(begun.pk)

    assert entries(talent) == [("payout", "$200.00")]
    assert SandboxCall.objects.filter(kind=OperationKind.PAYOUT).count() == 1


# Beside other money ------------------------------------------------------------------------------


def test_each_currency_is_withdrawn_by_itself(talent):
    paid_at_noon(Money(100_00, "EUR"), talent=talent)

    withdraw(talent, Money(90_00, "EUR"))

    assert balance(talent, currency="EUR") == Money(0, "EUR")
    assert payouts.available(talent, "USD", DUE) == usd(450)
    assert_audit_clean()


def test_money_of_several_contracts_is_withdrawn_together(talent):
    paid_at_noon(usd(100), talent=talent)

    done = withdraw(talent, usd(540))

    assert (done.book, done.account) == (None, Account.objects.get(pk=done.account_id))
    assert (done.entry.book, done.entry.talent, done.entry.client) == (None, talent, None)
    assert balance(talent) == usd(0)


def test_what_was_withdrawn_cannot_be_refunded():
    payment = paid_at_noon(usd(500))
    talent = payment.book.talent
    withdraw(talent, usd(400))

    with pytest.raises(InvalidInput) as refused:
        refunds.give(payment, amount=usd(100), reason="", key="", by=owner_of(talent))

    assert refused.value.sentence == "You can refund $55.56 now, your whole balance."


# What people are told ----------------------------------------------------------------------------


def told(kind: str) -> list[Notice]:
    return list(Notice.objects.filter(kind=f"payments.{kind}").order_by("pk"))


def test_all_who_manage_the_money_are_told_who_withdrew_what():
    studio = AgencyFactory()
    paid_at_noon(usd(500), talent=studio)
    owner, manager = owner_of(studio), member_of(studio, Role.MANAGER)
    member_of(studio)

    withdraw(studio, usd(200), by=manager)

    notices = told("money_sent")
    assert {one.recipient for one in notices} == {owner.user, manager.user}
    assert {one.facts["person"] for one in notices} == {manager.user.name}
    assert {one.path for one in notices} == {"/payments/withdraw/?currency=USD"}


def test_what_came_back_is_told_once(talent):
    for _ in range(2):
        with pytest.raises(Refused):
            withdraw(talent, destination=sandbox.REFUSES, key="k")

    (notice,) = told("money_came_back")
    assert notice.facts["because"] == "The bank refused it."
    assert told("money_sent") == []
