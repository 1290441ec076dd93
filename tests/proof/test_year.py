"""A year of the demo market, from deadline to deadline: what is left to silence comes to its end.

What *Forward to the next deadline* does on a demo, again and again: the clock is moved to the next
instant at which something falls due, and the sweeps come by. Nothing fails, the audit stays clean,
and every contract ends up where the rule book says, with its money where it belongs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from contracts import dormancy, funding
from contracts.models import Contract
from contracts.states import ContractState, DisputeState, MilestoneState, Side, WeekState
from feedback.models import Feedback
from marketplace import clock, sweeping
from marketplace.management.demo import STARTS_AT, market
from marketplace.models import Notice
from marketplace.money import Money
from payments.gateways import sandbox
from payments.models import EscrowRefundRequest, GatewayOperation, Payment
from payments.states import OPEN_OPERATIONS, RequestState
from tests.factories import milestone_of, owner_of, reread, usd
from tests.support.asserting import assert_audit_clean
from tests.support.profile import DEEP

YEAR = timedelta(days=365)
AUDITED_EVERY = timedelta(0) if DEEP else timedelta(days=14)
Act = tuple[datetime, Callable[[], object]]

pytestmark = pytest.mark.django_db


@pytest.fixture
def _opened(settings):
    settings.DEMO = True
    market.build()


def replay(acts: Sequence[Act] = ()) -> None:
    """Let a year pass, on which people do these things and the clock the rest; nothing fails."""
    audited = STARTS_AT
    for now in instants(deque(acts), STARTS_AT + YEAR):
        with clock.at(now):
            outcomes = sweeping.run()
            assert not [(now, one.name) for one in outcomes if one.failed]
            if now - audited >= AUDITED_EVERY:
                assert_audit_clean()
                audited = now
    with clock.at(STARTS_AT + YEAR):
        assert_audit_clean()


def instants(acts: deque[Act], until: datetime) -> Iterator[datetime]:
    """The next instant at which something falls due, or somebody does something; then that one."""
    now = STARTS_AT
    while True:
        with clock.at(now):
            coming = [sweeping.next_due(now), acts[0][0] if acts else None]
        following = min((one for one in coming if one is not None), default=None)
        if following is None or following > until:
            return
        assert following > now, "time does not go on"
        now = following
        if acts and acts[0][0] == now:
            with clock.at(now):
                acts.popleft()[1]()
        yield now


def named(title: str) -> Contract:
    return Contract.objects.select_related("book__escrow_account").get(title=title)


def escrow_of(title: str) -> Money:
    return named(title).book.escrow


def told(title: str, side: Side = Side.CLIENT) -> list[tuple[str, datetime]]:
    """What a side was told of a contract that fell silent, and when."""
    kinds = ("contract_quiet", "dormancy_comes", "contract_dormant", "contract_ended")
    more = ("dormant_talent_asked", "dormant_release_asked", "dormant_paid")
    found = Notice.objects.filter(
        kind__in=[f"contracts.{kind}" for kind in (*kinds, *more)],
        facts__title=title,
        facts__side=side,
        created_at__gt=STARTS_AT,
    )
    rows = found.order_by("id").values_list("kind", "created_at")
    return [(kind.partition(".")[2], at) for kind, at in dict.fromkeys(rows)]


@pytest.mark.usefixtures("_opened")
def test_year_without_anybody():
    credit, logo = reread(named("Logo refresh").book).credit, named("Logo refresh")
    last = logo.last_activity_at
    assert (last, escrow_of("Logo refresh")) == (datetime(2026, 11, 17, 9, tzinfo=UTC), usd(300))

    replay()

    # Logo refresh: reminded, asked, given back, and ended by Closeout.
    days = {number: last + timedelta(days=number) for number in (30, 60, 76, 83, 90, 97, 104)}
    for side in Side:
        assert told("Logo refresh", side) == [
            ("contract_quiet", days[30]),
            ("contract_quiet", days[60]),
            ("dormancy_comes", days[76]),
            ("dormancy_comes", days[83]),
            ("contract_dormant", days[90]),
            ("dormant_talent_asked", days[97]),
            ("contract_ended", days[104]),
        ]
    logo = named("Logo refresh")
    assert (logo.state, logo.ended_at) == (ContractState.ENDED, days[104])
    assert (logo.ended_by_silence, logo.checklist.count()) == (True, 8)
    assert escrow_of("Logo refresh") == usd(0)
    assert not Feedback.objects.filter(contract=logo).exists()

    # Landing page redesign: the work that was submitted is paid when its review is over; then
    # nothing is in escrow, and both sides are reminded twice and left alone.
    landing = named("Landing page redesign")
    states = dict(landing.milestones.values_list("number", "state"))
    assert states == {
        1: MilestoneState.PAID,
        2: MilestoneState.PAID,
        3: MilestoneState.PLANNED,
    }
    assert (landing.state, landing.quiet_due_at) == (ContractState.ACTIVE, None)
    assert [kind for kind, _ in told("Landing page redesign")] == ["contract_quiet"] * 2

    # Mobile app prototype: nobody answered the request, and nothing was ever submitted.
    mobile = EscrowRefundRequest.objects.get(book__title="Mobile app prototype")
    assert (mobile.state, mobile.to_client) == (RequestState.LAPSED, usd(400))

    # Newsletter series: support has it, and silence decides nothing any more.
    newsletter = EscrowRefundRequest.objects.get(book__title="Newsletter series")
    assert (newsletter.state, newsletter.answer_by) == (RequestState.MEDIATING, None)
    assert escrow_of("Newsletter series") == usd(250)
    assert reread(logo.book).credit == credit + usd(300) + usd(400) + credit_of_offers()

    # Podcast editing: an offer that nobody answered is no contract.
    assert named("Podcast editing").state == ContractState.EXPIRED

    # Hourly contracts: this week was billed and paid; they stay open, reminded twice.
    for title in ("Data pipeline support", "Quarterly bookkeeping"):
        weeks = set(named(title).weeks.values_list("state", flat=True))
        assert weeks <= {WeekState.PAID, WeekState.NOTHING}
        assert named(title).state == ContractState.ACTIVE
        assert [kind for kind, _ in told(title)] == ["contract_quiet"] * 2

    # Customer survey: the dispute that was not answered waits for support, and so does its money.
    dispute = named("Customer survey").hours_disputes.get()
    assert dispute.state in (DisputeState.ESCALATED, DisputeState.DECLINED)
    assert list(Payment.objects.filter(held=True)) == [dispute.week.payment]

    assert not GatewayOperation.objects.filter(state__in=OPEN_OPERATIONS).exists()
    assert not Payment.objects.filter(held=False, matured_at=None).exists()
    assert not Notice.objects.exclude(email_due_at=None).exists()


def credit_of_offers() -> Money:
    """What came back from an offer that nobody accepted."""
    returned = named("Podcast editing").milestones.filter(funded_at__isnull=False)
    return Money(sum(one.amount_minor for one in returned), "USD")


@pytest.mark.usefixtures("_opened")
def test_year_in_which_the_talent_asks_for_its_release():
    """The client funds the last milestone of the landing page, and is never heard of again."""
    funded_at = datetime(2026, 12, 5, 10, tzinfo=UTC)
    asked_at = funded_at + timedelta(days=98)
    earned = sum(one.net_minor for one in named("Landing page redesign").book.payments.all())

    def fund() -> None:
        contract = named("Landing page redesign")
        by = owner_of(contract.client)
        funding.fund(milestone_of(contract, 3), method=sandbox.ACCEPTS, key="", by=by)

    def ask() -> None:
        contract = named("Landing page redesign")
        dormancy.ask_for_release(
            contract, note="It has been online since January.", by=owner_of(contract.talent)
        )

    replay([(funded_at, fund), (asked_at, ask)])

    landing = named("Landing page redesign")
    paid = landing.milestones.get(number=3)
    assert (paid.state, paid.paid_at) == (MilestoneState.PAID, asked_at + timedelta(days=14))
    assert (landing.state, landing.is_dormant) == (ContractState.ACTIVE, False)
    assert landing.asks_to_end_since == asked_at + timedelta(days=14)
    assert escrow_of("Landing page redesign") == usd(0)
    now_earned = sum(one.net_minor for one in landing.book.payments.all())
    assert now_earned - earned == usd(450).minor + usd(135).minor
    assert told("Landing page redesign", Side.TALENT) == [
        ("contract_quiet", funded_at + timedelta(days=30)),
        ("contract_quiet", funded_at + timedelta(days=60)),
        ("dormancy_comes", funded_at + timedelta(days=76)),
        ("dormancy_comes", funded_at + timedelta(days=83)),
        ("contract_dormant", funded_at + timedelta(days=90)),
        ("dormant_talent_asked", funded_at + timedelta(days=97)),
        ("dormant_release_asked", asked_at),
        ("dormant_paid", asked_at + timedelta(days=14)),
        ("contract_quiet", asked_at + timedelta(days=30)),
        ("contract_quiet", asked_at + timedelta(days=60)),
    ]


@pytest.mark.usefixtures("_opened")
def test_year_in_which_the_sweeps_come_once_a_month():
    """Later than due, yet everything comes to the same end, and who is asked has all their days."""
    for month in range(1, 13):
        with clock.at(STARTS_AT + timedelta(days=30 * month)):
            assert not [one.name for one in sweeping.run() if one.failed]
            assert_audit_clean()

    logo = named("Logo refresh")
    sleep = logo.dormancies.get()
    asked = logo.history.get(transition="ask_talent").at
    assert (logo.state, logo.ended_by_silence) == (ContractState.ENDED, True)
    assert sleep.since == datetime(2027, 2, 15, 9, tzinfo=UTC)
    begun = logo.history.get(transition="create", row_label="dormancy").at
    assert asked - begun >= timedelta(days=7)
    assert sleep.closed_at - asked >= timedelta(days=7)
    assert milestone_of(named("Landing page redesign"), 2).paid_at == datetime(
        2026, 12, 2, 14, 5, tzinfo=UTC
    )
    mobile = EscrowRefundRequest.objects.get(book__title="Mobile app prototype")
    assert mobile.state == RequestState.LAPSED
