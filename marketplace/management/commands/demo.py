"""``manage.py demo``: fill an empty database with the demo market, or add many contracts to it."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace import clock
from marketplace.management.demo import bulk, market
from marketplace.management.demo.progress import Progress
from marketplace.models import User
from payments import triggers


class Command(BaseCommand):
    help = "Fill an empty database with the demo market, the same every time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--if-empty", action="store_true", help="do nothing when there is anything already"
        )
        parser.add_argument(
            "--start-over", action="store_true", help="empty the database first (demo only)"
        )
        parser.add_argument(
            "--contracts",
            type=int,
            default=0,
            metavar="N",
            help="add a market of so many contracts, for trying scale",
        )
        parser.add_argument(
            "--for-measuring",
            action="store_true",
            help="with --contracts, on an empty database that is no demo: nobody can sign in",
        )

    def handle(self, **options: Any) -> None:
        if options["contracts"] < 0:
            raise CommandError("--contracts: how many contracts to add.")
        if options["for_measuring"]:
            self._measure(options["contracts"])
            return
        if options["start_over"]:
            self._empty()
        is_empty = not User.objects.exists()
        if not is_empty and options["if_empty"]:
            return
        self._open(is_empty=is_empty, contracts=options["contracts"])

    def _open(self, *, is_empty: bool, contracts: int) -> None:
        """Build the demo market where there is none, and add the contracts that were asked for."""
        if not is_empty and not contracts:
            raise CommandError("The database is not empty. The demo market needs an empty one.")
        if not settings.DEMO:
            raise CommandError("The demo market opens accounts to everybody: set DEMO=1 for it.")
        if is_empty:
            market.build()
            self.stdout.write(
                "The demo market is open. Sign in as client@example.com, password demo."
            )
        if contracts:
            self._add(contracts)

    def _measure(self, contracts: int) -> None:
        if User.objects.exists():
            raise CommandError("Measuring invents people: it needs an empty database.")
        self._add(contracts)

    def _add(self, contracts: int) -> None:
        # Whole minutes, so that a market built in one go is the same every time.
        now = clock.now().replace(second=0, microsecond=0)
        bar = Progress(contracts, "contracts", sys.stderr)
        bulk.build(contracts, now=now, progress=bar.show)
        self.stdout.write(f"{contracts:,} contracts were added.")

    def _empty(self) -> None:
        if not settings.DEMO:
            raise CommandError("Only a demo market can start over.")
        triggers.remove()
        try:
            call_command("flush", interactive=False, verbosity=0)
        finally:
            triggers.install()
