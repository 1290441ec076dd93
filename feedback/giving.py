"""Giving and changing feedback: double-blind (S).

Both take the contract's lock, so that of two sides giving at the same moment one is the second.
While one is sealed nothing of it is written where the other side could see it: the contract's row,
its version and history, its activity and its place in lists stay as they are.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import transaction

from contracts import checklists
from contracts.models import Contract
from contracts.states import ChecklistCode, Side
from feedback import announcing, rules
from feedback.models import Feedback
from marketplace import clock, once, policy, transitions
from marketplace.actors import Actor
from marketplace.refusals import InvalidInput, NotYours, Overtaken, Refusal

STARS: Final = range(1, 6)

Given = dict[str, Any]


@transaction.atomic
def give(
    contract: Contract,
    *,
    stars: int,
    text: str = "",
    private_note: str = "",
    would_work_again: bool | None = None,
    key: str = "",
    by: Actor,
) -> Feedback:
    """Leave one side's feedback on the other.

    The first one stays sealed until the window closes; the second one reveals both at once.

    Args:
        stars: 1 to 5.
        text: public once revealed; at most ``policy.NOTE_LENGTH`` characters, may be empty.
        private_note: for support alone; the same limit.
        would_work_again: private; None for no answer.
        key: the form's key; the same form again returns the first result.

    Raises:
        NotYours: another's contract, or a role that leaves no feedback.
        Overtaken: not ended, window closed, or this side's feedback was given already.
        InvalidInput: stars or a text outside their limits.
    """
    contract = transitions.enter(contract)
    given = _checked(
        stars=stars,
        text=text,
        private_note=private_note,
        would_work_again=would_work_again,
    )
    earlier = once.claim(key, contract=contract.reference, party=by.party_id, **given)
    if earlier is not None:
        return Feedback.objects.select_related("contract").get(pk=earlier.result)
    now = clock.now()
    side = _giving_side(contract, by, now)
    feedback = _write(contract, side, given, now=now, by=by)
    checklists.decided_by_fact(contract, side, ChecklistCode.FEEDBACK, at=now, by=by)
    once.keep(key, feedback.pk)
    return feedback


@transaction.atomic
def edit(
    feedback: Feedback,
    *,
    stars: int,
    text: str = "",
    private_note: str = "",
    would_work_again: bool | None = None,
    by: Actor,
) -> Feedback:
    """Change one's own feedback while it is sealed. Arguments as for :func:`give`.

    Raises:
        NotYours: another side's, or a role that leaves no feedback.
        Overtaken: it was revealed meanwhile.
        InvalidInput: stars or a text outside their limits.
    """
    contract = transitions.enter(feedback.contract)
    feedback = Feedback.objects.get(pk=feedback.pk)
    feedback.contract = contract
    now = clock.now()
    _refuse(rules.may_edit(feedback, by, now=now), overtaken=(rules.REVEALED,))
    given = _checked(
        stars=stars,
        text=text,
        private_note=private_note,
        would_work_again=would_work_again,
    )
    for field, value in given.items():
        setattr(feedback, field, value)
    feedback.edited_at = now
    feedback.save(update_fields=[*given, "edited_at"])
    return feedback


def _giving_side(contract: Contract, by: Actor, now: datetime) -> Side:
    """Whose feedback this is, if it may be given now."""
    refusal = rules.may_give(contract, by, now=now)
    _refuse(refusal, overtaken=(rules.NOT_ENDED, rules.WINDOW_CLOSED))
    side = contract.side_of(by.party_id)
    assert side is not None
    if Feedback.objects.filter(contract=contract, side=side).exists():
        raise Overtaken(f"Feedback from {contract.party(side).name} was given already.")
    return side


def _write(contract: Contract, side: Side, given: Given, *, now: datetime, by: Actor) -> Feedback:
    """Store it, and reveal both when it is the second."""
    assert by.membership is not None
    assert contract.feedback_until is not None
    other = Feedback.objects.filter(contract=contract, side=side.other).first()
    feedback = Feedback.objects.create(
        contract=contract,
        side=side,
        author=by.membership,
        given_at=now,
        visible_from=now if other is not None else contract.feedback_until,
        **given,
    )
    if other is None:
        return feedback
    other.visible_from = now
    other.save(update_fields=["visible_from"])
    announcing.announce_to_both(contract, [other, feedback])
    return feedback


def _checked(*, stars: int, text: str, private_note: str, would_work_again: bool | None) -> Given:
    """What is stored of the input.

    Raises:
        InvalidInput: stars or a text outside their limits.
    """
    given: Given = {
        "stars": stars,
        "text": text.strip(),
        "private_note": private_note.strip(),
        "would_work_again": would_work_again,
    }
    if stars not in STARS:
        raise InvalidInput("Choose one to five stars.", field="stars")
    for field in ("text", "private_note"):
        if len(given[field]) > policy.NOTE_LENGTH:
            raise InvalidInput(f"Use at most {policy.NOTE_LENGTH:,} characters.", field=field)
    return given


def _refuse(refusal: Refusal | None, *, overtaken: tuple[Refusal, ...]) -> None:
    """Raise a rule's answer: somebody was faster, or never allowed."""
    if refusal is not None:
        raise Overtaken(refusal) if refusal in overtaken else NotYours(refusal)
