"""What can be said about the code without running the tests; every check runs, then all is told."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
BIN: Final = Path(sys.executable).parent
MANAGE: Final = [sys.executable, "manage.py"]
DJANGO: Final = "5.2"

TEST_SETTINGS: Final = {"DJANGO_SETTINGS_MODULE": "marketplace.settings.test"}
"""Quick and without a trace; the tools end too abruptly to clear up after themselves."""
PRODUCTION: Final = {
    "DJANGO_SETTINGS_MODULE": "marketplace.settings.production",
    "SECRET_KEY": secrets.token_urlsafe(64),
    "ALLOWED_HOSTS": "closeout.example",
    "DATABASE_URL": "postgres://closeout@localhost/closeout",
    "EMAIL_URL": "smtp+tls://closeout:secret@localhost:587",
}
"""A safe public installation; nothing is connected to."""


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="closeout-check-") as data:
        os.environ["CLOSEOUT_DATA"] = data
        failed = [name for name, *how in _checks() if not _passes(name, *how)]
    if failed:
        print(f"\nFailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _checks() -> list[tuple[str, list[str], dict[str, str]]]:
    templates = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("templates/**/*.html"))
    return [
        ("format", [_tool("ruff"), "format", "--check", "--quiet", "."], {}),
        ("style", [_tool("ruff"), "check", "--quiet", "."], {}),
        ("types", [_tool("mypy")], TEST_SETTINGS),
        ("import contracts", [_tool("lint-imports"), "--no-cache"], {}),
        ("templates", [_tool("djade"), "--check", "--target-version", DJANGO, *templates], {}),
        (
            "missing migrations",
            [*MANAGE, "makemigrations", "--check", "--dry-run"],
            TEST_SETTINGS,
        ),
        ("transition diagrams", [*MANAGE, "diagrams", "--check"], TEST_SETTINGS),
        (
            "deployment settings",
            [*MANAGE, "check", "--deploy", "--fail-level", "WARNING"],
            PRODUCTION,
        ),
        ("packages agree", [sys.executable, "-m", "pip", "check"], {}),
    ]


def _tool(name: str) -> str:
    return str(BIN / name)


def _passes(name: str, command: list[str], settings: dict[str, str]) -> bool:
    started = time.monotonic()
    finished = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    passes = finished.returncode == 0
    print(f"{'ok    ' if passes else 'FAILED'} {name} ({time.monotonic() - started:.1f} s)")
    if not passes:
        print(finished.stdout)
    return passes


if __name__ == "__main__":
    raise SystemExit(main())
