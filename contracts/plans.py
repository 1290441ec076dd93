"""What ending a contract would do: pure functions from facts and a choice to a plan.

The page renders a plan's effects; :func:`contracts.closing.end` loads the facts again under locks,
makes the same plan, and carries out exactly its effects. Nothing here reads a clock or a database.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

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
class Facts:
    """Everything ending depends on, with what is due already applied.

    Attributes:
        version: the contract's; counts every change of state.
        escrow: what is held, from the books.
        milestones: the open ones, by number.
        open_charge: a funding charge that the gateway has not answered.
        talent_fee: basis points.
        kept: what the talent received so far, after fees and refunds.
    """

    version: int
    escrow: Money
    milestones: tuple[MilestoneFacts, ...]
    open_charge: Money | None
    talent_fee: int
    kept: Money

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
class OpenFeedback:
    """Feedback opens for both sides (S)."""


Effect = (
    PayMilestone
    | PayFinal
    | ReturnEscrow
    | RequestEscrowRefund
    | CancelMilestones
    | ChargeStaysCredit
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
    payment = _payment(facts, choice) if side is Side.CLIENT else None
    paid = payment.pays if payment else zero(facts.escrow.currency)
    effects: list[Effect] = [payment] if payment else []
    effects += _escrow_left(facts, side, facts.escrow - paid, payment)
    effects += _cancelled(facts, payment)
    if facts.open_charge:
        effects.append(ChargeStaysCredit(facts.open_charge))
    effects.append(OpenFeedback())
    return EndPlan(side, choice, facts.escrow, facts.kept, tuple(effects))


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
        raise InvalidInput(f"At most {facts.escrow} is in escrow.", field="amount")
    minimum = min(policy.minimum_milestone(facts.escrow.currency), facts.escrow)
    if choice.amount < minimum:
        raise InvalidInput(f"Pay at least {minimum}, or choose to pay nothing.", field="amount")
    return choice.amount


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
