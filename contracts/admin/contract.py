"""Contracts: found by reference, title, party or e-mail; everything of one on one page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter

from django.apps import apps
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.utils.html import format_html_join

from contracts.admin.bonuses import bonus_requests_of, bonuses_of
from contracts.admin.quiet import dormancies_of
from contracts.admin.weeks import limits_of, timers_of, weeks_of
from contracts.models import ChecklistItem, Contract, Milestone, Submission
from contracts.states import ChecklistCode, ContractState
from marketplace import clock
from marketplace.actors import Actor
from marketplace.facts import thaw
from marketplace.models import History
from marketplace.refusals import Refusal
from marketplace.support import find
from marketplace.support.lists import EVERYTHING, Queue, ReadOnlyAdmin
from marketplace.support.sections import ACTOR, LATEST, Section, address, link, when, who
from marketplace.support.tools import Tool, tool
from payments.admin.chargebacks import chargebacks_of
from payments.admin.corrections import corrections_of
from payments.admin.ledger import ACCOUNTS, balances_of, entries_of
from payments.admin.operations import operations_of
from payments.admin.payments import payments_of, refunds_of
from payments.admin.requests import refund_requests_of
from payments.models import Book, EscrowRefundRequest, GatewayOperation, Payment, Refund

NEWEST_FIRST = f"The latest {LATEST}, newest first."


@admin.register(Contract)
class ContractAdmin(ReadOnlyAdmin):
    list_display = (
        "reference",
        "title",
        "kind",
        "client",
        "talent",
        "state",
        "offered_at",
        "ended_at",
    )
    list_select_related = ("client", "talent")
    related = (
        "client",
        "talent",
        "follows",
        "book__escrow_refund_request",
        *(f"book__{name}" for name in ACCOUNTS),
    )
    search_fields = ("reference",)
    search_help_text = "A reference, how a title or a party's name begins, or an e-mail address"
    queues = {"all": EVERYTHING} | {
        state.value: Queue(state.label, Q(state=state)) for state in ContractState
    }
    queues["hold"] = Queue("On hold", Q(hold_since__isnull=False), ("hold_since", "pk"))
    fields = (
        "reference",
        "title",
        "description",
        "kind",
        "terms",
        "state",
        "client",
        "talent",
        "money",
        "request",
        "follows",
        "offered_at",
        "expires_at",
        "answered_at",
        "paused_at",
        "hold_since",
        "asks_to_end_since",
        "ended_at",
        "ended_side",
        "end_reason",
        "end_note",
        "figures",
        "feedback_until",
        "feedback_extended",
        "last_activity_at",
        "quiet_due_at",
        "dormant_since",
    )

    def search(self, rows: QuerySet[Contract], term: str) -> QuerySet[Contract]:
        parties = find.parties(term)
        return rows.filter(
            Q(reference=term.upper())
            | find.begins("title", term)
            | Q(client__in=parties)
            | Q(talent__in=parties)
        )

    @admin.display(description="book")
    def money(self, row: Contract) -> str:
        return link(row.book, f"Book of {row.reference}, {row.book.escrow} in escrow")

    @admin.display(description="terms")
    def terms(self, row: Contract) -> str:
        if not row.is_hourly:
            return "–"
        manual = "allowed" if row.manual_time else "not allowed"
        rate, method = row.hourly_rate, row.charge_method
        return f"{rate} an hour, manual time {manual}, charged to {method}"

    @admin.display(description="escrow refund request")
    def request(self, row: Contract) -> str:
        request = getattr(row.book, "escrow_refund_request", None)
        return link(request, f"{request}: {request.get_state_display()}") if request else "–"

    @admin.display(description="figures confirmed at the end")
    def figures(self, row: Contract) -> str:
        shown = [(name, value) for name, value in thaw(row.end_figures or {}).items() if value]
        return format_html_join(", ", "{} {}", ((name, _words(value)) for name, value in shown))

    def sections(self, row: Contract) -> Sequence[Section]:
        milestones = list(row.milestones.select_related("payment").order_by("number"))
        return [
            *(_hours(row) if row.is_hourly else _fixed(row, milestones)),
            _checklist(row),
            balances_of(row.book),
            payments_of(row.book.payments.order_by("paid_at", "pk")),
            refunds_of(_refunds(row)),
            refund_requests_of(row.book),
            bonuses_of(row),
            corrections_of(row.book),
            operations_of(row.book.operations.order_by("pk")),
            chargebacks_of(row.book.chargebacks.order_by("pk")),
            entries_of(row.book),
            _timeline(row, milestones),
            _messages(row),
            _people(row),
        ]


def _words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_words, value))
    if isinstance(value, dict):
        return " ".join(f"{name} {one}" for name, one in value.items())
    return str(value)


def _hours(contract: Contract) -> Sequence[Section]:
    sections = weeks_of, limits_of, timers_of, bonus_requests_of
    return [of(contract) for of in sections]


def _fixed(contract: Contract, milestones: Iterable[Milestone]) -> Sequence[Section]:
    return milestones_of(milestones), submissions_of(contract), dormancies_of(contract)


def milestones_of(milestones: Iterable[Milestone]) -> Section:
    """A contract's milestones, each with its payment."""
    return Section(
        "Milestones",
        ("milestone", "amount", "state", "due", "funded", "submitted", "review until", "paid"),
        [
            (
                str(one),
                one.amount,
                one.get_state_display(),
                one.due_on or "–",
                when(one.funded_at),
                when(one.submitted_at),
                when(one.review_until),
                link(one.payment, str(one.paid)) if one.payment else "–",
            )
            for one in milestones
        ],
    )


def submissions_of(contract: Contract) -> Section:
    """What was delivered on a contract; one query."""
    rows = (
        Submission.objects.filter(milestone__contract=contract)
        .select_related("milestone", "membership__user", "membership__party")
        .order_by("-pk")[:LATEST]
    )
    return Section(
        "Submissions",
        ("when", "milestone", "message", "links", "by", "taken back"),
        [
            (
                when(one.at),
                str(one.milestone),
                one.message,
                ", ".join(one.links),
                one.membership,
                when(one.taken_back_at),
            )
            for one in rows
        ],
        note=NEWEST_FIRST,
    )


def _checklist(contract: Contract) -> Section:
    """Both lists. Whether feedback was given is nobody's business before the window closes."""
    sealed = contract.feedback_until is not None and clock.now() < contract.feedback_until
    items = contract.checklist.select_related("done_by__user", "done_by__party").order_by("pk")
    return Section(
        "Checklists",
        ("side", "item", "state", "since", "by"),
        [_item(one) for one in items if not (sealed and one.code == ChecklistCode.FEEDBACK)],
        note="Feedback is listed once the time for it is over." if sealed else "",
    )


def _item(item: ChecklistItem) -> Sequence[object]:
    return (
        item.get_side_display(),
        item.get_code_display(),
        item.get_state_display(),
        when(item.done_at),
        item.done_by or "–",
    )


def _refunds(contract: Contract) -> QuerySet[Refund]:
    refunds = Refund.objects.filter(payment__book=contract.book_id)
    return refunds.select_related("payment", *ACTOR).order_by("at", "pk")


def _timeline(contract: Contract, milestones: Iterable[Milestone]) -> Section:
    """Every change of state of the contract, its milestones and its money; two queries."""
    names = {one.pk: str(one) for one in milestones}
    changes = [
        *contract.history.select_related(*ACTOR).order_by("-sequence")[:LATEST],
        *contract.book.history.select_related(*ACTOR).order_by("-sequence")[:LATEST],
    ]
    changes.sort(key=attrgetter("at"), reverse=True)
    return Section(
        "Timeline",
        ("when", "who", "what", "change", "from", "to", "reason"),
        [_change(one, names) for one in changes],
        note=NEWEST_FIRST,
    )


def _change(change: History, milestones: dict[int, str]) -> Sequence[object]:
    is_milestone = change.row_label == Milestone._meta.model_name
    return (
        when(change.at),
        who(change.actor),
        milestones.get(change.row_id, "") if is_milestone else _kind_of(change),
        change.transition,
        change.source or "–",
        change.target,
        change.reason,
    )


def _kind_of(change: History) -> str:
    return str(apps.get_model(change._meta.app_label, change.row_label)._meta.verbose_name)


def _messages(contract: Contract) -> Section:
    rows = contract.messages.select_related("author__user", "author__party").order_by("-pk")
    return Section(
        "Messages",
        ("when", "who", "text"),
        [(when(one.at), one.author, one.text) for one in rows[:LATEST]],
        note=NEWEST_FIRST,
    )


def _people(contract: Contract) -> Section:
    rows = contract.assignments.select_related("membership__user", "membership__party")
    return Section(
        "Who works on it",
        ("who", "since", "until"),
        [(link(one.membership), when(one.since), when(one.until)) for one in rows.order_by("pk")],
    )


# From the money's pages back to the agreement ----------------------------------------------------


class _OpenContract(Tool):
    label = "The contract"
    permission = "contracts.view_contract"

    def book(self, row) -> Book:
        return row.book

    def address(self, row) -> str:
        return address(self.book(row).contract)


@tool
class OfBook(_OpenContract):
    model = Book

    def book(self, row: Book) -> Book:
        return row


@tool
class OfPayment(_OpenContract):
    model = Payment


@tool
class OfRequest(_OpenContract):
    model = EscrowRefundRequest


@tool
class OfOperation(_OpenContract):
    model = GatewayOperation

    def address(self, row: GatewayOperation) -> str:
        return super().address(row) if row.book else ""

    def refusal(self, row: GatewayOperation, by: Actor) -> Refusal | None:
        return None if row.book else Refusal("A withdrawal is of no contract.")
