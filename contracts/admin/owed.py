"""Hours that stay owed: written off, or paid by the operator once a second person approves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from contracts import billing, owed
from contracts.admin.actions import ToldForm
from contracts.admin.weeks import RETRIED, SIDES, WITH_SUPPORT, clock_of
from contracts.models import Week
from marketplace import policy
from marketplace.actors import Actor
from marketplace.components import Effect
from marketplace.refusals import Refusal
from marketplace.support.actions import ReasonForm, SupportAction
from marketplace.support.clocks import Clock, Source, source
from marketplace.support.dashboard import Panel, how_many, panel
from marketplace.support.tools import tool
from payments.admin.corrections import SECOND, balances, follows
from payments.models import Correction


class _OfOwed(SupportAction):
    model = Week
    related = (
        *SIDES,
        "contract__book__fees_account",
        "contract__book__credit_account__party",
        "dispute",
    )

    def refusal(self, row: Week, by: Actor) -> Refusal | None:
        return owed.why_not(row, by)

    def state_of(self, row: Week) -> str:
        return f"{row.get_state_display().lower()}, {billing.owed(row)} owed"


@tool
class WriteOff(_OfOwed):
    """Nobody owes it any more, and nobody is paid."""

    name = "write-off"
    label = "Write off"
    button = "Write off"
    permission = "contracts.write_off_week"
    form_class = ToldForm

    def effects(self, row: Week, given: dict[str, Any]) -> Sequence[Effect]:
        contract, amount = row.contract, billing.owed(row)
        return [
            Effect(term=f"{contract.client.name} no longer owes", value=amount),
            Effect(
                term=f"{contract.talent.name} is not paid",
                value=contract.book.net_of(amount),
                detail="after the fee, for good",
            ),
            Effect(
                term="The hold of the contract",
                value="is lifted, unless another week of it is not paid",
            ),
            Effect(term="Both sides read", value=given["reason"]),
        ]

    def carry_out(self, row: Week, given: dict[str, Any], *, by: Actor) -> str:
        owed.write_off(row, because=given["reason"], by=by)
        return f"The {row} is written off. Both sides are told, with your reason."


@tool
class Settle(_OfOwed):
    """The operator pays in the client's place; one proposes, another one approves."""

    name = "settle"
    label = "Settle: the operator pays"
    button = "Propose it"
    permission = "contracts.settle_week"
    form_class = ReasonForm

    def effects(self, row: Week, given: dict[str, Any]) -> Sequence[Effect]:
        book, amount = row.contract.book, billing.owed(row)
        return [
            Effect(term="Nothing is moved yet", value=f"{SECOND} has to approve"),
            *balances(book.fees_account, book.credit_account, amount),
            *_paid(row),
            Effect(term="They read", value=given["reason"]),
        ]

    def carry_out(self, row: Week, given: dict[str, Any], *, by: Actor) -> str:
        proposed = owed.propose_settlement(row, because=given["reason"], by=by)
        return f"That the operator pays {proposed.amount} is proposed. {SECOND} has to approve."


@follows(owed.PURPOSE)
def then_paid(correction: Correction) -> Sequence[Effect]:
    """What an approved settlement does with the money, at once."""
    weeks = Week.objects.select_related("contract__book", *SIDES)
    return _paid(weeks.get(pk=correction.purpose_id))


def _paid(week: Week) -> list[Effect]:
    contract, amount = week.contract, billing.owed(week)
    return [
        Effect(
            term=f"{contract.talent.name} is paid for the {week}",
            value=amount,
            detail=f"{contract.book.net_of(amount)} after the fee, out of that credit at once",
        ),
        Effect(term=f"{contract.client.name} no longer owes", value=amount),
    ]


# Clocks ------------------------------------------------------------------------------------------


class _Owed(Source):
    permission = "contracts.view_week"

    def words(self, row: Week) -> str:
        return f"{billing.owed(row)} owed for the {row}"

    def contract(self, row: Week) -> str:
        return str(row.contract)

    def clock(self, row: Week) -> Clock:
        return clock_of(row)


@source
class OwedWithSupport(_Owed):
    name = "owed-support"
    of_support = True
    column = "contract__ended_at"
    later = policy.OWED_RETRIED_AFTER_END + policy.SUPPORT_ANSWERS

    def rows(self) -> QuerySet[Week]:
        return Week.objects.filter(WITH_SUPPORT).select_related(*SIDES)


@source
class OwedRetried(_Owed):
    name = "owed-retried"
    of_support = False
    column = "retry_at"

    def rows(self) -> QuerySet[Week]:
        return Week.objects.filter(RETRIED).select_related(*SIDES)


@panel(place=3, permission="contracts.view_week")
def owed_hours() -> Panel:
    return Panel(
        "Owed hours",
        reverse("admin:contracts_week_changelist"),
        f"{how_many(Week.objects.filter(WITH_SUPPORT))} with support,"
        f" {how_many(Week.objects.filter(RETRIED))} being retried.",
    )
