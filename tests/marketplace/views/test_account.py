"""The account, and whom one acts for."""

from __future__ import annotations

import pytest
from django.urls import reverse

from marketplace import acting
from tests.factories import AgencyFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def me():
    return MembershipFactory(user__name="Robin")


@pytest.fixture
def page(client, me):
    client.force_login(me.user)
    return client


def test_account_shows_and_changes_name_and_zone(page, me):
    assert 'value="Robin"' in page.get(reverse("account")).content.decode()

    page.post(reverse("account"), {"name": "Kim", "time_zone": "Asia/Tokyo"})

    me.user.refresh_from_db()
    assert (me.user.name, me.user.time_zone) == ("Kim", "Asia/Tokyo")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "", "time_zone": ""}, "name"),
        ({"name": "x" * 121, "time_zone": ""}, "name"),
        ({"name": "Kim", "time_zone": "Mars/Olympus"}, "time_zone"),
    ],
)
def test_account_with_bad_input_says_so_and_changes_nothing(page, me, given, field):
    response = page.post(reverse("account"), given)

    assert list(response.context["form"].errors) == [field]
    me.user.refresh_from_db()
    assert (me.user.name, me.user.time_zone) == ("Robin", "")


@pytest.mark.parametrize(
    ("account", "cookie", "zone"),
    [
        ("Asia/Tokyo", "Europe/Berlin", "Asia/Tokyo"),
        ("", "Europe/Berlin", "Europe/Berlin"),
        ("", "../../etc/passwd", "UTC"),
        ("", "", "UTC"),
    ],
)
def test_times_show_in_the_accounts_zone_else_in_the_browsers(page, me, account, cookie, zone):
    me.user.time_zone = account
    me.user.save()
    page.cookies["zone"] = cookie

    assert page.get(reverse("account")).context["frame"].zone == zone


def test_switch_acts_for_the_other_party_from_now_on(page, me):
    other = MembershipFactory(user=me.user, party=AgencyFactory())

    response = page.post(
        reverse("switch_party"), {"party": other.party_id, "next": reverse("account")}
    )

    assert response["Location"] == reverse("account")
    frame = page.get(reverse("account")).context["frame"]
    assert frame.acting == other.party
    assert frame.parties == [me.party]


@pytest.mark.parametrize(
    "where", ["https://evil.example/", "//evil.example", "javascript:alert(1)"]
)
def test_switch_never_leads_to_another_site(page, me, where):
    response = page.post(reverse("switch_party"), {"party": me.party_id, "next": where})

    assert response["Location"] == "/"


def test_switch_to_a_strangers_party_is_not_there_and_changes_nothing(page, me):
    stranger = MembershipFactory()
    left = MembershipFactory(user=me.user, left_at=me.joined_at)

    for party in (stranger.party_id, left.party_id, "", "x", "9" * 30):
        assert page.post(reverse("switch_party"), {"party": party}).status_code == 404

    assert acting.SESSION_KEY not in page.session


def test_membership_that_ended_is_not_acted_for_with_the_next_request(page, me):
    other = MembershipFactory(user=me.user)
    page.post(reverse("switch_party"), {"party": other.party_id})
    other.left_at = other.joined_at
    other.save()

    assert page.get(reverse("account")).context["frame"].acting == me.party


def test_person_without_a_party_reads_why_a_page_is_empty(client):
    client.force_login(UserFactory())

    response = client.get(reverse("inbox"))

    assert response.status_code == 403
    assert "You act for nobody yet" in response.content.decode()


@pytest.mark.parametrize("name", ["inbox", "account"])
def test_whoever_has_not_signed_in_does_so_first_and_comes_back(client, name):
    address = reverse(name)

    assert client.get(address)["Location"] == f"/accounts/login/?next={address}"


def test_form_sent_after_signing_out_comes_back_to_its_page(client):
    response = client.post(
        reverse("inbox_read"), headers={"referer": "http://testserver/inbox/?before=7"}
    )

    assert response["Location"] == "/accounts/login/?next=/inbox/%3Fbefore%3D7"
