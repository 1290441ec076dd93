"""Sweeps: what falls due is made permanent, also when nobody looked.

An app's ``sweeps.py`` declares each of its sweeps as the function that carries out one row::

    @sweep("contracts.offers_expire", rows=open_offers, due_at="expires_at")
    def expire(contract_id: int) -> None: ...

``rows`` gives the rows that still wait, ``due_at`` their indexed due time, so finding what is due
is a range scan, and so is finding what comes next. Each row runs in a short transaction of its own,
made by the function that carries it out; one that fails is logged and counted and does not stop the
others. Running twice, late, or on several machines changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from django.db.models import Min, Q, QuerySet
from django.utils.module_loading import autodiscover_modules

from marketplace import clock
from marketplace.models import SweepRun

logger = logging.getLogger(__name__)

BATCH: Final = 500
"""Rows read at a time, so that memory stays flat."""
ROUNDS: Final = 10
"""How often one run goes through all sweeps while one makes rows due for another."""

Row = tuple[datetime, int]
Function = Callable[..., Any]

_sweeps: dict[str, Sweep] = {}


@dataclass(frozen=True)
class Sweep:
    """What falls due in one table, and what is then done.

    Attributes:
        rows: the rows that wait.
        due_at: their indexed column of moments; a row without one is not due.
        after: how long after that moment a row is due.
        carry_out: takes an id, or a list of ids when ``whole``; may return False for *nothing was
            to be done*; called twice it changes nothing more.
        whole: a set-based sweep: one call and one transaction for a batch.
        deadline: a due time that people wait for, as opposed to upkeep.
    """

    name: str
    rows: Callable[[], QuerySet[Any]]
    due_at: str
    carry_out: Function
    after: timedelta
    whole: bool
    deadline: bool

    def due(self, now: datetime) -> Iterator[list[Row]]:
        """Batches of what is due, oldest first; what fell behind is not read again."""
        last: Row | None = None
        while batch := self._after(last, now):
            yield batch
            last = batch[-1]

    def next_due(self, now: datetime) -> datetime | None:
        """The earliest due time after ``now``."""
        later = self.rows().order_by().filter(**{f"{self.due_at}__gt": now - self.after})
        found: datetime | None = later.aggregate(next=Min(self.due_at))["next"]
        return None if found is None else found + self.after

    def number_due(self, now: datetime) -> int:
        """How many rows are due."""
        return self.rows().filter(**{f"{self.due_at}__lte": now - self.after}).count()

    def _after(self, last: Row | None, now: datetime) -> list[Row]:
        until = {f"{self.due_at}__lte": now - self.after}
        due = self.rows().filter(**until).order_by(self.due_at, "pk")
        if last is not None:
            moment, pk = last
            due = due.filter(
                Q(**{f"{self.due_at}__gt": moment}) | Q(**{self.due_at: moment, "pk__gt": pk})
            ).filter(**{f"{self.due_at}__gte": moment})
        return list(due.values_list(self.due_at, "pk")[:BATCH])


@dataclass
class Outcome:
    """What one sweep did in one run, or would do (``listed``)."""

    name: str
    done: int = 0
    failed: set[int] = field(default_factory=set)
    listed: list[Row] = field(default_factory=list)


def sweep(
    name: str,
    *,
    rows: Callable[[], QuerySet[Any]],
    due_at: str,
    after: timedelta = timedelta(0),
    whole: bool = False,
    deadline: bool = True,
) -> Callable[[Function], Function]:
    """Declare the decorated function as a sweep; see :class:`Sweep` for the arguments."""

    def declare(function: Function) -> Function:
        if name in _sweeps:
            raise ValueError(f"two sweeps are called {name}")
        _sweeps[name] = Sweep(name, rows, due_at, function, after, whole, deadline)
        return function

    return declare


def registered() -> dict[str, Sweep]:
    """All sweeps by name, of every app's ``sweeps.py``."""
    _discover()
    return dict(sorted(_sweeps.items()))


@cache
def _discover() -> None:
    autodiscover_modules("sweeps")


def run(
    *,
    as_of: datetime | None = None,
    only: str | None = None,
    dry_run: bool = False,
    watch: Callable[[Outcome], object] | None = None,
) -> list[Outcome]:
    """Carry out what is due, until nothing is.

    Args:
        as_of: stop the clock at this moment for the run.
        only: the name of one sweep.
        dry_run: only list what is due.
        watch: called with a sweep's outcome so far after each batch, for somebody who waits.

    Raises:
        KeyError: there is no sweep of that name.
    """
    chosen = list(registered().values()) if only is None else [registered()[only]]
    with clock.at(as_of) if as_of else nullcontext():
        outcomes = {one.name: Outcome(one.name) for one in chosen}
        if dry_run:
            _list(chosen, outcomes)
        else:
            _carry_out(chosen, outcomes, watch or (lambda _: None))
            _record(outcomes)
    return list(outcomes.values())


def next_due(now: datetime) -> datetime | None:
    """The earliest deadline after ``now`` over all sweeps; None when nothing will fall due."""
    found = (one.next_due(now) for one in registered().values() if one.deadline)
    return min((moment for moment in found if moment is not None), default=None)


def _list(sweeps: list[Sweep], outcomes: dict[str, Outcome]) -> None:
    for one in sweeps:
        for batch in one.due(clock.now()):
            outcomes[one.name].listed += batch


def _carry_out(
    sweeps: list[Sweep], outcomes: dict[str, Outcome], watch: Callable[[Outcome], object]
) -> None:
    for _ in range(ROUNDS):
        if not sum(_pass(one, outcomes[one.name], watch) for one in sweeps):
            return


def _pass(one: Sweep, outcome: Outcome, watch: Callable[[Outcome], object]) -> int:
    """Go through what is due once; returns how many rows were dealt with."""
    before = outcome.done
    for batch in one.due(clock.now()):
        ids = [pk for _, pk in batch if pk not in outcome.failed]
        if not one.whole or not _attempt(one, outcome, ids, whole=True):
            for pk in ids:
                _attempt(one, outcome, [pk], whole=one.whole)
        watch(outcome)
    return outcome.done - before


def _attempt(one: Sweep, outcome: Outcome, ids: list[int], *, whole: bool) -> bool:
    """Carry out some rows; a failing batch is tried again row by row, a failing row is noted."""
    if not ids:
        return True
    try:
        result = one.carry_out(ids if whole else ids[0])
    except Exception:
        logger.exception("sweep %s failed on %s", one.name, ids if len(ids) == 1 else "a batch")
        if len(ids) == 1:
            outcome.failed.add(ids[0])
        return False
    if result is not False:
        outcome.done += len(ids)
    return True


def _record(outcomes: dict[str, Outcome]) -> None:
    now = clock.now()
    SweepRun.objects.bulk_create(
        [
            SweepRun(name=one.name, at=now, done=one.done, failed=len(one.failed))
            for one in outcomes.values()
        ],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["at", "done", "failed"],
    )
