"""A market that lives at random: both sides, support, the gateway and the clock, in any order.

Every rule plays one public capability as a person would, sometimes as the wrong person, sometimes
too late, sometimes twice. A refusal is fine; any other exception is a defect. After each step that
changed anything the audit is run, and beyond it: what the gateway charged is somewhere in the
books to the cent, the end of a contract moved exactly what its plan showed, nothing that was due
on a contract that somebody touched was left undone, and My Jobs sorts by the true deadlines.
"""

from __future__ import annotations

import sys
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Sum
from hypothesis.stateful import initialize, invariant, precondition, rule

from contracts import (
    asking,
    checklists,
    closing,
    funding,
    messages,
    milestones,
    offers,
    positions,
)
from contracts.closing import Choice
from contracts.models import ChecklistItem, Contract, Milestone
from contracts.offers import MilestoneDraft
from contracts.plans import ChoiceKind
from contracts.states import (
    ACTIVE_MILESTONES,
    RUNNING_CONTRACTS,
    ContractKind,
    ContractState,
    DisputeState,
    EndReason,
    MilestoneState,
    Side,
)
from feedback import giving, windows
from feedback.models import Feedback
from marketplace import auditing, clock, once
from marketplace.actors import Actor
from marketplace.money import Money
from payments import operations
from payments.gateways import sandbox
from payments.models import GatewayOperation, Payment, SandboxCall
from payments.states import AccountKind, OperationKind, OperationState
from tests.factories import reread
from tests.proof.desk import DeskPlayer, desk_there
from tests.proof.hours import HoursPlayer, hours_there
from tests.proof.hours_kept import check_hours, check_hours_shown
from tests.proof.outside import PAYS_AT_ONCE as CARDS_THAT_PAY
from tests.proof.outside import SCENES as SCENES_OUTSIDE
from tests.proof.outside import OutsidePlayer, outside_there
from tests.proof.outside_kept import check_outside, went_out
from tests.proof.paybacks import PaybackPlayer, paybacks_there
from tests.proof.payments_kept import check_payments, corrected_from_outside
from tests.proof.playing import (
    DICE,
    METHODS,
    PARTS,
    BooksBroken,
    Dice,
    Theme,
    every,
    fixed,
    plays,
    read,
    share,
    total_by_currency,
    when,
)
from tests.proof.quiet import SCENES as SCENES_OF_SLEEP
from tests.proof.quiet import QuietPlayer, quiet_there
from tests.proof.quiet_kept import asleep_until, check_quiet
from tests.proof.requests_kept import Life as RequestLife
from tests.proof.requests_kept import all_lived, answers_due, check_requests
from tests.proof.returns import SCENES as SCENES_OF_RETURNS
from tests.proof.returns import ReturnsPlayer, returns_there
from tests.proof.unchanged import Unchanged
from tests.proof.world import CURRENCIES, World, pick

MINORS = (500, 501, 999, 12_345, 50_000, 50_005, 499, 1, 0)
AGES = {
    "submitted": timedelta(days=14, seconds=-1),
    "ended after work": timedelta(days=7, seconds=-1),
    "paid": timedelta(days=5, seconds=-1),
}
"""How long ago the scene may have been: just before something falls due."""
SCENES = ("offer", "funded", "submitted", "submitted", "leftover", "paid", "ended after work")


class Life(HoursPlayer, ReturnsPlayer, PaybackPlayer, QuietPlayer, DeskPlayer, OutsidePlayer):
    """One life of a market. Everything it wrote is rolled back at its end."""

    def __init__(self, theme: Theme | None = None) -> None:
        super().__init__()
        self.theme = theme
        self.mixed = theme is None
        self.block = transaction.atomic()
        self.block._from_testcase = True
        self.block.__enter__()
        self.unchanged = Unchanged()
        self.watching = self.unchanged.watch()
        self.watching.__enter__()
        with clock.at(self.now):
            self.world = World.make()

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self.look_once_more()
        finally:
            self.watching.__exit__(None, None, None)
            self.leave_no_trace()

    def leave_no_trace(self) -> None:
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

    # How it begins ------------------------------------------------------------------------------

    @initialize(dice=DICE)
    def begin(self, dice: Dice) -> None:
        """Lives begin at different ages, so that short ones reach the end too."""
        self.theme = self.theme or dice.choice(tuple(Theme))
        match self.theme:
            case Theme.HOURLY:
                self.begin_hours(dice)
            case Theme.DESK:
                self.begin_hours(dice, scene="not paid")
            case Theme.FIXED:
                self.begin_fixed(dice)
            case Theme.RETURNS:
                self.begin_returns(dice)
            case Theme.QUIET:
                self.begin_sleep(dice)
            case Theme.OUTSIDE:
                self.begin_paid(dice)
        activity = Contract.objects.values_list("pk", "last_activity_at")
        self.acted = dict(activity)

    def begin_returns(self, dice: Dice) -> None:
        scene = dice.choice(SCENES_OF_RETURNS)
        with clock.at(self.now):
            contract = self.offer(dice, dice.choice((50_000, 12_345)), fund_first=True)
            contract = offers.accept(contract, by=self.world.owner(contract, Side.TALENT))
            if scene == "escalated" or dice.one_in(3):
                self.submit_first(contract)
            self.end_now(contract, Side.CLIENT, Choice.nothing())
        self.begin_request(contract, scene, dice)

    def begin_sleep(self, dice: Dice) -> None:
        with clock.at(self.now):
            contract = self.offer(dice, dice.choice((50_000, 12_345)), fund_first=True)
            contract = offers.accept(contract, by=self.world.owner(contract, Side.TALENT))
            if dice.one_in(3):
                self.approve_first(contract, 5_000)
        self.begin_quiet(contract, dice.choice(SCENES_OF_SLEEP), dice)

    def begin_paid(self, dice: Dice) -> None:
        scene = dice.choice(SCENES_OUTSIDE)
        card = sandbox.DISPUTED if scene in ("disputed", "decided") else dice.choice(CARDS_THAT_PAY)
        with clock.at(self.now):
            contract = self.offer(dice, 50_000, fund_first=True, method=card)
            contract = offers.accept(contract, by=self.world.owner(contract, Side.TALENT))
        self.begin_outside(contract, scene, dice)

    def begin_fixed(self, dice: Dice) -> None:
        scene = dice.choice(SCENES)
        with clock.at(self.now):
            contract = self.offer(dice, 50_000, fund_first=scene != "offer")
            if scene == "offer":
                return
            contract = offers.accept(contract, by=self.world.owner(contract, Side.TALENT))
            self.world.assign(contract)
            if scene in ("submitted", "ended after work"):
                self.submit_first(contract)
            if scene in ("leftover", "paid"):
                self.approve_first(contract, 12_345 if scene == "leftover" else 50_000)
            if scene.startswith("ended"):
                self.end_now(contract, Side.CLIENT, Choice.nothing())
        self.now += AGES.get(scene, timedelta(0)) * dice.choice((0, 1))

    def offer(self, dice: Dice, minor: int, *, fund_first: bool, **values: Any) -> Contract:
        client, talent = dice.choice(self.world.clients), dice.choice(self.world.talents)
        currency = dice.choice(CURRENCIES)
        given = {
            "title": "Logo",
            "description": "",
            "currency": currency,
            "milestones": [MilestoneDraft("Draft", Money(minor, currency))] * dice.choice((1, 2)),
            "fund_first": fund_first,
            "method": sandbox.ACCEPTS if fund_first else "",
            "key": once.new_key(),
            "by": self.world.owners[client.pk],
        }
        return offers.make(talent=talent, **(given | values))

    def submit_first(self, contract: Contract) -> None:
        by = self.world.owner(contract, Side.TALENT)
        milestones.submit(contract.milestones.get(number=1), message="Done.", links=[], by=by)

    def approve_first(self, contract: Contract, minor: int) -> None:
        by = self.world.owner(contract, Side.CLIENT)
        amount = Money(minor, contract.currency)
        milestones.approve(contract.milestones.get(number=1), amount=amount, key="", by=by)

    # Offers --------------------------------------------------------------------------------------

    @plays(offers.make)
    @precondition(lambda life: life.contracts < 4 and life.now_and_then(ContractKind.FIXED))
    @rule(dice=DICE)
    def make_offer(self, dice: Dice) -> None:
        state, fund_first = dice.getstate(), dice.one_in(2)
        values = {"method": dice.choice(METHODS) if fund_first else "", "key": once.new_key()}
        minor = dice.choice(MINORS)

        def do() -> Contract:
            dice.setstate(state)
            return self.offer(dice, minor, fund_first=fund_first, **values)

        self.act(do, twice=dice.one_in(4))

    @plays(offers.make)
    @when("contract ended")
    @precondition(lambda life: life.contracts < 5 and life.steps % 4 == 3)
    @rule(dice=DICE)
    def start_again(self, dice: Dice) -> None:
        before = pick(dice, Contract.objects.filter(state=ContractState.ENDED), every())
        given = {
            "talent": before.talent,
            "title": before.title,
            "description": "",
            "currency": before.currency,
            "milestones": [MilestoneDraft("Draft", Money(12_345, before.currency))],
            "fund_first": True,
            "method": dice.choice(METHODS),
            "follows": before,
            "key": once.new_key(),
            "by": self.world.owner(before, Side.CLIENT),
        }
        self.act(lambda: offers.make(**given), twice=dice.one_in(4))

    @plays(offers.accept, offers.decline, offers.withdraw)
    @when("contract offered")
    @rule(dice=DICE)
    def answer_offer(self, dice: Dice) -> None:
        answers = (offers.accept, offers.accept, offers.accept, offers.decline, offers.withdraw)
        answer = dice.choice(answers)
        contract = pick(dice, Contract.objects.filter(state=ContractState.OFFERED), every())
        side = Side.CLIENT if answer is offers.withdraw else Side.TALENT
        self.on(contract, lambda by: answer(contract, by=by), side, dice, repeatable=False)

    # Milestones ----------------------------------------------------------------------------------

    @plays(milestones.add, milestones.propose)
    @when("fixed active")
    @rule(dice=DICE)
    def add_milestone(self, dice: Dice) -> None:
        contract = pick(dice, fixed(ContractState.ACTIVE), every())
        if contract.milestones.count() >= 6:
            return
        do, side = dice.choice(((milestones.add, Side.CLIENT), (milestones.propose, Side.TALENT)))
        given = {
            "title": "More",
            "amount": Money(dice.choice(MINORS), contract.currency),
            "due_on": dice.choice((None, self.now.date())),
            "key": once.new_key(),
        }
        self.on(contract, lambda by: do(contract, **given, by=by), side, dice)

    @plays(milestones.add)
    @when("fixed active")
    @rule(dice=DICE)
    def add_milestone_of_the_leftover(self, dice: Dice) -> None:
        """The words of the source: a final payment of what is left in escrow (S)."""
        contract = pick(dice, fixed(ContractState.ACTIVE), every())
        amount = share(reread(contract.book).escrow, dice.choice(PARTS))
        given = {"title": "Last", "amount": amount, "due_on": None, "key": once.new_key()}
        self.on(contract, lambda by: milestones.add(contract, **given, by=by), Side.CLIENT, dice)

    @plays(milestones.agree, milestones.decline_proposal, milestones.take_back_proposal)
    @when("milestone proposed")
    @rule(dice=DICE)
    def answer_proposal(self, dice: Dice) -> None:
        do, side = dice.choice(
            (
                (milestones.agree, Side.CLIENT),
                (milestones.agree, Side.CLIENT),
                (milestones.decline_proposal, Side.CLIENT),
                (milestones.take_back_proposal, Side.TALENT),
            )
        )
        self.on_milestone(dice, [MilestoneState.PROPOSED], side, do, repeatable=False)

    @plays(milestones.revise, milestones.delete, milestones.move_up)
    @when("milestone planned")
    @rule(dice=DICE)
    def plan_differently(self, dice: Dice) -> None:
        deed, minor = dice.choice(("revise", "delete", "move_up")), dice.choice(MINORS)

        def do(milestone: Milestone, *, by: Actor) -> Any:
            if deed != "revise":
                return getattr(milestones, deed)(milestone, by=by)
            amount = Money(minor, milestone.currency)
            return milestones.revise(milestone, title="Other", amount=amount, due_on=None, by=by)

        self.on_milestone(dice, [MilestoneState.PLANNED], Side.CLIENT, do, repeatable=False)

    @plays(funding.fund)
    @when("milestone planned")
    @rule(dice=DICE)
    def fund(self, dice: Dice) -> None:
        given = {"method": dice.choice(METHODS), "key": once.new_key()}

        def do(milestone: Milestone, *, by: Actor) -> Milestone:
            return funding.fund(milestone, **given, by=by)

        self.on_milestone(dice, [MilestoneState.PLANNED], Side.CLIENT, do)

    @plays(milestones.submit)
    @when("milestone funded", "milestone changes_requested")
    @rule(dice=DICE)
    def submit(self, dice: Dice) -> None:
        by_member = dice.one_in(2)

        def do(milestone: Milestone, *, by: Actor) -> Milestone:
            contract = milestone.contract
            if by_member and by == self.world.owner(contract, Side.TALENT):
                by = self.world.members[contract.talent_id]
            return milestones.submit(milestone, message="Done.", links=[], by=by)

        states = [MilestoneState.FUNDED, MilestoneState.CHANGES_REQUESTED]
        self.on_milestone(dice, states, Side.TALENT, do, repeatable=False)

    @plays(milestones.take_back, milestones.ask_for_changes, milestones.extend)
    @when("milestone submitted")
    @rule(dice=DICE)
    def review(self, dice: Dice) -> None:
        deed, side, words = dice.choice(
            (
                ("take_back", Side.TALENT, {}),
                ("ask_for_changes", Side.CLIENT, {"wanted": "Larger."}),
                ("extend", Side.CLIENT, {"because": "Holidays."}),
            )
        )

        def do(milestone: Milestone, *, by: Actor) -> Milestone:
            return getattr(milestones, deed)(milestone, **words, by=by)

        self.on_milestone(dice, [MilestoneState.SUBMITTED], side, do, repeatable=False)

    @plays(milestones.approve)
    @when("milestone funded", "milestone submitted", "milestone changes_requested")
    @rule(dice=DICE)
    def approve(self, dice: Dice) -> None:
        key, part = once.new_key(), dice.choice(PARTS)

        def do(milestone: Milestone, *, by: Actor) -> Payment:
            amount = share(milestone.amount, part)
            return milestones.approve(milestone, amount=amount, key=key, by=by)

        self.on_milestone(dice, ACTIVE_MILESTONES, Side.CLIENT, do)

    @plays(milestones.keep_open)
    @when("question")
    @rule(dice=DICE)
    def keep_open(self, dice: Dice) -> None:
        contract = pick(dice, Contract.objects.exclude(asks_to_end_since=None), every())
        do = milestones.keep_open
        self.on(contract, lambda by: do(contract, by=by), Side.CLIENT, dice)

    # The end -------------------------------------------------------------------------------------

    @plays(closing.end)
    @when("contract active", "contract paused")
    @precondition(lambda life: life.steps % 2 == 0 or life.theme is not Theme.HOURLY)
    @rule(dice=DICE)
    def end(self, dice: Dice) -> None:
        contract = pick(dice, every().filter(state__in=RUNNING_CONTRACTS), every())
        side = dice.choice(tuple(Side))
        with clock.at(self.now):
            contract = read(contract)
            facts = closing.facts_of(contract)
            before, kept = money_of(contract), closing._kept(contract.book)
        choice = choice_of(dice.choice(tuple(ChoiceKind)), share(facts.escrow, dice.choice(PARTS)))
        given = {
            "choice": choice,
            "seen": closing.seen_token(contract, facts),
            "reason": dice.choice(("", *EndReason.values)),
            "gives_up": not dice.one_in(8),
            "side": side,
            "by": self.world.support if dice.one_in(6) else self.world.owner(contract, side),
        }
        if dice.one_in(12):
            given["by"] = self.world.anybody(contract, dice.randrange(6))
        ended = self.act(lambda: closing.end(contract, **given), contract)
        if ended is not None:
            self.check_the_end(ended, facts, choice, before, kept)

    def check_the_end(
        self,
        ended: Contract,
        facts: closing.Facts,
        choice: Choice,
        before: dict[AccountKind, Money],
        kept: Money,
    ) -> None:
        """What was shown is what was moved, a release that was due included.

        An end moves no money of hours; a week that was due may have been paid from credit.
        """
        shown = closing.plan(facts, Side(ended.ended_side), choice)
        if ended.is_hourly:
            check_hours_shown(ended, shown.billed)
            return
        after = money_of(ended)
        earned = after[AccountKind.PENDING] - before[AccountKind.PENDING]
        if (
            after[AccountKind.ESCROW] != shown.requested
            or after[AccountKind.CREDIT] - before[AccountKind.CREDIT] != shown.returned
            or earned != shown.received + facts.kept - kept
        ):
            raise BooksBroken(f"{ended} moved {before} to {after}, shown was {shown}")

    # After the end -------------------------------------------------------------------------------

    @plays(checklists.tick, checklists.undo, checklists.skip, checklists.send_reminder)
    @when("contract ended")
    @rule(dice=DICE)
    def work_the_checklist(self, dice: Dice) -> None:
        do = dice.choice(
            (checklists.tick, checklists.undo, checklists.skip, checklists.send_reminder)
        )
        item = pick(dice, ChecklistItem.objects.select_related("contract"))
        if item is not None:
            side = Side(item.side)
            self.on(item.contract, lambda by: do(item, by=by), side, dice, repeatable=False)

    @plays(messages.write)
    @precondition(lambda life: life.steps % 4 == 1)
    @rule(dice=DICE)
    def write(self, dice: Dice) -> None:
        contract, given = pick(dice, every()), {"text": "Hello.", "key": once.new_key()}
        side = dice.choice(tuple(Side))
        self.on(contract, lambda by: messages.write(contract, **given, by=by), side, dice)

    @plays(asking.ask_to_end)
    @precondition(lambda life: life.steps % 8 == 3)
    @rule(dice=DICE)
    def ask_to_end(self, dice: Dice) -> None:
        contract, side = pick(dice, every()), dice.choice(tuple(Side))
        who = self.world.members[contract.party(side).pk]
        given = {"contract": contract, "text": "Done."}
        self.on(contract, lambda by: asking.ask_to_end(**given, by=by), who, dice, repeatable=False)

    @plays(giving.give, giving.edit)
    @when("contract ended")
    @precondition(lambda life: life.steps % 2 == 0)
    @rule(dice=DICE)
    def give_feedback(self, dice: Dice) -> None:
        contract = pick(dice, Contract.objects.filter(state=ContractState.ENDED), every())
        side, stars, edits = dice.choice(tuple(Side)), dice.randrange(7), not dice.one_in(4)
        given = Feedback.objects.filter(contract=contract, side=side).first()

        def do(by: Actor) -> Feedback:
            if given is not None and edits:
                return giving.edit(given, stars=stars, by=by)
            return giving.give(contract, stars=stars, by=by)

        self.on(contract, do, side, dice, repeatable=False)

    @plays(windows.extend_window)
    @when("contract ended")
    @precondition(lambda life: life.steps % 4 == 2)
    @rule(dice=DICE)
    def extend_feedback(self, dice: Dice) -> None:
        contract = pick(dice, Contract.objects.filter(state=ContractState.ENDED))
        if contract is None:
            return
        until = contract.feedback_until + timedelta(days=dice.randrange(14))
        given = {"until": until, "because": "Illness.", "by": self.support_or(contract, dice)}
        self.act(lambda: windows.extend_window(contract, **given), contract)

    # The gateway ---------------------------------------------------------------------------------

    @when("charge")
    @precondition(lambda life: life.steps % 4 == 3)
    @rule(dice=DICE)
    def gateway_tells_unasked(self, dice: Dice) -> None:
        """A report that comes early, late, or a second time."""
        told = SandboxCall.objects.exclude(outcome="open").exclude(amount_minor=0)
        charge = pick(dice, told)
        if charge is not None:
            self.act(lambda: operations.hear_of(charge.key))

    # What must be true ---------------------------------------------------------------------------

    @invariant()
    def everything_adds_up(self) -> None:
        self.steps += 1
        if not self.changed:
            return
        self.changed = False
        with clock.at(self.now):
            self.look_at_everything()

    def look_at_everything(self) -> None:
        """Every check whose last answer may not hold any more."""
        look = self.unchanged.look
        self.there, self.contracts = look("there", what_is_there), Contract.objects.count()
        self.audit()
        look("charged", check_what_was_charged)
        look("gateway", check_gateway)
        look("asked back", self.check_asked_back)
        look("hours", lambda: check_hours(self.kept))
        look("payments", lambda: check_payments(self.kept))
        look("outside", lambda: check_outside(self.kept))
        look("quiet", lambda: check_quiet(self.kept, self.acted), also=dict(self.acted))
        self.unchanged.all_looked_at()

    def audit(self) -> None:
        for sentence, check in auditing.registered().items():
            found = self.unchanged.look(sentence, lambda check=check: list(check()))
            if found:
                raise BooksBroken(f"{sentence} {found[: auditing.SHOWN]}")

    def check_asked_back(self) -> None:
        lives = all_lived()
        check_positions(lives)
        check_requests(lives, self.kept)

    def look_once_more(self) -> None:
        """A life ends with every check, whatever it was that was written last."""
        self.unchanged.forget()
        self.changed = True
        self.everything_adds_up()


def what_is_there() -> set[str]:
    """What rules can act on, in words: ``contract ended``, ``hourly active``, ``fixed``."""
    there = hours_there() | returns_there() | paybacks_there() | quiet_there() | desk_there()
    there |= outside_there()
    for kind, state in Contract.objects.values_list("kind", "state"):
        there |= {kind, f"contract {state}", f"{kind} {state}"}
    there |= {f"milestone {state}" for state in Milestone.objects.values_list("state", flat=True)}
    if Contract.objects.exclude(asks_to_end_since=None).exists():
        there.add("question")
    return there | {"charge" for _ in SandboxCall.objects.all()[:1]}


def wander(number: int, steps: int, theme: Theme | None = None) -> None:
    """One life drawn from a number alone, without a search for the shortest that fails."""
    chances = Dice(number)
    life = Life(theme)
    try:
        life.begin(dice=Dice(chances.getrandbits(40)))
        life.everything_adds_up()
        for _ in range(steps):
            playables = [one for one in life.rules if playable(one, life)]
            favoured = [one for one in playables if is_of(life.theme, one)]
            chosen = chances.choice(favoured if favoured and chances.one_in(2) else playables)
            drawn = {name: Dice(chances.getrandbits(40)) for name in chosen.arguments}
            chosen.function(life, **drawn)
            life.everything_adds_up()
    finally:
        life.teardown()


def is_of(theme: Theme | None, one: Any) -> bool:
    """Whether a rule is what a life of this theme is about."""
    player = FAVOURED.get(theme)
    return player is not None and one.function.__qualname__.startswith(f"{player.__name__}.")


FAVOURED = {
    Theme.HOURLY: HoursPlayer,
    Theme.RETURNS: ReturnsPlayer,
    Theme.QUIET: QuietPlayer,
    Theme.DESK: DeskPlayer,
    Theme.OUTSIDE: OutsidePlayer,
}


def playable(one: Any, life: Life) -> bool:
    return all(holds(life) for holds in one.preconditions)


def check_what_was_charged() -> None:
    """All that ever came in and did not leave is escrow, credit, pending, available or fees."""
    came = Counter(charged_by_currency())
    came.update(corrected_from_outside())
    came.subtract(went_out())
    expected = {currency: minor for currency, minor in came.items() if minor}
    if expected != total_by_currency():
        raise BooksBroken(f"{expected} came in, in the books are {total_by_currency()}")


def charged_by_currency() -> dict[str, int]:
    confirmed = GatewayOperation.objects.filter(
        kind=OperationKind.CHARGE, state=OperationState.SUCCEEDED
    )
    sums = confirmed.order_by().values_list("currency").annotate(minor=Sum("amount_minor"))
    return dict(sums)


OUTCOMES: dict[str, tuple[str, ...]] = {
    OperationState.SUCCEEDED: ("succeeded", "returned"),
    OperationState.DECLINED: ("declined", "called_off"),
    OperationState.RETURNED: ("returned",),
}
"""At the gateway, by what we believe: money that comes back is heard of later."""
WHILE_OPEN = ("succeeded", "declined", "open", "returned", None)


def check_gateway() -> None:
    """What the gateway took is posted, or still open here; what is posted, it took."""
    outcomes = dict(SandboxCall.objects.values_list("key", "outcome"))
    for operation in GatewayOperation.objects.order_by("pk"):
        outcome = outcomes.get(operation.key)
        if outcome not in OUTCOMES.get(operation.state, WHILE_OPEN):
            raise BooksBroken(f"{operation} is {operation.state}, at the gateway {outcome}")


def check_positions(lives: dict[int, RequestLife]) -> None:
    """My Jobs sorts each side by the deadline that waits for it."""
    for contract in Contract.objects.order_by("pk"):
        asked, asleep = answers_due(contract, lives), asleep_until(contract)
        waits = {
            Side.CLIENT: [*reviewed_until(contract), *asked[0], *asleep[0]],
            Side.TALENT: [*answered_by(contract), *asked[1], *asleep[1]],
        }
        for side, deadlines in waits.items():
            shown = getattr(contract, f"{side.value}_position")
            deadline = min(deadlines, default=None)
            if shown != positions.position(deadline, contract.last_activity_at):
                raise BooksBroken(f"{contract} stands at {shown} for the {side}, not {deadline}")


def reviewed_until(contract: Contract) -> list[datetime]:
    """When the client's silence pays: of work, or for good of hours."""
    reviews = (
        contract.milestones.exclude(review_until=None),
        contract.weeks.filter(dispute=None).exclude(review_until=None),
    )
    return [due for rows in reviews for due in rows.values_list("review_until", flat=True)]


def answered_by(contract: Contract) -> list[datetime]:
    """When the talent's silence decides about an offer, or passes a dispute of hours on."""
    if contract.is_offered:
        return [contract.expires_at]
    disputes = contract.hours_disputes.filter(state=DisputeState.PENDING)
    return list(disputes.values_list("answer_by", flat=True))


# In other words ----------------------------------------------------------------------------------


def choice_of(kind: ChoiceKind, amount: Money) -> Choice:
    return Choice(kind, amount if kind is ChoiceKind.PART else None)


def money_of(contract: Contract) -> dict[AccountKind, Money]:
    """Balances of a contract; what is available counts as pending, it only waits no more."""
    book = reread(contract.book)
    return {
        AccountKind.ESCROW: book.escrow,
        AccountKind.CREDIT: book.credit,
        AccountKind.PENDING: book.pending_account.balance + book.available_account.balance,
    }
