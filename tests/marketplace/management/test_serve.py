"""The whole site as one process tree: it answers, and it ends as one."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

import pytest
from django.conf import settings

PATIENCE: Final = 60
"""Seconds; a busy machine takes several times as long as an idle one."""

pytestmark = pytest.mark.sqlite


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(data: Path, port: int) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "marketplace.settings.embedded",
        "CLOSEOUT_DATA": str(data),
        "DEMO": "0",
        "PORT": str(port),
        # One web process: killed while a second one is only starting, the server may miss it.
        "WEB_WORKERS": "1",
    }


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data of a site that was started before, so that each test need not make the tables."""
    data = tmp_path_factory.mktemp("prepared")
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0"],
        cwd=settings.BASE_DIR,
        env=environment(data, 0),
        check=True,
    )
    return data


@pytest.fixture
def site(port: int, prepared: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    data = shutil.copytree(prepared, tmp_path / "data")
    with subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--prepare"],
        cwd=settings.BASE_DIR,
        env=environment(data, port),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "answers on" in line:
                break
        yield process
        process.kill()


def children(process: subprocess.Popen[str]) -> dict[str, int]:
    """Return the processes that the site started, by what they do."""
    listing = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(process.pid)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = [line.split(maxsplit=1) for line in listing.splitlines()]
    return {
        name: int(pid)
        for pid, command in found
        for name, word in {"web": "granian", "worker": "qcluster"}.items()
        if word in command
    }


def is_running(pid: int) -> bool:
    """Whether the process still does something: an ended one may wait for its parent to notice."""
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_site_answers_and_ends_when_asked(site: subprocess.Popen[str], port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request("GET", "/accounts/login/")
        assert connection.getresponse().status == 200

    site.send_signal(signal.SIGINT)

    assert site.wait(timeout=PATIENCE) == 0
    assert is_free(port)


@pytest.mark.parametrize("name", ["web", "worker"])
def test_all_ends_when_one_part_is_killed(
    site: subprocess.Popen[str], port: int, name: str
) -> None:
    os.kill(children(site)[name], signal.SIGKILL)

    assert site.wait(timeout=PATIENCE) != 0
    assert is_free(port)
    assert site.stdout is not None
    assert f"The {name} process ended by itself" in site.stdout.read()


def test_killed_site_takes_its_parts_along(site: subprocess.Popen[str], port: int) -> None:
    parts = children(site).values()
    site.kill()
    site.wait(timeout=PATIENCE)

    deadline = time.monotonic() + PATIENCE
    while any(map(is_running, parts)) and time.monotonic() < deadline:
        time.sleep(0.1)

    assert not any(map(is_running, parts))
    assert is_free(port)
