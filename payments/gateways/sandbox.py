"""The embedded gateway: plays a payment provider, with a memory of its own.

What it knows is committed in its own transactions, as if it were far away, so that a process that
dies here leaves the same riddle as with a real provider. How a call behaves is chosen by its
payment method, or by where a payout goes. Money sent back arrives as its charge was paid.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet, Sum

from marketplace import clock
from marketplace.models import Party
from marketplace.money import Money
from payments.gateways.base import (
    SUCCEEDED,
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
    declined,
)
from payments.models import GatewayIdentity, SandboxCall, SandboxDispute, SandboxMovement
from payments.states import OUTGOING, ChargebackState, OperationKind

ACCEPTS: Final = "accepts"
DECLINES: Final = "declines"
TIMES_OUT: Final = "times_out"
NEVER_ANSWERS: Final = "never_answers"
ANSWERS_TWICE: Final = "answers_twice"
DISPUTED: Final = "disputed"

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
    Method(
        DISPUTED,
        "Sandbox card whose owner disputes the charge",
        "The charge succeeds; a day later the bank takes it back, and decides after a week.",
    ),
)

RECEIVES: Final = "receives"
REFUSES: Final = "refuses"
RECEIVES_LATE: Final = "receives_late"
NEVER_RECEIVES: Final = "never_receives"
SENDS_BACK: Final = "sends_back"

DESTINATIONS: Final = (
    Method(RECEIVES, "Sandbox bank account that receives", "The money arrives."),
    Method(REFUSES, "Sandbox bank account that refuses", "The withdrawal fails at once."),
    Method(
        RECEIVES_LATE,
        "Sandbox bank account that receives, told late",
        "The money arrives, but we learn of it a minute later.",
    ),
    Method(
        NEVER_RECEIVES,
        "Sandbox bank account that never answers",
        "The withdrawal stays open and is called off after a day.",
    ),
    Method(
        SENDS_BACK,
        "Sandbox bank account that sends back",
        "The money leaves, and comes back three days later.",
    ),
)

REFUSED: Final = "The card was declined. Nothing was charged; try another payment method."
CALLED_OFF: Final = "The charge was called off because it got no answer. Nothing was charged."
PAYOUT_REFUSED: Final = "The bank refused it."
PAYOUT_CALLED_OFF: Final = "It was called off because the bank never answered."
SENT_BACK: Final = "The bank sent the money back."
FOR_ALL: Final = "The sandbox's cards and accounts are there for everybody."
BANKS_REASON: Final = "The owner does not recognise the charge"

SECOND_REPORT: Final = timedelta(minutes=1)
"""How long after the first answer the second one arrives."""
COMES_BACK_AFTER: Final = timedelta(days=3)
DISPUTED_AFTER: Final = timedelta(days=1)
DECIDED_AFTER: Final = timedelta(days=7)
ARRIVES_AFTER: Final = timedelta(days=2)

_OPEN: Final = "open"
_SUCCEEDED: Final = "succeeded"
_DECLINED: Final = "declined"
_CALLED_OFF: Final = "called_off"
_RETURNED: Final = "returned"


@dataclass(frozen=True, slots=True)
class _Fate:
    """What becomes of a call: its outcome, whether we hear it at once, and when more is told."""

    outcome: str
    heard: bool = True
    more_after: timedelta | None = None


_CHARGES: Final = {
    ACCEPTS: _Fate(_SUCCEEDED),
    DECLINES: _Fate(_DECLINED),
    TIMES_OUT: _Fate(_SUCCEEDED, heard=False),
    NEVER_ANSWERS: _Fate(_OPEN),
    ANSWERS_TWICE: _Fate(_SUCCEEDED, more_after=SECOND_REPORT),
    DISPUTED: _Fate(_SUCCEEDED, more_after=DISPUTED_AFTER),
}
_PAYOUTS: Final = {
    RECEIVES: _Fate(_SUCCEEDED),
    REFUSES: _Fate(_DECLINED),
    RECEIVES_LATE: _Fate(_SUCCEEDED, heard=False),
    NEVER_RECEIVES: _Fate(_OPEN),
    SENDS_BACK: _Fate(_SUCCEEDED, more_after=COMES_BACK_AFTER),
}
_BACK: Final = {
    TIMES_OUT: _Fate(_SUCCEEDED, heard=False),
    ANSWERS_TWICE: _Fate(_SUCCEEDED, more_after=SECOND_REPORT),
}
"""Of money sent back, by the method of its charge; any other takes it at once."""

_SENTENCES: Final = {
    (_DECLINED, True): PAYOUT_REFUSED,
    (_DECLINED, False): REFUSED,
    (_CALLED_OFF, True): PAYOUT_CALLED_OFF,
    (_CALLED_OFF, False): CALLED_OFF,
    (_RETURNED, True): SENT_BACK,
}
"""What is said of what did not happen; the second word is whether money was to go out."""


class KeyMisused(ValueError):
    """A key came back with another amount, as real providers refuse it."""


class Sandbox:
    """See :class:`~payments.gateways.base.Gateway`."""

    name = "sandbox"
    hosted = False

    def methods(self, party: Party) -> tuple[Method, ...]:
        """The same for everybody; the one this party prefers first."""
        known = GatewayIdentity.objects.filter(party=party, gateway=self.name)
        preferred = known.values_list("default_method", flat=True).first()
        return tuple(sorted(METHODS, key=lambda one: one.token != preferred))

    def destinations(self, party: Party) -> tuple[Method, ...]:  # noqa: ARG002 - alike for all
        return DESTINATIONS

    @transaction.atomic(durable=True)
    def call(self, call: Call) -> Outcome:
        fate, now = _fate_of(call), clock.now()
        remembered, is_new = SandboxCall.objects.get_or_create(
            key=call.key,
            defaults={
                "kind": call.kind,
                "of": call.of.key if call.of else "",
                "behaviour": call.method,
                "amount_minor": call.amount.minor,
                "currency": call.amount.currency,
                "outcome": fate.outcome,
                "report_due_at": now + fate.more_after if fate.more_after else None,
            },
        )
        asked = (call.amount.minor, call.amount.currency)
        if remembered.behaviour and (remembered.amount_minor, remembered.currency) != asked:
            raise KeyMisused(call.key)
        if is_new and remembered.outcome == _SUCCEEDED:
            _move(remembered, outgoing=call.kind in OUTGOING)
        if is_new and not fate.heard:
            return UNKNOWN
        return _outcome_of(remembered, call)

    def ask(self, call: Call) -> Outcome:
        remembered = SandboxCall.objects.filter(key=call.key).first()
        return _outcome_of(remembered, call) if remembered else UNKNOWN

    @transaction.atomic(durable=True)
    def cancel(self, call: Call) -> Outcome:
        """Call off an unanswered call; also one that never came, should it still come."""
        SandboxCall.objects.get_or_create(
            key=call.key,
            defaults={
                "kind": call.kind,
                "behaviour": "",
                "amount_minor": 0,
                "currency": "",
                "outcome": _CALLED_OFF,
            },
        )
        SandboxCall.objects.filter(key=call.key, outcome=_OPEN).update(outcome=_CALLED_OFF)
        return _outcome_of(SandboxCall.objects.get(key=call.key), call)

    def dispute(self, reference: str) -> Dispute | None:
        found = SandboxDispute.objects.filter(reference=reference).select_related("call").first()
        if found is None:
            return None
        return Dispute(
            reference=found.reference,
            key=found.call.key,
            amount=found.call.amount,
            state=ChargebackState(found.outcome),
            because=BANKS_REASON,
            opened_at=found.opened_at,
            evidence_due_at=found.opened_at + DECIDED_AFTER,
        )

    def movements(self, since: datetime, until: datetime) -> Iterator[Movement]:
        chosen = SandboxMovement.objects.filter(at__gte=since, at__lt=until).order_by("at", "pk")
        for one in chosen.iterator(chunk_size=2_000):
            yield Movement(one.key, one.amount, one.at, dispute=one.dispute)

    def add_method(self, party: Party, *, back_to: str) -> str:  # noqa: ARG002
        raise Unavailable(FOR_ALL)

    def saved_method(self, party: Party, session: str) -> Saved | None:  # noqa: ARG002
        return None

    def add_destination(self, party: Party, *, back_to: str) -> str:  # noqa: ARG002
        raise Unavailable(FOR_ALL)

    def paid_to(self, party: Party) -> PaidTo:  # noqa: ARG002
        return PaidTo(can_be_paid=True, label=DESTINATIONS[0].label)

    def forget_method(self, token: str) -> None:  # noqa: ARG002
        raise Unavailable(FOR_ALL)

    def look_up(self, kind: str, about: str, account: str) -> News:  # noqa: ARG002
        return News()


@dataclass(frozen=True, slots=True)
class Report:
    """What the sandbox tells unasked: of a call by its key, and perhaps of a dispute about it."""

    key: str
    dispute: str = ""


def reports() -> QuerySet[SandboxCall]:
    """Those that will tell more, by ``report_due_at``."""
    return SandboxCall.objects.filter(report_due_at__isnull=False)


@transaction.atomic(durable=True)
def report(call_id: int) -> Report | None:
    """Let what is due at the sandbox happen there, and tell of it.

    It is told again, word for word, until :func:`was_heard`.
    """
    call = SandboxCall.objects.get(pk=call_id)
    if call.report_due_at is None or call.report_due_at > clock.now():
        return None
    if call.behaviour == SENDS_BACK and call.outcome == _SUCCEEDED:
        call.outcome = _RETURNED
        call.save(update_fields=["outcome"])
        _move(call, outgoing=False)
    if call.behaviour == DISPUTED and call.kind == OperationKind.CHARGE:
        return Report(call.key, dispute=_dispute(call))
    return Report(call.key)


def was_heard(call_id: int) -> None:
    """The report arrived. Of a dispute the decision is told later; else there is nothing more."""
    dispute = SandboxDispute.objects.filter(call=call_id, outcome=ChargebackState.OPEN).first()
    later = dispute.opened_at + DECIDED_AFTER if dispute else None
    SandboxCall.objects.filter(pk=call_id).update(report_due_at=later)


def _fate_of(call: Call) -> _Fate:
    match call.kind:
        case OperationKind.PAYOUT:
            return _PAYOUTS.get(call.method, _Fate(_DECLINED))
        case OperationKind.CREDIT_BACK:
            return _BACK.get(call.method, _Fate(_SUCCEEDED)) if _fits(call) else _Fate(_DECLINED)
        case _:
            return _CHARGES.get(call.method, _Fate(_DECLINED))


def _fits(call: Call) -> bool:
    """Of a charge that was paid and is not disputed, no more goes back than was paid."""
    charge = SandboxCall.objects.filter(key=call.of.key).first() if call.of else None
    if charge is None or charge.outcome != _SUCCEEDED or charge.disputes.exists():
        return False
    back = SandboxCall.objects.filter(of=charge.key, outcome=_SUCCEEDED).exclude(key=call.key)
    gone = back.aggregate(minor=Sum("amount_minor"))["minor"] or 0
    return bool(gone + call.amount.minor <= charge.amount_minor)


def _dispute(call: SandboxCall) -> str:
    """Open the dispute, or decide it: for the client."""
    found = call.disputes.first()
    if found is None:
        found = SandboxDispute.objects.create(
            reference=f"dispute:{call.key}",
            call=call,
            outcome=ChargebackState.OPEN,
            opened_at=clock.now(),
        )
        _move(call, outgoing=True, dispute=found.reference)
    elif found.outcome == ChargebackState.OPEN and clock.now() >= found.opened_at + DECIDED_AFTER:
        found.outcome = ChargebackState.LOST
        found.save(update_fields=["outcome"])
    return found.reference


def _move(call: SandboxCall, *, outgoing: bool, dispute: str = "") -> None:
    SandboxMovement.objects.create(
        key=call.key,
        dispute=dispute,
        amount_minor=-call.amount_minor if outgoing else call.amount_minor,
        currency=call.currency,
        at=clock.now(),
    )


def _outcome_of(remembered: SandboxCall, call: Call) -> Outcome:
    if remembered.outcome == _OPEN:
        return UNKNOWN
    goes_out = remembered.kind in OUTGOING
    if remembered.outcome == _SUCCEEDED:
        arrives = (call.started_at + ARRIVES_AFTER).date() if goes_out else None
        return Outcome(SUCCEEDED.answer, arrives_on=arrives) if arrives else SUCCEEDED
    return declined(_SENTENCES[remembered.outcome, goes_out])


def came_in(currency: str) -> Money:
    """What came in less what went out, since the beginning."""
    moved = SandboxMovement.objects.filter(currency=currency)
    return Money(moved.aggregate(minor=Sum("amount_minor"))["minor"] or 0, currency)
