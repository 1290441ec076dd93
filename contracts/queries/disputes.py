"""Disputes of hours: what can be disputed of a week, and what was, as both sides read it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby

from contracts import hours_disputes, weeks
from contracts.models import Contract, DisputedSegment, HoursDispute, Stretch, Week
from contracts.states import Side
from marketplace import clock, moments, policy, transitions
from marketplace.actors import Actor
from marketplace.models import Party
from marketplace.money import Money
from marketplace.refusals import Refusal
from payments import refunds

Billed = Sequence[tuple[Stretch, datetime]]


@dataclass(frozen=True, slots=True)
class Cell:
    """One segment that can be chosen; ``index`` names it in the form."""

    index: int
    label: str
    checked: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """The billed part of one stretch, as a choice."""

    pk: int
    span: str
    who: str
    memo: str
    minutes: int
    is_manual: bool
    checked: bool
    cells: list[Cell]

    @property
    def opens(self) -> bool:
        """Some of its segments are chosen by themselves."""
        return any(cell.checked for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Day:
    """One UTC day's entries."""

    label: str
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class Run:
    """Segments of one stretch that follow each other and are treated alike."""

    stretch: Stretch
    span: str
    minutes: int
    is_reversed: bool | None

    @property
    def day(self) -> str:
        return _day(self.stretch)

    @property
    def who(self) -> str:
        return self.stretch.membership.user.name

    @property
    def memo(self) -> str:
        return self.stretch.memo


@dataclass(frozen=True)
class DisputePage:
    """A dispute as one side reads it."""

    dispute: HoursDispute
    contract: Contract
    side: Side
    other: Party
    now: datetime
    runs: list[Run]
    amount: Money
    back: Money
    cost: Money
    was_paid: bool
    may_answer: Refusal | None

    @property
    def is_talent(self) -> bool:
        return self.side is Side.TALENT

    @property
    def takes_answers(self) -> bool:
        """The talent may accept, and the client withdraw, until support has decided."""
        return self.dispute.is_open

    @property
    def is_pending(self) -> bool:
        """The talent still has time, whether or not a sweep came by."""
        return self.dispute.is_pending and self.now < self.dispute.answer_by

    @property
    def clock_title(self) -> str:
        time = moments.hours(self.dispute.minutes)
        if self.is_talent:
            return f"{self.other.name} disputes {time}, {self.amount}"
        return f"You dispute {time}, {self.amount}"

    @property
    def promise(self) -> str:
        """What accepting brings the client."""
        if self.is_talent or not self.amount:
            return ""
        if self.was_paid:
            return f"If {self.other.name} accepts, {self.amount} comes back to you as credit."
        return f"If {self.other.name} accepts, {self.amount} is not owed any more."

    @property
    def acceptance(self) -> str:
        """What accepting does to the talent's money."""
        if not self.amount:
            return "All of that payment was refunded before; nothing more is taken."
        if self.was_paid:
            fee = self.amount - self.cost
            return (
                f"{self.cost} of the pending payment of that week and {fee} of the fee go back to"
                f" {self.other.name} at once."
            )
        return (
            f"{self.other.name} owes {self.amount} less for that week, {self.cost} after the fee."
        )

    @property
    def outcome(self) -> str:
        """What came of a settled dispute."""
        minutes = self.dispute.reversed_minutes
        if not minutes:
            return "All of the time stands."
        time = moments.hours(minutes)
        if not self.back:
            return f"{time} does not count; its money had been refunded before."
        if not self.was_paid:
            return f"{time} does not count, and {self.back} is not owed any more."
        whom = f"to {self.other.name}" if self.is_talent else "to you, as credit"
        return f"{time}, {self.back}, went back {whom}."

    @property
    def accept_label(self) -> str:
        """What accepting does, in the words of its button."""
        if not self.amount:
            return "Accept: nothing more goes back"
        if self.was_paid:
            return f"Accept: {self.amount} goes back to {self.other.name}"
        return f"Accept: {self.amount} is not owed any more"


def invoiced_week(contract: Contract, monday: date) -> Week | None:
    """A week of a contract with its dispute and payment; one query."""
    found = contract.weeks.filter(starts_on=monday).select_related("dispute", "payment").first()
    if found is not None:
        found.contract = contract
    return found


def billed_of(week: Week) -> Billed:
    """What can be disputed of an invoiced week, in order; one query."""
    assert week.billable_minutes is not None
    stretches = week.stretches.select_related("membership__user").order_by("starts_at", "id")
    return list(weeks.billable_segments(list(stretches), week.billable_minutes))


def choices_of(billed: Billed, entries: Collection[int], cells: Collection[int]) -> list[Day]:
    """The form's choices, by day.

    Args:
        entries: ids of the stretches that are chosen as a whole.
        cells: places in ``billed`` of the segments that are chosen by themselves.
    """
    made: dict[str, list[Entry]] = {}
    for stretch, part in groupby(enumerate(billed), key=lambda one: one[1][0]):
        entry = _entry(stretch, list(part), entries, cells)
        made.setdefault(_day(stretch), []).append(entry)
    return [Day(label, of_day) for label, of_day in made.items()]


def dispute_page(dispute: HoursDispute, actor: Actor) -> DisputePage:
    """The page's content; one query beyond the dispute with its week, payment and contract."""
    contract = dispute.contract
    side = contract.side_of(actor.party_id)
    assert side is not None
    dispute.week.contract = contract
    amount = hours_disputes.at_stake(dispute)
    verb = "accept" if side is Side.TALENT else "withdraw"
    return DisputePage(
        dispute=dispute,
        contract=contract,
        side=side,
        other=contract.party(side.other),
        now=clock.now(),
        runs=runs_of(dispute),
        amount=amount,
        back=hours_disputes.given_back(dispute),
        cost=_cost(dispute, amount),
        was_paid=hours_disputes.was_paid(dispute),
        may_answer=transitions.rule_of(dispute, verb)(dispute, actor),
    )


def runs_of(dispute: HoursDispute) -> list[Run]:
    """Its segments, put together where they touch and are treated alike; one query."""
    return list(_runs(dispute.segments.select_related("stretch__membership__user")))


def _entry(
    stretch: Stretch,
    part: Sequence[tuple[int, tuple[Stretch, datetime]]],
    entries: Collection[int],
    cells: Collection[int],
) -> Entry:
    starts = [start for _, (_, start) in part]
    return Entry(
        pk=stretch.pk,
        span=_span(starts),
        who=stretch.membership.user.name,
        memo=stretch.memo,
        minutes=weeks.minutes_in(len(starts)),
        is_manual=stretch.is_manual,
        checked=stretch.pk in entries,
        cells=[
            Cell(index, f"{start.astimezone(UTC):%H:%M}", index in cells)
            for index, (_, start) in part
        ],
    )


def _runs(segments: Iterable[DisputedSegment]) -> Iterator[Run]:
    run: list[DisputedSegment] = []
    ordered = sorted(
        segments, key=lambda one: (one.stretch.starts_at, one.stretch_id, one.starts_at)
    )
    for segment in ordered:
        if run and not _continues(run[-1], segment):
            yield _run(run)
            run = []
        run.append(segment)
    if run:
        yield _run(run)


def _continues(before: DisputedSegment, after: DisputedSegment) -> bool:
    same = (before.stretch_id, before.is_reversed) == (after.stretch_id, after.is_reversed)
    return same and after.starts_at - before.starts_at == policy.SEGMENT


def _run(segments: Sequence[DisputedSegment]) -> Run:
    return Run(
        stretch=segments[0].stretch,
        span=_span([one.starts_at for one in segments]),
        minutes=weeks.minutes_in(len(segments)),
        is_reversed=segments[0].is_reversed,
    )


def _day(stretch: Stretch) -> str:
    return f"{stretch.starts_at.astimezone(UTC):%A %-d %B}"


def _span(starts: Sequence[datetime]) -> str:
    """09:00–10:20, in UTC as the diary is kept; a day ends at 24:00."""
    stop = f"{(starts[-1] + policy.SEGMENT).astimezone(UTC):%H:%M}"
    return f"{starts[0].astimezone(UTC):%H:%M}–{'24:00' if stop == '00:00' else stop}"


def _cost(dispute: HoursDispute, amount: Money) -> Money:
    """What accepting costs the talent: the amount less its part of the fee."""
    payment = dispute.week.payment
    if payment is None:
        return dispute.contract.book.net_of(amount)
    return amount - refunds.fee_part(payment, amount)
