"""Prove from the rows that the books and the agreements hold, and agree with the gateways."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from marketplace import auditing
from marketplace.money import Money
from payments import gateways, reconciling
from payments.gateways.base import Unavailable
from payments.models import Reconciliation


class Command(BaseCommand):
    """One line per check, and below it what breaks it; then the same per gateway."""

    help = "Check that everything that must be true is true; exits with 1 when something is not."

    def handle(self, **_: Any) -> None:
        differ = [name for name in sorted(gateways.GATEWAYS) if not self._compare(name)]
        report = auditing.run()
        for checked in report.checks:
            self._report(checked)
        auditing.record(report)
        if not report.clean:
            raise CommandError(f"{len(report.broken)} of {len(report.checks)} checks do not hold.")
        if differ:
            raise CommandError(f"The books do not agree with {', '.join(differ)}.")
        self.stdout.write(self.style.SUCCESS(f"All {len(report.checks)} checks hold."))

    def _compare(self, gateway: str) -> bool:
        """Compare what was not found to agree yet with a gateway's own statement."""
        days = list(reconciling.open_days(gateway))
        try:
            results = [self._compare_day(gateway, day) for day in days]
        except Unavailable as why:
            self.stdout.write(
                f"{self._mark(holds=False)} The statement of {gateway} cannot be read: {why}"
            )
            return False
        if days:
            sentence = f"The statement of {gateway} agrees on {len(days)} days up to today."
            self.stdout.write(f"{self._mark(holds=all(results))} {sentence}")
        return all(results)

    def _compare_day(self, gateway: str, day: date) -> bool:
        rows = reconciling.reconcile(gateway, day)
        for row in rows:
            if row.different:
                self._differs(row)
        return not any(row.different for row in rows)

    def _differs(self, row: Reconciliation) -> None:
        ours, theirs = Money(row.ours_minor, row.currency), Money(row.theirs_minor, row.currency)
        self.stdout.write(f"{row}: the gateway says {theirs}, the books {ours}.")
        self._list(row.differences, more=row.different > len(row.differences))

    def _report(self, checked: auditing.Checked) -> None:
        self.stdout.write(f"{self._mark(holds=checked.holds)} {checked.sentence}")
        shown = checked.findings[: auditing.SHOWN]
        self._list(shown, more=len(checked.findings) > auditing.SHOWN)

    def _list(self, findings: Any, *, more: bool) -> None:
        for finding in findings:
            self.stdout.write(f"       {finding}")
        if more:
            self.stdout.write("       and more")

    def _mark(self, *, holds: bool) -> str:
        return self.style.SUCCESS("holds ") if holds else self.style.ERROR("BROKEN")
