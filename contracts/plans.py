"""What ending a contract would do: pure functions from facts and a choice to a plan.

The page renders a plan's effects; :func:`contracts.closing.end` loads the facts again under locks,
makes the same plan, and carries out exactly its effects. Nothing here reads a clock or a database.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from contracts import weeks
from contracts.states import ACTIVE_MILESTONES, Side
from marketplace import policy
from marketplace.money import Money, zero
from marketplace.refusals import InvalidInput
from payments.states import OnSilence

FINAL_PAYMENT: Final = "Final payment"


class ChoiceKind(StrEnum):
    """What should happen to the money in escrow when the client ends (S)."""

    ALL = "all"
    PART = "part"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Choice:
    """A client's choice; an amount belongs to *another amount* alone."""

    kind: ChoiceKind
    amount: Money | None = None

    @classmethod
    def all(cls) -> Choice:
        return cls(ChoiceKind.ALL)

    @classmethod
    def part(cls, amount: Money) -> Choice:
        return cls(ChoiceKind.PART, amount)

    @classmethod
    def nothing(cls) -> Choice:
        return cls(ChoiceKind.NOTHING)


@dataclass(frozen=True, slots=True)
class MilestoneFacts:
    """An open milestone as the plan sees it."""

    pk: int
    number: int
    title: str
    state: str
    amount: Money
    was_submitted: bool

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE_MILESTONES


@dataclass(frozen=True, slots=True)
class WeekFacts:
    """A week that is not billed yet, as the plan sees it; named by its Monday.

    Attributes:
        minutes: what is recorded.
        counting: what running timers have counted in it so far, in whole segments.
        timed: whether a running timer may still add to it.
        limit: the most minutes of it that are billed.
        bills_at: when it is billed if the contract ends now.
    """

    starts_on: date
    minutes: int
    counting: int
    timed: bool
    limit: int
    bills_at: datetime

    @property
    def in_all(self) -> int:
        return self.minutes + self.counting

    @property
    def billable(self) -> int:
        return weeks.billable(self.in_all, self.limit)


@dataclass(frozen=True, slots=True)
class OwedFacts:
    """An invoiced week that is in review, or not paid.

    Attributes:
        amount: of its invoice, less what a dispute took back.
        is_paid: the charge succeeded.
        has_failed: the charge was declined.
        review_until: None once the review is over.
    """

    starts_on: date
    amount: Money
    is_paid: bool
    has_failed: bool
    review_until: datetime | None


@dataclass(frozen=True, slots=True)
class DisputeFacts:
    """An open dispute of hours of a week."""

    starts_on: date
    minutes: int


@dataclass(frozen=True, slots=True)
class HoursFacts:
    """What ending an hourly contract depends on.

    Attributes:
        limit: the minutes that this week is limited to.
        weeks: those not billed yet that have time, or that a running timer counts in.
        timers: keys of the running timers.
        owed: invoiced weeks in review or not paid; an end leaves them as they are.
        disputes: the open ones; they go on.
    """

    rate: Money
    limit: int
    weeks: tuple[WeekFacts, ...]
    timers: tuple[int, ...]
    owed: tuple[OwedFacts, ...]
    disputes: tuple[DisputeFacts, ...]

    @property
    def counting(self) -> int:
        return sum(week.counting for week in self.weeks)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything ending depends on, with what is due already applied.

    Attributes:
        version: the contract's; counts every change of state.
        escrow: what is held, from the books.
        milestones: the open ones, by number.
        open_charge: a funding charge that the gateway has not answered.
        talent_fee: basis points.
        kept: what the talent received so far, after fees and refunds.
        hours: of an hourly contract.
    """

    version: int
    escrow: Money
    milestones: tuple[MilestoneFacts, ...]
    open_charge: Money | None
    talent_fee: int
    kept: Money
    hours: HoursFacts | None = None

    @property
    def active(self) -> MilestoneFacts | None:
        return next((one for one in self.milestones if one.is_active), None)

    def received_of(self, gross: Money) -> Money:
        """What the talent receives of a payment, after the fee, half up once per payment."""
        return gross - gross.fraction(self.talent_fee)


@dataclass(frozen=True, slots=True)
class PayMilestone:
    """The active milestone is the closing milestone: one release, one fee rounding.

    ``raised_to`` is its new amount when more is paid than it says, from leftover escrow.
    """

    milestone: MilestoneFacts
    pays: Money
    receives: Money
    raised_to: Money | None


@dataclass(frozen=True, slots=True)
class PayFinal:
    """Without an active milestone, one named *Final payment* is made, funded and paid (S)."""

    pays: Money
    receives: Money


@dataclass(frozen=True, slots=True)
class ReturnEscrow:
    """The talent ended: escrow goes back to the client at once, automatically (S)."""

    amount: Money


@dataclass(frozen=True, slots=True)
class RequestEscrowRefund:
    """The client ended and escrow stays: the talent is asked to let it go back (S)."""

    amount: Money
    on_silence: OnSilence


@dataclass(frozen=True, slots=True)
class CancelMilestones:
    """Other open milestones and proposals are cancelled."""

    milestones: tuple[MilestoneFacts, ...]


@dataclass(frozen=True, slots=True)
class ChargeStaysCredit:
    """A funding charge is still open; if it succeeds later, the money is the client's credit."""

    amount: Money


@dataclass(frozen=True, slots=True)
class StopTimers:
    """Running timers stop; their whole segments count.

    ``counting`` is what they have counted so far, in minutes.
    """

    timers: tuple[int, ...]
    counting: int


@dataclass(frozen=True, slots=True)
class LockDiary:
    """The Work Diary locks at once: nothing is added, changed or deleted (S)."""


@dataclass(frozen=True, slots=True)
class BillWeek:
    """The client is billed for the recorded hours of a week (S).

    Attributes:
        minutes: recorded, timers that run included.
        billable: those of them within the limit.
        amount: what they cost; ``receives`` of it is the talent's, after the fee.
        at_least: a timer still counts, so that all of these may be more.
    """

    starts_on: date
    minutes: int
    billable: int
    amount: Money
    receives: Money
    at_least: bool
    bills_at: datetime

    @property
    def beyond(self) -> int:
        """Minutes beyond the limit, which are not billed."""
        return self.minutes - self.billable


@dataclass(frozen=True, slots=True)
class StaysOwed:
    """An invoice that is in review or not paid; ending changes nothing about it."""

    owed: OwedFacts


@dataclass(frozen=True, slots=True)
class StaysDisputed:
    """A dispute of hours goes on."""

    dispute: DisputeFacts


@dataclass(frozen=True, slots=True)
class OpenFeedback:
    """Feedback opens for both sides (S)."""


Effect = (
    PayMilestone
    | PayFinal
    | ReturnEscrow
    | RequestEscrowRefund
    | CancelMilestones
    | ChargeStaysCredit
    | StopTimers
    | LockDiary
    | BillWeek
    | StaysOwed
    | StaysDisputed
    | OpenFeedback
)


@dataclass(frozen=True, slots=True)
class EndPlan:
    """What ending does, in the order in which it is shown and carried out."""

    side: Side
    choice: Choice
    escrow: Money
    kept: Money
    effects: tuple[Effect, ...]

    @property
    def paid(self) -> Money:
        """What the talent is paid now, gross."""
        amounts = [one.pays for one in self.effects if isinstance(one, PayMilestone | PayFinal)]
        return amounts[0] if amounts else zero(self.escrow.currency)

    @property
    def received(self) -> Money:
        """What the talent is paid now, after the fee."""
        nets = [one.receives for one in self.effects if isinstance(one, PayMilestone | PayFinal)]
        return nets[0] if nets else zero(self.escrow.currency)

    @property
    def returned(self) -> Money:
        """What goes back to the client now."""
        return self._sum_of(ReturnEscrow)

    @property
    def requested(self) -> Money:
        """What stays in escrow and is requested back."""
        return self._sum_of(RequestEscrowRefund)

    @property
    def billed(self) -> list[BillWeek]:
        """The weeks that are billed, in their order."""
        return [one for one in self.effects if isinstance(one, BillWeek)]

    @property
    def is_hourly(self) -> bool:
        return any(isinstance(one, LockDiary) for one in self.effects)

    @property
    def gives_up(self) -> bool:
        """Whether the talent gives up escrow, which takes a tick of its own."""
        return self.side is Side.TALENT and bool(self.escrow)

    def _sum_of(self, kind: type[ReturnEscrow | RequestEscrowRefund]) -> Money:
        amounts = [one.amount for one in self.effects if isinstance(one, kind)]
        return amounts[0] if amounts else zero(self.escrow.currency)


def plan(facts: Facts, side: Side, choice: Choice) -> EndPlan:
    """What happens when ``side`` ends with ``choice``.

    Args:
        choice: of a client with money in escrow; otherwise it changes nothing.

    Raises:
        InvalidInput: on the field ``amount``: more than is in escrow, or less than the minimum.
    """
    if facts.hours is not None:
        return EndPlan(side, choice, facts.escrow, facts.kept, (*_hours(facts, facts.hours),))
    payment = _payment(facts, choice) if side is Side.CLIENT else None
    paid = payment.pays if payment else zero(facts.escrow.currency)
    effects: list[Effect] = [payment] if payment else []
    effects += _escrow_left(facts, side, facts.escrow - paid, payment)
    effects += _cancelled(facts, payment)
    if facts.open_charge:
        effects.append(ChargeStaysCredit(facts.open_charge))
    effects.append(OpenFeedback())
    return EndPlan(side, choice, facts.escrow, facts.kept, tuple(effects))


def _hours(facts: Facts, hours: HoursFacts) -> list[Effect]:
    """An hourly contract ends the same for both sides; nothing is chosen."""
    effects: list[Effect] = []
    if hours.timers:
        effects.append(StopTimers(hours.timers, hours.counting))
    effects.append(LockDiary())
    effects += [_bill(facts, hours.rate, one) for one in hours.weeks if one.in_all or one.timed]
    effects += [StaysOwed(one) for one in hours.owed]
    effects += [StaysDisputed(one) for one in hours.disputes]
    return [*effects, OpenFeedback()]


def _bill(facts: Facts, rate: Money, week: WeekFacts) -> BillWeek:
    amount = weeks.amount(rate, week.billable)
    return BillWeek(
        starts_on=week.starts_on,
        minutes=week.in_all,
        billable=week.billable,
        amount=amount,
        receives=facts.received_of(amount),
        at_least=week.timed and week.billable < week.limit,
        bills_at=week.bills_at,
    )


def _payment(facts: Facts, choice: Choice) -> PayMilestone | PayFinal | None:
    pays = _amount(facts, choice)
    if not pays:
        return None
    active = facts.active
    if active is None:
        return PayFinal(pays, facts.received_of(pays))
    raised_to = pays if pays > active.amount else None
    return PayMilestone(active, pays, facts.received_of(pays), raised_to)


def _amount(facts: Facts, choice: Choice) -> Money:
    if choice.kind is ChoiceKind.ALL:
        return facts.escrow
    if choice.kind is ChoiceKind.NOTHING or not facts.escrow:
        return zero(facts.escrow.currency)
    if choice.amount is None:
        raise InvalidInput("Type the amount to pay.", field="amount")
    if choice.amount > facts.escrow:
        raise InvalidInput(above_escrow(facts.escrow), field="amount")
    minimum = min(policy.minimum_milestone(facts.escrow.currency), facts.escrow)
    if choice.amount < minimum:
        raise InvalidInput(f"Pay at least {minimum}, or choose to pay nothing.", field="amount")
    return choice.amount


def above_escrow(escrow: Money) -> str:
    """What a client reads who types more than there is."""
    return f"At most {escrow} is in escrow; to pay more, give a bonus."


def _escrow_left(
    facts: Facts, side: Side, left: Money, payment: PayMilestone | PayFinal | None
) -> list[Effect]:
    if not left:
        return []
    if side is Side.TALENT:
        return [ReturnEscrow(left)]
    return [RequestEscrowRefund(left, _on_silence(facts, payment))]


def _on_silence(facts: Facts, payment: PayMilestone | PayFinal | None) -> OnSilence:
    """Silence lapses, unless work was submitted and neither paid for nor taken back (D)."""
    paid = payment.milestone.pk if isinstance(payment, PayMilestone) else None
    unanswered = any(one.was_submitted and one.pk != paid for one in facts.milestones)
    return OnSilence.ESCALATE if unanswered else OnSilence.LAPSE


def _cancelled(facts: Facts, payment: PayMilestone | PayFinal | None) -> list[Effect]:
    paid = payment.milestone.pk if isinstance(payment, PayMilestone) else None
    open_ones = tuple(one for one in facts.milestones if one.pk != paid)
    return [CancelMilestones(open_ones)] if open_ones else []


def after_due_releases(facts: Facts, due: set[int]) -> Facts:
    """The facts as they are once releases that are due already have been carried out.

    Args:
        due: keys of submitted milestones whose review is over.
    """
    released = [one for one in facts.milestones if one.pk in due]
    if not released:
        return facts
    escrow, kept = facts.escrow, facts.kept
    for one in released:
        escrow -= one.amount
        kept += facts.received_of(one.amount)
    return Facts(
        version=facts.version + len(released),
        escrow=escrow,
        milestones=tuple(one for one in facts.milestones if one.pk not in due),
        open_charge=facts.open_charge,
        talent_fee=facts.talent_fee,
        kept=kept,
    )
