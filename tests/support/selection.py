"""Which tests run, and that none is left out in silence.

Tests in ``tests/browser`` carry the mark ``browser``. Tests marked ``postgresql`` or ``sqlite`` run
on that engine only and are deselected on the other, in the open. Anything that skips itself fails:
what a test needs is installed, or named as missing.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Final

import pytest
from django.conf import settings

ENGINES: Final = {
    "postgresql": "django.db.backends.postgresql",
    "sqlite": "django.db.backends.sqlite3",
}
BROWSER_TESTS: Final = Path(__file__).resolve().parents[1] / "browser"


def pytest_report_header() -> str:
    database = settings.DATABASES["default"]
    return f"database: {database['ENGINE'].rpartition('.')[2]}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here, elsewhere = [], []
    for item in items:
        if item.path.is_relative_to(BROWSER_TESTS):
            item.add_marker("browser")
        (here if _runs_on_this_engine(item) else elsewhere).append(item)
    if elsewhere:
        config.hook.pytest_deselected(items=elsewhere)
        items[:] = here


def _runs_on_this_engine(item: pytest.Item) -> bool:
    wanted = [engine for mark, engine in ENGINES.items() if item.get_closest_marker(mark)]
    return not wanted or settings.DATABASES["default"]["ENGINE"] in wanted


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} skipped itself: {report.longrepr}"
    return report
