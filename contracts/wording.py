"""What ending does, in words and figures: rows and one sentence, from the plan itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import singledispatch
from typing import Any

from contracts.closing import feedback_closes
from contracts.models import Contract
from contracts.plans import (
    CancelMilestones,
    ChargeStaysCredit,
    EndPlan,
    Facts,
    OpenFeedback,
    PayFinal,
    PayMilestone,
    RequestEscrowRefund,
    ReturnEscrow,
)
from contracts.states import MilestoneState, Side
from marketplace import moments, policy
from marketplace.components import Effect
from marketplace.money import Money, zero
from payments.states import OnSilence


def effects_of(
    plan: EndPlan, contract: Contract, now: datetime, *, before: EndPlan | None = None
) -> list[Effect]:
    """One row per effect of a plan, as the side that ends reads it.

    Args:
        before: the same choice on the figures that were seen; rows that differ say what was.
    """
    telling = _Telling(plan.side, contract.client.name, contract.talent.name, now)
    rows = _rows(plan, telling)
    if before is None:
        return list(rows.values())
    return list(_with_what_was(rows, _rows(before, telling)))


def sentence_of(plan: EndPlan, contract: Contract) -> str:
    """What *End Contract* does, in one sentence that stands above the button."""
    if not plan.escrow:
        return "Nothing is in escrow. Nothing is charged."
    if plan.side is Side.TALENT:
        name = contract.client.name
        return f"End Contract returns {plan.returned} to {name}. You receive nothing of it."
    name = contract.talent.name
    if not plan.paid:
        return f"End Contract requests {plan.requested} back from escrow and pays nothing."
    if not plan.requested:
        return f"End Contract pays {name} {plan.paid} now."
    return f"End Contract pays {name} {plan.paid} now and requests {plan.requested} back."


def changed(seen: dict[str, Any], facts: Facts) -> list[Effect]:
    """What differs from the figures a person saw before, with what was."""
    currency = facts.escrow.currency
    rows = []
    if seen["escrow"] != facts.escrow.minor:
        was = Money(seen["escrow"], currency)
        rows.append(Effect(term="In escrow", value=facts.escrow, was=was))
    if seen["kept"] != facts.kept.minor:
        was = Money(seen["kept"], currency)
        rows.append(Effect(term="Paid before, less fees and refunds", value=facts.kept, was=was))
    charge = facts.open_charge or zero(currency)
    if seen["charge"] != charge.minor:
        was = Money(seen["charge"], currency)
        rows.append(Effect(term="A charge that is still open", value=charge, was=was))
    before = {pk: (state, Money(minor, currency)) for pk, state, minor in seen["milestones"]}
    for one in facts.milestones:
        state, amount = before.pop(one.pk, ("", None))
        if (state, amount) != (one.state, one.amount):
            rows.append(
                Effect(
                    term=f"Milestone {one.number}, {one.title}",
                    value=_standing(one.state, one.amount),
                    was=_standing(state, amount) if amount else "not there",
                )
            )
    rows += [
        Effect(term="A milestone", value="no longer open", was=_standing(state, amount))
        for state, amount in before.values()
    ]
    return rows


@dataclass(frozen=True, slots=True)
class _Telling:
    """Who reads, whom it is about, and from when windows count."""

    side: Side
    client: str
    talent: str
    now: datetime


def hints_of(facts: Facts, contract: Contract, now: datetime) -> dict[str, Any]:
    """What stands beside each choice."""
    name = contract.talent.name
    available = moments.day(now + policy.SECURITY_PERIOD)
    by = moments.day(now + policy.ESCROW_ANSWER_WINDOW)
    escalates = any(one.was_submitted for one in facts.milestones)
    silence = (
        f"Work was submitted: without an answer by {by} support decides."
        if escalates
        else f"Without an answer it returns on {by}."
    )
    return {
        "all": (
            f"{name} receives {facts.received_of(facts.escrow)} after the fee,"
            f" available on {available}."
        ),
        "part": f"The rest stays in escrow. We ask {name} to return it.",
        "nothing": (
            f"Your money in escrow; nothing is taken from {name}. They can let it go back, or"
            f" decline and support decides. {silence}"
        ),
        "zero": zero(facts.escrow.currency),
    }


def _rows(plan: EndPlan, telling: _Telling) -> dict[str, Effect]:
    """The rows by what they are about, so that two plans can be compared."""
    rows: dict[str, Effect] = {}
    if plan.side is Side.TALENT and plan.kept and not plan.escrow:
        rows["kept"] = _stays_yours(plan)
    for effect in plan.effects:
        is_payment = isinstance(effect, PayMilestone | PayFinal)
        rows["paid" if is_payment else type(effect).__name__] = _row(effect, telling)
        if isinstance(effect, ReturnEscrow) and plan.kept:
            rows["kept"] = _stays_yours(plan)
    return rows | {"both": _for_both()}


def _with_what_was(now: dict[str, Effect], before: dict[str, Effect]) -> Iterator[Effect]:
    """The rows of now, those that changed with what was seen; rows that went come first."""
    for about, seen in before.items():
        if about not in now:
            yield replace(seen, value=_none_of(seen.value), detail="", was=seen.value)
    for about, row in now.items():
        was = before[about].value if about in before else _none_of(row.value)
        yield row if was == row.value else replace(row, was=was)


def _none_of(value: Money | str) -> Money | str:
    return zero(value.currency) if isinstance(value, Money) else "none"


@singledispatch
def _row(effect: Any, telling: _Telling) -> Effect:
    """One effect in words."""
    raise TypeError(f"no words for {type(effect).__name__} to {telling.side}")


@_row.register
def _pay_milestone(effect: PayMilestone, telling: _Telling) -> Effect:
    raised = f", raised to {effect.raised_to}" if effect.raised_to else ""
    what = f"for milestone {effect.milestone.number}, {effect.milestone.title}{raised}"
    return _paid(telling, effect.pays, what, effect.receives)


@_row.register
def _pay_final(effect: PayFinal, telling: _Telling) -> Effect:
    return _paid(telling, effect.pays, "as milestone Final payment", effect.receives)


@_row.register
def _return(effect: ReturnEscrow, telling: _Telling) -> Effect:
    return Effect(
        term=f"Returned from escrow to {telling.client}",
        detail="at once; you will not receive it",
        value=effect.amount,
    )


@_row.register
def _request(effect: RequestEscrowRefund, telling: _Telling) -> Effect:
    by = moments.day(telling.now + policy.ESCROW_ANSWER_WINDOW)
    silence = (
        f"without an answer by {by} support decides, because work was submitted"
        if effect.on_silence == OnSilence.ESCALATE
        else f"without an answer it returns on {by}"
    )
    return Effect(
        term="Requested back from escrow",
        detail=f"e-mail to {telling.talent} now; {silence}",
        value=effect.amount,
    )


@_row.register
def _cancel(effect: CancelMilestones, telling: _Telling) -> Effect:
    number = len(effect.milestones)
    return Effect(
        term="Open milestone cancelled" if number == 1 else "Open milestones cancelled",
        detail=", ".join(one.title for one in effect.milestones),
        value=str(number),
    )


@_row.register
def _charge(effect: ChargeStaysCredit, telling: _Telling) -> Effect:
    whose = "your" if telling.side is Side.CLIENT else f"{telling.client}'s"
    return Effect(
        term="A charge is still open",
        detail=f"if it succeeds later, the money is {whose} credit",
        value=effect.amount,
    )


@_row.register
def _feedback(effect: OpenFeedback, telling: _Telling) -> Effect:
    return Effect(
        term="Feedback opens for both",
        detail="each sees the other's once they have left theirs, or when it closes",
        value=f"until {moments.full(feedback_closes(telling.now))}",
    )


def _paid(telling: _Telling, pays: Money, what: str, receives: Money) -> Effect:
    available = moments.day(telling.now + policy.SECURITY_PERIOD)
    return Effect(
        term=f"Paid to {telling.talent}",
        detail=f"{what}; they receive {receives} after the fee, available on {available}",
        value=pays,
    )


def _stays_yours(plan: EndPlan) -> Effect:
    return Effect(term="Stays yours", detail="released before, after the fee", value=plan.kept)


def _for_both() -> Effect:
    return Effect(
        term="The contract ends for both",
        detail="it cannot be reopened; the client can start again with the same terms",
        value="now",
    )


def _standing(state: str, amount: Money | None) -> str:
    return f"{amount}, {MilestoneState(state).label.lower()}"
