"""Quiet and dormant contracts: each border to the second, and what silence does."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from contracts import billing, dormancy, messages, milestones, terms, timers
from contracts.closing import Choice
from contracts.models import Contract, Dormancy
from contracts.states import ContractState, DormancyState, MilestoneState, Side
from marketplace import clock, sweeping
from marketplace.models import Notice
from marketplace.refusals import InvalidInput, NotYours, Overtaken
from marketplace.states import Role
from payments import refunds
from payments.gateways import sandbox
from payments.models import Payment
from tests.contracts.dormant import DAY, TICK, day, dormancy_of, release_asked, slept, with_leftover
from tests.factories import (
    NOON,
    active,
    add_milestone,
    approve,
    charge,
    ended,
    fund,
    funded,
    hourly,
    in_review,
    leftover,
    member_of,
    milestone_of,
    money_of,
    owner_of,
    propose,
    submitted,
    usd,
)
from tests.support.asserting import assert_audit_clean, everything_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _audited():
    yield
    assert_audit_clean()


def now_of(contract: Contract) -> Contract:
    return Contract.objects.get(pk=contract.pk)


def told(kind: str) -> list[datetime]:
    """When the client was told of that kind."""
    found = Notice.objects.filter(kind=f"contracts.{kind}", facts__side="client")
    return list(dict.fromkeys(found.order_by("id").values_list("created_at", flat=True)))


def sweep(moment: datetime) -> None:
    sweeping.run(as_of=moment)


def write(contract: Contract, side: Side = Side.CLIENT) -> None:
    messages.write(contract, text="Hello?", key="", by=owner_of(contract.party(side)))


# Reminders ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [active, hourly, lambda: funded().contract])
@pytest.mark.parametrize(("number", "before"), [(30, 0), (60, 1)])
def test_both_sides_are_reminded_on_the_second(make, number, before):
    contract = make()
    if before:
        sweep(day(30))

    sweep(day(number) - TICK)
    assert len(told("contract_quiet")) == before
    sweep(day(number))

    assert told("contract_quiet")[before:] == [day(number)]
    assert Notice.objects.filter(kind="contracts.contract_quiet", party=contract.talent).exists()
    assert now_of(contract).quiet_told == before + 1


@pytest.mark.parametrize("number", [76, 83])
def test_both_sides_are_warned_before_it_becomes_dormant(number):
    contract = slept(number - 1)

    sweep(day(number) - TICK)
    assert day(number) not in told("dormancy_comes")
    sweep(day(number))

    assert told("dormancy_comes")[-1] == day(number)
    assert not now_of(contract).is_dormant


@pytest.mark.parametrize(
    "make", [active, hourly, lambda: approve(funded()).book.contract], ids=["new", "hourly", "paid"]
)
def test_nothing_in_escrow_is_never_dormant(make):
    contract = make()

    for number in (30, 60, 76, 90, 200):
        sweep(day(number))

    contract = now_of(contract)
    assert (contract.quiet_told, contract.quiet_due_at) == (2, None)
    assert contract.state == ContractState.ACTIVE
    assert not Dormancy.objects.exists()
    assert told("dormancy_comes") == []


def test_paused_and_held_contracts_are_reminded_too():
    paused = hourly()
    terms.pause(paused, by=owner_of(paused.client))
    held = in_review(method=sandbox.DECLINES).contract

    sweep(day(30))

    reminded = Notice.objects.filter(kind="contracts.contract_quiet", facts__side="talent")
    assert {
        one.facts["title"]: (one.facts["paused"], one.facts["on_hold"]) for one in reminded
    } == {
        paused.title: (True, False),
        held.title: (False, True),
    }


def test_reminders_that_were_missed_are_made_up_for_by_the_latest():
    slept(0)

    sweep(day(84))

    assert told("contract_quiet") == []
    assert told("dormancy_comes") == [day(84)]


# What begins the count anew ----------------------------------------------------------------------


@pytest.mark.parametrize("side", Side)
def test_message_begins_the_count_anew(side):
    contract = slept(83)

    with clock.at(day(89)):
        write(contract, side)

    contract = now_of(contract)
    assert (contract.quiet_told, contract.quiet_due_at) == (0, day(89 + 30))


def test_what_people_do_to_milestones_begins_it_anew():
    contract = slept(30)
    by = owner_of(contract.client)
    acts = [
        lambda: add_milestone(contract, usd(50)),
        lambda: milestones.move_up(add_milestone(contract, usd(60)), by=by),
        lambda: propose(contract, usd(70)),
        lambda: milestones.keep_open(contract, by=by),
    ]
    for number, act in enumerate(acts):
        with clock.at(day(31 + number)):
            act()
        assert now_of(contract).quiet_due_at == day(31 + number + 30)


def test_charge_that_is_begun_is_an_act_and_escrow_that_arrives_begins_it_anew():
    contract = active()
    with clock.at(day(10)):
        fund(milestone_of(contract), sandbox.TIMES_OUT)
    assert now_of(contract).quiet_due_at == day(40)

    sweep(day(10.5))

    contract = now_of(contract)
    assert milestone_of(contract).state == MilestoneState.FUNDED
    assert contract.quiet_due_at > day(40)


def test_what_closeout_does_by_itself_is_no_activity():
    contract = submitted().contract

    sweep(day(14))

    contract = now_of(contract)
    assert milestone_of(contract).state == MilestoneState.PAID
    assert (contract.last_activity_at, contract.quiet_due_at) == (NOON, day(30))


def test_weekly_bill_is_no_activity_but_recording_and_paying_is():
    week = in_review(method=sandbox.DECLINES)
    contract, began = now_of(week.contract), datetime(2026, 11, 10, 11, tzinfo=UTC)
    assert (contract.last_activity_at, contract.quiet_due_at) == (began, began + 30 * DAY)
    charge(contract.book, usd(500))

    billing.pay_now(week, method="", key="", by=owner_of(contract.client))

    assert now_of(contract).quiet_due_at == day(30)


def test_timer_that_stops_itself_is_no_activity_after_its_start():
    contract = hourly()
    with clock.at(day(1)):
        timers.start(contract, by=owner_of(contract.talent))

    sweep(day(1.5))

    assert now_of(contract).quiet_due_at == day(31)


def test_refund_counts_although_it_does_not_enter_the_contract():
    contract = with_leftover()
    with clock.at(day(20)):
        by = owner_of(contract.talent)
        refunds.give(Payment.objects.get(), amount=usd(1), reason="", key="", by=by)

    sweep(day(30))

    assert told("contract_quiet") == []
    assert now_of(contract).quiet_due_at == day(50)


def test_refund_wakes_a_dormant_contract_before_its_money_moves():
    contract = slept(97, contract=with_leftover())
    with clock.at(day(98)):
        by = owner_of(contract.talent)
        refunds.give(Payment.objects.get(), amount=usd(1), reason="", key="", by=by)

    sweep(day(104))

    contract = now_of(contract)
    assert (contract.state, contract.is_dormant) == (ContractState.ACTIVE, False)
    assert money_of(contract)[0] == "$300.00"
    assert contract.quiet_due_at == day(128)


# Due dates ---------------------------------------------------------------------------------------


def due_on(day_of_it: date) -> Contract:
    contract = with_leftover()
    milestones.add(
        contract,
        title="Late",
        amount=usd(5),
        due_on=day_of_it,
        key="",
        by=owner_of(contract.client),
    )
    return now_of(contract)


def test_due_date_counts_to_the_end_of_its_day():
    contract = due_on(date(2026, 12, 24))
    over = datetime(2026, 12, 25, tzinfo=UTC)
    for number in (30, 60):
        sweep(day(number))

    sweep(over + 76 * DAY - TICK)
    assert told("dormancy_comes") == []
    sweep(over + 76 * DAY)
    assert told("dormancy_comes") == [over + 76 * DAY]
    sweep(over + 90 * DAY - TICK)
    assert not now_of(contract).is_dormant
    sweep(over + 90 * DAY)

    assert now_of(contract).dormant_since == over + 90 * DAY


def test_due_date_that_lies_before_the_last_activity_changes_nothing():
    contract = due_on(NOON.date())
    with clock.at(day(2)):
        write(contract)

    for number in (32, 62, 78, 85):
        sweep(day(number))
    sweep(day(92))

    assert now_of(contract).dormant_since == day(92)


def test_due_date_of_a_proposal_holds_nothing_back():
    contract = with_leftover()
    milestones.propose(
        contract,
        title="In ten years",
        amount=usd(50),
        due_on=date(2036, 1, 1),
        key="",
        by=owner_of(contract.talent),
    )

    assert slept(90, contract=contract).is_dormant


# Dormant -----------------------------------------------------------------------------------------


def test_client_is_asked_on_the_90th_day():
    contract = slept(83)

    sweep(day(90) - TICK)
    assert not now_of(contract).is_dormant
    sweep(day(90))

    found = dormancy_of(contract)
    assert (found.state, found.since, found.due_at) == (
        DormancyState.CLIENT_ASKED,
        day(90),
        day(97),
    )
    contract = now_of(contract)
    assert (contract.dormant_since, contract.quiet_due_at) == (day(90), None)
    assert contract.client_position == int(day(97).timestamp())
    assert contract.last_activity_at == NOON


def test_talent_is_asked_on_the_97th_day():
    contract = slept(90)

    sweep(day(97) - TICK)
    assert dormancy_of(contract).state == DormancyState.CLIENT_ASKED
    sweep(day(97))

    found = dormancy_of(contract)
    assert (found.state, found.due_at) == (DormancyState.TALENT_ASKED, day(104))
    assert now_of(contract).talent_position == int(day(104).timestamp())


@pytest.mark.parametrize("make", [lambda: funded().contract, with_leftover], ids=["active", "rest"])
def test_nobody_acts_and_escrow_goes_back_on_the_104th_day(make):
    contract = slept(97, contract=make())

    sweep(day(104) - TICK)
    escrow, credit, *earned = money_of(contract)
    assert now_of(contract).state == ContractState.ACTIVE
    sweep(day(104))

    contract = now_of(contract)
    assert (contract.state, contract.ended_at) == (ContractState.ENDED, day(104))
    assert (contract.ended_side, contract.ended_by_silence) == (Side.TALENT, True)
    assert money_of(contract) == ("$0.00", escrow, *earned)
    assert credit == "$0.00"
    assert dormancy_of(contract).state == DormancyState.RETURNED
    assert contract.feedback_until == datetime(2027, 3, 18, tzinfo=UTC)
    assert contract.checklist.count() == 8
    last = contract.history.order_by("sequence").last()
    assert (last.transition, last.actor.is_platform) == ("end", True)


def test_who_comes_after_the_end_reads_that_closeout_ended_it():
    contract = slept(104)
    by = owner_of(contract.talent)

    with clock.at(day(105)), pytest.raises(Overtaken, match="Closeout ended this contract"):
        dormancy.still_working(contract, by=by)
    with clock.at(day(105)), pytest.raises(Overtaken, match="Closeout ended this contract"):
        dormancy.ask_for_release(contract, by=by)
    with clock.at(day(105)), pytest.raises(Overtaken, match="Closeout ended this contract"):
        ended(contract)


@pytest.mark.parametrize("at", [90, 96, 97, 103])
@pytest.mark.parametrize("side", Side)
def test_anything_that_somebody_does_wakes_it(at, side):
    contract = slept(at)

    with clock.at(day(at)):
        write(contract, side)

    contract = now_of(contract)
    assert not contract.is_dormant
    assert contract.quiet_due_at == day(at + 30)
    assert dormancy_of(contract).state == DormancyState.WOKEN
    assert told("contract_goes_on") == [day(at)]
    sweep(day(110))
    assert now_of(contract).state == ContractState.ACTIVE
    assert money_of(contract)[0] == "$500.00"


@pytest.mark.parametrize("at", [90, 97])
@pytest.mark.parametrize("role", [Role.OWNER, Role.MEMBER])
def test_still_working_wakes_it(at, role):
    contract = slept(at)
    by = member_of(contract.client, role)

    with clock.at(day(at + 7) - TICK):
        dormancy.still_working(contract, by=by)

    contract = now_of(contract)
    assert (contract.is_dormant, contract.quiet_told) == (False, 0)
    assert contract.quiet_due_at == day(at + 37) - TICK
    woken = contract.history.order_by("sequence").last()
    assert (woken.transition, woken.actor) == ("wake", by)
    assert len(told("contract_goes_on")) == 1


def test_still_working_begins_a_quiet_count_anew():
    contract = slept(60)

    with clock.at(day(61)):
        dormancy.still_working(contract, by=owner_of(contract.talent))

    assert now_of(contract).quiet_due_at == day(91)
    assert told("contract_goes_on") == [day(61)]


def test_still_working_where_nothing_was_quiet_changes_nothing():
    contract = funded().contract
    before = everything_of(contract)

    with clock.at(day(5)):
        dormancy.still_working(contract, by=owner_of(contract.client))

    assert everything_of(contract) == before


def test_strangers_say_nothing_about_it():
    contract, stranger = slept(90), owner_of(active().client)
    before = everything_of(contract)

    with clock.at(day(91)):
        with pytest.raises(NotYours):
            dormancy.still_working(contract, by=stranger)
        with pytest.raises(NotYours):
            dormancy.ask_for_release(contract, by=stranger)

    assert everything_of(contract) == before


def test_woken_contract_can_fall_asleep_again():
    contract = slept(90)
    with clock.at(day(91)):
        write(contract)

    for number in (30, 60, 76, 83, 90, 97, 104):
        sweep(day(91 + number))

    assert now_of(contract).ended_at == day(91 + 104)
    states = contract.dormancies.values_list("state", flat=True)
    assert list(states) == [DormancyState.WOKEN, DormancyState.RETURNED]


def test_ending_a_dormant_contract_is_its_enders():
    contract = slept(90)

    with clock.at(day(91)):
        ended(contract, Side.CLIENT, Choice.all())

    contract = now_of(contract)
    assert (contract.ended_side, contract.ended_by_silence) == (Side.CLIENT, False)
    assert dormancy_of(contract).state == DormancyState.WOKEN
    assert told("contract_goes_on") == []
    assert money_of(contract)[2] == "$450.00"


# Its release -------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [90, 96, 97, 103])
def test_talent_asks_for_its_release(at):
    contract = release_asked(at)

    found = dormancy_of(contract)
    assert (found.state, found.due_at) == (DormancyState.RELEASE_ASKED, day(at + 14))
    assert (found.release_asked_at, found.release_note) == (day(at), "It was done in May.")
    assert contract.client_position == int(day(at + 14).timestamp())
    assert told("dormant_release_asked") == [day(at)]


def paid_by_silence(contract: Contract, at: float) -> Payment:
    sweep(day(at + 14) - TICK)
    assert not Payment.objects.filter(paid_at__gt=NOON).exists()
    sweep(day(at + 14))
    return Payment.objects.get(paid_at__gt=NOON)


def test_silence_pays_the_active_milestone():
    contract = release_asked(98)

    payment = paid_by_silence(contract, 98)

    assert (payment.paid_at, payment.gross, payment.net) == (day(112), usd(500), usd(450))
    milestone, contract = milestone_of(contract), now_of(contract)
    assert (milestone.state, milestone.payment) == (MilestoneState.PAID, payment)
    assert (contract.state, contract.asks_to_end_since) == (ContractState.ACTIVE, day(112))
    assert dormancy_of(contract).state == DormancyState.PAID
    assert money_of(contract) == ("$0.00", "$0.00", "$450.00", "$0.00")
    assert contract.quiet_due_at == day(98 + 30)
    assert told("dormant_paid") == [day(112)]


def test_silence_raises_the_active_milestone_to_all_of_escrow():
    contract = leftover(usd(300))
    add_milestone(contract, usd(200))

    paid_by_silence(release_asked(98, contract=contract), 98)

    milestone = milestone_of(contract, 2)
    assert (milestone.amount, milestone.paid) == (usd(300), usd(300))
    assert money_of(contract)[0] == "$0.00"


def test_silence_pays_a_final_payment_where_no_milestone_is_active():
    contract = release_asked(98, contract=with_leftover())

    payment = paid_by_silence(contract, 98)

    final = milestone_of(contract, 2)
    assert (final.title, final.state, final.payment) == (
        "Final payment",
        MilestoneState.PAID,
        payment,
    )
    assert payment.gross == usd(300)
    assert money_of(contract)[0] == "$0.00"


def test_late_sweep_pays_as_of_when_it_was_due():
    release_asked(98)

    sweep(day(140))

    assert Payment.objects.get().paid_at == day(112)
    assert Payment.objects.get().available_at == day(117)


def test_answer_of_the_client_is_no_silence():
    contract = release_asked(98)

    with clock.at(day(112) - TICK):
        write(contract, Side.CLIENT)
    sweep(day(112))

    assert dormancy_of(contract).state == DormancyState.WOKEN
    assert not Payment.objects.exists()
    assert Notice.objects.filter(kind="contracts.contract_goes_on", facts__asked_for=True).exists()


def test_message_of_the_talent_belongs_to_its_question():
    contract = release_asked(98)

    with clock.at(day(100)):
        write(contract, Side.TALENT)
    assert dormancy_of(contract).state == DormancyState.RELEASE_ASKED
    assert now_of(contract).last_activity_at == day(100)
    sweep(day(112))

    assert dormancy_of(contract).state == DormancyState.PAID


def test_still_working_takes_the_question_back():
    contract = release_asked(98)

    with clock.at(day(99)):
        dormancy.still_working(contract, by=owner_of(contract.talent))
    sweep(day(112))

    assert dormancy_of(contract).state == DormancyState.WOKEN
    assert money_of(contract)[0] == "$500.00"


def test_release_is_asked_once_by_who_may_ask():
    contract = release_asked(98)
    before = everything_of(contract)

    with clock.at(day(99)):
        with pytest.raises(Overtaken, match="asked for its release before"):
            dormancy.ask_for_release(contract, by=owner_of(contract.talent))
        with pytest.raises(NotYours, match="Only"):
            dormancy.ask_for_release(contract, by=owner_of(contract.client))
        with pytest.raises(NotYours, match="owner or manager"):
            dormancy.ask_for_release(contract, by=member_of(contract.talent))

    assert everything_of(contract) == before


def test_release_is_asked_of_dormant_contracts_alone():
    contract = slept(83)

    with clock.at(day(84)), pytest.raises(Overtaken, match="not dormant"):
        dormancy.ask_for_release(contract, by=owner_of(contract.talent))


def test_note_is_not_longer_than_it_may_be():
    contract = slept(90)
    before = everything_of(contract)

    with clock.at(day(91)), pytest.raises(InvalidInput):
        dormancy.ask_for_release(contract, note="x" * 2001, by=owner_of(contract.talent))

    assert everything_of(contract) == before


# A sweep that comes late -------------------------------------------------------------------------


def test_who_is_asked_late_has_all_of_their_days():
    """No sweep for a month at each step: nobody loses money without having been asked."""
    contract = slept(83)

    sweep(day(120))
    assert (dormancy_of(contract).since, dormancy_of(contract).due_at) == (day(90), day(127))
    sweep(day(150))
    assert dormancy_of(contract).due_at == day(157)
    sweep(day(157) - TICK)
    assert now_of(contract).state == ContractState.ACTIVE
    sweep(day(190))

    assert now_of(contract).ended_at == day(190)


def test_first_who_enters_finds_what_the_clock_decided():
    contract = slept(97)

    with clock.at(day(104)):
        write(contract, Side.TALENT)

    assert now_of(contract).state == ContractState.ENDED
    assert contract.messages.count() == 1


def test_dormant_contracts_are_found_by_an_index(django_assert_max_num_queries):
    with django_assert_max_num_queries(2):
        for name in ("contracts.quiet_reminders", "contracts.dormancies_pass"):
            sweeping.registered()[name].number_due(day(400))


def test_end_of_a_contract_that_never_slept_asks_for_no_dormancy(django_assert_max_num_queries):
    contract = funded().contract
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        write(contract)

    assert not [one for one in asked.captured_queries if "contracts_dormancy" in one["sql"]]
