"""A check is made again exactly when something that it read was written, or it asked the clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import connection

from marketplace import clock
from marketplace.models import Party
from tests.factories import NOON, PartyFactory, UserFactory
from tests.proof.unchanged import EVERYTHING, Unchanged, written_by

pytestmark = pytest.mark.django_db


@pytest.fixture
def unchanged() -> Iterator[Unchanged]:
    remembers = Unchanged()
    with clock.at(NOON), remembers.watch():
        yield remembers


def made(unchanged: Unchanged, check: Callable[[], object]) -> bool:
    """Whether the check is made when it is looked at."""
    times = []

    def counted() -> object:
        times.append(1)
        return check()

    unchanged.look("a check", counted)
    unchanged.all_looked_at()
    return bool(times)


def names() -> list[str]:
    return list(Party.objects.order_by("pk").values_list("name", flat=True))


def asks() -> object:
    return clock.now()


def test_check_is_made_once_while_nothing_is_written(unchanged):
    assert made(unchanged, names)
    assert not made(unchanged, names)


def test_check_is_made_again_after_rows_came_or_went(unchanged):
    assert made(unchanged, names)
    party = PartyFactory()
    assert made(unchanged, names)
    party.delete()
    assert made(unchanged, names)


def test_check_is_made_again_after_a_column_that_it_names_was_updated(unchanged):
    party = PartyFactory()
    assert made(unchanged, names)
    Party.objects.filter(pk=party.pk).update(name="Other")
    assert made(unchanged, names)


def test_check_is_not_made_again_for_other_columns_and_tables(unchanged):
    party = PartyFactory()
    assert made(unchanged, names)
    Party.objects.filter(pk=party.pk).update(created_at=NOON)
    UserFactory()
    assert not made(unchanged, names)


def test_check_that_reads_whole_rows_is_made_again_for_any_column(unchanged):
    party = PartyFactory()

    def rows() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT party.* FROM marketplace_party AS party")

    assert made(unchanged, rows)
    Party.objects.filter(pk=party.pk).update(created_at=NOON)
    assert made(unchanged, rows)


def test_check_that_asked_the_clock_is_made_again_later(unchanged):
    assert made(unchanged, asks)
    assert not made(unchanged, asks)
    with clock.at(NOON + timedelta(seconds=1)):
        assert made(unchanged, asks)


def test_check_is_made_again_when_what_else_it_depends_on_changed(unchanged):
    assert unchanged.look("a check", lambda: 1, also=[1]) == 1
    assert unchanged.look("a check", lambda: 2, also=[1]) == 1
    assert unchanged.look("a check", lambda: 2, also=[2]) == 2


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT 1", ("", None)),
        ("WITH a AS (SELECT 1) SELECT * FROM a", ("", None)),
        ('SAVEPOINT "s1"', ("", None)),
        ('INSERT INTO "a" ("b") VALUES (%s)', ("a", None)),
        ('INSERT OR IGNORE INTO "a" ("b") VALUES (%s)', ("a", None)),
        ('DELETE FROM "a" WHERE "a"."id" = 1', ("a", None)),
        ('UPDATE "a" SET "b" = %s, "c" = NULL WHERE "a"."id" = 1', ("a", frozenset("bc"))),
        ("UPDATE a SET b = 1", ("a", None)),
        ("WITH a AS (SELECT 1) DELETE FROM b", (EVERYTHING, None)),
        ("PRAGMA ignore_check_constraints = ON", (EVERYTHING, None)),
        ("TRUNCATE a", (EVERYTHING, None)),
    ],
)
def test_what_a_statement_writes(statement, expected):
    assert written_by(statement) == expected
