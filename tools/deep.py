"""Look for rare mistakes for as long as told: ``MINUTES=60``, on both databases in turn.

Each round has a fresh seed. The one that fails is printed with the command that repeats it.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
MINUTES: Final = float(os.environ.get("MINUTES", "60"))
TESTS: Final = ["-m", "(race or machine) and not browser"]
ENGINES: Final = {"SQLite": [], "PostgreSQL": [sys.executable, "-m", "tests.support.postgres"]}


def main() -> int:
    end = time.monotonic() + MINUTES * 60
    rounds = 0
    while time.monotonic() < end:
        for engine, beside in ENGINES.items():
            seed = str(secrets.randbelow(2**32))
            rounds += 1
            print(f"== Round {rounds} on {engine}, seed {seed}", flush=True)
            if not _passes([*beside, sys.executable, "-m", "pytest", *TESTS], seed):
                print(f"Failed on {engine} with seed {seed}. To repeat it:", file=sys.stderr)
                module = "-m tests.support.postgres python " if beside else ""
                print(
                    f"  TEST_PROFILE=deep .venv/bin/python {module}-m pytest"
                    f" -m '{TESTS[1]}' --hypothesis-seed={seed}",
                    file=sys.stderr,
                )
                return 1
    print(f"{rounds} rounds in {MINUTES:g} minutes, nothing found.")
    return 0


def _passes(command: list[str], seed: str) -> bool:
    environment = {**os.environ, "TEST_PROFILE": "deep"}
    command = [*command, f"--hypothesis-seed={seed}"]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0


if __name__ == "__main__":
    raise SystemExit(main())
