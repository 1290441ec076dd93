"""Rows of a large demo market before they are saved: numbered in memory, inserted in sets."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Final, TypeVar

from allauth.account.models import EmailAddress
from django.core.management.color import no_style
from django.db import connection
from django.db.models import JSONField, Max, Model

from contracts.models import (
    Assignment,
    Bonus,
    BonusRequest,
    ChecklistItem,
    Contract,
    ContractHistory,
    Message,
    Milestone,
    Stretch,
    Submission,
    Week,
    WeekLimit,
)
from feedback.models import Feedback
from marketplace.models import Membership, Party, User
from payments.models import (
    Account,
    Book,
    BookHistory,
    Entry,
    EscrowRefundRequest,
    GatewayOperation,
    Payment,
    Refund,
    RefundRequest,
    RequestStatement,
    SandboxCall,
    SandboxMovement,
    SplitProposal,
    Transfer,
)

M = TypeVar("M", bound=Model)

TABLES: Final[tuple[type[Model], ...]] = (
    User,
    EmailAddress,
    Party,
    Membership,
    Account,
    Book,
    Contract,
    Entry,
    Transfer,
    Payment,
    Refund,
    RefundRequest,
    BonusRequest,
    Bonus,
    Milestone,
    Submission,
    WeekLimit,
    Week,
    Stretch,
    GatewayOperation,
    SandboxCall,
    SandboxMovement,
    EscrowRefundRequest,
    SplitProposal,
    RequestStatement,
    BookHistory,
    ContractHistory,
    Assignment,
    Message,
    ChecklistItem,
    Feedback,
)
"""In the order in which rows refer to each other."""

AT_A_TIME: Final = 2_000
"""Rows of one insert."""


class Rows:
    """What one batch will insert. Rows get their keys at once, so that they can name each other.

    Keys are numbered on from the highest ones. That nobody else takes them meanwhile is seen to by
    :func:`reserve`, which must come first in the transaction.
    """

    def __init__(self) -> None:
        self._made: dict[type[Model], list[Model]] = defaultdict(list)
        self._last: dict[type[Model], int] = {}

    def add(self, row: M) -> M:
        model = type(row)
        if model not in self._last:
            self._last[model] = model._base_manager.aggregate(last=Max("pk"))["last"] or 0
        self._last[model] += 1
        row.pk = self._last[model]
        self._made[model].append(row)
        return row

    def insert(self) -> None:
        """Insert everything, and let the engine count on from the keys that were taken."""
        insert = _copy if connection.vendor == "postgresql" else _insert
        for model in TABLES:
            insert(model, self._made[model])
        statements = connection.ops.sequence_reset_sql(no_style(), list(self._made))
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def _insert(model: type[Model], rows: Sequence[Model]) -> None:
    model._base_manager.bulk_create(rows, batch_size=AT_A_TIME)


def _copy(model: type[Model], rows: Sequence[Model]) -> None:
    """PostgreSQL's own way in, several times as fast as inserts that Django writes."""
    fields, quote = model._meta.concrete_fields, connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    values = attrgetter(*(field.attname for field in fields))
    texts = [at for at, field in enumerate(fields) if isinstance(field, JSONField)]
    statement = f"COPY {quote(model._meta.db_table)} ({columns}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            found = values(row)
            copy.write_row(_with_json(found, texts) if texts else found)


def _with_json(values: tuple[Any, ...], places: list[int]) -> list[Any]:
    """JSON is sent as its text."""
    given = list(values)
    for place in places:
        given[place] = None if given[place] is None else json.dumps(given[place])
    return given


def reserve() -> None:
    """Keep others from inserting until the transaction ends; on SQLite it does so by itself."""
    if connection.vendor != "postgresql":
        return
    names = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in TABLES)
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")
