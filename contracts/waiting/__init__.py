"""What waits for a side of a contract: the one thing first, on My Jobs and in the room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from django.urls import reverse

from contracts.models import Contract, Dormancy, Milestone, Timer, Week
from contracts.states import MilestoneState, Side
from contracts.waiting import hours
from contracts.waiting.dormant import about_dormancy
from contracts.waiting.returns import about_return
from contracts.waiting.shape import Action, Waiting
from marketplace.money import Money
from payments.models import EscrowRefundRequest, SplitProposal
from payments.queries import AskedBack
from payments.queries.charges import ToConfirm


def waiting(
    contract: Contract,
    side: Side | None,
    *,
    open_milestones: Sequence[Milestone],
    request: EscrowRefundRequest | None,
    split: SplitProposal | None = None,
    escrow: Money,
    now: datetime,
    charging: bool = False,
    weeks: Sequence[Week] = (),
    timer: Timer | None = None,
    asked_back: AskedBack | None = None,
    bonus_asked: Money | None = None,
    dormancy: Dormancy | None = None,
    confirm: ToConfirm | None = None,
) -> Waiting | None:
    """The one thing that waits for a side, or nothing.

    Args:
        open_milestones: the unpaid ones, by number.
        request: the contract's escrow refund request, if there ever was one.
        split: the one that is open on it.
        escrow: what is held now.
        now: what the clock has decided by then waits for nobody any more.
        charging: a funding charge is open, so that no other one can be begun.
        weeks: of an hourly contract, those owed, in review or disputed, each with its dispute.
        timer: the reader's own that runs on it.
        asked_back: what the client asks back of a payment. Nobody has to answer it: it comes after
            what has a deadline, and after a timer.
        bonus_asked: what the talent asks a bonus of; nobody has to answer it either.
        dormancy: of a dormant contract; it comes first for the side that it asks.
        confirm: the charge that the client's bank wants confirmed; it comes first of all.
    """
    if side is None:
        return None
    if confirm is not None and side is Side.CLIENT and now < confirm.until:
        return _confirm(confirm)
    if contract.is_hourly and contract.is_agreed:
        for_side = hours.for_client if side is Side.CLIENT else hours.for_talent
        found = for_side(contract, weeks, timer, now)
        if found is None and bonus_asked is not None and side is Side.CLIENT:
            return _bonus_asked(contract, bonus_asked)
        comes_first = found is not None
    else:
        if contract.is_ended:
            found = about_return(contract, side, request, split, now) if request else None
        elif dormancy is not None and dormancy.asked is side:
            found = about_dormancy(contract, dormancy, escrow)
        else:
            found = _waiting(contract, side, open_milestones, escrow, charging=charging)
        found = _unless_over(found, now)
        comes_first = found is not None and found.until is not None
    if asked_back is None or side is Side.CLIENT or comes_first:
        return found
    return _asked_back(contract, asked_back)


def _unless_over(found: Waiting | None, now: datetime) -> Waiting | None:
    """What the clock has decided waits for nobody any more."""
    is_over = found is not None and found.until is not None and found.until <= now
    return None if is_over else found


def _waiting(
    contract: Contract,
    side: Side,
    open_milestones: Sequence[Milestone],
    escrow: Money,
    *,
    charging: bool,
) -> Waiting | None:
    if contract.is_offered:
        return _offer(contract) if side is Side.TALENT else None
    if not contract.is_active:
        return None
    if side is Side.CLIENT:
        return _for_client(contract, open_milestones, escrow, charging=charging)
    return _for_talent(contract, open_milestones)


def _for_client(
    contract: Contract, open_milestones: Sequence[Milestone], escrow: Money, *, charging: bool
) -> Waiting | None:
    active = _first(open_milestones, lambda one: one.is_active)
    if active is not None and active.is_submitted:
        return _approve(contract, active)
    if contract.asks_to_end_since is not None:
        return _end_or_keep(contract)
    proposal = _first(open_milestones, lambda one: one.state == MilestoneState.PROPOSED)
    if proposal is not None:
        return _proposal(contract, proposal)
    if active is not None or charging:
        return None
    planned = _first(open_milestones, lambda one: one.state == MilestoneState.PLANNED)
    if planned is not None:
        return _fund(contract, planned)
    return _no_milestone(contract, escrow)


def _for_talent(contract: Contract, open_milestones: Sequence[Milestone]) -> Waiting | None:
    active = _first(open_milestones, lambda one: one.is_active)
    if active is None or active.is_submitted:
        return None
    again = active.state == MilestoneState.CHANGES_REQUESTED
    url = _of(active, "milestone_submit")
    return Waiting(
        words=f"Submit milestone {active.number}" + (" again" if again else ""),
        icon="arrow-path" if again else "paper-airplane",
        url=url,
        title=(
            f"{contract.client.name} asked for changes to milestone {active.number}."
            if again
            else f"Milestone {active.number} is funded: you can work on it."
        ),
        note="changes were requested" if again else "its money is in escrow",
        detail=active.changes_wanted if again else f"{active.amount} is in escrow for it.",
        actions=[Action(label="Submit work", url=url, main=True)],
    )


def _offer(contract: Contract) -> Waiting:
    url = reverse("offer", args=[contract.reference])
    return Waiting(
        words="Accept or decline the offer",
        icon="envelope-open",
        url=url,
        title=f"{contract.client.name} offers you this contract.",
        until=contract.expires_at,
        then="it expires",
        actions=[Action(label="Read the offer", url=url, main=True)],
    )


def _confirm(confirm: ToConfirm) -> Waiting:
    url = reverse("confirm_charge", args=[confirm.charge_id])
    return Waiting(
        words=f"Confirm {confirm.amount} with your bank",
        icon="shield-check",
        url=url,
        title=f"Your bank wants you to confirm a charge of {confirm.amount}.",
        until=confirm.until,
        then="it is called off",
        detail="Nothing is charged until you confirm it on your bank's page.",
        actions=[Action(label=f"Confirm {confirm.amount}", url=url, main=True)],
    )


def _asked_back(contract: Contract, asked: AskedBack) -> Waiting:
    url = reverse("give_refund", args=[asked.payment_id])
    return Waiting(
        words=f"Answer about {asked.amount} asked back",
        icon="arrow-uturn-left",
        url=url,
        title=f"{contract.client.name} asks for {asked.amount} back.",
        note="a refund of a payment",
        detail="You can refund all or part of it, or decline. Nothing moves without you.",
        actions=[Action(label="Read and answer", url=url, main=True)],
    )


def _bonus_asked(contract: Contract, amount: Money) -> Waiting:
    url = reverse("give_bonus", args=[contract.reference])
    return Waiting(
        words=f"Answer about a bonus of {amount}",
        icon="gift",
        url=url,
        title=f"{contract.talent.name} asks for a bonus of {amount}.",
        note="for time that was not recorded",
        detail="It is for time that was not recorded. You can give it, change the amount, decline,"
        " or leave it; nothing is charged without you.",
        actions=[Action(label="Read and answer", url=url, main=True)],
    )


def _approve(contract: Contract, active: Milestone) -> Waiting:
    approve = _of(active, "milestone_approve")
    return Waiting(
        words=f"Approve milestone {active.number}",
        icon="clock",
        url=approve,
        title=f"{contract.talent.name} submitted milestone {active.number}.",
        until=active.review_until,
        amount=active.amount,
        then="released automatically",
        actions=[
            Action(label="Ask for changes", url=_of(active, "milestone_changes")),
            Action(label="Approve and release", url=approve, main=True),
        ],
    )


def _end_or_keep(contract: Contract) -> Waiting:
    room = reverse("room", args=[contract.reference])
    return Waiting(
        words="End this contract, or keep it open?",
        icon="flag",
        url=room,
        title="You have paid a milestone. Is the work done?",
        note="your answer after Pay now",
        detail="You can end the contract now, or keep it open for more milestones.",
        actions=[
            Action(
                label="Keep it open",
                url=reverse("keep_open", args=[contract.reference]),
                posts=True,
            ),
            Action(label="End this contract", url=f"{room}?end=1", main=True),
        ],
    )


def _proposal(contract: Contract, proposal: Milestone) -> Waiting:
    return Waiting(
        words=f"Answer the proposed milestone {proposal.number}",
        icon="light-bulb",
        url=reverse("room", args=[contract.reference]),
        title=f"{contract.talent.name} proposes milestone {proposal.number}.",
        note=f"{proposal.amount}, {proposal.title}",
        detail=f"{proposal.title}, {proposal.amount}. Agreeing charges nothing yet.",
        actions=[
            Action(label="Decline", url=_of(proposal, "milestone_decline"), posts=True),
            Action(label="Agree", url=_of(proposal, "milestone_agree"), main=True, posts=True),
        ],
    )


def _fund(contract: Contract, planned: Milestone) -> Waiting:
    url = _of(planned, "milestone_fund")
    return Waiting(
        words=f"Fund milestone {planned.number}",
        icon="lock-closed",
        url=url,
        title=f"Milestone {planned.number} is not funded.",
        note=f"so that {contract.talent.name} can start",
        detail=f"{contract.talent.name} starts once its money is in escrow.",
        actions=[Action(label=f"Fund {planned.amount}", url=url, main=True)],
    )


def _no_milestone(contract: Contract, escrow: Money) -> Waiting:
    add = reverse("add_milestone", args=[contract.reference])
    return Waiting(
        words="No active milestone",
        icon="flag",
        url=reverse("room", args=[contract.reference]),
        title="No milestone is active.",
        note="release the rest, or end" if escrow else "add one, or end",
        detail=(
            f"{escrow} is left in escrow. Release it through a new milestone, or end the contract."
            if escrow
            else "Nothing is in escrow. Add a milestone, or end the contract."
        ),
        actions=[Action(label="Add new milestone", url=add, main=True)],
    )


def _of(milestone: Milestone, name: str) -> str:
    return reverse(name, args=[milestone.contract.reference, milestone.number])


def _first(
    milestones: Sequence[Milestone], wanted: Callable[[Milestone], bool]
) -> Milestone | None:
    return next((one for one in milestones if wanted(one)), None)
