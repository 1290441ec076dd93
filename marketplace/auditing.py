"""The audit: what must be true, proved from the rows.

An app's ``audits.py`` declares each of its checks as a function that gives what breaks it::

    @check("Every kept balance equals the sum of its transfers.")
    def balances() -> Iterable[str]: ...

A check reads only. It should be one statement, so that it sees one moment of a busy database.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from django.utils.module_loading import autodiscover_modules

from marketplace import clock
from marketplace.models import SweepRun

Function = Callable[[], Iterable[str]]

AUDIT: Final = "audit"
"""Its name among the runs."""
SHOWN: Final = 20
"""Findings named per check; one more says that there are more."""

_checks: dict[str, Function] = {}


@dataclass(frozen=True)
class Checked:
    """One check and what breaks it, in words; at most ``SHOWN`` and one more."""

    sentence: str
    findings: Sequence[str]

    @property
    def holds(self) -> bool:
        return not self.findings


@dataclass(frozen=True)
class Report:
    checks: Sequence[Checked]

    @property
    def clean(self) -> bool:
        return all(one.holds for one in self.checks)

    @property
    def broken(self) -> list[Checked]:
        return [one for one in self.checks if not one.holds]

    def __str__(self) -> str:
        return "\n".join(
            f"{one.sentence} {finding}" for one in self.broken for finding in one.findings
        )


def check(sentence: str) -> Callable[[Function], Function]:
    """Declare the decorated function as the check of a sentence."""

    def declare(function: Function) -> Function:
        if sentence in _checks:
            raise ValueError(f"two checks say: {sentence}")
        _checks[sentence] = function
        return function

    return declare


def registered() -> dict[str, Function]:
    """All checks by their sentence, of every app's ``audits.py``."""
    autodiscover_modules("audits")
    return dict(_checks)


def run(chosen: Collection[Function] | None = None) -> Report:
    """Make every check, or those chosen."""
    return Report(
        [
            Checked(sentence, list(islice(one(), SHOWN + 1)))
            for sentence, one in registered().items()
            if chosen is None or one in chosen
        ]
    )


def record(report: Report) -> SweepRun:
    """Note when the audit was made and what came of it, for the support desk."""
    broken = len(report.broken)
    made, _ = SweepRun.objects.update_or_create(
        name=AUDIT,
        defaults={
            "at": clock.now(),
            "done": len(report.checks) - broken,
            "failed": broken,
        },
    )
    return made
