"""What ending does, in words and figures: rows and one sentence, from the plan itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import singledispatch
from typing import Any, Final

from contracts import weeks
from contracts.closing import feedback_closes
from contracts.models import Contract
from contracts.plans import (
    BillWeek,
    CancelMilestones,
    ChargeStaysCredit,
    EndPlan,
    Facts,
    HoursFacts,
    LockDiary,
    OpenFeedback,
    PayFinal,
    PayMilestone,
    RequestEscrowRefund,
    ReturnEscrow,
    StaysDisputed,
    StaysOwed,
    StopTimers,
)
from contracts.states import MilestoneState, Side
from marketplace import moments, policy
from marketplace.components import Effect
from marketplace.money import Money, zero
from payments.states import OnSilence

NO_BREAK: Final = "\N{NO-BREAK SPACE}"


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
    if plan.is_hourly:
        return _sentence_of_hours(plan)
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


def ended_rows(billed: Sequence[dict[str, Any]], side: Side) -> list[Effect]:
    """What the end of an hourly contract locked, in the figures kept with it.

    Args:
        billed: see :func:`contracts.closing.billed_figures`, thawed.
        side: who reads.
    """
    locked = Effect(
        term="The Work Diary is locked",
        detail="nothing can be added, changed or deleted",
        value="no hours were left to bill" if not billed else "for good",
    )
    return [*(_ended_week(week, side) for week in billed), locked]


def changed(seen: dict[str, Any], facts: Facts) -> list[Effect]:
    """What differs from the figures a person saw before, with what was.

    Args:
        facts: as far as they are comparable, see :func:`contracts.closing.comparable`.
    """
    if facts.hours is not None:
        return _changed_hours(seen, facts.hours)
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
    if plan.side is Side.TALENT and plan.kept and not (plan.escrow or plan.is_hourly):
        rows["kept"] = _stays_yours(plan)
    for effect in plan.effects:
        if isinstance(effect, OpenFeedback) and plan.is_hourly and plan.side is Side.TALENT:
            rows |= {"kept": _stays_yours(plan)} if plan.kept else {}
        rows[_about(effect)] = _row(effect, telling)
        if isinstance(effect, ReturnEscrow) and plan.kept:
            rows["kept"] = _stays_yours(plan)
    return rows | {"both": _for_both()}


def _about(effect: Any) -> str:
    """What a row is about; there is one payment, one row for each week."""
    match effect:
        case PayMilestone() | PayFinal():
            return "paid"
        case BillWeek(starts_on=week):
            return f"week {week}"
        case StaysOwed(owed=invoice):
            return f"owed {invoice.starts_on}"
        case StaysDisputed(dispute=dispute):
            return f"dispute {dispute.starts_on}"
    return type(effect).__name__


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
def _timers(effect: StopTimers, telling: _Telling) -> Effect:
    number = len(effect.timers)
    counted = moments.hours(effect.counting)
    return Effect(
        term="Running timer stops" if number == 1 else f"{number} running timers stop",
        detail=f"its whole ten-minute segments count: {counted} so far"
        if number == 1
        else f"their whole ten-minute segments count: {counted} so far",
        value="now",
    )


@_row.register
def _diary(effect: LockDiary, telling: _Telling) -> Effect:
    return Effect(
        term="The Work Diary locks",
        detail="from then on nothing is added, changed or deleted",
        value="now",
    )


@_row.register
def _week(effect: BillWeek, telling: _Telling) -> Effect:
    told = [f"on {moments.full(effect.bills_at)}", *_received(effect, telling)]
    if effect.beyond:
        told.append(f"{moments.hours(effect.beyond)} beyond the limit is not billed")
    told.append(_reviewed(weeks.review_until(effect.starts_on), telling))
    return Effect(
        term=f"Billed for {_which(effect.starts_on, telling.now)}",
        detail="; ".join(told),
        value=_unbroken(effect),
    )


@_row.register
def _owed(effect: StaysOwed, telling: _Telling) -> Effect:
    owed = effect.owed
    standing = "the charge failed; it stays owed" if owed.has_failed else "invoiced; it stays owed"
    told = [] if owed.is_paid else [standing]
    if owed.review_until:
        told.append(_reviewed(owed.review_until, telling))
    which = _capital(_which(owed.starts_on, telling.now))
    return Effect(
        term=f"{which}, {'paid' if owed.is_paid else 'not paid yet'}",
        detail="; ".join(told),
        value=owed.amount,
    )


@_row.register
def _disputed(effect: StaysDisputed, telling: _Telling) -> Effect:
    which = _capital(_which(effect.dispute.starts_on, telling.now))
    return Effect(
        term=f"{which}, in dispute",
        detail="the dispute goes on after the end",
        value=moments.hours(effect.dispute.minutes),
    )


@_row.register
def _feedback(effect: OpenFeedback, telling: _Telling) -> Effect:
    return Effect(
        term="Feedback opens for both",
        detail="each sees the other's once they have left theirs, or when it closes",
        value=f"until {moments.full(feedback_closes(telling.now))}",
    )


def hours_and_amount(billed: BillWeek) -> str:
    """6 h 10 min, $370.00."""
    figures = f"{moments.hours(billed.billable)}, {billed.amount}"
    return f"at least {figures}" if billed.at_least else figures


def _unbroken(billed: BillWeek) -> str:
    """The same for a narrow column: hours and minutes stay on one line."""
    hours = moments.hours(billed.billable)
    return hours_and_amount(billed).replace(hours, hours.replace(" ", NO_BREAK))


def _which(week: date, now: datetime) -> str:
    this_week = weeks.week_of(now)
    if week == this_week:
        return "this week"
    if week == this_week - weeks.WEEK:
        return "last week"
    return f"the week of {week:%-d %B %Y}"


def _received(billed: BillWeek, telling: _Telling) -> list[str]:
    if telling.side is Side.CLIENT:
        return []
    available = moments.day(weeks.available_at(billed.starts_on, billed.bills_at))
    received = f"{'at least ' if billed.at_least else ''}{billed.receives}"
    return [f"you receive {received} after the fee, available on {available}"]


def _reviewed(until: datetime, telling: _Telling) -> str:
    who = "you" if telling.side is Side.CLIENT else telling.client
    return f"{who} can dispute hours until {moments.full(until)}"


def _sentence_of_hours(plan: EndPlan) -> str:
    """End Contract locks the Work Diary now. 6 h 10 min, $370.00, is billed on Monday."""
    locks = "End Contract locks the Work Diary now."
    billed = plan.billed
    if not billed:
        return f"{locks} No hours are left to bill."
    on = " and ".join(dict.fromkeys(_weekday(one.bills_at) for one in billed))
    figures = _capital(", and ".join(hours_and_amount(one) for one in billed))
    return f"{locks} {figures}, {'is' if len(billed) == 1 else 'are'} billed on {on}."


def _ended_week(figures: dict[str, Any], side: Side) -> Effect:
    told = [f"billed on {moments.full(figures['bills_at'])}"]
    if side is Side.TALENT:
        told.append(f"you receive {figures['receives']} after the fee")
    if figures["beyond"]:
        told.append(f"{moments.hours(figures['beyond'])} beyond the limit is not billed")
    return Effect(
        term=f"Week of {figures['week']:%-d %B %Y}",
        detail="; ".join(told),
        value=f"{moments.hours(figures['minutes'])}, {figures['amount']}",
    )


def _weekday(moment: datetime) -> str:
    return moments.day(moment, weekday=True, year=False)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _changed_hours(seen: dict[str, Any], hours: HoursFacts) -> list[Effect]:
    now = {
        one.starts_on: (one.minutes, weeks.billable(one.minutes, one.limit)) for one in hours.weeks
    }
    before = {date.fromisoformat(day): (minutes, part) for day, minutes, part in seen["weeks"]}
    invoiced = {one.starts_on for one in hours.owed}
    rows: list[Effect] = []
    for week in sorted({*before, *now}):
        was = before.get(week, (0, 0))
        if week in invoiced:
            rows.append(_invoiced_meanwhile(week, was[0]))
        else:
            rows += _counted_otherwise(week, now.get(week, (0, 0)), was)
    if list(hours.timers) != seen["timers"]:
        rows.append(
            Effect(
                term="Running timers",
                value=str(len(hours.timers)),
                was=str(len(seen["timers"])),
            )
        )
    return rows


def _invoiced_meanwhile(week: date, recorded: int) -> Effect:
    return Effect(
        term=f"Hours of the week of {week:%-d %B %Y}",
        value="invoiced",
        was=f"{moments.hours(recorded)}, not billed yet",
    )


def _counted_otherwise(week: date, now: tuple[int, int], was: tuple[int, int]) -> Iterator[Effect]:
    """What is recorded, and what of it is within the limit if that is less."""
    words = (
        ("Recorded", "Within the limit") if now[0] > now[1] or was[0] > was[1] else ("Recorded",)
    )
    for word, minutes, before in zip(words, now, was, strict=False):
        if minutes != before:
            yield Effect(
                term=f"{word} in the week of {week:%-d %B %Y}",
                value=moments.hours(minutes),
                was=moments.hours(before),
            )


def _paid(telling: _Telling, pays: Money, what: str, receives: Money) -> Effect:
    available = moments.day(telling.now + policy.SECURITY_PERIOD)
    return Effect(
        term=f"Paid to {telling.talent}",
        detail=f"{what}; they receive {receives} after the fee, available on {available}",
        value=pays,
    )


def _stays_yours(plan: EndPlan) -> Effect:
    how = "paid" if plan.is_hourly else "released"
    return Effect(term="Stays yours", detail=f"{how} before, after the fee", value=plan.kept)


def _for_both() -> Effect:
    return Effect(
        term="The contract ends for both",
        detail="it cannot be reopened; the client can start again with the same terms",
        value="now",
    )


def _standing(state: str, amount: Money | None) -> str:
    return f"{amount}, {MilestoneState(state).label.lower()}"
