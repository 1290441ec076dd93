"""Bulk updates whose cost per row stays flat.

Django's own ``bulk_update`` builds an expression tree for every value. The set-based runs save many
columns of many rows, so the statement is written here: on PostgreSQL one update from arrays, on
SQLite one prepared statement for all rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.db import connection, models


def update(rows: Collection[models.Model], fields: Iterable[str]) -> None:
    """Save some fields of rows of one model that are locked in this transaction.

    Args:
        rows: with their ids.
        fields: names or attribute names of concrete fields.
    """
    if not rows:
        return
    options = type(next(iter(rows)))._meta
    columns: list[Any] = [options.get_field(name) for name in dict.fromkeys(fields)]
    if connection.vendor == "postgresql":
        _from_arrays(options, columns, rows)
    else:
        _one_by_one(options, columns, rows)


def _from_arrays(options: Any, columns: list[Any], rows: Collection[models.Model]) -> None:
    every = [options.pk, *columns]
    names = [_name(one) for one in every]
    arrays = ", ".join(f"%s::{one.db_type(connection)}[]" for one in every)
    table, key = connection.ops.quote_name(options.db_table), names[0]
    assigned = ", ".join(f"{name} = given.{name}" for name in names[1:])
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {assigned} FROM unnest({arrays}) AS given({', '.join(names)})"
            f" WHERE {table}.{key} = given.{key}",
            [[_value(row, one) for row in rows] for one in every],
        )


def _one_by_one(options: Any, columns: list[Any], rows: Collection[models.Model]) -> None:
    assigned = ", ".join(f"{_name(one)} = %s" for one in columns)
    table, key = connection.ops.quote_name(options.db_table), _name(options.pk)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {table} SET {assigned} WHERE {key} = %s",
            [[_value(row, one) for one in (*columns, options.pk)] for row in rows],
        )


def _name(column: Any) -> str:
    name: str = connection.ops.quote_name(column.column)
    return name


def _value(row: models.Model, column: Any) -> Any:
    return column.get_db_prep_save(getattr(row, column.attname), connection)
