"""Tables that may not be emptied are emptied between tests all the same.

A test with real transactions ends with a flush of all tables, which the ledger's triggers forbid:
they are lifted for just that long.
"""

from __future__ import annotations

from typing import Any

from django.test import TransactionTestCase

from payments import triggers


def pytest_configure() -> None:
    flush = TransactionTestCase._fixture_teardown

    def flush_all(self: Any) -> None:
        with triggers.lifted():
            flush(self)

    TransactionTestCase._fixture_teardown = flush_all  # type: ignore[method-assign]
