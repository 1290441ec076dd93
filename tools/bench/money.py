"""The Payments page and its file, of a client with very many entries beside one with few."""

from __future__ import annotations

import resource
import statistics
from functools import partial
from itertools import islice
from typing import Final

from django.db import connection
from django.urls import reverse

from marketplace.models import Party
from payments import exports, queries
from payments.models import Book, Entry
from tools.bench import report
from tools.bench.measuring import Step, elapsed
from tools.bench.pages import ANY_PAGE, busy, queries_of
from tools.bench.site import Reader, copy, make_market, using

CONTRACTS: Final = 200
RUNS: Final = 9
PIECES: Final = 10
"""Of the file: after so many its memory is measured for the first time."""
PAGES: Final = {
    "newest": "",
    "from the middle": "?before={middle}",
    "one kind": "?kind=charges",
    "a kind that never occurs": "?kind=bank",
    "one contract": "?contract={reference}",
    "the first days": "?until={first}",
}

_ENTRIES: Final = """
INSERT INTO payments_entry
    (kind, book_id, client_id, event, key, input_hash, memo, at, actor_kind)
SELECT CASE number %% 2 WHEN 1 THEN 'charge' ELSE 'fund' END, %(book)s, %(client)s,
    1000000000 + (number + 1) / 2, 'bench:' || number, '', 'Milestone 1, Draft',
    now() + number * interval '1 minute', 'platform'
FROM generate_series(1, %(number)s) AS number ORDER BY number
"""
_TRANSFERS: Final = """
INSERT INTO payments_transfer
    (entry_id, debit_id, credit_id, amount_minor, currency, debit_after, credit_after)
SELECT id, CASE kind WHEN 'charge' THEN %(outside)s ELSE %(credit)s END,
    CASE kind WHEN 'charge' THEN %(credit)s ELSE %(escrow)s END, 100, 'USD',
    CASE kind WHEN 'fund' THEN %(has)s END,
    CASE kind WHEN 'charge' THEN %(has)s + 100 ELSE %(holds)s + 50 * substr(key, 7)::bigint END
FROM payments_entry WHERE key LIKE 'bench:%%' ORDER BY id
"""


def long(entries: int) -> None:
    """Milliseconds of the page, and the memory that the file takes.

    Args:
        entries: of the client with very many; an even number.
    """
    make_market("few", CONTRACTS)
    copy("few", "many")
    with using("many"):
        party, book = _busy()
        _fill(book, entries)
    report.heading(f"Payments of one client: {entries:,} entries more")
    report.table("page", "ms, median", "with few", "ratio", "target", "queries", "target")
    for name, query in PAGES.items():
        _compare(name, query)
    with using("many"):
        _file(party)


def _busy() -> tuple[Party, Book]:
    party = busy("client")
    entries = Entry.objects.filter(client=party, book__currency="USD").order_by("-pk")
    book = entries.select_related("book__credit_account", "book__escrow_account")[0].book
    assert book is not None
    return party, book


def _fill(book: Book, entries: int) -> None:
    """As many charges that fund escrow, two entries to an event, as the ledger would post them."""
    credit, escrow = book.credit_account, book.escrow_account
    values = {
        "book": book.pk,
        "client": book.client_id,
        "number": entries,
        "outside": book.outside_account_id,
        "credit": credit.pk,
        "escrow": escrow.pk,
        "has": credit.balance_minor,
        "holds": escrow.balance_minor,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ENTRIES, values)
        cursor.execute(_TRANSFERS, values)
        cursor.execute(
            "UPDATE payments_account SET balance_minor = balance_minor + %s WHERE id = %s",
            [entries * 50, escrow.pk],
        )
        cursor.execute("VACUUM ANALYZE")


def _compare(name: str, query: str) -> None:
    cost, asked = {}, 0
    for market in ("few", "many"):
        with using(market):
            party, book = _busy()
            path = reverse("payments") + query.format(**_places(party, book))
            reader = Reader(party)
            asked = max(asked, queries_of(reader, path))
            cost[market] = _milliseconds(partial(reader.get, path))
    ratio = cost["many"] / cost["few"]
    report.row(
        name,
        f"{cost['many']:.0f}",
        f"{cost['few']:.0f}",
        f"{ratio:.2f}",
        report.against(f"Payments, {name}", ratio, report.at_most(3)),
        asked,
        report.against(f"queries of Payments, {name}", asked, report.at_most(ANY_PAGE)),
    )


def _milliseconds(step: Step) -> float:
    return statistics.median(elapsed(step) * 1000 for _ in range(RUNS))


def _places(party: Party, book: Book) -> dict[str, object]:
    mine = Entry.objects.filter(client=party).order_by("pk")
    first, last = mine[0], mine.reverse()[0]
    return {
        "middle": (first.pk + last.pk) // 2,
        "reference": book.reference,
        "first": first.at.date(),
    }


def _file(party: Party) -> None:
    """Read the file as the server sends it, and look at the memory on the way."""
    pieces = exports.payments_csv(party, queries.Asked())
    sizes = [len(piece.encode()) for piece in islice(pieces, PIECES)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    took = elapsed(lambda: sizes.extend(len(piece.encode()) for piece in pieces))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    rows = (len(sizes) - PIECES) * exports.BATCH
    report.heading("The same as CSV")
    report.table("size", "rows/s", "memory beyond the first rows", "target")
    report.row(
        f"{sum(sizes) / 2**20:.0f} MB",
        f"{rows / took:,.0f}",
        f"+{grown:.0f} MB",
        report.against("memory of the CSV in MB", grown, report.at_most(16)),
    )
