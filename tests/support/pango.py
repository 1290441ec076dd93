"""The libraries that statements on paper need, installed first if they can be.

``python -m tests.support.pango`` says nothing when they are there, or what is missing and fails.
"""

from __future__ import annotations

import sys
from ctypes.util import find_library
from typing import Final

from tests.support.debian import Missing, install

LIBRARIES: Final = {
    "pango-1.0": "libpango-1.0-0",
    "pangoft2-1.0": "libpangoft2-1.0-0",
}
"""By the name a program looks for, with Debian's package."""


def require() -> None:
    """Have every library on this machine.

    Raises:
        Missing: one is not there, and could not be installed.
    """
    for library, package in LIBRARIES.items():
        if find_library(library) is None:
            install(package, needed_for="Statements as PDF")


if __name__ == "__main__":
    try:
        require()
    except Missing as missing:
        sys.exit(str(missing))
