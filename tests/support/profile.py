"""How long the tests look: ``quick`` in ``make test``, ``deep`` in ``make test-deep``.

Quick runs are the same each time; deep ones take fresh seeds and print the one that failed.
"""

from __future__ import annotations

import os
from typing import Final

from hypothesis import HealthCheck, Phase, settings

DEEP: Final = os.environ.get("TEST_PROFILE") == "deep"

RACE_ROUNDS: Final = int(os.environ.get("RACE_ROUNDS", "300" if DEEP else "20"))
"""How often each race is run."""
MACHINE_RUNS: Final = int(os.environ.get("MACHINE_RUNS", "300" if DEEP else "30"))
"""How many lives the state machine plays."""
MACHINE_STEPS: Final = int(os.environ.get("MACHINE_STEPS", "80" if DEEP else "40"))
"""How many steps each of them has."""

# The first example of a test pays for imports and the first query, and machines differ in speed: a
# deadline would fail tests by chance. Fixtures of the database are rolled back around all examples.
UNHURRIED: Final = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]

settings.register_profile(
    "quick",
    derandomize=True,
    database=None,
    max_examples=30,
    deadline=None,
    suppress_health_check=UNHURRIED,
)
settings.register_profile(
    "deep",
    max_examples=1000,
    deadline=None,
    print_blob=True,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink],
    suppress_health_check=UNHURRIED,
)
settings.load_profile("deep" if DEEP else "quick")
