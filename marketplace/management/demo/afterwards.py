"""What a paid contract leads to: refunds that are asked for and given, bonuses."""

from __future__ import annotations

from datetime import timedelta

from contracts import bonuses
from contracts.models import Bonus, BonusRequest
from marketplace import clock, policy
from marketplace.actors import PLATFORM
from marketplace.management.demo.deals import Deal
from marketplace.money import Money
from payments import refunds, rules
from payments.ledger import Leg
from payments.models import Payment, Refund, RefundRequest
from payments.refunds import Balances
from payments.states import EntryKind


class PaidDeal(Deal):
    """As the real doors would have it; a payment can be asked back, given back, or added to."""

    refund_request: RefundRequest

    def ask_for_refund(self, payment: Payment, amount: Money) -> None:
        request = RefundRequest(
            payment=payment,
            currency=amount.currency,
            amount_minor=amount.minor,
            reason="We could not use all of it.",
            asked_at=clock.now(),
            until=rules.refundable_until(payment),
        )
        self.refund_request = self.rows.add(request)
        self._created(request, by=self.client.by)

    def decline(self) -> None:
        because = "It was delivered as agreed."
        self._move(
            self.refund_request, "decline", by=self.talent.by, because=because, at=clock.now()
        )

    def refund(self, payment: Payment, amount: Money) -> Refund:
        """As much of it as the talent has: from what is pending of the payment, then available."""
        book, now = self.book, clock.now()
        has = Balances(payment.pending_left, book.available_account.balance)
        planned = refunds.preview(payment, min(amount, refunds.most_possible(payment, has)), has)
        legs = [
            Leg(book.pending_account_id, book.credit_account_id, planned.from_pending),
            Leg(book.available_account_id, book.credit_account_id, planned.from_available),
            Leg(book.fees_account_id, book.credit_account_id, planned.fee),
        ]
        key, title = f"refund:{payment.pk}:1", payment.title
        entry = self._post(EntryKind.REFUND, legs, key=key, memo=title, by=self.talent.by)
        payment.refunded_minor += planned.amount.minor
        payment.fee_returned_minor += planned.fee.minor
        payment.pending_left_minor -= planned.from_pending.minor
        refund = Refund(
            payment=payment,
            currency=payment.currency,
            amount_minor=planned.amount.minor,
            fee_minor=planned.fee.minor,
            from_pending_minor=planned.from_pending.minor,
            from_available_minor=planned.from_available.minor,
            reason="For what could not be used.",
            at=now,
            entry=entry,
            **self.talent.by.columns(),
        )
        return self.rows.add(refund)

    def grant(self) -> None:
        """The talent refunds what was asked for, as far as its balance goes."""
        request = self.refund_request
        refund = self.refund(request.payment, request.amount)
        self._move(request, "grant", by=self.talent.by, refund=refund, at=refund.at)

    def give_bonus(self, amount: Money, request: BonusRequest | None = None) -> None:
        """From credit first; the rest is charged and confirmed at once."""
        now, by = clock.now(), self.client.by
        bonus = Bonus(
            contract=self.contract,
            request=request,
            currency=amount.currency,
            amount_minor=amount.minor,
            note="Thank you!",
            given_at=now,
        )
        self._created(self.rows.add(bonus), by=by)
        rest = amount - min(self.book.credit, amount)
        if rest:
            charge = max(rest, policy.minimum_charge(amount.currency))
            key = f"bonus:market-{bonus.pk}"
            self._charge(charge, bonuses.PURPOSE, bonus, key=key, by=by)
            by = PLATFORM
        payment = self._pay_out(
            EntryKind.BONUS,
            self.book.credit_account_id,
            amount,
            key=f"bonus:{bonus.pk}",
            title=bonuses.TITLE,
            paid_at=now,
            available_at=now + policy.SECURITY_PERIOD,
            by=by,
        )
        self._move(bonus, "pay", by=by, payment=payment)
        if request is not None:
            self._move(request, "grant", by=by, at=now)
        self._place()

    def ask_for_bonus(self, amount: Money, minutes: int) -> BonusRequest:
        """For time that the locked diary does not have."""
        assert self.contract.ended_at is not None
        request = BonusRequest(
            contract=self.contract,
            currency=amount.currency,
            amount_minor=amount.minor,
            minutes=minutes,
            reason="The last call is missing in the diary.",
            asked_at=clock.now(),
            until=self.contract.ended_at + policy.BONUS_WINDOW + timedelta.resolution,
        )
        self._created(self.rows.add(request), by=self.talent.by)
        self._place()
        return request
