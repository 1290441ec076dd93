"""What goes wrong between here and there, when a test says so."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum


class What(Enum):
    SILENT = "no answer comes"
    RESET = "the connection is reset"
    BROKEN = "an answer 500 comes"


@dataclass
class Fault:
    """
    Attributes:
        acted: what was asked has been done nevertheless.
        of: a pattern of method and address; empty: any.
        seconds: of silence before the connection is closed.
    """

    what: What
    acted: bool
    of: str
    times: int
    seconds: float = 0.0

    def meets(self, asked: str) -> bool:
        return self.times > 0 and re.search(self.of, asked) is not None


@dataclass
class Pause:
    """A call that waits inside until it is let go."""

    of: str
    entered: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)


class Faults:
    """Those that wait for their call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._pauses: list[Pause] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def of(self, asked: str) -> Fault | None:
        """What this call meets; it is used up by that."""
        with self._lock:
            for fault in self._faults:
                if fault.meets(asked):
                    fault.times -= 1
                    return fault
        return None

    @contextmanager
    def paused(self, of: str) -> Iterator[Pause]:
        """Hold the next call inside, after its key was taken; at the end it goes on."""
        pause = Pause(of)
        with self._lock:
            self._pauses.append(pause)
        try:
            yield pause
        finally:
            pause.let_go.set()

    def wait(self, asked: str) -> None:
        """Where a held call waits."""
        with self._lock:
            held = [one for one in self._pauses if re.search(one.of, asked)]
            for one in held:
                self._pauses.remove(one)
        for one in held:
            one.entered.set()
            one.let_go.wait(30)
