"""A progress bar for people who wait at a terminal; silent everywhere else."""

from __future__ import annotations

import time
from typing import Final, TextIO

WIDTH: Final = 30


class Progress:
    """How much of a number of things is done, drawn again and again on one line."""

    def __init__(self, number: int, what: str, stream: TextIO) -> None:
        self.number, self.what, self.stream = number, what, stream
        self._began = time.monotonic()

    def show(self, done: int) -> None:
        """Draw the bar for ``done`` of the things; a last one ends the line."""
        if not self.stream.isatty():
            return
        filled = WIDTH * done // max(self.number, 1)
        bar = "#" * filled + "." * (WIDTH - filled)
        line = f"[{bar}] {done:,} of {self.number:,} {self.what}{self._left(done)}"
        self.stream.write(f"\r{line:<78}" + ("\n" if done >= self.number else ""))
        self.stream.flush()

    def _left(self, done: int) -> str:
        if not 0 < done < self.number:
            return ""
        seconds = (time.monotonic() - self._began) / done * (self.number - done)
        return f", {seconds / 60:.0f} min left" if seconds >= 90 else f", {seconds:.0f} s left"
