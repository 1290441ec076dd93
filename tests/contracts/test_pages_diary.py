"""The Work Diary's pages: what a week shows, and what is done from there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts.models import Contract, Stretch, Timer
from contracts.states import Side
from marketplace import clock
from tests.factories import NOON, hourly, owner_of, recorded, timed
from tests.pages import Browser, Page

pytestmark = pytest.mark.django_db

MONDAY = NOON.replace(day=16, hour=9)


def diary_of(contract: Contract, side: Side = Side.TALENT, path: str = "") -> Page:
    browser = Browser.of(owner_of(contract.party(side)))
    return browser.open(f"/contracts/{contract.reference}/diary/{path}")


def begun(**values) -> Contract:
    """An hourly contract since three weeks ago."""
    with clock.at(NOON - timedelta(days=21)):
        return hourly(**values)


def test_week_is_shown_to_both_sides():
    contract = begun()
    recorded(contract, MONDAY, 90, memo="Fixed the import")
    timed(contract, MONDAY + timedelta(days=1), 65, memo="Review")

    for side in Side:
        page = diary_of(contract, side)
        assert "2 h 30 min of 20 h limit" in page.text
