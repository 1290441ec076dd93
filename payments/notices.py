"""What people are told of money that moves without a contract's page: refunds, withdrawals.

Each side reads it in words of its own; who acted gets a receipt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.urls import reverse

from marketplace import notices, policy
from marketplace.actors import PLATFORM, Actor
from marketplace.models import Party
from marketplace.money import total
from marketplace.notices import Kind
from marketplace.states import Side
from payments.models import Chargeback, GatewayOperation, Payment, Refund, RefundRequest
from payments.states import OperationKind

REFUND_GIVEN: Final = notices.kind("payments.refund_given", money=True)
REFUND_RECEIVED: Final = notices.kind("payments.refund_received", money=True)
REFUND_ASKED: Final = notices.kind("payments.refund_asked", money=True)
REFUND_DECLINED: Final = notices.kind("payments.refund_declined", money=True)
REFUND_REQUEST_WITHDRAWN: Final = notices.kind("payments.refund_request_withdrawn", money=True)
REFUND_REQUEST_OVER: Final = notices.kind("payments.refund_request_over", money=True)
CHARGE_TO_CONFIRM: Final = notices.kind("payments.charge_to_confirm", money=True)
MONEY_SENT: Final = notices.kind("payments.money_sent", money=True)
MONEY_CAME_BACK: Final = notices.kind("payments.money_came_back", money=True)
CHARGEBACK_OPENED: Final = notices.kind("payments.chargeback_opened", money=True)
CHARGEBACK_WON: Final = notices.kind("payments.chargeback_won", money=True)
CHARGEBACK_LOST: Final = notices.kind("payments.chargeback_lost", money=True)
CHARGEBACK_WRITTEN_OFF: Final = notices.kind("payments.chargeback_written_off", money=True)
CREDIT_SENT_BACK: Final = notices.kind("payments.credit_sent_back", money=True)
CREDIT_CHOICE: Final = notices.kind("payments.credit_choice", money=True)
WALLET_CHANGED: Final = notices.kind("payments.wallet_changed", money=True)

PAGES: Final = {Side.CLIENT: "ask_refund", Side.TALENT: "give_refund"}
"""Where each side reads about a request, and acts on it."""


def refund_given(refund: Refund, *, request: RefundRequest | None, by: Actor) -> None:
    """A receipt for the talent, and the good news for the client.

    Args:
        request: what it answers, if the client had asked.
    """
    facts = {
        **_of(refund.payment, by),
        "amount": refund.amount,
        "fee": refund.fee,
        "cost": refund.amount - refund.fee,
        "whole": not refund.payment.refundable,
        "reason": refund.reason,
        "asked": request.amount if request else None,
        "less": bool(request and refund.amount < request.amount),
    }
    path = reverse("payments")
    kinds = {Side.TALENT: REFUND_GIVEN, Side.CLIENT: REFUND_RECEIVED}
    _write(refund.payment, kinds, dict.fromkeys(Side, path), facts)


def refund_asked(request: RefundRequest, *, by: Actor) -> None:
    """The talent reads what is asked and why, the client that it was passed on."""
    _about(REFUND_ASKED, request, by=by, reason=request.reason)


def refund_declined(request: RefundRequest, *, by: Actor) -> None:
    _about(REFUND_DECLINED, request, by=by, because=request.declined_because)


def refund_request_withdrawn(request: RefundRequest, *, by: Actor) -> None:
    _about(REFUND_REQUEST_WITHDRAWN, request, by=by)


def refund_request_over(request: RefundRequest) -> None:
    """Nobody answered while the payment could be refunded, or a dispute took all of it back."""
    given_back = not request.payment.refundable
    _about(REFUND_REQUEST_OVER, request, by=PLATFORM, given_back=given_back)


def charge_to_confirm(operation: GatewayOperation) -> None:
    """The client's bank wants the client itself to say yes."""
    book = operation.book
    assert book is not None
    facts = {
        "title": book.title,
        "reference": book.reference,
        "amount": operation.amount,
        "method": operation.method_label,
        "until": operation.started_at + policy.OPERATION_GIVES_UP,
    }
    path = reverse("confirm_charge", args=[operation.pk])
    _tell(CHARGE_TO_CONFIRM, book.client, facts, path)


def credit_sent_back(begun: Sequence[GatewayOperation], *, by: Actor) -> None:
    """A receipt, once for all charges to which credit goes; what fails is told when it does."""
    client = begun[0].owner
    facts = {
        "amount": total([one.amount for one in begun], begun[0].currency),
        "parts": [_of_part(one) for one in begun],
        "person": by.user.name if by.user else "",
    }
    _tell(CREDIT_SENT_BACK, client, facts, reverse("payments"))


def credit_choice(party: Party, *, goes_back: bool, by: Actor) -> None:
    """What the client wishes for money that comes back: all who manage its money read it."""
    facts = {"goes_back": goes_back, "person": by.user.name if by.user else ""}
    _tell(CREDIT_CHOICE, party, facts, reverse("payment_methods"))


def wallet_changed(party: Party, what: str, label: str, *, by: Actor) -> None:
    """How a party pays, or where it is paid to, is not what it was: all who manage it read it.

    Args:
        what: added, preferred, removed, or destination.
        label: how people call the payment method, or the account withdrawals go to.
    """
    facts = {"what": what, "label": label, "person": by.user.name if by.user else ""}
    _tell(WALLET_CHANGED, party, facts, reverse("payment_methods"))


def money_sent(operation: GatewayOperation) -> None:
    """A receipt: the gateway took what was withdrawn."""
    _tell(MONEY_SENT, operation.owner, _of_outgoing(operation), _page_of(operation))


def money_came_back(operation: GatewayOperation) -> None:
    """What was withdrawn, or sent back, did not arrive; it is here again."""
    facts = _of_outgoing(operation) | {"because": operation.declined_because}
    _tell(MONEY_CAME_BACK, operation.owner, facts, _page_of(operation))


def _page_of(operation: GatewayOperation) -> str:
    """Where it was begun, and can be begun again."""
    if operation.kind == OperationKind.PAYOUT:
        return f"{reverse('withdraw')}?currency={operation.currency}"
    return reverse("payments")


def _of_part(operation: GatewayOperation) -> dict[str, Any]:
    charge, book = operation.of, operation.book
    assert charge is not None
    assert book is not None
    return {
        "amount": operation.amount,
        "method": operation.method_label,
        "title": book.title,
        "charged_at": charge.settled_at,
    }


def chargeback_opened(chargeback: Chargeback) -> None:
    """The client's bank took a charge back: from where it was taken here, and what follows."""
    _of_bank(CHARGEBACK_OPENED, chargeback)


def chargeback_won(chargeback: Chargeback) -> None:
    """The bank gave the money back; all is as it was."""
    _of_bank(CHARGEBACK_WON, chargeback)


def chargeback_lost(chargeback: Chargeback) -> None:
    """The client keeps what its bank took; what its credit did not cover stays open."""
    _of_bank(CHARGEBACK_LOST, chargeback)


def chargeback_written_off(chargeback: Chargeback, *, because: str) -> None:
    """Support lets it be."""
    _of_bank(CHARGEBACK_WRITTEN_OFF, chargeback, because=because)


def _of_bank(kind: Kind, chargeback: Chargeback, **facts: Any) -> None:
    book, charge = chargeback.book, chargeback.operation
    facts |= {
        "title": book.title,
        "reference": book.reference,
        "amount": chargeback.amount,
        "from_credit": chargeback.from_credit,
        "open": chargeback.from_operator,
        "method": charge.method_label,
        "charged_at": charge.started_at,
    }
    _tell(kind, book.client, facts, reverse("payments"))


def _of_outgoing(operation: GatewayOperation) -> dict[str, Any]:
    return {
        "amount": operation.amount,
        "method": operation.method_label,
        "is_payout": operation.kind == OperationKind.PAYOUT,
        "person": operation.actor.user.name if operation.actor.user else "",
        "arrives_on": operation.arrives_on,
        "at": operation.started_at,
    }


def _tell(kind: Kind, party: Party, facts: dict[str, Any], path: str) -> None:
    """Tell the owners and managers of one party."""
    batch = notices.Batch()
    batch.add(kind, to=notices.managers_of(party), facts=facts, path=path)
    batch.write()


def _about(kind: Kind, request: RefundRequest, *, by: Actor, **facts: Any) -> None:
    payment = request.payment
    facts |= {**_of(payment, by), "amount": request.amount, "until": request.until}
    paths = {side: reverse(name, args=[payment.pk]) for side, name in PAGES.items()}
    _write(payment, dict.fromkeys(Side, kind), paths, facts)


def _of(payment: Payment, by: Actor) -> dict[str, Any]:
    book = payment.book
    return {
        "title": book.title,
        "reference": book.reference,
        "payment": payment.title,
        "talent": book.talent.name,
        "client": book.client.name,
        "person": by.user.name if by.user else book.talent.name,
    }


def _write(
    payment: Payment, kinds: dict[Side, Kind], paths: dict[Side, str], facts: dict[str, Any]
) -> None:
    """Tell owners and managers of both sides, in one batch."""
    book = payment.book
    sides = {Side.TALENT: book.talent, Side.CLIENT: book.client}
    people = notices.managers_of(book.client, book.talent)
    batch = notices.Batch()
    for side, party in sides.items():
        recipients = notices.of_party(people, party)
        batch.add(kinds[side], to=recipients, facts={**facts, "side": side}, path=paths[side])
    batch.write()
