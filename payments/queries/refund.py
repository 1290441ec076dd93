"""What the refund page shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from marketplace import clock
from marketplace.money import Money, zero
from payments import maturing, refunds, rules
from payments.models import Account, Payment
from payments.queries.balances import due_of
from payments.queries.contract import reversed_of
from payments.refunds import Balances


@dataclass(frozen=True, slots=True)
class RefundPage:
    """A payment, until when and how much of it can be refunded now, and from which balances.

    Of what went back already, ``reversed`` was taken back by a dispute of hours.
    """

    payment: Payment
    reversed: Money
    until: datetime
    balances: Balances
    most: Money

    @property
    def refunded(self) -> Money:
        given: Money = self.payment.refunded - self.reversed
        return given

    @property
    def whole_is_possible(self) -> bool:
        return self.most == self.payment.refundable


def refund_page(payment: Payment) -> RefundPage:
    """The figures for a payment as they are now; at most three queries."""
    now = clock.now()
    book = payment.book
    available = Account.objects.get(pk=book.available_account_id).balance
    due = due_of(book.talent, now).get(payment.currency, zero(payment.currency))
    pending = zero(payment.currency) if maturing.is_due(payment, now) else payment.pending_left
    balances = Balances(pending, available + due)
    return RefundPage(
        payment,
        reversed_of([payment]).get(payment.pk, zero(payment.currency)),
        rules.refundable_until(payment),
        balances,
        refunds.most_possible(payment, balances),
    )
