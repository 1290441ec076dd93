"""The embedded gateway: plays a payment provider, with a memory of its own.

What it knows is committed in its own transactions, as if it were far away, so that a process that
dies here leaves the same riddle as with a real provider. How a charge behaves is chosen by its
payment method.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from marketplace import clock
from marketplace.models import Party
from marketplace.money import Money
from payments.gateways.base import SUCCEEDED, UNKNOWN, Method, Outcome, declined
from payments.models import SandboxCharge

ACCEPTS: Final = "accepts"
DECLINES: Final = "declines"
TIMES_OUT: Final = "times_out"
NEVER_ANSWERS: Final = "never_answers"
ANSWERS_TWICE: Final = "answers_twice"

METHODS: Final = (
    Method(ACCEPTS, "Sandbox card that pays", "The charge succeeds at once."),
    Method(DECLINES, "Sandbox card that is declined", "The charge is refused at once."),
    Method(
        TIMES_OUT,
        "Sandbox card that pays late",
        "The charge succeeds, but we learn of it a minute later.",
    ),
    Method(
        NEVER_ANSWERS,
        "Sandbox card that never answers",
        "The charge stays open and is called off after a day.",
    ),
    Method(
        ANSWERS_TWICE,
        "Sandbox card that answers twice",
        "The charge succeeds at once and is reported a second time.",
    ),
)

REFUSED: Final = "The card was declined. Nothing was charged; try another payment method."
CALLED_OFF: Final = "The charge was called off because it got no answer. Nothing was charged."

SECOND_REPORT: Final = timedelta(minutes=1)
"""How long after the first answer the second one arrives."""

_OPEN: Final = "open"
_SUCCEEDED: Final = "succeeded"
_DECLINED: Final = "declined"
_CALLED_OFF: Final = "called_off"

_FATES: Final = {
    ACCEPTS: _SUCCEEDED,
    DECLINES: _DECLINED,
    TIMES_OUT: _SUCCEEDED,
    NEVER_ANSWERS: _OPEN,
    ANSWERS_TWICE: _SUCCEEDED,
}
_OUTCOMES: Final = {
    _OPEN: UNKNOWN,
    _SUCCEEDED: SUCCEEDED,
    _DECLINED: declined(REFUSED),
    _CALLED_OFF: declined(CALLED_OFF),
}


class KeyMisused(ValueError):
    """A key came back with another amount, as real providers refuse it."""


class Sandbox:
    """See :class:`~payments.gateways.base.Gateway`."""

    name = "sandbox"

    def methods(self, party: Party) -> tuple[Method, ...]:  # noqa: ARG002 - alike for everybody
        return METHODS

    @transaction.atomic(durable=True)
    def charge(self, key: str, amount: Money, method: str) -> Outcome:
        remembered, is_new = SandboxCharge.objects.get_or_create(
            key=key,
            defaults={
                "behaviour": method,
                "amount_minor": amount.minor,
                "currency": amount.currency,
                "outcome": _FATES.get(method, _DECLINED),
                "report_due_at": clock.now() + SECOND_REPORT if method == ANSWERS_TWICE else None,
            },
        )
        asked = (amount.minor, amount.currency)
        if remembered.behaviour and (remembered.amount_minor, remembered.currency) != asked:
            raise KeyMisused(key)
        if is_new and method == TIMES_OUT:
            return UNKNOWN
        return _OUTCOMES[remembered.outcome]

    def ask(self, key: str) -> Outcome:
        remembered = SandboxCharge.objects.filter(key=key).first()
        return _OUTCOMES[remembered.outcome] if remembered else UNKNOWN

    @transaction.atomic(durable=True)
    def cancel(self, key: str) -> Outcome:
        """Call off an unanswered charge; also one that never came, should it still come."""
        SandboxCharge.objects.get_or_create(
            key=key,
            defaults={"behaviour": "", "amount_minor": 0, "currency": "", "outcome": _CALLED_OFF},
        )
        SandboxCharge.objects.filter(key=key, outcome=_OPEN).update(outcome=_CALLED_OFF)
        return _OUTCOMES[SandboxCharge.objects.get(key=key).outcome]


def reports() -> QuerySet[SandboxCharge]:
    """Those that will be told once more, by ``report_due_at``."""
    return SandboxCharge.objects.filter(report_due_at__isnull=False)


def report(charge: SandboxCharge) -> Outcome:
    """What the sandbox tells unasked about a charge."""
    return _OUTCOMES[charge.outcome]


def was_heard(charge: SandboxCharge) -> None:
    """The report arrived; it is not told again."""
    SandboxCharge.objects.filter(pk=charge.pk).update(report_due_at=None)
