"""The audit: one line per check, what breaks it, and how it ends."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from marketplace import auditing, clock
from marketplace.models import SweepRun
from tests.factories import NOON


@pytest.fixture(autouse=True)
def _own_checks_only():
    auditing.run()
    before = dict(auditing._checks)
    auditing._checks.clear()
    yield
    auditing._checks.clear()
    auditing._checks.update(before)


pytestmark = pytest.mark.django_db


def audit():
    out = StringIO()
    with clock.at(NOON):
        call_command("audit", stdout=out, no_color=True)
    return out.getvalue()


def test_audit_without_findings_is_clean():
    auditing.check("One is one.")(list)

    report = auditing.run()

    assert report.clean
    assert str(report) == ""
    assert audit() == "holds  One is one.\nAll 1 checks hold.\n"
    run = SweepRun.objects.get(name="audit")
    assert (run.at, run.done, run.failed) == (NOON, 1, 0)


def test_audit_names_what_breaks_and_exits_with_an_error():
    auditing.check("One is one.")(list)
    auditing.check("Two is two.")(lambda: iter(["Row 7 is three."]))

    report = auditing.run()

    assert not report.clean
    assert str(report) == "Two is two. Row 7 is three."
    with pytest.raises(CommandError, match="1 of 2 checks do not hold"):
        audit()
    assert SweepRun.objects.get(name="audit").failed == 1


def test_audit_reads_no_more_findings_than_it_shows():
    read = []
    auditing.check("None.")(lambda: (read.append(n) or f"row {n}" for n in range(10_000)))

    (checked,) = auditing.run().checks

    assert len(checked.findings) == auditing.SHOWN + 1 == len(read)


def test_two_checks_of_one_sentence_are_an_error():
    auditing.check("One is one.")(list)
    with pytest.raises(ValueError, match="two checks"):
        auditing.check("One is one.")(list)
