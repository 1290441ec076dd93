"""The audit beside the one statement that adds up every account."""

from __future__ import annotations

import resource
from functools import partial
from itertools import islice

from django.db import connection

from marketplace import auditing
from marketplace.auditing import SHOWN
from payments.audits import MOVED
from tools.bench import report
from tools.bench.measuring import Spread, elapsed, ratios
from tools.bench.site import using

SLOWEST = 8


def speed(market: str, contracts: int, rounds: int) -> None:
    """All checks, beside the balance of every account from its transfers."""
    with using(market):
        assert auditing.run().clean, "the market is not clean"
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        ours, bare = [], []
        for _ in range(rounds):
            bare.append(elapsed(_balances))
            ours.append(elapsed(auditing.run))
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        single = _each()
    report.heading(f"Audit of {contracts:,} contracts, in seconds")
    report.table("figure", "audit", "balance of every account", "ratio", "target")
    ratio = ratios(ours, bare)
    report.row(
        f"all {len(single)} checks",
        Spread.of(ours),
        Spread.of(bare),
        ratio,
        report.against("the audit", ratio.median, report.at_most(3)),
    )
    report.note(f"The process grew by {grown:.0f} MB meanwhile. The slowest checks:")
    for seconds, sentence in sorted(single, reverse=True)[:SLOWEST]:
        report.note(f"    {seconds:.2f} s  {sentence}")


def _balances() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*), sum(minor) FROM ({MOVED}) AS moved")  # noqa: S608
        cursor.fetchall()


def _each() -> list[tuple[float, str]]:
    return [
        (elapsed(partial(_make, one)), sentence) for sentence, one in auditing.registered().items()
    ]


def _make(one: auditing.Function) -> None:
    list(islice(one(), SHOWN + 1))
