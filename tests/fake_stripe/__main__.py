"""Run it by hand: ``python -m tests.fake_stripe --webhook ADDRESS``; stop it with Ctrl-C."""

from __future__ import annotations

import argparse
import os
import threading
from collections.abc import Callable

import django
from django.db import connections

from tests.fake_stripe import connect
from tests.fake_stripe.control import SECRET_KEY, WEBHOOK_SECRET, Address, FakeStripe

FLOAT = 10_000_000
"""What the operator holds there at the start, so that the demo market's talents can withdraw."""
SITE = "http://127.0.0.1:8000/payments/webhooks/stripe/"


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.fake_stripe", description=__doc__)
    parser.add_argument("--port", type=int, default=12111)
    parser.add_argument("--webhook", default=SITE, help="where events go")
    parser.add_argument("--pace", type=float, default=30, help="seconds a step of its own takes")
    parser.add_argument(
        "--site-clock",
        action="store_true",
        help="keep the time of the site that CLOSEOUT_DATA names, as a demo market moves it",
    )
    parser.add_argument("--key", default=SECRET_KEY)
    parser.add_argument("--secret", default=WEBHOOK_SECRET, help="signs the events")
    given = parser.parse_args()
    webhook = Address(given.webhook, given.secret)
    fake = FakeStripe(key=given.key, webhook=webhook, port=given.port)
    if given.site_clock:
        fake.state.clock = site_clock()
    fake.start()
    for currency in connect.CURRENCIES:
        fake.top_up(FLOAT, currency)
    print(f"Fake Stripe on {fake.base}/ (key {given.key}, webhook secret {given.secret})")
    try:
        while not threading.Event().wait(given.pace):
            fake.let_time_pass()
    except KeyboardInterrupt:
        fake.stop()


def site_clock() -> Callable[[], float]:
    """The site's time, read anew each time: without it the days of the two would differ."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings.embedded")
    django.setup()

    def now() -> float:
        from marketplace import clock

        try:
            return clock.now().timestamp()
        finally:
            connections.close_all()

    return now


if __name__ == "__main__":
    main()
