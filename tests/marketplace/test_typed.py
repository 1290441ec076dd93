"""What was typed when a session was over comes back after signing in; a consent never does."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from marketplace import typed

pytestmark = pytest.mark.django_db


def test_a_form_sent_signed_out_leads_to_the_sign_in_and_keeps_its_text():
    client = Client()
    page = "http://testserver/jobs/new/"

    answer = client.post(
        reverse("new_contract"), {"title": "A logo", "gives_up": "on"}, headers={"referer": page}
    )

    assert answer["Location"] == "/accounts/login/?next=/jobs/new/"
    assert client.session[typed.SESSION_KEY] == {
        "path": "/jobs/new/",
        "fields": {"title": "A logo"},
    }


def test_a_form_that_is_too_long_is_not_kept():
    client = Client()

    client.post(reverse("new_contract"), {"title": "x" * (typed.LONGEST + 1)})

    assert typed.SESSION_KEY not in client.session
