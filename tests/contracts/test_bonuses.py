"""Bonuses: beside escrow and hours, until 365 days after the end; and the talent's request."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from contracts import bonuses, funding, milestones, quotes, terms
from contracts.models import Bonus, BonusRequest, Contract
from contracts.quotes import Quote
from contracts.states import BonusRequestState, BonusState, Side
from marketplace import clock, sweeping
from marketplace.actors import Actor
from marketplace.models import Notice
from marketplace.money import Money
from marketplace.refusals import (
    FiguresChanged,
    InvalidInput,
    KeyReused,
    NotYours,
    Overtaken,
    Refused,
)
from marketplace.states import Role
from payments import operations, refunds
from payments.gateways import sandbox
from payments.gateways.base import SUCCEEDED
from payments.models import GatewayOperation, SandboxCall
from payments.states import PaymentKind
from tests.factories import (
    NOON,
    StaffFactory,
    active,
    bonus,
    bonus_asked,
    charge,
    ended,
    funded,
    hourly,
    in_review,
    member_of,
    milestone_of,
    money_of,
    offered,
    owner_of,
    planned,
    reread,
    usd,
)
from tests.support.asserting import assert_audit_clean, everything_of, refused

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
YEAR = timedelta(days=365)


def with_credit(contract: Contract, amount: Money) -> Contract:
    charge(contract.book, amount)
    return contract


def asked() -> BonusRequest:
    return bonus_asked(ended(hourly()))


def again(row: Any) -> Any:
    return type(row).objects.get(pk=row.pk)


def later(delta: timedelta) -> None:
    sweeping.run(as_of=NOON + delta)


# Giving ------------------------------------------------------------------------------------------


def test_bonus_is_charged_separately_and_leaves_escrow_alone():
    contract = funded(usd(500)).contract

    given = bonus(contract, usd(50))

    assert given.state == BonusState.PAID
    assert given.payment.kind == PaymentKind.BONUS
    assert (given.payment.gross, given.payment.net) == (usd(50), usd(45))
    assert money_of(contract) == ("$500.00", "$0.00", "$45.00", "$0.00")
    assert contract.book.operations.latest("id").amount == usd(50)
    assert_audit_clean()


def test_credit_pays_first_and_the_rest_is_charged():
    contract = with_credit(active(), usd(20))
    contract.book = reread(contract.book)

    assert bonuses.quote(contract, usd(50)) == Quote(usd(0), usd(20), usd(30), usd(0))
    bonus(contract, usd(50))

    assert contract.book.operations.get().amount == usd(30)
    assert money_of(contract) == ("$0.00", "$0.00", "$45.00", "$0.00")
    assert_audit_clean()


def test_credit_that_suffices_needs_no_method_and_charges_nothing():
    contract = with_credit(active(), usd(60))

    given = bonus(contract, usd(50), method="")

    assert given.state == BonusState.PAID
    assert not contract.book.operations.exists()
    assert money_of(contract) == ("$0.00", "$10.00", "$45.00", "$0.00")


def test_surplus_of_a_minimal_charge_stays_credit():
    contract = with_credit(active(), usd("49.80"))

    bonus(contract, usd(50))

    assert money_of(contract) == ("$0.00", "$0.30", "$45.00", "$0.00")


def test_bonus_is_for_paused_and_ended_contracts_too():
    paused = hourly()
    terms.pause(paused, by=owner_of(paused.client))

    assert bonus(paused).state == BonusState.PAID
    assert bonus(ended(active())).state == BonusState.PAID
    assert_audit_clean()


@pytest.mark.parametrize(("after", "possible"), [(YEAR, True), (YEAR + SECOND, False)])
def test_bonus_is_possible_until_365_days_after_the_end_to_the_second(after, possible):
    contract = ended(active())

    with clock.at(NOON + after):
        if possible:
            assert bonus(contract).state == BonusState.PAID
            return
        with refused(contract, Overtaken, "A bonus is possible until 365 days after the end."):
            bonus(contract)


def test_offer_takes_no_bonus():
    contract = offered()

    with refused(contract, Overtaken, "once the offer is accepted"):
        bonus(contract)


@pytest.mark.parametrize("who", ["talent", "member", "support"])
def test_bonus_is_given_by_the_clients_owners_and_managers(who):
    contract = active()
    by = {
        "talent": lambda: owner_of(contract.talent),
        "member": lambda: member_of(contract.client),
        "support": lambda: Actor.support(StaffFactory()),
    }[who]()
    given = {"amount": usd(50), "note": "", "method": sandbox.ACCEPTS, "key": "", "by": by}

    with refused(contract, NotYours, "can do this"):
        bonuses.give(contract, **given)

    manager = member_of(contract.client, Role.MANAGER)
    assert bonuses.give(contract, **(given | {"by": manager})).payment is not None


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        (usd("0.99"), "A bonus is at least $1.00."),
        (usd(0), "A bonus is at least $1.00."),
        (usd("1000000.01"), "A bonus is at most"),
    ],
)
def test_amount_outside_the_limits_is_refused_at_the_amount(amount, sentence):
    contract = active()

    with refused(contract, InvalidInput, sentence) as refusal:
        bonuses.give(
            contract,
            amount=amount,
            note="",
            method=sandbox.ACCEPTS,
            key="",
            by=owner_of(contract.client),
        )

    assert refusal.value.field == "amount"


def test_unknown_method_is_refused_at_the_method():
    contract = active()

    with refused(contract, InvalidInput, "Choose how to pay.") as refusal:
        bonus(contract, method="cash")

    assert refusal.value.field == "method"


def test_figures_that_changed_charge_nothing():
    contract = with_credit(active(), usd(20))
    contract.book = reread(contract.book)
    seen = quotes.mark(bonuses.quote(contract, usd(50)))
    charge(contract.book, usd(5))

    with refused(contract, FiguresChanged, "Nothing was charged."):
        bonus(contract, usd(50), seen=seen)

    contract.book = reread(contract.book)
    seen = quotes.mark(bonuses.quote(contract, usd(50)))
    assert bonus(contract, usd(50), seen=seen).state == BonusState.PAID


def test_client_who_owes_hours_pays_them_first():
    contract = in_review(method=sandbox.DECLINES).contract

    with refused(contract, Refused, "are not paid yet"):
        bonus(contract)


# What the gateway answers ------------------------------------------------------------------------


def test_declined_charge_says_so_and_pays_nobody():
    contract = active()

    with pytest.raises(Refused, match="The card was declined"):
        bonus(contract, method=sandbox.DECLINES)

    assert Bonus.objects.get().state == BonusState.FAILED
    assert money_of(contract) == ("$0.00", "$0.00", "$0.00", "$0.00")
    told = Notice.objects.filter(kind__startswith="contracts.bonus")
    assert [one.kind for one in told] == ["contracts.bonus_declined"]
    assert told.get().party == contract.client
    assert_audit_clean()


def test_form_sent_again_reports_the_first_outcome():
    contract = active()

    given = [bonus(contract, key="form-1") for _ in range(2)]

    assert given[0] == given[1]
    assert SandboxCall.objects.count() == contract.book.payments.count() == 1
    with pytest.raises(KeyReused):
        bonus(contract, usd(60), key="form-1")


def test_form_sent_again_after_a_decline_reports_the_decline():
    contract = active()

    for _ in range(2):
        with pytest.raises(Refused, match="The card was declined"):
            bonus(contract, method=sandbox.DECLINES, key="form-1")

    assert SandboxCall.objects.count() == Bonus.objects.count() == 1


def test_late_answer_pays_the_bonus():
    contract = active()

    given = bonus(contract, method=sandbox.TIMES_OUT)
    assert given.state == BonusState.CHARGING
    assert money_of(contract)[1:3] == ("$0.00", "$0.00")
    later(timedelta(minutes=5))

    assert again(given).state == BonusState.PAID
    assert again(given).payment.paid_at > NOON
    assert money_of(contract) == ("$0.00", "$0.00", "$45.00", "$0.00")
    assert_audit_clean()


def test_late_answer_pays_the_bonus_of_a_contract_that_ended_meanwhile():
    contract = active()
    given = bonus(contract, method=sandbox.TIMES_OUT)

    ended(again(contract), Side.TALENT)
    later(timedelta(minutes=5))

    assert again(given).state == BonusState.PAID
    assert_audit_clean()


def test_answer_that_comes_twice_pays_once():
    contract = active()
    bonus(contract, method=sandbox.ANSWERS_TWICE)

    later(timedelta(minutes=5))
    operation = contract.book.operations.get()
    operations.settle(operation.pk, SUCCEEDED)
    bonuses.settle(operation.pk, SUCCEEDED)

    assert contract.book.payments.count() == 1
    assert money_of(contract) == ("$0.00", "$0.00", "$45.00", "$0.00")


def test_charge_that_never_answers_is_called_off():
    contract = active()
    given = bonus(contract, method=sandbox.NEVER_ANSWERS)

    later(timedelta(days=2))

    assert again(given).state == BonusState.FAILED
    assert money_of(contract) == ("$0.00", "$0.00", "$0.00", "$0.00")
    assert_audit_clean()


def test_money_stays_credit_when_credit_went_elsewhere_meanwhile():
    contract = with_credit(active(), usd(20))
    given = bonus(contract, usd(50), method=sandbox.TIMES_OUT)
    other = active(client=contract.client)
    bonus(other, usd(20), method="")

    later(timedelta(minutes=5))

    assert again(given).state == BonusState.FAILED
    assert money_of(contract)[:3] == ("$0.00", "$30.00", "$0.00")
    assert Notice.objects.filter(kind="contracts.charge_kept_as_credit").exists()
    assert_audit_clean()


def test_one_charge_of_a_contract_at_a_time():
    milestone = planned()
    contract = milestone.contract
    bonus(contract, method=sandbox.NEVER_ANSWERS)

    with refused(contract, Overtaken, "A charge for this contract is still open."):
        bonus(contract)
    with refused(contract, Overtaken, "A charge for this contract is still open."):
        funding.fund(
            milestone_of(contract),
            method=sandbox.ACCEPTS,
            key="",
            by=owner_of(contract.client),
        )


def test_open_bonus_charge_is_no_funding_charge_of_the_end():
    """It still goes to the talent; only a charge for a milestone would stay credit."""
    contract = active()
    given = bonus(contract, method=sandbox.TIMES_OUT)

    contract = ended(again(contract))
    later(timedelta(minutes=5))

    assert not contract.end_figures.get("charged")
    assert again(given).payment is not None


def test_bonus_can_be_refunded():
    contract = active()
    payment = bonus(contract, usd(50)).payment

    refunds.give(payment, amount=usd(20), reason="", key="", by=owner_of(contract.talent))

    assert money_of(contract) == ("$0.00", "$20.00", "$27.00", "$0.00")
    assert_audit_clean()


# Asking ------------------------------------------------------------------------------------------


def test_request_waits_with_its_time_and_its_end():
    contract = ended(hourly())

    request = bonus_asked(contract, usd(90), minutes=90, reason=" The call. ")

    assert (request.amount, request.minutes, request.reason) == (usd(90), 90, "The call.")
    assert request.is_waiting
    assert request.until == NOON + YEAR + timedelta.resolution
    assert_audit_clean()


def test_fixed_price_and_running_contracts_take_no_request():
    with refused(contract := ended(active()), Overtaken, "Only hourly contracts"):
        bonus_asked(contract)
    with refused(contract := hourly(), Overtaken, "The Work Diary is open"):
        bonus_asked(contract)


@pytest.mark.parametrize("who", ["client", "member"])
def test_request_is_made_by_the_talents_owners_and_managers(who):
    contract = ended(hourly())
    by = owner_of(contract.client) if who == "client" else member_of(contract.talent)

    with refused(contract, NotYours, "can do this"):
        bonuses.ask(contract, minutes=60, amount=usd(60), reason="Calls.", key="", by=by)


@pytest.mark.parametrize(
    ("wrong", "field", "sentence"),
    [
        ({"minutes": 0}, "minutes", "Type how much time it was."),
        ({"minutes": 65}, "minutes", "whole segments of 10 minutes"),
        ({"minutes": 169 * 60}, "minutes", "at most 168 hours"),
        ({"amount": usd("0.50")}, "amount", "A bonus is at least $1.00."),
        ({"reason": " "}, "reason", "Say why."),
    ],
)
def test_wrong_input_is_refused_at_its_field(wrong, field, sentence):
    contract = ended(hourly())

    with refused(contract, InvalidInput, sentence) as refusal:
        bonus_asked(contract, **wrong)

    assert refusal.value.field == field


def test_one_request_waits_and_three_are_possible():
    contract = ended(hourly())
    by = owner_of(contract.talent)

    for number in range(3):
        request = bonus_asked(contract, key=f"form-{number}")
        with refused(contract, Overtaken, "You have asked for a bonus already"):
            bonus_asked(contract)
        bonuses.withdraw_request(request, by=by)

    with refused(contract, Refused, "You have asked 3 times on this contract"):
        bonus_asked(contract)


def test_form_sent_again_asks_once():
    contract = ended(hourly())

    assert bonus_asked(contract, key="form-1") == bonus_asked(contract, key="form-1")
    assert contract.bonus_requests.count() == 1


def test_bonus_grants_the_request_at_the_amount_the_client_chose():
    request = asked()

    given = bonus(request.contract, usd(40), request=request)

    assert again(request).state == BonusRequestState.GRANTED
    assert (given.request, given.payment.gross) == (request, usd(40))
    assert_audit_clean()


def test_request_is_granted_once_its_charge_is_confirmed():
    request = asked()

    bonus(request.contract, request=request, method=sandbox.TIMES_OUT)
    assert again(request).is_waiting
    later(timedelta(minutes=5))

    assert again(request).state == BonusRequestState.GRANTED
    assert_audit_clean()


def test_declined_charge_leaves_the_request_waiting():
    request = asked()

    with pytest.raises(Refused):
        bonus(request.contract, request=request, method=sandbox.DECLINES)

    assert again(request).is_waiting
    assert bonus(request.contract, request=request).state == BonusState.PAID
    assert again(request).state == BonusRequestState.GRANTED


@pytest.mark.parametrize("how", ["decline", "withdraw"])
def test_late_success_after_the_request_was_called_off_stays_credit(how):
    request = asked()
    contract = request.contract
    given = bonus(contract, usd(50), request=request, method=sandbox.TIMES_OUT)

    if how == "decline":
        bonuses.decline_request(request, because="", by=owner_of(contract.client))
    else:
        bonuses.withdraw_request(request, by=owner_of(contract.talent))
    later(timedelta(minutes=5))

    assert again(given).state == BonusState.FAILED
    assert money_of(contract) == ("$0.00", "$50.00", "$0.00", "$0.00")
    told = Notice.objects.get(kind="contracts.charge_kept_as_credit")
    assert told.party == contract.client
    assert_audit_clean()


def test_bonus_beside_a_waiting_request_leaves_it_waiting():
    request = asked()

    bonus(request.contract)

    assert again(request).is_waiting


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("decline", "This request was declined already."),
        ("withdraw", "took this request back."),
        ("grant", "This request was granted already."),
    ],
)
def test_request_that_is_over_gives_no_bonus(how, sentence):
    request = asked()
    contract = request.contract
    {
        "decline": lambda: bonuses.decline_request(
            request, because="", by=owner_of(contract.client)
        ),
        "withdraw": lambda: bonuses.withdraw_request(request, by=owner_of(contract.talent)),
        "grant": lambda: bonus(contract, request=request),
    }[how]()

    with refused(contract, Overtaken, sentence):
        bonus(contract, request=request)


def test_request_of_another_contract_gives_no_bonus():
    request, contract = asked(), ended(hourly())

    with refused(contract, Overtaken, "This request is over."):
        bonus(contract, request=request)


def test_client_declines_with_or_without_a_reason():
    request, other = asked(), asked()

    with_reason = bonuses.decline_request(
        request, because=" It was agreed. ", by=owner_of(request.contract.client)
    )
    without = bonuses.decline_request(other, because="", by=owner_of(other.contract.client))

    assert with_reason.declined_because == "It was agreed."
    assert without.state == BonusRequestState.DECLINED
    assert_audit_clean()


def test_answers_are_each_sides_own():
    request = asked()
    contract = request.contract

    with refused(contract, NotYours, f"Only {contract.client.name} can do this."):
        bonuses.decline_request(request, because="", by=owner_of(contract.talent))
    with refused(contract, NotYours, f"Only {contract.talent.name} can do this."):
        bonuses.withdraw_request(request, by=owner_of(contract.client))


def test_request_is_answered_once():
    request = asked()
    contract = request.contract
    bonuses.withdraw_request(request, by=owner_of(contract.talent))

    with refused(contract, Overtaken, "taken back now"):
        bonuses.decline_request(request, because="", by=owner_of(contract.client))


@pytest.mark.parametrize(
    ("after", "state"),
    [
        (YEAR, BonusRequestState.WAITING),
        (YEAR + timedelta.resolution, BonusRequestState.EXPIRED),
    ],
)
def test_request_expires_when_no_bonus_is_possible_any_more(after, state):
    request = asked()

    later(after)

    assert again(request).state == state
    assert_audit_clean()


def test_answer_that_comes_too_late_finds_it_expired():
    """Whether or not a sweep came by: a refusal changes nothing, and says what is."""
    request = asked()
    contract = request.contract
    before = everything_of(contract)

    with clock.at(NOON + YEAR + SECOND), pytest.raises(Overtaken, match="not answered now"):
        bonuses.decline_request(request, because="", by=owner_of(contract.client))

    assert everything_of(contract) == before
    later(YEAR + SECOND)
    assert again(request).state == BonusRequestState.EXPIRED


def test_charge_for_a_bonus_holds_up_no_milestone_of_the_same_number():
    milestone = planned()
    contract = milestone.contract
    bonus(contract, method=sandbox.NEVER_ANSWERS)
    GatewayOperation.objects.update(purpose_id=milestone.pk)

    values = {"title": "Draft", "amount": usd(400), "due_on": None}
    milestones.revise(milestone, **values, by=owner_of(contract.client))

    assert milestone_of(contract).amount == usd(400)
