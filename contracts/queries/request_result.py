"""How an escrow refund request was settled, and who got what."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.queries.requests import RequestPage
from contracts.states import Side
from marketplace import moments
from marketplace.components import Part
from marketplace.money import Money
from payments.models import Payment
from payments.states import RequestState


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """In the words of one side; ``gets`` says what the amount is, ``then`` where it is now."""

    title: str
    amount: Money
    gets: str
    then: str
    parts: list[Part]


def result_of(page: RequestPage, payment: Payment | None) -> Result:
    """A settled request's outcome.

    Args:
        payment: what the talent was paid, if anything.
    """
    request = page.request
    to_talent, to_client = request.to_talent, request.to_client
    assert to_talent is not None
    assert to_client is not None
    return Result(
        title=_title(page),
        amount=page.contract.book.net_of(to_talent) if page.is_talent else to_client,
        gets="for you, after the fee" if page.is_talent else "came back to you",
        then=_of_talent(page, payment) if page.is_talent else _of_client(page, to_client),
        parts=page.parts(to_talent),
    )


def _title(page: RequestPage) -> str:
    amount, client, talent = page.amount, page.name(Side.CLIENT), page.name(Side.TALENT)
    late = "as the dispute was not answered in time"
    said = {
        RequestState.ACCEPTED: f"{talent} let {amount} go back",
        RequestState.LAPSED: f"{amount} went back, as there was no answer in time",
        RequestState.WITHDRAWN: f"{client} paid {talent} {amount} instead",
        RequestState.CONCEDED: f"{client} paid {talent} {amount} instead",
        RequestState.CONCEDED_BY_SILENCE: f"{amount} was paid to {talent}, {late}",
        RequestState.AGREED: f"Both sides agreed to a split of {amount}",
        RequestState.DECIDED: f"Support decided about the {amount}",
    }[RequestState(page.request.state)]
    return said[:1].upper() + said[1:]


def _of_talent(page: RequestPage, payment: Payment | None) -> str:
    if payment is None:
        return "Nothing was taken from your balance."
    available = moments.day(payment.available_at)
    if payment.matured_at or payment.available_at <= page.now:
        return f"It became available on {available}."
    return f"It is pending until {available}, and available then."


def _of_client(page: RequestPage, to_client: Money) -> str:
    if to_client:
        return "It is credit, which pays your next charge first."
    return f"Nothing else was taken from you. {page.other.name} was paid from escrow."
