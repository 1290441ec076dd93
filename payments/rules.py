"""Who may move which money when. Each rule gives the sentence that buttons and doors show."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from marketplace import policy
from marketplace.actors import Actor
from marketplace.refusals import Refusal

if TYPE_CHECKING:
    from marketplace.models import Party
    from payments.models import EscrowRefundRequest, Payment

ONLY_MANAGERS = "Only an owner or manager of {party} can do this."


def platform_only(row: Any, actor: Actor) -> Refusal | None:
    return None if actor.is_platform else Refusal("Only Closeout itself does this.")


def staff_only(row: Any, actor: Actor) -> Refusal | None:
    return None if actor.is_staff else Refusal("Only support can do this.")


def talent_answers(request: EscrowRefundRequest, actor: Actor) -> Refusal | None:
    """The talent's owners and managers answer an escrow refund request."""
    return _managers_of(request.book.talent, actor)


def client_answers(request: EscrowRefundRequest, actor: Actor) -> Refusal | None:
    """The client's owners and managers may pay instead."""
    return _managers_of(request.book.client, actor)


def may_refund(payment: Payment, actor: Actor, *, now: datetime) -> Refusal | None:
    """Both of the following, as an answer for buttons."""
    return talent_refunds(payment, actor) or still_refundable(payment, now)


def talent_refunds(payment: Payment, actor: Actor) -> Refusal | None:
    """Refunds are given by the talent's owners and managers (S)."""
    return _managers_of(payment.book.talent, actor)


def still_refundable(payment: Payment, now: datetime) -> Refusal | None:
    """Refunds are of payments of the last 180 days (S), and never more than the payment.

    While its hours are disputed a payment waits for that.
    """
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


def refundable_until(payment: Payment) -> datetime:
    """The last instant at which the payment can be refunded, to the second (S: 180 days)."""
    return payment.paid_at + policy.REFUND_WINDOW


def _managers_of(party: Any, actor: Actor) -> Refusal | None:
    if actor.party_id != party.pk:
        return Refusal(f"Only {party.name} can do this.")
    if not actor.manages:
        return Refusal(ONLY_MANAGERS.format(party=party.name))
    return None
