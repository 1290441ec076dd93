"""Sweeps: everything that is due, once, whatever fails."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import transaction
from django_q.models import Schedule

from marketplace import cases, clock, notices, schedules, sweeping, tasks
from marketplace.models import FormKey, Notice, SweepRun
from tests.factories import NOON

pytestmark = pytest.mark.django_db

NAME = "tests.keys"
MINUTE = timedelta(minutes=1)
POISON = "poison"


@pytest.fixture(autouse=True)
def _at_noon():
    with clock.at(NOON):
        yield


@pytest.fixture(autouse=True)
def _own_sweeps_only():
    """What a test declares is gone after it."""
    before = dict(sweeping.registered())
    yield
    sweeping._sweeps.clear()
    sweeping._sweeps.update(before)


def due(*keys, at=NOON):
    return [
        FormKey.objects.create(key=key, input_hash="", at=at + number * MINUTE).pk
        for number, key in enumerate(keys, start=-len(keys))
    ]


def declare(function, **more):
    given = {"rows": lambda: FormKey.objects.filter(result=""), "due_at": "at", **more}
    sweeping.sweep(NAME, **given)(function)


def finish(pk):
    """Carry out a row: it does not wait any more."""
    key = FormKey.objects.get(pk=pk, result="")
    if key.key == POISON:
        raise ZeroDivisionError
    key.result = "done"
    key.save()


@transaction.atomic
def finish_all(pks):
    for pk in pks:
        finish(pk)


def outcome(**given):
    return sweeping.run(only=NAME, **given)[0]


def finished():
    return set(FormKey.objects.filter(result="done").values_list("key", flat=True))


def test_run_carries_out_what_is_due_and_nothing_else():
    declare(finish)
    due("a", "b")
    FormKey.objects.create(key="later", input_hash="", at=NOON + MINUTE)

    assert outcome().done == 2
    assert finished() == {"a", "b"}


def test_second_run_changes_nothing():
    declare(finish)
    due("a", "b")
    outcome()

    assert outcome().done == 0
    assert finished() == {"a", "b"}


def test_more_than_a_batch_is_done_in_one_run(monkeypatch):
    monkeypatch.setattr(sweeping, "BATCH", 2)
    declare(finish)
    FormKey.objects.bulk_create(
        FormKey(key=f"k{n}", input_hash="", at=NOON - MINUTE) for n in range(5)
    )

    assert outcome().done == 5
    assert len(finished()) == 5


def test_failing_row_does_not_stop_the_others(caplog):
    declare(finish)
    _, poison, _ = due("a", POISON, "b")

    result = outcome()

    assert (result.done, result.failed) == (2, {poison})
    assert finished() == {"a", "b"}
    assert f"sweep {NAME} failed on [{poison}]" in caplog.text
    assert (SweepRun.objects.get(name=NAME).done, SweepRun.objects.get(name=NAME).failed) == (2, 1)


def test_failing_row_of_a_whole_batch_does_not_stop_the_others():
    declare(finish_all, whole=True)
    _, poison, _ = due("a", POISON, "b")

    result = outcome()

    assert result.failed == {poison}
    assert finished() == {"a", "b"}


def test_row_that_stays_due_does_not_hold_the_run_up():
    declare(lambda _pk: False)
    due("a")

    assert outcome().done == 0


def test_row_that_makes_an_earlier_one_due_is_followed_by_it():
    def start_another(pk):
        finish(pk)
        if FormKey.objects.count() == 1:
            due("another", at=NOON - timedelta(hours=1))

    declare(start_another)
    due("a")

    assert outcome().done == 2
    assert finished() == {"a", "another"}


def test_run_at_a_moment_stops_the_clock_there():
    seen = []
    declare(lambda pk: seen.append(clock.now()) or finish(pk))
    due("a", at=NOON + timedelta(days=1))

    outcome(as_of=NOON + timedelta(days=2))

    assert seen == [NOON + timedelta(days=2)]
    assert clock.now() == NOON


def test_rows_due_some_time_after_their_moment():
    declare(finish, after=timedelta(days=1))
    due("a", at=NOON - timedelta(days=1))
    due("b")

    assert outcome().done == 1
    assert finished() == {"a"}
    assert sweeping.registered()[NAME].next_due(NOON) == NOON + timedelta(days=1) - MINUTE


def test_dry_run_lists_and_changes_nothing():
    declare(finish)
    (pk,) = due("a")

    assert outcome(dry_run=True).listed == [(NOON - MINUTE, pk)]
    assert finished() == set()
    assert not SweepRun.objects.exists()


def test_next_deadline_is_the_earliest_and_not_upkeep():
    declare(finish)
    for minutes in (30, 10, 20):
        FormKey.objects.create(key=f"in{minutes}", input_hash="", at=NOON + minutes * MINUTE)

    assert sweeping.next_due(NOON) == NOON + 10 * MINUTE
    assert sweeping.next_due(NOON + 10 * MINUTE) == NOON + 20 * MINUTE
    assert sweeping.next_due(NOON + 30 * MINUTE) is None


def test_two_sweeps_of_one_name_are_an_error():
    declare(finish)
    with pytest.raises(ValueError, match="two sweeps"):
        declare(finish)


# The ground's own


def test_email_that_the_queue_lost_is_sent_by_the_sweep():
    notices.write_to("visitor@example.com", cases.OPENED, facts={"reference": "S-1"}, path="/")

    assert tasks.sweep("marketplace.emails") == 1
    assert len(mail.outbox) == 1
    assert tasks.sweep("marketplace.emails") == 0


def test_old_form_keys_are_forgotten():
    due("old", at=NOON - timedelta(days=30))
    due("young", at=NOON - timedelta(days=29))

    assert tasks.sweep("marketplace.form_keys") == 1
    assert FormKey.objects.get().key == "young"


# Schedules


def test_every_sweep_has_one_schedule_each_minute():
    schedules.install()
    schedules.install()

    planned = Schedule.objects.filter(func="marketplace.tasks.sweep").order_by("name")
    assert [one.name for one in planned] == [f"sweep {name}" for name in sweeping.registered()]
    assert {(one.schedule_type, one.minutes, one.repeats) for one in planned} == {("I", 1, -1)}
    assert planned.get(name="sweep marketplace.emails").args == "('marketplace.emails',)"


def test_schedule_of_a_sweep_that_is_gone_is_removed():
    Schedule.objects.create(name="sweep gone", func="marketplace.tasks.sweep")
    Schedule.objects.create(name="somebody else's", func="math.sqrt")

    schedules.install()

    assert not Schedule.objects.filter(name="sweep gone").exists()
    assert Schedule.objects.filter(name="somebody else's").exists()


# The command


def command(*arguments):
    out = StringIO()
    call_command("sweep", *arguments, stdout=out)
    return out.getvalue()


def test_command_says_what_was_done():
    declare(finish)
    due("a", "b")

    assert command("--only", NAME) == f"{NAME}: 2 done\n"


def test_command_lists_what_is_due():
    declare(finish)
    (pk,) = due("a")

    assert command("--only", NAME, "--dry-run") == (
        f"{NAME}: 1 due\n  {pk}, since 2026-11-19 11:59:00 UTC\n"
    )


def test_command_with_a_failing_row_ends_with_an_error():
    declare(finish)
    due(POISON)

    with pytest.raises(CommandError, match="Some rows failed"):
        command("--only", NAME)


def test_command_with_an_unknown_sweep_names_those_there_are():
    with pytest.raises(CommandError, match=r"no sweep nothing\. There are: .*emails"):
        command("--only", "nothing")


def test_command_on_a_real_site_does_not_move_the_clock():
    with pytest.raises(CommandError, match="Only a demo market"):
        command("--as-of", "2027-01-01T00:00Z")


@pytest.mark.parametrize("moment", ["tomorrow", "2027-01-01T00:00"])
def test_command_wants_a_moment_with_its_zone(settings, moment):
    settings.DEMO = True
    with pytest.raises(CommandError, match="with its zone"):
        command("--as-of", moment)


def test_command_moves_a_demo_clock_forward(settings):
    settings.DEMO = True
    Notice.objects.all().delete()
    with time_machine.travel(NOON, tick=False):
        command("--only", "marketplace.emails", "--as-of", "2027-01-01T00:00Z")
        with clock.offset_read_once():
            assert clock._running().isoformat() == "2027-01-01T00:00:00+00:00"
