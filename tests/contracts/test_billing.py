"""The weekly run: invoiced, charged, paid; declined, late, twice, killed; the client's way out."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction

from contracts import billing, diary, funding, hours_disputes, offers, quotes, terms, timers
from contracts.models import Contract, Timer, Week
from contracts.offers import HourlyTerms
from contracts.quotes import Quote
from contracts.states import ContractState, Side, WeekState
from marketplace import clock, sweeping, transitions
from marketplace.actors import Actor
from marketplace.models import Case, Notice
from marketplace.refusals import (
    FiguresChanged,
    InvalidInput,
    KeyReused,
    NotYours,
    Overtaken,
    Refused,
)
from payments import hours, ledger, operations
from payments.gateways import sandbox
from payments.gateways.base import SUCCEEDED, declined
from payments.models import GatewayOperation, Payment, SandboxCall
from payments.states import OperationState, PaymentKind
from tests.factories import (
    NOON,
    FreelancerFactory,
    StaffFactory,
    active,
    add_milestone,
    charge,
    ended,
    fund,
    hourly,
    member_of,
    money_of,
    offered,
    owner_of,
    planned,
    recorded,
    usd,
    week_of,
)
from tests.support.asserting import assert_audit_clean, everything_of, refused

pytestmark = pytest.mark.django_db

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
SATURDAY = datetime(2026, 11, 28, tzinfo=UTC)
WEDNESDAY = datetime(2026, 12, 2, tzinfo=UTC)


def worked(minutes: int = 120, **values) -> Week:
    """A week with time of this Thursday, from noon on."""
    contract = hourly(**values)
    with clock.at(NOON + minutes * MINUTE):
        recorded(contract, NOON, minutes)
    return week_of(contract)


def run(at: datetime = MONDAY, only: str | None = None) -> int:
    return sum(one.done for one in sweeping.run(as_of=at, only=only))


def billed(minutes: int = 120, *, credit=None, **values) -> Week:
    """The week after the weekly run."""
    week = worked(minutes, **values)
    if credit is not None:
        charge(week.contract.book, credit)
    run(only="contracts.hours_billed")
    return again(week)


def again(week: Week) -> Week:
    return Week.objects.select_related(
        "contract__client", "contract__talent", "contract__book__credit_account", "payment"
    ).get(pk=week.pk)


def unpaid(**values) -> Week:
    return billed(method=sandbox.DECLINES, **values)


def pay_now(week: Week, method: str = sandbox.ACCEPTS, *, key: str = "", by=None) -> Week:
    return billing.pay_now(week, method=method, key=key, by=by or owner_of(week.contract.client))


def charges(week: Week) -> list[tuple[str, str, str]]:
    found = GatewayOperation.objects.filter(book=week.contract.book_id).order_by("pk")
    return [(one.key, str(one.amount), one.state) for one in found]


def told(kind: str, week: Week) -> set[int]:
    found = Notice.objects.filter(kind=f"contracts.{kind}").order_by("pk")
    return {one.party_id for one in found if week.contract.title in str(one.facts)}


def both(week: Week) -> set[int]:
    return {week.contract.client_id, week.contract.talent_id}


# Monday 12:00 ------------------------------------------------------------------------------------


def test_week_is_invoiced_charged_and_paid():
    week = billed(130)

    assert (week.state, week.billable_minutes, week.amount) == (WeekState.PAID, 130, usd(130))
    assert (week.locked_at, week.invoiced_at, week.review_until) == (MONDAY, MONDAY, SATURDAY)
    payment = week.payment
    assert (payment.kind, payment.gross, payment.fee) == (PaymentKind.HOURS, usd(130), usd(13))
    assert (payment.paid_at, payment.available_at) == (MONDAY, WEDNESDAY)
    assert payment.title == "Hours, week of 16 November 2026"
    assert charges(week) == [(f"hours:{week.pk}:1", "$130.00", "succeeded")]
    assert money_of(week.contract) == ("$0.00", "$0.00", "$117.00", "$0.00")
    assert told("hours_invoiced", week) == told("hours_paid", week) == both(week)
    assert_audit_clean()


def test_week_is_not_billed_a_moment_before_noon():
    week = worked()

    assert run(MONDAY - timedelta(microseconds=1), "contracts.hours_billed") == 0
    assert again(week).state == WeekState.OPEN


def test_time_beyond_the_limit_is_not_billed():
    week = billed(150, hours=2)

    assert (week.minutes, week.billable_minutes, week.amount) == (150, 120, usd(120))
    assert_audit_clean()


def test_limit_lowered_on_monday_morning_leaves_the_week_before_alone():
    week = worked(150)
    with clock.at(MONDAY - timedelta(hours=3)):
        terms.set_limit(week.contract, hours=1, by=owner_of(week.contract.client))

    run()

    assert again(week).billable_minutes == 150


def test_amount_is_rounded_half_up_once():
    week = billed(50, rate=usd("7.77"))

    assert week.amount == usd("6.48")
    assert_audit_clean()


def test_week_whose_time_was_deleted_has_nothing_to_bill():
    week = worked()
    with clock.at(MONDAY - timedelta(hours=1)):
        diary.remove(week.stretches.get(), by=owner_of(week.contract.talent))

    run()

    week = again(week)
    assert (week.state, week.locked_at, week.invoiced_at) == (WeekState.NOTHING, MONDAY, None)
    assert charges(week) == []
    assert not told("hours_invoiced", week)
    assert_audit_clean()


def test_timer_that_runs_out_counts_before_its_week_is_billed():
    contract = hourly()
    with clock.at(datetime(2026, 11, 22, 23, 55, tzinfo=UTC)):
        timers.start(contract, by=owner_of(contract.talent))
    with clock.at(datetime(2026, 11, 22, 11, 30, tzinfo=UTC)):
        recorded(contract, NOON, 10)

    run(MONDAY + timedelta(hours=5), "contracts.hours_billed")

    first, second = Week.objects.order_by("starts_on")
    assert (first.minutes, first.state) == (10, WeekState.PAID)
    assert (second.minutes, second.state) == (11 * 60 + 50, WeekState.OPEN)
    assert Timer.objects.get().stopped_at == datetime(2026, 11, 23, 11, 55, tzinfo=UTC)
    assert_audit_clean()


def test_late_run_counts_from_when_it_was_due():
    week = worked()

    run(MONDAY + 2 * DAY)

    week = again(week)
    assert (week.locked_at, week.invoiced_at, week.review_until) == (MONDAY, MONDAY, SATURDAY)
    assert week.payment.paid_at == MONDAY + 2 * DAY
    assert week.payment.available_at == WEDNESDAY
    assert_audit_clean()


def test_run_after_the_review_leaves_nothing_to_dispute():
    week = worked()

    run(MONDAY + 9 * DAY)

    week = again(week)
    assert (week.state, week.review_until) == (WeekState.PAID, None)
    assert week.payment.available_at == MONDAY + 14 * DAY
    assert_audit_clean()


def test_money_is_available_five_days_after_a_late_charge():
    week = worked()

    run(MONDAY + 5 * DAY)

    assert again(week).payment.available_at == MONDAY + 10 * DAY


def test_whoever_enters_first_has_the_week_invoiced_and_the_sweep_of_charges_pays():
    week = worked()
    with clock.at(MONDAY + MINUTE), transaction.atomic():
        transitions.enter(Contract.objects.get())

    assert again(week).state == WeekState.INVOICED
    assert charges(week) == [(f"hours:{week.pk}:1", "$120.00", "started")]
    assert SandboxCall.objects.count() == 0
    run(MONDAY + 2 * MINUTE, "payments.charges")
    assert again(week).state == WeekState.PAID
    assert_audit_clean()


def test_both_weeks_of_a_monday_morning_end_are_billed_at_their_noon():
    week = worked()
    with clock.at(datetime(2026, 11, 23, 9, tzinfo=UTC)):
        recorded(week.contract, datetime(2026, 11, 23, 8, tzinfo=UTC), 60)
        ended(week.contract, Side.TALENT)

    run()

    first, second = Week.objects.order_by("starts_on")
    assert (first.amount, first.paid_at) == (usd(120), MONDAY)
    assert (second.amount, second.paid_at) == (usd(60), MONDAY)
    assert second.review_until == SATURDAY + 7 * DAY
    assert money_of(week.contract)[2] == "$162.00"
    assert_audit_clean()


# Credit ------------------------------------------------------------------------------------------


def test_credit_that_covers_all_pays_without_the_gateway():
    week = billed(credit=usd(150))

    assert (week.state, week.paid_at) == (WeekState.PAID, MONDAY)
    assert charges(week) == []
    assert money_of(week.contract)[:3] == ("$0.00", "$30.00", "$108.00")
    assert told("hours_invoiced", week) == both(week)
    assert not told("hours_paid", week)
    assert_audit_clean()


def test_credit_pays_first_and_the_rest_is_charged():
    week = billed(credit=usd(50))

    assert charges(week) == [(f"hours:{week.pk}:1", "$70.00", "succeeded")]
    assert money_of(week.contract)[:3] == ("$0.00", "$0.00", "$108.00")
    assert_audit_clean()


def test_rest_below_the_gateways_minimum_charges_the_minimum_and_leaves_credit():
    week = billed(credit=usd("119.80"))

    assert charges(week) == [(f"hours:{week.pk}:1", "$0.50", "succeeded")]
    assert money_of(week.contract)[1] == "$0.30"
    assert_audit_clean()


def test_credit_is_counted_on_once_for_all_contracts_of_a_client():
    first = worked()
    second = worked(talent=FreelancerFactory(), client=first.contract.client)
    charge(first.contract.book, usd(150))

    run(only="contracts.hours_billed")

    assert charges(first) == []
    assert charges(second) == [(f"hours:{second.pk}:1", "$90.00", "succeeded")]
    assert money_of(first.contract)[1] == "$0.00"
    assert_audit_clean()


def test_credit_spent_meanwhile_is_charged_again():
    week = worked(method=sandbox.TIMES_OUT)
    charge(week.contract.book, usd(50))
    run(only="contracts.hours_billed")
    with clock.at(MONDAY):
        fund(planned(usd(50), client=week.contract.client))

    run(MONDAY + MINUTE, "payments.charges")

    assert again(week).state == WeekState.INVOICED
    assert told("charge_kept_as_credit", week) == {week.contract.client_id}
    assert charges(week)[1:] == [(f"hours:{week.pk}:2", "$50.00", "started")]
    assert money_of(week.contract)[1] == "$70.00"
    assert_audit_clean()
    run(MONDAY + 5 * MINUTE)
    run(MONDAY + 10 * MINUTE)
    assert again(week).state == WeekState.PAID
    assert money_of(week.contract)[1] == "$0.00"
    assert_audit_clean()


# What the gateway answers ------------------------------------------------------------------------


def test_unknown_answer_leaves_the_week_invoiced_until_it_is_known():
    week = billed(method=sandbox.TIMES_OUT)

    assert week.state == WeekState.INVOICED
    assert charges(week) == [(f"hours:{week.pk}:1", "$120.00", "unknown")]
    assert_audit_clean()
    run(MONDAY + MINUTE)
    assert again(week).paid_at == MONDAY + MINUTE
    assert_audit_clean()


def test_charge_that_is_never_answered_is_called_off_and_tried_again():
    week = billed(method=sandbox.NEVER_ANSWERS)

    run(MONDAY + DAY)

    week = again(week)
    assert (week.state, week.unpaid_since) == (WeekState.UNPAID, MONDAY + DAY)
    assert week.contract.hold_since == MONDAY + DAY
    assert_audit_clean()


def test_answer_that_comes_twice_pays_once():
    week = billed(method=sandbox.ANSWERS_TWICE)
    operation = GatewayOperation.objects.get()

    run(MONDAY + DAY)
    billing.settle(operation.pk, SUCCEEDED)

    assert Payment.objects.count() == 1
    assert money_of(week.contract) == ("$0.00", "$0.00", "$108.00", "$0.00")
    assert_audit_clean()


def test_late_success_for_hours_that_are_not_owed_any_more_stays_credit():
    week = billed(method=sandbox.TIMES_OUT)
    with clock.at(MONDAY + timedelta(seconds=30)):
        segments = [(one.pk, start) for one, start in hours_disputes.billed_segments(week)]
        dispute = hours_disputes.file(
            week, segments=segments, reason="No.", key="", by=owner_of(week.contract.client)
        )
        hours_disputes.accept(dispute, by=owner_of(week.contract.talent))

    run(MONDAY + MINUTE)

    assert again(week).state == WeekState.REVERSED
    assert money_of(week.contract)[:3] == ("$0.00", "$120.00", "$0.00")
    assert told("charge_kept_as_credit", week) == {week.contract.client_id}
    assert_audit_clean()


def test_late_success_pays_what_is_owed_now_and_the_rest_stays_credit():
    week = billed(method=sandbox.TIMES_OUT)
    with clock.at(MONDAY + timedelta(seconds=30)):
        segments = [(one.pk, start) for one, start in hours_disputes.billed_segments(week)]
        dispute = hours_disputes.file(
            week, segments=segments[:3], reason="No.", key="", by=owner_of(week.contract.client)
        )
        hours_disputes.accept(dispute, by=owner_of(week.contract.talent))
    assert billing.owed(again(week)) == usd(90)

    run(MONDAY + MINUTE)

    assert again(week).payment.gross == usd(90)
    assert money_of(week.contract)[:3] == ("$0.00", "$30.00", "$81.00")
    assert_audit_clean()


def test_hours_in_dispute_are_paid_and_held():
    week = billed(method=sandbox.TIMES_OUT)
    with clock.at(MONDAY + timedelta(seconds=30)):
        segments = [(one.pk, start) for one, start in hours_disputes.billed_segments(week)]
        hours_disputes.file(
            week, segments=segments[:1], reason="No.", key="", by=owner_of(week.contract.client)
        )

    run(MONDAY + MINUTE)

    assert again(week).payment.held
    assert_audit_clean()


# Declined ----------------------------------------------------------------------------------------


def test_declined_charge_puts_the_contract_on_hold():
    week = worked(method=sandbox.DECLINES)
    with clock.at(MONDAY - timedelta(minutes=45)):
        timers.start(week.contract, by=owner_of(week.contract.talent))

    run(only="contracts.hours_billed")

    week = again(week)
    assert (week.state, week.unpaid_since) == (WeekState.UNPAID, MONDAY)
    assert week.retry_at == MONDAY + DAY
    assert (week.contract.state, week.contract.hold_since) == (ContractState.ACTIVE, MONDAY)
    assert Timer.objects.get().minutes == 40
    assert told("hours_declined", week) == {week.contract.client_id}
    assert told("contract_on_hold", week) == {week.contract.talent_id}
    with clock.at(MONDAY), refused(week.contract, Overtaken, "on hold"):
        recorded(week.contract, MONDAY - timedelta(hours=2), 10)
    assert_audit_clean()


def test_declined_charge_is_tried_again_daily_and_the_hold_stays_meanwhile():
    week = unpaid()
    Contract.objects.update(charge_method=sandbox.TIMES_OUT)

    run(MONDAY + DAY, "contracts.owed_hours_retried")

    week = again(week)
    assert (week.state, week.retry_at) == (WeekState.UNPAID, MONDAY + 2 * DAY)
    assert week.contract.hold_since == MONDAY
    assert charges(week)[1] == (f"hours:{week.pk}:2", "$120.00", "unknown")
    run(MONDAY + DAY + MINUTE)
    week = again(week)
    assert (week.state, week.unpaid_since, week.retry_at) == (WeekState.PAID, None, None)
    assert week.contract.hold_since is None
    assert told("hold_lifted", week) == both(week)
    assert_audit_clean()


def test_declined_again_tells_the_client_alone_and_waits_for_another_day():
    week = unpaid()
    Notice.objects.all().delete()

    run(MONDAY + DAY)

    week = again(week)
    assert (week.unpaid_since, week.retry_at) == (MONDAY, MONDAY + 2 * DAY)
    assert [state for *_, state in charges(week)] == ["declined", "declined"]
    assert told("hours_declined", week) == {week.contract.client_id}
    assert not told("contract_on_hold", week)
    assert_audit_clean()


def test_retry_waits_while_a_charge_is_open():
    week = unpaid()
    with clock.at(MONDAY + timedelta(hours=23, minutes=59, seconds=30)):
        pay_now(week, sandbox.NEVER_ANSWERS)

    run(MONDAY + DAY, "contracts.owed_hours_retried")

    assert len(charges(week)) == 2
    assert again(week).retry_at == MONDAY + 2 * DAY
    assert_audit_clean()


def test_retry_is_paid_from_credit_that_came_meanwhile():
    week = unpaid()
    charge(week.contract.book, usd(200))

    run(MONDAY + DAY)

    week = again(week)
    assert (week.state, len(charges(week))) == (WeekState.PAID, 1)
    assert told("hours_paid", week) == both(week)
    assert_audit_clean()


def test_hold_is_lifted_with_the_last_unpaid_week():
    first = worked(method=sandbox.DECLINES)
    with clock.at(datetime(2026, 11, 23, 9, tzinfo=UTC)):
        recorded(first.contract, datetime(2026, 11, 23, 8, tzinfo=UTC), 60)
        ended(first.contract, Side.TALENT)
    run(only="contracts.hours_billed")
    second = Week.objects.latest("starts_on")
    assert len(Notice.objects.filter(kind="contracts.contract_on_hold")) == 1

    with clock.at(MONDAY + MINUTE):
        pay_now(again(second))
        assert again(first).contract.hold_since == MONDAY
        assert_audit_clean()
        pay_now(again(first))

    assert again(first).contract.hold_since is None
    assert_audit_clean()


def test_support_takes_over_thirty_days_after_the_end():
    week = unpaid()
    with clock.at(MONDAY + MINUTE):
        ended(week.contract, Side.TALENT)
    for day in range(1, 30):
        run(MONDAY + day * DAY)
    assert again(week).retry_at == MONDAY + 30 * DAY
    assert not Case.objects.exists()

    for day in range(30, 35):
        run(MONDAY + day * DAY + MINUTE)

    week = again(week)
    assert (week.state, week.retry_at) == (WeekState.UNPAID, None)
    assert len(charges(week)) == 30
    case = Case.objects.get()
    assert (case.subject, case.party) == (f"Hours not paid: {week}", week.contract.client)
    assert case.contract_reference == week.contract.reference
    assert "$120.00 is owed" in case.messages.get().text
    assert told("hours_with_support", week) == both(week)
    assert_audit_clean()


def test_client_can_still_pay_when_support_has_it():
    test_support_takes_over_thirty_days_after_the_end()
    week = Week.objects.get()
    with clock.at(MONDAY + 40 * DAY):
        with pytest.raises(Refused, match="declined"):
            pay_now(week, sandbox.DECLINES)
        assert (again(week).retry_at, Case.objects.count()) == (None, 1)
        pay_now(again(week))

    assert again(week).state == WeekState.PAID
    assert again(week).contract.hold_since is None
    assert_audit_clean()


def test_dispute_that_takes_all_back_lifts_the_hold():
    week = unpaid()
    with clock.at(MONDAY + MINUTE):
        segments = [(one.pk, start) for one, start in hours_disputes.billed_segments(week)]
        dispute = hours_disputes.file(
            week, segments=segments, reason="No.", key="", by=owner_of(week.contract.client)
        )
        hours_disputes.accept(dispute, by=owner_of(week.contract.talent))

    week = again(week)
    assert (week.state, week.contract.hold_since) == (WeekState.REVERSED, None)
    assert told("hold_lifted", week) == both(week)
    assert_audit_clean()


# The client's way out ----------------------------------------------------------------------------


def test_pay_now_charges_the_chosen_method_and_keeps_it():
    week = unpaid()
    with clock.at(MONDAY + MINUTE):
        week = pay_now(week)

    assert (week.state, week.paid_at) == (WeekState.PAID, MONDAY + MINUTE)
    assert week.contract.charge_method == sandbox.ACCEPTS
    assert week.contract.hold_since is None
    assert billing.owed(week) == usd(0)
    assert_audit_clean()


def test_pay_now_uses_credit_first_and_needs_no_method_when_it_covers_all():
    week = unpaid()
    charge(week.contract.book, usd(130))
    assert billing.quote(again(week)) == Quote(usd(0), usd(120), usd(0), usd(0))

    with clock.at(MONDAY + MINUTE):
        week = pay_now(week, "")

    assert (week.state, len(charges(week))) == (WeekState.PAID, 1)
    assert Payment.objects.get().entry.actor_membership.party == week.contract.client
    assert_audit_clean()


def test_pay_now_takes_what_was_read_or_nothing():
    week = unpaid()
    seen = quotes.mark(billing.quote(again(week)))
    charge(week.contract.book, usd(20))
    values = {"method": sandbox.ACCEPTS, "key": "k" * 22, "by": owner_of(week.contract.client)}

    with clock.at(MONDAY + MINUTE):
        with refused(week.contract, FiguresChanged, "Nothing was charged."):
            billing.pay_now(week, seen=seen, **values)
        seen = quotes.mark(billing.quote(again(week)))
        paid = billing.pay_now(week, seen=seen, **values)

    assert paid.is_paid
    assert SandboxCall.objects.latest("pk").amount_minor == 10_000
    assert_audit_clean()


def test_pay_now_with_an_unknown_method_changes_nothing():
    week = unpaid()

    with clock.at(MONDAY), refused(week.contract, InvalidInput, "Choose how to pay."):
        pay_now(week, "cheque")
    assert again(week).contract.charge_method == sandbox.DECLINES


def test_pay_now_declined_says_why_and_the_week_stays_owed():
    week = unpaid()

    with clock.at(MONDAY + MINUTE), pytest.raises(Refused, match="The card was declined"):
        pay_now(week, sandbox.DECLINES)

    week = again(week)
    assert (week.state, week.retry_at) == (WeekState.UNPAID, MONDAY + DAY)
    assert billing.owed(week) == usd(120)
    assert_audit_clean()


def test_pay_now_sent_twice_charges_once():
    week = unpaid()
    with clock.at(MONDAY + MINUTE):
        pay_now(week, key="k" * 22)
        pay_now(week, key="k" * 22)
        with pytest.raises(KeyReused):
            pay_now(week, sandbox.DECLINES, key="k" * 22)

    assert len(charges(week)) == 2
    assert_audit_clean()


def test_pay_now_while_a_charge_is_open_is_refused():
    week = billed(method=sandbox.TIMES_OUT)

    with clock.at(MONDAY), refused(week.contract, Overtaken, "A charge for these hours is still"):
        pay_now(week)


def test_pay_now_of_what_is_paid_is_refused():
    week = billed()

    with clock.at(MONDAY), refused(week.contract, Overtaken, "Nothing is owed"):
        pay_now(week)


@pytest.mark.parametrize(
    "who",
    [
        lambda contract: owner_of(contract.talent),
        lambda contract: member_of(contract.client),
        lambda contract: owner_of(active().client),
        lambda contract: Actor.support(StaffFactory()),
    ],
    ids=["talent", "plain member", "stranger", "support"],
)
def test_pay_now_by_anyone_but_the_clients_owner_or_manager_is_refused(who):
    week = unpaid()
    with clock.at(MONDAY):
        by = who(week.contract)

        with refused(week.contract, NotYours, "Only"):
            pay_now(week, by=by)


def test_client_who_owes_neither_offers_nor_funds():
    week = worked(method=sandbox.DECLINES)
    client = week.contract.client
    milestone = planned(client=client)
    assert not billing.client_owes(client)
    run(only="contracts.hours_billed")
    assert billing.client_owes(client)

    sentence = f"The hours on {week.contract.title} are not paid yet."
    with clock.at(MONDAY):
        with refused(milestone.contract, Refused, sentence):
            funding.fund(milestone, method=sandbox.ACCEPTS, key="", by=owner_of(client))
        with refused(milestone.contract, Refused, sentence):
            offered(client=client)
        with refused(milestone.contract, Refused, sentence):
            offers.make_hourly(
                talent=week.contract.talent,
                title="More",
                description="",
                terms=HourlyTerms(usd(60), 20, manual_time=True, method=sandbox.ACCEPTS),
                key="",
                by=owner_of(client),
            )
        pay_now(week)
        fund(milestone)
        assert add_milestone(milestone.contract, usd(50))
    assert not billing.client_owes(client)


# Twice, late, killed -----------------------------------------------------------------------------


def test_second_run_changes_nothing():
    week = billed()
    before = everything_of(week.contract)

    assert run(only="contracts.hours_billed") == 0
    with clock.at(MONDAY):
        billing.bill([week.contract_id])
    assert everything_of(week.contract) == before


def test_many_contracts_are_billed_in_as_many_statements_as_two(django_assert_max_num_queries):
    for _ in range(2):
        worked()
    with django_assert_max_num_queries(80) as of_two:
        run(only="contracts.hours_billed")
    for _ in range(5):
        worked()
    with django_assert_max_num_queries(len(of_two) + 5 * 5):
        run(MONDAY, "contracts.hours_billed")

    assert set(Week.objects.values_list("state", flat=True)) == {WeekState.PAID}
    assert_audit_clean()


class Killed(BaseException):
    """The process is gone here."""


KILLS = {
    "before the invoice is told": (transitions.Changes, "write"),
    "before the intent is written": (operations, "start_all"),
    "before the call": (operations, "call_all"),
    "before the charge is posted": (operations, "record_all"),
    "before the hours are posted": (hours, "pay_all"),
    "before the entries are written": (ledger, "post_all"),
    "before the last update": (billing._Run, "write"),
}


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("cut", KILLS)
def test_killed_run_is_finished_by_the_next(monkeypatch, cut, times):
    week, poor = worked(), worked(method=sandbox.DECLINES)
    place, name = KILLS[cut]
    passed, real = [], getattr(place, name)

    def dies(*args, **kwargs):
        passed.append(name)
        if len(passed) == times:
            raise Killed
        return real(*args, **kwargs)

    with monkeypatch.context() as patched, clock.at(MONDAY):
        patched.setattr(place, name, dies)
        with suppress(Killed):
            billing.bill([week.contract_id, poor.contract_id])

    run(MONDAY + MINUTE)

    assert again(week).state == WeekState.PAID
    assert again(poor).state == WeekState.UNPAID
    assert SandboxCall.objects.count() == 2
    assert Payment.objects.count() == 1
    assert money_of(week.contract) == ("$0.00", "$0.00", "$108.00", "$0.00")
    assert_audit_clean()


def test_call_that_was_made_before_the_kill_is_not_made_again():
    week = worked()
    with clock.at(MONDAY):
        with transaction.atomic():
            transitions.enter(Contract.objects.get())
        operations.call_all([GatewayOperation.objects.get().pk])

    run(MONDAY + MINUTE)

    assert SandboxCall.objects.count() == 1
    assert charges(week) == [(f"hours:{week.pk}:1", "$120.00", "succeeded")]
    assert money_of(week.contract)[2] == "$108.00"
    assert_audit_clean()


# The review --------------------------------------------------------------------------------------


def test_review_that_ends_moves_the_contract_in_my_jobs_without_any_activity():
    week = billed()
    active_at = week.contract.last_activity_at
    assert week.contract.client_position == int(SATURDAY.timestamp())

    assert run(SATURDAY - timedelta(microseconds=1), "contracts.hours_reviews_end") == 0
    assert run(SATURDAY, "contracts.hours_reviews_end") == 1

    week = again(week)
    assert week.review_until is None
    assert week.contract.last_activity_at == active_at
    assert week.contract.client_position == week.contract.talent_position
    assert_audit_clean()


def test_hours_become_available_on_wednesday():
    week = billed()

    run(WEDNESDAY - timedelta(microseconds=1))
    assert money_of(week.contract)[2:] == ("$108.00", "$0.00")
    run(WEDNESDAY)

    assert money_of(week.contract)[2:] == ("$0.00", "$108.00")
    assert_audit_clean()


def test_owed_is_nothing_before_the_invoice_and_after_the_payment():
    week = worked()
    assert billing.owed(week) == usd(0)
    assert week.starts_on == date(2026, 11, 16)
    run(only="contracts.hours_billed")
    assert billing.owed(again(week)) == usd(0)


def test_declined_answer_for_hours_paid_meanwhile_is_quiet():
    week = billed(method=sandbox.TIMES_OUT)
    operation = GatewayOperation.objects.get()
    with clock.at(MONDAY + MINUTE):
        billing.settle(operation.pk, SUCCEEDED)
        billing.settle(operation.pk, declined("No."))

    assert GatewayOperation.objects.get().state == OperationState.SUCCEEDED
    assert again(week).state == WeekState.PAID
    assert again(week).contract.hold_since is None
    assert_audit_clean()
