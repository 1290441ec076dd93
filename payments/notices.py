"""What people are told of money that moved without a contract's page: refunds."""

from __future__ import annotations

from typing import Final

from django.urls import reverse

from marketplace import notices
from marketplace.actors import Actor
from payments.models import Refund

REFUND_GIVEN: Final = notices.kind("payments.refund_given", money=True)
REFUND_RECEIVED: Final = notices.kind("payments.refund_received", money=True)


def refund_given(refund: Refund, *, by: Actor) -> None:
    """A receipt for the talent, and the good news for the client."""
    book = refund.payment.book
    facts = {
        "title": book.title,
        "reference": book.reference,
        "payment": refund.payment.title,
        "amount": refund.amount,
        "fee": refund.fee,
        "cost": refund.amount - refund.fee,
        "whole": not refund.payment.refundable,
        "reason": refund.reason,
        "talent": book.talent.name,
        "client": book.client.name,
        "person": by.user.name if by.user else book.talent.name,
    }
    people = notices.managers_of(book.client, book.talent)
    batch = notices.Batch()
    for kind, party in ((REFUND_GIVEN, book.talent), (REFUND_RECEIVED, book.client)):
        recipients = notices.of_party(people, party)
        batch.add(kind, to=recipients, facts=facts, path=reverse("payments"))
    batch.write()
