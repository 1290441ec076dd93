"""The weekly run of hours by hand: check the books, bill what is due, check the books again."""

from __future__ import annotations

from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from contracts import audits as contract_audits
from marketplace import auditing, clock, sweeping
from marketplace.management.demo.progress import Progress
from payments import audits as book_audits

SWEEP: Final = "contracts.hours_billed"
CHECKS: Final = (
    book_audits.balances,
    book_audits.overdrafts,
    book_audits.payments,
    book_audits.fees,
    book_audits.pending,
    book_audits.charges,
    contract_audits.invoices_add_up,
    contract_audits.week_payment_agrees,
    contract_audits.hours_payments_have_their_week,
    contract_audits.hold_means_unpaid,
    contract_audits.charges_name_their_week,
    contract_audits.owed_is_followed,
)
"""What the weekly run could break; the whole audit is ``manage.py audit``."""


class Command(BaseCommand):
    """Safe to stop and start again at any moment, beside the sweeps and on several machines."""

    help = "Bill the weeks that are due, and check the books before and after."

    def handle(self, **_: Any) -> None:
        self._check("before the run; nothing was billed")
        failed = self._bill()
        self._check("after the run")
        if failed:
            raise CommandError("Some weeks failed; the log says why. They stay due.")

    def _bill(self) -> int:
        number = sweeping.registered()[SWEEP].number_due(clock.now())
        progress = Progress(number, "weeks", self.stdout)  # type: ignore[arg-type]
        (outcome,) = sweeping.run(only=SWEEP, watch=lambda so_far: progress.show(so_far.done))
        failed = f", {len(outcome.failed)} failed" if outcome.failed else ""
        self.stdout.write(f"Weeks billed: {outcome.done:,}{failed}.")
        return len(outcome.failed)

    def _check(self, when: str) -> None:
        report = auditing.run(CHECKS)
        if not report.clean:
            raise CommandError(f"The books do not hold {when}.\n{report}")
        self.stdout.write(f"{len(report.checks)} checks of the books hold.")
