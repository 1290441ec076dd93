"""The rules that play what comes back: escrow after an end, and all that is said about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis.stateful import precondition, rule

from contracts import escrow_answers
from contracts.models import Contract
from contracts.states import Side
from marketplace import clock, once
from marketplace.actors import Actor
from marketplace.money import Money
from payments.models import EscrowRefundRequest, SplitProposal
from payments.states import (
    DISCUSSED_REQUESTS,
    HELD_REQUESTS,
    OPEN_REQUESTS,
    RequestState,
    SplitState,
)
from tests.proof.hours_kept import must
from tests.proof.playing import DICE, PARTS, Dice, Player, every, plays, share, when
from tests.proof.world import pick

SPLIT_PARTS = (0.5, 0.5, 0.333, 0.07, 0.0, 1.0, 1.01)
LINKS = ((), (), ("https://example.com/draft",))
SCENES = (
    "asked",
    "split",
    "late split",
    "disputed",
    "escalated",
    "mediating",
    "both asked",
)
AGES = (
    timedelta(0),
    timedelta(0),
    timedelta(days=1, seconds=1),
    timedelta(days=2, seconds=-1),
    timedelta(days=6, hours=23),
)
"""How long ago the scene may have been."""


class ReturnsPlayer(Player):
    """Plays escrow refund requests: both sides, and support."""

    def begin_request(self, contract: Contract, scene: str, dice: Dice) -> None:
        """The client has ended with money in escrow; what was said since.

        Args:
            scene: one of ``SCENES``; a submitted milestone makes it one for support.
        """
        self.everything_adds_up()
        client, talent = (self.world.owner(contract, side) for side in Side)
        if scene == "escalated":
            self.now += timedelta(days=7)
            self.sweep()
        if scene == "late split":
            self.now += timedelta(days=6)
        with clock.at(self.now):
            if scene in ("split", "late split"):
                amount = share(self.asked_for(contract), 0.333)
                split = escrow_answers.propose_split(
                    contract, to_talent=amount, message="", by=talent
                )
            if scene == "late split":
                escrow_answers.decline_split(split, by=client)
            if scene in ("disputed", "mediating", "both asked"):
                escrow_answers.dispute(contract, text="I delivered.", by=talent)
            if scene in ("mediating", "both asked"):
                escrow_answers.reject(contract, text="You did not.", by=client)
            if scene == "both asked":
                amount = share(self.asked_for(contract), 0.5)
                escrow_answers.propose_in_mediation(
                    contract, to_talent=amount, message="Half.", by=self.world.support
                )
        self.now += dice.choice(AGES)

    @plays(escrow_answers.let_go, escrow_answers.pay_instead)
    @when(*(f"request {state}" for state in OPEN_REQUESTS))
    @precondition(lambda life: life.steps % 3 == 2)
    @rule(dice=DICE)
    def answer_request(self, dice: Dice) -> None:
        do, side = dice.choice(
            ((escrow_answers.let_go, Side.TALENT), (escrow_answers.pay_instead, Side.CLIENT))
        )
        self.on_request(dice, OPEN_REQUESTS, side, do, repeatable=False)

    @plays(escrow_answers.propose_split)
    @when("request pending")
    @rule(dice=DICE)
    def propose_split(self, dice: Dice) -> None:
        part, key = dice.choice(SPLIT_PARTS), once.new_key()

        def do(contract: Contract, *, by: Actor) -> SplitProposal:
            amount = share(self.asked_for(contract), part)
            split = escrow_answers.propose_split(
                contract, to_talent=amount, message="So?", key=key, by=by
            )
            must(split.to_talent == amount, f"{split} was proposed as {amount}")
            return split

        self.on_request(dice, (RequestState.PENDING,), Side.TALENT, do)

    @plays(escrow_answers.dispute, escrow_answers.reject)
    @when("request pending", "request disputed")
    @rule(dice=DICE)
    def disagree(self, dice: Dice) -> None:
        do, side, state = dice.choice(
            (
                (escrow_answers.dispute, Side.TALENT, RequestState.PENDING),
                (escrow_answers.reject, Side.CLIENT, RequestState.DISPUTED),
            )
        )
        words = {"text": dice.choice(("No.", "No.", "No.", " ")), "links": dice.choice(LINKS)}
        self.on_request(
            dice, (state,), side, lambda one, by: do(one, **words, by=by), repeatable=False
        )

    @plays(
        escrow_answers.agree_to_split, escrow_answers.decline_split, escrow_answers.take_back_split
    )
    @when("split")
    @rule(dice=DICE)
    def answer_split(self, dice: Dice) -> None:
        rows = SplitProposal.objects.select_related("request__book")
        split = pick(dice, rows.filter(state=SplitState.OPEN), rows)
        if split is None:
            return
        do = dice.choice(
            (
                escrow_answers.agree_to_split,
                escrow_answers.agree_to_split,
                escrow_answers.decline_split,
                escrow_answers.take_back_split,
            )
        )
        contract = every().get(book=split.request.book_id)
        takes_back = do is escrow_answers.take_back_split
        if split.is_by_support:
            missing = [side for side in Side if not split.has_agreed(side)] or tuple(Side)
            who = self.world.support if takes_back else dice.choice(missing)
        else:
            who = Side.TALENT if takes_back else Side.CLIENT
        self.on(contract, lambda by: do(split, by=by), who, dice, repeatable=False)

    @plays(escrow_answers.add_statement)
    @when(*(f"request {state}" for state in DISCUSSED_REQUESTS))
    @rule(dice=DICE)
    def add_to_what_was_said(self, dice: Dice) -> None:
        given = {"text": "Besides.", "links": dice.choice(LINKS), "key": once.new_key()}
        side = dice.choice(tuple(Side))
        do = escrow_answers.add_statement
        self.on_request(dice, DISCUSSED_REQUESTS, side, lambda one, by: do(one, **given, by=by))

    # Support -------------------------------------------------------------------------------------

    @plays(escrow_answers.mediate, escrow_answers.write_note)
    @when("request escalated", "request mediating")
    @rule(dice=DICE)
    def take_up_or_write(self, dice: Dice) -> None:
        do = dice.choice((escrow_answers.mediate, escrow_answers.write_note))
        states = (RequestState.ESCALATED,) if do is escrow_answers.mediate else tuple(HELD_REQUESTS)
        self.by_support(dice, states, lambda one, by: do(one, note="We read it.", by=by))

    @plays(escrow_answers.propose_in_mediation)
    @when("request mediating")
    @rule(dice=DICE)
    def propose_in_mediation(self, dice: Dice) -> None:
        part = dice.choice((0.5, 0.333, 0.07, 0.0, 1.0, 1.01))

        def do(contract: Contract, *, by: Actor) -> SplitProposal:
            amount = share(self.asked_for(contract), part)
            split = escrow_answers.propose_in_mediation(
                contract, to_talent=amount, message="Fair.", by=by
            )
            must(split.to_talent == amount, f"{split} was proposed as {amount}")
            return split

        self.by_support(dice, (RequestState.MEDIATING,), do)

    @plays(escrow_answers.decide)
    @when("request mediating")
    @rule(dice=DICE)
    def decide(self, dice: Dice) -> None:
        part, because = dice.choice(PARTS), dice.choice(("So.", "So.", "So.", ""))

        def do(contract: Contract, *, by: Actor) -> EscrowRefundRequest:
            amount = share(self.asked_for(contract), part)
            request = escrow_answers.decide(contract, to_talent=amount, because=because, by=by)
            must(request.to_talent == amount, f"{request} was decided as {amount}")
            return request

        self.by_support(dice, (RequestState.MEDIATING,), do)

    # What a rule picks ---------------------------------------------------------------------------

    def on_request(
        self,
        dice: Dice,
        states: tuple[RequestState, ...],
        who: Side | Actor,
        do: Callable[..., Any],
        *,
        repeatable: bool = True,
    ) -> None:
        """Act on a contract whose request is most likely in one of the states."""
        contract = pick(dice, requested(*states), requested(*RequestState))
        if contract is not None:
            self.on(contract, lambda by: do(contract, by=by), who, dice, repeatable=repeatable)

    def by_support(
        self, dice: Dice, states: tuple[RequestState, ...], do: Callable[..., Any]
    ) -> None:
        self.on_request(dice, states, self.world.support, do, repeatable=False)

    def asked_for(self, contract: Contract) -> Money:
        amount: Money = EscrowRefundRequest.objects.get(book=contract.book_id).amount
        return amount


def returns_there() -> set[str]:
    """What these rules can act on, in words."""
    states = EscrowRefundRequest.objects.values_list("state", flat=True)
    there = {f"request {state}" for state in states}
    if SplitProposal.objects.filter(state=SplitState.OPEN).exists():
        there.add("split")
    return there


def requested(*states: RequestState) -> Any:
    return every().filter(book__escrow_refund_request__state__in=states)
