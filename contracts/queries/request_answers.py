"""What each side can answer to an escrow refund request, and what every answer does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.urls import reverse

from contracts.queries.request_clock import days
from contracts.queries.requests import RequestPage
from contracts.states import Side
from marketplace import moments, policy
from marketplace.components import Effect, Part
from marketplace.money import Money, zero
from payments.models import SplitProposal
from payments.states import RequestState

NOTHING: Final = "Nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One way to answer, with what the reader's side gets by it; ``posts`` needs no second look."""

    title: str
    amount: Money | str
    gets: str
    words: str
    label: str
    url: str
    parts: list[Part]
    posts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What an answer that cannot be undone does, before it is given."""

    title: str
    parts: list[Part]
    effects: list[Effect]
    sentence: str
    button: str


def answers_of(page: RequestPage) -> list[Answer]:
    """What the reader's side can answer now, from the page's own facts."""
    if not page.takes_answers:
        return []
    return list(_of_talent(page) if page.is_talent else _of_client(page))


def let_go_label(page: RequestPage) -> str:
    return f"Let {page.amount} go back"


def pay_label(page: RequestPage) -> str:
    return f"Pay {page.other.name} {page.amount} instead"


def agree_label(page: RequestPage, split: SplitProposal) -> str:
    if page.is_talent:
        return f"Accept: you receive {page.contract.book.net_of(split.to_talent)}"
    return f"Accept: {split.to_client} comes back to you"


# On the page ------------------------------------------------------------------------------------


def _of_talent(page: RequestPage) -> Iterator[Answer]:
    is_pending = page.request.state == RequestState.PENDING
    if page.split is not None and page.split.is_by_support:
        yield from _split_answers(page, page.split)
    elif page.split is not None:
        yield _take_back(page, page.split)
    yield _let_go(page)
    if page.may_propose:
        yield _propose(page)
    if is_pending:
        yield _dispute(page)


def _of_client(page: RequestPage) -> Iterator[Answer]:
    if page.split is not None:
        yield from _split_answers(page, page.split)
    yield _pay(page)
    if page.request.state == RequestState.DISPUTED:
        yield _reject(page)


def _let_go(page: RequestPage) -> Answer:
    nothing = zero(page.amount.currency)
    return Answer(
        title="Let it go back",
        amount=nothing,
        gets="for you",
        words=(
            f"{page.amount} goes back from escrow to {page.other.name} at once. Nothing is taken"
            " from your balance."
        ),
        label=let_go_label(page),
        url=_url(page, "escrow_refund_let_go"),
        parts=page.parts(nothing),
    )


def _propose(page: RequestPage) -> Answer:
    last = "" if page.splits_left > 1 else " It would be your last one."
    return Answer(
        title="Propose a split",
        amount="Part of it",
        gets="for you, after the fee",
        words=(
            f"You say how much is yours. {page.other.name} has {policy.ESCROW_CLIENT_WORKDAYS}"
            f" business days to accept or decline; your own time stands still meanwhile.{last}"
        ),
        label="Propose a split",
        url=_url(page, "escrow_refund_split"),
        parts=[Part(kind="planned", label="To be split", amount=page.amount)],
    )


def _dispute(page: RequestPage) -> Answer:
    also = " Your split is taken back with it." if page.split is not None else ""
    return Answer(
        title="Dispute",
        amount=page.net,
        gets="for you, after the fee",
        words=(
            f"if {page.other.name} pays, or does not answer within"
            f" {policy.ESCROW_CLIENT_WORKDAYS} business days. If they reject it, support"
            f" mediates.{also}"
        ),
        label="Dispute",
        url=_url(page, "escrow_refund_dispute"),
        parts=page.parts(page.amount),
    )


def _take_back(page: RequestPage, split: SplitProposal) -> Answer:
    assert page.rest is not None
    return Answer(
        title="Take your split back",
        amount=NOTHING,
        gets="moves for now",
        words=f"Your own time to answer goes on: you have {days(page.rest)} left.",
        label="Take your split back",
        url=_url(page, "split_take_back", split.pk),
        parts=page.parts(),
        posts=True,
    )


def _pay(page: RequestPage) -> Answer:
    nothing = zero(page.amount.currency)
    return Answer(
        title="Pay it instead",
        amount=nothing,
        gets="comes back to you",
        words=(
            f"{page.other.name} is paid {page.amount} from escrow at once, and receives {page.net}"
            " after the fee."
        ),
        label=pay_label(page),
        url=_url(page, "escrow_refund_pay_instead"),
        parts=page.parts(page.amount),
    )


def _reject(page: RequestPage) -> Answer:
    return Answer(
        title="Reject the dispute",
        amount=NOTHING,
        gets="moves for now",
        words=(
            f"You say why, support mediates, and decides by"
            f" {moments.day(page.request.decide_by)} at the latest unless you two agree."
        ),
        label="Reject the dispute",
        url=_url(page, "escrow_refund_reject"),
        parts=page.parts(),
    )


def _split_answers(page: RequestPage, split: SplitProposal) -> Iterator[Answer]:
    if split.has_agreed(page.side):
        return
    net = page.contract.book.net_of(split.to_talent)
    yield Answer(
        title="Accept the split",
        amount=net if page.is_talent else split.to_client,
        gets="for you, after the fee" if page.is_talent else "comes back to you, as credit",
        words=(
            f"{split.to_client} goes back to {page.other.name}."
            if page.is_talent
            else f"{page.other.name} is paid {split.to_talent}, and receives {net} after the fee."
        ),
        label="Accept the split",
        url=_url(page, "split_agree", split.pk),
        parts=page.parts(split.to_talent),
    )
    yield Answer(
        title="Decline the split",
        amount=NOTHING,
        gets="moves for now",
        words=_after_no(page),
        label="Decline the split",
        url=_url(page, "split_decline", split.pk),
        parts=page.parts(),
    )


def _after_no(page: RequestPage) -> str:
    """What comes after a split was declined."""
    if page.rest is not None:
        return f"{page.other.name} then has {days(page.rest)} left to answer your request."
    return (
        f"Support decides by {moments.day(page.request.decide_by)} at the latest, with a reason"
        " that both of you read."
    )


def _url(page: RequestPage, name: str, *args: int) -> str:
    return reverse(name, args=[page.request.pk, *args])


# Before it is given -----------------------------------------------------------------------------


def letting_go(page: RequestPage) -> Confirmation:
    other, nothing = page.other.name, zero(page.amount.currency)
    return Confirmation(
        title=let_go_label(page),
        parts=page.parts(nothing),
        effects=[
            Effect(term=f"Goes back from escrow to {other}", value=page.amount, detail="at once"),
            Effect(term="You receive of it", value=nothing),
            Effect(term="Taken from your balance", value=nothing),
        ],
        sentence=f"{page.amount} goes back from escrow to {other} now. This cannot be undone.",
        button=let_go_label(page),
    )


def paying_instead(page: RequestPage) -> Confirmation:
    other, nothing = page.other.name, zero(page.amount.currency)
    fee = page.amount - page.net
    return Confirmation(
        title=pay_label(page),
        parts=page.parts(page.amount),
        effects=[
            Effect(
                term=f"{other} receives",
                value=page.net,
                detail=f"{page.amount} from escrow, less the fee of {fee}",
            ),
            Effect(term="Comes back to you", value=nothing),
            Effect(term="Charged now", value=nothing, detail="the money is in escrow already"),
        ],
        sentence=f"{page.amount} is paid from escrow to {other} now. This cannot be undone.",
        button=pay_label(page),
    )


def agreeing(page: RequestPage, split: SplitProposal) -> Confirmation:
    book, other = page.contract.book, page.other.name
    net, fee = book.net_of(split.to_talent), book.fee_of(split.to_talent)
    both = split.has_agreed(page.side.other)
    when = "now" if both else f"as soon as {other} has accepted too"
    talent = "You receive" if page.is_talent else f"{other} receives"
    back = f"Goes back to {other}" if page.is_talent else "Comes back to you"
    return Confirmation(
        title="Accept the split",
        parts=page.parts(split.to_talent),
        effects=[
            Effect(
                term=talent,
                value=net,
                detail=f"{split.to_talent} from escrow, less the fee of {fee}",
            ),
            Effect(term=back, value=split.to_client, detail="from escrow, as credit"),
            Effect(term="When", value="at once" if both else "once both have accepted"),
        ],
        sentence=(
            f"{split.to_talent} is paid to {page.name(Side.TALENT)} and {split.to_client} goes back"
            f" to {page.name(Side.CLIENT)} {when}. This cannot be undone."
        ),
        button=agree_label(page, split),
    )


def declining(page: RequestPage, split: SplitProposal) -> Confirmation:
    return Confirmation(
        title="Decline the split",
        parts=page.parts(),
        effects=[
            Effect(term="Stays in escrow", value=page.amount),
            Effect(term="The split is off", value=split.to_talent, detail=_would(page)),
        ],
        sentence=f"Nothing moves now. {_after_no(page)}",
        button="Decline the split",
    )


def splitting(page: RequestPage, to_talent: Money) -> list[Effect]:
    """What a split of the talent brings once the client accepts it."""
    book, other = page.contract.book, page.other.name
    return [
        Effect(
            term="You receive",
            value=book.net_of(to_talent),
            detail=f"{to_talent} less the fee of {book.fee_of(to_talent)}",
        ),
        Effect(term=f"Goes back to {other}", value=page.amount - to_talent),
    ]


def _would(page: RequestPage) -> str:
    return "would have been yours" if page.is_talent else f"would have been {page.other.name}'s"
