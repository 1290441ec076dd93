"""The weekly run: what one contract costs when few weeks are due, and when many are.

Timed is all of it but the gateway: locking, invoices, intents, answers, postings, payments and
notices. The gateway of these runs answers yes at once and remembers nothing.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from contracts import weeks
from contracts.models import Week
from contracts.states import WeekState
from marketplace import clock, sweeping
from marketplace.management.demo import lives
from payments import gateways
from payments.gateways import sandbox
from payments.gateways.base import SUCCEEDED, Outcome
from tools.bench import report, site
from tools.bench.measuring import FORK, Plan, Spread, ratios

SWEEP: Final = "contracts.hours_billed"
FEW: Final = 1_000
A_MILLION: Final = 1_000_000
AN_HOUR: Final = 3_600
A_SECOND: Final = timedelta(seconds=1)
PROCESSES: Final = os.cpu_count() or 1


class Answering(sandbox.Sandbox):
    """A gateway that costs nothing."""

    def charge(self, *_: object) -> Outcome:
        return SUCCEEDED


def speed(many: int, plan: Plan) -> None:
    """Milliseconds per contract in turns, then how long a million would take on all cores."""
    monday = weeks.bills_at(weeks.week_of(clock.now()))
    _make("weeks_few", FEW, monday)
    _make("weeks_many", many, monday)
    with _answered_at_once():
        _per_contract(many, plan, monday)
        _together(many, plan, monday)


def _per_contract(many: int, plan: Plan, monday: datetime) -> None:
    few_costs, many_costs = [], []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(plan.rounds):
        copied = f"weeks_few_{number}"
        site.copy("weeks_few", copied)
        few_costs.append(_cost(copied, monday, plan.seconds * 2))
        many_costs.append(_cost("weeks_many", monday, plan.seconds * 2))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    ratio = ratios(many_costs, few_costs)
    report.heading("The weekly run: milliseconds per contract, one process, without the gateway")
    report.table("due", f"{many:,}", f"{FEW:,}", "ratio", "target", "memory")
    report.row(
        "invoiced, charged, paid",
        Spread.of(many_costs),
        Spread.of(few_costs),
        ratio,
        report.against("the weekly run", ratio.median, report.at_most(1.25)),
        f"+{grown:.0f} MB",
    )


def _together(many: int, plan: Plan, monday: datetime) -> None:
    """Several processes at once, as on several machines: each takes what nobody else holds."""
    with site.using("weeks_many"):
        before = _paid()
        connection.close()
        workers = [
            FORK.Process(target=_run, args=(monday, plan.seconds * 5)) for _ in range(PROCESSES)
        ]
        began = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        rate = (_paid() - before) / (time.perf_counter() - began)
    hours = A_MILLION / rate / AN_HOUR
    report.heading(f"The weekly run by {PROCESSES} processes, {many:,} due, without the gateway")
    report.table("figure", "measured", "target")
    report.row("contracts per second", f"{rate:.0f}", "")
    report.row(
        "hours for 1,000,000",
        f"{hours:.2f}",
        report.against("a million weeks", hours, report.at_most(1)),
    )


def _cost(market: str, monday: datetime, seconds: float) -> float:
    """Milliseconds per contract, for as many batches as there is time for."""
    with site.using(market):
        done, took = _run(monday, seconds)
    return took / done * 1000


def _run(monday: datetime, seconds: float) -> tuple[int, float]:
    """Go through what is due as the sweep does, a batch at a time."""
    one = sweeping.registered()[SWEEP]
    done, began = 0, time.perf_counter()
    with clock.at(monday):
        for batch in one.due(clock.now()):
            one.carry_out([pk for _, pk in batch])
            done += len(batch)
            if time.perf_counter() - began > seconds:
                break
    return done, time.perf_counter() - began


def _paid() -> int:
    return Week.objects.filter(state=WeekState.PAID).count()


def _make(name: str, contracts: int, monday: datetime) -> None:
    site.make_market(name, contracts, now=monday - A_SECOND, scenes=lives.A_WEEK_DUE)


@contextmanager
def _answered_at_once() -> Iterator[None]:
    real = gateways.GATEWAYS[Answering.name]
    gateways.GATEWAYS[Answering.name] = Answering
    try:
        yield
    finally:
        gateways.GATEWAYS[Answering.name] = real
