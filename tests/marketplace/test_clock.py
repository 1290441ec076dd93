"""The only clock: stopped in tests, ahead on a demo market, never back."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from marketplace import clock
from marketplace.models import DemoClock
from tests.factories import NOON

DAY = timedelta(days=1)
WORLD = NOON - timedelta(days=100)


@pytest.fixture(autouse=True)
def _world():
    with time_machine.travel(WORLD, tick=False):
        yield


@pytest.fixture
def demo(settings):
    settings.DEMO = True


def test_clock_at_stops_and_runs_on():
    with clock.at(NOON):
        assert clock.now() == NOON

    assert clock.now() == WORLD


def test_clock_inside_a_stopped_clock_returns_to_it():
    with clock.at(NOON):
        with clock.at(NOON + DAY):
            assert clock.now() == NOON + DAY
        assert clock.now() == NOON


@pytest.mark.django_db
def test_offset_on_a_real_site_is_not_read():
    DemoClock.objects.create(pk=1, offset=100 * DAY)

    assert clock.now() == WORLD


@pytest.mark.django_db
def test_demo_clock_starts_where_it_is_set_and_moves_forward(demo):
    clock.start_at(NOON)

    assert clock.forward(DAY) == NOON + DAY
    assert clock.now() == NOON + DAY


@pytest.mark.django_db
def test_demo_clock_never_goes_back(demo):
    clock.start_at(NOON)

    with pytest.raises(ValueError, match="never goes back"):
        clock.forward(timedelta(seconds=-1))
    with pytest.raises(ValueError, match="never goes back"):
        clock.start_at(NOON - DAY)

    assert clock.now() == NOON


@pytest.mark.django_db
def test_offset_within_a_request_is_read_once(demo, django_assert_num_queries):
    with django_assert_num_queries(1), clock.offset_read_once():
        clock.now()
        clock.now()


@pytest.mark.django_db
def test_clock_moved_within_a_request_shows_the_new_time(demo):
    with clock.offset_read_once():
        clock.forward(DAY)

        assert clock.now() == WORLD + DAY
