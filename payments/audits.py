"""What must be true of the books, each sentence proved from the raw transfers (promise 1).

Every check is one statement that the database answers with what breaks it, so memory stays flat.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.db import connection

from marketplace.auditing import check
from payments import triggers
from payments.states import (
    GIVING_BACK_ENTRIES,
    KEPT,
    OPEN_REQUESTS,
    PAYING_ENTRIES,
    AccountKind,
    CorrectionState,
    EntryKind,
    OperationState,
    Proposer,
    RefundKind,
    RefundRequestState,
    RequestState,
    SplitState,
    StatementKind,
)

MOVED: Final = """
    SELECT account, SUM(minor) AS minor FROM (
        SELECT credit_id AS account, amount_minor AS minor FROM payments_transfer
        UNION ALL
        SELECT debit_id, -amount_minor FROM payments_transfer
    ) AS moves GROUP BY account
"""
"""Credits minus debits of each account."""


_CREDITED: Final = """
    SELECT entry_id AS entry, credit_id AS account, SUM(amount_minor) AS minor
    FROM payments_transfer GROUP BY entry_id, credit_id
"""
_DEBITED: Final = """
    SELECT entry_id AS entry, debit_id AS account, SUM(amount_minor) AS minor
    FROM payments_transfer GROUP BY entry_id, debit_id
"""
_ANSWERED: Final = """
    SELECT entry.key AS entry_key, transfer.debit_id AS account,
           SUM(transfer.amount_minor) AS minor
    FROM payments_transfer AS transfer
    INNER JOIN payments_entry AS entry ON entry.id = transfer.entry_id
    WHERE entry.key LIKE 'request:%'
    GROUP BY entry.key, transfer.debit_id
"""
"""What the answers to escrow refund requests moved."""

_ACCOUNTS_OF_BOOK: Final = """
    book.escrow_account_id, book.credit_account_id, book.pending_account_id,
    book.available_account_id, book.fees_account_id, book.outside_account_id
"""


@check("Every kept balance equals the sum of its transfers.")
def balances() -> Iterable[str]:
    return _broken(
        f"""
        SELECT account.id, account.kind, account.balance_minor, COALESCE(moved.minor, 0)
        FROM payments_account AS account
        LEFT JOIN ({MOVED}) AS moved ON moved.account = account.id
        WHERE account.balance_minor IS NOT NULL
          AND account.balance_minor <> COALESCE(moved.minor, 0)
        """,
        "Account {} ({}) keeps {}, its transfers give {} minor units.",
    )


@check("No escrow, credit, pending or available account is below zero, nor ever was.")
def overdrafts() -> Iterable[str]:
    yield from _broken(
        f"""
        SELECT id, kind, balance_minor FROM payments_account
        WHERE balance_minor < 0 OR (kind IN ({_names(KEPT)}) AND balance_minor IS NULL)
        """,
        "Account {} ({}) keeps {} minor units.",
    )
    yield from _broken(
        "SELECT id FROM payments_transfer WHERE debit_after < 0 OR credit_after < 0",
        "Transfer {} left an account below zero.",
    )


@check("Every transfer's balances follow from the ones before it.")
def chains() -> Iterable[str]:
    return _broken(
        """
        SELECT account, transfer, after, counted FROM (
            SELECT account, transfer, after,
                   SUM(minor) OVER (PARTITION BY account ORDER BY transfer) AS counted
            FROM (
                SELECT credit_id AS account, id AS transfer, amount_minor AS minor,
                       credit_after AS after FROM payments_transfer
                UNION ALL
                SELECT debit_id, id, -amount_minor, debit_after FROM payments_transfer
            ) AS moves
            INNER JOIN payments_account ON payments_account.id = moves.account
            WHERE payments_account.balance_minor IS NOT NULL
        ) AS chain
        WHERE after IS NULL OR after <> counted
        """,
        "Account {}, transfer {}: says {}, the transfers up to it give {} minor units.",
    )


@check("Every transfer is above zero, between two accounts, in the currency of both and its book.")
def currencies() -> Iterable[str]:
    return _broken(
        """
        SELECT transfer.id, transfer.currency FROM payments_transfer AS transfer
        INNER JOIN payments_account AS debit ON debit.id = transfer.debit_id
        INNER JOIN payments_account AS credit ON credit.id = transfer.credit_id
        INNER JOIN payments_entry AS entry ON entry.id = transfer.entry_id
        LEFT JOIN payments_book AS book ON book.id = entry.book_id
        WHERE transfer.amount_minor <= 0 OR transfer.debit_id = transfer.credit_id
           OR transfer.currency <> debit.currency OR transfer.currency <> credit.currency
           OR transfer.currency <> book.currency
        """,
        "Transfer {} in {} does not fit its accounts or its book.",
    )


@check("Every entry moves something, between accounts of its own book.")
def entries() -> Iterable[str]:
    yield from _broken(
        """
        SELECT entry.id, entry.kind FROM payments_entry AS entry
        WHERE NOT EXISTS (
            SELECT 1 FROM payments_transfer AS transfer WHERE transfer.entry_id = entry.id
        )
        """,
        "Entry {} ({}) has no transfer.",
    )
    yield from _broken(
        f"""
        SELECT transfer.id, book.reference FROM payments_transfer AS transfer
        INNER JOIN payments_entry AS entry ON entry.id = transfer.entry_id
        INNER JOIN payments_book AS book ON book.id = entry.book_id
        WHERE transfer.debit_id NOT IN ({_ACCOUNTS_OF_BOOK})
           OR transfer.credit_id NOT IN ({_ACCOUNTS_OF_BOOK})
        """,
        "Transfer {} moves money of accounts that are not in book {}.",
    )


@check("A book's escrow equals what was funded less what was released and returned.")
def escrow() -> Iterable[str]:
    return _broken(
        f"""
        SELECT book.reference, account.balance_minor, COALESCE(moved.minor, 0)
        FROM payments_book AS book
        INNER JOIN payments_account AS account ON account.id = book.escrow_account_id
        LEFT JOIN (
            SELECT book, SUM(minor) AS minor FROM (
                SELECT entry.book_id AS book, transfer.amount_minor AS minor
                FROM payments_transfer AS transfer
                INNER JOIN payments_entry AS entry ON entry.id = transfer.entry_id
                INNER JOIN payments_book AS funded ON funded.id = entry.book_id
                WHERE transfer.credit_id = funded.escrow_account_id
                  AND entry.kind IN ('{EntryKind.FUND}', '{EntryKind.CORRECTION}')
                UNION ALL
                SELECT entry.book_id, -transfer.amount_minor
                FROM payments_transfer AS transfer
                INNER JOIN payments_entry AS entry ON entry.id = transfer.entry_id
                INNER JOIN payments_book AS spent ON spent.id = entry.book_id
                WHERE transfer.debit_id = spent.escrow_account_id
                  AND entry.kind IN (
                      '{EntryKind.RELEASE}', '{EntryKind.RETURN}', '{EntryKind.CORRECTION}'
                  )
            ) AS moves GROUP BY book
        ) AS moved ON moved.book = book.id
        WHERE account.balance_minor <> COALESCE(moved.minor, 0)
        """,
        "Book {} has {} in escrow, its entries give {} minor units.",
    )


@check("Every release, hours and bonus is one payment: its gross, fee and net are what was moved.")
def payments() -> Iterable[str]:
    return _broken(
        f"""
        SELECT entry.id, payment.gross_minor, payment.fee_minor, payment.net_minor,
               COALESCE(net.minor, 0), COALESCE(fee.minor, 0)
        FROM payments_entry AS entry
        INNER JOIN payments_book AS book ON book.id = entry.book_id
        LEFT JOIN payments_payment AS payment ON payment.entry_id = entry.id
        LEFT JOIN ({_CREDITED}) AS net
            ON net.entry = entry.id AND net.account = book.pending_account_id
        LEFT JOIN ({_CREDITED}) AS fee
            ON fee.entry = entry.id AND fee.account = book.fees_account_id
        WHERE entry.kind IN ({_names(PAYING_ENTRIES)}) AND (
            payment.id IS NULL OR payment.kind <> entry.kind OR payment.book_id <> entry.book_id
            OR payment.currency <> book.currency
            OR payment.gross_minor <> payment.fee_minor + payment.net_minor
            OR payment.net_minor <> COALESCE(net.minor, 0)
            OR payment.fee_minor <> COALESCE(fee.minor, 0)
        )
        """,
        "Entry {}: the payment says {} = {} + {}, its transfers give {} net and {} fee.",
    )


@check("A bonus was paid from the client's credit, never from escrow.")
def bonuses() -> Iterable[str]:
    return _broken(
        f"""
        SELECT entry.id, book.reference FROM payments_entry AS entry
        INNER JOIN payments_book AS book ON book.id = entry.book_id
        INNER JOIN payments_transfer AS transfer ON transfer.entry_id = entry.id
        WHERE entry.kind = '{EntryKind.BONUS}' AND transfer.debit_id <> book.credit_account_id
        """,
        "Entry {} of book {} paid a bonus from elsewhere.",
    )


@check("A payment's fee is its book's share of the gross, half up to the minor unit.")
def fees() -> Iterable[str]:
    return _broken(
        """
        SELECT payment.id, payment.gross_minor, book.talent_fee, payment.fee_minor
        FROM payments_payment AS payment
        INNER JOIN payments_book AS book ON book.id = payment.book_id
        WHERE payment.fee_minor
            <> (2 * payment.gross_minor * book.talent_fee + 10000) / 20000
        """,
        "Payment {}: of {} at {} basis points, the fee taken is {} minor units.",
    )


@check("Every refund and reversal is what its transfers moved: pending, available and fee.")
def refund_entries() -> Iterable[str]:
    return _broken(
        f"""
        SELECT entry.id, refund.amount_minor
        FROM payments_entry AS entry
        INNER JOIN payments_book AS book ON book.id = entry.book_id
        LEFT JOIN payments_refund AS refund ON refund.entry_id = entry.id
        LEFT JOIN ({_DEBITED}) AS pending
            ON pending.entry = entry.id AND pending.account = book.pending_account_id
        LEFT JOIN ({_DEBITED}) AS available
            ON available.entry = entry.id AND available.account = book.available_account_id
        LEFT JOIN ({_DEBITED}) AS fee
            ON fee.entry = entry.id AND fee.account = book.fees_account_id
        LEFT JOIN ({_CREDITED}) AS got
            ON got.entry = entry.id AND got.account = book.credit_account_id
        WHERE entry.kind IN ({_names(GIVING_BACK_ENTRIES)}) AND (
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
    return _broken(
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
    return _broken(
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
    return _broken(
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
    return _broken(
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
    return _broken(
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


@check("A talent's pending account holds what is left pending of its payments.")
def pending() -> Iterable[str]:
    return _broken(
        f"""
        SELECT account.id, account.balance_minor, COALESCE(waiting.minor, 0)
        FROM payments_account AS account
        LEFT JOIN (
            SELECT book.pending_account_id AS account, SUM(payment.pending_left_minor) AS minor
            FROM payments_payment AS payment
            INNER JOIN payments_book AS book ON book.id = payment.book_id
            GROUP BY book.pending_account_id
        ) AS waiting ON waiting.account = account.id
        WHERE account.kind = '{AccountKind.PENDING}'
          AND account.balance_minor <> COALESCE(waiting.minor, 0)
        """,
        "Account {} keeps {}, its payments have {} minor units pending.",
    )


@check("What left a payment's pending money was refunded or became available, never more.")
def matured() -> Iterable[str]:
    return _broken(
        f"""
        SELECT payment.id, payment.net_minor, payment.pending_left_minor
        FROM payments_payment AS payment
        LEFT JOIN (
            SELECT payment_id, SUM(from_pending_minor) AS minor
            FROM payments_refund GROUP BY payment_id
        ) AS refunded ON refunded.payment_id = payment.id
        LEFT JOIN payments_entry AS entry
            ON entry.kind = '{EntryKind.MATURE}'
           AND entry.key = 'mature:' || CAST(payment.id AS VARCHAR(20))
        LEFT JOIN payments_transfer AS matured ON matured.entry_id = entry.id
        WHERE payment.net_minor <> payment.pending_left_minor
            + COALESCE(refunded.minor, 0) + COALESCE(matured.amount_minor, 0)
        """,
        "Payment {}: of net {}, {} minor units are pending; the rest is not accounted for.",
    )


@check("A resolved escrow refund request left nothing in escrow, and its split was posted.")
def requests() -> Iterable[str]:
    return _broken(
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
    return _broken(
        f"""
        SELECT request.id, request.amount_minor, account.balance_minor
        FROM payments_escrowrefundrequest AS request
        INNER JOIN payments_book AS book ON book.id = request.book_id
        INNER JOIN payments_account AS account ON account.id = book.escrow_account_id
        WHERE request.state IN ({_names(OPEN_REQUESTS)})
          AND request.amount_minor <> account.balance_minor
        """,
        "Request {} is about {}, in escrow are {} minor units.",
    )


@check("A request was split as agreed exactly when its accepted split says so, to the minor unit.")
def agreed_splits() -> Iterable[str]:
    return _broken(
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
    return _broken(
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
    return _broken(
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
    return _broken(
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
    return _broken(
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


@check("Every confirmed charge was posted once, for the amount that was asked.")
def charges() -> Iterable[str]:
    return _broken(
        f"""
        SELECT operation.id, operation.amount_minor, COALESCE(got.minor, 0)
        FROM payments_gatewayoperation AS operation
        INNER JOIN payments_book AS book ON book.id = operation.book_id
        LEFT JOIN payments_entry AS entry
            ON entry.id = operation.entry_id AND entry.kind = '{EntryKind.CHARGE}'
           AND entry.key = 'charge:' || operation.key AND entry.book_id = operation.book_id
        LEFT JOIN ({_CREDITED}) AS got
            ON got.entry = entry.id AND got.account = book.credit_account_id
        WHERE operation.state = '{OperationState.SUCCEEDED}'
          AND operation.amount_minor <> COALESCE(got.minor, 0)
        """,
        "Operation {} of {}: {} minor units were posted.",
    )


@check("A correcting entry is what one person of support proposed and another one approved.")
def corrections() -> Iterable[str]:
    yield from _broken(
        f"""
        SELECT entry.id FROM payments_entry AS entry
        LEFT JOIN payments_correction AS correction
            ON correction.entry_id = entry.id AND correction.book_id = entry.book_id
           AND correction.state = '{CorrectionState.POSTED}'
           AND correction.decided_by_id <> correction.proposed_by_id
        LEFT JOIN payments_transfer AS transfer
            ON transfer.entry_id = entry.id
           AND transfer.debit_id = correction.debit_id
           AND transfer.credit_id = correction.credit_id
           AND transfer.amount_minor = correction.amount_minor
        WHERE entry.kind = '{EntryKind.CORRECTION}' AND (
            transfer.id IS NULL OR 1 <> (
                SELECT COUNT(*) FROM payments_transfer AS leg WHERE leg.entry_id = entry.id
            )
        )
        """,
        "Entry {} is not what a posted correction says.",
    )
    yield from _broken(
        f"""
        SELECT correction.id FROM payments_correction AS correction
        LEFT JOIN payments_entry AS entry
            ON entry.id = correction.entry_id AND entry.kind = '{EntryKind.CORRECTION}'
        WHERE correction.state = '{CorrectionState.POSTED}' AND entry.id IS NULL
        """,
        "Correction {} is posted without its entry.",
    )


@check("The ledger's tables are append-only.")
def append_only() -> Iterator[str]:
    for name in sorted(triggers.expected() - triggers.installed()):
        yield f"The trigger {name} is missing."


def _broken(statement: str, sentence: str) -> Iterator[str]:
    """What a statement finds, in words, row by row."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        while rows := cursor.fetchmany(100):
            for row in rows:
                yield sentence.format(*row)


def _names(values: Iterable[Any]) -> str:
    return ", ".join(f"'{value}'" for value in values)
