"""What support does for one of the two sides: ends its contract, pauses it, lets it go on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

from django.db.models import Sum

from contracts import closing, terms, wording
from contracts.closing import Choice
from contracts.models import Contract
from contracts.plans import (
    BillWeek,
    CancelMilestones,
    ChargeStaysCredit,
    LockDiary,
    OpenFeedback,
    RequestEscrowRefund,
    ReturnEscrow,
    StaysDisputed,
    StaysOwed,
    StopTimers,
)
from contracts.states import UNBILLED_WEEKS, Side
from marketplace import moments, policy, transitions
from marketplace.actors import Actor
from marketplace.components import Effect
from marketplace.refusals import Refusal
from marketplace.support.actions import ReasonForm, SupportAction
from marketplace.support.tools import tool

BOTH_READ = "Both sides read this."


class ToldForm(ReasonForm):
    """A reason that both sides are told."""

    def __init__(self, row: Any, data: Any = None) -> None:
        super().__init__(row, data)
        self.fields["reason"].help_text = BOTH_READ


class _End(SupportAction):
    """End for a side, as that side would, without paying anything."""

    model = Contract
    related = ("client", "talent", "book__escrow_account")
    permission = "contracts.end_contract"
    form_class = ToldForm
    side: Side

    button = "End Contract"

    def refusal(self, row: Contract, by: Actor) -> Refusal | None:
        return transitions.possible(row, "end", by=by)

    def effects(self, row: Contract, given: dict[str, Any]) -> Sequence[Effect]:
        plan = closing.plan(closing.facts_of(row), self.side, Choice.nothing())
        told = Effect(term="Both sides read", value=given["reason"])
        ended = Effect(
            term="The contract ends",
            value=f"for {row.party(self.side).name}, for good",
        )
        return [ended, *(words(one, row) for one in plan.effects), told]

    def seen(self, row: Contract) -> str:
        return closing.seen_token(row, closing.facts_of(row))

    def carry_out(self, row: Contract, given: dict[str, Any], *, by: Actor) -> str:
        closing.end(
            row,
            side=self.side,
            choice=Choice.nothing(),
            seen=given["seen"],
            note=given["reason"],
            by=by,
        )
        return f"{row.reference} has ended. Both sides are told, with your reason."

    def state_of(self, row: Contract) -> str:
        state = row.get_state_display().lower()
        if row.is_hourly:
            return f"{state}, {_not_billed(row)} not billed yet"
        return f"{state}, {row.book.escrow} in escrow"


@tool
class EndForClient(_End):
    side = Side.CLIENT
    name = "end-client"
    label = "End for the client"


@tool
class EndForTalent(_End):
    side = Side.TALENT
    name = "end-talent"
    label = "End for the talent"


def _not_billed(row: Contract) -> str:
    unbilled = row.weeks.filter(state__in=UNBILLED_WEEKS)
    return moments.hours(unbilled.aggregate(minutes=Sum("minutes"))["minutes"] or 0)


class _Terms(SupportAction):
    """Do for the client what the client could do about the work going on."""

    model = Contract
    related = ("client", "talent")
    permission = "contracts.pause_contract"
    form_class = ToldForm
    does: str

    def refusal(self, row: Contract, by: Actor) -> Refusal | None:
        return transitions.possible(row, self.does, by=by)

    def state_of(self, row: Contract) -> str:
        return row.get_state_display().lower()


@tool
class PauseForClient(_Terms):
    """No new time is recorded until the restart."""

    name = "pause"
    label = "Pause for the client"
    button = "Pause"
    does = "pause"

    def effects(self, row: Contract, given: dict[str, Any]) -> Sequence[Effect]:
        return [
            Effect(
                term="The contract pauses",
                value=f"for {row.client.name}",
                detail="Running timers stop and count. Recorded hours are billed as usual.",
            ),
            Effect(term="Both sides read", value=given["reason"]),
        ]

    def carry_out(self, row: Contract, given: dict[str, Any], *, by: Actor) -> str:
        terms.pause(row, reason=given["reason"], by=by)
        return f"{row.reference} is paused. Both sides are told, with your reason."


@tool
class RestartForClient(_Terms):
    """Time is recorded again."""

    name = "restart"
    label = "Restart for the client"
    button = "Restart"
    does = "restart"

    def effects(self, row: Contract, given: dict[str, Any]) -> Sequence[Effect]:
        return [
            Effect(term="The contract goes on", value=f"for {row.client.name}"),
            Effect(term="Both sides read", value=given["reason"]),
        ]

    def carry_out(self, row: Contract, given: dict[str, Any], *, by: Actor) -> str:
        terms.restart(row, reason=given["reason"], by=by)
        return f"{row.reference} goes on. Both sides are told, with your reason."


@singledispatch
def words(effect: Any, contract: Contract) -> Effect:
    """One effect of an end in words for support; nothing is ever paid by support's end."""
    raise TypeError(f"no words for {type(effect).__name__}")


@words.register
def _returned(effect: ReturnEscrow, contract: Contract) -> Effect:
    return Effect(
        term=f"Goes back from escrow to {contract.client.name}, at once", value=effect.amount
    )


@words.register
def _requested(effect: RequestEscrowRefund, contract: Contract) -> Effect:
    return Effect(
        term=f"{contract.talent.name} is asked to let it go back from escrow",
        value=effect.amount,
        detail=f"{policy.ESCROW_ANSWER_WINDOW.days} days to answer. Without an answer:"
        f" {effect.on_silence.label}.",
    )


@words.register
def _cancelled(effect: CancelMilestones, contract: Contract) -> Effect:
    names = ", ".join(f"{one.number}. {one.title}" for one in effect.milestones)
    return Effect(term="Cancelled", value=names)


@words.register
def _charge(effect: ChargeStaysCredit, contract: Contract) -> Effect:
    return Effect(
        term="A charge is still open",
        value=effect.amount,
        detail=f"If it succeeds, it is credit of {contract.client.name}.",
    )


@words.register
def _timers(effect: StopTimers, contract: Contract) -> Effect:
    return Effect(
        term="Running timers stop",
        value=str(len(effect.timers)),
        detail="Their whole segments count.",
    )


@words.register
def _diary(effect: LockDiary, contract: Contract) -> Effect:
    return Effect(term="The Work Diary", value="locks at once, for good")


@words.register
def _week(effect: BillWeek, contract: Contract) -> Effect:
    return Effect(
        term=f"Billed to {contract.client.name} for the week of {effect.starts_on:%-d %B %Y}",
        value=wording.hours_and_amount(effect),
        detail=f"On {moments.full(effect.bills_at)}.",
    )


@words.register
def _owed(effect: StaysOwed, contract: Contract) -> Effect:
    paid = "paid, in review" if effect.owed.is_paid else "not paid, stays owed"
    return Effect(
        term=f"Invoice of the week of {effect.owed.starts_on:%-d %B %Y}",
        value=effect.owed.amount,
        detail=paid,
    )


@words.register
def _disputed(effect: StaysDisputed, contract: Contract) -> Effect:
    return Effect(
        term=f"Dispute of the week of {effect.dispute.starts_on:%-d %B %Y}",
        value=f"{moments.hours(effect.dispute.minutes)}, goes on",
    )


@words.register
def _feedback(effect: OpenFeedback, contract: Contract) -> Effect:
    return Effect(term="Feedback", value=f"opens for both for {policy.FEEDBACK_DAYS} days")
