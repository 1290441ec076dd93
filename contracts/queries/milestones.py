"""The milestones of a room: state in words, newest submission, and what can be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, Subquery
from django.urls import reverse

from contracts.models import Contract, Milestone, Submission
from contracts.states import MilestoneState, Side
from contracts.waiting.shape import Action
from marketplace import moments, transitions
from marketplace.actors import Actor
from marketplace.money import Money


@dataclass(frozen=True, slots=True)
class MilestoneRow:
    """One milestone as a side sees it; ``stage`` is done, now or later."""

    milestone: Milestone
    stage: str
    note: str
    amount: Money
    message: str
    links: list[str]
    wanted: str
    actions: list[Action]


def milestones_of(contract: Contract) -> list[Milestone]:
    """All of a contract's, by number, each with its newest submission; one query."""
    newest = Submission.objects.filter(milestone=OuterRef("pk"), taken_back_at=None).order_by("-pk")
    found = contract.milestones.annotate(
        submitted_message=Subquery(newest.values("message")[:1]),
        submitted_links=Subquery(newest.values("links")[:1]),
    ).order_by("number")
    milestones: list[Milestone] = list(found)
    for milestone in milestones:
        milestone.contract = contract
    return milestones


def milestone_rows(
    milestones: Sequence[Milestone], side: Side, actor: Actor, now: datetime, *, charging: bool
) -> list[MilestoneRow]:
    """The rows, without those that were deleted or declined while the contract ran.

    Args:
        charging: a funding charge is open, so that no other one can be begun.
    """
    takes_money = not charging and not any(one.is_active for one in milestones)
    shown = [one for one in milestones if not _is_gone(one)]
    return [
        _row(one, _actions(one, shown, side, actor, now, takes_money=takes_money), now)
        for one in shown
    ]


def _row(one: Milestone, actions: list[Action], now: datetime) -> MilestoneRow:
    return MilestoneRow(
        milestone=one,
        stage="done" if one.paid_at else "now" if one.is_active else "later",
        note=_note(one, now),
        amount=one.paid or one.amount,
        message=one.submitted_message or "" if one.is_open else "",  # type: ignore[attr-defined]
        links=one.submitted_links or [] if one.is_open else [],  # type: ignore[attr-defined]
        wanted=one.changes_wanted if one.state == MilestoneState.CHANGES_REQUESTED else "",
        actions=actions,
    )


def _note(one: Milestone, now: datetime) -> str:
    if one.paid_at:
        part = f" · of {one.amount}" if one.paid and one.paid < one.amount else ""
        return f"Paid {moments.ago(one.paid_at, now)}{part}"
    if one.submitted_at and one.review_until:
        then = f" · released by itself {moments.left(one.review_until, now)}"
        return f"Submitted {moments.ago(one.submitted_at, now)}{then}"
    due = f" · due {one.due_on:%-d %B %Y}" if one.due_on and one.is_open else ""
    return f"{one.get_state_display()}{due}"


# Transition, label, address, whether it is a button that posts.
_OFFERED = {
    Side.CLIENT: (
        ("agree", "Agree", "milestone_agree", True),
        ("decline", "Decline", "milestone_decline", True),
        ("fund", "Fund {amount}", "milestone_fund", False),
        ("revise", "Edit", "milestone_edit", False),
        ("pay", "Approve and release", "milestone_approve", False),
        ("ask_for_changes", "Ask for changes", "milestone_changes", False),
        ("extend", "Extend the review", "milestone_extend", False),
    ),
    Side.TALENT: (
        ("take_back_proposal", "Take the proposal back", "milestone_take_back_proposal", True),
        ("submit", "Submit work", "milestone_submit", False),
        ("take_back", "Take back", "milestone_take_back", True),
    ),
}


def _actions(
    one: Milestone,
    milestones: Sequence[Milestone],
    side: Side,
    actor: Actor,
    now: datetime,
    *,
    takes_money: bool,
) -> list[Action]:
    """What this person can do with a milestone now, by the same rules as when they do it.

    What the strip above offers already is left out here.
    """
    if one.review_until is not None and one.review_until <= now:
        return []
    in_strip = ("pay", "ask_for_changes") if one.is_submitted else ("submit",)
    where = [one.contract.reference, one.number]
    actions = [
        Action(label=label.format(amount=one.amount), url=reverse(name, args=where), posts=posts)
        for transition, label, name, posts in _OFFERED[side]
        if transition not in in_strip
        and transitions.possible(one, transition, by=actor) is None
        and (takes_money or transition != "fund")
    ]
    if side is Side.CLIENT and transitions.possible(one, "delete_planned", by=actor) is None:
        if any(up.state == MilestoneState.PLANNED and up.number < one.number for up in milestones):
            actions.append(
                Action(label="Move up", url=reverse("milestone_up", args=where), posts=True)
            )
        actions.append(
            Action(label="Delete", url=reverse("milestone_delete", args=where), posts=True)
        )
    return actions


def _is_gone(one: Milestone) -> bool:
    """Deleted, declined or taken back while the contract ran: nobody looks for it any more."""
    if one.state == MilestoneState.DECLINED:
        return True
    return one.state == MilestoneState.CANCELLED and one.closed_at != one.contract.ended_at
