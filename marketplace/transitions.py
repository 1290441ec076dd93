"""The transition door: the only way a state changes.

Inside one transaction the door locks the aggregate and the row in the house's order and reads them
again, carries out what is already due on the aggregate, asks the rule, asks django-fsm, runs the
pure transition, saves the named fields, writes the history row, and hands the locked row back; the
capability that called it then posts money and writes notices in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import models
from django.db.models import QuerySet
from django_fsm import can_proceed

from marketplace import bulk, clock, locks
from marketplace.actors import Actor
from marketplace.models.history import Stateful
from marketplace.refusals import NotYours, Overtaken, Refusal, Refused

S = TypeVar("S", bound=Stateful)
A = TypeVar("A", bound=Stateful)

RuleFunction = Callable[[Any, Actor], Refusal | None]

_due_work: dict[type[models.Model], Callable[[Any], None]] = {}
"""What is carried out on locked aggregates of a model, given as a list."""


class allowed:  # noqa: N801 - reads as part of the decorator: permission=allowed(rule)
    """A rule as the ``permission`` of a django-fsm transition, kept askable for its reason."""

    def __init__(self, rule: RuleFunction) -> None:
        self.rule = rule

    def __call__(self, row: Any, actor: Any) -> bool:
        return self.rule(row, actor) is None


def carries_out_due_work(model: type[A], work: Callable[[Sequence[A]], None]) -> None:
    """Register what is carried out first whenever aggregates of this model are entered."""
    _due_work[model] = work


def enter(aggregate: S) -> S:
    """Lock an aggregate, read it again, and carry out what is already due on it.

    Args:
        aggregate: a contract, or another row that is its own aggregate.

    Returns:
        The locked row; the one passed in is stale from now on.
    """
    model = type(aggregate)
    locked = locks.row(_to_lock(model).filter(pk=aggregate.pk), model.lock_rank)
    _carry_out([locked])
    return locked


def enter_all(model: type[S], ids: Iterable[int], *, free: bool = False) -> list[S]:
    """The set form of :func:`enter`: lock aggregates by id, and carry out what is due on them.

    Only for aggregates whose due work can be carried out on many at once (see what is registered).

    Args:
        free: leave out those that somebody else holds now, where the engine can.
    """
    chosen = _to_lock(model).filter(pk__in=list(ids))
    locked = (locks.free_rows if free else locks.rows)(chosen, model.lock_rank)
    if locked:
        _carry_out(locked)
    return locked


@contextmanager
def journal(aggregate: S) -> Iterator[S]:
    """Collect the history of several moves and write it once, at the end, with one insert.

    The aggregate is not saved for its version in between: the last thing done inside must be a
    :func:`move` of the aggregate itself, which saves it whole.
    """
    aggregate.journal = []
    yield aggregate
    records, aggregate.journal = aggregate.journal, None
    if records:
        type(records[0])._base_manager.bulk_create(records)


def refuse_unless_possible(row: Stateful, name: str, *, by: Actor) -> None:
    """Ask the rule, then the machine.

    Raises:
        NotYours: the rule says this actor may not.
        Overtaken: the state does not allow it (any more).
    """
    method = getattr(row, name)
    refusal = rule_of(row, name)(row, by)
    if refusal is not None:
        raise NotYours(refusal)
    if not can_proceed(method):
        raise Overtaken(_no_longer(row))


def possible(row: Stateful, name: str, *, by: Actor) -> Refusal | None:
    """The same question as :func:`refuse_unless_possible`, as an answer for buttons."""
    try:
        refuse_unless_possible(row, name, by=by)
    except Refused as refused:
        return Refusal(refused.sentence)
    return None


def rule_of(row: Stateful, name: str) -> RuleFunction:
    """The rule of a transition: who may, whatever the state."""
    transitions = getattr(row, name)._django_fsm.transitions
    found = transitions.get(row.state) or next(iter(transitions.values()))
    rule: RuleFunction = found.permission.rule
    return rule


def move(row: S, name: str, *, by: Actor, reason: str = "", **arguments: Any) -> S:
    """Run one transition of a row that is locked in this transaction, with its history.

    Args:
        row: the locked row, as :func:`enter` or a lock of its own returned it; its aggregate must
            be locked too (the same object, so that its version counts on).
        name: the transition's method.
        arguments: passed to the transition.

    Raises:
        NotYours, Overtaken: see :func:`refuse_unless_possible`.
    """
    refuse_unless_possible(row, name, by=by)
    source = row.state
    getattr(row, name)(**arguments)
    _record([row], [(row, source)], name, by=by, reason=reason)
    row.save()
    return row


def move_all(
    rows: Sequence[S], name: str, *, by: Actor, reason: str = "", **arguments: Any
) -> None:
    """The set form: one transition on several locked rows of one aggregate, in two writes.

    Saves only the fields that the transition changed on any of the rows.

    Raises:
        NotYours, Overtaken: any of the rows refuses; nothing was written.
    """
    if not rows:
        return
    for row in rows:
        refuse_unless_possible(row, name, by=by)
    sources, fields = [], {"state"}
    for row in rows:
        sources.append((row, row.state))
        before = _columns(row)
        getattr(row, name)(**arguments)
        fields |= {column for column, value in _columns(row).items() if before[column] != value}
    _record(rows, sources, name, by=by, reason=reason)
    bulk.update(rows, sorted(fields))
    for row in rows:
        row.was_written()


class Changes:
    """Changes of rows of several aggregates, collected in memory and written together.

    Rows and their aggregates are locked in this transaction, or made in it, and each is one object
    however often it is changed: a row keeps what several moves set, an aggregate's version counts
    on. :meth:`write` is one update for each model, of the fields that changed on any of its rows,
    and one insert for each kind of history. Nothing else may save these rows in between.
    """

    def __init__(self, *, by: Actor) -> None:
        self._by = by
        self._rows: dict[type[models.Model], dict[Any, models.Model]] = {}
        self._fields: dict[type[models.Model], set[str]] = {}
        self._records: list[Any] = []

    def created(self, row: Stateful, *, reason: str = "") -> None:
        """Note the first history row of something just made."""
        self._note(row, "create", source="", reason=reason)

    def move(self, row: Stateful, name: str, *, reason: str = "", **arguments: Any) -> None:
        """Run one transition in memory.

        Raises:
            NotYours, Overtaken: see :func:`refuse_unless_possible`.
        """
        refuse_unless_possible(row, name, by=self._by)
        source, before = row.state, _columns(row)
        getattr(row, name)(**arguments)
        changed = {column for column, value in _columns(row).items() if before[column] != value}
        self.also(row, *changed)
        self._note(row, name, source=source, reason=reason)

    def also(self, row: models.Model, *fields: str) -> None:
        """Have fields written that the caller has set on a locked row itself."""
        if fields:
            self._rows.setdefault(type(row), {})[row.pk] = row
            self._fields.setdefault(type(row), set()).update(fields)

    def write(self) -> None:
        """Write everything that was collected; the collection is empty afterwards."""
        for model, rows in self._rows.items():
            bulk.update(rows.values(), sorted(self._fields[model]))
            for row in rows.values():
                if isinstance(row, Stateful):
                    row.was_written()
        by_model: dict[type[models.Model], list[Any]] = {}
        for record in self._records:
            by_model.setdefault(type(record), []).append(record)
        for history, records in by_model.items():
            history._base_manager.bulk_create(records)
        self._rows, self._fields, self._records = {}, {}, []

    def _note(self, row: Stateful, name: str, *, source: str, reason: str) -> None:
        aggregate = row.aggregate
        aggregate.version += 1
        self.also(aggregate, "version")
        record = history_row(row, name, source=source, by=self._by, reason=reason)
        self._records.append(record)


def created(row: Stateful, *, by: Actor, reason: str = "") -> None:
    """Write the first history row of something just made; its aggregate is locked, or new."""
    _record([row], [(row, "")], "create", by=by, reason=reason)
    if row.aggregate is row:
        row.save(update_fields=["version"])


def _to_lock(model: type[S]) -> QuerySet[S]:
    return model._base_manager.select_related(*model.lock_related)


def _carry_out(aggregates: Sequence[Stateful]) -> None:
    work = _due_work.get(type(aggregates[0]))
    if work is not None:
        work(aggregates)


def _record(
    rows: Sequence[Stateful],
    sources: Sequence[tuple[Stateful, str]],
    name: str,
    *,
    by: Actor,
    reason: str,
) -> None:
    """Raise the aggregate's version by one per change and write, or collect, the history rows."""
    aggregate = rows[0].aggregate
    records = []
    for row, source in sources:
        aggregate.version += 1
        records.append(history_row(row, name, source=source, by=by, reason=reason))
    journal = getattr(aggregate, "journal", None)
    if journal is not None:
        journal.extend(records)
        return
    if aggregate is not rows[0]:
        aggregate.save(update_fields=["version"])
    type(records[0])._base_manager.bulk_create(records)


def history_row(row: Stateful, name: str, *, source: str, by: Actor, reason: str) -> Any:
    """The unsaved history row of a change that brought the aggregate to its present version."""
    aggregate = row.aggregate
    relation = type(aggregate)._meta.get_field("history")
    model, key = relation.related_model, relation.field.name
    return model(
        **{key: aggregate},
        **by.columns(),
        sequence=aggregate.version,
        row_label=row._meta.model_name,
        row_id=row.pk,
        transition=name,
        source=source,
        target=row.state,
        reason=reason,
        at=clock.now(),
    )


def _no_longer(row: Stateful) -> str:
    label = type(row)._meta.verbose_name
    state = row.get_state_display()  # type: ignore[attr-defined]
    return f"This is no longer possible: the {label} is {str(state).lower()} now."


def _columns(row: models.Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
