"""What waits on an hourly contract: what is owed, a week in review, a dispute, a timer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.urls import reverse

from contracts.models import Contract, HoursDispute, Timer, Week
from contracts.waiting.shape import Action, Waiting
from contracts.weeks import cost, minutes_between
from marketplace import moments


def for_client(
    contract: Contract, weeks: Sequence[Week], _timer: Timer | None, now: datetime
) -> Waiting | None:
    """What is owed first, then the week that can still be disputed; after the end too."""
    unpaid = [one for one in weeks if one.is_unpaid]
    if unpaid:
        return _pay_owed(contract, min(unpaid, key=lambda one: one.starts_on))
    reviewed = [one for one in weeks if one.is_in_review(now) and dispute_of(one) is None]
    if reviewed:
        return _review(contract, min(reviewed, key=lambda one: one.starts_on))
    return None


def for_talent(
    contract: Contract, weeks: Sequence[Week], timer: Timer | None, now: datetime
) -> Waiting | None:
    """An unanswered dispute first, then one's own running timer."""
    for week in weeks:
        dispute = dispute_of(week)
        if dispute is not None and dispute.is_pending and now < dispute.answer_by:
            return _dispute(contract, week, dispute)
    if timer is not None and now < timer.runs_out_at:
        return _timer_runs(contract, timer, now)
    return None


def dispute_of(week: Week) -> HoursDispute | None:
    """The week's dispute, read with it."""
    return getattr(week, "dispute", None)


def _pay_owed(contract: Contract, week: Week) -> Waiting:
    owed = cost(contract.hourly_rate, week)
    url = reverse("week_pay", args=[contract.reference, week.starts_on])
    return Waiting(
        words=f"Pay {owed} owed",
        icon="exclamation-triangle",
        url=url,
        title=f"{owed} for the {week} is not paid.",
        note="a charge was declined",
        detail=_owed_detail(contract),
        owes=True,
        actions=[Action(label=f"Pay {owed} now", url=url, main=True)],
    )


def _owed_detail(contract: Contract) -> str:
    declined = "The charge was declined, and is tried again every day."
    if contract.is_ended:
        return declined
    return f"{declined} {contract.talent.name} records no new time until it is paid."


def _review(contract: Contract, week: Week) -> Waiting:
    url = f"{reverse('diary', args=[contract.reference])}?week={week.starts_on}"
    dispute = reverse("hours_dispute_new", args=[contract.reference, week.starts_on])
    owed = cost(contract.hourly_rate, week)
    return Waiting(
        words=f"Review last week's hours: {owed}",
        icon="eye",
        url=url,
        title=f"Review the hours of the {week}.",
        until=week.review_until,
        amount=owed,
        then="paid for good",
        actions=[
            Action(label="Dispute hours", url=dispute),
            Action(label="Review the hours", url=url, main=True),
        ],
    )


def _dispute(contract: Contract, week: Week, dispute: HoursDispute) -> Waiting:
    url = dispute.get_absolute_url()
    time = moments.hours(dispute.minutes)
    return Waiting(
        words=f"Answer about {time} disputed",
        icon="hand-raised",
        url=url,
        title=f"{contract.client.name} disputes {time} of the {week}.",
        until=dispute.answer_by,
        then="support decides",
        actions=[Action(label="Read and answer", url=url, main=True)],
    )


def _timer_runs(contract: Contract, timer: Timer, now: datetime) -> Waiting:
    url = reverse("diary", args=[contract.reference])
    passed = moments.hours(minutes_between(timer.started_at, now))
    return Waiting(
        words=f"Timer running, {passed}",
        icon="play",
        url=url,
        title=f"Your timer is running, {passed} so far.",
        note=timer.memo or "stop it in the Work Diary",
        detail=timer.memo or "Stop it in the Work Diary; whole ten-minute segments count.",
        actions=[Action(label="Work Diary", url=url, main=True)],
    )
