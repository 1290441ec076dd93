"""What is installed is what was looked at: named without a host, with the content it had."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Final

import bootstrap_wrapper
import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

ROOT: Final = Path(settings.BASE_DIR)
LOCKS: Final = ["requirements.txt", "requirements-dev.txt"]

BOOTSTRAP: Final = {
    "css/bootstrap.min.css": "d85327d99c7a3ee1f9b5d0500d1370acea3ad2db39c163c2f51f232baedbdede",
    "js/bootstrap.min.js": "7b0f14895d69247fd88e93840489cfd47c55bd3fd27eb0a6c12a14cc5f492207",
}
"""SHA-256 of files of the npm release of Bootstrap 5.3.8, which the Python package repeats."""

HTMX: Final = "71ea67185bfa8c98c39d31717c6fce5d852370fcdfd129db4543774d3145c0de"
"""SHA-256 of the minified file of the npm release of htmx 2.0.10."""


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_file_names_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert not re.search(r"https?:|--(extra-)?index-url|--find-links|--trusted-host", text)


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_file_pins_and_hashes_everything(lock: str) -> None:
    entries = re.split(r"\n(?=[a-z])", (ROOT / lock).read_text())
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==[^ ]+", entry), entry
        assert "--hash=sha256:" in entry, entry


def test_lock_files_hold_the_pinned_versions() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime = (
        project["project"]["dependencies"] + project["project"]["optional-dependencies"]["pdf"]
    )
    development = runtime + project["dependency-groups"]["dev"]
    for lock, wanted in zip(LOCKS, [runtime, development], strict=True):
        text = (ROOT / lock).read_text()
        for requirement in wanted:
            pin = re.sub(r"\[.*\]", "", requirement)
            assert re.search(rf"^{re.escape(pin)} ", text, re.MULTILINE), f"{pin} in {lock}"


@pytest.mark.parametrize(("path", "digest"), BOOTSTRAP.items())
def test_bootstrap_is_the_npm_release(path: str, digest: str) -> None:
    content = (Path(bootstrap_wrapper.get_bootstrap_dir()) / path).read_bytes()
    assert hashlib.sha256(content).hexdigest() == digest


def test_htmx_is_the_npm_release() -> None:
    path = finders.find("django_htmx/htmx-2.min.js")
    assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == HTMX


def test_every_dependency_says_why() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"].values()
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    wanted += [requirement for extra in extras for requirement in extra]
    reasons = (ROOT / "docs/dependencies.md").read_text()
    names = [re.split(r"[=\[>]", line)[0] for line in wanted]
    assert [name for name in names if f"`{name}`" not in reasons] == []
