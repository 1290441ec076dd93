"""Offers: made, accepted, declined, withdrawn, expired; with and without money in escrow."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from contracts import offers
from contracts.models import Assignment, Contract
from contracts.offers import MilestoneDraft
from contracts.states import ContractKind, ContractState, MilestoneState
from marketplace import clock, parties, sweeping
from marketplace.actors import Actor
from marketplace.models import Membership, Notice
from marketplace.money import Money
from marketplace.refusals import InvalidInput, KeyReused, NotYours, Overtaken
from marketplace.states import PartyKind, Role
from payments.gateways import sandbox
from payments.models import GatewayOperation
from tests.factories import (
    NOON,
    AgencyFactory,
    FreelancerFactory,
    MembershipFactory,
    PartyFactory,
    StaffFactory,
    UserFactory,
    active,
    ended,
    funded,
    hourly_offer,
    member_of,
    milestone_of,
    money_of,
    offered,
    owner_of,
    usd,
)
from tests.support.asserting import assert_audit_clean, refused

pytestmark = pytest.mark.django_db


def make(client, talent, **values) -> Contract:
    given = {
        "title": "Logo",
        "description": "A mark and a word.",
        "currency": "USD",
        "milestones": [MilestoneDraft("Draft", usd(450))],
        "fund_first": False,
        "key": "",
        "by": owner_of(client),
    }
    return offers.make(talent=talent, **(given | values))


# Making one --------------------------------------------------------------------------------------


def test_offer_goes_out_at_once_and_expires_in_seven_days():
    client, talent = PartyFactory(), FreelancerFactory()
    owner_of(talent)

    contract = make(client, talent)

    assert contract.state == ContractState.OFFERED
    assert contract.offered_at == NOON
    assert contract.expires_at == NOON + timedelta(days=7)
    assert (contract.client, contract.talent) == (client, talent)
    assert milestone_of(contract).state == MilestoneState.PLANNED
    assert contract.book.talent_fee == 1_000
    told = Notice.objects.filter(kind="contracts.offer_made")
    assert {one.party_id for one in told} == {client.pk, talent.pk}
    assert_audit_clean()


def test_offer_funded_first_says_so_with_money_in_escrow():
    contract = offered(usd(500), fund_first=True)

    assert milestone_of(contract).state == MilestoneState.FUNDED
    assert money_of(contract) == ("$500.00", "$0.00", "$0.00", "$0.00")


@pytest.mark.parametrize("method", [sandbox.DECLINES, sandbox.TIMES_OUT, sandbox.NEVER_ANSWERS])
def test_offer_stands_without_its_money(method):
    contract = offered(fund_first=True, method=method)

    assert contract.state == ContractState.OFFERED
    assert milestone_of(contract).state == MilestoneState.PLANNED
    assert money_of(contract)[0] == "$0.00"


def test_offer_sent_twice_is_one_offer_and_one_charge():
    client, talent = PartyFactory(), FreelancerFactory()
    values = {"key": "form-1", "fund_first": True, "method": sandbox.ACCEPTS}

    first, second = (make(client, talent, **values) for _ in range(2))

    assert first == second
    assert Contract.objects.count() == 1
    assert money_of(first) == ("$450.00", "$0.00", "$0.00", "$0.00")


@pytest.mark.parametrize(
    "other",
    [
        {"title": "Another"},
        {"description": "Other words"},
        {"milestones": [MilestoneDraft("Draft", usd(451))]},
        {"fund_first": True, "method": sandbox.ACCEPTS},
    ],
)
def test_offer_sent_again_with_other_terms_is_refused(other):
    client, talent = PartyFactory(), FreelancerFactory()
    make(client, talent, key="form-1")

    with pytest.raises(KeyReused):
        make(client, talent, key="form-1", **other)

    assert Contract.objects.count() == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"currency": "JPY"}, "currency"),
        ({"milestones": []}, "milestone"),
        ({"milestones": [MilestoneDraft("Draft", usd("4.99"))]}, "amount"),
        ({"milestones": [MilestoneDraft("Draft", usd(0))]}, "amount"),
        ({"milestones": [MilestoneDraft("Draft", -usd(50))]}, "amount"),
        ({"milestones": [MilestoneDraft("Draft", usd("1000000.01"))]}, "amount"),
        ({"milestones": [MilestoneDraft("Draft", Money(50_000, "EUR"))]}, "amount"),
        ({"milestones": [MilestoneDraft("Draft", usd(50), date(2026, 11, 18))]}, "due_on"),
        ({"fund_first": True}, "method"),
        ({"fund_first": True, "method": "cash"}, "method"),
    ],
)
def test_offer_with_bad_input_is_refused_at_its_field(values, field):
    client, talent = PartyFactory(), FreelancerFactory()

    with pytest.raises(InvalidInput) as refusal:
        make(client, talent, **values)

    assert refusal.value.field == field
    assert Contract.objects.count() == 0


@pytest.mark.parametrize("amount", [usd(5), usd(1_000_000)])
def test_offer_may_be_for_the_least_and_the_most(amount):
    draft = MilestoneDraft("Draft", amount, date(2026, 11, 19))

    contract = make(PartyFactory(), FreelancerFactory(), milestones=[draft])

    assert milestone_of(contract).amount == amount


def test_offer_between_parties_that_share_a_person_is_refused():
    client, talent, person = PartyFactory(), FreelancerFactory(), UserFactory()
    owner_of(client)
    for party in (client, talent):
        MembershipFactory(party=party, user=person, role=Role.MEMBER)

    with pytest.raises(InvalidInput, match="one person belongs to both sides"):
        make(client, talent)

    assert Contract.objects.count() == 0


def test_offer_after_the_shared_person_left_is_possible():
    client, talent, person = PartyFactory(), FreelancerFactory(), UserFactory()
    owner_of(client)
    for party in (client, talent):
        MembershipFactory(party=party, user=person, role=Role.MEMBER)
    Membership.objects.filter(user=person, party=client).update(left_at=NOON)

    assert make(client, talent).is_offered


def test_offer_to_a_client_is_refused():
    with pytest.raises(InvalidInput, match="Choose a freelancer or an agency"):
        make(PartyFactory(), PartyFactory())


@pytest.mark.parametrize(
    "by",
    [
        lambda: owner_of(FreelancerFactory()),
        lambda: member_of(PartyFactory()),
        lambda: Actor.support(StaffFactory()),
    ],
    ids=["talent", "plain member", "support"],
)
def test_offer_by_anyone_but_a_clients_owner_or_manager_is_refused(by):
    with pytest.raises(NotYours):
        make(PartyFactory(), FreelancerFactory(), by=by())

    assert Contract.objects.count() == 0


def test_offer_by_a_manager_is_possible():
    client = PartyFactory()

    assert make(client, FreelancerFactory(), by=member_of(client, Role.MANAGER)).client == client


# The answer --------------------------------------------------------------------------------------


def test_accepting_begins_the_contract_and_assigns_who_accepted():
    contract = offered()
    by = owner_of(contract.talent)

    contract = offers.accept(contract, by=by)

    assert (contract.state, contract.answered_at) == (ContractState.ACTIVE, NOON)
    assert [one.membership for one in contract.assignments.all()] == [by.membership]
    assert_audit_clean()


def test_accepting_while_the_charge_is_open_funds_the_milestone_when_it_is_confirmed():
    contract = offered(fund_first=True, method=sandbox.TIMES_OUT)

    contract = offers.accept(contract, by=owner_of(contract.talent))
    assert milestone_of(contract).state == MilestoneState.PLANNED
    sweeping.run(as_of=NOON + timedelta(minutes=1))

    assert milestone_of(contract).state == MilestoneState.FUNDED
    assert money_of(contract)[0] == "$500.00"
    assert_audit_clean()


@pytest.mark.parametrize(
    ("answer", "side", "state"),
    [
        (offers.decline, "talent", ContractState.DECLINED),
        (offers.withdraw, "client", ContractState.WITHDRAWN),
    ],
)
def test_offer_that_becomes_no_contract_returns_its_money_at_once(answer, side, state):
    contract = offered(fund_first=True)

    contract = answer(contract, by=owner_of(getattr(contract, side)))

    assert (contract.state, contract.answered_at) == (state, NOON)
    assert money_of(contract) == ("$0.00", "$500.00", "$0.00", "$0.00")
    assert milestone_of(contract).state == MilestoneState.CANCELLED
    assert Notice.objects.filter(kind="contracts.offer_closed").count() == 2
    assert_audit_clean()


def test_offer_expires_after_seven_days_and_returns_its_money():
    contract = offered(fund_first=True)

    sweeping.run(as_of=contract.expires_at - timedelta(microseconds=1))
    assert Contract.objects.get(pk=contract.pk).is_offered
    sweeping.run(as_of=contract.expires_at)

    assert Contract.objects.get(pk=contract.pk).state == ContractState.EXPIRED
    assert money_of(contract) == ("$0.00", "$500.00", "$0.00", "$0.00")
    assert_audit_clean()


@pytest.mark.parametrize("answer", [offers.accept, offers.decline])
def test_answer_on_the_instant_of_expiry_comes_too_late(answer):
    contract = offered(fund_first=True)

    with clock.at(contract.expires_at), refused(contract, Overtaken, "expired"):
        answer(contract, by=owner_of(contract.talent))


def test_answer_just_before_expiry_counts():
    contract = offered()

    with clock.at(contract.expires_at - timedelta(microseconds=1)):
        assert offers.accept(contract, by=owner_of(contract.talent)).is_active


@pytest.mark.parametrize("method", [sandbox.TIMES_OUT, sandbox.ANSWERS_TWICE])
def test_charge_confirmed_after_the_offer_was_withdrawn_becomes_credit(method):
    contract = offered(fund_first=True, method=method)
    offers.withdraw(contract, by=owner_of(contract.client))

    sweeping.run(as_of=NOON + timedelta(minutes=5))

    assert money_of(contract) == ("$0.00", "$500.00", "$0.00", "$0.00")
    assert_audit_clean()


@pytest.mark.parametrize("answer", [offers.accept, offers.decline, offers.withdraw])
@pytest.mark.parametrize("who", ["other side", "plain member", "stranger", "support"])
def test_answer_by_somebody_else_changes_nothing(answer, who):
    contract = offered(fund_first=True)
    own, other = contract.talent, contract.client
    if answer is offers.withdraw:
        own, other = other, own
    by = {
        "other side": lambda: owner_of(other),
        "plain member": lambda: member_of(own),
        "stranger": lambda: owner_of(FreelancerFactory()),
        "support": lambda: Actor.support(StaffFactory()),
    }[who]()

    with refused(contract, NotYours, "Only"):
        answer(contract, by=by)


@pytest.mark.parametrize("answer", [offers.accept, offers.decline, offers.withdraw])
def test_second_answer_reads_what_happened(answer):
    contract = active()
    side = contract.client if answer is offers.withdraw else contract.talent

    with refused(contract, Overtaken, "the contract is active now"):
        answer(contract, by=owner_of(side))


# Start again -------------------------------------------------------------------------------------


def test_starting_again_is_paid_from_the_returned_credit():
    milestone = funded()
    before = ended(milestone.contract, milestone.contract.talent and "talent")

    again = make(
        before.client,
        before.talent,
        follows=before,
        fund_first=True,
        method=sandbox.DECLINES,
        milestones=[MilestoneDraft("Draft", usd(500))],
    )

    assert again.follows == before
    assert milestone_of(again).state == MilestoneState.FUNDED
    assert money_of(again) == ("$500.00", "$0.00", "$0.00", "$0.00")
    assert not again.book.operations.exists()
    assert offers.accept(again, by=owner_of(again.talent)).is_active


def test_starting_again_what_has_not_ended_is_refused():
    contract = active()

    with refused(contract, Overtaken, "Starting again is for contracts that have ended."):
        make(contract.client, contract.talent, follows=contract)


def test_starting_again_a_contract_of_others_is_refused():
    theirs = ended(active())

    with pytest.raises(NotYours, match="Only"):
        make(PartyFactory(), theirs.talent, follows=theirs)

    assert Contract.objects.count() == 1


def test_offer_to_an_agency_is_possible():
    agency = FreelancerFactory(kind=PartyKind.AGENCY)

    assert make(PartyFactory(), agency).talent == agency


def test_offer_to_the_address_of_one_of_its_own_people_is_refused():
    client = PartyFactory()
    owner = owner_of(client)
    invited = parties.talent_by_email(owner.user.email)

    with pytest.raises(InvalidInput, match="one person belongs to both sides"):
        make(client, invited)

    assert not Contract.objects.exists()


def test_accept_by_a_side_that_came_to_share_a_person_is_refused():
    contract = offered()
    person = UserFactory()
    for party in (contract.client, contract.talent):
        MembershipFactory(party=party, user=person, role=Role.MEMBER)

    with pytest.raises(NotYours, match="one person belongs to both sides"):
        offers.accept(contract, by=owner_of(contract.talent))

    assert Contract.objects.get(pk=contract.pk).is_offered


# Hourly -----------------------------------------------------------------------------------------


def test_hourly_offer_goes_out_with_its_terms_and_charges_nothing():
    client, talent = PartyFactory(), FreelancerFactory()

    contract = hourly_offer(usd(60), client=client, talent=talent, hours=20)

    assert (contract.kind, contract.rate) == (ContractKind.HOURLY, usd(60))
    assert (contract.manual_time, contract.charge_method) == (True, sandbox.ACCEPTS)
    assert contract.expires_at == NOON + timedelta(days=7)
    limit = contract.week_limits.get()
    assert (limit.from_week, limit.minutes) == (date(2026, 11, 16), 20 * 60)
    assert not contract.milestones.exists()
    assert not GatewayOperation.objects.exists()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"rate": usd("0.99")}, "rate"),
        ({"rate": usd("1000.01")}, "rate"),
        ({"hours": 0}, "hours"),
        ({"hours": 169}, "hours"),
        ({"method": ""}, "method"),
        ({"method": "nothing"}, "method"),
    ],
)
def test_hourly_offer_with_bad_terms_is_refused_at_its_field(values, field):
    with pytest.raises(InvalidInput) as error:
        hourly_offer(**values)

    assert error.value.field == field
    assert not Contract.objects.exists()


@pytest.mark.parametrize(("rate", "hours"), [(usd(1), 1), (usd(1000), 168)])
def test_hourly_offer_may_be_for_the_least_and_the_most(rate, hours):
    contract = hourly_offer(rate, hours=hours)

    assert (contract.rate, contract.week_limits.get().minutes) == (rate, hours * 60)


def test_hourly_offer_sent_twice_is_one_and_with_other_terms_refused():
    client, talent = PartyFactory(), FreelancerFactory()
    given = {"client": client, "talent": talent, "title": "Pipeline", "key": "k"}

    assert hourly_offer(**given) == hourly_offer(**given)
    with pytest.raises(KeyReused):
        hourly_offer(**given, hours=21)
    assert Contract.objects.count() == 1


def test_whoever_accepts_works_on_it_unless_others_are_named():
    contract = hourly_offer(talent=AgencyFactory())
    one, other = member_of(contract.talent), member_of(contract.talent)

    works = [one.as_member, other.as_member, one.as_member]
    offers.accept(contract, works=works, by=owner_of(contract.talent))

    assigned = Assignment.objects.filter(contract=contract).order_by("pk")
    assert [row.membership for row in assigned] == [one.membership, other.membership]


def test_accepting_for_people_of_others_changes_nothing():
    contract = hourly_offer(talent=AgencyFactory())
    stranger = member_of(AgencyFactory())

    with pytest.raises(InvalidInput) as error:
        offers.accept(contract, works=[stranger.as_member], by=owner_of(contract.talent))

    assert error.value.field == "works"
    assert Contract.objects.get().is_offered
    assert not Assignment.objects.exists()


def test_hourly_offer_that_nobody_answers_expires():
    contract = hourly_offer()

    sweeping.run(as_of=NOON + timedelta(days=7))

    assert Contract.objects.get(pk=contract.pk).state == ContractState.EXPIRED
