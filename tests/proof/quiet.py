"""The rules that play contracts on which nobody does anything, and money that sleeps in escrow."""

from __future__ import annotations

from datetime import timedelta

from hypothesis.stateful import precondition, rule

from contracts import dormancy
from contracts.models import Contract, Dormancy
from contracts.states import OPEN_DORMANCIES, RUNNING_CONTRACTS, Side
from marketplace import clock
from tests.proof.playing import DICE, Dice, Player, every, plays, when
from tests.proof.world import pick

SCENES = ("quiet", "dormant", "dormant", "talent asked", "talent asked", "release asked")
AGES = (timedelta(0), timedelta(days=6, hours=23), timedelta(days=7, seconds=-1))
"""How long ago the scene may have been."""


class QuietPlayer(Player):
    """Plays *Still working*, and the release that the talent of a dormant contract asks for."""

    def begin_quiet(self, contract: Contract, scene: str, dice: Dice) -> None:
        """Nobody has done anything on the contract for a long time."""
        self.everything_adds_up()
        self.now += timedelta(days=83 if scene == "quiet" else 90)
        self.sweep()
        self.everything_adds_up()
        if scene == "talent asked":
            self.now += timedelta(days=7)
            self.sweep()
        if scene == "release asked":
            with clock.at(self.now):
                by = self.world.owner(contract, Side.TALENT)
                dormancy.ask_for_release(contract, note="I delivered.", by=by)
        self.now += dice.choice(AGES)

    @plays(dormancy.still_working)
    @when("dormant", "quiet")
    @precondition(lambda life: life.steps % 4 == 0)
    @rule(dice=DICE)
    def say_that_it_goes_on(self, dice: Dice) -> None:
        running = every().filter(state__in=RUNNING_CONTRACTS)
        contract = pick(dice, running.exclude(dormant_since=None), running)
        if contract is None:
            return
        side = dice.choice(tuple(Side))
        people = (self.world.owners, self.world.members)
        who = dice.choice(people)[contract.party(side).pk]
        do = dormancy.still_working
        self.on(contract, lambda by: do(contract, by=by), who, dice, repeatable=False)

    @plays(dormancy.ask_for_release)
    @when("dormant")
    @precondition(lambda life: life.steps % 2 == 1)
    @rule(dice=DICE)
    def ask_for_release(self, dice: Dice) -> None:
        asleep = every().filter(dormancies__state__in=OPEN_DORMANCIES)
        contract = pick(dice, asleep, every())
        do, given = dormancy.ask_for_release, {"note": dice.choice(("", "I delivered."))}
        if contract is not None:
            self.on(
                contract,
                lambda by: do(contract, **given, by=by),
                Side.TALENT,
                dice,
                repeatable=False,
            )

    @when("dormant")
    @rule(dice=DICE)
    def let_it_sleep(self, dice: Dice) -> None:
        """Until silence decides, or just before."""
        asleep = pick(dice, Dormancy.objects.filter(state__in=OPEN_DORMANCIES))
        if asleep is not None:
            early = timedelta(microseconds=dice.choice((0, 0, 0, 1)))
            self.now = max(self.now, asleep.due_at - early)
            self.sweep()


def quiet_there() -> set[str]:
    """What these rules can act on, in words."""
    there = set()
    if Contract.objects.filter(quiet_told__gt=0, state__in=RUNNING_CONTRACTS).exists():
        there.add("quiet")
    if Dormancy.objects.filter(state__in=OPEN_DORMANCIES).exists():
        there.add("dormant")
    return there
