"""What the pages on feedback read. While something is sealed, nothing of it is read for others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import reduce
from operator import or_
from typing import Final

from django.db.models import BigIntegerField, Count, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from contracts.models import Contract
from contracts.states import Side
from feedback import rules
from feedback.models import Feedback
from feedback.models.feedback import FeedbackQuerySet
from marketplace import clock, policy
from marketplace.actors import Actor
from marketplace.models import Party
from marketplace.money import Money, half_up
from marketplace.refusals import Refusal
from payments.models import Payment

PAGE: Final = 20


class Stage(StrEnum):
    """Where feedback on a contract stands for one side. Sealed and open know only that side."""

    NOT_ENDED = "not_ended"
    OPEN = "open"
    SEALED = "sealed"
    REVEALED = "revealed"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where feedback on one contract stands, as one side sees it.

    Attributes:
        mine: what the own side gave; while sealed only for those who may change it.
        theirs: what the other side gave, once revealed.
        refusal: why this reader neither writes the own side's nor reads it while sealed.
    """

    contract: Contract
    side: Side
    stage: Stage
    mine: Feedback | None
    theirs: Feedback | None
    refusal: Refusal | None

    @property
    def own(self) -> Party:
        return self.contract.party(self.side)

    @property
    def other(self) -> Party:
        return self.contract.party(self.side.other)

    @property
    def writes(self) -> bool:
        return self.refusal is None


@dataclass(frozen=True, slots=True)
class Reputation:
    """Revealed, public feedback on a party: how many, and the mean in tenths of a star."""

    count: int
    tenths: int | None

    @property
    def mean(self) -> str:
        """4.5; to be shown when there is any."""
        return "" if self.tenths is None else f"{self.tenths // 10}.{self.tenths % 10}"


@dataclass(frozen=True, slots=True)
class WorkHistory:
    """A party's page for everybody: no amounts, no names of other sides, no references."""

    party: Party
    reputation: Reputation
    entries: Sequence[Feedback]
    newer: str
    older: str


def standing(contract: Contract, actor: Actor) -> Standing:
    """Feedback on a contract that the actor sees, with both parties read along; one query."""
    now = clock.now()
    side = contract.side_of(actor.party_id)
    assert side is not None
    refusal = rules.may_write(contract, actor)
    mine, theirs = _readable(contract, side, now) if contract.is_ended else (None, None)
    revealed = any(one is not None and one.is_revealed(now) for one in (mine, theirs))
    if refusal is not None and not revealed:
        mine = None
    stage = _stage(contract, mine, revealed=revealed, now=now)
    return Standing(contract, side, stage, mine, theirs, refusal)


def hidden_because(contract: Contract) -> str:
    """Why the two sides read feedback that nobody else does; empty when it is public."""
    paid = Payment.objects.filter(book=contract.book_id).aggregate(
        gross=Coalesce(Sum("gross_minor"), Value(0)),
        refunded=Coalesce(Sum("refunded_minor"), Value(0)),
    )
    minimum = policy.public_feedback_minimum(contract.currency)
    if Money(paid["gross"] - paid["refunded"], contract.currency) >= minimum:
        return ""
    if paid["gross"] and paid["gross"] == paid["refunded"]:
        return "everything that was paid on this contract was refunded"
    return f"less than {minimum} was paid on this contract"


def work_history(party: Party, *, before: str = "", after: str = "") -> WorkHistory:
    """A party's ended contracts on which public feedback was revealed, newest first; two queries.

    Args:
        before: a position; only what was revealed earlier. One that cannot be read is the start.
        after: a position; only what was revealed later, the nearest.
    """
    shown = _public(_about(party).revealed(clock.now()))
    totals = shown.aggregate(count=Count("pk"), stars=Sum("stars"))
    entries, newer, older = _page(shown.select_related("contract"), _read(before), _read(after))
    return WorkHistory(
        party=party,
        reputation=_reputation(totals["count"], totals["stars"]),
        entries=entries,
        newer=_position(entries[0]) if entries and newer else "",
        older=_position(entries[-1]) if entries and older else "",
    )


def _readable(
    contract: Contract, side: Side, now: datetime
) -> tuple[Feedback | None, Feedback | None]:
    """The own side's feedback, and the other side's once it is revealed."""
    readable = Q(side=side) | Q(visible_from__lte=now)
    found = {one.side: one for one in contract.feedback.filter(readable).order_by("side")}
    for one in found.values():
        one.contract = contract
    return found.get(side), found.get(side.other)


def _stage(contract: Contract, mine: Feedback | None, *, revealed: bool, now: datetime) -> Stage:
    if not contract.is_ended or contract.feedback_until is None:
        return Stage.NOT_ENDED
    if revealed:
        return Stage.REVEALED
    if mine is not None:
        return Stage.SEALED
    return Stage.OPEN if now < contract.feedback_until else Stage.NOTHING


def _about(party: Party) -> FeedbackQuerySet:
    """What other sides gave on a party's contracts."""
    if party.is_client:
        return Feedback.objects.filter(contract__client=party, side=Side.TALENT)
    return Feedback.objects.filter(contract__talent=party, side=Side.CLIENT)


def _public(feedback: QuerySet[Feedback]) -> QuerySet[Feedback]:
    """Those on contracts on which enough was paid and kept (rule book: net paid ≥ 1.00)."""
    kept = (
        Payment.objects.filter(book=OuterRef("contract__book"))
        .order_by()
        .values("book")
        .annotate(kept=Sum(F("gross_minor") - F("refunded_minor")))
        .values("kept")
    )
    paid = Coalesce(Subquery(kept, output_field=BigIntegerField()), Value(0))
    minimums = ((one, policy.public_feedback_minimum(one).minor) for one in policy.CURRENCIES)
    enough = (Q(contract__currency=one, paid_net__gte=minimum) for one, minimum in minimums)
    return feedback.annotate(paid_net=paid).filter(reduce(or_, enough))


def _reputation(count: int, stars: int | None) -> Reputation:
    return Reputation(count, half_up(10 * stars, count) if stars else None)


Position = tuple[datetime, int]


def _page(
    shown: QuerySet[Feedback], before: Position | None, after: Position | None
) -> tuple[list[Feedback], bool, bool]:
    """One page, newest first, and whether there is more before and behind it."""
    if after is not None:
        at, pk = after
        later = shown.filter(Q(visible_from__gt=at) | Q(visible_from=at, pk__gt=pk))
        nearest = list(later.order_by("visible_from", "pk")[: PAGE + 1])
        return nearest[:PAGE][::-1], len(nearest) > PAGE, True
    if before is not None:
        at, pk = before
        shown = shown.filter(Q(visible_from__lt=at) | Q(visible_from=at, pk__lt=pk))
    nearest = list(shown.order_by("-visible_from", "-pk")[: PAGE + 1])
    return nearest[:PAGE], before is not None, len(nearest) > PAGE


def _position(entry: Feedback) -> str:
    """Where a page goes on: the reveal, to the microsecond, and the row."""
    return f"{entry.visible_from.isoformat()}_{entry.pk}"


def _read(position: str) -> Position | None:
    """A position from an address; None for what is none."""
    moment, _, pk = position.partition("_")
    try:
        at, row = datetime.fromisoformat(moment), int(pk)
    except ValueError:
        return None
    return (at, row) if at.tzinfo is not None else None
