"""Chargebacks: what a bank took back, until when it can be answered, and what stays open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.urls import reverse
from django.utils.safestring import SafeString

from marketplace import policy, transitions
from marketplace.actors import Actor
from marketplace.components import Effect
from marketplace.money import Money
from marketplace.refusals import Refusal
from marketplace.support.actions import ReasonForm, SupportAction
from marketplace.support.clocks import CLOCK, SUPPORT, Clock, HasClock, Source, settled, source
from marketplace.support.dashboard import Panel, how_many, panel
from marketplace.support.lists import EVERYTHING, Queue, ReadOnlyAdmin
from marketplace.support.sections import Section, link, when
from marketplace.support.tools import tool
from payments import chargebacks
from payments.admin.payments import BY_REFERENCE
from payments.models import Chargeback
from payments.states import ChargebackState

AT_THE_BANK: Final = Q(state=ChargebackState.OPEN)
NOT_COVERED: Final = Q(state=ChargebackState.LOST, from_operator_minor__gt=0)
BY_EVIDENCE: Final = (F("evidence_due_at").asc(nulls_last=True), "pk")


@admin.register(Chargeback)
class ChargebackAdmin(HasClock, ReadOnlyAdmin):
    list_display = ("opened_at", "book", "client", "taken", "not_covered", "state", *CLOCK)
    list_select_related = ("book__client",)
    related = ("book__client", "operation", "entry", "back_entry")
    search_fields = ("book",)
    search_help_text = BY_REFERENCE
    queues = {
        "open": Queue("With the bank", AT_THE_BANK, BY_EVIDENCE),
        "lost": Queue("Lost and not covered", NOT_COVERED, ("decided_at", "pk")),
        "all": EVERYTHING,
    }
    fields = (
        "book",
        "client",
        "operation",
        "taken",
        "covered",
        "not_covered",
        "because",
        "state",
        *CLOCK,
        "opened_at",
        "evidence_due_at",
        "decided_at",
        "gateway",
        "reference",
        "entry",
        "back_entry",
    )

    def search(self, rows: QuerySet[Chargeback], term: str) -> QuerySet[Chargeback]:
        return rows.filter(book__reference=term.upper())

    def clock_of(self, row: Chargeback) -> Clock:
        return clock_of(row)

    @admin.display(description="client")
    def client(self, row: Chargeback) -> str:
        return row.book.client.name

    @admin.display(description="taken back")
    def taken(self, row: Chargeback) -> Money:
        return row.amount

    @admin.display(description="from the client's credit")
    def covered(self, row: Chargeback) -> Money:
        return row.from_credit

    @admin.display(description="from the operator")
    def not_covered(self, row: Chargeback) -> Money:
        return row.from_operator


def clock_of(chargeback: Chargeback) -> Clock:
    """Evidence goes to the bank by its own day; what was lost waits for support."""
    if chargeback.state == ChargebackState.OPEN:
        return Clock(SUPPORT, chargeback.evidence_due_at, "The bank decides without an answer")
    if chargeback.state == ChargebackState.LOST and chargeback.from_operator:
        assert chargeback.decided_at is not None
        by = chargeback.decided_at + policy.SUPPORT_ANSWERS
        return Clock(SUPPORT, by, "The client cannot offer or fund")
    return settled(chargeback.decided_at)


def chargebacks_of(rows: QuerySet[Chargeback]) -> Section:
    """What banks took back of a contract's charges."""
    return Section(
        "Chargebacks",
        ("opened", "chargeback", "from credit", "from the operator", "state", "decided"),
        [
            (
                when(one.opened_at),
                _link(one),
                one.from_credit,
                one.from_operator,
                one.get_state_display(),
                when(one.decided_at),
            )
            for one in rows
        ],
    )


def _link(chargeback: Chargeback) -> SafeString | str:
    return link(chargeback, str(chargeback.amount))


class ToldForm(ReasonForm):
    def __init__(self, row: Chargeback, data: Any = None) -> None:
        super().__init__(row, data)
        self.fields["reason"].help_text = "The client reads it, and it is kept in the log."


@tool
class WriteOff(SupportAction):
    """The operator bears what the client's credit did not cover."""

    model = Chargeback
    related = ("book__client", "operation")
    name = "write-off"
    label = "Write off"
    button = "Write off"
    permission = "payments.write_off_chargeback"
    form_class = ToldForm

    def refusal(self, row: Chargeback, by: Actor) -> Refusal | None:
        return transitions.possible(row, "write_off", by=by)

    def effects(self, row: Chargeback, given: dict[str, Any]) -> Sequence[Effect]:
        name = row.book.client.name
        return [
            Effect(
                term="Closeout bears",
                value=row.from_operator,
                detail="as it does since the bank took it. If the client has paid it since,"
                " propose a correction from its credit to the fees first.",
            ),
            Effect(term=f"{name} is free again", value="to make offers and fund milestones"),
            Effect(term=f"{name} reads", value=given["reason"]),
        ]

    def carry_out(self, row: Chargeback, given: dict[str, Any], *, by: Actor) -> str:
        chargebacks.write_off(row, because=given["reason"], by=by)
        return f"{row.from_operator} is written off. {row.book.client.name} is told."

    def state_of(self, row: Chargeback) -> str:
        return row.get_state_display().lower()


# Clocks ------------------------------------------------------------------------------------------


class _Chargebacks(Source):
    permission = "payments.view_chargeback"
    of_support = True
    chosen: Q

    def rows(self) -> QuerySet[Chargeback]:
        return chargebacks.standing().filter(self.chosen).select_related("book__client")

    def words(self, row: Chargeback) -> str:
        return f"{row} to {row.book.client.name}"

    def contract(self, row: Chargeback) -> str:
        return str(row.book)

    def clock(self, row: Chargeback) -> Clock:
        return clock_of(row)


@source
class Evidence(_Chargebacks):
    name = "chargeback_evidence"
    column = "evidence_due_at"
    chosen = AT_THE_BANK & Q(evidence_due_at__isnull=False)


@source
class Lost(_Chargebacks):
    name = "chargeback_lost"
    column = "decided_at"
    later = policy.SUPPORT_ANSWERS
    chosen = NOT_COVERED


@panel(place=11, permission="payments.view_chargeback")
def standing_chargebacks() -> Panel:
    at_the_bank = how_many(Chargeback.objects.filter(AT_THE_BANK))
    lost = how_many(Chargeback.objects.filter(NOT_COVERED))
    return Panel(
        "Chargebacks",
        reverse("admin:payments_chargeback_changelist"),
        f"{at_the_bank} with the bank, {lost} lost and not covered.",
    )
