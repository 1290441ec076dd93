"""The demo bar, and that a real site has none."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse

from marketplace import clock, demo_hooks, parties
from marketplace.models import DemoClock
from tests.factories import NOON, FreelancerFactory, MembershipFactory

pytestmark = pytest.mark.django_db

ACTIONS = (
    "demo_sign_in",
    "demo_other_side",
    "demo_next_deadline",
    "demo_next_day",
    "demo_start_over",
)


@pytest.fixture
def demo(settings):
    settings.DEMO = True
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def client_side():
    return MembershipFactory(user__email="client@example.com")


@pytest.fixture
def talent_side():
    return MembershipFactory(user__email="freelancer@example.com", party=FreelancerFactory())


def acting(client):
    return client.get(reverse("help")).context["frame"].acting


@pytest.mark.parametrize("name", ACTIONS)
def test_real_site_has_no_demo_bar(client, client_side, name):
    response = client.post(reverse(name), {"email": "client@example.com", "sure": "yes"})

    assert response.status_code == 404
    assert acting(client) is None
    assert not DemoClock.objects.exists()


@pytest.mark.parametrize("name", ACTIONS)
def test_demo_action_is_not_done_by_a_link(client, demo, name):
    assert client.get(reverse(name)).status_code == 405


def test_demo_account_is_one_click_away(client, demo, client_side):
    client.post(reverse("demo_sign_in"), {"email": "client@example.com"})

    assert acting(client) == client_side.party


def test_account_that_is_no_demo_account_cannot_be_taken(client, demo):
    MembershipFactory(user__email="somebody@example.com")

    response = client.post(reverse("demo_sign_in"), {"email": "somebody@example.com"})

    assert response.status_code == 404
    assert acting(client) is None


def test_front_door_lists_the_demo_accounts_on_a_demo_market_only(client, settings):
    assert "Sign in as the client" not in client.get("/").content.decode()
    settings.DEMO = True
    assert "Sign in as the client" in client.get("/").content.decode()


def test_other_side_keeps_the_page(client, demo, client_side, talent_side):
    client.force_login(client_side.user)

    response = client.post(reverse("demo_other_side"), {"next": "/help/fees/"})
    assert response["Location"] == "/help/fees/"
    assert acting(client) == talent_side.party

    client.post(reverse("demo_other_side"), {"next": "/help/fees/"})
    assert acting(client) == client_side.party


def test_other_side_of_a_page_is_whom_its_floor_names(client, demo, client_side, talent_side):
    other = MembershipFactory(party=FreelancerFactory())
    demo_hooks._finders.insert(0, lambda path, party: other.party if path == "/x/" else None)
    client.force_login(client_side.user)
    try:
        client.post(reverse("demo_other_side"), {"next": "/x/"})
    finally:
        del demo_hooks._finders[0]

    assert acting(client) == other.party


def test_other_side_where_nobody_acts_says_so(client, demo, client_side):
    client.force_login(client_side.user)

    response = client.post(reverse("demo_other_side"), {"next": "/help/"}, follow=True)

    assert "Nobody acts for the other side yet." in response.content.decode()
    assert acting(client) == client_side.party


def test_day_goes_by(client, demo):
    client.post(reverse("demo_next_day"), {"next": "/help/"})

    assert clock.now() == NOON + timedelta(days=1)


def test_clock_stands_where_nothing_falls_due(client, demo):
    response = client.post(reverse("demo_next_deadline"), {"next": "/help/"}, follow=True)

    assert "Nothing falls due." in response.content.decode()
    assert clock.now() == NOON


def test_starting_over_asks_first(client, demo, client_side):
    response = client.post(reverse("demo_start_over"))

    assert "Start the demo market over?" in response.content.decode()
    client_side.refresh_from_db()


def test_invited_party_has_nobody_to_sign_in_as(client, demo, client_side):
    invited = parties.talent_by_email("later@example.com")
    demo_hooks._finders.insert(0, lambda path, party: invited)
    client.force_login(client_side.user)
    try:
        response = client.post(reverse("demo_other_side"), {"next": "/help/"}, follow=True)
    finally:
        del demo_hooks._finders[0]

    assert "Nobody acts for the other side yet." in response.content.decode()
