"""Facts survive the JSON column."""

from __future__ import annotations

import json
from datetime import date

import pytest

from marketplace.facts import freeze, thaw
from marketplace.money import Money
from marketplace.states import Side
from tests.factories import NOON


def test_facts_frozen_and_thawed_are_the_same():
    facts = {
        "amount": Money(123, "EUR"),
        "at": NOON,
        "day": date(2026, 12, 2),
        "own": True,
        "rows": [{"title": "Draft", "part": Money(5, "JPY")}, None, 3],
    }

    assert thaw(json.loads(json.dumps(freeze(facts)))) == facts


def test_choice_is_frozen_as_its_value():
    assert freeze(Side.CLIENT) == "client"
    assert type(freeze(Side.CLIENT)) is str


def test_row_is_no_fact():
    with pytest.raises(TypeError, match="object is no fact"):
        freeze({"row": object()})
