"""Checks that need not be made again, because nothing that they read was written since.

A check is a function of the rows that it reads, and of the clock if it asks for it. So its last
answer holds until a statement writes one of those tables: adds or deletes rows, or updates a column
that one of the check's statements names. What cannot be told apart counts as written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

import pytest
from django.apps import apps
from django.db import connection

from marketplace import clock

R = TypeVar("R")

NAME = re.compile(r"\w+")
WRITES = re.compile(
    r'\s*(INSERT|REPLACE|UPDATE|DELETE)(?:\s+OR\s+\w+)?(?:\s+(?:INTO|FROM))?\s+"?(\w+)"?',
    re.IGNORECASE,
)
CHANGES = re.compile(r"\b(INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)
SET = re.compile(r'(?:SET|,)\s*"(\w+)" = ', re.IGNORECASE)
WHOLE_ROWS = re.compile(r"SELECT\s+[\w.\"]*\*", re.IGNORECASE)
READS, QUIET = ("SELECT", "(SELECT"), ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT")
EVERYTHING = "*"
WHOLE = frozenset({EVERYTHING})


@cache
def tables() -> frozenset[str]:
    return frozenset(model._meta.db_table for model in apps.get_models(include_auto_created=True))


@cache
def named_in(statement: str) -> tuple[frozenset[str], frozenset[str]]:
    """The tables that a statement reads, and every word in it."""
    words = frozenset(NAME.findall(statement))
    return words & tables(), words | (WHOLE if WHOLE_ROWS.search(statement) else frozenset())


@cache
def written_by(statement: str) -> tuple[str, frozenset[str] | None]:
    """The table that a statement writes, and the columns of an update; none when it only reads."""
    start = statement.lstrip().upper()
    reads_first = start.startswith("WITH") and not CHANGES.search(statement)
    if reads_first or start.startswith((*READS, *QUIET)):
        return "", None
    found = WRITES.match(statement)
    if found is None:
        return EVERYTHING, None
    columns = SET.findall(statement) if found.group(1).upper() == "UPDATE" else ()
    return found.group(2), frozenset(columns) or None


@dataclass
class _Seen:
    """What a check read when it was made the last time, and what it gave."""

    answer: Any
    also: Any
    words: dict[str, set[str]] = field(default_factory=dict)
    """By table, the words of the statements that read it."""
    at: Any = None
    """When, if it asked the clock."""


class Unchanged:
    """Remembers checks for one life; to be told of every statement."""

    def __init__(self) -> None:
        self.seen: dict[Any, _Seen] = {}
        self.written: dict[str, set[str] | None] = {}
        """Columns updated by table since the last checks; None when rows came or went."""
        self.reading: _Seen | None = None

    def watch(self) -> Any:
        return connection.execute_wrapper(self.note)

    def note(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        statement = str(sql)
        table, columns = written_by(statement)
        if table:
            before = self.written.get(table, set())
            self.written[table] = None if columns is None or before is None else before | columns
        if self.reading is not None:
            read, words = named_in(statement)
            for name in read:
                self.reading.words.setdefault(name, set()).update(words)
        return execute(sql, params, many, context)

    def look(self, name: Any, check: Callable[[], R], *, also: Any = None) -> R:
        """What a check gives: as the last time, unless something it reads was written.

        Args:
            also: what else it depends on.
        """
        before = self.seen.get(name)
        if before is not None and before.also == also and not self.touches(before):
            held: R = before.answer
            return held
        made = _Seen(None, also)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self, "reading", made)
            patch.setattr(clock, "now", self.asked(clock.now))
            made.answer = answer = check()
        self.seen[name] = made
        return answer

    def asked(self, now: Callable[[], Any]) -> Callable[[], Any]:
        def noted() -> Any:
            moment = now()
            if self.reading is not None:
                self.reading.at = moment
            return moment

        return noted

    def touches(self, seen: _Seen) -> bool:
        if EVERYTHING in self.written or seen.at not in (None, clock.now()):
            return True
        return any(
            columns is None or not (columns | WHOLE).isdisjoint(seen.words[table])
            for table, columns in self.written.items()
            if table in seen.words
        )

    def all_looked_at(self) -> None:
        """Every check was made, or still holds: what was written so far has been seen."""
        self.written.clear()

    def forget(self) -> None:
        """Every check is made again."""
        self.seen.clear()
