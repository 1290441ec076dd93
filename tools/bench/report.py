"""The table that is printed: figure, ours, reference, ratio, target."""

from __future__ import annotations

from dataclasses import dataclass

missed: list[str] = []


@dataclass(frozen=True, slots=True)
class Target:
    """What a number should be: at least, or at most, a limit."""

    limit: float
    at_most: bool = False

    def holds(self, number: float) -> bool:
        return number <= self.limit if self.at_most else number >= self.limit

    def __str__(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.limit:g}"


def at_least(limit: float) -> Target:
    return Target(limit)


def at_most(limit: float) -> Target:
    return Target(limit, at_most=True)


def heading(text: str) -> None:
    print(f"\n{text}\n", flush=True)


def table(*names: str) -> None:
    print(f"| {' | '.join(names)} |\n|{'---|' * len(names)}", flush=True)


def row(*cells: object) -> None:
    print(f"| {' | '.join(str(cell) for cell in cells)} |", flush=True)


def against(what: str, number: float, target: Target) -> str:
    """The target, and whether it is met; a miss is counted."""
    if target.holds(number):
        return f"{target}: met"
    missed.append(what)
    return f"{target}: **missed**"


def note(text: str) -> None:
    print(f"\n{text}", flush=True)
