"""The lives that contracts of a large demo market lead, told up to the present and no further."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, Final

from contracts.plans import Choice
from contracts.states import Side
from marketplace import clock, policy
from marketplace.actors import PLATFORM
from marketplace.management.demo.afterwards import PaidDeal
from marketplace.management.demo.deals import Deal
from marketplace.management.demo.hours import HourlyDeal
from marketplace.management.demo.returns import ReturnDeal
from marketplace.management.demo.town import CURRENCIES
from marketplace.money import Money

Step = Callable[[], None]
Life = Callable[[Any], Iterator[timedelta]]
"""What a deal of the scene's kind does, and how long it waits in between."""

_WHAT: Final = ("Website", "Newsletter", "Brochure", "Shop", "Podcast", "Handbook", "Survey", "App")
_HOW: Final = ("redesign", "translation", "layout", "review", "photography", "support", "editing")
_FOR: Final = ("spring", "summer", "autumn", "winter", "the fair", "the launch", "members")


class Story:
    """Everything that happens in a batch, in the order of its time."""

    def __init__(self) -> None:
        self._coming: list[tuple[datetime, int, Step]] = []
        self._order = count()

    def add(self, moment: datetime, step: Step) -> None:
        heapq.heappush(self._coming, (moment, next(self._order), step))

    def begin(self, life: Iterator[timedelta], at: datetime) -> None:
        self.add(at, partial(self._go_on, life))

    def tell(self, *, until: datetime) -> None:
        """Do what comes up to a moment; the rest has not happened yet."""
        while self._coming and self._coming[0][0] <= until:
            moment, _, step = heapq.heappop(self._coming)
            with clock.at(moment):
                step()

    def _go_on(self, life: Iterator[timedelta]) -> None:
        wait = next(life, None)
        if wait is not None:
            self.begin(life, clock.now() + wait)


@dataclass(frozen=True, slots=True)
class Scene:
    """A life, how many days ago it began, from one number to another, and of which kind it is."""

    life: Life
    began: tuple[int, int]
    deal: type[Deal] = Deal


def waits_for_an_answer(deal: Deal) -> Iterator[timedelta]:
    _offer(deal, fund=False)
    yield from ()


def waits_with_money(deal: Deal) -> Iterator[timedelta]:
    _offer(deal, fund=True)
    yield from ()


def never_starts(deal: Deal) -> Iterator[timedelta]:
    _offer(deal, fund=deal.chooser.random() < 0.5)
    how = deal.chooser.choice(("decline", "withdraw", "expire"))
    yield policy.OFFER_WINDOW if how == "expire" else _hours(deal, 5, 120)
    deal.refuse(how)


def planned(deal: Deal) -> Iterator[timedelta]:
    yield from _begin(deal, fund=False)


def at_work(deal: Deal) -> Iterator[timedelta]:
    yield from _begin(deal)
    yield _hours(deal, 1, 20)
    deal.write(deal.client, "The files you need are in the shared folder.")


def in_review(deal: Deal) -> Iterator[timedelta]:
    yield from _begin(deal)
    yield from _submit(deal, 1)


def changes_wanted(deal: Deal) -> Iterator[timedelta]:
    yield from in_review(deal)
    yield _hours(deal, 5, 60)
    deal.ask_for_changes(1)


def leftover(deal: Deal) -> Iterator[timedelta]:
    """Part was paid, the rest stays in escrow without a milestone."""
    yield from _begin(deal, parts=1)
    yield from _submit(deal, 1)
    yield _hours(deal, 5, 60)
    deal.approve(1, _half(deal.milestones[0].amount))
    yield _hours(deal, 1, 5)
    deal.keep_open()


def just_paid(deal: Deal) -> Iterator[timedelta]:
    """The client has not answered whether to end."""
    yield from _begin(deal, parts=1)
    yield from _submit(deal, 1)
    yield _hours(deal, 5, 60)
    deal.approve(1)


def second_part(deal: Deal) -> Iterator[timedelta]:
    yield from _begin(deal, parts=3)
    yield from _submit(deal, 1)
    yield _hours(deal, 5, 60)
    deal.approve(1)
    yield _hours(deal, 1, 20)
    deal.keep_open()
    deal.fund(2)


def talent_ends(deal: Deal) -> Iterator[timedelta]:
    yield from _begin(deal)
    yield _hours(deal, 5, 50)
    deal.end(Side.TALENT)
    yield from _afterwards(deal)


def asks_for_the_rest(deal: ReturnDeal) -> Iterator[timedelta]:
    """The client ends and pays nothing; the talent has not answered yet."""
    yield from _begin(deal)
    yield _hours(deal, 12, 36)
    deal.end(Side.CLIENT)


def answered(deal: ReturnDeal) -> Iterator[timedelta]:
    """The same, answered: let go, lapsed, or paid instead."""
    yield from asks_for_the_rest(deal)
    how = deal.chooser.choice(("accept", "lapse", "withdraw"))
    yield policy.ESCROW_ANSWER_WINDOW if how == "lapse" else _hours(deal, 5, 150)
    by = {"accept": deal.talent.by, "withdraw": deal.client.by}.get(how, PLATFORM)
    deal.settle(how, by=by)
    yield from _afterwards(deal)


def brought_to_support(deal: ReturnDeal) -> Iterator[timedelta]:
    """The same, but work had been submitted: silence brings it to support."""
    yield from _begin(deal)
    yield from _submit(deal, 1)
    yield _hours(deal, 12, 36)
    deal.end(Side.CLIENT)
    yield policy.ESCROW_ANSWER_WINDOW
    deal.escalate()


def splits(deal: ReturnDeal) -> Iterator[timedelta]:
    """The talent proposes a split instead; the client has not answered yet."""
    yield from asks_for_the_rest(deal)
    yield _hours(deal, 5, 60)
    deal.propose_split(_half(deal.request.amount))


def split_answered(deal: ReturnDeal) -> Iterator[timedelta]:
    """The client agrees, or declines; then the talent lets all of it go."""
    yield from splits(deal)
    yield _hours(deal, 5, 90)
    if deal.chooser.random() < 0.5:
        deal.agree_to_split()
    else:
        deal.decline_split()
        yield _hours(deal, 1, 40)
        deal.settle("accept", by=deal.talent.by)
    yield from _afterwards(deal)


def disputes_the_return(deal: ReturnDeal) -> Iterator[timedelta]:
    """The talent disputes it; the client has not answered yet."""
    yield from asks_for_the_rest(deal)
    yield _hours(deal, 5, 60)
    deal.dispute("The first half was delivered and is in use.")


def dispute_conceded(deal: ReturnDeal) -> Iterator[timedelta]:
    """The client pays after all, or does not answer in time."""
    yield from disputes_the_return(deal)
    answer_by = deal.request.answer_by
    assert answer_by is not None
    if deal.chooser.random() < 0.5:
        yield _hours(deal, 5, 90)
        deal.settle("concede", by=deal.client.by)
    else:
        yield answer_by - clock.now()
        deal.settle("concede_by_silence", by=PLATFORM)
    yield from _afterwards(deal)


def with_support(deal: ReturnDeal) -> Iterator[timedelta]:
    """The client rejects the dispute; support has not decided yet."""
    yield from disputes_the_return(deal)
    yield _hours(deal, 5, 90)
    deal.reject("Nothing that was delivered could be used.")


def decided(deal: ReturnDeal) -> Iterator[timedelta]:
    """Support proposes a split; both accept it, or support decides."""
    yield from with_support(deal)
    yield _hours(deal, 20, 200)
    deal.mediate(_half(deal.request.amount))
    if deal.chooser.random() < 0.5:
        yield _hours(deal, 1, 40)
        deal.agree_in_mediation()
    else:
        yield policy.MEDIATION_ANSWER_WINDOW
        deal.give_up_split()
        yield _hours(deal, 5, 60)
        deal.decide(_half(deal.request.amount))
    yield from _afterwards(deal)


def released_by_clock(deal: Deal) -> Iterator[timedelta]:
    yield from in_review(deal)
    yield policy.REVIEW_WINDOW
    deal.release_by_clock(1)
    yield _hours(deal, 5, 60)
    deal.end(Side.CLIENT)
    yield from _afterwards(deal)


def paid_and_ended(deal: Deal) -> Iterator[timedelta]:
    """Up to three parts, each paid; the last one by the end itself, in full or in part."""
    yield from _begin(deal)
    for number in range(1, len(deal.milestones)):
        yield from _submit(deal, number)
        yield _hours(deal, 5, 60)
        deal.approve(number)
        yield _hours(deal, 1, 5)
        deal.keep_open()
        deal.fund(number + 1)
    yield from _submit(deal, len(deal.milestones))
    yield _hours(deal, 5, 60)
    deal.end(Side.CLIENT, Choice.all())
    yield from _afterwards(deal)


def asked_back(deal: PaidDeal) -> Iterator[timedelta]:
    """The client asks for part of the last payment; the talent has not answered."""
    yield from paid_and_ended(deal)
    yield _hours(deal, 5, 60)
    payment = deal.payments[-1]
    deal.ask_for_refund(payment, _half(payment.gross))


def answers_asked_back(deal: PaidDeal) -> Iterator[timedelta]:
    """The same; the talent refunds it, or declines."""
    yield from asked_back(deal)
    yield _hours(deal, 5, 90)
    if deal.chooser.random() < 0.7:
        deal.grant()
    else:
        deal.decline()


def refunds_all(deal: PaidDeal) -> Iterator[timedelta]:
    """The talent gives a whole payment back without being asked."""
    yield from paid_and_ended(deal)
    yield _hours(deal, 5, 200)
    deal.refund(deal.payments[-1], deal.payments[-1].gross)


def with_a_bonus(deal: PaidDeal) -> Iterator[timedelta]:
    yield from paid_and_ended(deal)
    yield _hours(deal, 1, 90)
    deal.give_bonus(_half(deal.payments[-1].gross))


def offers_hours(deal: HourlyDeal) -> Iterator[timedelta]:
    _offer_hours(deal)
    yield from ()


def by_the_hour(deal: HourlyDeal) -> Iterator[timedelta]:
    """A week is going on, others are in review or paid."""
    yield from _begin_hours(deal)
    while True:
        yield from _work(deal)


def hours_ended(deal: HourlyDeal) -> Iterator[timedelta]:
    """Some weeks of work, then either side ends; the last hours are paid on Monday."""
    yield from _begin_hours(deal)
    for _ in range(deal.chooser.randint(3, 9)):
        yield from _work(deal)
    yield _hours(deal, 1, 40)
    deal.end(deal.chooser.choice(tuple(Side)))
    yield from _afterwards(deal)


def unrecorded_time(deal: HourlyDeal) -> Iterator[timedelta]:
    """The talent asks for a bonus for time that it did not record; perhaps the client gives it."""
    yield from hours_ended(deal)
    yield _hours(deal, 20, 90)
    request = deal.ask_for_bonus(deal.contract.hourly_rate, 60)
    yield _hours(deal, 5, 90)
    if deal.chooser.random() < 0.5:
        deal.give_bonus(request.amount, request)


def a_week_of_hours(deal: HourlyDeal) -> Iterator[timedelta]:
    """Two stretches within two and a half days of the offer, for measuring the weekly run."""
    yield from _begin_hours(deal)
    for _ in range(2):
        yield _hours(deal, 6, 20)
        deal.work(120, "Import of the nightly files")


def a_full_week(deal: HourlyDeal) -> Iterator[timedelta]:
    """Each segment of a week is a stretch of its own, for measuring the Work Diary."""
    yield from _begin_hours(deal)
    while True:
        yield policy.SEGMENT
        deal.work(policy.SEGMENT // timedelta(minutes=1), f"{deal.chooser.choice(_WHAT)}, a part")


SCENES: Final = (
    Scene(waits_for_an_answer, (0, 6)),
    Scene(paid_and_ended, (14, 30)),
    Scene(at_work, (2, 40)),
    Scene(in_review, (5, 12)),
    Scene(paid_and_ended, (40, 400)),
    Scene(leftover, (9, 60)),
    Scene(asks_for_the_rest, (3, 7), ReturnDeal),
    Scene(never_starts, (10, 300)),
    Scene(planned, (1, 40)),
    Scene(second_part, (9, 60)),
    Scene(waits_with_money, (0, 6)),
    Scene(paid_and_ended, (40, 400)),
    Scene(in_review, (5, 12)),
    Scene(talent_ends, (4, 300)),
    Scene(changes_wanted, (7, 40)),
    Scene(answered, (12, 300), ReturnDeal),
    Scene(at_work, (2, 40)),
    Scene(just_paid, (9, 30)),
    Scene(paid_and_ended, (14, 30)),
    Scene(released_by_clock, (25, 300)),
    Scene(by_the_hour, (9, 24), HourlyDeal),
    Scene(hours_ended, (30, 300), HourlyDeal),
    Scene(offers_hours, (0, 6), HourlyDeal),
    Scene(asked_back, (24, 60), PaidDeal),
    Scene(answers_asked_back, (30, 170), PaidDeal),
    Scene(refunds_all, (30, 170), PaidDeal),
    Scene(with_a_bonus, (30, 300), PaidDeal),
    Scene(unrecorded_time, (45, 300), HourlyDeal),
    Scene(splits, (5, 7), ReturnDeal),
    Scene(split_answered, (12, 300), ReturnDeal),
    Scene(brought_to_support, (13, 28), ReturnDeal),
    Scene(disputes_the_return, (5, 7), ReturnDeal),
    Scene(dispute_conceded, (14, 300), ReturnDeal),
    Scene(with_support, (9, 25), ReturnDeal),
    Scene(decided, (28, 300), ReturnDeal),
)
"""In turn, so that a small market has a bit of everything: half of it is active or on offer."""

A_WEEK_DUE: Final = (Scene(a_week_of_hours, (4, 6), HourlyDeal),)
"""For measuring: built up to Monday noon, every contract has a week that is due for the run."""

A_FULL_WEEK: Final = (Scene(a_full_week, (15, 16), HourlyDeal),)
"""For measuring: last week is full."""


def _offer(deal: Deal, *, fund: bool, parts: int = 0) -> None:
    chooser = deal.chooser
    title, description = _subject(deal)
    amounts = [
        Money(2_500 * chooser.randint(2, 80), _currency(deal))
        for _ in range(parts or chooser.randint(1, 3))
    ]
    deal.offer(title, description, amounts, fund=fund)


def _offer_hours(deal: HourlyDeal) -> None:
    title, description = _subject(deal)
    rate = Money(500 * deal.chooser.randint(4, 24), _currency(deal))
    deal.offer_hours(title, description, rate, hours=5 * deal.chooser.randint(1, 8))


def _subject(deal: Deal) -> tuple[str, str]:
    """A title, and a description of it."""
    what, how, when = (deal.chooser.choice(one) for one in (_WHAT, _HOW, _FOR))
    return f"{what} {how} for {when}", f"{what} {how}, as we talked about it."


def _currency(deal: Deal) -> str:
    return CURRENCIES[0] if deal.client.party.pk % 8 else CURRENCIES[1]


def _begin(deal: Deal, *, fund: bool = True, parts: int = 0) -> Iterator[timedelta]:
    _offer(deal, fund=fund, parts=parts)
    yield _hours(deal, 1, 20)
    deal.accept()


def _begin_hours(deal: HourlyDeal) -> Iterator[timedelta]:
    _offer_hours(deal)
    yield _hours(deal, 1, 20)
    deal.accept()


def _work(deal: HourlyDeal) -> Iterator[timedelta]:
    yield _hours(deal, 12, 60)
    deal.work(10 * deal.chooser.randint(3, 24), f"{deal.chooser.choice(_WHAT)}, next part")


def _submit(deal: Deal, number: int) -> Iterator[timedelta]:
    yield _hours(deal, 12, 60)
    deal.submit(number)


def _afterwards(deal: Deal) -> Iterator[timedelta]:
    """Checklists and feedback of those who mind them."""
    for side in _sides(deal):
        yield _hours(deal, 1, 70)
        deal.tick(side)
        stars = deal.chooser.randint(3, 5)
        if deal.may_give_feedback:
            deal.give_feedback(side, stars)


def _sides(deal: Deal) -> Sequence[Side]:
    mind = [side for side in Side if deal.chooser.random() < 0.7]
    deal.chooser.shuffle(mind)
    return mind


def _half(amount: Money) -> Money:
    return Money(max(amount.minor // 5_000 * 2_500, 2_500), amount.currency)


def _hours(deal: Deal, low: int, high: int) -> timedelta:
    return timedelta(minutes=deal.chooser.randint(low * 60, high * 60))
