"""Money from and to the outside world: operations, chargebacks, and the gateway's own statement."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db.models import F

from marketplace import clock
from marketplace.auditing import check
from marketplace.money import Money
from payments.audits.base import broken, names
from payments.models import Reconciliation
from payments.states import (
    BOOKLESS_ENTRIES,
    NOT_ARRIVED,
    OUTGOING,
    AccountKind,
    ChargebackState,
    EntryKind,
    OperationKind,
    OperationState,
)

_OF_CLIENT: Final = names((AccountKind.ESCROW, AccountKind.CREDIT))
_OF_TALENT: Final = names((AccountKind.PENDING, AccountKind.AVAILABLE))
_ENDS: Final = f"""
    SELECT transfer.entry_id AS entry,
           CASE WHEN account.kind IN ({_OF_CLIENT}) THEN account.party_id END AS client,
           CASE WHEN account.kind IN ({_OF_TALENT}) THEN account.party_id END AS talent
    FROM payments_transfer AS transfer
    INNER JOIN payments_account AS account ON account.id = transfer.
"""
"""Whose account an end of each transfer is; which end is still to be named."""

_LEGS: Final = """
    (SELECT COUNT(*) FROM payments_transfer AS leg WHERE leg.entry_id = {entry})
"""
_PART: Final = """
    (SELECT COALESCE(SUM(leg.amount_minor), 0) FROM payments_transfer AS leg
     WHERE leg.entry_id = {entry} AND leg.debit_id = {debit} AND leg.credit_id = {credit})
"""
"""What an entry moved from one account to another."""

_THROUGH: Final = (
    EntryKind.CHARGE,
    EntryKind.CREDIT_BACK,
    EntryKind.PAYOUT,
    EntryKind.PAYOUT_FAILED,
    EntryKind.CHARGEBACK,
    EntryKind.CORRECTION,
)
"""Entries that move money from or to the outside world."""


@check("An entry names exactly the parties whose money it moves.")
def named_parties() -> Iterable[str]:
    return broken(
        f"""
        SELECT entry.id, entry.kind FROM payments_entry AS entry
        INNER JOIN (
            SELECT entry, MAX(client) AS client, MAX(talent) AS talent
            FROM ({_ENDS}debit_id UNION ALL {_ENDS}credit_id) AS ends GROUP BY entry
        ) AS moved ON moved.entry = entry.id
        WHERE COALESCE(entry.client_id, 0) <> COALESCE(moved.client, 0)
           OR COALESCE(entry.talent_id, 0) <> COALESCE(moved.talent, 0)
        """,
        "Entry {} ({}) moves money of other parties than it names.",
    )


@check("What belongs to no contract is a withdrawal from available money, or came back of one.")
def bookless_entries() -> Iterable[str]:
    kept, outside = AccountKind.AVAILABLE, AccountKind.OUTSIDE
    return broken(
        f"""
        SELECT entry.id, entry.kind FROM payments_entry AS entry
        WHERE entry.book_id IS NULL AND (
            entry.kind NOT IN ({names(BOOKLESS_ENTRIES)}) OR EXISTS (
                SELECT 1 FROM payments_transfer AS transfer
                INNER JOIN payments_account AS debit ON debit.id = transfer.debit_id
                INNER JOIN payments_account AS credit ON credit.id = transfer.credit_id
                WHERE transfer.entry_id = entry.id AND NOT (
                    (entry.kind = '{EntryKind.PAYOUT}'
                        AND debit.kind = '{kept}' AND credit.kind = '{outside}')
                    OR (entry.kind = '{EntryKind.PAYOUT_FAILED}'
                        AND debit.kind = '{outside}' AND credit.kind = '{kept}')
                )
            )
        )
        """,
        "Entry {} ({}) belongs to no contract.",
    )


@check("Every confirmed charge was posted once, for the amount that was asked.")
def charges() -> Iterable[str]:
    part = _PART.format(
        entry="entry.id", debit="book.outside_account_id", credit="book.credit_account_id"
    )
    return broken(
        f"""
        SELECT operation.id, operation.amount_minor, {part}
        FROM payments_gatewayoperation AS operation
        INNER JOIN payments_book AS book ON book.id = operation.book_id
        LEFT JOIN payments_entry AS entry
            ON entry.id = operation.entry_id AND entry.kind = '{EntryKind.CHARGE}'
           AND entry.key = 'charge:' || operation.key AND entry.book_id = operation.book_id
        WHERE operation.kind = '{OperationKind.CHARGE}'
          AND operation.state = '{OperationState.SUCCEEDED}'
          AND operation.amount_minor <> {part}
        """,
        "Operation {} of {}: {} minor units were posted.",
    )


@check("What was sent out was posted when it was begun: all of it, once, from where it was.")
def sent() -> Iterable[str]:
    return broken(
        _outgoing("entry_id", "entry.kind = operation.kind", "operation.kind", "debit", "credit"),
        "Operation {} ({}) of {} was not posted so.",
    )


@check("What did not arrive came back: all of it, once, to where it had been.")
def came_back() -> Iterable[str]:
    kind = f"entry.kind = '{EntryKind.PAYOUT_FAILED}'"
    arrived = f" AND operation.state IN ({names(NOT_ARRIVED)})"
    return broken(
        _outgoing("back_entry_id", kind, "'back'", "credit", "debit") + arrived,
        "Operation {} ({}) of {} did not come back so.",
    )


def _outgoing(column: str, kind: str, prefix: str, kept: str, outside: str) -> str:
    """Outgoing operations whose entry is not the one transfer that it should be.

    Args:
        column: names the entry.
        kind, prefix: what its kind is, and what its key begins with, in SQL.
        kept, outside: which end of the transfer is the party's, and which the outside world's.
    """
    return f"""
        SELECT operation.id, operation.kind, operation.amount_minor
        FROM payments_gatewayoperation AS operation
        LEFT JOIN payments_book AS book ON book.id = operation.book_id
        LEFT JOIN payments_entry AS entry
            ON entry.id = operation.{column} AND {kind}
           AND entry.key = {prefix} || ':' || operation.key
           AND COALESCE(entry.book_id, 0) = COALESCE(operation.book_id, 0)
        LEFT JOIN payments_transfer AS transfer
            ON transfer.entry_id = entry.id
           AND transfer.{kept}_id = COALESCE(operation.account_id, book.credit_account_id)
           AND transfer.amount_minor = operation.amount_minor
           AND transfer.currency = operation.currency
        LEFT JOIN payments_account AS outside
            ON outside.id = transfer.{outside}_id AND outside.kind = '{AccountKind.OUTSIDE}'
        WHERE operation.kind IN ({names(OUTGOING)})
          AND (outside.id IS NULL OR {_LEGS.format(entry="entry.id")} <> 1)
    """


@check("Credit went back to charges it can have come from, and never more than was charged.")
def credit_back() -> Iterable[str]:
    yield from broken(
        f"""
        SELECT sent.id, charge.id
        FROM payments_gatewayoperation AS sent
        INNER JOIN payments_gatewayoperation AS charge ON charge.id = sent.of_id
        INNER JOIN payments_book AS book ON book.id = sent.book_id
        INNER JOIN payments_book AS charged ON charged.id = charge.book_id
        WHERE charge.kind <> '{OperationKind.CHARGE}'
           OR charge.state <> '{OperationState.SUCCEEDED}'
           OR charge.gateway <> sent.gateway OR charge.currency <> sent.currency
           OR charged.client_id <> book.client_id OR charge.settled_at > sent.started_at
        """,
        "Operation {} sent credit back to {}, where it cannot have come from.",
    )
    yield from broken(
        f"""
        SELECT charge.id, charge.amount_minor, SUM(sent.amount_minor)
        FROM payments_gatewayoperation AS sent
        INNER JOIN payments_gatewayoperation AS charge ON charge.id = sent.of_id
        WHERE sent.state NOT IN ({names(NOT_ARRIVED)})
        GROUP BY charge.id, charge.amount_minor
        HAVING SUM(sent.amount_minor) > charge.amount_minor
        """,
        "Of operation {}, a charge of {}, {} minor units were sent back.",
    )


@check("A chargeback is what was posted: from credit, from the operator, and back once it was won.")
def chargebacks() -> Iterable[str]:
    accounts = {"credit": "book.credit_account_id", "operator": "book.fees_account_id"}
    outside = "book.outside_account_id"
    wrong = []
    for name, account in accounts.items():
        taken = _PART.format(entry="chargeback.entry_id", debit=account, credit=outside)
        back = _PART.format(entry="chargeback.back_entry_id", debit=outside, credit=account)
        part = f"chargeback.from_{name}_minor"
        wrong.append(f"{taken} <> {part}")
        wrong.append(
            f"{back} <> CASE WHEN chargeback.state = '{ChargebackState.WON}' THEN {part} ELSE 0 END"
        )
    return broken(
        f"""
        SELECT chargeback.id, chargeback.state, chargeback.amount_minor
        FROM payments_chargeback AS chargeback
        INNER JOIN payments_book AS book ON book.id = chargeback.book_id
        INNER JOIN payments_gatewayoperation AS charge ON charge.id = chargeback.operation_id
        INNER JOIN payments_entry AS entry ON entry.id = chargeback.entry_id
        LEFT JOIN payments_entry AS back ON back.id = chargeback.back_entry_id
        WHERE {" OR ".join(wrong)}
           OR charge.kind <> '{OperationKind.CHARGE}'
           OR charge.state <> '{OperationState.SUCCEEDED}'
           OR charge.book_id <> chargeback.book_id OR charge.gateway <> chargeback.gateway
           OR charge.currency <> chargeback.currency
           OR entry.book_id <> chargeback.book_id OR entry.kind <> '{EntryKind.CHARGEBACK}'
           OR back.book_id <> chargeback.book_id OR back.kind <> '{EntryKind.CHARGEBACK}'
        """,
        "Chargeback {} ({}) of {} is not what was posted.",
    )


@check("Money went out, and came back, only by operations and chargebacks; no other kind does.")
def outside_entries() -> Iterable[str]:
    operation = "SELECT 1 FROM payments_gatewayoperation AS one WHERE one."
    chargeback = "SELECT 1 FROM payments_chargeback AS one WHERE entry.id IN "
    begun = names((EntryKind.CREDIT_BACK, EntryKind.PAYOUT))
    yield from broken(
        f"""
        SELECT entry.id, entry.kind FROM payments_entry AS entry
        WHERE (entry.kind IN ({begun}) AND NOT EXISTS ({operation}entry_id = entry.id))
           OR (entry.kind = '{EntryKind.PAYOUT_FAILED}'
               AND NOT EXISTS ({operation}back_entry_id = entry.id))
           OR (entry.kind = '{EntryKind.CHARGEBACK}'
               AND NOT EXISTS ({chargeback}(one.entry_id, one.back_entry_id)))
        """,
        "Entry {} ({}) moved money that nobody asked a gateway for.",
    )
    yield from broken(
        f"""
        SELECT transfer.id, entry.kind FROM payments_account AS account
        INNER JOIN payments_transfer AS transfer
            ON transfer.debit_id = account.id OR transfer.credit_id = account.id
        INNER JOIN payments_entry AS entry ON entry.id = transfer.entry_id
        WHERE account.kind = '{AccountKind.OUTSIDE}' AND entry.kind NOT IN ({names(_THROUGH)})
        """,
        "Transfer {} of an entry of kind {} goes through the outside world.",
    )


@check("Every finished day agrees with the gateway's own statement.")
def reconciled() -> Iterable[str]:
    today = clock.now().date()
    differing = Reconciliation.objects.filter(day__lt=today).exclude(different=0)
    for one in differing.order_by(F("day").desc(), "pk").iterator(100):
        ours, theirs = Money(one.ours_minor, one.currency), Money(one.theirs_minor, one.currency)
        first = next(iter(one.differences), "")
        yield f"{one}: the gateway says {theirs}, the books {ours}. {one.different}: {first}"
