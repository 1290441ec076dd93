"""What must be true of payments, of what is given back of them, of bonuses and of corrections.

Counted anew from the raw rows, in whole numbers; windows and limits stand here once more.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import timedelta

from contracts.models import Bonus, BonusRequest, Contract
from payments.models import (
    Book,
    Correction,
    Entry,
    GatewayOperation,
    Payment,
    Refund,
    RefundRequest,
    Transfer,
)
from tests.proof.hours_kept import DAY, Kept, must

REFUNDABLE = 180 * DAY
ASKED_AT_MOST = 3
BONUS_WITHIN = 365 * DAY
LEAST_BONUS, MOST_BONUS = 100, 100_000_000
SECURED = 5 * DAY
OPEN_CHARGES = ("started", "unknown")


def half_up(minor: int, part: int, whole: int) -> int:
    return (2 * minor * part + whole) // (2 * whole)


def check_payments(kept: Kept) -> None:
    """All of them, from their rows."""
    payments = list(Payment.objects.select_related("book", "entry").order_by("pk"))
    given: dict[int, list[Refund]] = defaultdict(list)
    for refund in Refund.objects.select_related("entry").order_by("pk"):
        given[refund.payment_id].append(refund)
    transfers: dict[int, list[Transfer]] = defaultdict(list)
    for transfer in Transfer.objects.select_related("debit", "credit"):
        transfers[transfer.entry_id].append(transfer)
    for payment in payments:
        check_payment(payment, transfers[payment.entry_id], kept)
        check_refunds(payment, given[payment.pk], transfers)
    check_refund_requests(payments, given)
    check_bonuses(payments, transfers)
    check_bonus_requests()
    check_corrections(transfers, kept)


def check_payment(payment: Payment, legs: Iterable[Transfer], kept: Kept) -> None:
    """Its fee is ten in a hundred, half up, and it moved just that, from where its kind takes."""
    fee = half_up(payment.gross_minor, payment.book.talent_fee, 10_000)
    must(payment.fee_minor == fee, f"{payment} cost {payment.fee_minor}, not {fee}")
    must(payment.net_minor == payment.gross_minor - fee, f"{payment} brought {payment.net_minor}")
    source = "escrow" if payment.kind == "release" else "credit"
    expected = {(source, "pending"): payment.net_minor, (source, "fees"): fee}
    must(
        moves(legs) == {way: minor for way, minor in expected.items() if minor},
        f"{payment} moved {moves(legs)}, not {expected}",
    )
    if payment.kind != "hours":
        must(payment.available_at == payment.paid_at + SECURED, f"{payment} is not secured")
    kept.same("payment", payment.pk, (payment.gross_minor, payment.paid_at, payment.available_at))


def check_refunds(
    payment: Payment, refunds: list[Refund], transfers: dict[int, list[Transfer]]
) -> None:
    """Each takes what it costs from what is pending of its payment, then from available.

    The fee that went back in total is fee × refunded ÷ gross, half up, after each of them.
    """
    refunded = fee_back = 0
    pending = payment.net_minor
    for one in refunds:
        is_refund = one.kind == "refund"
        refunded += one.amount_minor
        must(refunded <= payment.gross_minor, f"{refunded} of {payment} were given back")
        fee = half_up(payment.fee_minor, refunded, payment.gross_minor) - fee_back
        fee_back += fee
        if is_refund:
            must(one.at - payment.paid_at <= REFUNDABLE, f"{one} came too late")
            pending = 0 if payment.available_at <= one.at else pending
        cost = one.amount_minor - fee
        from_pending = min(cost, pending)
        pending -= from_pending
        shown = (one.fee_minor, one.from_pending_minor, one.from_available_minor)
        expected = (fee, from_pending, cost - from_pending)
        must(shown == expected, f"{one} of {payment} took {shown}, not {expected}")
        ways = {
            ("fees", "credit"): fee,
            ("pending", "credit"): from_pending,
            ("available", "credit"): cost - from_pending,
        }
        moved = moves(transfers[one.entry_id])
        must(moved == {way: minor for way, minor in ways.items() if minor}, f"{one} moved {moved}")
    left = 0 if payment.matured_at else pending
    row = (payment.refunded_minor, payment.fee_returned_minor, payment.pending_left_minor)
    must(row == (refunded, fee_back, left), f"{payment} says {row}, not {refunded, fee_back, left}")


def check_refund_requests(payments: list[Payment], given: dict[int, list[Refund]]) -> None:
    """One waits at a time, three are asked at most; a refund answers the one that waits."""
    by_payment: dict[int, list[RefundRequest]] = defaultdict(list)
    for request in RefundRequest.objects.order_by("pk"):
        by_payment[request.payment_id].append(request)
    for payment in payments:
        requests = by_payment[payment.pk]
        states = [one.state for one in requests]
        must(states.count("waiting") <= 1, f"{states} of {payment}")
        must(len(requests) <= ASKED_AT_MOST, f"{payment} was asked for {len(requests)} times")
        granted = [one.refund_id for one in requests if one.state == "granted"]
        refunds = {one.pk: one for one in given[payment.pk] if one.kind == "refund"}
        must(set(granted) <= set(refunds), f"{granted} of {payment} were granted by other refunds")
        for request in requests:
            must(request.until == payment.paid_at + REFUNDABLE, f"{request} until {request.until}")
            must(payment.paid_at <= request.asked_at <= request.until, f"{request} is late")
            must(0 < request.amount_minor <= payment.gross_minor, f"{request} of {payment}")
            if request.state == "granted":
                refund = refunds[request.refund_id]
                must(request.closed_at == refund.at <= request.until, f"{request} at {refund.at}")
            if request.state == "waiting":
                later = [one for one in refunds.values() if one.at > request.asked_at]
                must(not later, f"{later} left {request} waiting")


def check_bonuses(payments: list[Payment], transfers: dict[int, list[Transfer]]) -> None:
    """Paid once from credit, never from escrow; or charged for, or not paid at all."""
    charges: dict[int, list[str]] = defaultdict(list)
    for operation in GatewayOperation.objects.filter(purpose="bonus"):
        charges[operation.purpose_id].append(operation.state)
    paid = Counter[int]()
    bonuses = Bonus.objects.select_related("contract", "payment__entry").order_by("pk")
    for bonus in bonuses:
        contract = bonus.contract
        begun, over = contract.answered_at, contract.ended_at
        must(begun is not None and begun <= bonus.given_at, f"{bonus} came before {contract} began")
        must(over is None or bonus.given_at <= over + BONUS_WITHIN, f"{bonus} came too late")
        must(LEAST_BONUS <= bonus.amount_minor <= MOST_BONUS, f"{bonus} is no such bonus")
        states = charges[bonus.pk]
        must(len(states) <= 1, f"{bonus} was charged {len(states)} times")
        is_open = any(state in OPEN_CHARGES for state in states)
        must((bonus.state == "charging") == is_open, f"{bonus} is {bonus.state} with {states}")
        if bonus.state == "failed":
            must(bool(states) and bonus.payment is None, f"{bonus} failed without a charge")
        if bonus.state == "paid":
            paid[contract.book_id] += 1
            check_paid_bonus(bonus)
    for book, kinds in entries_by_book().items():
        must(kinds["bonus"] == paid[book], f"{kinds['bonus']} entries pay {paid[book]} bonuses")
    of_bonuses = Counter(one.book_id for one in payments if one.kind == "bonus")
    must(+of_bonuses == +paid, f"{of_bonuses} payments are for {paid} bonuses")


def check_paid_bonus(bonus: Bonus) -> None:
    payment = bonus.payment
    must(
        (payment.kind, payment.gross_minor, payment.book_id, payment.entry.kind)
        == ("bonus", bonus.amount_minor, bonus.contract.book_id, "bonus"),
        f"{bonus} was paid as {payment}",
    )
    must(payment.paid_at >= bonus.given_at, f"{bonus} was paid before it was given")


def check_bonus_requests() -> None:
    """For time that no diary takes any more; a bonus that is paid for it answers it."""
    by_contract: dict[int, list[str]] = defaultdict(list)
    for request in BonusRequest.objects.select_related("contract").order_by("pk"):
        contract: Contract = request.contract
        by_contract[contract.pk].append(request.state)
        over = contract.ended_at
        must(contract.kind == "hourly" and over is not None, f"{request} on {contract}")
        must(over <= request.asked_at <= over + BONUS_WITHIN, f"{request} at {request.asked_at}")
        must(request.minutes > 0 and not request.minutes % 10, f"{request} of no segments")
        late = request.until - over - BONUS_WITHIN
        must(timedelta(0) <= late <= timedelta(seconds=1), f"{request} until {request.until}")
        is_paid = request.bonuses.filter(state="paid").exists()
        must((request.state == "granted") == is_paid, f"{request} is {request.state}: {is_paid}")
        if request.state == "expired":
            must(request.closed_at > over + BONUS_WITHIN, f"{request} was over too soon")
    for contract_id, states in by_contract.items():
        must(states.count("waiting") <= 1, f"{states} on contract {contract_id}")
        must(len(states) <= ASKED_AT_MOST, f"{states} on contract {contract_id}")


def check_corrections(transfers: dict[int, list[Transfer]], kept: Kept) -> None:
    """Two people, one transfer, never of escrow or pending; nothing else is a correction."""
    rows = Correction.objects.select_related("debit", "credit", "entry").order_by("pk")
    posted = [one for one in rows if one.state == "posted"]
    for one in rows:
        kinds = {one.debit.kind, one.credit.kind}
        must(not kinds & {"escrow", "pending"}, f"{one} moves {kinds}")
        must((one.entry is not None) == (one.state == "posted"), f"{one} is {one.state}")
        kept.same("correction", one.pk, (one.debit_id, one.credit_id, one.amount_minor))
    for one in posted:
        must(one.decided_by_id not in (None, one.proposed_by_id), f"{one} took one person")
        way = {(one.debit.kind, one.credit.kind): one.amount_minor}
        must(moves(transfers[one.entry_id]) == way, f"{one} moved otherwise than {way}")
    entries = Entry.objects.filter(kind="correction").count()
    must(entries == len(posted), f"{entries} entries are for {len(posted)} corrections")


def corrected_from_outside() -> dict[str, int]:
    """What corrections brought in from outside, less what they took out, per currency."""
    brought: Counter[str] = Counter()
    of_corrections = Transfer.objects.filter(entry__kind="correction")
    for one in of_corrections.select_related("debit", "credit"):
        brought[one.currency] += one.amount_minor * (
            (one.debit.kind == "outside") - (one.credit.kind == "outside")
        )
    return dict(brought)


# In other words ----------------------------------------------------------------------------------


def moves(legs: Iterable[Transfer]) -> dict[tuple[str, str], int]:
    """What an entry moved, by the kinds of its accounts."""
    ways: Counter[tuple[str, str]] = Counter()
    for leg in legs:
        ways[leg.debit.kind, leg.credit.kind] += leg.amount_minor
    return dict(ways)


def entries_by_book() -> dict[int, Counter[str]]:
    counted: dict[int, Counter[str]] = {
        pk: Counter() for pk in Book.objects.values_list("pk", flat=True)
    }
    of_books = Entry.objects.exclude(book=None).order_by("pk")
    for book, kind in of_books.values_list("book", "kind"):
        counted[book][kind] += 1
    return counted
