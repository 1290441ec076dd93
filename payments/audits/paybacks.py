"""Refunds, requests for one, and escrow refund requests with their splits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from marketplace.auditing import check
from payments.audits.base import CREDITED, DEBITED, broken, names
from payments.states import (
    GIVING_BACK_ENTRIES,
    OPEN_REQUESTS,
    EntryKind,
    Proposer,
    RefundKind,
    RefundRequestState,
    RequestState,
    SplitState,
    StatementKind,
)

_ANSWERED: Final = """
    SELECT entry.key AS entry_key, transfer.debit_id AS account,
           SUM(transfer.amount_minor) AS minor
    FROM payments_transfer AS transfer
    INNER JOIN payments_entry AS entry ON entry.id = transfer.entry_id
    WHERE entry.key LIKE 'request:%'
    GROUP BY entry.key, transfer.debit_id
"""
"""What the answers to escrow refund requests moved."""


@check("Every refund and reversal is what its transfers moved: pending, available and fee.")
def refund_entries() -> Iterable[str]:
    return broken(
        f"""
        SELECT entry.id, refund.amount_minor
        FROM payments_entry AS entry
        INNER JOIN payments_book AS book ON book.id = entry.book_id
        LEFT JOIN payments_refund AS refund ON refund.entry_id = entry.id
        LEFT JOIN ({DEBITED}) AS pending
            ON pending.entry = entry.id AND pending.account = book.pending_account_id
        LEFT JOIN ({DEBITED}) AS available
            ON available.entry = entry.id AND available.account = book.available_account_id
        LEFT JOIN ({DEBITED}) AS fee
            ON fee.entry = entry.id AND fee.account = book.fees_account_id
        LEFT JOIN ({CREDITED}) AS got
            ON got.entry = entry.id AND got.account = book.credit_account_id
        WHERE entry.kind IN ({names(GIVING_BACK_ENTRIES)}) AND (
            refund.id IS NULL
            OR (refund.kind = '{RefundKind.REVERSAL}')
                <> (entry.kind = '{EntryKind.HOURS_REVERSAL}')
            OR refund.from_pending_minor <> COALESCE(pending.minor, 0)
            OR refund.from_available_minor <> COALESCE(available.minor, 0)
            OR refund.fee_minor <> COALESCE(fee.minor, 0)
            OR refund.amount_minor <> COALESCE(got.minor, 0)
        )
        """,
        "Entry {}: the refund of {} minor units is not what its transfers moved.",
    )


@check("What a payment says was refunded, and of its fee returned, is the sum of its refunds.")
def refunded() -> Iterable[str]:
    return broken(
        """
        SELECT payment.id, payment.refunded_minor, payment.fee_returned_minor,
               COALESCE(given.amount, 0), COALESCE(given.fee, 0)
        FROM payments_payment AS payment
        LEFT JOIN (
            SELECT payment_id, SUM(amount_minor) AS amount, SUM(fee_minor) AS fee
            FROM payments_refund GROUP BY payment_id
        ) AS given ON given.payment_id = payment.id
        WHERE payment.refunded_minor <> COALESCE(given.amount, 0)
           OR payment.fee_returned_minor <> COALESCE(given.fee, 0)
        """,
        "Payment {} says {} refunded and {} of the fee, its refunds give {} and {} minor units.",
    )


@check("The fee returned is fee × refunded ÷ gross, half up to the minor unit.")
def fees_returned() -> Iterable[str]:
    return broken(
        """
        SELECT id, fee_minor, refunded_minor, gross_minor, fee_returned_minor
        FROM payments_payment
        WHERE fee_returned_minor
            <> (2 * fee_minor * refunded_minor + gross_minor) / (2 * gross_minor)
        """,
        "Payment {}: of the fee of {}, with {} of {} refunded, {} minor units were returned.",
    )


@check("A granted refund request was answered by a refund of its payment.")
def granted_requests() -> Iterable[str]:
    return broken(
        f"""
        SELECT request.id, request.payment_id, refund.id, refund.payment_id
        FROM payments_refundrequest AS request
        INNER JOIN payments_refund AS refund ON refund.id = request.refund_id
        WHERE refund.payment_id <> request.payment_id OR refund.kind <> '{RefundKind.REFUND}'
           OR refund.at < request.asked_at
        """,
        "Refund request {} is of payment {}, but was answered by {}, of payment {}.",
    )


@check("At most one refund request waits on a payment, and only while something of it is left.")
def waiting_requests() -> Iterable[str]:
    return broken(
        f"""
        SELECT payment.id, payment.gross_minor, payment.refunded_minor, COUNT(*)
        FROM payments_refundrequest AS request
        INNER JOIN payments_payment AS payment ON payment.id = request.payment_id
        WHERE request.state = '{RefundRequestState.WAITING}'
        GROUP BY payment.id, payment.gross_minor, payment.refunded_minor
        HAVING COUNT(*) > 1 OR payment.refunded_minor >= payment.gross_minor
        """,
        "On payment {} of {}, of which {} went back, {} refund requests wait.",
    )


@check("A refund request is in its payment's currency, for no more than the payment.")
def asked_amounts() -> Iterable[str]:
    return broken(
        """
        SELECT request.id, request.amount_minor, request.currency,
               payment.gross_minor, payment.currency
        FROM payments_refundrequest AS request
        INNER JOIN payments_payment AS payment ON payment.id = request.payment_id
        WHERE request.currency <> payment.currency
           OR request.amount_minor > payment.gross_minor OR request.asked_at < payment.paid_at
        """,
        "Refund request {} is for {} {}, its payment of {} {}.",
    )


@check("A resolved escrow refund request left nothing in escrow, and its split was posted.")
def requests() -> Iterable[str]:
    return broken(
        f"""
        SELECT request.id, request.amount_minor, request.to_talent_minor,
               COALESCE(paid.minor, 0), COALESCE(returned.minor, 0), account.balance_minor
        FROM payments_escrowrefundrequest AS request
        INNER JOIN payments_book AS book ON book.id = request.book_id
        INNER JOIN payments_account AS account ON account.id = book.escrow_account_id
        LEFT JOIN ({_ANSWERED}) AS paid
            ON paid.account = account.id
           AND paid.entry_key = 'request:' || CAST(request.id AS VARCHAR(20)) || ':release'
        LEFT JOIN ({_ANSWERED}) AS returned
            ON returned.account = account.id
           AND returned.entry_key = 'request:' || CAST(request.id AS VARCHAR(20)) || ':return'
        WHERE request.resolved_at IS NOT NULL AND (
            account.balance_minor <> 0
            OR COALESCE(paid.minor, 0) <> request.to_talent_minor
            OR COALESCE(returned.minor, 0) <> request.amount_minor - request.to_talent_minor
        )
        """,
        "Request {} of {}, {} of it to the talent: {} was paid, {} returned, {} is in escrow.",
    )


@check("An open escrow refund request is about what is in escrow.")
def open_requests() -> Iterable[str]:
    return broken(
        f"""
        SELECT request.id, request.amount_minor, account.balance_minor
        FROM payments_escrowrefundrequest AS request
        INNER JOIN payments_book AS book ON book.id = request.book_id
        INNER JOIN payments_account AS account ON account.id = book.escrow_account_id
        WHERE request.state IN ({names(OPEN_REQUESTS)})
          AND request.amount_minor <> account.balance_minor
        """,
        "Request {} is about {}, in escrow are {} minor units.",
    )


@check("A request was split as agreed exactly when its accepted split says so, to the minor unit.")
def agreed_splits() -> Iterable[str]:
    return broken(
        f"""
        SELECT request.id, request.state, request.to_talent_minor, split.id, split.to_talent_minor
        FROM payments_escrowrefundrequest AS request
        LEFT JOIN payments_splitproposal AS split
            ON split.request_id = request.id AND split.state = '{SplitState.ACCEPTED}'
        WHERE (request.state = '{RequestState.AGREED}') <> (split.id IS NOT NULL)
           OR split.to_talent_minor <> request.to_talent_minor
        """,
        "Request {} is {} with {} to the talent; its accepted split {} says {} minor units.",
    )


@check("A split is open only while its request waits for it: pending, or in mediation.")
def open_splits() -> Iterable[str]:
    return broken(
        f"""
        SELECT split.id, split.proposer, request.id, request.state
        FROM payments_splitproposal AS split
        INNER JOIN payments_escrowrefundrequest AS request ON request.id = split.request_id
        WHERE split.state = '{SplitState.OPEN}' AND request.state <> CASE split.proposer
            WHEN '{Proposer.TALENT}' THEN '{RequestState.PENDING}'
            ELSE '{RequestState.MEDIATING}' END
        """,
        "Split {}, proposed by the {}, is open on request {}, which is {}.",
    )


@check("The talent's time stands still exactly while its split is open.")
def stopped_clocks() -> Iterable[str]:
    return broken(
        f"""
        SELECT request.id, request.state FROM payments_escrowrefundrequest AS request
        LEFT JOIN payments_splitproposal AS split
            ON split.request_id = request.id AND split.state = '{SplitState.OPEN}'
           AND split.proposer = '{Proposer.TALENT}'
        WHERE (request.time_left IS NOT NULL) <> (split.id IS NOT NULL)
        """,
        "Request {} ({}): its clock and the talent's split disagree.",
    )


@check("A split is in its request's currency and adds up to its amount.")
def splits_add_up() -> Iterable[str]:
    return broken(
        """
        SELECT split.id, split.to_talent_minor, split.currency,
               request.amount_minor, request.currency
        FROM payments_splitproposal AS split
        INNER JOIN payments_escrowrefundrequest AS request ON request.id = split.request_id
        WHERE split.currency <> request.currency OR split.to_talent_minor > request.amount_minor
        """,
        "Split {} gives {} {} of {} {} to the talent.",
    )


@check("What is disputed, or was paid because the dispute was not answered, has its reason.")
def disputes_are_said() -> Iterable[str]:
    return broken(
        f"""
        SELECT request.id, request.state FROM payments_escrowrefundrequest AS request
        WHERE request.state IN (
            '{RequestState.DISPUTED}', '{RequestState.CONCEDED_BY_SILENCE}'
        ) AND NOT EXISTS (
            SELECT 1 FROM payments_requeststatement AS said
            WHERE said.request_id = request.id AND said.kind = '{StatementKind.DISPUTE}'
        )
        """,
        "Request {} is {}, and nobody said why it is disputed.",
    )
