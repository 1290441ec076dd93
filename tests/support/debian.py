"""Install what the tests need from the operating system, where that is possible."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys


class Missing(Exception):
    """Something the tests need is not on this machine and cannot be installed by them."""


def install(package: str, *, needed_for: str) -> None:
    """Install a package of the operating system.

    Raises:
        Missing: this is not Debian or its kin, we are not root, or the installation failed.
    """
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise Missing(
            f"{needed_for} need {package}, which is not installed here. Install it with the"
            f" system's package manager (on Debian: apt-get install {package}) and run again."
        )
    print(f"{needed_for} need {package}: installing it.", file=sys.stderr)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (
        ["update", "-qq"],
        ["install", "-qq", "-y", "--no-install-recommends", package],
    ):
        finished = subprocess.run(
            [apt, *arguments], env=environment, capture_output=True, text=True, check=False
        )
        if finished.returncode != 0:
            raise Missing(
                f"{needed_for} need {package}, and installing it failed:\n{finished.stderr}"
            )
