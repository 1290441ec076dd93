"""Carry out everything that is due, or say what it would be."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive

from marketplace import clock, sweeping


class Command(BaseCommand):
    """One line per sweep; ends with an error when a row failed."""

    help = "Carry out everything that is due."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only list what is due")
        parser.add_argument("--only", metavar="NAME", help="one sweep instead of all")
        parser.add_argument(
            "--as-of",
            metavar="TIME",
            help="on a demo market: first move its clock forward, as to 2026-12-03T14:05Z",
        )

    def handle(self, *, dry_run: bool, only: str | None, as_of: str | None, **_: Any) -> None:
        if only is not None and only not in sweeping.registered():
            names = ", ".join(sweeping.registered())
            raise CommandError(f"There is no sweep {only}. There are: {names}.")
        if as_of is not None:
            _move_clock(as_of)
        outcomes = sweeping.run(only=only, dry_run=dry_run)
        for outcome in outcomes:
            self._report(outcome, dry_run=dry_run)
        if any(outcome.failed for outcome in outcomes):
            raise CommandError("Some rows failed; the log says why. They stay due.")

    def _report(self, outcome: sweeping.Outcome, *, dry_run: bool) -> None:
        if dry_run:
            self.stdout.write(f"{outcome.name}: {len(outcome.listed)} due")
            for moment, pk in outcome.listed:
                self.stdout.write(f"  {pk}, since {moment:%Y-%m-%d %H:%M:%S} UTC")
            return
        failed = f", {len(outcome.failed)} failed" if outcome.failed else ""
        self.stdout.write(f"{outcome.name}: {outcome.done} done{failed}")


def _move_clock(as_of: str) -> None:
    if not settings.DEMO:
        raise CommandError("Only a demo market's clock can be moved.")
    try:
        clock.start_at(_moment(as_of))
    except ValueError as error:
        raise CommandError(f"--as-of: {error}.") from error


def _moment(text: str) -> datetime:
    moment = parse_datetime(text)
    if moment is None or is_naive(moment):
        raise ValueError("write a moment with its zone, such as 2026-12-03T14:05Z")
    return moment
