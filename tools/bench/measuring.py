"""Rates and times, taken in turns, so that a machine that slows down slows both sides down."""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.queues import SimpleQueue
from typing import Final

PROCESSES: Final = 2 * (os.cpu_count() or 1)
"""Enough to keep every core busy while some of them wait for the database."""
WARM_UP: Final = 5
FORK: Final = multiprocessing.get_context("fork")

Step = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to look: ``rounds`` runs of ``seconds`` for each side of a comparison."""

    rounds: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some runs, with the lowest and the highest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        return f"{shown(self.median)} ({shown(self.low)}–{shown(self.high)})"


def rates(sides: Mapping[str, Step], plan: Plan) -> dict[str, list[float]]:
    """Calls per second of each side, run by run, in turns, with all cores busy."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(plan.rounds):
        for name, step in sides.items():
            found[name].append(_together(step, plan.seconds))
    return found


def times(step: Step, seconds: float) -> list[float]:
    """How long each of as many calls takes as fit into the time, in milliseconds."""
    found, until = [], time.perf_counter() + seconds
    while time.perf_counter() < until:
        found.append(elapsed(step) * 1000)
    return found


def elapsed(step: Step) -> float:
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def ratios(ours: Sequence[float], reference: Sequence[float]) -> Spread:
    """Run by run: each of our runs beside the reference's run next to it."""
    return Spread.of([one / other for one, other in zip(ours, reference, strict=True)])


def shown(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def _together(step: Step, seconds: float) -> float:
    """Calls per second of several processes at once, so that nobody's waiting is idle time.

    They are forks of this one, without connections of its own: the caller has closed them.
    """
    counted: SimpleQueue[float] = FORK.SimpleQueue()
    processes = [
        FORK.Process(target=_work, args=(step, seconds, counted)) for _ in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        if process.exitcode:
            raise SystemExit(f"a worker failed: {process.exitcode}")
    return sum(counted.get() for _ in processes)


def _work(step: Step, seconds: float, counted: SimpleQueue[float]) -> None:
    for _ in range(WARM_UP):
        step()
    counted.put(_rate(step, seconds))


def _rate(step: Step, seconds: float) -> float:
    done, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        step()
        done += 1
    return done / passed
