"""What one side asks of the other about money: escrow refund requests, and refund requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from marketplace.money import Money
from marketplace.states import Side
from marketplace.support.clocks import CLOCK, SUPPORT, Clock, HasClock, Source, settled, source
from marketplace.support.dashboard import Panel, how_many, panel
from marketplace.support.lists import EVERYTHING, Queue, ReadOnlyAdmin
from marketplace.support.sections import ACTOR, LATEST, Section, link, when, who
from payments.admin.payments import BY_REFERENCE
from payments.models import (
    Book,
    EscrowRefundRequest,
    RefundRequest,
    RequestStatement,
    SplitProposal,
)
from payments.states import (
    ANSWERABLE_REQUESTS,
    HELD_REQUESTS,
    Proposer,
    RefundRequestState,
    RequestState,
    SplitState,
)

PARTIES = ("book__client", "book__talent")
HELD = Q(state__in=HELD_REQUESTS)
OPEN_SPLIT = Q(proposals__state=SplitState.OPEN)
STAYS = "The money stays in escrow"

_open_splits = SplitProposal.objects.filter(state=SplitState.OPEN)
_of_talent = _open_splits.filter(proposer=Proposer.TALENT)
_disputed = EscrowRefundRequest.objects.filter(state=RequestState.DISPUTED)
WAITS_FOR_CLIENT = Q(
    pk__in=_disputed.order_by().values("pk").union(_of_talent.order_by().values("request"))
)
"""A dispute, or a split of the talent; each found by its own index."""
SPLIT_DUE = Subquery(_open_splits.filter(request=OuterRef("pk")).values("answer_by")[:1])


def clock_of(request: EscrowRefundRequest, split: SplitProposal | None) -> Clock:
    """Who must act on a request; a split that is open stands before its own clock.

    Args:
        split: the open one, if any.
    """
    if not request.is_open:
        return settled(request.resolved_at)
    if split is not None:
        return clock_of_split(split)
    if request.is_held:
        return Clock(SUPPORT, request.decide_by, STAYS)
    asked = request.book.talent if request.state == RequestState.PENDING else request.book.client
    return Clock(asked.name, request.answer_by, request.get_on_silence_display())


def clock_of_split(split: SplitProposal) -> Clock:
    """Who has not agreed yet, until when."""
    book = split.request.book
    sides = ((Side.CLIENT, book.client), (Side.TALENT, book.talent))
    asked = [party.name for side, party in sides if not split.has_agreed(side)]
    silence = "Support decides" if split.is_by_support else "The time of the talent goes on"
    return Clock(" and ".join(asked), split.answer_by, silence)


@admin.register(EscrowRefundRequest)
class EscrowRefundRequestAdmin(HasClock, ReadOnlyAdmin):
    list_display = ("book", "asked_for", "state", *CLOCK)
    list_select_related = PARTIES
    related = PARTIES
    search_fields = ("book",)
    search_help_text = BY_REFERENCE
    queues = {
        "held": Queue("Waiting for support", HELD, ("decide_by", "pk")),
        "pending": Queue(
            "Waiting for the talent",
            Q(state=RequestState.PENDING, answer_by__isnull=False),
            ("answer_by", "pk"),
        ),
        "client": Queue(
            "Waiting for the client",
            WAITS_FOR_CLIENT,
            (Coalesce("answer_by", SPLIT_DUE).asc(), "pk"),
        ),
        "split": Queue("Split open", OPEN_SPLIT, ("proposals__answer_by", "pk")),
        "all": EVERYTHING,
    }
    fields = (
        "book",
        "asked_for",
        "state",
        *CLOCK,
        "filed_at",
        "time_left",
        "decide_by",
        "reminders_sent",
        "policy_version",
        "decided_because",
        "paid",
        "returned",
        "resolved_at",
    )

    def get_queryset(self, request: Any) -> QuerySet[EscrowRefundRequest]:
        """With the split that is open, found with the rows in one more query."""
        rows: QuerySet[EscrowRefundRequest] = super().get_queryset(request)
        return rows.prefetch_related(open_split())

    def search(
        self, rows: QuerySet[EscrowRefundRequest], term: str
    ) -> QuerySet[EscrowRefundRequest]:
        return rows.filter(book__reference=term.upper())

    def sections(self, row: EscrowRefundRequest) -> Sequence[Section]:
        return [_statements(row), _splits(row), _history(row)]

    def clock_of(self, row: EscrowRefundRequest) -> Clock:
        return clock_of(row, split_of(row))

    @admin.display(description="amount")
    def asked_for(self, row: EscrowRefundRequest) -> Money:
        return row.amount

    @admin.display(description="to the talent")
    def paid(self, row: EscrowRefundRequest) -> Money | str:
        return "–" if row.to_talent is None else row.to_talent

    @admin.display(description="to the client")
    def returned(self, row: EscrowRefundRequest) -> Money | str:
        return "–" if row.to_client is None else row.to_client


def open_split() -> Prefetch[str]:
    """Reads requests with the split of each that is open, for :func:`split_of`."""
    return Prefetch("proposals", _open_splits.order_by("pk"), to_attr="open_splits")


def split_of(request: Any) -> SplitProposal | None:
    """The open split of a request that was read with :func:`open_split`."""
    found: list[SplitProposal] = request.open_splits
    return found[0] if found else None


def _statements(request: EscrowRefundRequest) -> Section:
    rows: QuerySet[RequestStatement] = request.statements.select_related(*ACTOR).order_by("pk")
    return Section(
        "What was said",
        ("when", "what", "who", "text", "links"),
        [
            (when(one.at), one.get_kind_display(), who(one.actor), one.text, _links(one.links))
            for one in rows[:LATEST]
        ],
    )


def _links(addresses: Sequence[str]) -> SafeString:
    """As text to copy: where they lead is not ours."""
    return format_html_join(mark_safe("<br>"), "{}", ((one,) for one in addresses))


def _splits(request: EscrowRefundRequest) -> Section:
    rows = request.proposals.order_by("-pk")[:LATEST]
    return Section(
        "Splits",
        ("proposed", "by", "to the talent", "to the client", "state", "until", "agreed", "why"),
        [
            (
                when(one.proposed_at),
                one.get_proposer_display(),
                one.to_talent,
                request.amount - one.to_talent,
                one.get_state_display(),
                when(one.answer_by),
                _agreed(one),
                one.message,
            )
            for one in rows
        ],
    )


def _agreed(split: SplitProposal) -> str:
    sides = [side.label for side in Side if split.has_agreed(side)]
    return " and ".join(sides) or "–"


def _history(request: EscrowRefundRequest) -> Section:
    """Every change of the request and its splits; of a book with one request, all that is there."""
    labels = [model._meta.model_name for model in (EscrowRefundRequest, SplitProposal)]
    rows = request.book.history.filter(row_label__in=labels).select_related(*ACTOR)
    return Section(
        "History",
        ("when", "who", "change", "from", "to", "reason"),
        [
            (
                when(one.at),
                who(one.actor),
                one.transition,
                one.source or "–",
                one.target,
                one.reason,
            )
            for one in rows.order_by("-sequence")[:LATEST]
        ],
        note=f"The latest {LATEST}, newest first.",
    )


@admin.register(RefundRequest)
class RefundRequestAdmin(ReadOnlyAdmin):
    """What clients ask back of payments; the talent answers or not, support has no part in it."""

    list_display = ("asked_at", "payment", "book", "asked_for", "state", "until")
    list_select_related = ("payment__book",)
    related = ("payment__book", "refund")
    search_fields = ("payment",)
    search_help_text = BY_REFERENCE
    queues = {
        "waiting": Queue(
            "Waiting for the talent", Q(state=RefundRequestState.WAITING), ("until", "pk")
        ),
        "all": EVERYTHING,
    }
    fields = (
        "payment",
        "book",
        "asked_for",
        "reason",
        "state",
        "asked_at",
        "until",
        "declined_because",
        "closed_at",
        "refund",
    )

    def search(self, rows: QuerySet[RefundRequest], term: str) -> QuerySet[RefundRequest]:
        return rows.filter(payment__book__reference=term.upper())

    @admin.display(description="book")
    def book(self, row: RefundRequest) -> Book:
        return row.book

    @admin.display(description="amount")
    def asked_for(self, row: RefundRequest) -> Money:
        return row.amount


def refund_requests_of(book: Book) -> Section:
    """What the client asked back of a book's payments; one query."""
    rows = RefundRequest.objects.filter(payment__book=book).select_related("payment")
    return Section(
        "Refund requests",
        ("asked", "request", "of", "state", "until", "closed", "reason"),
        [
            (
                when(one.asked_at),
                link(one, str(one.amount)),
                link(one.payment),
                one.get_state_display(),
                when(one.until),
                when(one.closed_at),
                one.reason,
            )
            for one in rows.order_by("-pk")[:LATEST]
        ],
    )


# Clocks ------------------------------------------------------------------------------------------


class _Requests(Source):
    permission = "payments.view_escrowrefundrequest"

    def words(self, row: EscrowRefundRequest) -> str:
        return f"Return of {row.amount} from escrow"

    def contract(self, row: EscrowRefundRequest) -> str:
        return str(row.book)

    def clock(self, row: EscrowRefundRequest) -> Clock:
        return clock_of(row, None)


@source
class HeldRequests(_Requests):
    name = "request-held"
    of_support = True
    column = "decide_by"

    def rows(self) -> QuerySet[EscrowRefundRequest]:
        return EscrowRefundRequest.objects.filter(HELD).select_related(*PARTIES)


@source
class AnswerableRequests(_Requests):
    name = "request-answerable"
    of_support = False
    column = "answer_by"

    def rows(self) -> QuerySet[EscrowRefundRequest]:
        due = EscrowRefundRequest.objects.filter(answer_by__isnull=False)
        return due.filter(state__in=ANSWERABLE_REQUESTS).select_related(*PARTIES)


@source
class OpenSplits(Source):
    name = "split"
    permission = "payments.view_escrowrefundrequest"
    of_support = False
    column = "answer_by"

    def rows(self) -> QuerySet[SplitProposal]:
        return _open_splits.select_related(*(f"request__{one}" for one in PARTIES))

    def words(self, row: SplitProposal) -> str:
        return f"Split, {row}"

    def page(self, row: SplitProposal) -> EscrowRefundRequest:
        return row.request

    def contract(self, row: SplitProposal) -> str:
        return str(row.request.book)

    def clock(self, row: SplitProposal) -> Clock:
        return clock_of_split(row)


@panel(place=1, permission="payments.view_escrowrefundrequest")
def held_requests() -> Panel:
    held = how_many(EscrowRefundRequest.objects.filter(HELD))
    return Panel(
        "Escrow refund requests",
        reverse("admin:payments_escrowrefundrequest_changelist"),
        f"{held} waiting for support.",
    )
