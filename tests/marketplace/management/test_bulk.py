"""A large demo market is what the real doors would have made."""

import io
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count, F

from contracts.models import Bonus, BonusRequest, Contract, Milestone, Stretch, Week
from contracts.queries import jobs_page
from contracts.queries.jobs import Asked
from contracts.states import (
    BonusRequestState,
    BonusState,
    ContractKind,
    ContractState,
    MilestoneState,
    WeekState,
)
from feedback.models import Feedback
from marketplace import auditing, clock, sweeping
from marketplace.management.demo import STARTS_AT, bulk, lives
from marketplace.management.demo.progress import Progress
from marketplace.models import Party, User
from payments.models import Account, EscrowRefundRequest, Payment, RefundRequest, SplitProposal
from payments.states import (
    OPEN_REQUESTS,
    PaymentKind,
    RefundRequestState,
    RequestState,
    SplitState,
)
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def market():
    bulk.build(105, now=STARTS_AT)
    with clock.at(STARTS_AT):
        yield


def test_bulk_market_satisfies_the_audit(market):
    assert str(auditing.run()) == ""


def test_bulk_market_has_contracts_in_every_state_that_matters(market):
    states = set(Contract.objects.values_list("state", flat=True))
    milestones = set(Milestone.objects.values_list("state", flat=True))

    assert Contract.objects.count() == 105
    assert {ContractState.OFFERED, ContractState.ACTIVE, ContractState.ENDED} <= states
    assert set(MilestoneState) - milestones == {MilestoneState.PROPOSED, MilestoneState.DECLINED}
    assert Account.objects.filter(kind="escrow", balance_minor__gt=0).exists()
    assert max(Counter(Feedback.objects.values_list("contract", flat=True)).values()) == 2


def test_bulk_market_has_requests_in_every_state_that_matters(market):
    requests = set(EscrowRefundRequest.objects.values_list("state", flat=True))
    splits = set(SplitProposal.objects.values_list("state", flat=True))

    assert set(OPEN_REQUESTS) <= requests
    assert {RequestState.ACCEPTED, RequestState.AGREED, RequestState.DECIDED} <= requests
    assert {SplitState.OPEN, SplitState.ACCEPTED, SplitState.LAPSED} <= splits


def test_bulk_market_has_money_that_came_back(market):
    refunds = set(RefundRequest.objects.values_list("state", flat=True))

    assert {RefundRequestState.WAITING, RefundRequestState.GRANTED} <= refunds
    assert Payment.objects.filter(refunded_minor=F("gross_minor")).exists()
    assert set(Bonus.objects.values_list("state", flat=True)) == {BonusState.PAID}
    assert BonusRequest.objects.filter(state=BonusRequestState.WAITING).exists()


def test_bulk_market_reminds_of_contracts_on_which_nothing_happens(market):
    running = Contract.objects.filter(state=ContractState.ACTIVE)

    assert running.filter(quiet_told=1).exists()
    assert all(one.quiet_due_at > STARTS_AT for one in running.exclude(quiet_due_at=None))


def test_bulk_market_has_hours_in_every_state_that_matters(market):
    hourly = Contract.objects.filter(kind=ContractKind.HOURLY)

    assert set(hourly.values_list("state", flat=True)) == {"offered", "active", "ended"}
    assert Week.objects.filter(state=WeekState.OPEN).exists()
    assert Week.objects.exclude(review_until=None).exists()
    assert Payment.objects.filter(kind=PaymentKind.HOURS, matured_at=None).exists()
    assert Payment.objects.filter(kind=PaymentKind.HOURS).exclude(matured_at=None).exists()


def test_nobody_in_the_bulk_market_works_twice_at_the_same_time(market):
    ends = {}
    for stretch in Stretch.objects.order_by("person", "starts_at"):
        assert ends.get(stretch.person_id, stretch.starts_at) <= stretch.starts_at
        ends[stretch.person_id] = stretch.ends_at


def test_bulk_market_can_have_a_week_due_for_each_contract():
    monday = datetime(2026, 11, 16, 12, tzinfo=UTC)

    bulk.build(40, now=monday - timedelta(seconds=1), scenes=lives.A_WEEK_DUE)

    with clock.at(monday):
        sweeping.run()
        assert Week.objects.filter(state=WeekState.PAID).count() == 40
        assert str(auditing.run()) == ""


def test_bulk_market_leaves_nothing_due(market):
    assert [one.name for one in sweeping.run(dry_run=True) if one.listed] == []


def test_bulk_market_sorts_deadlines_before_activity(market):
    client = Party.objects.annotate(number=Count("client_contracts")).latest("number")

    page = jobs_page(factories.owner_of(client), Asked(tab="all"), cursor=None)

    positions = [row.contract.client_position for row in page.rows]
    assert len(positions) == 20
    assert positions == sorted(positions)


def test_bulk_market_is_the_same_every_time(market):
    first = list(Contract.objects.order_by("pk").values_list("reference", "title", "state"))
    bulk.build(105, now=STARTS_AT)
    second = Contract.objects.order_by("pk").values_list("reference", flat=True)[105:]

    reference, title, state = first[0]
    assert (reference, title, state) == ("C-P2ZNNZ7Q", "Survey photography for summer", "ended")
    assert not {reference for reference, _, _ in first} & set(second)


def test_bulk_market_grows_beside_what_is_there_and_stays_clean(market):
    milestone = factories.funded(factories.usd(500))

    bulk.build(25, now=STARTS_AT)
    factories.submit(milestone)

    assert Contract.objects.count() == 131
    assert str(auditing.run()) == ""


def test_bulk_market_goes_on_through_the_real_doors(market):
    milestone = Milestone.objects.filter(state=MilestoneState.SUBMITTED).first()

    factories.approve(milestone)
    sweeping.run(as_of=milestone.review_until + (milestone.review_until - milestone.submitted_at))

    assert str(auditing.run()) == ""


def test_market_for_measuring_lets_nobody_sign_in():
    out = io.StringIO()

    call_command("demo", contracts=5, for_measuring=True, stdout=out)

    assert out.getvalue() == "5 contracts were added.\n"
    assert not any(user.has_usable_password() for user in User.objects.all())


def test_market_for_measuring_wants_an_empty_database():
    factories.UserFactory()

    with pytest.raises(CommandError, match="needs an empty database"):
        call_command("demo", contracts=5, for_measuring=True)

    assert Contract.objects.count() == 0


def test_many_contracts_are_refused_where_no_demo_is():
    with pytest.raises(CommandError, match="set DEMO=1"):
        call_command("demo", contracts=5)

    assert User.objects.count() == 0


def test_progress_speaks_to_terminals_alone():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal, file = Terminal(), io.StringIO()
    for stream in (terminal, file):
        Progress(2_000, "contracts", stream).show(2_000)

    assert file.getvalue() == ""
    assert terminal.getvalue().startswith(f"\r[{'#' * 30}] 2,000 of 2,000 contracts")
    assert terminal.getvalue().endswith("\n")
