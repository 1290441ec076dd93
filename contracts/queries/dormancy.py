"""What a quiet or dormant contract shows: what sleeps, whose it is, and what silence will do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.urls import reverse

from contracts import quiet, rules
from contracts.models import Contract, Dormancy, Milestone
from contracts.states import OPEN_DORMANCIES, DormancyState, Side
from contracts.waiting.shape import Action
from marketplace import clock, moments, policy
from marketplace.actors import Actor
from marketplace.components import Stage, Track
from marketplace.models import Party
from marketplace.money import Money


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing happened for a while.

    Attributes:
        dormant_at: when it becomes dormant if nobody does anything; None where it will not.
    """

    days: int
    last: datetime
    dormant_at: datetime | None


@dataclass(frozen=True)
class Dormant:
    """A dormant contract as one side reads it."""

    contract: Contract
    dormancy: Dormancy
    side: Side
    other: Party
    now: datetime
    actions: Sequence[Action]
    release_days: int = policy.DORMANT_RELEASE_ANSWER.days

    @property
    def escrow(self) -> Money:
        held: Money = self.contract.book.escrow
        return held

    @property
    def receives(self) -> Money:
        """What the talent would receive of it, after the fee."""
        return self.contract.book.net_of(self.escrow)

    @property
    def is_client(self) -> bool:
        return self.side is Side.CLIENT

    @property
    def asks_me(self) -> bool:
        """This side's silence takes the next step."""
        return self.dormancy.asked is self.side

    @property
    def is_over(self) -> bool:
        """The time to answer has passed; the next sweep carries out what follows."""
        due_at = self.dormancy.due_at
        return due_at is not None and due_at <= self.now

    @property
    def template(self) -> str:
        return f"contracts/dormant_{self.dormancy.state}.html"

    @property
    def title(self) -> str:
        """What is asked, of whom."""
        name, held = self.other.name, self.escrow
        match DormancyState(self.dormancy.state), self.side:
            case DormancyState.CLIENT_ASKED, Side.CLIENT:
                return f"What should become of the {held} in escrow?"
            case DormancyState.TALENT_ASKED, Side.TALENT:
                return f"{held} goes back to {name} unless you answer"
            case DormancyState.RELEASE_ASKED, Side.CLIENT:
                return f"{name} asks you to release {held}"
            case DormancyState.RELEASE_ASKED, Side.TALENT:
                return f"You asked for the release of {held}"
        return f"This contract is dormant; {name} is asked"

    @property
    def tracks(self) -> list[Track]:
        """Where the money in escrow goes if everybody stays silent."""
        whose = "your money" if self.is_client else f"money of {self.other.name}"
        return [Track(amount=self.escrow, what=f"in escrow, {whose}", stages=self._stages)]

    @property
    def _stages(self) -> list[Stage]:
        dormancy = self.dormancy
        assert dormancy.due_at is not None
        until = f"until {moments.day(dormancy.due_at, year=False)}"
        since = _past(f"dormant since {moments.day(dormancy.since, year=False)}")
        client, talent = self._named(Side.CLIENT), self._named(Side.TALENT)
        if dormancy.is_release_asked:
            asks = _past(f"{talent} asked for its release")
            return [since, asks, _here(f"{client} can answer {until}"), _later(f"paid to {talent}")]
        end = _later(f"back to {client}, and the contract ends")
        client_is, talent_is = self._is(Side.CLIENT), self._is(Side.TALENT)
        if dormancy.asked is Side.CLIENT:
            return [since, _here(f"{client_is} asked {until}"), _later(f"{talent_is} asked"), end]
        asked = _past(f"{client} did not answer")
        return [since, asked, _here(f"{talent_is} asked {until}"), end]

    def _named(self, side: Side) -> str:
        return "you" if side is self.side else self.contract.party(side).name

    def _is(self, side: Side) -> str:
        return f"{self._named(side)} {'are' if side is self.side else 'is'}"


def _past(word: str) -> Stage:
    return Stage(word=word, state="past")


def _here(word: str) -> Stage:
    return Stage(word=word, state="here")


def _later(word: str) -> Stage:
    return Stage(word=word, state="future")


def quiet_of(contract: Contract, now: datetime) -> Quiet | None:
    """What a room says of a contract on which nothing happens; no queries."""
    if not contract.is_running or not contract.quiet_told or contract.is_dormant:
        return None
    told, due = contract.quiet_told, contract.quiet_due_at
    dormant_at = None
    if told >= quiet.FRIENDLY and due is not None:
        dormant_at = due + (quiet.STEPS[-1] - quiet.STEPS[told])
    last = contract.last_activity_at
    return Quiet((now - last).days, last, dormant_at)


def dormant_of(contract: Contract, actor: Actor, open_ones: Sequence[Milestone]) -> Dormant | None:
    """What a room says of a dormant contract; one query of a dormant one, else none."""
    if not contract.is_dormant:
        return None
    dormancy = contract.dormancies.filter(state__in=OPEN_DORMANCIES).first()
    side = contract.side_of(actor.party_id)
    if dormancy is None or side is None:
        return None
    dormancy.contract = contract
    return Dormant(
        contract=contract,
        dormancy=dormancy,
        side=side,
        other=contract.party(side.other),
        now=clock.now(),
        actions=_actions(contract, dormancy, actor, open_ones),
    )


def with_dormancy(found: QuerySet[Contract]) -> QuerySet[Contract]:
    """Contracts with what is asked of a dormant one, read along; see :func:`dormancy_of`."""
    open_ones = Dormancy.objects.filter(contract=OuterRef("pk"), state__in=OPEN_DORMANCIES)
    return found.annotate(
        dormancy_state=Subquery(open_ones.values("state")[:1]),
        dormancy_due_at=Subquery(open_ones.values("due_at")[:1]),
    )


def dormancy_of(contract: Contract) -> Dormancy | None:
    """The open sleep of a contract that :func:`with_dormancy` read, for its row."""
    read: Any = contract
    if not read.dormancy_state:
        return None
    return Dormancy(
        contract=contract,
        state=read.dormancy_state,
        since=contract.dormant_since,
        due_at=read.dormancy_due_at,
    )


def _actions(
    contract: Contract, dormancy: Dormancy, actor: Actor, open_ones: Sequence[Milestone]
) -> list[Action]:
    """What this person can do about it, the likeliest answer last and highlighted."""
    url = reverse("still_working", args=[contract.reference])
    found = [Action(label="Still working", url=url, posts=True)]
    if rules.client_manages(contract, actor) is None:
        end = f"{reverse('room', args=[contract.reference])}?end=1"
        return [*found, Action(label="End contract", url=end), _pays(contract, open_ones)]
    if rules.talent_manages(contract, actor) is None and not dormancy.is_release_asked:
        ask = reverse("ask_release", args=[contract.reference])
        found.append(Action(label="Ask for its release", url=ask, main=True))
    return found


def _pays(contract: Contract, open_ones: Sequence[Milestone]) -> Action:
    """Money is released through the active milestone, or through a new one."""
    active = next((one for one in open_ones if one.is_active), None)
    if active is None:
        add = reverse("add_milestone", args=[contract.reference])
        return Action(label="Add new milestone", url=add, main=True)
    approve = reverse("milestone_approve", args=[contract.reference, active.number])
    return Action(label="Approve and release", url=approve, main=True)
