"""A provider whose pages people are led to, as small as it can be for tests of ours."""

from __future__ import annotations

from typing import Any

from payments.gateways.base import UNKNOWN, Call, Method, Outcome, PaidTo, Saved, Unavailable
from payments.gateways.sandbox import Sandbox
from payments.models import PaymentMethod


class Hosted(Sandbox):
    """What it is told to say, it says; ``forgotten`` are the methods it was told to remove."""

    name = "hosted"
    hosted = True

    reachable = True
    pays_to = PaidTo(can_be_paid=False)
    wants_confirmed = False
    """Whether a bank wants to hear from the client before a charge succeeds."""

    def __init__(self) -> None:
        self.sessions: dict[str, Saved] = {}
        self.forgotten: list[str] = []

    def methods(self, party: Any) -> tuple[Method, ...]:
        kept = PaymentMethod.objects.filter(party=party, gateway=self.name, removed_at=None)
        return tuple(Method(one.token, one.label) for one in kept.order_by("-pk"))

    def destinations(self, party: Any) -> tuple[Method, ...]:
        return ()

    def add_method(self, party: Any, *, back_to: str) -> str:
        self._reach()
        return f"https://provider.example/save?back={back_to}"

    def saved_method(self, party: Any, session: str) -> Saved | None:
        self._reach()
        return self.sessions.get(session)

    def add_destination(self, party: Any, *, back_to: str) -> str:
        self._reach()
        return f"https://provider.example/account?back={back_to}"

    def paid_to(self, party: Any) -> PaidTo:
        self._reach()
        return self.pays_to

    def forget_method(self, token: str) -> None:
        self._reach()
        self.forgotten.append(token)

    def call(self, call: Call) -> Outcome:
        return self.ask(call) if self.wants_confirmed else super().call(call)

    def ask(self, call: Call) -> Outcome:
        if not self.wants_confirmed:
            return super().call(call)
        page = "https://bank.example/confirm" if self.reachable else ""
        return Outcome(UNKNOWN.answer, confirm_url=page)

    def _reach(self) -> None:
        if not self.reachable:
            raise Unavailable("no answer")


def switched_on(monkeypatch: Any, settings: Any) -> Hosted:
    """New charges go to this provider until the test ends."""
    from payments import gateways

    provider = Hosted()
    monkeypatch.setitem(gateways.GATEWAYS, Hosted.name, lambda: provider)
    settings.PAYMENT_GATEWAY = Hosted.name
    return provider
