"""``make bench``: prints what docs/performance.md holds. Needs nothing but this machine.

make bench
make bench BENCH_ARGS="--quick"
make bench BENCH_ARGS="--contracts 1000000 --only growth"
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from typing import Final

from tools.bench import report, site
from tools.bench.measuring import Plan

SMALL: Final = 1_000
PARTS: Final = ("speed", "queries", "growth", "audit", "ends", "sweeps", "weekly", "diary", "money")
WITHOUT_MARKETS: Final = {"weekly", "diary", "money"}
"""Parts that make their own."""


def main() -> int:
    arguments = _arguments()
    began = time.perf_counter()
    site.start()
    site.keep_empty()
    _measure(arguments)
    took = (time.perf_counter() - began) / 60
    report.note(f"Took {took:.1f} minutes.")
    if report.missed:
        report.note(f"Missed: {'; '.join(report.missed)}.")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short runs, small markets")
    parser.add_argument("--full", action="store_true", help="runs of ten seconds")
    parser.add_argument("--contracts", type=int, help="of the large market")
    parser.add_argument("--only", choices=PARTS, action="append", help="one part; may be repeated")
    arguments = parser.parse_args()
    arguments.contracts = arguments.contracts or (10_000 if arguments.quick else 100_000)
    return arguments


def _plan(arguments: argparse.Namespace) -> Plan:
    if arguments.full:
        return Plan(rounds=5, seconds=10)
    return Plan(rounds=3, seconds=1) if arguments.quick else Plan(rounds=5, seconds=4)


def _measure(arguments: argparse.Namespace) -> None:
    # Settings come first: these modules read models.
    from tools.bench import audit, ends, money, pages, sweeps, weekly  # noqa: PLC0415

    plan, large = _plan(arguments), arguments.contracts
    asked = arguments.only or PARTS
    if set(asked) - WITHOUT_MARKETS:
        site.make_market("small", SMALL)
        site.make_market("middle", large // 10)
        site.make_market("large", large)
    markets = {"small": SMALL, "large": large}
    half = Plan(plan.rounds, plan.seconds / 2)
    parts = {
        "speed": partial(pages.speed, "large", plan),
        "queries": partial(pages.queries, markets),
        "growth": partial(pages.growth, ("small", SMALL), ("large", large), half),
        "audit": partial(audit.speed, "large", large, rounds=3),
        "ends": partial(ends.speed, "middle", plan),
        "sweeps": partial(sweeps.growth, "middle", "large", plan.seconds * 5),
        "weekly": partial(weekly.speed, large, plan),
        "diary": partial(pages.dense_week, plan),
        "money": partial(money.long, large * 10),
    }
    for name in PARTS:
        if name in asked:
            parts[name]()


if __name__ == "__main__":
    raise SystemExit(main())
