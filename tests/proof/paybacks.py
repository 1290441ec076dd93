"""The rules that play payments given back, and bonuses: asked for, given, declined, taken back."""

from __future__ import annotations

from typing import Any

from django.db.models import F
from hypothesis.stateful import precondition, rule

from contracts import bonuses
from contracts.models import Bonus, BonusRequest, Contract
from contracts.states import BonusRequestState, ContractKind, ContractState, Side
from marketplace import once
from marketplace.actors import Actor
from marketplace.money import Money
from payments import refund_requests, refunds
from payments.models import Payment, Refund, RefundRequest
from payments.states import RefundRequestState
from tests.proof.hours_kept import must
from tests.proof.playing import DICE, METHODS, PARTS, Dice, Player, every, plays, share, when
from tests.proof.world import pick

BONUSES = (5_000, 333, 100, 12_345, 99, 1_000)
UNRECORDED = (10, 90, 600, 15, 0)


class PaybackPlayer(Player):
    """Plays refunds and bonuses, and what is asked about either."""

    # Refunds -------------------------------------------------------------------------------------

    @plays(refunds.give)
    @when("payment")
    @precondition(lambda life: life.steps % 2 == 1)
    @rule(dice=DICE)
    def refund(self, dice: Dice) -> None:
        payment = some_payment(dice)
        if payment is None:
            return
        waiting = RefundRequest.objects.filter(payment=payment, state=RefundRequestState.WAITING)
        asked = waiting.first()
        answers = asked if asked is not None and dice.one_in(2) else None
        amount = share(payment.gross, dice.choice(PARTS))
        given = {"amount": amount, "reason": "", "key": once.new_key(), "answers": answers}

        def do(by: Actor) -> Refund:
            refund = refunds.give(payment, **given, by=by)
            must(refund.amount == amount, f"{refund} was given as {amount}")
            must(
                asked is None or granted_by(asked, refund),
                f"{refund} left a request for {payment} waiting",
            )
            return refund

        self.on_money(payment, do, Side.TALENT, dice)

    @plays(refund_requests.ask)
    @when("payment")
    @precondition(lambda life: life.steps % 2 == 0)
    @rule(dice=DICE)
    def ask_for_a_refund(self, dice: Dice) -> None:
        payment = some_payment(dice)
        if payment is None:
            return
        amount = share(payment.gross, dice.choice(PARTS))
        reason = dice.choice(("It does not work.", "It does not work.", "It does not work.", ""))
        given = {"amount": amount, "reason": reason, "key": once.new_key()}

        def do(by: Actor) -> RefundRequest:
            asked = refund_requests.ask(payment, **given, by=by)
            must(asked.amount == amount, f"{asked} was asked for as {amount}")
            return asked

        self.on_money(payment, do, Side.CLIENT, dice)

    @plays(refund_requests.decline, refund_requests.withdraw)
    @when("refund asked")
    @rule(dice=DICE)
    def answer_refund_request(self, dice: Dice) -> None:
        rows = RefundRequest.objects.select_related("payment__book__contract")
        asked = pick(dice, rows.filter(state=RefundRequestState.WAITING), rows)
        if asked is None:
            return
        do, side, words = dice.choice(
            (
                (refund_requests.decline, Side.TALENT, {"because": "It works."}),
                (refund_requests.withdraw, Side.CLIENT, {}),
            )
        )
        self.on_money(
            asked.payment, lambda by: do(asked, **words, by=by), side, dice, repeatable=False
        )

    def on_money(
        self, payment: Payment, do: Any, side: Side, dice: Dice, *, repeatable: bool = True
    ) -> None:
        """Act on a payment. It is of the money floor: its contract is not entered."""
        contract = payment.book.contract
        by = self.world.owner(contract, side)
        if dice.one_in(12):
            by = self.world.anybody(contract, dice.randrange(6))
        self.acted[contract.pk] = self.now
        self.act(lambda: do(by), twice=repeatable and dice.one_in(4))

    # Bonuses -------------------------------------------------------------------------------------

    @plays(bonuses.give)
    @when("contract active", "contract paused", "contract ended")
    @precondition(lambda life: life.steps % 4 == 2 or "bonus asked" in life.there)
    @rule(dice=DICE)
    def give_bonus(self, dice: Dice) -> None:
        contract, asked = self.for_a_bonus(dice)
        if contract is None:
            return
        amount = Money(dice.choice(BONUSES), contract.currency)
        if asked is not None and dice.one_in(2):
            amount = asked.amount
        given = {
            "amount": amount,
            "note": "Thank you.",
            "method": dice.choice(METHODS),
            "key": once.new_key(),
            "request": asked,
        }

        def do(by: Actor) -> Bonus:
            bonus = bonuses.give(contract, **given, by=by)
            must(bonus.amount == amount, f"{bonus} was given as {amount}")
            return bonus

        self.on(contract, do, Side.CLIENT, dice)

    def for_a_bonus(self, dice: Dice) -> tuple[Contract | None, BonusRequest | None]:
        """A contract, and now and then a request for a bonus on it that is answered so."""
        rows = BonusRequest.objects.select_related("contract__client", "contract__talent")
        asked = pick(dice, rows.filter(state=BonusRequestState.WAITING), rows)
        if asked is not None and dice.randrange(3):
            return asked.contract, asked
        states = (ContractState.ACTIVE, ContractState.PAUSED, ContractState.ENDED)
        return pick(dice, every().filter(state__in=states), every()), None

    @plays(bonuses.ask)
    @when("hourly ended")
    @rule(dice=DICE)
    def ask_for_a_bonus(self, dice: Dice) -> None:
        ended = every().filter(kind=ContractKind.HOURLY, state=ContractState.ENDED)
        contract = pick(dice, ended, every())
        if contract is None:
            return
        given = {
            "minutes": dice.choice(UNRECORDED),
            "amount": Money(dice.choice(BONUSES), contract.currency),
            "reason": dice.choice(("The call on Friday.", "The call on Friday.", "")),
            "key": once.new_key(),
        }
        self.on(contract, lambda by: bonuses.ask(contract, **given, by=by), Side.TALENT, dice)

    @plays(bonuses.decline_request, bonuses.withdraw_request)
    @when("bonus asked")
    @precondition(lambda life: life.steps % 2 == 0)
    @rule(dice=DICE)
    def answer_bonus_request(self, dice: Dice) -> None:
        rows = BonusRequest.objects.select_related("contract__client", "contract__talent")
        asked = pick(dice, rows.filter(state=BonusRequestState.WAITING), rows)
        if asked is None:
            return
        do, side, words = dice.choice(
            (
                (bonuses.decline_request, Side.CLIENT, {"because": ""}),
                (bonuses.withdraw_request, Side.TALENT, {}),
            )
        )
        self.on(asked.contract, lambda by: do(asked, **words, by=by), side, dice, repeatable=False)


def some_payment(dice: Dice) -> Payment | None:
    rows = Payment.objects.select_related("book__contract")
    found: Payment | None = pick(dice, rows.filter(refunded_minor__lt=F("gross_minor")), rows)
    return found


def granted_by(asked: RefundRequest, refund: Refund) -> bool:
    now = RefundRequest.objects.get(pk=asked.pk)
    return now.state == RefundRequestState.GRANTED and now.refund_id == refund.pk


def paybacks_there() -> set[str]:
    """What these rules can act on, in words."""
    there = set()
    if Payment.objects.filter(refunded_minor__lt=F("gross_minor")).exists():
        there.add("payment")
    if RefundRequest.objects.filter(state=RefundRequestState.WAITING).exists():
        there.add("refund asked")
    if BonusRequest.objects.filter(state=BonusRequestState.WAITING).exists():
        there.add("bonus asked")
    return there
