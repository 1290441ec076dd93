"""Signing up, confirming the address, and invitations that wait for it."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.core.cache import cache
from django.urls import reverse

from marketplace import parties
from marketplace.models import Membership, Party, User
from marketplace.states import PartyKind, Role
from tests.factories import FreelancerFactory, MembershipFactory

pytestmark = pytest.mark.django_db

EMAIL = "new@example.com"


@pytest.fixture(autouse=True)
def _no_letters_counted():
    """An address gets one letter in three minutes."""
    cache.clear()


def sign_up(client, **given):
    values = {
        "kind": "freelancer",
        "name": "New Person",
        "email": EMAIL,
        "password1": "tr0ub4dor&3",
    }
    return client.post(reverse("account_signup"), {**values, **given})


def confirm(client):
    """Follow the link of the last e-mail."""
    link = re.search(r"/accounts/confirm-email/[^\s]+", mail.outbox[-1].body).group()
    return client.post(link)


def test_sign_up_makes_a_person_and_no_party_yet(client):
    sign_up(client)

    person = User.objects.get(email=EMAIL)
    assert (person.name, person.signed_up_as) == ("New Person", PartyKind.FREELANCER)
    assert not Party.objects.exists()


@pytest.mark.parametrize("kind", PartyKind.values)
def test_confirmed_address_makes_the_party_signed_up_for(client, kind):
    sign_up(client, kind=kind)
    confirm(client)

    membership = Membership.objects.get(user__email=EMAIL)
    assert membership.role == Role.OWNER
    assert (membership.party.kind, membership.party.name) == (kind, "New Person")


def test_invitation_is_found_however_the_address_was_typed(client):
    invited = parties.talent_by_email("New@Example.com")

    sign_up(client, email="NEW@example.com")
    confirm(client)

    assert invited.memberships.get().user.email == EMAIL


def test_address_confirmed_twice_makes_one_party(client):
    sign_up(client)
    confirm(client)
    confirm(client)

    assert Party.objects.count() == 1


def test_invitation_is_claimed_only_after_the_address_is_confirmed(client):
    invited = parties.talent_by_email(EMAIL)

    sign_up(client)
    invited.refresh_from_db()
    assert invited.invited_email == EMAIL
    assert not invited.memberships.exists()

    confirm(client)
    invited.refresh_from_db()
    assert (invited.invited_email, invited.name) == ("", "New Person")
    assert invited.memberships.get().user.email == EMAIL
    assert Party.objects.count() == 1


def test_client_who_was_invited_as_talent_gets_both_parties(client):
    invited = parties.talent_by_email(EMAIL)

    sign_up(client, kind="client")
    confirm(client)

    mine = Membership.objects.filter(user__email=EMAIL).order_by("id")
    assert [one.party.kind for one in mine] == [PartyKind.CLIENT, PartyKind.FREELANCER]
    assert mine.last().party == invited


def test_sign_up_without_a_kind_makes_nothing(client):
    response = sign_up(client, kind="")

    assert "kind" in response.context["form"].errors
    assert not User.objects.exists()


def test_talent_by_email_is_the_persons_own():
    own = MembershipFactory(party=FreelancerFactory(), user__email=EMAIL)

    assert parties.talent_by_email(f" {EMAIL.upper()} ") == own.party
    assert Party.objects.count() == 1


def test_address_invited_twice_is_one_party():
    assert parties.talent_by_email(EMAIL) == parties.talent_by_email(EMAIL)


def test_code_has_no_letters_that_look_alike():
    assert set(parties.code(500)) <= set(parties.ALPHABET)
    assert not set("01IO") & set(parties.ALPHABET)
