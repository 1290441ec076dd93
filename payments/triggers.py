"""The ledger's tables are append-only by trigger, on both engines.

Installed after every migrate (a table remade on SQLite loses its triggers); the audit checks that
they are there. PostgreSQL's TRUNCATE fires its own kind of trigger.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

TABLES = ("payments_entry", "payments_transfer")

_SQLITE = """
CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
"""
_POSTGRES_FUNCTION = """
CREATE OR REPLACE FUNCTION payments_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$
"""
_POSTGRES = """
CREATE OR REPLACE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION payments_append_only()
"""


def expected() -> set[str]:
    """The names of the triggers this engine must have."""
    return {f"{table}_no_{verb}" for table in TABLES for verb in _verbs()}


def installed() -> set[str]:
    """The names of those that are there."""
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if connection.vendor == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return {name for (name,) in cursor.fetchall()} & expected()


def install() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRES_FUNCTION)
        for table in TABLES:
            for verb in _verbs():
                cursor.execute(_statement().format(table=table, verb=verb))


def remove() -> None:
    """Take the triggers away. For tests, which empty all tables afterwards."""
    on = "" if connection.vendor == "sqlite" else " ON {table}"
    with connection.cursor() as cursor:
        for table in TABLES:
            for verb in _verbs():
                cursor.execute(f"DROP TRIGGER IF EXISTS {table}_no_{verb}" + on.format(table=table))


@contextmanager
def lifted() -> Iterator[None]:
    """Without the triggers, and with them again afterwards."""
    remove()
    try:
        yield
    finally:
        install()


def install_after_migrate(**_: Any) -> None:
    if set(TABLES) <= set(connection.introspection.table_names()):
        install()


def _verbs() -> tuple[str, ...]:
    engine_only = ("truncate",) if connection.vendor == "postgresql" else ()
    return ("update", "delete", *engine_only)


def _statement() -> str:
    return _SQLITE if connection.vendor == "sqlite" else _POSTGRES
