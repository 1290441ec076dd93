"""A form sent after the session was over comes back with what was typed, on contract pages."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from contracts.models import Message
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_message_comes_back_after_signing_in_and_only_once():
    contract = factories.active()
    room = reverse("room", args=[contract.reference])
    client = Client()
    client.post(
        reverse("write", args=[contract.reference]),
        {"text": "Half a thought"},
        headers={"referer": f"http://testserver{room}"},
    )

    client.force_login(contract.client.memberships.get().user)
    first, second = client.get(room), client.get(room)

    assert "Half a thought" in first.content.decode()
    assert "Half a thought" not in second.content.decode()
    assert not Message.objects.exists()
