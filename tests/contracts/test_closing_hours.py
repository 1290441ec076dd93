"""Ending an hourly contract: the diary locks at that instant, and what it holds is billed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from contracts import closing, diary, terms, timers
from contracts.models import Contract, Stretch, Timer, Week
from contracts.states import Side, WeekState
from marketplace import clock
from marketplace.actors import Actor
from marketplace.facts import freeze
from marketplace.refusals import FiguresChanged, Overtaken
from tests.factories import (
    NOON,
    StaffFactory,
    ended,
    hourly,
    owner_of,
    recorded,
    seen,
    timed,
    usd,
)
from tests.support.asserting import assert_audit_clean, refused

pytestmark = pytest.mark.django_db

CLIENT, TALENT = Side.CLIENT, Side.TALENT
MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
THIS_WEEK = date(2026, 11, 16)
BILLED = datetime(2026, 11, 23, 12, tzinfo=UTC)


def begun(at: datetime = MONDAY, **values) -> Contract:
    """An hourly contract that began on Monday morning."""
    with clock.at(at):
        return hourly(**values)


def worked(minutes: int = 370, **values) -> Contract:
    """It is Thursday noon, and that much was recorded this week."""
    contract = begun(**values)
    recorded(contract, MONDAY + timedelta(days=1, hours=8), minutes)
    return contract


@pytest.mark.parametrize("side", Side)
def test_end_locks_the_week_at_that_instant(side):
    contract = ended(worked(), side)

    week = contract.weeks.get()
    assert (week.state, week.locked_at, week.minutes) == (WeekState.LOCKED, NOON, 370)
    assert week.bills_at == BILLED
    assert_audit_clean()
