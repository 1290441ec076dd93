"""What the statements of the checks are put together from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.db import connection

MOVED: Final = """
    SELECT account, SUM(minor) AS minor FROM (
        SELECT credit_id AS account, amount_minor AS minor FROM payments_transfer
        UNION ALL
        SELECT debit_id, -amount_minor FROM payments_transfer
    ) AS moves GROUP BY account
"""
"""Credits minus debits of each account."""

CREDITED: Final = """
    SELECT entry_id AS entry, credit_id AS account, SUM(amount_minor) AS minor
    FROM payments_transfer GROUP BY entry_id, credit_id
"""
DEBITED: Final = """
    SELECT entry_id AS entry, debit_id AS account, SUM(amount_minor) AS minor
    FROM payments_transfer GROUP BY entry_id, debit_id
"""


def broken(statement: str, sentence: str) -> Iterator[str]:
    """What a statement finds, in words, row by row."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        while rows := cursor.fetchmany(100):
            for row in rows:
                yield sentence.format(*row)


def names(values: Iterable[Any]) -> str:
    return ", ".join(f"'{value}'" for value in values)
