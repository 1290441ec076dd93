"""While feedback is sealed nothing tells the other side of it: pages are compared byte for byte."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.urls import NoReverseMatch, reverse

from contracts.models import Contract
from contracts.states import Side
from feedback import giving, windows
from marketplace import clock, sweeping
from marketplace.actors import Actor
from marketplace.models import Notice, User
from tests.factories import NOON, StaffFactory, owner_of
from tests.feedback.ended import CLOSES, JUST_BEFORE, REMINDS, ended_contract, give

pytestmark = pytest.mark.django_db

# What is random in every answer: tokens against forgery, and keys of forms.
RANDOM = (
    re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"'),
    re.compile(r'"x-csrftoken":"[^"]+"'),
    re.compile(r'name="key" value="[^"]+"'),
)
SECRET = "Sealed words that nobody else reads."


def seen(client, url, *, at):
    """An answer's status, headers and body, less what is random."""
    with clock.at(at):
        answer = client.get(url)
    assert answer.status_code in (200, 302)
    body = answer.content.decode()
    for pattern in RANDOM:
        body = pattern.sub("", body)
    # Django's admin counts this one from the world's clock.
    headers = {key: value for key, value in answer.headers.items() if key != "Expires"}
    return answer.status_code, headers, body


def urls_of(contract):
    return [
        reverse("jobs"),
        reverse("jobs") + "?tab=ended",
        reverse("jobs") + "?tab=all",
        reverse("room", args=[contract.reference]),
        reverse("feedback", args=[contract.reference]),
        reverse("feedback_edit", args=[contract.reference]),
        reverse("work_history", args=[contract.client.slug]),
        reverse("work_history", args=[contract.talent.slug]),
        reverse("inbox"),
        reverse("payments"),
    ]


@pytest.mark.parametrize("giver", list(Side))
def test_other_side_sees_the_same_pages_whoever_gave(client, giver):
    contract = ended_contract()
    reader = owner_of(contract.party(giver.other))
    client.force_login(reader.user)
    moments = (NOON + timedelta(hours=2), CLOSES - JUST_BEFORE)
    pages = [(url, at) for url in urls_of(contract) for at in moments]
    before = [seen(client, url, at=at) for url, at in pages]
    given = give(contract, giver, text=SECRET, private_note=SECRET, at=NOON + timedelta(hours=1))
    with clock.at(NOON + timedelta(hours=1)):
        giving.edit(given, stars=1, text=SECRET, by=owner_of(contract.party(giver)))
    for (url, at), page in zip(pages, before, strict=True):
        assert seen(client, url, at=at) == page, f"{url} at {at}"


def test_a_member_of_the_own_side_sees_the_same_page_whoever_gave(client):
    contract = ended_contract()
    member = owner_of(contract.talent)
    plain = contract.talent.memberships.create(
        user=StaffFactory(is_staff=False), role="member", joined_at=NOON
    )
    contract.assignments.create(membership=plain, since=NOON)
    client.force_login(plain.user)
    url = reverse("feedback", args=[contract.reference])
    before = seen(client, url, at=NOON)
    give(contract, Side.TALENT, text=SECRET)
    assert seen(client, url, at=NOON) == before
    assert member.manages


def test_support_sees_the_same_admin_whoever_gave(client):
    contract = ended_contract()
    client.force_login(User.objects.create_superuser(email="root@example.com", password="x"))
    urls = [
        reverse("admin:index"),
        *(
            reverse(f"admin:{name}", args=arguments)
            for name, arguments in (
                ("contracts_contract_changelist", []),
                ("contracts_contract_change", [contract.pk]),
                ("feedback_feedback_changelist", []),
            )
            if _is_known(f"admin:{name}", arguments)
        ),
    ]
    before = [seen(client, url, at=NOON) for url in urls]
    give(contract, Side.CLIENT, text=SECRET)
    for url, page in zip(urls, before, strict=True):
        assert seen(client, url, at=NOON) == page, url


def _is_known(name, arguments):
    try:
        return bool(reverse(name, args=arguments))
    except NoReverseMatch:
        return False


def test_notices_and_mails_are_the_same_whoever_gave(django_capture_on_commit_callbacks):
    """The reminder and the extension reach both sides in the same words, in the same order."""
    told = []
    for giver in (None, Side.CLIENT, Side.TALENT):
        contract = ended_contract(title="Logo")
        first = Notice.objects.order_by("-pk").first().pk
        if giver is not None:
            give(contract, giver, text=SECRET)
        with clock.at(NOON):
            windows.extend_window(
                contract,
                until=CLOSES + timedelta(days=1),
                because="A holiday.",
                by=Actor.support(StaffFactory()),
            )
        sweeping.run(as_of=REMINDS + timedelta(days=1), only="feedback.windows")
        told.append(
            [
                (one.pk - first, one.kind, one.facts | {"other": ""}, one.created_at)
                for one in Notice.objects.filter(pk__gt=first).order_by("pk")
            ]
        )
    assert told[0] == told[1] == told[2]
    assert [kind for _, kind, _, _ in told[0]] == [
        *["feedback.extended"] * 2,
        *["feedback.closes_soon"] * 2,
    ]
    assert SECRET not in str([message.body for message in mail.outbox])


def test_next_deadline_is_the_same_whoever_gave():
    contract = ended_contract()
    deadlines = [sweeping.next_due(at) for at in (NOON, REMINDS)]
    give(contract, Side.CLIENT)
    assert [sweeping.next_due(at) for at in (NOON, REMINDS)] == deadlines


def test_a_contract_stands_where_it_stood_in_lists(client):
    contract = ended_contract()
    fields = ("version", "last_activity_at", "client_position", "talent_position")
    before = Contract.objects.filter(pk=contract.pk).values(*fields).get()
    give(contract, Side.TALENT, at=NOON + timedelta(days=5))
    assert Contract.objects.filter(pk=contract.pk).values(*fields).get() == before
