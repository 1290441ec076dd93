"""``manage.py screenshots``: take the pictures of the README from a demo market of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.error import URLError
from urllib.request import urlopen

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from marketplace.demo_accounts import CLIENT, FREELANCER

try:
    from playwright.sync_api import sync_playwright

    from tests.support import chromium
except ImportError:
    sync_playwright = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

MANAGE: Final = str(Path(settings.BASE_DIR) / "manage.py")
PICTURES: Final = Path(settings.BASE_DIR) / "docs" / "pictures"
LARGEST: Final = 150_000
"""Bytes of one picture: a README is read on slow lines too."""
QUALITY: Final = 85
"""Of a hundred; letters stay sharp."""
PATIENCE: Final = 60
"""Seconds until the demo market must answer."""
WIDE: Final = {"width": 1280, "height": 900}
PHONE: Final = {"width": 360, "height": 760}


class Command(BaseCommand):
    """Start a demo market in a temporary directory, look at it in Chromium, stop it."""

    help = "Take the README's pictures (docs/pictures) from a demo market; needs the dev packages."

    def handle(self, **_: Any) -> None:
        if sync_playwright is None:
            raise CommandError("Playwright is not installed: run make shots, which installs it.")
        PICTURES.mkdir(exist_ok=True)
        with _demo_market() as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium.path(), args=chromium.ARGUMENTS
            )
            camera = _Camera(browser, address)
            camera.take_all()
            browser.close()
        for path in camera.taken:
            self.stdout.write(
                f"{path.relative_to(settings.BASE_DIR)}, {path.stat().st_size:,} bytes"
            )
            if path.stat().st_size > LARGEST:
                raise CommandError(f"{path.name} is larger than {LARGEST:,} bytes.")


class _Camera:
    """Looks at the market as its client and its freelancer, and changes it only at the end."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser, self.address = browser, address
        self.taken: list[Path] = []

    def take_all(self) -> None:
        self.jobs()
        self.room()
        self.diary()
        self.end_talent()
        self.mobile()
        self.end_client()

    def jobs(self) -> None:
        page = self._page(CLIENT)
        page.get_by_role("button", name="More options for Logo refresh").click()
        self._take(page, "jobs")

    def room(self) -> None:
        page = self._page(CLIENT)
        page.get_by_role("link", name="Landing page redesign", exact=True).click()
        self._take(page, "room", full_page=True)

    def diary(self) -> None:
        page = self._page(FREELANCER)
        page.get_by_role("link", name="Data pipeline support", exact=True).click()
        page.locator(".tabs").get_by_role("link", name="Work Diary").click()
        self._take(page, "diary", full_page=True)

    def end_talent(self) -> None:
        page = self._page(FREELANCER, color_scheme="dark")
        self._open_end(page, "Landing page redesign")
        self._take(page, "end-talent")

    def end_client(self) -> None:
        """The dialog, and what the room shows when it was confirmed."""
        page = self._page(CLIENT)
        self._open_end(page, "Logo refresh")
        self._pay_part(page)
        self._take(page, "end-client")
        page.get_by_role("button", name="End Contract", exact=True).click()
        page.get_by_role("button", name="Done: Check that you received").click()
        page.get_by_text("Done just now").wait_for()
        page.reload()
        self._take(page, "ended", full_page=True)

    def mobile(self) -> None:
        """Three phones beside each other."""
        page = self._page(CLIENT, viewport=PHONE)
        screens = [page.screenshot(type="webp")]
        page.get_by_role("link", name="Landing page redesign", exact=True).click()
        screens.append(page.screenshot(type="webp"))
        page.goto(self.address)
        self._open_end(page, "Logo refresh")
        self._pay_part(page)
        page.get_by_role("group", name="What should happen").scroll_into_view_if_needed()
        screens.append(page.screenshot(type="webp"))
        self._take(self._beside_each_other(screens), "mobile")

    def _page(self, email: str, **options: Any) -> Page:
        """My Jobs of one of the demo accounts."""
        given = {"viewport": WIDE, "timezone_id": "Europe/Berlin", "reduced_motion": "reduce"}
        page = self.browser.new_context(**(given | options)).new_page()
        page.goto(self.address)
        page.locator(f"form:has(input[value='{email}']) button").first.click()
        page.get_by_role("heading", name="My Jobs").wait_for()
        return page

    def _open_end(self, page: Page, title: str) -> None:
        page.get_by_role("button", name=f"More options for {title}").click()
        page.get_by_role("link", name="End contract").click()
        page.get_by_role("dialog").wait_for()

    def _pay_part(self, page: Page) -> None:
        page.get_by_label("Amount to pay").fill("100.00")
        page.get_by_text("End Contract pays Demo Freelancer $100.00").wait_for()
        page.get_by_role("heading", name="End contract").focus()

    def _beside_each_other(self, screens: list[bytes]) -> Page:
        size: ViewportSize = {
            "width": 16 + (PHONE["width"] + 16) * len(screens),
            "height": PHONE["height"] + 32,
        }
        page = self.browser.new_page(viewport=size)
        images = "".join(
            f'<img src="data:image/webp;base64,{b64encode(one).decode()}">' for one in screens
        )
        page.set_content(
            "<style>body{margin:0;padding:16px;display:flex;gap:16px;background:#8f8f99}</style>"
            + images
        )
        page.evaluate("Promise.all([...document.images].map(image => image.decode()))")
        return page

    def _take(self, page: Page, name: str, *, full_page: bool = False) -> None:
        page.evaluate("document.fonts.ready")
        path = PICTURES / f"{name}.webp"
        page.screenshot(path=path, full_page=full_page, type="webp", quality=QUALITY)
        self.taken.append(path)


@contextmanager
def _demo_market() -> Iterator[str]:
    """A site with the demo market in a directory of its own, stopped in the end."""
    with tempfile.TemporaryDirectory(prefix="closeout-screenshots-") as data:
        port = _free_port()
        given = {"CLOSEOUT_DATA": data, "DJANGO_SETTINGS_MODULE": "marketplace.settings.embedded"}
        server = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, MANAGE, "serve", "--prepare", "--port", str(port)],
            env=os.environ | given,
            stdout=subprocess.DEVNULL,
        )
        try:
            address = f"http://127.0.0.1:{port}/"
            _await_answer(server, address)
            yield address
        finally:
            server.terminate()
            server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_answer(server: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(address, timeout=PATIENCE):  # noqa: S310 - our own address
                return
        except URLError:
            time.sleep(0.2)
    raise CommandError("The demo market did not start.")
