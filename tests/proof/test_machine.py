"""Random lives find nothing, leave no capability out, and find the mistakes we plant."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.proof.machine import Life
from tests.support.profile import MACHINE_RUNS, MACHINE_STEPS

pytestmark = [pytest.mark.django_db, pytest.mark.machine]


def test_random_lives_keep_the_books_right():
    chosen = settings(max_examples=MACHINE_RUNS, stateful_step_count=MACHINE_STEPS)
    run_state_machine_as_test(Life, settings=chosen)
