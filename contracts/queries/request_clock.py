"""Whose answer an escrow refund request waits for, until when, and what silence will do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.queries.requests import RequestPage
from contracts.states import Side
from marketplace import moments, policy
from marketplace.components import Part, Stage
from marketplace.money import zero
from payments.models import SplitProposal
from payments.states import OnSilence, RequestState


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """An open request's clock, in the words of one side.

    Attributes:
        yours: it waits for the reader's side.
        title: where the request stands.
        since, until: the time it has; it is drawn between them.
        label: whose time that is, to go on with the moment.
        silence: what comes before ``then`` in the sentence, such as *If you do not answer*.
        then: what happens, and whose money it is.
        besides: what else to know of time, such as one's own that stands still.
        split: the split that waits for an answer, drawn.
        parts: what silence does, drawn; none where it moves nothing.
    """

    title: str
    since: datetime
    until: datetime
    label: str
    silence: str
    then: str
    yours: bool = False
    besides: str = ""
    split: list[Part] | None = None
    parts: list[Part] | None = None


def clock_of(page: RequestPage, *, since: datetime) -> Clock | None:
    """The clock of an open request; none of a settled one.

    Args:
        since: when the request came into its state.
    """
    request = page.request
    if not request.is_open:
        return None
    if page.split is not None:
        of_split = _support_split if page.split.is_by_support else _talent_split
        return of_split(page, page.split)
    if request.is_held:
        return _with_support(page)
    return _disputed(page, since) if request.state == RequestState.DISPUTED else _pending(page)


def stages_of(page: RequestPage) -> list[Stage]:
    """The way of the request: what is behind it, where it is, what comes last."""
    request = page.request
    asked = f"Asked {moments.day(request.filed_at, year=False)}"
    stages = [Stage(word=word, state="past") for word in (asked, *_middle(page))]
    if not request.is_open:
        return [*stages, Stage(word=request.get_state_display(), state="here")]
    return [
        *stages,
        Stage(word=_here(page), state="here"),
        Stage(word=_last(page), state="future"),
    ]


def days(length: timedelta) -> str:
    """A length of time in whole days, or hours where there are few; rounded down."""
    hours = length // timedelta(hours=1)
    number, unit = (hours // 24, "day") if hours > 48 else (hours, "hour")
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _pending(page: RequestPage) -> Clock:
    amount, other = page.amount, page.other.name
    until, escalates = page.answer_by, page.request.on_silence == OnSilence.ESCALATE
    assert until is not None
    if page.is_talent:
        title = f"{other} asks you to let {amount} go back"
    else:
        title = f"{other} is asked to let {amount} go back"
    return Clock(
        title=title,
        since=until - policy.ESCROW_ANSWER_WINDOW,
        until=until,
        label=f"{_whose(page, Side.TALENT)} until",
        silence=_silence(page, Side.TALENT),
        then=_escalates(page) if escalates else _lapses(page),
        yours=_waits_for_reader(page, Side.TALENT),
        parts=None if escalates else page.parts(zero(amount.currency)),
    )


def _lapses(page: RequestPage) -> str:
    amount, other = page.amount, page.other.name
    if page.is_talent:
        return (
            f"{amount} goes back from escrow to {other}. It is {other}'s money, held for this"
            f" contract; nothing is taken from your balance."
        )
    return (
        f"{amount} comes back to you as credit. It is your money in escrow; nothing is taken from"
        f" {other}."
    )


def _escalates(page: RequestPage) -> str:
    why = "support decides, because work was submitted that was neither paid nor taken back."
    if page.is_talent:
        return f"{why} Until then nothing moves, and nothing is taken from your balance."
    return (
        f"{why} Until then your money stays in escrow, and nothing is taken from {page.other.name}."
    )


def _talent_split(page: RequestPage, split: SplitProposal) -> Clock:
    other, rest = page.other.name, page.rest
    assert rest is not None
    if page.is_talent:
        title = f"{other} answers your split"
        then = "the split is off and nothing moves. Your own time to answer then goes on."
        besides = (
            f"Your own time stands still: you have {days(rest)} left afterwards, and never less"
            f" than {days(policy.SPLIT_REST)}."
        )
    else:
        title = f"{other} proposes a split of {page.amount}"
        then = (
            f"the split is off and nothing moves: your {page.amount} stays in escrow. {other} then"
            f" has {days(rest)} left to answer your request."
        )
        besides = ""
    return Clock(
        title=title,
        since=split.proposed_at,
        until=split.answer_by,
        label=f"{_whose(page, Side.CLIENT)} until",
        silence=_silence(page, Side.CLIENT),
        then=then,
        yours=_waits_for_reader(page, Side.CLIENT),
        besides=besides,
        split=page.parts(split.to_talent),
    )


def _disputed(page: RequestPage, since: datetime) -> Clock:
    amount, other, net = page.amount, page.other.name, page.net
    until = page.answer_by
    assert until is not None
    if page.is_talent:
        title = f"You dispute the return of {amount}"
        then = f"{amount} is paid to you from escrow; you receive {net} after the fee."
    else:
        title = f"{other} disputes the return of {amount}"
        then = (
            f"{amount} of your money in escrow is paid to {other}, who receives {net} after the"
            f" fee. Nothing else is taken from you."
        )
    return Clock(
        title=title,
        since=since,
        until=until,
        label=f"{_whose(page, Side.CLIENT)} until",
        silence=_silence(page, Side.CLIENT),
        then=then,
        yours=_waits_for_reader(page, Side.CLIENT),
        parts=page.parts(amount),
    )


def _with_support(page: RequestPage) -> Clock:
    request, amount = page.request, page.amount
    mediates = request.state == RequestState.MEDIATING
    if mediates:
        ways = "support proposes a split that both of you can accept, or decides"
    else:
        ways = "support reads what happened, and then proposes a split or decides"
    return Clock(
        title="Support mediates" if mediates else "Support has this request now",
        since=request.filed_at,
        until=request.decide_by,
        label="Support decides by",
        silence="Until it is settled,",
        then=(
            f"{amount} stays in escrow and nobody's silence decides. At the latest by then,"
            f" {ways}, with a reason that both of you read."
        ),
    )


def _support_split(page: RequestPage, split: SplitProposal) -> Clock:
    agreed, other_agreed = split.has_agreed(page.side), split.has_agreed(page.side.other)
    other = page.other.name
    title = "Support proposes a split to both of you"
    if agreed:
        title = f"You accepted support's split; {other} has not answered yet"
    elif other_agreed:
        title = f"{other} accepted support's split; your answer is missing"
    return Clock(
        title=title,
        since=split.proposed_at,
        until=split.answer_by,
        label=f"{other}'s answer until" if agreed else "Your answer until",
        silence=f"If {other} does not answer," if agreed else "If you do not answer,",
        then=(
            f"the split is off and nothing moves yet: {page.amount} stays in escrow, and support"
            f" decides by {moments.day(page.request.decide_by)} at the latest."
        ),
        yours=not agreed and page.refusal is None,
        split=page.parts(split.to_talent),
    )


def _waits_for_reader(page: RequestPage, side: Side) -> bool:
    return page.side is side and page.refusal is None


def _whose(page: RequestPage, side: Side) -> str:
    return "Your answer" if page.side is side else f"{page.other.name}'s answer"


def _silence(page: RequestPage, side: Side) -> str:
    if page.is_over:
        return "The time to answer is over:"
    return (
        "If you do not answer," if page.side is side else f"If {page.other.name} does not answer,"
    )


def _middle(page: RequestPage) -> list[str]:
    """What happened between the request and now, as far as its state tells."""
    request, said = page.request, []
    if request.on_silence == OnSilence.CONCEDE:
        said.append("Disputed")
    elif request.is_held or request.state == RequestState.DECIDED:
        said.append("Not answered")
    if page.split is not None:
        said.append("Support's split" if page.split.is_by_support else "Split proposed")
    return said


def _here(page: RequestPage) -> str:
    if page.split is not None:
        until = moments.day(page.split.answer_by, year=False)
        by_support = page.split.is_by_support
        return f"{'Both answers' if by_support else _whose(page, Side.CLIENT)} by {until}"
    if page.answer_by is not None:
        who = Side.CLIENT if page.request.state == RequestState.DISPUTED else Side.TALENT
        until = moments.day(page.answer_by, year=False)
        return f"{_whose(page, who)} by {until}"
    return f"With support, until {moments.day(page.request.decide_by, year=False)}"


def _last(page: RequestPage) -> str:
    """What is at the end of the way when nobody says anything more."""
    if page.answer_by is None:
        return "Settled"
    return {
        OnSilence.LAPSE: "Returned",
        OnSilence.ESCALATE: "With support",
        OnSilence.CONCEDE: "Paid",
    }[OnSilence(page.request.on_silence)]
