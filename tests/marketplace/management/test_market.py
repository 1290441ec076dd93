"""The demo market: every page of it, for everybody in it, and its books."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse

from contracts import billing, owing, terms, weeks
from contracts.models import BonusRequest, Contract, HoursDispute, Week
from contracts.states import ContractState, DisputeState, WeekState
from marketplace import auditing, clock, sweeping
from marketplace.management.demo import STARTS_AT, market
from marketplace.models import Case, Party, User
from marketplace.money import Money
from marketplace.states import CaseState
from payments.models import (
    Chargeback,
    EscrowRefundRequest,
    GatewayOperation,
    Payment,
    RefundRequest,
)
from payments.states import (
    ChargebackState,
    OperationKind,
    OperationState,
    RequestState,
    StatementKind,
)

pytestmark = pytest.mark.django_db

EVERYBODY = ("client", "freelancer", "agency", "member", "late")


@pytest.fixture
def opened(settings):
    settings.DEMO = True
    market.build()


def test_demo_market_has_its_rows_and_a_clean_audit(opened):
    states = dict(Contract.objects.values_list("title", "state"))

    assert states == {
        "Product photography": ContractState.ENDED,
        "Landing page redesign": ContractState.ACTIVE,
        "Annual report layout": ContractState.ENDED,
        "Logo refresh": ContractState.ACTIVE,
        "Newsletter series": ContractState.ENDED,
        "Mobile app prototype": ContractState.ENDED,
        "Podcast editing": ContractState.OFFERED,
        "Data pipeline support": ContractState.ACTIVE,
        "Quarterly bookkeeping": ContractState.ACTIVE,
        "Customer survey": ContractState.ACTIVE,
        "Archive scans": ContractState.ENDED,
        "Trade fair banner": ContractState.ENDED,
        "Price list": ContractState.ENDED,
        "Window stickers": ContractState.ENDED,
    }
    assert auditing.run().clean
    assert clock.now() >= STARTS_AT


def test_demo_market_leaves_support_one_request_to_decide(opened):
    held = EscrowRefundRequest.objects.get(state=RequestState.MEDIATING)
    said = [(one.kind, len(one.links)) for one in held.statements.all()]

    assert (held.book.title, held.amount.format()) == ("Newsletter series", "$250.00")
    assert said == [(StatementKind.DISPUTE, 1), (StatementKind.REJECTION, 1)]


def test_demo_market_leaves_support_hours_that_a_client_owes(opened):
    week = Week.objects.select_related("contract__client").get(state=WeekState.UNPAID)
    case = Case.objects.get(contract_reference=week.contract.reference)

    assert (week.contract.title, week.contract.client.name) == ("Price list", "Demo Late Payer")
    assert billing.owed(week) == Money(18_000)
    assert (week.retry_at, case.state) == (None, CaseState.OPEN)
    assert not owing.client_owes(Party.objects.get(name="North Studio"))


def test_demo_market_shows_money_that_left_and_came_back(opened):
    withdrawn = GatewayOperation.objects.filter(kind=OperationKind.PAYOUT).order_by("pk")
    lost = Chargeback.objects.select_related("book").get()

    assert [(one.amount, one.state) for one in withdrawn] == [
        (Money(30_000), OperationState.SUCCEEDED),
        (Money(15_000), OperationState.RETURNED),
    ]
    assert (lost.book.title, lost.state) == ("Window stickers", ChargebackState.LOST)
    assert lost.from_operator == Money(12_000)


def test_demo_market_leaves_each_side_a_question_of_money_that_comes_back(opened):
    asked = RefundRequest.objects.select_related("payment__book").get(closed_at=None)
    wanted = BonusRequest.objects.select_related("contract").get(closed_at=None)

    assert (asked.payment.book.title, asked.amount) == ("Trade fair banner", Money(8_000))
    assert (wanted.contract.title, wanted.minutes) == ("Archive scans", 40)
    assert wanted.contract.bonuses.get().payment.net == Money(3_600)


def test_demo_market_leaves_support_one_dispute_of_hours_to_decide(opened):
    dispute = HoursDispute.objects.get(state=DisputeState.DECLINED)

    assert (dispute.contract.title, dispute.minutes) == ("Customer survey", 60)
    assert dispute.week.payment.held


def test_demo_market_has_six_hours_and_ten_minutes_this_week(opened):
    contract = Contract.objects.get(title="Data pipeline support")
    week = contract.weeks.get(starts_on=date(2026, 11, 16))

    assert (week.state, week.minutes) == (WeekState.OPEN, 370)
    assert contract.rate == Money(6_000)
    assert terms.limit_of(contract, week.starts_on) == 20 * 60


def test_demo_market_has_a_contract_that_the_member_works(opened):
    contract = Contract.objects.get(title="Quarterly bookkeeping")
    works = contract.assignments.get(until=None).membership

    assert works.user.email == "member@example.com"
    assert set(contract.stretches.values_list("membership", flat=True)) == {works.pk}


def test_demo_market_is_billed_reviewed_and_paid_as_its_clock_goes_forward(opened):
    week = Week.objects.get(contract__title="Data pipeline support", state=WeekState.OPEN)

    clock.forward(weeks.bills_at(week.starts_on) - clock.now())
    sweeping.run()
    week = Week.objects.select_related("payment").get(pk=week.pk)
    assert (week.state, week.payment.gross, week.payment.net) == (
        WeekState.PAID,
        Money(37_000),
        Money(33_300),
    )
    clock.forward(week.payment.available_at - clock.now())
    sweeping.run()

    week = Week.objects.select_related("payment").get(pk=week.pk)
    assert (week.review_until, week.payment.pending_left) == (None, Money(0))
    assert auditing.run().clean


@pytest.mark.parametrize("who", EVERYBODY)
def test_demo_market_shows_every_page_to(opened, who):
    client = Client()
    client.force_login(User.objects.get(email=f"{who}@example.com"))

    answers = {address: client.get(address).status_code for address in _addresses()}

    wrong = {address: code for address, code in answers.items() if code not in (200, 302, 403, 404)}
    assert wrong == {}


def _addresses() -> list[str]:
    found = [reverse(name) for name in ("jobs", "new_contract", "payments", "inbox", "account")]
    found += [f"{reverse('jobs')}?tab={tab}" for tab in ("offers", "ended", "all")]
    for contract in Contract.objects.all():
        of_contract = ("room", "room_payments", "offer", "end_contract", "feedback")
        found += [reverse(name, args=[contract.reference]) for name in of_contract]
        more = ("add_milestone", "propose_milestone", "give_bonus", "ask_bonus", "ask_release")
        found += [reverse(name, args=[contract.reference]) for name in more]
        found.append(f"{reverse('new_contract')}?again={contract.reference}")
        for milestone in contract.milestones.all():
            of_milestone = ("edit", "fund", "submit", "changes", "extend", "approve")
            found += [
                reverse(f"milestone_{name}", args=[contract.reference, milestone.number])
                for name in of_milestone
            ]
        for week in contract.weeks.all():
            of_week = [contract.reference, week.starts_on]
            found += [reverse(name, args=of_week) for name in ("week_pay", "hours_dispute_new")]
            found.append(f"{reverse('diary', args=[contract.reference])}?week={week.starts_on}")
    found += [dispute.get_absolute_url() for dispute in HoursDispute.objects.all()]
    for payment in Payment.objects.all():
        found += [reverse(name, args=[payment.pk]) for name in ("give_refund", "ask_refund")]
    for request in EscrowRefundRequest.objects.all():
        found.append(reverse("escrow_refund", args=[request.pk]))
        of_request = ("let_go", "split", "dispute", "pay_instead", "reject", "add")
        found += [reverse(f"escrow_refund_{name}", args=[request.pk]) for name in of_request]
    return found
