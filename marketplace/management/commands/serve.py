"""Run the whole site on this machine: web pages and background work, started and stopped as one."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import FrameType
from typing import Any, Final

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from whitenoise.compress import Compressor

MANAGE: Final = str(Path(settings.BASE_DIR) / "manage.py")
GRACE: Final = 15
"""Seconds that a process has to finish what it is doing before it is killed."""
FIRST_ANSWER: Final = 30
"""Seconds within which the first page must be answered."""
PR_SET_PDEATHSIG: Final = 1
"""The number of the Linux call that asks for a signal when the parent ends."""


class Stopped(Exception):
    """Somebody asked for the end."""


class Command(BaseCommand):
    """Start web and worker, stay with them, and stop both when one of them ends."""

    help = "Run the site on this machine: web processes and the queue's worker, as one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
        parser.add_argument("--web-workers", type=int, default=_number("WEB_WORKERS", 2))
        parser.add_argument(
            "--prepare",
            action="store_true",
            help="bring the database up to date first, and fill an empty one with the demo market",
        )

    def handle(self, *, host: str, port: int, web_workers: int, prepare: bool, **_: Any) -> None:
        _require_free(host, port)
        os.environ["PORT"] = str(port)
        if prepare:
            _prepare()
        _collect_static_files()
        connections.close_all()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _raise_stopped)
        children: dict[str, subprocess.Popen[bytes]] = {}
        try:
            children["web"] = _start(_web(host, port, web_workers))
            children["worker"] = _start([sys.executable, MANAGE, "qcluster"])
            _await_first_answer(children["web"], host, port)
            self.stdout.write(
                self.style.SUCCESS(f"Closeout answers on {_address(host, port)} (Ctrl-C stops it)")
            )
            name = _await_end_of_one(children)
        except Stopped:
            self.stdout.write("Stopping.")
            return
        finally:
            _stop(children)
        raise CommandError(f"The {name} process ended by itself, so everything was stopped.")


def _number(variable: str, default: int) -> int:
    return int(os.environ.get(variable, default))


def _address(host: str, port: int) -> str:
    return f"http://{host}:{port}/"


def _require_free(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"Port {port} of {host} is taken ({error.strerror}). Set PORT to another one."
            ) from error


def _prepare() -> None:
    call_command("migrate", interactive=False, verbosity=0)
    if settings.CACHES["default"]["BACKEND"].endswith("DatabaseCache"):
        call_command("createcachetable", verbosity=0)
    if settings.DEMO:
        call_command("demo", if_empty=True)


def _collect_static_files() -> None:
    """Copy and compress what the pages need; what has not changed since the last start stays.

    A public installation does this when it is set up, with names that hold a hash.
    """
    if settings.STORAGES["staticfiles"]["BACKEND"].startswith("whitenoise."):
        return
    call_command("collectstatic", interactive=False, verbosity=0)
    compressor = Compressor(use_brotli=False, quiet=True)
    for path in Path(settings.STATIC_ROOT).rglob("*.*"):
        if compressor.should_compress(path.name) and not _is_compressed(path):
            compressor.compress(str(path))
    os.environ["CLOSEOUT_STATIC_COLLECTED"] = "1"


def _is_compressed(path: Path) -> bool:
    beside = path.with_name(f"{path.name}.gz")
    return beside.exists() and int(beside.stat().st_mtime) >= int(path.stat().st_mtime)


def _web(host: str, port: int, workers: int) -> list[str]:
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi"),
        *("--host", host, "--port", str(port)),
        *("--workers", str(workers), "--blocking-threads", "2"),
        *("--no-ws", "--log-level", "warning", "--respawn-failed-workers"),
        "marketplace.wsgi:application",
    ]


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, so that Ctrl-C reaches only us.

    The queue's cluster hangs when its helpers get the signal as well as their parent; it must come
    from us, to the parent alone.
    """
    return subprocess.Popen(  # noqa: S603 - our own commands
        command,
        cwd=settings.BASE_DIR,
        start_new_session=True,
        preexec_fn=_end_with_parent(),  # noqa: PLW1509 - no other thread runs yet
    )


def _end_with_parent() -> Callable[[], object] | None:
    """Return what a child must call to be asked to stop when this process is killed outright."""
    if not sys.platform.startswith("linux"):
        return None
    return partial(ctypes.CDLL(None).prctl, PR_SET_PDEATHSIG, signal.SIGTERM)


def _await_first_answer(web: subprocess.Popen[bytes], host: str, port: int) -> None:
    deadline = time.monotonic() + FIRST_ANSWER
    while time.monotonic() < deadline and web.poll() is None:
        connection = HTTPConnection(host, port, timeout=FIRST_ANSWER)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
        except (OSError, HTTPException):
            time.sleep(0.05)
        else:
            return
        finally:
            connection.close()


def _await_end_of_one(children: dict[str, subprocess.Popen[bytes]]) -> str:
    while True:
        for name, child in children.items():
            if child.poll() is not None:
                return name
        time.sleep(0.2)


def _stop(children: dict[str, subprocess.Popen[bytes]]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    for child in children.values():
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + GRACE
    for child in children.values():
        try:
            child.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        # Helpers outlive a parent that was killed, and would hold on to the port.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)


def _raise_stopped(_number: int, _frame: FrameType | None) -> None:
    raise Stopped
