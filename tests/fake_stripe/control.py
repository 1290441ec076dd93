"""What a test has in its hand: the server, its clock, its webhooks, and what goes wrong."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from tests.fake_stripe import balances, checkouts, connect, intents, payouts, refunds
from tests.fake_stripe.cards import BY_NAME, BY_TOKEN
from tests.fake_stripe.faults import Fault, Faults, Pause, What
from tests.fake_stripe.idempotency import Keys
from tests.fake_stripe.refusals import Json
from tests.fake_stripe.server import Called, Server
from tests.fake_stripe.state import State, new_id
from tests.fake_stripe.webhooks import Send, by_http, signed

SECRET_KEY = "sk_test_fake"
WEBHOOK_SECRET = "whsec_fake"
TRIES = 5
"""How often a webhook is brought that the site does not take, a second apart."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where webhooks go when they are told at once."""

    url: str
    secret: str = WEBHOOK_SECRET


class FakeStripe:
    """The server on a port of its own.

    Args:
        webhook: tell it at once; without, events are held until :meth:`deliver`.
        port: a free one if 0.
    """

    def __init__(
        self, *, key: str = SECRET_KEY, webhook: Address | None = None, port: int = 0
    ) -> None:
        self.key = key
        self.state = State(told=self._told)
        self.keys = Keys()
        self.faults = Faults()
        self.calls: list[Called] = []
        self.held: list[Json] = []
        self.server = Server(self, port)
        self.base = f"http://127.0.0.1:{self.server.port}"
        self._webhook = webhook
        self._queue: queue.Queue[Json | None] = queue.Queue()

    def start(self) -> FakeStripe:
        self.server.start()
        if self._webhook is not None:
            threading.Thread(target=self._tell_at_once, daemon=True).start()
        return self

    def stop(self) -> None:
        self._queue.put(None)
        self.server.stop()

    # Time

    def stop_clock(self, at: datetime) -> None:
        """Its time, until told otherwise; signatures are always of the real one."""
        self.state.clock = at.timestamp

    # What people do on its pages

    def save_card(self, session: str, token: str = "pm_card_visa") -> str:
        """Fill in hosted Checkout; the address to go on to.

        Args:
            session: its id, or the address of its page.
        """
        with self.state.lock:
            return checkouts.complete(self.state, _last(session), BY_TOKEN[token])

    def answer_bank(self, intent: str, *, agreed: bool = True) -> str:
        """Answer the bank's question about a charge; the address to go on to."""
        with self.state.lock:
            return intents.at_the_bank(self.state, _last(intent), agreed=agreed)

    def onboard(self, account: str, bank: str = "receives") -> None:
        """Name a bank account.

        Args:
            account: its id, or the address of its page.
        """
        with self.state.lock:
            connect.onboard(self.state, _last(account), BY_NAME[bank])

    # What happens there without us

    def slow_next(self) -> None:
        """The next charge is left processing, the next refund pending."""
        self.state.secret["slow"] = True

    def finish(self, identifier: str, *, well: bool = True) -> None:
        """What was left processing, or pending, is decided."""
        with self.state.lock:
            if identifier.startswith("re_"):
                decided = refunds.arrive if well else refunds.fail
                decided(self.state, identifier)
                return
            intent = self.state.find("payment_intent", identifier)
            if well:
                intents.succeed(self.state, intent)
            else:
                said = ("card_declined", "generic_decline", "Your card was declined.")
                intents.decline(self.state, intent, *said)

    def fail_refund(self, identifier: str) -> Json:
        with self.state.lock:
            return refunds.fail(self.state, identifier)

    def advance_payouts(self) -> None:
        """Each payout goes one step on, as its bank account does."""
        with self.state.lock:
            for one in list(self.state.objects.get("payout", {}).values()):
                payouts.advance(self.state, one)

    def let_time_pass(self) -> None:
        """Payouts go one step on, and owners of such cards dispute their charges."""
        self.advance_payouts()
        with self.state.lock:
            for one in self.all("charge"):
                card = self.state.secret.get(one["id"])
                if one["paid"] and not one["disputed"] and card and card.disputed:
                    refunds.open_dispute(self.state, one)

    def move_payout(self, identifier: str, status: str) -> None:
        """``paid`` or ``failed``, whatever its bank account is like."""
        with self.state.lock:
            payouts.move(self.state, self.state.objects["payout"][identifier], status)

    def dispute(self, identifier: str, *, because: str = "fraudulent") -> Json:
        """The owner of a card disputes a charge, or the charge of an intent."""
        with self.state.lock:
            found = self.state.by_id(identifier)
            assert found is not None
            charge = self.state.by_id(found.get("latest_charge") or identifier)
            assert charge is not None
            return refunds.open_dispute(self.state, charge, because)

    def settle_dispute(self, identifier: str, *, won: bool) -> Json:
        with self.state.lock:
            return refunds.decide(self.state, identifier, won=won)

    def top_up(self, amount: int, currency: str = "usd") -> None:
        """The operator brings money of its own."""
        with self.state.lock:
            paid_in = {"id": new_id("tu"), "currency": currency}
            balances.post(self.state, "topup", amount, paid_in)

    # What goes wrong on the way

    def lose_next_answer(self, of: str = "", *, acted: bool = True, times: int = 1) -> None:
        """No answer comes; it is done there nevertheless, or not.

        Args:
            of: a pattern of method and address, as ``POST /v1/refunds``.
        """
        self.faults.add(Fault(What.SILENT, acted, of, times))

    def reset_next(self, of: str = "", *, acted: bool = False, times: int = 1) -> None:
        self.faults.add(Fault(What.RESET, acted, of, times))

    def break_next(self, of: str = "", *, acted: bool = False, times: int = 1) -> None:
        """An answer 500, and the same again for the same key."""
        self.faults.add(Fault(What.BROKEN, acted, of, times))

    def paused(self, of: str) -> AbstractContextManager[Pause]:
        """Hold the next such call inside."""
        return self.faults.paused(of)

    # Webhooks

    def deliver(
        self,
        send: Send,
        *,
        reverse: bool = False,
        twice: bool = False,
        secret: str = WEBHOOK_SECRET,
    ) -> list[int]:
        """Bring what was held; the statuses of the answers."""
        with self.state.lock:
            events, self.held = self.held, []
        return self.bring(events[::-1] if reverse else events, send, twice=twice, secret=secret)

    def bring(
        self,
        events: Sequence[Json],
        send: Send,
        *,
        twice: bool = False,
        secret: str = WEBHOOK_SECRET,
    ) -> list[int]:
        """Bring these, held or not, in this order."""
        return [send(*signed(event, secret)) for event in events for _ in range(2 if twice else 1)]

    def events(self, kind: str = "") -> list[Json]:
        """All that were ever made, the oldest first."""
        with self.state.lock:
            made = self.state.objects.get("event", {}).values()
            return [one for one in made if kind in ("", one["type"])]

    # What is there now

    def all(self, kind: str) -> list[Json]:
        """Objects of a kind, of every account, the oldest first."""
        with self.state.lock:
            return list(self.state.objects.get(kind, {}).values())

    def available(self, currency: str = "usd", account: str = "") -> int:
        with self.state.lock:
            return balances.available(self.state, currency, owner=account)

    def asked(self, of: str) -> Iterator[Called]:
        """The calls of an address so far."""
        return (one for one in self.calls if f"{one.method} {one.path}" == of)

    def tell_again(self) -> None:
        """The last event is brought once more."""
        for event in self.events()[-1:]:
            self._told(event)

    def _told(self, event: Json) -> None:
        if self._webhook is None:
            self.held.append(event)
        else:
            self._queue.put(event)

    def _tell_at_once(self) -> None:
        assert self._webhook is not None
        send = by_http(self._webhook.url)
        while (event := self._queue.get()) is not None:
            _insist(send, signed(event, self._webhook.secret))


def _insist(send: Send, message: tuple[bytes, dict[str, str]]) -> None:
    for _ in range(TRIES):
        try:
            if send(*message) < 300:
                return
        except OSError:
            pass
        time.sleep(1)


def _last(address: str) -> str:
    """The id at the end of an address."""
    return address.split("?", maxsplit=1)[0].rsplit("/", 1)[-1]
