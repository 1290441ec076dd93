"""Where Chromium is on this machine, installed first if it can be.

``python -m tests.support.chromium`` prints its path, or says what is missing and fails.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import Final

from tests.support.debian import Missing, install

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS: Final = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""How to start it: without a screen, also as root, and without talking to anybody else."""


def path() -> str:
    """Return the path of Chromium; ``CHROMIUM`` in the environment overrides the search.

    Raises:
        Missing: there is none, and it could not be installed.
    """
    if found := _find():
        return found
    install("chromium", needed_for="The browser tests")
    if found := _find():
        return found
    raise Missing("Chromium was installed, but is not on the PATH.")


def _find() -> str | None:
    names = [os.environ["CHROMIUM"]] if "CHROMIUM" in os.environ else NAMES
    return next((found for name in names if (found := shutil.which(name))), None)


if __name__ == "__main__":
    try:
        print(path())
    except Missing as missing:
        sys.exit(str(missing))
