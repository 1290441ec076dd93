"""What the pages about refunding a payment show, to the side that gives and the side that asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery

from marketplace import clock
from marketplace.actors import Actor
from marketplace.money import Money, zero
from payments import maturing, refund_requests, refunds, rules
from payments.models import Account, Book, Payment, RefundRequest
from payments.queries.contract import reversed_of
from payments.refunds import Balances


@dataclass(frozen=True, slots=True)
class PaymentFacts:
    """A payment, what went back of it, and what was asked for.

    Of what went back already, ``reversed`` was taken back by a dispute of hours. ``waits`` is the
    request that waits for an answer; ``earlier`` are those that are closed, newest first.
    """

    payment: Payment
    reversed: Money
    until: datetime
    waits: RefundRequest | None
    earlier: list[RefundRequest]

    @property
    def refunded(self) -> Money:
        given: Money = self.payment.refunded - self.reversed
        return given


@dataclass(frozen=True, slots=True)
class RefundPage(PaymentFacts):
    """The talent's: how much of it can be refunded now, and from which balances."""

    balances: Balances
    most: Money

    @property
    def asks(self) -> str:
        """What waits, in words."""
        client = self.payment.book.client.name
        return f"{client} asks for {self.waits.amount} back" if self.waits else ""

    @property
    def whole_is_possible(self) -> bool:
        return self.most == self.payment.refundable


@dataclass(frozen=True, slots=True)
class AskPage(PaymentFacts):
    """The client's: why it cannot ask now; empty when it can, or when a request waits."""

    why_not: str

    @property
    def asks(self) -> str:
        """What waits, in words."""
        return f"You asked for {self.waits.amount} back" if self.waits else ""

    @property
    def may_ask(self) -> bool:
        return self.waits is None and not self.why_not


@dataclass(frozen=True, slots=True)
class AskedBack:
    """What a client asks back of one payment, as rows about the contract tell it."""

    payment_id: int
    amount: Money


def refund_page(payment: Payment) -> RefundPage:
    """The figures for a payment as they are now; at most four queries."""
    now = clock.now()
    book = payment.book
    available = Account.objects.get(pk=book.available_account_id).balance
    due = maturing.due_of(book.talent, now).get(payment.currency, zero(payment.currency))
    pending = zero(payment.currency) if maturing.is_due(payment, now) else payment.pending_left
    balances = Balances(pending, available + due)
    return RefundPage(
        **_facts(payment, now),
        balances=balances,
        most=refunds.most_possible(payment, balances),
    )


def ask_page(payment: Payment, actor: Actor) -> AskPage:
    """The same payment for the client; at most two queries."""
    now = clock.now()
    facts = _facts(payment, now)
    times = len(facts["earlier"])
    refusal = rules.may_ask(payment, actor, now=now, times=times)
    return AskPage(**facts, why_not="" if facts["waits"] else str(refusal or ""))


def requests_by_payment(book: Book) -> dict[int, list[RefundRequest]]:
    """What was asked of a contract's payments, newest first; one query."""
    found: dict[int, list[RefundRequest]] = {}
    for one in RefundRequest.objects.filter(payment__book=book).order_by("-asked_at", "-pk"):
        found.setdefault(one.payment_id, []).append(one)
    return found


def with_asked_back(found: QuerySet[Any], *, book: str, now: datetime) -> QuerySet[Any]:
    """Rows with what :func:`asked_back` reads: the oldest request that waits; no query more.

    Args:
        book: the rows' column with the book's id.
    """
    waits = (
        refund_requests.waiting()
        .filter(payment__book=OuterRef(book), until__gte=now)
        .order_by("asked_at", "pk")
    )
    return found.annotate(
        asked_payment=Subquery(waits.values("payment")[:1]),
        asked_minor=Subquery(waits.values("amount_minor")[:1]),
    )


def asked_back(row: Any) -> AskedBack | None:
    """Of a row, with a currency, that :func:`with_asked_back` found."""
    if row.asked_payment is None:
        return None
    return AskedBack(row.asked_payment, Money(row.asked_minor, row.currency))


def with_refundable(found: QuerySet[Any], *, book: str) -> QuerySet[Any]:
    """Rows with ``refundable_paid_at``: when the newest payment with something left was paid."""
    left = Payment.objects.filter(book=OuterRef(book), refunded_minor__lt=F("gross_minor"))
    newest = left.order_by("-paid_at").values("paid_at")[:1]
    return found.annotate(refundable_paid_at=Subquery(newest))


def _facts(payment: Payment, now: datetime) -> dict[str, Any]:
    asked = list(payment.refund_requests.order_by("-asked_at", "-pk"))
    for one in asked:
        one.payment = payment
    waits = next((one for one in asked if one.waits_at(now)), None)
    return {
        "payment": payment,
        "reversed": reversed_of([payment]).get(payment.pk, zero(payment.currency)),
        "until": rules.refundable_until(payment),
        "waits": waits,
        "earlier": [one for one in asked if one is not waits],
    }
