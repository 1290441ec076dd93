"""Sweeps: what one row costs when few are due, and when many are."""

from __future__ import annotations

import resource
import time
from datetime import timedelta
from typing import Final

from marketplace import clock, sweeping
from marketplace.sweeping import Sweep
from tools.bench import report
from tools.bench.site import using

LATER: Final = timedelta(days=30)
"""When everything that waits in the markets is due."""

SWEEPS: Final = {
    "auto-release": "contracts.reviews_end",
    "lapse": "contracts.escrow_requests_pass",
}


def growth(small: str, large: str, seconds: float) -> None:
    """Milliseconds per item and the memory they take."""
    report.heading("Sweeps: milliseconds per item")
    report.table(
        "sweep", "many due", "per item", "few due", "per item", "ratio", "target", "memory"
    )
    for what, name in SWEEPS.items():
        few, few_cost, _ = _cost(small, name, seconds)
        many, many_cost, grown = _cost(large, name, seconds)
        ratio = many_cost / few_cost
        report.row(
            what,
            f"{many:,}",
            f"{many_cost:.1f}",
            f"{few:,}",
            f"{few_cost:.1f}",
            f"{ratio:.2f}",
            report.against(f"sweep {what}", ratio, report.at_most(1.25)),
            f"+{grown / 1024:.0f} MB",
        )


def _cost(market: str, name: str, seconds: float) -> tuple[int, float, int]:
    """How many are due, milliseconds per item, and KB by which the process grew.

    Goes through them as the sweep does, for as long as there is time.
    """
    one = sweeping.registered()[name]
    with using(market), clock.at(clock.now() + LATER):
        due = one.rows().filter(**{f"{one.due_at}__lte": clock.now()}).count()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        done, took = _run(one, seconds)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return due, took / done * 1000, grown


def _run(one: Sweep, seconds: float) -> tuple[int, float]:
    began, done = time.perf_counter(), 0
    for batch in one.due(clock.now()):
        for _, pk in batch:
            one.carry_out(pk)
            done += 1
            took = time.perf_counter() - began
            if took > seconds:
                return done, took
    return done, took
