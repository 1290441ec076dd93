"""A contract's money at a glance, from its book."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from marketplace import moments
from marketplace.components import Stage, Track
from marketplace.models import Party
from marketplace.money import Money, zero
from marketplace.states import Side
from payments import maturing
from payments.models import Book, EscrowRefundRequest, Payment, Refund, Transfer
from payments.states import (
    DISCUSSED_REQUESTS,
    GIVING_BACK_ENTRIES,
    PAYING_ENTRIES,
    EntryKind,
    OnSilence,
    PaymentKind,
    RefundKind,
    RequestState,
)


@dataclass(frozen=True, slots=True)
class MoneyParts:
    """What became of a client's money.

    ``paid`` is what the talent's side kept, gross, beyond ``in_review``. Of a fixed price,
    ``in_review`` and ``escrow`` together are what is in escrow now; of hours, ``in_review`` is paid
    and can still be disputed.
    """

    paid: Money
    in_review: Money
    escrow: Money
    returned: Money
    refunded: Money
    reversed: Money


def movements(book: Book) -> list[Transfer]:
    """Every transfer of a contract with its entry, oldest first; one query.

    A contract has at most some hundreds: its milestones are limited by policy, and an hourly one
    is paid once a week.
    """
    return list(Transfer.objects.filter(entry__book=book).select_related("entry").order_by("pk"))


def money_bar(
    book: Book,
    *,
    in_review: Money | None = None,
    hours_in_review: Money | None = None,
    moved: Sequence[Transfer] | None = None,
) -> MoneyParts:
    """The parts of a contract's money bar, from its transfers; at most one query.

    Args:
        in_review: what of the escrow is submitted and waits for approval.
        hours_in_review: what of the paid hours can still be disputed.
        moved: the book's :func:`movements`, if they were read already.
    """
    nothing = zero(book.currency)
    sums = _sums(book, movements(book) if moved is None else moved)
    released = sums.get((EntryKind.RELEASE, "out"), nothing)
    hours = sums.get((EntryKind.HOURS, "out"), nothing)
    bonuses = sums.get((EntryKind.BONUS, "out"), nothing)
    returned = sums.get((EntryKind.RETURN, "out"), nothing)
    funded = sums.get((EntryKind.FUND, "in"), nothing)
    refunded = sums.get((EntryKind.REFUND, "in"), nothing)
    reversed_ = sums.get((EntryKind.HOURS_REVERSAL, "in"), nothing)
    submitted, disputable = in_review or nothing, hours_in_review or nothing
    return MoneyParts(
        paid=released + hours + bonuses - refunded - reversed_ - disputable,
        in_review=submitted + disputable,
        escrow=funded - released - returned - submitted,
        returned=returned,
        refunded=refunded,
        reversed=reversed_,
    )


def kept_of(book: Book, moved: Iterable[Transfer]) -> Money:
    """What the talent has received of a contract, after fees and what went back; no queries.

    Args:
        moved: the book's :func:`movements`.
    """
    own = (book.pending_account_id, book.available_account_id)
    kept = zero(book.currency)
    for one in moved:
        if one.entry.kind in (*PAYING_ENTRIES, *GIVING_BACK_ENTRIES):
            kept += one.amount if one.credit_id in own else zero(book.currency)
            kept -= one.amount if one.debit_id in own else zero(book.currency)
    return kept


def where_is_money(
    book: Book,
    *,
    side: Side,
    now: datetime,
    moved: Sequence[Transfer] | None = None,
    reviewed_until: Mapping[int, datetime] | None = None,
) -> list[Track]:
    """*Where the money is now*: each payment, refund and return on its way.

    One query when the book came with its parties and its request, and ``moved`` is given; one more
    when something was given back of paid hours.

    Args:
        side: the reader's; the talent reads what it receives, the client what it paid.
        moved: the book's :func:`movements`, if they were read already.
        reviewed_until: by payment, until when its hours can be disputed.
    """
    payments = list(book.payments.all())
    request: EscrowRefundRequest | None = getattr(book, "escrow_refund_request", None)
    sums = _sums(book, movements(book) if moved is None else moved)
    disputable, back = reviewed_until or {}, reversed_of(payments)
    return [
        *(
            _payment_track(one, book, side, now, disputable.get(one.pk))
            for one in payments
            if one.refundable
        ),
        *(track for one in payments for track in _given_back(one, book, side, back)),
        *_request_tracks(request, book, side, now),
        *_returned_tracks(request, book, side, sums),
    ]


def reversed_of(payments: Iterable[Payment]) -> dict[int, Money]:
    """What disputes took back of payments, by their ids; no query unless of paid hours."""
    hours = {one.pk for one in payments if one.kind == PaymentKind.HOURS and one.refunded}
    if not hours:
        return {}
    found: dict[int, Money] = {}
    for one in Refund.objects.filter(payment__in=hours, kind=RefundKind.REVERSAL).order_by("pk"):
        found[one.payment_id] = one.amount + found.get(one.payment_id, zero(one.currency))
    return found


def _sums(book: Book, moved: Iterable[Transfer]) -> dict[tuple[str, str], Money]:
    """Per kind of entry, what went out of the client's accounts and what came in to them."""
    own = (book.escrow_account_id, book.credit_account_id)
    sums: dict[tuple[str, str], Money] = {}
    for one in moved:
        kind = one.entry.kind
        if one.debit_id in own:
            sums[kind, "out"] = sums.get((kind, "out"), zero(book.currency)) + one.amount
        if one.credit_id in own:
            sums[kind, "in"] = sums.get((kind, "in"), zero(book.currency)) + one.amount
    return sums


def _payment_track(
    payment: Payment, book: Book, side: Side, now: datetime, reviewed_until: datetime | None
) -> Track:
    if side is Side.TALENT:
        amount = payment.net - payment.refunded + payment.fee_returned
        whose = "to you"
    else:
        amount, whose = payment.refundable, f"to {book.talent.name}"
    is_available = payment.matured_at is not None or maturing.is_due(payment, now)
    first = "released" if payment.kind == PaymentKind.RELEASE else "paid"
    return Track(
        amount=amount,
        what=f"{payment.title}, {whose}",
        stages=[
            Stage(word=first, state="past"),
            Stage(word="pending", state="past")
            if is_available
            else _on_its_way(payment, now, reviewed_until),
            Stage(word="available", state="here" if is_available else "future"),
        ],
    )


def _on_its_way(payment: Payment, now: datetime, reviewed_until: datetime | None) -> Stage:
    """Where paid money is that is not available yet."""
    if payment.held:
        return Stage(word="disputed, held until it is settled", state="here")
    if reviewed_until is not None and now < reviewed_until:
        return Stage(word=f"in review until {moments.day(reviewed_until)}", state="here")
    return Stage(word=f"pending until {moments.day(payment.available_at)}", state="here")


def _given_back(
    payment: Payment, book: Book, side: Side, back: Mapping[int, Money]
) -> Iterator[Track]:
    """What the client got back of a payment: refunded by the talent, reversed by a dispute."""
    reversed_ = back.get(payment.pk, zero(payment.currency))
    for word, amount in (("refunded", payment.refunded - reversed_), ("reversed", reversed_)):
        if amount:
            yield Track(
                amount=amount,
                what=f"{payment.title}, {_to_client(book, side)}",
                stages=[Stage(word=word, state="past"), Stage(word="in credit", state="here")],
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
    settled = request.resolved_at is not None
    undecided = request.state in DISCUSSED_REQUESTS
    yield Track(
        amount=amount,
        what="in escrow, not decided yet"
        if undecided
        else f"from escrow, back {_to_client(book, side)}",
        stages=[
            Stage(word="requested", state="past"),
            _answered(request) if settled else _answer(request, book, side, now),
            Stage(word="returned", state="here")
            if settled
            else Stage(word=_silence(request, book, side), state="future"),
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


_ANSWERED: Final = {
    RequestState.ACCEPTED: "answered",
    RequestState.LAPSED: "not answered in time",
    RequestState.AGREED: "split as agreed",
    RequestState.DECIDED: "decided by support",
}
"""What came of a request of which something went back."""


def _answered(request: EscrowRefundRequest) -> Stage:
    return Stage(word=_ANSWERED[RequestState(request.state)], state="past")


def _answer(request: EscrowRefundRequest, book: Book, side: Side, now: datetime) -> Stage:
    """Whose answer an open request waits for."""
    if request.is_held:
        return Stage(word=f"with support until {moments.day(request.decide_by)}", state="here")
    if request.answer_by is None:
        return Stage(word="a split is proposed", state="here")
    asked = Side.CLIENT if request.state == RequestState.DISPUTED else Side.TALENT
    whose = "your answer" if asked is side else f"{_party(book, asked).name}'s answer"
    left = moments.left(request.answer_by, now)
    return Stage(word=f"{whose} by {moments.day(request.answer_by)}, {left}", state="here")


def _silence(request: EscrowRefundRequest, book: Book, side: Side) -> str:
    """What comes of an open request when nobody says anything more."""
    if request.is_held or request.answer_by is None:
        return "settled"
    if request.on_silence == OnSilence.CONCEDE:
        return "paid to you" if side is Side.TALENT else f"paid to {book.talent.name}"
    return "support decides" if request.on_silence == OnSilence.ESCALATE else "returned"


def _party(book: Book, side: Side) -> Party:
    return book.client if side is Side.CLIENT else book.talent


def _to_client(book: Book, side: Side) -> str:
    return "to you" if side is Side.CLIENT else f"to {book.client.name}"
