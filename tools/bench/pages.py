"""Pages: requests per second beside their own templates, queries, and how they grow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final
from unittest.mock import patch

from django.db import connection
from django.db.models import Count
from django.template.backends.django import Template
from django.urls import reverse

from contracts import weeks
from contracts.models import BonusRequest, Contract, Milestone, Week
from contracts.states import BonusRequestState, ContractState, MilestoneState, WeekState
from feedback.models import Feedback
from marketplace import clock
from marketplace.management.demo import lives
from marketplace.models import Party
from payments.models import EscrowRefundRequest, RefundRequest
from payments.states import RefundRequestState, RequestState
from tools.bench import report, urls
from tools.bench.measuring import PROCESSES, Plan, Spread, percentile, rates, ratios, times
from tools.bench.site import Reader, make_market, using

UP_TO: Final = 50
LIMITS: Final = {"jobs": 8, "end_contract": 8}
ANY_PAGE: Final = 12


def speed(market: str, plan: Plan) -> None:
    """Requests per second, beside the same templates from a frozen context."""
    report.heading(f"Requests per second of {PROCESSES} processes, beside the templates alone")
    report.table("page", "requests/s", "templates alone/s", "ratio", "target")
    with using(market):
        for name, reader, path in (*_three(busy("client")), _with_support("client")):
            urls.frozen["page"] = _frozen(reader, path)
            alone = partial(Reader().get, f"/{urls.FROZEN}")
            with _no_queries():
                alone()
            connection.close()
            found = rates({"page": partial(reader.get, path), "frozen": alone}, plan)
            ratio = ratios(found["page"], found["frozen"])
            report.row(
                name,
                Spread.of(found["page"]),
                Spread.of(found["frozen"]),
                ratio,
                report.against(f"requests/s of {name}", ratio.median, report.at_least(0.35)),
            )


def dense_week(plan: Plan) -> None:
    """The Work Diary of a week in which every segment is a stretch of its own."""
    monday = weeks.week_of(clock.now()) - weeks.WEEK
    make_market("dense", 1, scenes=lives.A_FULL_WEEK)
    report.heading("The Work Diary with a full week, beside its templates alone")
    report.table("figure", "page", "templates alone", "ratio", "target")
    with using("dense"):
        week = Week.objects.select_related("contract__talent").get(starts_on=monday)
        reader = Reader(week.contract.talent)
        path = f"{reverse('diary', args=[week.contract.reference])}?week={monday}"
        size, number = len(reader.get(path)), week.stretches.count()
        urls.frozen["page"] = _frozen(reader, path)
        alone = partial(Reader().get, f"/{urls.FROZEN}")
        asked = queries_of(reader, path)
        page, frozen = (times(step, plan.seconds) for step in (partial(reader.get, path), alone))
        connection.close()
        found = rates({"page": partial(reader.get, path), "frozen": alone}, plan)
    ratio = ratios(found["page"], found["frozen"])
    report.row(
        f"requests/s, {number:,} stretches",
        Spread.of(found["page"]),
        Spread.of(found["frozen"]),
        ratio,
        report.against("the diary of a full week", ratio.median, report.at_least(0.35)),
    )
    p95 = [percentile(one, 95) for one in (page, frozen)]
    report.row("95th percentile in ms", f"{p95[0]:.0f}", f"{p95[1]:.0f}", "", "")
    limit = report.against("queries of a full week", asked, report.at_most(ANY_PAGE))
    report.row("queries", asked, "", "", limit)
    report.row("KB of HTML", f"{size / 1024:.0f}", "", "", "")


def queries(markets: dict[str, int]) -> None:
    """Database queries of every kind of page; they must not grow with the market."""
    report.heading("Database queries per page")
    report.table("page", *(f"{number:,} contracts" for number in markets.values()), "target")
    counted = [_counts(market) for market in markets]
    for page in counted[0]:
        numbers = [one.get(page, 0) for one in counted]
        limit = LIMITS.get(page.split(",")[0], ANY_PAGE)
        report.row(
            page,
            *numbers,
            report.against(f"queries of {page}", max(numbers), report.at_most(limit)),
        )


def growth(small: tuple[str, int], large: tuple[str, int], plan: Plan) -> None:
    """The 95th percentile of pages in a large market, beside the same in a small one."""
    report.heading(f"95th percentile in ms: {large[1]:,} contracts beside {small[1]:,}")
    report.table("page", f"{large[1]:,}", f"{small[1]:,}", "ratio", "target")
    for who, limit in (("up to 50 contracts", 1.3), ("the largest", 3)):
        for page in ("My Jobs", "room", "end"):
            runs: dict[str, list[float]] = {small[0]: [], large[0]: []}
            for _ in range(plan.rounds):
                for market, values in runs.items():
                    values.append(_p95(market, who, page, plan.seconds))
            ratio = ratios(runs[large[0]], runs[small[0]])
            what = f"{page}, {who}"
            report.row(
                what,
                Spread.of(runs[large[0]]),
                Spread.of(runs[small[0]]),
                ratio,
                report.against(f"growth of {what}", ratio.median, report.at_most(limit)),
            )


def busy(side: str) -> Party:
    """The small party with the most contracts: up to 50."""
    number = Count(f"{side}_contracts")
    small = Party.objects.exclude(name__startswith="Very Large").annotate(number=number)
    return small.filter(number__lte=UP_TO).order_by("-number", "pk")[0]


def queries_of(reader: Reader, path: str) -> int:
    """How many queries the page makes the second time."""
    asked: list[str] = []

    def count(execute: Any, sql: str, *rest: Any) -> Any:
        asked.append(sql)
        return execute(sql, *rest)

    reader.get(path)
    with connection.execute_wrapper(count):
        reader.get(path)
    return len(asked)


def _p95(market: str, who: str, page: str, seconds: float) -> float:
    with using(market):
        party = _largest("client") if who == "the largest" else busy("client")
        reader, path = next((one, path) for name, one, path in _three(party) if name == page)
        for _ in range(5):
            reader.get(path)
        return percentile(times(partial(reader.get, path), seconds), 95)


def _three(party: Party) -> list[tuple[str, Reader, str]]:
    """The three main pages, as one client reads them."""
    reader = Reader(party)
    reviewed = (
        Milestone.objects.filter(contract__client=party, state=MilestoneState.SUBMITTED)
        .order_by("pk")
        .values_list("contract__reference", flat=True)
    )
    active = Contract.objects.filter(client=party, state=ContractState.ACTIVE).order_by("pk")
    reference = reviewed.first() or active.values_list("reference", flat=True).first()
    return [
        ("My Jobs", reader, reverse("jobs")),
        ("room", reader, reverse("room", args=[reference])),
        ("end", reader, reverse("end_contract", args=[reference])),
    ]


def _with_support(side: str) -> tuple[str, Reader, str]:
    """The page of a disputed request that support has: what it shows the most on."""
    held = EscrowRefundRequest.objects.filter(state=RequestState.MEDIATING).order_by("pk")[0]
    path = reverse("escrow_refund", args=[held.pk])
    return "escrow refund request", Reader(getattr(held.book, side)), path


def _largest(side: str) -> Party:
    return Party.objects.annotate(number=Count(f"{side}_contracts")).order_by("-number")[0]


def _frozen(reader: Reader, path: str) -> Any:
    """What renders a page's templates once more, from the context of a request just made."""
    rendered: list[tuple[Template, Any, Any]] = []
    render = Template.render

    def remember(self: Template, context: Any = None, request: Any = None) -> Any:
        if request is not None:
            rendered.append((self, context, request))
        return render(self, context, request)

    with patch.object(Template, "render", remember):
        reader.get(path)
    template, context, request = rendered[-1]
    return lambda: template.render(context, request)


@contextmanager
def _no_queries() -> Iterator[None]:
    def refuse(*_: Any) -> None:
        raise AssertionError("the frozen page asks the database")

    with connection.execute_wrapper(refuse):
        yield


def _counts(market: str) -> dict[str, int]:
    with using(market):
        return {
            f"{name}, {who}": queries_of(reader, path) for name, who, reader, path in _every_page()
        }


def _every_page() -> Iterator[tuple[str, str, Reader, str]]:
    """Each page in the states that make it read the most, for both sides."""
    for side in ("client", "talent"):
        reader = Reader(_largest(side))
        yield "jobs", side, reader, reverse("jobs")
        yield "jobs, all, searched", side, reader, f"{reverse('jobs')}?tab=all&q=redesign"
        for name in ("payments", "inbox", "account"):
            yield name, side, reader, reverse(name)
        slug = [reader.party.slug]
        yield "work_history", side, reader, reverse("work_history", args=slug)
        yield from _contract_pages(side)
    client = Reader(_largest("client"))
    yield "new_contract", "client", client, reverse("new_contract")
    yield from _milestone_pages()
    yield from _pages_of_money_that_comes_back()


def _pages_of_money_that_comes_back() -> Iterator[tuple[str, str, Reader, str]]:
    for side in ("client", "talent"):
        _, reader, path = _with_support(side)
        yield "escrow_refund, with support", side, reader, path
    asked = RefundRequest.objects.filter(state=RefundRequestState.WAITING).order_by("pk")[0]
    book = asked.payment.book
    pages = {"give_refund": ("talent", book.talent), "ask_refund": ("client", book.client)}
    for name, (side, party) in pages.items():
        yield f"{name}, asked", side, Reader(party), reverse(name, args=[asked.payment_id])
    wanted = BonusRequest.objects.filter(state=BonusRequestState.WAITING).order_by("pk")[0]
    path = reverse("give_bonus", args=[wanted.contract.reference])
    yield "give_bonus, asked", "client", Reader(wanted.contract.client), path


def _contract_pages(side: str) -> Iterator[tuple[str, str, Reader, str]]:
    ended = Feedback.objects.values("contract").annotate(number=Count("pk")).filter(number=2)
    request = EscrowRefundRequest.objects.filter(state=RequestState.PENDING).first()
    assert request is not None
    chosen = {
        "in review": Contract.objects.filter(milestones__state=MilestoneState.SUBMITTED),
        "three parts": Contract.objects.filter(
            state=ContractState.ACTIVE, milestones__number=3, milestones__state="planned"
        ),
        "ended, feedback of both": Contract.objects.filter(pk__in=ended.values("contract")),
        "ended, request": Contract.objects.filter(book=request.book_id),
        "offered": Contract.objects.filter(state=ContractState.OFFERED),
        "by the hour": Contract.objects.filter(
            state=ContractState.ACTIVE, weeks__state=WeekState.OPEN
        ),
    }
    for what, found in chosen.items():
        contract = found.order_by("pk").first()
        assert contract is not None
        reader = Reader(getattr(contract, side))
        names = {"offered": ["offer"]}.get(what, ["room", "room_payments", "feedback"])
        if what in ("in review", "three parts"):
            names = ["room", "end_contract"]
        if what == "by the hour":
            names = ["room", "room_payments", "diary", "end_contract"]
        for name in names:
            yield f"{name}, {what}", side, reader, reverse(name, args=[contract.reference])
    reader = Reader(getattr(request.book, side))
    yield "escrow_refund", side, reader, reverse("escrow_refund", args=[request.pk])
    if side == "client":
        yield from _dispute_page()


def _dispute_page() -> Iterator[tuple[str, str, Reader, str]]:
    """Of a week in review; at a weekend there is none."""
    for week in Week.objects.exclude(review_until=None).order_by("pk")[:1]:
        path = reverse("hours_dispute_new", args=[week.contract.reference, week.starts_on])
        yield "hours_dispute_new", "client", Reader(week.contract.client), path


def _milestone_pages() -> Iterator[tuple[str, str, Reader, str]]:
    pages = {
        "milestone_approve": (MilestoneState.SUBMITTED, "client"),
        "milestone_changes": (MilestoneState.SUBMITTED, "client"),
        "milestone_extend": (MilestoneState.SUBMITTED, "client"),
        "milestone_submit": (MilestoneState.FUNDED, "talent"),
        "milestone_fund": (MilestoneState.PLANNED, "client"),
        "milestone_edit": (MilestoneState.PLANNED, "client"),
    }
    for name, (state, side) in pages.items():
        milestone = (
            Milestone.objects.filter(state=state, contract__state=ContractState.ACTIVE)
            .annotate(others=Count("contract__milestones"))
            .filter(number=1)
            .order_by("pk")
            .first()
        )
        assert milestone is not None
        path = reverse(name, args=[milestone.contract.reference, milestone.number])
        yield name, side, Reader(getattr(milestone.contract, side)), path
    active = Contract.objects.filter(state=ContractState.ACTIVE).order_by("pk").first()
    assert active is not None
    add = reverse("add_milestone", args=[active.reference])
    yield "add_milestone", "client", Reader(active.client), add
