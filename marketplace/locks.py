"""Row locks, always in one order, so that no two transactions wait for each other.

The order is :class:`~marketplace.models.history.Rank`: person, party, contract, milestone or week,
refund request, gateway operation, book, accounts by id. Where ``settings.LOCK_RANKS_CHECKED`` is on
(the tests) an inversion raises instead of becoming a rare deadlock; locking again what this
transaction already holds waits for nobody and is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from django.conf import settings
from django.db import connection, models
from django.db.models import QuerySet

from marketplace.models.history import Rank

M = TypeVar("M", bound=models.Model)


class LockOrderBroken(AssertionError):
    """A row was locked after one of a higher rank."""


def rows(queryset: QuerySet[M], rank: Rank) -> list[M]:
    """Lock and read the rows of a queryset in id order. Must run inside ``atomic``."""
    _in_ours()
    locked = list(queryset.select_for_update(of=("self",), no_key=True).order_by("pk"))
    _note(rank, locked)
    return locked


def row(queryset: QuerySet[M], rank: Rank) -> M:
    """Lock and read the one row of a queryset.

    Raises:
        Model.DoesNotExist: there is none.
    """
    _in_ours()
    locked = queryset.select_for_update(of=("self",), no_key=True).get()
    _note(rank, [locked])
    return locked


def free_rows(queryset: QuerySet[M], rank: Rank) -> list[M]:
    """Lock those rows that nobody else holds, where the engine can skip; otherwise all of them."""
    _in_ours()
    skips = connection.features.has_select_for_update_skip_locked
    locked = list(
        queryset.select_for_update(of=("self",), no_key=True, skip_locked=skips).order_by("pk")
    )
    _note(rank, locked)
    return locked


def in_transaction() -> bool:
    """Whether a transaction of our own is open; a test case's wrapping one does not count."""
    return any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)


def kept_for_transaction() -> dict[str, Any]:
    """Something to remember as long as the current transaction lasts."""
    _in_ours()
    key = _transaction_key()
    noted: Any = getattr(connection, "_closeout_kept", None)
    if noted is None or noted[0] != key:
        noted = (key, {})
        connection._closeout_kept = noted  # type: ignore[attr-defined]  # noqa: SLF001
    kept: dict[str, Any] = noted[1]
    return kept


def _in_ours() -> None:
    if not in_transaction():
        raise LockOrderBroken("a lock without a transaction holds nothing")


def _note(rank: Rank, locked: Sequence[models.Model]) -> None:
    if not settings.LOCK_RANKS_CHECKED:
        return
    held = _held()
    new = {(type(one), one.pk): rank for one in locked if (type(one), one.pk) not in held}
    highest = max(held.values(), default=rank)
    if new and rank < highest:
        raise LockOrderBroken(f"{rank.name} after {highest.name}")
    held.update(new)


def _held() -> dict[tuple[type[models.Model], Any], Rank]:
    """The rows locked so far in the current transaction, kept on the connection."""
    key = _transaction_key()
    noted: Any = getattr(connection, "_closeout_locks", None)
    if noted is None or noted[0] != key:
        noted = (key, {})
        connection._closeout_locks = noted  # type: ignore[attr-defined]  # noqa: SLF001
    held: dict[tuple[type[models.Model], Any], Rank] = noted[1]
    return held


def _transaction_key() -> Any:
    """Something that differs from one of our transactions to the next.

    Inside a test case the outermost of our blocks is a savepoint, whose name is unique. Otherwise
    it is a real transaction, told apart by a marker among its commit hooks, which the engine's
    wrapper throws away both on commit and on rollback.
    """
    wrapping = sum(
        1 for block in connection.atomic_blocks if getattr(block, "_from_testcase", False)
    )
    if wrapping:
        return connection.savepoint_ids[wrapping - 1]
    for _, hook, *_ in connection.run_on_commit:
        if isinstance(hook, _Marker):
            return hook
    marker = _Marker()
    connection.on_commit(marker)
    return marker


class _Marker:
    def __call__(self) -> None:
        """Nothing to do on commit; being in the list is the point."""
