"""Two deeds at the same moment, each in a thread with a database connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connections

from marketplace import auditing, clock, locks
from marketplace.refusals import Refused
from tests.factories import NOON
from tests.support.asserting import assert_audit_clean
from tests.support.profile import RACE_ROUNDS

LONG_ENOUGH = 30.0
"""Seconds after which a thread that waits for another is stuck."""

CONTROL_ROUNDS = 40
"""How often a race without locks is run until it shows."""
TICK = timedelta(microseconds=1)


@dataclass
class Result:
    """What became of one deed: a value, a refusal, or an error that nobody should see."""

    value: Any = None
    refusal: Refused | None = None
    error: BaseException | None = None

    @property
    def won(self) -> bool:
        return self.refusal is None and self.error is None


@dataclass(frozen=True)
class Deed:
    do: Callable[[], Any]
    at: datetime = NOON


def race(*deeds: Deed | Callable[[], Any]) -> list[Result]:
    """Let the deeds begin together; what each came to, in their order."""
    start = threading.Barrier(len(deeds))
    results = [Result() for _ in deeds]
    threads = [
        threading.Thread(target=_run, args=(deed, start, result))
        for deed, result in zip(_deeds(deeds), results, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG_ENOUGH)
        assert not thread.is_alive(), "two deeds wait for each other"
    return results


def _deeds(deeds: Sequence[Deed | Callable[[], Any]]) -> list[Deed]:
    return [one if isinstance(one, Deed) else Deed(one) for one in deeds]


def _run(deed: Deed, start: threading.Barrier, result: Result) -> None:
    try:
        with clock.at(deed.at):
            start.wait(LONG_ENOUGH)
            result.value = deed.do()
    except Refused as refusal:
        result.refusal = refusal
    except BaseException as error:  # noqa: BLE001 - whatever it is, the test tells of it
        result.error = error
    finally:
        connections.close_all()


def rounds(one: Callable[[], None], *, of: int = 1) -> None:
    """Run a race again and again; the books are right at the end.

    Args:
        of: one of so many races that ask the same, which share the rounds of one.
    """
    for _ in range(RACE_ROUNDS // of):
        one()
    assert_audit_clean()


def shows(
    one: Callable[[], list[Result]], monkeypatch: pytest.MonkeyPatch, **expected: int
) -> bool:
    """Whether the race shows once nothing is locked."""
    take_the_locks_away(monkeypatch)
    return any(went_wrong(one(), **expected) for _ in range(CONTROL_ROUNDS))


def assert_one_won(results: Sequence[Result]) -> Result:
    """Exactly one; the others were refused in a sentence. Returns the last refused one."""
    for result in results:
        if result.error is not None:
            raise result.error
    assert sum(result.won for result in results) == 1
    lost = next(result for result in results if result.refusal is not None)
    assert lost.refusal is not None
    assert lost.refusal.sentence.endswith(".")
    return lost


def went_wrong(results: Sequence[Result], *, winners: int = 1) -> bool:
    """Whether a race shows: an error, too many winners, or books that are not right."""
    return (
        any(result.error is not None for result in results)
        or sum(result.won for result in results) != winners
        or not auditing.run().clean
    )


def take_the_locks_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are read without a lock, and both read before either goes on."""
    meeting = threading.Barrier(2)
    here = threading.local()

    def row(queryset: Any, rank: locks.Rank) -> Any:
        found = queryset.get()
        _meet_once(meeting, here)
        return found

    def rows(queryset: Any, rank: locks.Rank) -> list[Any]:
        found = list(queryset.order_by("pk"))
        _meet_once(meeting, here)
        return found

    monkeypatch.setattr(locks, "row", row)
    monkeypatch.setattr(locks, "rows", rows)
    monkeypatch.setattr(locks, "free_rows", rows)


def _meet_once(meeting: threading.Barrier, here: threading.local) -> None:
    """In the threads that race, wait for the other one at the first lock that is not taken."""
    racing = threading.current_thread() is not threading.main_thread()
    if racing and not getattr(here, "met", False):
        here.met = True
        try:
            meeting.wait(1)
        except threading.BrokenBarrierError:
            meeting.reset()
