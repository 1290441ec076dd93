"""A contract's money at a glance, from its book."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

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


def movements(book: Book) -> list[Transfer]:
    """Every transfer of a contract with its entry, oldest first; one query.

    A contract has at most some hundreds: its milestones are limited by policy.
    """
    return list(Transfer.objects.filter(entry__book=book).select_related("entry").order_by("pk"))


def money_bar(
    book: Book, *, in_review: Money | None = None, moved: Sequence[Transfer] | None = None
) -> MoneyParts:
    """The parts of a contract's money bar, from its transfers; at most one query.

    Args:
        in_review: what of the escrow is submitted and waits for approval.
        moved: the book's :func:`movements`, if they were read already.
    """
    sums = _sums(book, movements(book) if moved is None else moved)
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


def where_is_money(
    book: Book, *, side: Side, now: datetime, moved: Sequence[Transfer] | None = None
) -> list[Track]:
    """*Where the money is now*: each payment, refund and return on its way.

    One query when the book came with its parties and its request, and ``moved`` is given.

    Args:
        side: the reader's; the talent reads what it receives, the client what it paid.
        moved: the book's :func:`movements`, if they were read already.
    """
    payments = list(book.payments.all())
    request: EscrowRefundRequest | None = getattr(book, "escrow_refund_request", None)
    sums = _sums(book, movements(book) if moved is None else moved)
    return [
        *(_payment_track(one, book, side, now) for one in payments if one.refundable),
        *(_refund_track(one, book, side) for one in payments if one.refunded),
        *_request_tracks(request, book, side, now),
        *_returned_tracks(request, book, side, sums),
    ]


def _sums(book: Book, moved: Iterable[Transfer]) -> dict[tuple[str, str], Money]:
    """Per kind of entry, what went out of escrow and what came in to the client's accounts."""
    sums: dict[tuple[str, str], Money] = {}
    for one in moved:
        kind = one.entry.kind
        if one.debit_id == book.escrow_account_id:
            sums[kind, "out"] = sums.get((kind, "out"), zero(book.currency)) + one.amount
        if one.credit_id in (book.escrow_account_id, book.credit_account_id):
            sums[kind, "in"] = sums.get((kind, "in"), zero(book.currency)) + one.amount
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


def _refund_track(payment: Payment, book: Book, side: Side) -> Track:
    return Track(
        amount=payment.refunded,
        what=f"{payment.title}, {_to_client(book, side)}",
        stages=[Stage(word="refunded", state="past"), Stage(word="in credit", state="here")],
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
    request: EscrowRefundRequest | None,
    book: Book,
    side: Side,
    sums: dict[tuple[str, str], Money],
) -> Iterator[Track]:
    """What went back from escrow without being asked for: the talent ended, an offer lapsed."""
    nothing = zero(book.currency)
    returned = sums.get((EntryKind.RETURN, "out"), nothing)
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
