"""How a market is played: chances, rules that say what they play, and acting on contracts."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from django.db.models import Sum
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from contracts import closing
from contracts.closing import Choice
from contracts.models import Contract, Milestone
from contracts.states import ContractKind, Side
from marketplace import clock, sweeping
from marketplace.actors import Actor
from marketplace.money import Money
from marketplace.refusals import Refused
from payments.gateways import sandbox
from payments.models import Account, Transfer
from payments.states import KEPT, AccountKind
from tests.factories import NOON
from tests.proof.hours_kept import BooksBroken, Kept, check_no_hours_due
from tests.proof.quiet_kept import check_no_sleep_due, check_reminded
from tests.proof.requests_kept import check_no_request_due
from tests.proof.world import World, pick

R = TypeVar("R")
F_ = TypeVar("F_", bound=Callable[..., Any])

PLAYED: set[Callable[..., Any]] = set()
"""The capabilities that some rule plays."""

METHODS = (
    sandbox.ACCEPTS,
    sandbox.ACCEPTS,
    sandbox.ACCEPTS,
    sandbox.TIMES_OUT,
    sandbox.TIMES_OUT,
    sandbox.ANSWERS_TWICE,
    sandbox.NEVER_ANSWERS,
    sandbox.DECLINES,
)
PARTS = (1.0, 1.0, 0.5, 0.333, 0.07, 0.01, 1.01)


STEPS = (
    timedelta(minutes=1),
    timedelta(hours=5),
    timedelta(days=1),
    timedelta(days=3),
    timedelta(days=7),
    timedelta(days=14),
    timedelta(days=30),
)
LONG_STEPS = tuple(timedelta(days=days) for days in (60, 76, 90, 97, 180, 365))
"""Now and then nobody does anything for months."""


class Theme(StrEnum):
    """What a life plays most: contracts of a kind, or what comes back after their end."""

    FIXED = ContractKind.FIXED.value
    HOURLY = ContractKind.HOURLY.value
    RETURNS = "returns"
    QUIET = "quiet"
    DESK = "desk"
    OUTSIDE = "outside"


class Dice(random.Random):
    """What a rule draws its chances from; one number, so that lives are shrunk and told shortly."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    def __repr__(self) -> str:
        return f"Dice({self.number})"

    def one_in(self, number: int) -> bool:
        return self.randrange(number) == 0


DICE = st.integers(0, 2**40).map(Dice)


def plays(*capabilities: Callable[..., Any]) -> Callable[[F_], F_]:
    """Declare which capabilities a rule plays."""

    def declare(function: F_) -> F_:
        PLAYED.update(capabilities)
        return function

    return declare


def when(*flags: str) -> Callable[[F_], F_]:
    """Play a rule when there is something for it to do, and sometimes when there is not."""
    return precondition(lambda life: life.steps % 8 == 5 or not life.there.isdisjoint(flags))


class Player(RuleBasedStateMachine):
    """Acts on a market, most often as who may, and looks at what came of it."""

    world: World
    theme: Theme | None = None
    """What this life plays most; None until it began."""
    mixed = False
    """Whether its theme was drawn: then it may play whatever there is."""
    now: datetime = NOON
    changed = True
    steps = 0
    contracts = 0

    def __init__(self) -> None:
        super().__init__()
        self.there: set[str] = set()
        """What rules can act on, in words."""
        self.kept = Kept()
        self.acted: dict[int, datetime] = {}
        """When somebody last did something on a contract."""

    def now_and_then(self, kind: ContractKind) -> bool:
        """Whether to begin something of a kind: less often when the life is of another."""
        return self.steps % (4 if kind == self.theme else 16) == 1

    def everything_adds_up(self) -> None:
        """What must be true after each step; lives say what."""
        raise NotImplementedError

    def end_now(self, contract: Contract, side: Side, choice: Choice) -> None:
        contract, by = read(contract), self.world.owner(contract, side)
        with clock.at(self.now):
            seen = closing.seen_token(contract, closing.facts_of(contract))
            closing.end(contract, choice=choice, seen=seen, gives_up=True, by=by)

    @rule(dice=DICE)
    def wait(self, dice: Dice) -> None:
        self.now += dice.choice(LONG_STEPS if dice.one_in(8) else STEPS)
        if dice.one_in(2):
            self.sweep()

    @rule(dice=DICE)
    def wait_for_the_next_deadline(self, dice: Dice) -> None:
        following = sweeping.next_due(self.now)
        if following is not None:
            self.now = following - timedelta(microseconds=dice.choice((0, 0, 1)))
        if dice.one_in(2):
            self.sweep()

    @rule()
    def sweep(self) -> None:
        """As the minute's schedule does, without sending e-mails."""
        with clock.at(self.now):
            for _ in range(sweeping.ROUNDS):
                if not self.sweep_once():
                    self.check_swept()
                    return
        raise BooksBroken("sweeping does not come to an end")

    def check_swept(self) -> None:
        """Nothing is left of what was due, on whatever contract."""
        for contract in every():
            self.check_nothing_due(contract)
            check_reminded(contract, self.now)

    def sweep_once(self) -> bool:
        outcomes = [outcome for name in due_sweeps() for outcome in sweeping.run(only=name)]
        failed = {outcome.name: outcome.failed for outcome in outcomes if outcome.failed}
        if failed:
            raise BooksBroken(f"sweeps failed: {failed}")
        done = any(outcome.done for outcome in outcomes)
        self.changed = self.changed or done
        return done

    # How a rule acts -----------------------------------------------------------------------------

    def on_milestone(
        self,
        dice: Dice,
        states: Iterable[str],
        side: Side,
        do: Callable[..., Any],
        *,
        repeatable: bool = True,
    ) -> None:
        """Act on a milestone, most likely in one of the states, most likely as that side."""
        rows = Milestone.objects.select_related("contract__client", "contract__talent")
        milestone = pick(dice, rows.filter(state__in=states), rows)
        if milestone is not None:
            self.on(
                milestone.contract,
                lambda by: do(milestone, by=by),
                side,
                dice,
                repeatable=repeatable,
            )

    def on(
        self,
        contract: Contract,
        do: Callable[[Actor], Any],
        who: Side | Actor,
        dice: Dice,
        *,
        repeatable: bool = True,
    ) -> None:
        """Act on a contract, most likely as an owner of that side, or as that person."""
        by = self.world.owner(contract, who) if isinstance(who, Side) else who
        if dice.one_in(12):
            by = self.world.anybody(contract, dice.randrange(6))
        self.act(lambda: do(by), contract, twice=repeatable and dice.one_in(4))

    def support_or(self, contract: Contract, dice: Dice) -> Actor:
        if dice.one_in(8):
            return self.world.anybody(contract, dice.randrange(6))
        return self.world.support

    def act(
        self, do: Callable[[], R], contract: Contract | None = None, *, twice: bool = False
    ) -> R | None:
        """Do it; a refusal is fine. Done again by the same form, it changes nothing more.

        Args:
            contract: the one that is entered for it.
        """
        # A charge that was declined is a refusal, too, and leaves its traces.
        self.changed = True
        if contract is not None:
            self.acted[contract.pk] = self.now
        with clock.at(self.now):
            try:
                result = do()
            except Refused:
                return None
            if contract is not None:
                self.check_nothing_due(contract)
            if twice:
                self.check_the_same(do, result)
        return result

    def check_the_same(self, do: Callable[[], R], result: R) -> None:
        before = total_by_currency()
        if do() != result or total_by_currency() != before:
            raise BooksBroken(f"a form sent twice acted twice: {result}")

    def check_nothing_due(self, contract: Contract) -> None:
        """Whoever entered a contract carried out first what the clock had decided."""
        if Milestone.objects.filter(contract=contract, review_until__lte=self.now).exists():
            raise BooksBroken(f"{contract}: a release that was due was left undone")
        check_no_request_due(contract, self.now)
        check_no_sleep_due(contract, self.now)
        check_no_hours_due(contract, self.now)


def total_by_currency() -> dict[str, int]:
    """Kept balances, and fees less what was returned of them."""
    totals: dict[str, int] = {}
    kept = Account.objects.filter(kind__in=KEPT).order_by().values_list("currency")
    fees = Transfer.objects.order_by().values_list("currency")
    for rows, sign in (
        (kept.annotate(minor=Sum("balance_minor")), 1),
        (fees.filter(credit__kind=AccountKind.FEES).annotate(minor=Sum("amount_minor")), 1),
        (fees.filter(debit__kind=AccountKind.FEES).annotate(minor=Sum("amount_minor")), -1),
    ):
        for currency, minor in rows:
            totals[currency] = totals.get(currency, 0) + sign * minor
    return {currency: minor for currency, minor in totals.items() if minor}


def every() -> Any:
    return Contract.objects.select_related("client", "talent")


def fixed(*states: str) -> Any:
    return every().filter(kind=ContractKind.FIXED, state__in=states)


def hourly(*states: str) -> Any:
    return every().filter(kind=ContractKind.HOURLY, state__in=states)


def share(amount: Money, part: float) -> Money:
    return Money(round(amount.minor * part), amount.currency)


def read(contract: Contract) -> Contract:
    return Contract.objects.select_related("client", "talent", "book__escrow_account").get(
        pk=contract.pk
    )


def due_sweeps() -> list[str]:
    return [name for name in sweeping.registered() if not name.startswith("marketplace.")]
