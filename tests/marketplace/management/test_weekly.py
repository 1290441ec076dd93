"""``manage.py weekly``: the books are checked before and after what is billed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from contracts import billing
from contracts.models import Week, WeekLimit
from contracts.states import WeekState
from marketplace import clock
from payments.models import Account
from tests.factories import NOON, hourly, recorded

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _monday():
    with clock.at(NOON):
        contract = hourly()
    with clock.at(NOON + timedelta(hours=1)):
        recorded(contract, NOON, 60)
    with clock.at(MONDAY):
        yield


def weekly(out: StringIO | None = None) -> str:
    out = out or StringIO()
    call_command("weekly", stdout=out)
    return out.getvalue()


def test_weekly_bills_what_is_due_between_two_looks_at_the_books():
    assert weekly().splitlines() == [
        "12 checks of the books hold.",
        "Weeks billed: 1.",
        "12 checks of the books hold.",
    ]
    assert Week.objects.get().state == WeekState.PAID


def test_weekly_again_bills_nothing():
    weekly()

    assert "Weeks billed: 0." in weekly()


def test_weekly_shows_how_far_it_is_on_a_terminal():
    assert "1 of 1 weeks" in weekly(Terminal())


def test_weekly_bills_nothing_when_the_books_are_wrong():
    Account.objects.filter(kind="credit").update(balance_minor=1)

    with pytest.raises(CommandError, match="before the run; nothing was billed") as caught:
        weekly()

    assert "Every kept balance equals the sum of its transfers." in str(caught.value)
    assert Week.objects.get().state == WeekState.OPEN


def test_weekly_names_what_broke_meanwhile(monkeypatch):
    def breaks(contract_ids):
        Account.objects.filter(kind="escrow").update(balance_minor=5)
        return True

    monkeypatch.setattr(billing, "bill", breaks)

    with pytest.raises(CommandError, match="do not hold after the run"):
        weekly()


def test_weekly_says_when_a_week_failed():
    WeekLimit.objects.all().delete()
    out = StringIO()

    with pytest.raises(CommandError, match="Some weeks failed"):
        weekly(out)

    assert "Weeks billed: 0, 1 failed." in out.getvalue()
