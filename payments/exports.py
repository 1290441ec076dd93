"""Files for accountants: every line of a party's money as CSV, in little memory at any length.

UTF-8 with a byte order mark, because spreadsheets take it for another encoding without; one row
per line of the Payments page, oldest first; docs/decisions/0031 says what the columns hold.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from django.db.models import Max

from marketplace import clock
from marketplace.models import Party
from marketplace.money import Money
from payments.models import Entry
from payments.queries.lines import READ, Line, lines_of
from payments.queries.money import Asked
from payments.queries.running import balances_after

BATCH: Final = 2_000
BYTE_ORDER_MARK: Final = "\ufeff"
COLUMNS: Final = (
    "date",
    "event",
    "what",
    "for",
    "contract",
    "title",
    "other party",
    "method",
    "gross",
    "fee",
    "amount",
    "balance",
    "currency",
    "entry",
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def payments_csv(party: Party, asked: Asked) -> Iterator[str]:
    """The file in pieces, each of some rows; four queries for :data:`BATCH` rows.

    What is posted after it was begun is not in it.
    """
    yield BYTE_ORDER_MARK + as_csv([COLUMNS])
    for lines in _batches(party, asked):
        balances = balances_after(party, [line.last for line in lines])
        yield as_csv(_row(line, balances[line.last]) for line in lines)


def as_csv(rows: Iterable[Sequence[str]]) -> str:
    """Rows as text, with the line ends of RFC 4180."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def cell(text: str) -> str:
    """Words that people typed, so that no spreadsheet takes them for a formula.

    What begins like one gets an apostrophe in front, as spreadsheets mark text themselves.
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def _batches(party: Party, asked: Asked) -> Iterator[list[Line]]:
    """Every line, oldest first, some at a time."""
    now, found = clock.now(), asked.of(party)
    newest = found.aggregate(newest=Max("pk"))["newest"] or 0
    last = 0
    while entries := _after(last, newest, party, asked):
        yield lines_of(entries, party, now)
        last = entries[-1].pk


def _after(last: int, newest: int, party: Party, asked: Asked) -> list[Entry]:
    found = asked.of(party).filter(pk__gt=last, pk__lte=newest).order_by("pk")
    return list(found.select_related(*READ)[:BATCH])


def _row(line: Line, balance: Money) -> tuple[str, ...]:
    return (
        _moment(line.at),
        # A letter in front, so that no spreadsheet rounds the number.
        "" if line.event is None else f"E{line.event:x}",
        cell(line.title),
        cell(line.memo),
        line.book.reference if line.book else "",
        cell(line.book.title) if line.book else "",
        cell(line.other.name) if line.other else "",
        cell(line.method),
        line.gross.typed(),
        line.fee.typed() if line.fee is not None else "",
        line.effect.typed(),
        balance.typed(),
        line.currency,
        cell(line.key),
    )


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
