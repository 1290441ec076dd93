"""Who may move which money when. Each rule gives the sentence that buttons and doors show."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any

from marketplace import policy
from marketplace.actors import Actor
from marketplace.refusals import NotYours, Overtaken, Refusal
from payments.states import DISCUSSED_REQUESTS, HELD_REQUESTS, RequestState

if TYPE_CHECKING:
    from marketplace.models import Party
    from payments.models import (
        Correction,
        EscrowRefundRequest,
        Payment,
        RefundRequest,
        SplitProposal,
    )

NOT_DISPUTED = Refusal("Nothing is disputed here. Write a message on the contract instead.")
NOT_WITH_SUPPORT = Refusal("Support does not have this request now.")
OF_ITS_STATE = (NOT_DISPUTED, NOT_WITH_SUPPORT)
NOT_YOURS = Refusal("Only the two sides can answer this.")
ONLY_TALENT = Refusal("Clients have credit here, which is sent back instead of withdrawn.")
ONLY_MANAGERS = "Only an owner or manager of {party} can do this."


def platform_only(row: Any, actor: Actor) -> Refusal | None:
    return None if actor.is_platform else Refusal("Only Closeout itself does this.")


def staff_only(row: Any, actor: Actor) -> Refusal | None:
    return None if actor.is_staff else Refusal("Only support can do this.")


def talent_answers(request: EscrowRefundRequest | RefundRequest, actor: Actor) -> Refusal | None:
    """The talent's owners and managers answer what the client asks for."""
    return _managers_of(request.book.talent, actor)


def client_answers(request: EscrowRefundRequest | RefundRequest, actor: Actor) -> Refusal | None:
    """The client's owners and managers take it back, pay instead, and answer a dispute."""
    return _managers_of(request.book.client, actor)


def either_side_answers(request: EscrowRefundRequest, actor: Actor) -> Refusal | None:
    """Owners and managers of either side; the platform when the time is over."""
    if actor.is_platform:
        return None
    party = request.book.talent if actor.party_id == request.book.talent_id else request.book.client
    return _managers_of(party, actor)


def answers_split(split: SplitProposal, actor: Actor) -> Refusal | None:
    """The client answers a split of the talent; both sides one of support."""
    if split.is_by_support:
        return NOT_YOURS if actor.is_platform else either_side_answers(split.request, actor)
    return client_answers(split.request, actor)


def ends_split(split: SplitProposal, actor: Actor) -> Refusal | None:
    """Who proposed it takes it back; it ends with its request, whoever settles that."""
    if split.is_by_support and actor.is_staff:
        return None
    return either_side_answers(split.request, actor)


def takes_back_split(split: SplitProposal, actor: Actor) -> Refusal | None:
    """Only who proposed it."""
    if split.is_by_support:
        return staff_only(split, actor)
    return talent_answers(split.request, actor)


def adds_statement(request: EscrowRefundRequest, actor: Actor) -> Refusal | None:
    """Either side, once there is a dispute, until it is settled."""
    if request.state not in DISCUSSED_REQUESTS:
        return NOT_DISPUTED
    return NOT_YOURS if actor.is_platform else either_side_answers(request, actor)


def writes_note(request: EscrowRefundRequest, actor: Actor) -> Refusal | None:
    """Support, about what it has."""
    return staff_only(request, actor) or _with_support(request, HELD_REQUESTS)


def proposes_in_mediation(request: EscrowRefundRequest, actor: Actor) -> Refusal | None:
    """Support, while it mediates."""
    return staff_only(request, actor) or _with_support(request, (RequestState.MEDIATING,))


def refuse(refusal: Refusal | None) -> None:
    """Raise a rule's answer, if it is one.

    Raises:
        Overtaken: the request's state does not allow it.
        NotYours: this person may not.
    """
    if refusal is not None:
        raise Overtaken(refusal) if refusal in OF_ITS_STATE else NotYours(refusal)


def second_person(correction: Correction, actor: Actor) -> Refusal | None:
    """Support, but not who proposed it."""
    if not actor.is_staff or actor.staff is None:
        return staff_only(correction, actor)
    if actor.staff.pk == correction.proposed_by_id:
        return Refusal("A second person of support has to approve what you proposed.")
    return None


def may_refund(payment: Payment, actor: Actor, *, now: datetime) -> Refusal | None:
    """Both of the following, as an answer for buttons."""
    return talent_refunds(payment, actor) or still_refundable(payment, now)


def talent_refunds(payment: Payment, actor: Actor) -> Refusal | None:
    """Refunds are given by the talent's owners and managers (S)."""
    return _managers_of(payment.book.talent, actor)


def may_ask(payment: Payment, actor: Actor, *, now: datetime, times: int) -> Refusal | None:
    """Whether the client may ask for the payment back, as an answer for buttons.

    Args:
        times: how often it was asked for before; a request that waits is the caller's to look at.
    """
    return client_asks(payment, actor) or still_askable(payment, now, times=times)


def client_asks(payment: Payment, actor: Actor) -> Refusal | None:
    """Refunds are asked for by the client's owners and managers."""
    return _managers_of(payment.book.client, actor)


def still_askable(payment: Payment, now: datetime, *, times: int) -> Refusal | None:
    """A client asks for what can be refunded, and only so often per payment (D)."""
    refusal = still_refundable(payment, now)
    if refusal is None and times >= policy.REFUND_REQUESTS:
        return Refusal(
            f"This payment was asked back {policy.REFUND_REQUESTS} times, which is as often as"
            f" possible. {payment.book.talent.name} can still refund it."
        )
    return refusal


def asked_already(request: RefundRequest) -> Refusal:
    """One request waits at a time."""
    return Refusal(
        f"{request.amount} of this payment was asked for already. That request still waits for"
        f" {request.book.talent.name}."
    )


def left_of(payment: Payment) -> str:
    """How much of a payment a refund, or a request for one, can be about."""
    return f"At most {payment.refundable} of this payment can still be refunded."


def still_refundable(payment: Payment, now: datetime) -> Refusal | None:
    """Refunds are of payments of the last 180 days (S), and never more than the payment.

    While its hours are disputed a payment waits for that. What the operator paid in the client's
    place is nobody's to refund to the client.
    """
    if payment.from_operator:
        return Refusal("Closeout paid this in the client's place. It cannot be refunded.")
    if payment.held:
        return Refusal(
            "The hours of this payment are disputed. It can be refunded once that is settled."
        )
    if not payment.refundable:
        return Refusal("This payment was refunded in full already.")
    if now > refundable_until(payment):
        return Refusal(
            f"This payment is more than {policy.REFUND_WINDOW.days} days old"
            " and can no longer be refunded."
        )
    return None


def sees_money(party: Party, actor: Actor) -> Refusal | None:
    """What a party owns and owes is read by its owners and managers."""
    return _managers_of(party, actor)


def withdraws(party: Party, actor: Actor) -> Refusal | None:
    """Available money is withdrawn by the talent's owners and managers; a client has credit."""
    if not party.is_talent:
        return ONLY_TALENT
    return _managers_of(party, actor)


def has_credit(party: Party, actor: Actor) -> Refusal | None:
    """Credit is money of clients; their owners and managers say where it goes."""
    if not party.is_client:
        return Refusal("Only clients have credit.")
    return _managers_of(party, actor)


def refundable_until(payment: Payment) -> datetime:
    """The last instant at which the payment can be refunded, to the second (S: 180 days)."""
    return payment.paid_at + policy.REFUND_WINDOW


def _with_support(request: EscrowRefundRequest, states: Collection[RequestState]) -> Refusal | None:
    return None if request.state in states else NOT_WITH_SUPPORT


def _managers_of(party: Any, actor: Actor) -> Refusal | None:
    if actor.party_id != party.pk:
        return Refusal(f"Only {party.name} can do this.")
    if not actor.manages:
        return Refusal(ONLY_MANAGERS.format(party=party.name))
    return None
