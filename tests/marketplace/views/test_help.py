"""Help articles, votes, operator texts, contact."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.urls import reverse

from marketplace import help as articles
from marketplace.models import ArticleVote, Case
from tests.factories import NOON, MembershipFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_messages_counted():
    cache.clear()


def vote(client, helpful, slug="refunds"):
    return client.post(reverse("help_vote", args=[slug]), {"helpful": helpful}, follow=True)


def answers(slug="refunds"):
    return sorted(ArticleVote.objects.filter(article=slug).values_list("helpful", flat=True))


@pytest.mark.parametrize("slug", articles.ARTICLES)
def test_article_is_listed_and_there(client, slug):
    address = reverse("help_article", args=[slug])

    assert f'href="{address}"' in client.get(reverse("help")).content.decode()
    assert articles.ARTICLES[slug].title in client.get(address).content.decode()


def test_article_on_hours_names_the_moments_of_a_week(client):
    page = client.get(reverse("help_article", args=["hours-and-weeks"])).content.decode()

    for words in ("Monday, 12:00 UTC", "Saturday, 00:00 UTC", "Wednesday, 00:00 UTC"):
        assert words in page


def test_article_on_splits_names_the_days_of_each_side(client):
    page = client.get(reverse("help_article", args=["escrow-split-or-dispute"])).content.decode()

    for words in (
        "The client has 5 business days",
        "reminded 3 days and 1 day before",
        "at least 48 hours",
        "Both have 2 days to accept it",
        "at the latest 30 days after the request",
    ):
        assert words in page


def test_article_on_quiet_contracts_names_every_step(client):
    page = client.get(reverse("help_article", args=["quiet-contracts"])).content.decode()

    for words in ("for 30 and 60 days", "after 90 days", "on days 76 and 83", "has 14 days"):
        assert words in page


@pytest.mark.parametrize("slug", ["nothing", "..", "help_article"])
def test_article_that_does_not_exist_is_not_there(client, slug):
    assert client.get(f"/help/{slug}/").status_code == 404
    assert client.post(f"/help/{slug}/vote/", {"helpful": "yes"}).status_code == 404


@pytest.mark.parametrize("name", ["terms", "privacy", "front"])
def test_open_page_is_there(client, name):
    assert client.get(reverse(name)).status_code == 200


def test_article_shows_how_many_it_helped(client):
    ArticleVote.objects.bulk_create(
        ArticleVote(article="refunds", reader=f"r{n}", helpful=n < 1027, at=NOON)
        for n in range(2329)
    )

    page = client.get(reverse("help_article", args=["refunds"])).content.decode()

    assert "1,027 out of 2,329 found this helpful" in page


def test_visitor_votes_once_and_may_change_it(client):
    vote(client, "yes")
    page = vote(client, "no").content.decode()

    assert answers() == [False]
    assert "0 out of 1 found this helpful" in page
    assert "You said no" in page


def test_two_visitors_are_two_readers(client):
    vote(client, "yes")
    vote(type(client)(), "yes")

    assert answers() == [True, True]


def test_person_votes_once_on_every_device(client):
    person = MembershipFactory().user
    for device in (client, type(client)()):
        device.force_login(person)
        vote(device, "yes")

    assert answers() == [True]


def test_vote_that_is_neither_yes_nor_no_counts_nothing(client):
    assert vote(client, "perhaps").status_code == 404
    assert answers() == []


def contact(client, **given):
    values = {"subject": "Where?", "text": "Where is it?", "email": "v@example.com", "key": "k"}
    return client.post(reverse("contact_support"), {**values, **given}, follow=True)


def test_visitor_opens_a_case_and_reads_its_reference(client):
    page = contact(client).content.decode()

    case = Case.objects.get()
    assert f"Your message reached us as case {case.reference}. We answer to v@example.com." in page
    assert (case.opened_by, case.party) == (None, None)


def test_member_is_answered_at_their_own_address_about_the_contract(client):
    me = MembershipFactory()
    client.force_login(me.user)
    form = client.get(reverse("contact_support"), {"contract": "C-123456"})
    assert "C-123456" in form.content.decode()

    contact(client, contract="C-123456", email="somebody@example.com")

    case = Case.objects.get()
    assert (case.email, case.party, case.opened_by) == (me.user.email, me.party, me.user)
    assert case.contract_reference == "C-123456"


def test_form_sent_twice_opens_one_case(client):
    first, second = contact(client).content, contact(client).content

    assert Case.objects.count() == 1
    reference = Case.objects.get().reference.encode()
    assert reference in first
    assert reference in second


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": "x" * 5001}, "text"),
        ({"subject": "x" * 121}, "subject"),
        ({"email": "nobody"}, "email"),
        ({"email": ""}, "email"),
    ],
)
def test_contact_with_bad_input_says_so_keeps_it_and_opens_nothing(client, given, field):
    response = contact(client, **given)

    assert list(response.context["form"].errors) == [field]
    assert response.context["form"]["subject"].value() == given.get("subject", "Where?")
    assert not Case.objects.exists()


def test_same_form_with_other_words_is_refused_on_the_page(client):
    contact(client)

    response = contact(client, text="Something else")

    assert response.context["form"].non_field_errors() == [
        "This form was sent before with other values. Open it again."
    ]
    assert Case.objects.count() == 1


def test_flood_of_messages_is_stopped(client):
    for number in range(20):
        contact(client, key=str(number))

    response = contact(client, key="one more")

    assert "Please wait an hour" in response.content.decode()
    assert Case.objects.count() == 20
