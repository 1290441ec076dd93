"""An hourly contract of a large demo market: time, weeks and their payments, in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from contracts import billing, hours_facts, weeks
from contracts.hours_facts import Rows
from contracts.models import Stretch, Week, WeekLimit
from contracts.plans import Facts, LockDiary
from contracts.states import UNSETTLED_WEEKS, ContractKind, StretchKind
from marketplace import clock, policy
from marketplace.actors import PLATFORM, Actor
from marketplace.management.demo.afterwards import PaidDeal
from marketplace.money import Money
from payments.gateways import sandbox
from payments.states import EntryKind


class HourlyDeal(PaidDeal):
    """As the real doors would have it; each week is billed, reviewed and paid at its times."""

    def offer_hours(self, title: str, description: str, rate: Money, *, hours: int) -> None:
        self.weeks: list[Week] = []
        self._open_contract(
            ContractKind.HOURLY,
            title,
            description,
            rate.currency,
            rate_minor=rate.minor,
            manual_time=True,
            charge_method=sandbox.ACCEPTS,
        )
        first = weeks.week_of(clock.now())
        limit = WeekLimit(contract=self.contract, from_week=first, minutes=hours * 60)
        self.limit = self.rows.add(limit)
        self._place()

    def work(self, minutes: int, memo: str) -> None:
        """Time by the timer up to now: as much of it as the talent was not busy elsewhere."""
        stop = weeks.floor(clock.now())
        midnight = stop.replace(hour=0, minute=0, second=0, microsecond=0)
        began = self.contract.answered_at or stop
        first = max(stop - timedelta(minutes=minutes), midnight, self.talent.busy_until, began)
        start, stop = weeks.whole_segments(first, stop)
        if start < stop:
            self.talent.busy_until = stop
            self._record(start, stop, memo)

    def _record(self, start: datetime, stop: datetime, memo: str) -> None:
        membership = self.talent.by.as_member
        stretch = Stretch(
            contract=self.contract,
            week=self._week(start),
            membership=membership,
            person_id=membership.user_id,
            kind=StretchKind.TIMER,
            starts_at=start,
            ends_at=stop,
            memo=memo,
            recorded_at=clock.now(),
        )
        self.rows.add(stretch).week.minutes += stretch.minutes
        self._place()

    def _week(self, moment: datetime) -> Week:
        monday = weeks.week_of(moment)
        if self.weeks and self.weeks[-1].starts_on == monday:
            return self.weeks[-1]
        week = Week(
            contract=self.contract,
            starts_on=monday,
            currency=self.contract.currency,
            bills_at=weeks.bills_at(monday),
        )
        self.weeks.append(self.rows.add(week))
        self._created(week, by=self.talent.by)
        self.later(week.bills_at, partial(self._bill, week))
        return week

    # From Monday on -----------------------------------------------------------------------------

    def _bill(self, week: Week) -> None:
        """Invoiced, and paid at once: from credit, and by a charge for the rest."""
        if not week.is_unbilled:
            return
        minutes = weeks.billable(week.minutes, self.limit.minutes)
        if not minutes:
            self._move(week, "close_empty", by=PLATFORM)
            return
        amount = weeks.amount(self.contract.hourly_rate, minutes)
        until = weeks.review_until(week.starts_on)
        self._move(
            week,
            "invoice",
            by=PLATFORM,
            minutes=minutes,
            amount=amount,
            review_until=until,
            at=week.bills_at,
        )
        self._collect(week, amount)
        self.later(until, partial(self._end_review, week))
        self._place_again()

    def _collect(self, week: Week, amount: Money) -> None:
        rest = amount - min(self.book.credit, amount)
        if rest:
            charge = max(rest, policy.minimum_charge(amount.currency))
            key = f"hours:{week.pk}:1"
            self._charge(charge, billing.PURPOSE, week, key=key, by=PLATFORM)
        payment = self._pay_out(
            EntryKind.HOURS,
            self.book.credit_account_id,
            amount,
            key=f"hours:{week.pk}",
            title=f"Hours, {week}",
            paid_at=week.bills_at,
            available_at=weeks.available_at(week.starts_on, week.bills_at),
            by=PLATFORM,
        )
        self._move(week, "pay", by=PLATFORM, payment=payment)

    def _end_review(self, week: Week) -> None:
        week.review_until = None
        self._place_again()

    # The end ------------------------------------------------------------------------------------

    def _facts(self) -> Facts:
        rows = Rows(weeks=self.contract.open_weeks, timers=[], disputes=[], limits=[self.limit])
        hours = hours_facts.facts(self.contract, rows, clock.now())
        return replace(super()._facts(), hours=hours)

    def _do(self, effect: Any, *, by: Actor) -> None:
        """The diary locks; everything else of an end happens by itself on Monday."""
        if not isinstance(effect, LockDiary):
            return
        now = clock.now()
        for week in self.weeks:
            if week.is_open:
                self._move(week, "lock", by=by, at=now, billed=weeks.billed_next(now))
                self.later(week.bills_at, partial(self._bill, week))

    def _place(self) -> None:
        self._look_at_weeks()
        super()._place()

    def _place_again(self) -> None:
        self._look_at_weeks()
        super()._place_again()

    def _look_at_weeks(self) -> None:
        """As entering the contract would find them: not settled, or in review."""
        self.contract.open_weeks = [
            one for one in self.weeks if one.state in UNSETTLED_WEEKS or one.review_until
        ]
