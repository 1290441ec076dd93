"""Stripe, behind the gateway door."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

import stripe
from django.db.models import Exists, OuterRef

from marketplace.models import Party
from payments.gateways.base import (
    UNKNOWN,
    Call,
    Dispute,
    Method,
    Movement,
    News,
    Outcome,
    PaidTo,
    Saved,
    Unavailable,
)
from payments.gateways.stripe import (
    backs,
    charges,
    disputes,
    events,
    hosted,
    identities,
    payouts,
    statement,
)
from payments.gateways.stripe.client import answers, described, is_young, logger
from payments.models import GatewayIdentity, PaymentMethod
from payments.states import OperationKind

KINDS: Final = {
    OperationKind.CHARGE: charges,
    OperationKind.CREDIT_BACK: backs,
    OperationKind.PAYOUT: payouts,
}


class Stripe:
    """See :class:`~payments.gateways.base.Gateway`."""

    name = identities.NAME
    hosted = True

    def methods(self, party: Party) -> tuple[Method, ...]:
        preferred = GatewayIdentity.objects.filter(
            party=party, gateway=self.name, default_method=OuterRef("token")
        )
        kept = PaymentMethod.objects.filter(party=party, gateway=self.name, removed_at=None)
        kept = kept.annotate(preferred=Exists(preferred))
        return tuple(
            Method(one.token, one.label, _expires(one))
            for one in kept.order_by("-preferred", "-added_at", "-pk")
        )

    def destinations(self, party: Party) -> tuple[Method, ...]:
        known = identities.of(party.pk)
        if known is None or not known.can_be_paid:
            return ()
        return (Method(known.destination, known.destination_label),)

    def call(self, call: Call) -> Outcome:
        kind = KINDS[call.kind]
        # Stripe forgets a key after a day, and would take a repeated call for a new one.
        return _known_or_not(kind.make if is_young(call) else kind.ask, call)

    def ask(self, call: Call) -> Outcome:
        return _found_or_not(KINDS[call.kind].ask, call)

    def cancel(self, call: Call) -> Outcome:
        return _found_or_not(KINDS[call.kind].cancel, call)

    def dispute(self, reference: str) -> Dispute | None:
        with _read():
            return disputes.dispute(reference)

    def movements(self, since: datetime, until: datetime) -> Iterator[Movement]:
        with _read():
            yield from statement.movements(since, until)

    def add_method(self, party: Party, *, back_to: str) -> str:
        with _read():
            return hosted.add_method(party, back_to)

    def saved_method(self, party: Party, session: str) -> Saved | None:
        with _read():
            return hosted.saved_method(party, session)

    def add_destination(self, party: Party, *, back_to: str) -> str:
        with _read():
            return hosted.add_destination(party, back_to)

    def paid_to(self, party: Party) -> PaidTo:
        with _read():
            return hosted.paid_to(party)

    def forget_method(self, token: str) -> None:
        with _read():
            hosted.forget_method(token)

    def look_up(self, kind: str, about: str, account: str) -> News:
        with _read():
            return events.look_up(kind, about, account)


def _known_or_not(ask: Callable[[Call], Outcome], call: Call) -> Outcome:
    """Silence is no refusal: the call may have been carried out."""
    try:
        with answers():
            return ask(call)
    except Unavailable:
        return UNKNOWN


def _found_or_not(ask: Callable[[Call], Outcome], call: Call) -> Outcome:
    """What Stripe does not know under the name it gave it says nothing of what became of it.

    That happens when the keys are of another account now; somebody has to look.
    """
    try:
        return _known_or_not(ask, call)
    except stripe.InvalidRequestError as refused:
        logger.error("%s cannot be asked for: %s", call.key, described(refused))
        return UNKNOWN


@contextmanager
def _read() -> Iterator[None]:
    """Of what only reads, or leads to a page: whatever goes wrong, it is not there now.

    Raises:
        Unavailable: see there.
    """
    try:
        with answers():
            yield
    except stripe.InvalidRequestError as refused:
        said = described(refused)
        logger.error("refused: %s, parameter %s", said, refused.param)
        raise Unavailable(said) from refused


def _expires(method: PaymentMethod) -> str:
    return f"Expires {method.expires_on:%m/%Y}" if method.expires_on else ""
