"""What every payment gateway offers to this house, and the guard before all of them.

A call to a gateway leaves the house: it may be slow, it may be answered twice or never. So it is
made outside our transactions, under an idempotency key that was committed before, and it answers
with an :class:`Outcome` instead of raising for what happened far away. What a gateway tells of its
own accord (the sandbox's sweep, a provider's webhook) goes to
:func:`payments.operations.take_report`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

from marketplace import locks
from marketplace.models import Party
from marketplace.money import Money


class InsideTransaction(AssertionError):
    """A gateway was called while a transaction of our own was open."""


class Answer(Enum):
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the gateway said. ``sentence`` says to people why it declined."""

    answer: Answer
    sentence: str = ""

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
    """A way to pay that a party can choose; ``token`` is what the gateway knows it by."""

    token: str
    label: str
    help: str = ""


class Gateway(Protocol):
    """One payment provider."""

    name: str

    def methods(self, party: Party) -> tuple[Method, ...]:
        """How this party can pay; the first one is offered first."""
        ...

    def charge(self, key: str, amount: Money, method: str) -> Outcome:
        """Take money; the same key again answers for the first call."""
        ...

    def ask(self, key: str) -> Outcome:
        """What became of the call with this key."""
        ...

    def cancel(self, key: str) -> Outcome:
        """Call off what has no outcome yet, for good; what has one is answered with it."""
        ...


class Door:
    """The guard: a gateway whose calls raise inside one of our transactions.

    Raises:
        InsideTransaction: by ``charge``, ``ask`` and ``cancel``.
    """

    def __init__(self, behind: Gateway) -> None:
        self._behind = behind
        self.name = behind.name

    def methods(self, party: Party) -> tuple[Method, ...]:
        return self._behind.methods(party)

    def charge(self, key: str, amount: Money, method: str) -> Outcome:
        _outside()
        return self._behind.charge(key, amount, method)

    def ask(self, key: str) -> Outcome:
        _outside()
        return self._behind.ask(key)

    def cancel(self, key: str) -> Outcome:
        _outside()
        return self._behind.cancel(key)


def _outside() -> None:
    if locks.in_transaction():
        raise InsideTransaction("a gateway is called between transactions, never in one")
