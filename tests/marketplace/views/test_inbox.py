"""The inbox of the acting party."""

from __future__ import annotations

import pytest
from django.urls import reverse

from marketplace import cases, clock, notices, queries
from marketplace.models import Notice
from marketplace.notices import Recipient
from tests.factories import NOON, AgencyFactory, MembershipFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def me():
    return MembershipFactory()


@pytest.fixture
def page(client, me):
    client.force_login(me.user)
    return client


def told(membership, number=1, path="/help/fees/"):
    recipient = [Recipient(membership.user_id, membership.party_id)]
    with clock.at(NOON):
        for one in range(number):
            facts = {"reference": f"S-{one:04}"}
            notices.tell(cases.OPENED, to=recipient, facts=facts, path=path)
    return Notice.objects.latest("pk")


def titles(response):
    return [row.text.title[-6:] for row in response.context["page"].rows]


def test_inbox_without_notices_says_what_would_fill_it(page):
    assert "Nothing to read" in page.get(reverse("inbox")).content.decode()


def test_inbox_shows_the_acting_partys_notices_only(page, me):
    told(me)
    told(MembershipFactory())
    told(MembershipFactory(user=me.user), number=2)

    assert titles(page.get(reverse("inbox"))) == ["S-0000"]


def test_pages_go_on_where_the_last_one_ended(page, me, monkeypatch):
    monkeypatch.setattr(queries, "PAGE", 2)
    told(me, number=5)

    first = page.get(reverse("inbox"))
    second = page.get(reverse("inbox") + first.context["older"])
    third = page.get(reverse("inbox") + second.context["older"])
    back = page.get(reverse("inbox") + third.context["newer"])
    start = page.get(reverse("inbox") + back.context["newer"])

    assert titles(first) == titles(start) == ["S-0004", "S-0003"]
    assert titles(second) == titles(back) == ["S-0002", "S-0001"]
    assert titles(third) == ["S-0000"]
    assert (first.context["newer"], third.context["older"]) == (None, None)
    assert start.context["newer"] is None


@pytest.mark.parametrize("number", [1, 3])
def test_inbox_takes_as_many_queries_for_one_notice_as_for_three(
    page, me, number, django_assert_num_queries
):
    told(me, number=number)

    with django_assert_num_queries(5):  # session, person, memberships, notices, unread
        page.get(reverse("inbox"))


@pytest.mark.parametrize("place", ["x", "-1", "9" * 30, "9223372036854775807"])
def test_mistyped_place_in_the_inbox_is_no_error(page, me, place):
    told(me)

    assert page.get(reverse("inbox"), {"before": place}).status_code == 200
    assert page.get(reverse("inbox"), {"after": place}).status_code == 200


def test_opening_a_notice_reads_it_and_leads_to_its_page(page, me):
    notice = told(me)

    with clock.at(NOON):
        response = page.get(reverse("notice", args=[notice.pk]))

    assert response["Location"] == "/help/fees/"
    notice.refresh_from_db()
    assert notice.read_at == NOON


def test_strangers_notice_is_not_there(page):
    notice = told(MembershipFactory())

    assert page.get(reverse("notice", args=[notice.pk])).status_code == 404
    notice.refresh_from_db()
    assert notice.read_at is None


def test_notice_of_another_of_my_parties_asks_before_switching(page, me):
    other = MembershipFactory(user=me.user, party=AgencyFactory(name="Demo Agency"))
    notice = told(other)
    address = reverse("notice", args=[notice.pk])

    asked = page.get(address)
    assert asked.status_code == 409
    assert "This belongs to Demo Agency. Switch?" in asked.content.decode()
    notice.refresh_from_db()
    assert notice.read_at is None

    switched = page.post(reverse("switch_party"), asked.context["fields"])
    assert switched["Location"] == address
    assert page.get(address)["Location"] == "/help/fees/"


def test_all_are_marked_as_read_for_the_acting_party_only(page, me):
    told(me, number=2)
    other = told(MembershipFactory(user=me.user))

    page.post(reverse("inbox_read"))

    assert list(Notice.objects.filter(read_at=None)) == [other]
