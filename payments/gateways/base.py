"""What every payment gateway offers to this house, and the guard before all of them.

A call to a gateway leaves the house: it may be slow, it may be answered twice or never. So it is
made outside our transactions, under an idempotency key that was committed before, and it answers
with an :class:`Outcome` instead of raising for what happened far away. What a gateway tells of its
own accord (the sandbox's sweep, a provider's webhook) goes to
:func:`payments.operations.hear` and :func:`payments.chargebacks.take`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Final, Protocol

from marketplace import locks
from marketplace.models import Party
from marketplace.money import Money
from payments.states import ChargebackState, OperationKind


class InsideTransaction(AssertionError):
    """A gateway was called while a transaction of our own was open."""


class Unavailable(Exception):
    """The gateway cannot be reached now, for what only reads or leads to a page of its own."""


class Answer(Enum):
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked of a gateway; the same each time it is repeated.

    Attributes:
        kind: money taken, sent back to where it came from, or paid out.
        key: our idempotency key, unique for good.
        method: the token of a :class:`Method`: what is charged, or where a payout goes.
        party: whose money it is, by id.
        started_at: when it was first asked.
        reference: what the gateway calls it, once we know.
        of: of money sent back, the charge it came from.
        return_to: where the owner of a charge comes back to who confirmed it at the bank.
    """

    kind: OperationKind
    key: str
    amount: Money
    method: str
    party: int
    started_at: datetime
    reference: str = ""
    of: Call | None = None
    return_to: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the gateway said.

    Attributes:
        sentence: says to people why it declined.
        reference: what the gateway calls the call.
        confirm_url: the client has to confirm the charge on this page of its bank, or the gateway.
        arrives_on: when outgoing money is expected where it goes.
    """

    answer: Answer
    sentence: str = ""
    reference: str = ""
    confirm_url: str = ""
    arrives_on: date | None = None

    @property
    def succeeded(self) -> bool:
        return self.answer is Answer.SUCCEEDED

    @property
    def is_known(self) -> bool:
        return self.answer is not Answer.UNKNOWN


SUCCEEDED: Final = Outcome(Answer.SUCCEEDED)
UNKNOWN: Final = Outcome(Answer.UNKNOWN)


def declined(sentence: str) -> Outcome:
    return Outcome(Answer.DECLINED, sentence)


@dataclass(frozen=True, slots=True)
class Method:
    """A way to pay that a party can choose, or a place it can be paid to.

    ``token`` is what the gateway knows it by.
    """

    token: str
    label: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class Saved:
    """A way to pay that a party has saved on a page of the provider.

    ``label`` names it for people, ``expires_on`` is its last day.
    """

    token: str
    label: str
    expires_on: date | None = None


@dataclass(frozen=True, slots=True)
class PaidTo:
    """Where a party is paid to, as far as the provider has what it needs."""

    can_be_paid: bool
    label: str = ""


@dataclass(frozen=True, slots=True)
class Dispute:
    """A charge that its owner disputes at the bank.

    Attributes:
        reference: what the gateway calls the dispute.
        key: of the charge.
        amount: what the bank took.
        because: the bank's reason, in a few words.
        evidence_due_at: until when the operator can answer the bank.
    """

    reference: str
    key: str
    amount: Money
    state: ChargebackState
    because: str
    opened_at: datetime
    evidence_due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Movement:
    """A line of the gateway's own statement: above zero when money came in.

    ``key`` is that of our call, empty when the gateway names none of ours; ``dispute`` is the
    reference of the dispute it belongs to, if any.
    """

    key: str
    amount: Money
    at: datetime
    reference: str = ""
    dispute: str = ""


@dataclass(frozen=True, slots=True)
class News:
    """What a message of the gateway is about, in our terms; nothing of it when it is not ours.

    Attributes:
        key: of a call of ours.
        dispute: the reference of a dispute.
        saved_by: the party, by id, that saved a way to pay in ``session``.
        destination_of: the party, by id, that changed where it is paid to.
    """

    key: str = ""
    dispute: str = ""
    saved_by: int | None = None
    session: str = ""
    destination_of: int | None = None


class Gateway(Protocol):
    """One payment provider."""

    name: str
    hosted: bool
    """Whether methods are added on pages of the provider; otherwise they are there for all."""

    def methods(self, party: Party) -> tuple[Method, ...]:
        """How this party can pay; the one it prefers first."""
        ...

    def destinations(self, party: Party) -> tuple[Method, ...]:
        """Where this party can be paid to; empty until it has named an account."""
        ...

    def call(self, call: Call) -> Outcome:
        """Do what is asked; the same key again answers for the first call."""
        ...

    def ask(self, call: Call) -> Outcome:
        """What became of a call. Also of one that succeeded: money sent out may come back."""
        ...

    def cancel(self, call: Call) -> Outcome:
        """Call off what has no outcome yet, for good; what has one is answered with it."""
        ...

    def dispute(self, reference: str) -> Dispute | None:
        """A dispute as it stands now."""
        ...

    def movements(self, since: datetime, until: datetime) -> Iterator[Movement]:
        """The gateway's own statement from ``since`` to before ``until``, in any order.

        Raises:
            Unavailable: it cannot be read now.
        """
        ...

    def add_method(self, party: Party, *, back_to: str) -> str:
        """The address of a page of the provider where the party saves a way to pay.

        Args:
            back_to: where the person goes afterwards; with ``session`` added to its query when a
                way to pay was saved, to be given to :meth:`saved_method`.

        Raises:
            Unavailable: see there.
        """
        ...

    def saved_method(self, party: Party, session: str) -> Saved | None:
        """What the party saved in a session of that page; None when it is not (yet) its own.

        Raises:
            Unavailable: see there.
        """
        ...

    def add_destination(self, party: Party, *, back_to: str) -> str:
        """The address of a page of the provider where the party names where it is paid to.

        Raises:
            Unavailable: see there.
        """
        ...

    def paid_to(self, party: Party) -> PaidTo:
        """How far the party has come with that.

        Raises:
            Unavailable: see there.
        """
        ...

    def forget_method(self, token: str) -> None:
        """Have a saved way to pay removed there too.

        Raises:
            Unavailable: see there.
        """
        ...

    def look_up(self, kind: str, about: str, account: str) -> News:
        """What a message that the gateway sent is about.

        Args:
            kind, about, account: see :class:`payments.models.GatewayEvent`.

        Raises:
            Unavailable: see there.
        """
        ...


class Door:
    """The guard: a gateway whose calls raise inside one of our transactions.

    Raises:
        InsideTransaction: by everything but ``methods`` and ``destinations``, which only read here.
    """

    def __init__(self, behind: Gateway) -> None:
        self._behind = behind
        self.name = behind.name
        self.hosted = behind.hosted

    def methods(self, party: Party) -> tuple[Method, ...]:
        return self._behind.methods(party)

    def destinations(self, party: Party) -> tuple[Method, ...]:
        return self._behind.destinations(party)

    def call(self, call: Call) -> Outcome:
        _outside()
        return self._behind.call(call)

    def ask(self, call: Call) -> Outcome:
        _outside()
        return self._behind.ask(call)

    def cancel(self, call: Call) -> Outcome:
        _outside()
        return self._behind.cancel(call)

    def dispute(self, reference: str) -> Dispute | None:
        _outside()
        return self._behind.dispute(reference)

    def movements(self, since: datetime, until: datetime) -> Iterator[Movement]:
        _outside()
        return self._behind.movements(since, until)

    def add_method(self, party: Party, *, back_to: str) -> str:
        _outside()
        return self._behind.add_method(party, back_to=back_to)

    def saved_method(self, party: Party, session: str) -> Saved | None:
        _outside()
        return self._behind.saved_method(party, session)

    def paid_to(self, party: Party) -> PaidTo:
        _outside()
        return self._behind.paid_to(party)

    def add_destination(self, party: Party, *, back_to: str) -> str:
        _outside()
        return self._behind.add_destination(party, back_to=back_to)

    def forget_method(self, token: str) -> None:
        _outside()
        self._behind.forget_method(token)

    def look_up(self, kind: str, about: str, account: str) -> News:
        _outside()
        return self._behind.look_up(kind, about, account)


def _outside() -> None:
    if locks.in_transaction():
        raise InsideTransaction("a gateway is called between transactions, never in one")
