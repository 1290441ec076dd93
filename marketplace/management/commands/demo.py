"""``manage.py demo``: fill an empty database with the demo market."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.management.demo import market
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

    def handle(self, **options: Any) -> None:
        if options["start_over"]:
            self._empty()
        elif User.objects.exists():
            if options["if_empty"]:
                return
            raise CommandError("The database is not empty. The demo market needs an empty one.")
        if not settings.DEMO:
            raise CommandError("The demo market opens accounts to everybody: set DEMO=1 for it.")
        market.build()
        self.stdout.write("The demo market is open. Sign in as client@example.com, password demo.")

    def _empty(self) -> None:
        if not settings.DEMO:
            raise CommandError("Only a demo market can start over.")
        triggers.remove()
        try:
            call_command("flush", interactive=False, verbosity=0)
        finally:
            triggers.install()
