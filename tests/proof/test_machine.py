"""Random lives find nothing, leave no capability out, and find the mistakes we plant."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

import contracts
import feedback
import marketplace
import payments
from contracts import (
    assignments,
    billing,
    checklists,
    closing,
    diary,
    due,
    funding,
    hours_disputes,
    milestones,
    plans,
    quiet,
    timers,
    weeks,
)
from contracts.plans import LockDiary, ReturnEscrow
from feedback import announcing
from marketplace import once, policy, transitions
from marketplace.money import Money
from payments import (
    corrections,
    escrow,
    hours,
    ledger,
    maturing,
    operations,
    outgoing,
    refund_requests,
    refunds,
    requests,
)
from payments.models import Book, Payment
from tests.proof import mistakes
from tests.proof.machine import Life, wander
from tests.proof.playing import PLAYED, Theme
from tests.support.profile import MACHINE_RUNS, MACHINE_STEPS

pytestmark = [pytest.mark.django_db, pytest.mark.machine]

ROOMS = {"admin", "apps", "audits", "forms", "models", "notices", "queries", "rules", "settings"}
ROOMS |= {"states", "support", "sweeps", "templatetags", "urls", "views", "management"}
"""What is no capability module."""
DOORS = {"marketplace.transitions", "payments.ledger"}
INNER = {
    # Moves of money and of parts, made by capabilities under the locks that these took.
    escrow.fund,
    escrow.give_back,
    escrow.release,
    requests.file,
    requests.settle,
    requests.propose,
    requests.agree,
    requests.end_split,
    requests.dispute,
    requests.reject,
    requests.move,
    requests.say,
    operations.start,
    funding.fund_now,
    milestones.release,
    checklists.decided_by_fact,
    assignments.begin,
    diary.record,
    timers.stop_all,
    timers.stop_those_of,
    hours.pay,
    hours.pay_all,
    refunds.reverse,
    operations.start_all,
    payments.bonuses.pay,
    quiet.wake,
    corrections.post,
    outgoing.begin,
    refund_requests.grant,
    refund_requests.refuse_if_closed,
}


def test_random_lives_keep_the_books_right():
    chosen = settings(max_examples=MACHINE_RUNS, stateful_step_count=MACHINE_STEPS)
    run_state_machine_as_test(Life, settings=chosen)


@pytest.mark.parametrize("theme", list(Theme))
def test_lives_of_fixed_numbers_keep_the_books_right(theme):
    """What the planted mistakes below are found by finds nothing without them."""
    live_on(10, theme)


# No capability is left out -----------------------------------------------------------------------


def test_every_public_capability_is_played():
    unplayed = set(capabilities()) - PLAYED - INNER - swept()

    assert {f"{one.__module__}.{one.__name__}" for one in unplayed} == set()


def test_everything_played_is_a_public_capability():
    assert set(capabilities()) >= PLAYED | INNER


def capabilities() -> Iterator[Callable[..., Any]]:
    """Public functions of the capability modules that take an actor as ``by=``."""
    for app in (marketplace, payments, contracts, feedback):
        for found in pkgutil.iter_modules(app.__path__, f"{app.__name__}."):
            if found.name.split(".")[1] in ROOMS or found.name in DOORS:
                continue
            module = importlib.import_module(found.name)
            yield from (one for _, one in inspect.getmembers(module) if is_capability(one, module))


def is_capability(one: Any, module: Any) -> bool:
    if not inspect.isfunction(one) or one.__module__ != module.__name__:
        return False
    by = inspect.signature(one).parameters.get("by")
    takes_actor = by is not None and by.kind is by.KEYWORD_ONLY and by.annotation == "Actor"
    return takes_actor and not one.__name__.startswith("_")


def swept() -> set[Callable[..., Any]]:
    """What only the clock does, and the rule that sweeps plays."""
    return {announcing.tell_what_is_due}


# Planted mistakes --------------------------------------------------------------------------------


def fee_too_high(monkeypatch):
    fee_of = Book.fee_of
    monkeypatch.setattr(
        Book, "fee_of", lambda book, gross: fee_of(book, gross) + Money(1, gross.currency)
    )


def fee_too_low(monkeypatch):
    fee_of = Book.fee_of
    monkeypatch.setattr(
        Book, "fee_of", lambda book, gross: fee_of(book, gross) - Money(1, gross.currency)
    )


def released_twice(monkeypatch):
    release = escrow.release

    def twice(book, gross, *, key, **given):
        release(book, gross, key=f"{key}:again", **given)
        return release(book, gross, key=key, **given)

    monkeypatch.setattr(escrow, "release", twice)


def escrow_not_returned(monkeypatch):
    registry = closing._do.registry
    monkeypatch.setattr(
        closing,
        "_do",
        lambda effect, ending: (
            None if isinstance(effect, ReturnEscrow) else registry[type(effect)](effect, ending)
        ),
    )


def milestones_left_open(monkeypatch):
    monkeypatch.setattr(plans, "_cancelled", lambda facts, payment: [])


def request_for_less(monkeypatch):
    file = requests.file
    monkeypatch.setattr(
        requests,
        "file",
        lambda book, *, amount, **given: file(
            book, amount=amount - Money(1, amount.currency), **given
        ),
    )


def overdraft(monkeypatch):
    """More than is in escrow may be paid, and neither the ledger nor the database object."""
    monkeypatch.setattr(plans, "_amount", lambda facts, choice: facts.escrow + facts.escrow)
    monkeypatch.setattr(plans, "_escrow_left", lambda *_: [])
    monkeypatch.setattr(ledger, "_change", change_unguarded)
    without_checks(monkeypatch)


def change_unguarded(account, minor):
    if account is None:
        return None
    account.balance_minor += minor
    return account.balance_minor


def without_checks(monkeypatch):
    """Take the database's CHECKs off for the rest of the test."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints = ON")


def whole_fee_returned(monkeypatch):
    monkeypatch.setattr(refunds, "fee_part", lambda payment, amount: min(payment.fee, amount))


def refunded_money_matures(monkeypatch):
    posting = maturing._posting

    def with_net(payment):
        payment.pending_left_minor = payment.net_minor
        return posting(payment)

    monkeypatch.setattr(maturing, "_posting", with_net)


def charge_posted_twice(monkeypatch):
    post_all = operations._post_all

    def twice(confirmed, now):
        entries = post_all(confirmed, now)
        for operation in confirmed:
            operation.key += ":again"
        post_all(confirmed, now)
        return entries

    monkeypatch.setattr(operations, "_post_all", twice)


def due_work_forgotten(monkeypatch):
    monkeypatch.setattr(due, "releases_due", lambda open_milestones, now: [])


def forms_act_each_time(monkeypatch):
    monkeypatch.setattr(once, "claim", lambda key, **given: None)
    monkeypatch.setattr(once, "keep", lambda key, result: None)


def history_not_written(monkeypatch):
    record = transitions._record

    def unwritten(rows, sources, name, **given):
        if name != "submit":
            record(rows, sources, name, **given)
        else:
            rows[0].aggregate.version += 1
            rows[0].aggregate.save(update_fields=["version"])

    monkeypatch.setattr(transitions, "_record", unwritten)


# Planted mistakes about hours ---------------------------------------------------------------------


def begun_segment_counted(monkeypatch):
    whole = weeks.whole_segments

    def begun(start, stop):
        first, last = whole(start, stop)
        return first, last + policy.SEGMENT

    monkeypatch.setattr(weeks, "whole_segments", begun)


def second_week_left_open(monkeypatch):
    registry = closing._do.registry

    def do(effect, ending):
        if isinstance(effect, LockDiary):
            ending.contract.open_weeks = ending.contract.open_weeks[:1]
        registry[type(effect)](effect, ending)

    monkeypatch.setattr(closing, "_do", do)


def timers_run_on(monkeypatch):
    monkeypatch.setattr(timers, "stop_all", lambda contract, **given: [])


def diary_not_locked(monkeypatch):
    """Time is changed and deleted whatever became of its week."""

    def enter(stretch, by):
        contract = transitions.enter(stretch.contract)
        found = contract.stretches.select_related("membership", "week").get(pk=stretch.pk)
        found.contract = contract
        return found

    monkeypatch.setattr(diary, "_enter", enter)


def overlap_let_through(monkeypatch):
    monkeypatch.setattr(diary, "_refuse_overlap", lambda *args, **given: None)


def deleted_time_still_counted(monkeypatch):
    count = diary._count
    monkeypatch.setattr(diary, "_count", lambda week, minutes: count(week, max(minutes, 0)))


def limit_ignored(monkeypatch):
    monkeypatch.setattr(weeks, "billable", lambda minutes, limit: minutes)


def hours_rounded_down(monkeypatch):
    monkeypatch.setattr(
        weeks, "amount", lambda rate, minutes: Money(rate.minor * minutes // 60, rate.currency)
    )


def reversal_rounded_by_itself(monkeypatch):
    monkeypatch.setattr(
        weeks, "taken_back", lambda rate, billable, minutes: weeks.amount(rate, minutes)
    )


def weekly_run_forgotten(monkeypatch):
    monkeypatch.setattr(billing, "invoice_due", lambda contracts, *, at: None)


def hours_posted_twice(monkeypatch):
    pay_all = hours.pay_all

    def twice(planned, **given):
        pay_all([replace(one, key=f"{one.key}:again") for one in planned], **given)
        return pay_all(planned, **given)

    monkeypatch.setattr(hours, "pay_all", twice)


def hold_not_set(monkeypatch):
    fail = billing._Run.fail

    def without_hold(run, week, operation):
        fail(run, week, operation)
        week.contract.hold_since = None

    monkeypatch.setattr(billing._Run, "fail", without_hold)


def hold_not_lifted(monkeypatch):
    monkeypatch.setattr(billing._Run, "let_go_on", lambda run, contract: None)


def disputed_hours_not_held(monkeypatch):
    monkeypatch.setattr(refunds, "hold", lambda payment: None)


def disputed_hours_mature(monkeypatch):
    monkeypatch.setattr(maturing, "waiting", lambda: Payment.objects.filter(matured_at=None))


def dispute_left_lying(monkeypatch):
    monkeypatch.setattr(hours_disputes, "escalate_unanswered", lambda contract, now: None)


MISTAKES = {
    Theme.FIXED: [
        fee_too_high,
        fee_too_low,
        released_twice,
        escrow_not_returned,
        milestones_left_open,
        request_for_less,
        overdraft,
        whole_fee_returned,
        refunded_money_matures,
        charge_posted_twice,
        due_work_forgotten,
        forms_act_each_time,
        history_not_written,
        *mistakes.FIXED,
    ],
    Theme.HOURLY: [
        begun_segment_counted,
        second_week_left_open,
        timers_run_on,
        diary_not_locked,
        overlap_let_through,
        deleted_time_still_counted,
        limit_ignored,
        hours_rounded_down,
        reversal_rounded_by_itself,
        weekly_run_forgotten,
        hours_posted_twice,
        hold_not_set,
        hold_not_lifted,
        disputed_hours_not_held,
        disputed_hours_mature,
        dispute_left_lying,
    ],
    Theme.RETURNS: mistakes.RETURNS,
    Theme.QUIET: mistakes.QUIET,
    Theme.DESK: mistakes.DESK,
    Theme.OUTSIDE: mistakes.OUTSIDE,
}
"""By what the lives play most."""


@pytest.fixture
def _checks_return():
    yield
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints = OFF")


@pytest.mark.sqlite
@pytest.mark.usefixtures("_checks_return")
@pytest.mark.parametrize(
    ("theme", "plant"),
    [
        pytest.param(theme, plant, id=plant.__name__)
        for theme, plants in MISTAKES.items()
        for plant in plants
    ],
)
def test_planted_mistake_is_found(theme, plant, monkeypatch):
    """This tests the lives, not the engine: once is enough."""
    plant(monkeypatch)

    # Some are found by the audit, some make the next step trip.
    with pytest.raises(Exception):  # noqa: B017, PT011
        live_on(300, theme)


def live_on(lives: int, theme: Theme) -> None:
    for number in range(lives):
        wander(number, steps=25, theme=theme)
