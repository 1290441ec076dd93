"""Ends per second, beside the same SQL by the bare driver on a copy of the same market."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection
from django.db.models import QuerySet

from contracts import closing
from contracts.closing import Choice
from contracts.models import Contract
from contracts.states import ContractState, Side, WeekState
from marketplace.actors import Actor
from tools.bench import report
from tools.bench.measuring import Plan, Spread, ratios
from tools.bench.site import copy, using

EACH_RUN = 40
"""Ends of one turn; as many turns make a run as its time allows."""

Statements = list[tuple[str, Any]]
Waiting = Iterator[tuple[Contract, Choice]]


def speed(market: str, plan: Plan) -> None:
    """End contracts by the real door; replay what it sent on a copy of the market."""
    twin = f"{market}_twin"
    copy(market, twin)
    for what, found in (
        ("fixed price, with escrow, up to 3 milestones", _contracts_with_escrow),
        ("hourly, with a week open", _contracts_by_the_hour),
    ):
        _measure(what, market, twin, plan, found)


def _measure(what: str, market: str, twin: str, plan: Plan, found: Callable[[], Waiting]) -> None:
    ours: list[float] = []
    bare: list[float] = []
    most: Statements = []
    with using(market), _bare(twin) as cursor:
        waiting = found()
        for _ in range(plan.rounds):
            spent, replayed, done = 0.0, 0.0, 0
            while spent + replayed < plan.seconds and (turn := _next(waiting)):
                sent: list[Statements] = []
                spent += sum(_end(contract, choice, sent) for contract, choice in turn)
                replayed += sum(_replay(cursor, one) for one in sent)
                done += len(turn)
                most = max([most, *sent], key=len)
            if done:
                ours.append(done / spent)
                bare.append(done / replayed)
    _tell(what, ours, bare, most)


def _tell(what: str, ours: list[float], bare: list[float], most: Statements) -> None:
    report.heading(f"Contracts ended per second ({what})")
    report.table("figure", "ours", "the same SQL by psycopg", "ratio", "target")
    ratio = ratios(ours, bare)
    report.row(
        "ends per second",
        Spread.of(ours),
        Spread.of(bare),
        ratio,
        report.against(f"ends per second, {what}", ratio.median, report.at_least(0.3)),
    )
    statements = len(most)
    report.row(
        "statements of one end, at most",
        statements,
        "",
        "",
        report.against(f"statements of an end, {what}", statements, report.at_most(24)),
    )
    report.note("The longest end sends, besides BEGIN and COMMIT:")
    for sql, _ in most:
        report.note(f"    {' '.join(sql.split())[:110]}")


def _contracts_with_escrow() -> Waiting:
    """In turn: the client pays all, or nothing; the talent ends."""
    return _in_turn(
        Contract.objects.filter(
            state=ContractState.ACTIVE, book__escrow_account__balance_minor__gt=0
        )
    )


def _contracts_by_the_hour() -> Waiting:
    """Three times the client ends, then the talent."""
    return _in_turn(
        Contract.objects.filter(state=ContractState.ACTIVE, weeks__state=WeekState.OPEN)
    )


def _in_turn(found: QuerySet[Contract]) -> Waiting:
    for number, pk in enumerate(list(found.order_by("pk").values_list("pk", flat=True))):
        contract = Contract.objects.select_related("book__escrow_account", "client", "talent").get(
            pk=pk
        )
        contract.bench_side = Side.TALENT if number % 4 == 3 else Side.CLIENT  # type: ignore[attr-defined]
        yield contract, Choice.all() if number % 2 == 0 else Choice.nothing()


def _next(waiting: Waiting) -> list[tuple[Contract, Choice]]:
    return [one for one, _ in zip(waiting, range(EACH_RUN), strict=False)]


def _end(contract: Contract, choice: Choice, sent: list[Statements]) -> float:
    """End one contract; note what was sent; return how long it took."""
    side: Side = contract.bench_side  # type: ignore[attr-defined]
    membership = contract.party(side).memberships.select_related("party").get()
    seen = closing.seen_token(contract, closing.facts_of(contract))
    statements: Statements = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append((sql, params))
        return execute(sql, params, many, context)

    began = time.perf_counter()
    with connection.execute_wrapper(note):
        closing.end(contract, choice=choice, seen=seen, gives_up=True, by=Actor.member(membership))
    took = time.perf_counter() - began
    sent.append(statements)
    return took


@contextmanager
def _bare(name: str) -> Iterator[Any]:
    """A cursor that sends statements as Django's does: parameters bound by the client."""
    parameters = connection.get_connection_params()
    with psycopg.connect(
        host=parameters.get("host"),
        user=parameters.get("user"),
        dbname=name,
        cursor_factory=psycopg.ClientCursor,
    ) as twin:
        twin.prepare_threshold = None
        yield twin.cursor()


def _replay(cursor: Any, statements: Statements) -> float:
    began = time.perf_counter()
    for sql, params in statements:
        cursor.execute(sql, params)
        if cursor.description:
            cursor.fetchall()
    cursor.connection.commit()
    return time.perf_counter() - began
