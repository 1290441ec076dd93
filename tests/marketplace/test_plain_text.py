"""What pasted text carries unseen is left out, whichever way it was sent."""

from __future__ import annotations

import pytest
from django.http import QueryDict
from django.test import RequestFactory

from marketplace.middleware import PlainTextMiddleware, plain
from marketplace.models import User
from marketplace.views.addresses import next_page
from tests.factories import UserFactory


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("a\x00b", "ab"),
        ("\x1b[31mred\x07", "[31mred"),
        ("one\ttwo\r\nthree", "one\ttwo\r\nthree"),
        ("\x85\ufdd0\uffff\U0001ffff", ""),
        ("Straße, 東京, 👩\u200d🎨", "Straße, 東京, 👩\u200d🎨"),
    ],
)
def test_control_characters_are_left_out_and_nothing_else(sent, kept):
    query = QueryDict(mutable=True)
    query.setlist("text", ["before", sent])

    assert plain(query).getlist("text") == ["before", kept]


def test_what_is_plain_is_not_copied():
    query = QueryDict("a=1&a=2")

    assert plain(query) is query


def test_both_the_address_and_the_form_are_cleaned():
    seen = []
    request = RequestFactory().post("/?q=a%00b", {"text": "c\x00d"})

    PlainTextMiddleware(lambda one: seen.append((one.GET["q"], one.POST["text"])))(request)

    assert seen == [("ab", "cd")]


@pytest.mark.django_db
def test_name_with_a_null_character_is_kept_without_it(client):
    user = UserFactory()
    client.force_login(user)

    client.post("/account/", {"name": "Ada\x00 Lovelace", "time_zone": ""})

    assert User.objects.get(pk=user.pk).name == "Ada Lovelace"


@pytest.mark.parametrize("wanted", ["jobs", "ab", "//evil.example", "https://evil.example", ""])
def test_next_page_is_a_path_of_ours_or_none(wanted):
    assert next_page(RequestFactory().post("/", {"next": wanted})) == "/"
