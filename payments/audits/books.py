"""The ledger, its books and payments, from the raw transfers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from marketplace.auditing import check
from payments import triggers
from payments.audits.base import CREDITED, MOVED, broken, names
from payments.states import KEPT, PAYING_ENTRIES, AccountKind, CorrectionState, EntryKind

_ACCOUNTS_OF_BOOK: Final = """
    book.escrow_account_id, book.credit_account_id, book.pending_account_id,
    book.available_account_id, book.fees_account_id, book.outside_account_id
"""


@check("Every kept balance equals the sum of its transfers.")
def balances() -> Iterable[str]:
    return broken(
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
    yield from broken(
        f"""
        SELECT id, kind, balance_minor FROM payments_account
        WHERE balance_minor < 0 OR (kind IN ({names(KEPT)}) AND balance_minor IS NULL)
        """,
        "Account {} ({}) keeps {} minor units.",
    )
    yield from broken(
        "SELECT id FROM payments_transfer WHERE debit_after < 0 OR credit_after < 0",
        "Transfer {} left an account below zero.",
    )


@check("Every transfer's balances follow from the ones before it.")
def chains() -> Iterable[str]:
    return broken(
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
    return broken(
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
    yield from broken(
        """
        SELECT entry.id, entry.kind FROM payments_entry AS entry
        WHERE NOT EXISTS (
            SELECT 1 FROM payments_transfer AS transfer WHERE transfer.entry_id = entry.id
        )
        """,
        "Entry {} ({}) has no transfer.",
    )
    yield from broken(
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
    return broken(
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
    return broken(
        f"""
        SELECT entry.id, payment.gross_minor, payment.fee_minor, payment.net_minor,
               COALESCE(net.minor, 0), COALESCE(fee.minor, 0)
        FROM payments_entry AS entry
        INNER JOIN payments_book AS book ON book.id = entry.book_id
        LEFT JOIN payments_payment AS payment ON payment.entry_id = entry.id
        LEFT JOIN ({CREDITED}) AS net
            ON net.entry = entry.id AND net.account = book.pending_account_id
        LEFT JOIN ({CREDITED}) AS fee
            ON fee.entry = entry.id AND fee.account = book.fees_account_id
        WHERE entry.kind IN ({names(PAYING_ENTRIES)}) AND (
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
    return broken(
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
    return broken(
        """
        SELECT payment.id, payment.gross_minor, book.talent_fee, payment.fee_minor
        FROM payments_payment AS payment
        INNER JOIN payments_book AS book ON book.id = payment.book_id
        WHERE payment.fee_minor
            <> (2 * payment.gross_minor * book.talent_fee + 10000) / 20000
        """,
        "Payment {}: of {} at {} basis points, the fee taken is {} minor units.",
    )


@check("A talent's pending account holds what is left pending of its payments.")
def pending() -> Iterable[str]:
    return broken(
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
    return broken(
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


@check("A correcting entry is what one person of support proposed and another one approved.")
def corrections() -> Iterable[str]:
    yield from broken(
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
    yield from broken(
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
