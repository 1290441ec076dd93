"""A database that takes long to build is built once, and put back for every test that needs it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from django.contrib.contenttypes.models import ContentType
from django.db import connection

_kept: dict[Callable[[], None], sqlite3.Connection] = {}


def build_once(build: Callable[[], None]) -> None:
    """Fill the empty database; on SQLite, from memory whenever that was done before.

    For tests with real transactions, whose database is emptied after them.
    """
    if connection.vendor != "sqlite":
        build()
        return
    connection.ensure_connection()
    if build in _kept:
        _kept[build].backup(connection.connection)
        ContentType.objects.clear_cache()
        return
    build()
    _kept[build] = sqlite3.connect(":memory:", check_same_thread=False)
    connection.connection.backup(_kept[build])
