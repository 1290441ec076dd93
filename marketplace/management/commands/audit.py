"""Prove from the rows that the books and the agreements hold."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from marketplace import auditing


class Command(BaseCommand):
    """One line per check, and below it what breaks it."""

    help = "Check that everything that must be true is true; exits with 1 when something is not."

    def handle(self, **_: Any) -> None:
        report = auditing.run()
        for checked in report.checks:
            self._report(checked)
        auditing.record(report)
        if not report.clean:
            raise CommandError(f"{len(report.broken)} of {len(report.checks)} checks do not hold.")
        self.stdout.write(self.style.SUCCESS(f"All {len(report.checks)} checks hold."))

    def _report(self, checked: auditing.Checked) -> None:
        mark = self.style.SUCCESS("holds ") if checked.holds else self.style.ERROR("BROKEN")
        self.stdout.write(f"{mark} {checked.sentence}")
        for finding in checked.findings[: auditing.SHOWN]:
            self.stdout.write(f"       {finding}")
        if len(checked.findings) > auditing.SHOWN:
            self.stdout.write("       and more")
