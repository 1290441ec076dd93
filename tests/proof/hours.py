"""The rules that play hourly contracts: the diary, its terms, its weeks, and their disputes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from hypothesis.stateful import precondition, rule

from contracts import assignments, billing, diary, hours_disputes, offers, terms, timers
from contracts.closing import Choice
from contracts.models import (
    Contract,
    HoursDispute,
    Stretch,
    Timer,
    Week,
)
from contracts.offers import HourlyTerms
from contracts.states import (
    HELD_DISPUTES,
    OPEN_DISPUTES,
    OWED_WEEKS,
    ContractKind,
    ContractState,
    Side,
    WeekState,
)
from marketplace import clock, once
from marketplace.actors import Actor
from marketplace.money import Money
from payments.gateways import sandbox
from tests.factories import NOON, recorded
from tests.proof.hours_kept import SEGMENT, at_midnight, billed_segments
from tests.proof.playing import (
    DICE,
    METHODS,
    Dice,
    Player,
    every,
    hourly,
    plays,
    when,
)
from tests.proof.world import CURRENCIES, pick

SCENES = (
    "offer",
    "recording",
    "recording",
    "monday morning",
    "monday morning",
    "in review",
    "in review",
    "not paid",
    "not paid",
    "disputed",
    "disputed",
    "disputed",
    "disputed",
    "ended on monday",
    "ended in review",
)
SCENE_METHODS = (sandbox.ACCEPTS, sandbox.ACCEPTS, sandbox.ACCEPTS, *METHODS)
RATES = (3_333, 555, 12_001, 99_999, 6_000)
"""Most of them make odd halves of cents of a segment."""
LIMITS = (1, 2, 3, 5, 20)
LENGTHS = (10, 20, 50, 130, 240, 600, 1_440)
FRIDAY = NOON + timedelta(hours=20)
"""08:00 of the first working day of a scene."""
MONDAY = datetime(2026, 11, 23, 9, tzinfo=NOON.tzinfo)
"""Three hours before that week is billed."""
AGES = {
    False: timedelta(days=3, seconds=-1),
    True: timedelta(days=8, hours=11),
}
"""How old a dispute may be, declined or not: just before it is passed on, or before the week's
money would be available."""
WEEKDAY_MOMENTS = (
    timedelta(0),
    timedelta(hours=9),
    timedelta(hours=12),
    timedelta(hours=12),
    timedelta(days=2),
    timedelta(days=3),
    timedelta(days=5),
)
"""After a Monday 00:00: a new week, the morning, the invoice, available, mid-week, reviewed."""
WAITS = (1, 9, 10, 11, 37, 95, 180, 719, 720)
"""Minutes that a timer may run, around whole segments and around the longest."""


def works_on(contract: Contract) -> Any:
    return contract.assignments.filter(until=None).select_related("membership__user")


class HoursPlayer(Player):
    """Plays hourly contracts."""

    # How it begins ------------------------------------------------------------------------------

    def begin_hours(self, dice: Dice, scene: str = "") -> None:
        """Somewhere in the first two weeks of an hourly contract."""
        scene = scene or dice.choice(SCENES)
        method = sandbox.DECLINES if scene == "not paid" else dice.choice(SCENE_METHODS)
        with clock.at(self.now):
            contract = self.offer_hours(dice, method=method, hours=dice.choice((1, 2, 20)))
            if scene == "offer":
                return
            contract = offers.accept(contract, by=self.world.owner(contract, Side.TALENT))
            self.world.assign(contract)
        self.now = FRIDAY + timedelta(hours=dice.randrange(6, 12))
        self.work(contract, FRIDAY, dice)
        if scene == "recording":
            return
        self.now = MONDAY
        self.work(contract, at_midnight(MONDAY.date()), dice)
        if scene == "ended on monday":
            self.end_now(contract, dice.choice(tuple(Side)), Choice.nothing())
        if not scene.endswith("monday") and scene != "monday morning":
            self.now += timedelta(hours=3, minutes=dice.choice((0, 5)))
            self.sweep()
        if scene == "disputed":
            self.dispute(contract, dice)
        if scene == "ended in review":
            self.end_now(contract, dice.choice(tuple(Side)), Choice.nothing())

    def offer_hours(self, dice: Dice, **values: Any) -> Contract:
        client, talent = dice.choice(self.world.clients), dice.choice(self.world.talents)
        given = {
            "rate": Money(dice.choice(RATES), dice.choice(CURRENCIES)),
            "hours": dice.choice(LIMITS),
            "manual_time": True,
            "method": sandbox.ACCEPTS,
        } | values
        key, follows = given.pop("key", once.new_key()), given.pop("follows", None)
        return offers.make_hourly(
            talent=follows.talent if follows else talent,
            title="Help",
            description="",
            terms=HourlyTerms(**given),
            follows=follows,
            key=key,
            by=self.world.owners[follows.client_id if follows else client.pk],
        )

    def work(self, contract: Contract, day: datetime, dice: Dice) -> None:
        """Three stretches of one day, by those who work on it."""
        people = (self.world.owner(contract, Side.TALENT), self.world.members[contract.talent_id])
        with clock.at(self.now):
            for number in range(3):
                start = day + timedelta(hours=2 * number)
                recorded(contract, start, dice.choice((10, 30, 70)), by=dice.choice(people))

    def dispute(self, contract: Contract, dice: Dice) -> None:
        week = contract.weeks.get(starts_on=(MONDAY - timedelta(days=7)).date())
        segments = segments_of(week)
        chosen = dice.sample(segments, dice.randint(1, len(segments)))
        client, talent = (self.world.owner(contract, side) for side in Side)
        with clock.at(self.now):
            dispute = hours_disputes.file(
                week, segments=chosen, reason="Too long.", key="", by=client
            )
            is_declined = dice.one_in(2)
            if is_declined:
                hours_disputes.decline(dispute, because="I worked.", by=talent)
        self.now += dice.choice((timedelta(0), AGES[is_declined]))

    # Offers and terms ----------------------------------------------------------------------------

    @plays(offers.make_hourly)
    @precondition(lambda life: life.contracts < 4 and life.now_and_then(ContractKind.HOURLY))
    @rule(dice=DICE)
    def make_hourly_offer(self, dice: Dice) -> None:
        state = dice.getstate()
        values = {
            "method": dice.choice(METHODS),
            "manual_time": not dice.one_in(4),
            "key": once.new_key(),
        }
        if dice.one_in(12):
            values["hours"] = dice.choice((0, 169))
        before = pick(dice, hourly(ContractState.ENDED)) if dice.one_in(2) else None

        def do() -> Contract:
            dice.setstate(state)
            return self.offer_hours(dice, **values, follows=before)

        self.act(do, twice=dice.one_in(4))

    @plays(terms.set_limit)
    @when("hourly active", "hourly paused")
    @rule(dice=DICE)
    def set_limit(self, dice: Dice) -> None:
        contract = pick(dice, hourly(ContractState.ACTIVE, ContractState.PAUSED), every())
        hours = dice.choice((*LIMITS, *LIMITS, 168, 0, 169))
        self.on(
            contract,
            lambda by: terms.set_limit(contract, hours=hours, by=by),
            Side.CLIENT,
            dice,
            repeatable=False,
        )

    @plays(terms.pause)
    @when("hourly active")
    @precondition(lambda life: life.steps % 2 == 1)
    @rule(dice=DICE)
    def pause(self, dice: Dice) -> None:
        contract = pick(dice, hourly(ContractState.ACTIVE), every())
        do = terms.pause
        self.on(contract, lambda by: do(contract, by=by), Side.CLIENT, dice, repeatable=False)

    @plays(terms.restart)
    @when("hourly paused")
    @rule(dice=DICE)
    def restart(self, dice: Dice) -> None:
        contract = pick(dice, hourly(ContractState.PAUSED), every())
        do = terms.restart
        self.on(contract, lambda by: do(contract, by=by), Side.CLIENT, dice, repeatable=False)

    @plays(assignments.assign, assignments.release)
    @when("hourly active", "hourly paused", "fixed active")
    @precondition(lambda life: life.steps % 4 == 2)
    @rule(dice=DICE)
    def say_who_works(self, dice: Dice) -> None:
        running = every().filter(state__in=(ContractState.ACTIVE, ContractState.PAUSED))
        contract = pick(dice, running, every())
        do = dice.choice((assignments.assign, assignments.assign, assignments.release))
        party = contract.client_id if dice.one_in(12) else contract.talent_id
        person = dice.choice((self.world.owners, self.world.members))[party].membership
        self.on(
            contract,
            lambda by: do(contract, person, by=by),
            Side.TALENT,
            dice,
            repeatable=False,
        )

    # The diary -----------------------------------------------------------------------------------

    @plays(diary.add)
    @when("hourly active")
    @rule(dice=DICE)
    def add_time(self, dice: Dice) -> None:
        contract = pick(dice, hourly(ContractState.ACTIVE), every())
        starts_at, ends_at = self.span(contract, dice)
        given = {"starts_at": starts_at, "ends_at": ends_at, "memo": "Work", "key": once.new_key()}
        who = self.worker(contract, dice)
        self.on(contract, lambda by: diary.add(contract, **given, by=by), who, dice)

    @plays(diary.change)
    @when("week open")
    @rule(dice=DICE)
    def change_time(self, dice: Dice) -> None:
        stretch = self.some_time(dice)
        if stretch is None:
            return
        start, stop = stretch.starts_at, stretch.ends_at
        span = dice.choice(
            (
                (start, stop),
                (start, stop - SEGMENT),
                (start + SEGMENT, stop),
                (start, stop + SEGMENT),
                (start - SEGMENT, stop),
                (start + 3 * SEGMENT, stop + 3 * SEGMENT),
                self.span(stretch.contract, dice),
            )
        )
        given = {"starts_at": span[0], "ends_at": span[1], "memo": dice.choice(("", "Other"))}
        self.on_time(stretch, lambda by: diary.change(stretch, **given, by=by), dice)

    @plays(diary.remove)
    @when("week open")
    @rule(dice=DICE)
    def remove_time(self, dice: Dice) -> None:
        stretch = self.some_time(dice)
        if stretch is not None:
            self.on_time(stretch, lambda by: diary.remove(stretch, by=by), dice)

    @plays(timers.start)
    @when("hourly active")
    @rule(dice=DICE)
    def start_timer(self, dice: Dice) -> None:
        contract = pick(dice, hourly(ContractState.ACTIVE), every())
        who = self.worker(contract, dice)
        do = timers.start
        self.on(contract, lambda by: do(contract, by=by), who, dice, repeatable=False)

    @plays(timers.stop)
    @when("timer")
    @rule(dice=DICE)
    def stop_timer(self, dice: Dice) -> None:
        timer = pick(dice, Timer.objects.filter(stopped_at=None), Timer.objects.all())
        if timer is None:
            return
        contract, memo = every().get(pk=timer.contract_id), dice.choice((None, "Timed"))
        who = self.world.person(timer.membership_id)
        self.on(
            contract,
            lambda by: timers.stop(contract, memo=memo, by=by),
            who,
            dice,
            repeatable=False,
        )

    # Weeks ---------------------------------------------------------------------------------------

    @plays(billing.pay_now)
    @when("week unpaid", "week invoiced")
    @rule(dice=DICE)
    def pay_what_is_owed(self, dice: Dice) -> None:
        rows = Week.objects.select_related("contract__client", "contract__talent")
        unpaid = rows.filter(state=WeekState.UNPAID)
        week = pick(dice, unpaid, rows.filter(state__in=OWED_WEEKS)) or pick(dice, rows)
        if week is None:
            return
        given = {"method": dice.choice(METHODS), "key": once.new_key()}
        self.on(week.contract, lambda by: billing.pay_now(week, **given, by=by), Side.CLIENT, dice)

    @when("hourly")
    @rule(dice=DICE)
    def wait_for_the_week(self, dice: Dice) -> None:
        """To a moment at which weeks turn, or just before it."""
        today = at_midnight(self.now.date())
        monday = today - timedelta(days=today.weekday())
        moments = [monday + after for after in WEEKDAY_MOMENTS]
        moments += [one + timedelta(days=7) for one in moments]
        later = [one for one in moments if one > self.now]
        early = timedelta(microseconds=dice.choice((0, 0, 0, 1)))
        self.now = max(dice.choice(later[:5]) - early, self.now)
        if not dice.one_in(3):
            self.sweep()

    @when("timer", "hourly active")
    @rule(dice=DICE)
    def wait_a_while(self, dice: Dice) -> None:
        self.now += timedelta(minutes=dice.choice(WAITS), seconds=dice.choice((0, 0, 1, 599)))

    # Disputes ------------------------------------------------------------------------------------

    @plays(hours_disputes.file)
    @when("review")
    @rule(dice=DICE)
    def dispute_hours(self, dice: Dice) -> None:
        rows = Week.objects.select_related("contract__client", "contract__talent")
        undisputed = rows.filter(review_until__gt=self.now, dispute=None)
        week = pick(dice, undisputed, rows)
        if week is None:
            return
        segments = segments_of(week, every_one=dice.one_in(8))
        if not segments:
            return
        most = dice.choice((1, 3, len(segments), len(segments)))
        given = {
            "segments": dice.sample(segments, min(most, len(segments))),
            "reason": "Too long." if dice.randrange(12) else "",
            "key": once.new_key(),
        }
        self.on(
            week.contract, lambda by: hours_disputes.file(week, **given, by=by), Side.CLIENT, dice
        )

    @plays(hours_disputes.accept, hours_disputes.decline, hours_disputes.withdraw)
    @when("dispute pending", "dispute declined", "dispute escalated")
    @rule(dice=DICE)
    def answer_dispute(self, dice: Dice) -> None:
        dispute = self.some_dispute(dice, OPEN_DISPUTES)
        if dispute is None:
            return
        do, side, words = dice.choice(
            (
                (hours_disputes.accept, Side.TALENT, {}),
                (hours_disputes.accept, Side.TALENT, {}),
                (hours_disputes.decline, Side.TALENT, {"because": "I worked."}),
                (hours_disputes.withdraw, Side.CLIENT, {}),
            )
        )
        self.on(
            dispute.contract,
            lambda by: do(dispute, **words, by=by),
            side,
            dice,
            repeatable=False,
        )

    @plays(hours_disputes.decide)
    @when("dispute declined", "dispute escalated")
    @rule(dice=DICE)
    def decide_dispute(self, dice: Dice) -> None:
        dispute = self.some_dispute(dice, HELD_DISPUTES)
        if dispute is None:
            return
        segments = list(dispute.segments.order_by("pk").values_list("pk", flat=True))
        given = {
            "reversed_segments": dice.sample(segments, dice.randint(0, len(segments))),
            "because": "So.",
            "by": self.support_or(dispute.contract, dice),
        }
        self.act(lambda: hours_disputes.decide(dispute, **given), dispute.contract)

    # What a rule picks ---------------------------------------------------------------------------

    def worker(self, contract: Contract, dice: Dice) -> Actor:
        """Most often somebody who is assigned."""
        found = [one.membership_id for one in works_on(contract)]
        if not found or dice.one_in(12):
            return self.world.owner(contract, Side.TALENT)
        return self.world.person(dice.choice(found))

    def span(self, contract: Contract, dice: Dice) -> tuple[datetime, datetime]:
        """Of this week and this contract's time; now and then of none."""
        today = at_midnight(self.now.date())
        monday = today - timedelta(days=today.weekday())
        earliest = max(monday, contract.answered_at or monday)
        first = at_midnight(earliest.date())
        first += -((first - earliest) // SEGMENT) * SEGMENT
        room = max((self.now - first) // SEGMENT, 1)
        start = first + dice.randrange(room) * SEGMENT
        stop = start + timedelta(minutes=dice.choice(LENGTHS))
        midnight = at_midnight(start.date()) + timedelta(days=1)
        if not dice.one_in(12):
            stop = max(min(stop, midnight, first + room * SEGMENT), start + SEGMENT)
        off = dice.choice([timedelta(0)] * 14 + [timedelta(minutes=5), timedelta(days=7)])
        return start - off, stop - off

    def some_time(self, dice: Dice) -> Stretch | None:
        rows = Stretch.objects.select_related("contract__client", "contract__talent", "membership")
        return pick(dice, rows.filter(week__state=WeekState.OPEN), rows)

    def on_time(self, stretch: Stretch, do: Callable[[Actor], Any], dice: Dice) -> None:
        owner = self.world.owner(stretch.contract, Side.TALENT)
        who = dice.choice((owner, self.world.person(stretch.membership_id)))
        self.on(stretch.contract, do, who, dice, repeatable=False)

    def some_dispute(self, dice: Dice, likely: Any) -> HoursDispute | None:
        rows = HoursDispute.objects.select_related("contract__client", "contract__talent")
        return pick(dice, rows.filter(state__in=likely), rows)


def segments_of(week: Week, *, every_one: bool = False) -> list[tuple[int, datetime]]:
    """What was billed of a week, or all that was recorded."""
    if every_one:
        week.billable_minutes = week.minutes
    return sorted(billed_segments(week, week.stretches.all()))


def hours_there() -> set[str]:
    """What these rules can act on, in words: ``week open``, ``review``, ``dispute pending``."""
    there = {f"week {state}" for state in Week.objects.values_list("state", flat=True)}
    there |= {f"dispute {state}" for state in HoursDispute.objects.values_list("state", flat=True)}
    if Timer.objects.filter(stopped_at=None).exists():
        there.add("timer")
    if Week.objects.filter(dispute=None).exclude(review_until=None).exists():
        there.add("review")
    return there
