"""Who may do what when, on the agreement's side.

Small functions ``(row, actor) -> Refusal | None``: a disabled button, a page and a capability give
the same sentence. They read only the row, its contract and the actor.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from contracts.states import Side
from marketplace import policy
from marketplace.actors import Actor
from marketplace.refusals import NotYours, Overtaken, Refusal

if TYPE_CHECKING:
    from contracts.models import (
        Bonus,
        BonusRequest,
        Contract,
        Dormancy,
        HoursDispute,
        Milestone,
        Stretch,
        Week,
    )

ENDED = Refusal("This contract has ended.")
NOT_BEGUN = Refusal("This is possible once the offer is accepted.")
NEVER_BEGAN = Refusal("This offer never became a contract.")
NOTHING_TO_REPEAT = Refusal("Starting again is for contracts that have ended.")
NO_CHECKLIST_YET = Refusal("The checklist opens when the contract ends.")
DIARY_LOCKED = Refusal(
    "The Work Diary is locked since the contract ended. Nothing can be added, changed or deleted."
)
DIARY_OPEN = Refusal("The Work Diary is open: add the missing time there.")
PAUSED = Refusal("The client has paused this contract. No time is recorded until it goes on.")
ON_HOLD = Refusal("This contract is on hold. No time is recorded until the client has paid.")
NOT_HOURLY = Refusal("Only hourly contracts have a Work Diary.")
NOT_FIXED = Refusal("Only fixed-price contracts have milestones. Hours are billed every week.")
NO_MANUAL_TIME = Refusal("The client does not allow manual time on this contract. Use the timer.")
NO_BONUS_ANY_MORE = Refusal(
    f"A bonus is possible until {policy.BONUS_WINDOW.days} days after the end. That is over."
)
OF_ITS_STATE = (
    ENDED,
    NOT_BEGUN,
    NEVER_BEGAN,
    NOTHING_TO_REPEAT,
    NO_CHECKLIST_YET,
    DIARY_LOCKED,
    DIARY_OPEN,
    PAUSED,
    ON_HOLD,
    NOT_HOURLY,
    NOT_FIXED,
    NO_MANUAL_TIME,
    NO_BONUS_ANY_MORE,
)
"""Refusals that tell of the contract, not of who asks: somebody, or the clock, was faster."""


def refuse(refusal: Refusal | None) -> None:
    """Raise a rule's answer, if it is one.

    Raises:
        Overtaken: the contract's state does not allow it.
        NotYours: this person may not.
    """
    if refusal is not None:
        raise Overtaken(refusal) if refusal in OF_ITS_STATE else NotYours(refusal)


def platform_only(row: Any, actor: Actor) -> Refusal | None:
    return None if actor.is_platform else Refusal("Only Closeout itself does this.")


def support_only(row: Any, actor: Actor) -> Refusal | None:
    return None if actor.is_staff else Refusal("Only support does this.")


def takes_part(contract: Contract, actor: Actor) -> Refusal | None:
    """Anyone acting for one of the two sides."""
    if contract.side_of(actor.party_id) is None:
        return Refusal("Only the two sides of this contract can do this.")
    return None


def may_end(contract: Contract, actor: Actor) -> Refusal | None:
    """Either side's owners and managers, at any time, without consent (S). Support for a side.

    Closeout itself ends only a dormant contract on which nobody acted (see dormancy).
    """
    if actor.is_staff or actor.is_platform:
        return None
    side = contract.side_of(actor.party_id)
    if side is None:
        return Refusal("Only the two sides of this contract can end it.")
    if not actor.manages:
        return Refusal(f"Only an owner or manager of {contract.party(side).name} can end.")
    return None


def asks_to_end(contract: Contract, actor: Actor) -> Refusal | None:
    """Whoever sees a running contract and may not end it asks those of their side who may (D)."""
    refusal = takes_part(contract, actor) or _while_running(contract)
    if refusal is None and actor.manages:
        return Refusal("You can end this contract yourself.")
    return refusal


def may_pause(contract: Contract, actor: Actor) -> Refusal | None:
    """The client pauses and restarts an hourly contract; support may for the client."""
    if not contract.is_hourly:
        return Refusal("Only hourly contracts can be paused.")
    return None if actor.is_staff else _manages(contract, actor, Side.CLIENT)


def client_manages(contract: Contract, actor: Actor) -> Refusal | None:
    return _manages(contract, actor, Side.CLIENT)


def talent_manages(contract: Contract, actor: Actor) -> Refusal | None:
    return _manages(contract, actor, Side.TALENT)


def talent_answers_offer(contract: Contract, actor: Actor) -> Refusal | None:
    """Offers are accepted and declined by the talent's owners and managers."""
    return _manages(contract, actor, Side.TALENT)


def client_withdraws_offer(contract: Contract, actor: Actor) -> Refusal | None:
    return _manages(contract, actor, Side.CLIENT)


def client_runs_milestones(milestone: Milestone, actor: Actor) -> Refusal | None:
    """The client adds, edits, funds and approves, while the contract is active."""
    return _while_active(milestone.contract) or _manages(milestone.contract, actor, Side.CLIENT)


def client_plans(milestone: Milestone, actor: Actor) -> Refusal | None:
    """What is not funded yet is the client's to edit, unless a charge for it is open."""
    return client_runs_milestones(milestone, actor)


def client_funds(milestone: Milestone, actor: Actor) -> Refusal | None:
    """The client funds; the platform does when a charge is confirmed, on an offer too."""
    if actor.is_platform:
        return None
    contract = milestone.contract
    if not (contract.is_active or contract.is_offered):
        return ENDED
    return _manages(contract, actor, Side.CLIENT)


def talent_proposes(milestone: Milestone, actor: Actor) -> Refusal | None:
    return _while_active(milestone.contract) or _manages(milestone.contract, actor, Side.TALENT)


def may_propose(contract: Contract, actor: Actor) -> Refusal | None:
    """The talent's owners and managers may propose a milestone."""
    return _takes_milestones(contract) or _manages(contract, actor, Side.TALENT)


def may_add_milestone(contract: Contract, actor: Actor) -> Refusal | None:
    """The client's owners and managers add milestones (S)."""
    return _takes_milestones(contract) or _manages(contract, actor, Side.CLIENT)


def talent_submits(milestone: Milestone, actor: Actor) -> Refusal | None:
    """Anyone who sees the contract on the talent's side submits and takes back."""
    return _while_active(milestone.contract) or _acts_for(milestone.contract, actor, Side.TALENT)


def client_reviews(milestone: Milestone, actor: Actor) -> Refusal | None:
    return client_runs_milestones(milestone, actor)


def client_extends(milestone: Milestone, actor: Actor) -> Refusal | None:
    """Once per milestone (D)."""
    if milestone.extended_because:
        return Refusal("The review was extended before; that is possible once per milestone.")
    return client_reviews(milestone, actor)


def may_release(milestone: Milestone, actor: Actor) -> Refusal | None:
    """The client approves; the platform when the review is over; support never pays."""
    if actor.is_platform:
        return None
    return client_runs_milestones(milestone, actor)


def may_cancel_milestone(milestone: Milestone, actor: Actor) -> Refusal | None:
    """Open milestones are cancelled by whoever ends the contract, or by the offer's answer."""
    return None if actor.is_platform else may_end(milestone.contract, actor)


def may_start_again(contract: Contract, actor: Actor) -> Refusal | None:
    """The client makes the new offer (D)."""
    if not contract.is_ended:
        return NOTHING_TO_REPEAT
    return _manages(contract, actor, Side.CLIENT)


def may_write(contract: Contract, actor: Actor) -> Refusal | None:
    """Messages stay possible after the end."""
    if contract.never_started:
        return NEVER_BEGAN
    return takes_part(contract, actor)


def may_tick(contract: Contract, actor: Actor) -> Refusal | None:
    """Checklist items are ticked by anyone who sees the contract on that side."""
    if not contract.is_ended:
        return NO_CHECKLIST_YET
    return takes_part(contract, actor)


# Hours ------------------------------------------------------------------------------------------


def of_talent(contract: Contract, actor: Actor) -> Refusal | None:
    """Anyone who acts for the talent; true or not whatever happens to the contract."""
    return _acts_for(contract, actor, Side.TALENT)


def talent_records(contract: Contract, actor: Actor) -> Refusal | None:
    """New time is recorded by the talent's people on an active contract that is not on hold.

    Whether this person is assigned to the contract is asked where it is known.
    """
    return _takes_time(contract) or _acts_for(contract, actor, Side.TALENT)


def records_by_hand(contract: Contract, actor: Actor) -> Refusal | None:
    """Manual time, where the client allows it."""
    if contract.is_hourly and not contract.manual_time:
        return NO_MANUAL_TIME
    return talent_records(contract, actor)


def not_assigned(contract: Contract) -> Refusal:
    """What anyone of the talent reads who does not work on the contract."""
    return Refusal(
        f"Only people who are assigned to this contract record time on it. An owner or manager"
        f" of {contract.talent.name} can assign you."
    )


def tidies(stretch: Stretch, actor: Actor) -> Refusal | None:
    """Who recorded it changes and deletes it, and the talent's owners and managers.

    Whether its week is still open is asked where the clock is known.
    """
    contract = stretch.contract
    if contract.is_ended:
        return DIARY_LOCKED
    refusal = _acts_for(contract, actor, Side.TALENT)
    if refusal is None and not actor.manages and stretch.membership_id != actor.membership_id:
        return Refusal("Only who recorded this time, or an owner or manager, can change it.")
    return refusal


def stops_timer(contract: Contract, actor: Actor) -> Refusal | None:
    """A timer is stopped by who runs it, whatever the contract's state."""
    return _acts_for(contract, actor, Side.TALENT)


def client_sets_limit(contract: Contract, actor: Actor) -> Refusal | None:
    """The client raises and lowers the weekly limit while the contract goes on."""
    return _while_hourly(contract) or _manages(contract, actor, Side.CLIENT)


def talent_assigns(contract: Contract, actor: Actor) -> Refusal | None:
    """The talent's owners and managers say who works on a contract."""
    return _while_running(contract) or _manages(contract, actor, Side.TALENT)


def may_lock_week(week: Week, actor: Actor) -> Refusal | None:
    """A week is locked by whoever ends the contract, or by the platform."""
    return None if actor.is_platform else may_end(week.contract, actor)


def client_pays_week(week: Week, actor: Actor) -> Refusal | None:
    """The client pays what is owed at any time, also after the end; the platform tries daily."""
    return None if actor.is_platform else _manages(week.contract, actor, Side.CLIENT)


def settles_week(week: Week, actor: Actor) -> Refusal | None:
    """A settled dispute may leave nothing owed: the talent gave all back, or support decided."""
    if actor.is_platform or actor.is_staff:
        return None
    return _manages(week.contract, actor, Side.TALENT)


def client_disputes(contract: Contract, actor: Actor) -> Refusal | None:
    """The client disputes hours within a week's review, also after the end."""
    return _manages(contract, actor, Side.CLIENT)


def client_withdraws_dispute(dispute: HoursDispute, actor: Actor) -> Refusal | None:
    return _manages(dispute.contract, actor, Side.CLIENT)


def talent_answers_dispute(dispute: HoursDispute, actor: Actor) -> Refusal | None:
    return _manages(dispute.contract, actor, Side.TALENT)


# Bonuses and dormant contracts ------------------------------------------------------------------


def may_give_bonus(contract: Contract, actor: Actor, *, now: datetime) -> Refusal | None:
    """The client's owners and managers, while it runs and until 365 days after its end."""
    return _takes_bonuses(contract, now) or _manages(contract, actor, Side.CLIENT)


def client_gives_bonus(bonus: Bonus, actor: Actor) -> Refusal | None:
    """From credit the client itself; the platform once the charge is confirmed."""
    return None if actor.is_platform else _manages(bonus.contract, actor, Side.CLIENT)


def may_ask_for_bonus(contract: Contract, actor: Actor, *, now: datetime) -> Refusal | None:
    """The talent's owners and managers, for unrecorded time once the diary is locked (D)."""
    if not contract.is_hourly:
        return NOT_HOURLY
    if not contract.is_ended:
        return DIARY_OPEN
    return _takes_bonuses(contract, now) or _manages(contract, actor, Side.TALENT)


def client_answers_bonus_request(request: BonusRequest, actor: Actor) -> Refusal | None:
    return None if actor.is_platform else _manages(request.contract, actor, Side.CLIENT)


def talent_withdraws_bonus_request(request: BonusRequest, actor: Actor) -> Refusal | None:
    return _manages(request.contract, actor, Side.TALENT)


def bonus_until(contract: Contract) -> datetime | None:
    """The last instant at which a bonus can be given; None while the contract goes on."""
    return contract.ended_at + policy.BONUS_WINDOW if contract.ended_at else None


def talent_asks_for_release(dormancy: Dormancy, actor: Actor) -> Refusal | None:
    return _manages(dormancy.contract, actor, Side.TALENT)


def wakes(dormancy: Dormancy, actor: Actor) -> Refusal | None:
    """Anyone of the two sides who does something on the contract, or support."""
    if actor.is_platform or actor.is_staff:
        return None
    return takes_part(dormancy.contract, actor)


def says_still_working(contract: Contract, actor: Actor) -> Refusal | None:
    """Either side says that a quiet contract goes on (D)."""
    return takes_part(contract, actor) or _while_running(contract)


def minimum_for(leftover_minor: int, currency: str) -> int:
    """The least a milestone may be: 5.00 (S), or the whole leftover escrow when smaller (D)."""
    minimum = policy.minimum_milestone(currency).minor
    return min(minimum, leftover_minor) if leftover_minor else minimum


def _takes_bonuses(contract: Contract, now: datetime) -> Refusal | None:
    if contract.is_offered:
        return NOT_BEGUN
    if contract.never_started:
        return NEVER_BEGAN
    until = bonus_until(contract)
    if until is not None and now > until:
        return NO_BONUS_ANY_MORE
    return None


def _takes_milestones(contract: Contract) -> Refusal | None:
    return _while_active(contract) or (NOT_FIXED if contract.is_hourly else None)


def _takes_time(contract: Contract) -> Refusal | None:
    if contract.is_ended:
        return DIARY_LOCKED
    if contract.is_paused:
        return PAUSED
    if contract.is_on_hold:
        return ON_HOLD
    return _while_hourly(contract)


def _while_hourly(contract: Contract) -> Refusal | None:
    return _while_running(contract) or (None if contract.is_hourly else NOT_HOURLY)


def _while_running(contract: Contract) -> Refusal | None:
    return None if contract.is_running else _while_active(contract)


def _while_active(contract: Contract) -> Refusal | None:
    if contract.is_ended:
        return ENDED
    if contract.never_started:
        return NEVER_BEGAN
    return None if contract.is_active else NOT_BEGUN


def _manages(contract: Contract, actor: Actor, side: Side) -> Refusal | None:
    refusal = _acts_for(contract, actor, side)
    if refusal is None and not actor.manages:
        name = contract.party(side).name
        return Refusal(f"Only an owner or manager of {name} can do this.")
    return refusal


def _acts_for(contract: Contract, actor: Actor, side: Side) -> Refusal | None:
    if contract.side_of(actor.party_id) is side:
        return None
    return Refusal(f"Only {contract.party(side).name} can do this.")
