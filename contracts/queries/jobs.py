"""My Jobs: the acting party's contracts, deadlines first, in a fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.db import connection
from django.db.models import Count, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse

from contracts.checklists import ITEMS
from contracts.menus import menu_items
from contracts.models import ChecklistItem, Contract, Milestone, Timer, Week, WeekLimit
from contracts.models.contract import ContractQuerySet
from contracts.models.week import UNFINISHED
from contracts.queries.bonuses import bonus_asked, with_bonus_asked
from contracts.queries.dormancy import dormancy_of, with_dormancy
from contracts.states import (
    OPEN_MILESTONES,
    RUNNING_CONTRACTS,
    ContractKind,
    ContractState,
    ItemState,
    Side,
)
from contracts.timers import running_of
from contracts.waiting import waiting
from contracts.waiting.shape import Waiting
from contracts.weeks import week_of
from marketplace import clock, moments
from marketplace.actors import Actor
from marketplace.components import MenuItem, Tab
from marketplace.money import Money, total
from payments.models import EscrowRefundRequest
from payments.queries import asked_back, open_split_of, with_asked_back, with_open_split
from payments.queries.charges import to_confirm, with_to_confirm

PAGE: Final = 20
COUNTED: Final = 999
"""Tab counts are exact up to here, so that they cost the same for everybody."""

TABS: Final = {
    "active": ("Active", RUNNING_CONTRACTS),
    "offers": ("Offers", (ContractState.OFFERED,)),
    "ended": ("Ended", (ContractState.ENDED,)),
    "all": ("All", tuple(ContractState)),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One contract in the list; ``minutes`` of this week and their ``limit`` of an hourly one."""

    contract: Contract
    other: str
    escrow: Money
    minutes: int
    limit: int
    waits: Waiting | None
    note: str
    left_to_do: int
    checklist_total: int
    menu: list[MenuItem]

    @property
    def to_do(self) -> str:
        return f"{self.left_to_do} of {self.checklist_total} left"

    @property
    def menu_id(self) -> str:
        return f"more-{self.contract.pk}"


@dataclass(frozen=True, slots=True)
class JobsPage:
    """A page of My Jobs; ``older`` and ``first`` are addresses, empty where there is none."""

    asked: Asked
    tabs: list[Tab]
    rows: list[Row]
    older: str
    first: str
    waiting: int
    held: list[Money]


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: after the row with this position and id."""

    position: int
    pk: int

    def __str__(self) -> str:
        return f"{self.position}.{self.pk}"

    @classmethod
    def read(cls, text: str) -> Cursor | None:
        """What stands in an address; None for anything that is no cursor."""
        position, dot, pk = text.partition(".")
        if dot and all(one.isascii() and one.isdigit() and len(one) < 19 for one in (position, pk)):
            return cls(int(position), int(pk))
        return None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page is asked for.

    Attributes:
        tab: a key of :data:`TABS`.
        search: part of a title, the other party's name, or a reference.
        kind: a :class:`ContractKind`, or empty for any.
    """

    tab: str = "active"
    search: str = ""
    kind: str = ""

    @property
    def narrows(self) -> bool:
        return bool(self.search or self.kind)

    def address(self, *, tab: str = "", cursor: Cursor | None = None) -> str:
        """The page with these filters, another tab, or from a row on."""
        asked = {
            "tab": tab or self.tab,
            "q": self.search,
            "kind": self.kind,
            "after": str(cursor or ""),
        }
        return f"{reverse('jobs')}?{urlencode({key: one for key, one in asked.items() if one})}"


def jobs_page(actor: Actor, asked: Asked, *, cursor: Cursor | None) -> JobsPage:
    """One page of the acting party's contracts; four queries, five for a talent.

    Args:
        cursor: where the page begins; None for the first.
    """
    assert actor.party is not None
    side = Side.CLIENT if actor.party.is_client else Side.TALENT
    mine, now = _of_kind(_of_party(actor, side), asked.kind), clock.now()
    found = _search(mine, side, asked.search).filter(state__in=TABS[asked.tab][1])
    page = list(_page(found, side, cursor, now))
    contracts, more = page[:PAGE], len(page) > PAGE
    timer = running_of(actor.as_member) if side is Side.TALENT else None
    rows = [_row(contract, actor, side, timer, now) for contract in contracts]
    return JobsPage(
        asked=asked,
        tabs=_tabs(mine, asked),
        rows=rows,
        older=asked.address(cursor=_cursor(contracts[-1], side)) if more else "",
        first=asked.address() if cursor else "",
        waiting=sum(row.waits is not None for row in rows),
        held=_held(rows),
    )


def _of_party(actor: Actor, side: Side) -> ContractQuerySet:
    """Those of one side only: the other column needs no index scan, and no OR."""
    mine = Contract.objects.assigned_to(actor)
    if side is Side.CLIENT:
        return mine.filter(client=actor.party)
    return mine.filter(talent=actor.party)


def _of_kind(mine: ContractQuerySet, kind: str) -> ContractQuerySet:
    return mine.filter(kind=kind) if kind in ContractKind.values else mine


def _search(found: ContractQuerySet, side: Side, search: str) -> ContractQuerySet:
    if not search:
        return found
    other = f"{side.other.value}__name__icontains"
    return found.filter(
        Q(title__icontains=search) | Q(reference__icontains=search) | Q(**{other: search})
    )


def _page(
    found: ContractQuerySet, side: Side, cursor: Cursor | None, now: datetime
) -> QuerySet[Contract]:
    position = f"{side.value}_position"
    if cursor is not None:
        beyond = Q(**{f"{position}__gt": cursor.position})
        beside = Q(**{position: cursor.position, "pk__gt": cursor.pk})
        found = found.filter(beyond | beside, **{f"{position}__gte": cursor.position})
    open_ones = Milestone.objects.filter(state__in=OPEN_MILESTONES).order_by("number")
    to_do = ChecklistItem.objects.filter(contract=OuterRef("pk"), side=side).order_by()
    chosen: QuerySet[Contract] = with_dormancy(found)
    chosen = with_open_split(chosen, request="book__escrow_refund_request")
    if side is Side.TALENT:
        chosen = with_asked_back(chosen, book="book", now=now)
    else:
        chosen = with_to_confirm(with_bonus_asked(chosen, now=now), book="book")
    return (
        chosen.select_related(
            side.other.value, "book__escrow_account", "book__escrow_refund_request"
        )
        .defer("description", "end_note", "end_figures")
        .prefetch_related(
            Prefetch("milestones", open_ones, to_attr="unpaid"),
            Prefetch("weeks", _weeks(), to_attr="waiting_weeks"),
        )
        .annotate(
            left_to_do=_number(to_do.filter(state=ItemState.OPEN)),
            limit=Subquery(_limit(now).values("minutes")[:1]),
        )
        .order_by(position, "pk")[: PAGE + 1]
    )


def _weeks() -> QuerySet[Week]:
    """Those that somebody waits for: not settled, in review, or in dispute."""
    return Week.objects.filter(UNFINISHED).select_related("dispute").order_by("starts_on")


def _limit(now: datetime) -> QuerySet[WeekLimit]:
    """The limit of this week, first."""
    limits = WeekLimit.objects.filter(contract=OuterRef("pk"), from_week__lte=week_of(now))
    return limits.order_by("-from_week")


def _number(rows: QuerySet[ChecklistItem]) -> Coalesce:
    counted = rows.values("contract").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted), 0)


def _row(contract: Contract, actor: Actor, side: Side, timer: Timer | None, now: datetime) -> Row:
    setattr(contract, side.value, actor.party)
    escrow = contract.book.escrow
    unpaid: list[Milestone] = contract.unpaid  # type: ignore[attr-defined]
    open_weeks: list[Week] = contract.waiting_weeks  # type: ignore[attr-defined]
    for milestone in unpaid:
        milestone.contract = contract
    for week in open_weeks:
        week.contract = contract
    request: EscrowRefundRequest | None = getattr(contract.book, "escrow_refund_request", None)
    waits = waiting(
        contract,
        side,
        now=now,
        open_milestones=unpaid,
        request=request,
        split=open_split_of(request, contract) if request else None,
        escrow=escrow,
        weeks=open_weeks,
        timer=timer if timer and timer.contract_id == contract.pk else None,
        asked_back=asked_back(contract) if side is Side.TALENT and actor.manages else None,
        bonus_asked=bonus_asked(contract) if side is Side.CLIENT and actor.manages else None,
        dormancy=dormancy_of(contract),
        confirm=to_confirm(contract) if side is Side.CLIENT and actor.manages else None,
    )
    this_week = week_of(now)
    return Row(
        contract=contract,
        other=contract.party(side.other).name,
        escrow=escrow,
        minutes=sum(one.minutes for one in open_weeks if one.starts_on == this_week),
        limit=contract.limit or 0 if contract.is_running else 0,  # type: ignore[attr-defined]
        waits=waits,
        note=_note(waits, now),
        left_to_do=contract.left_to_do,  # type: ignore[attr-defined]
        checklist_total=len(ITEMS) if contract.is_ended else 0,
        menu=menu_items(contract, actor),
    )


def _note(waits: Waiting | None, now: datetime) -> str:
    if waits is None:
        return ""
    if waits.until is None:
        return waits.note
    return f"{waits.then} {moments.left(waits.until, now)}"


def _tabs(mine: ContractQuerySet, asked: Asked) -> list[Tab]:
    """The tabs with their counts, from one query that reads no more than it counts."""
    counts = _counts(mine)
    return [
        Tab(
            label=label,
            url=asked.address(tab=key),
            current=key == asked.tab,
            count=_shown(counts[key]),
        )
        for key, (label, _) in TABS.items()
    ]


def _counts(mine: ContractQuerySet) -> dict[str, int]:
    """How many there are in each tab, up to one more than is shown.

    Put together as text: as one union of querysets it took several times as long to compile as to
    run.
    """
    parts: list[str] = []
    values: list[Any] = []
    for key, (_, states) in TABS.items():
        some = mine if len(states) == len(ContractState) else mine.filter(state__in=states)
        limited = some.order_by().values("pk")[: COUNTED + 1]
        sql, given = limited.query.sql_with_params()
        parts.append(f"SELECT '{key}', COUNT(*) FROM ({sql}) AS {key}_some")  # noqa: S608 - our own
        values += given
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), values)
        return dict(cursor.fetchall())


def _shown(number: int) -> int | str:
    return number if number <= COUNTED else f"{COUNTED}+"


def _held(rows: list[Row]) -> list[Money]:
    """What the shown contracts hold in escrow, per currency."""
    held = [row.escrow for row in rows if row.escrow]
    return [
        total([one for one in held if one.currency == currency], currency)
        for currency in sorted({one.currency for one in held})
    ]


def _cursor(contract: Contract, side: Side) -> Cursor:
    return Cursor(getattr(contract, f"{side.value}_position"), contract.pk)
