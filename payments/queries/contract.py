"""A contract's money at a glance, from its book."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum

from marketplace import moments
from marketplace.components import Stage, Track
from marketplace.money import Money, zero
from marketplace.states import Side
from payments import maturing
from payments.models import Book, EscrowRefundRequest, Payment, Transfer
from payments.states import EntryKind, RequestState


@dataclass(frozen=True, slots=True)
class MoneyParts:
    """What became of the money that went into escrow.

    ``paid`` is what the talent's side kept, gross; ``in_review`` and ``escrow`` together are what
    is in escrow now.
    """

    paid: Money
    in_review: Money
    escrow: Money
    returned: Money
    refunded: Money


def money_bar(book: Book, *, in_review: Money | None = None) -> MoneyParts:
    """The parts of a contract's money bar, from its transfers; one query.

    Args:
        in_review: what of the escrow is submitted and waits for approval.
    """
    sums = _sums(book)
    released = sums.get((EntryKind.RELEASE, "out"), zero(book.currency))
    returned = sums.get((EntryKind.RETURN, "out"), zero(book.currency))
    funded = sums.get((EntryKind.FUND, "in"), zero(book.currency))
    refunded = sums.get((EntryKind.REFUND, "in"), zero(book.currency))
    reviewed = in_review or zero(book.currency)
    return MoneyParts(
        paid=released - refunded,
        in_review=reviewed,
        escrow=funded - released - returned - reviewed,
        returned=returned,
        refunded=refunded,
    )


def where_is_money(book: Book, *, side: Side, now: datetime) -> list[Track]:
    """*Where the money is now*: each payment, refund and return on its way; four queries.

    Args:
        book: with both parties read along.
        side: the reader's; the talent reads what it receives, the client what it paid.
    """
    payments = list(book.payments.prefetch_related("refunds"))
    request = EscrowRefundRequest.objects.filter(book=book).first()
    return [
        *(_payment_track(one, book, side, now) for one in payments if one.refundable),
        *_refund_tracks(payments, book, side),
        *_request_tracks(request, book, side, now),
        *_returned_tracks(request, book, side),
    ]


def _sums(book: Book) -> dict[tuple[str, str], Money]:
    """Per kind of entry, what went out of escrow and what came in to the client's accounts."""
    found = (
        Transfer.objects.filter(entry__book=book)
        .order_by()
        .values_list("entry__kind", "debit", "credit")
        .annotate(minor=Sum("amount_minor"))
    )
    sums: dict[tuple[str, str], Money] = {}
    for kind, debit, credit, minor in found:
        amount = Money(minor, book.currency)
        if debit == book.escrow_account_id:
            sums[kind, "out"] = sums.get((kind, "out"), zero(book.currency)) + amount
        if credit in (book.escrow_account_id, book.credit_account_id):
            sums[kind, "in"] = sums.get((kind, "in"), zero(book.currency)) + amount
    return sums


def _payment_track(payment: Payment, book: Book, side: Side, now: datetime) -> Track:
    if side is Side.TALENT:
        amount = payment.net - payment.refunded + payment.fee_returned
        whose = "to you"
    else:
        amount, whose = payment.refundable, f"to {book.talent.name}"
    is_available = payment.matured_at is not None or maturing.is_due(payment, now)
    pending = Stage(word="pending", state="past")
    if not is_available:
        pending = Stage(word=f"pending until {moments.day(payment.available_at)}", state="here")
    return Track(
        amount=amount,
        what=f"{payment.title}, {whose}",
        stages=[
            Stage(word="released", state="past"),
            pending,
            Stage(word="available", state="here" if is_available else "future"),
        ],
    )


def _refund_tracks(payments: list[Payment], book: Book, side: Side) -> Iterator[Track]:
    whose = _to_client(book, side)
    for payment in payments:
        for refund in payment.refunds.all():
            yield Track(
                amount=refund.amount,
                what=f"{payment.title}, {whose}",
                stages=[
                    Stage(word="refunded", state="past"),
                    Stage(word="in credit", state="here"),
                ],
            )


def _request_tracks(
    request: EscrowRefundRequest | None, book: Book, side: Side, now: datetime
) -> Iterator[Track]:
    """What was asked back: on its way, or what went back of it. What was paid is a payment."""
    if request is None:
        return
    amount = request.to_client if request.resolved_at else request.amount
    if not amount:
        return
    yield Track(
        amount=amount,
        what=f"from escrow, back {_to_client(book, side)}",
        stages=[
            Stage(word="requested", state="past"),
            _answer(request, now),
            Stage(word="returned", state="here" if request.resolved_at else "future"),
        ],
    )


def _returned_tracks(
    request: EscrowRefundRequest | None, book: Book, side: Side
) -> Iterator[Track]:
    """What went back from escrow without being asked for: the talent ended, an offer lapsed."""
    nothing = zero(book.currency)
    returned = _sums(book).get((EntryKind.RETURN, "out"), nothing)
    unasked = returned - ((request.to_client or nothing) if request else nothing)
    if unasked:
        yield Track(
            amount=unasked,
            what=f"from escrow, back {_to_client(book, side)}",
            stages=[Stage(word="returned", state="past"), Stage(word="in credit", state="here")],
        )


def _answer(request: EscrowRefundRequest, now: datetime) -> Stage:
    if request.is_held:
        return Stage(word="support decides", state="here")
    words = {
        RequestState.ACCEPTED: "answered",
        RequestState.LAPSED: "not answered in time",
        RequestState.DECIDED: "decided by support",
    }
    if request.resolved_at:
        return Stage(word=words[RequestState(request.state)], state="past")
    left = moments.left(request.answer_by, now)
    return Stage(word=f"answer by {moments.day(request.answer_by)}, {left}", state="here")


def _to_client(book: Book, side: Side) -> str:
    return "to you" if side is Side.CLIENT else f"to {book.client.name}"
