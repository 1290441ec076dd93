"""Notices: written in one insert, told in words, sent at least once."""

from __future__ import annotations

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import transaction
from django.template.loader import get_template
from django_q.models import OrmQ

from marketplace import cases, clock, notices, policy, tasks
from marketplace.models import Notice
from marketplace.notices import Batch, Recipient
from marketplace.states import Role
from tests.factories import NOON, AgencyFactory, MembershipFactory, PartyFactory

pytestmark = pytest.mark.django_db

FACTS = {"own": False, "reference": "S-1", "subject": "A <b>bold</b> question", "text": "Yes & no."}


@pytest.fixture(autouse=True)
def _at_noon():
    with clock.at(NOON):
        yield


@pytest.fixture
def owner():
    return MembershipFactory(party__name="North & South")


@pytest.fixture
def notice(owner):
    return told(owner)


def told(owner):
    recipient = Recipient(owner.user_id, owner.party_id)
    notices.tell(cases.ANSWERED, to=[recipient], facts=FACTS, path="/help/")
    return Notice.objects.latest("pk")


class BrokenServer(EmailBackend):
    def send_messages(self, messages):
        raise ConnectionRefusedError


class HalfDeadServer(EmailBackend):
    """Takes the message, and the line breaks before it can say so."""

    def send_messages(self, messages):
        super().send_messages(messages)
        raise ConnectionResetError


BROKEN = f"{__name__}.BrokenServer"


# Who is told


def test_people_of_parties_are_owners_and_managers_in_one_query(django_assert_num_queries):
    agency, client = AgencyFactory(), PartyFactory()
    owner = MembershipFactory(party=agency)
    manager = MembershipFactory(party=agency, role=Role.MANAGER)
    assigned = MembershipFactory(party=agency, role=Role.MEMBER)
    MembershipFactory(party=agency, role=Role.MEMBER)
    MembershipFactory(party=client, left_at=NOON)
    MembershipFactory()

    with django_assert_num_queries(1):
        told = notices.people_of(agency, client, members=[assigned.pk])

    assert told == [
        Recipient(owner.user_id, agency.pk, manages=True),
        Recipient(manager.user_id, agency.pk, manages=True),
        Recipient(assigned.user_id, agency.pk, manages=False),
    ]
    assert notices.managers_of(agency, client) == told[:2]
    assert notices.of_party(told, client) == []


def test_money_notice_is_not_for_members():
    member = MembershipFactory(role=Role.MEMBER)
    kind = notices.Kind("marketplace.case_answered", money=True)
    recipient = Recipient(member.user_id, member.party_id, manages=False)

    notices.tell(kind, to=[recipient], facts=FACTS, path="/")

    assert not Notice.objects.exists()
    assert not OrmQ.objects.exists()


# Writing


def test_several_notices_are_one_insert_and_one_task(owner, django_assert_num_queries):
    batch, recipient = Batch(), Recipient(owner.user_id, owner.party_id)
    batch.add(cases.OPENED, to=[recipient], facts=FACTS, path="/a/")
    batch.add(cases.ANSWERED, to=[recipient, recipient], facts=FACTS, path="/b/")

    with transaction.atomic(), django_assert_num_queries(2):
        batch.write()

    written = Notice.objects.order_by("pk")
    assert [(one.kind, one.path) for one in written] == [
        ("marketplace.case_opened", "/a/"),
        ("marketplace.case_answered", "/b/"),
        ("marketplace.case_answered", "/b/"),
    ]
    task = OrmQ.objects.get().task
    assert task["func"] == "marketplace.tasks.send_notices"
    assert task["args"] == tuple(one.pk for one in written)


def test_notice_of_a_transaction_that_fails_is_not_told(owner):
    with transaction.atomic():
        told(owner)
        transaction.set_rollback(True)

    assert not Notice.objects.exists()
    assert not OrmQ.objects.exists()


def test_two_kinds_of_one_name_are_an_error():
    notices.kind("marketplace.case_opened")
    with pytest.raises(ValueError, match="two kinds"):
        notices.kind("marketplace.case_opened", money=True)


def test_every_kind_has_its_text():
    for kind in notices.KINDS.values():
        assert get_template(kind.template)


# Words


def test_text_has_a_title_and_paragraphs_without_markup(notice):
    assert notices.text_of(notice) == notices.Text(
        "Support answered your case S-1",
        [
            "About “A <b>bold</b> question”, support writes:",
            "Yes & no.",
            "To go on, write to us again and name the case S-1.",
        ],
    )


def test_email_has_text_and_html_a_link_and_the_party(notice):
    assert notices.deliver(notice.pk)

    (message,) = mail.outbox
    ((html, kind),) = message.alternatives
    assert message.subject == "Support answered your case S-1"
    assert message.to == [notice.recipient.email]
    assert "Yes & no." in message.body
    assert "\nhttp://testserver/help/\n" in message.body
    assert "You get this because you act for North & South on Closeout." in message.body
    assert kind == "text/html"
    assert "A &lt;b&gt;bold&lt;/b&gt; question" in html
    assert "Yes &amp; no." in html
    assert 'href="http://testserver/help/"' in html


def test_email_of_an_address_without_an_account_is_sent_there():
    notices.write_to("visitor@example.com", cases.ANSWERED, facts=FACTS, path="/help/")

    assert notices.deliver(Notice.objects.get().pk)
    assert mail.outbox[0].to == ["visitor@example.com"]
    assert "You get this because you wrote to Closeout." in mail.outbox[0].body


# Sending


def test_delivered_notice_is_marked_and_not_sent_again(notice):
    assert notices.deliver(notice.pk)
    assert not notices.deliver(notice.pk)

    notice.refresh_from_db()
    assert (notice.email_sent_at, notice.email_due_at, notice.leased_until) == (NOON, None, None)
    assert len(mail.outbox) == 1


def test_failed_email_is_due_again_after_each_step(notice, settings):
    settings.EMAIL_BACKEND = BROKEN
    now, waits = NOON, []
    for _ in range(len(policy.NOTICE_RETRY) + 1):
        with clock.at(now):
            assert not notices.deliver(notice.pk)
            assert not notices.deliver(notice.pk), "it is not due yet"
        notice.refresh_from_db()
        waits.append(notice.email_due_at - now)
        now = notice.email_due_at

    assert waits == [*policy.NOTICE_RETRY, policy.NOTICE_RETRY[-1]]
    assert notice.email_sent_at is None


def test_email_taken_before_the_line_broke_comes_twice_with_one_message_id(notice, settings):
    settings.EMAIL_BACKEND = f"{__name__}.HalfDeadServer"
    assert not notices.deliver(notice.pk)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    with clock.at(NOON + policy.NOTICE_RETRY[0]):
        assert notices.deliver(notice.pk)

    first, second = (message.extra_headers["Message-ID"] for message in mail.outbox)
    assert first == second
    assert str(notice.pk) in first


def test_notice_leased_by_a_dead_sender_is_sent_when_the_lease_is_over(notice):
    Notice.objects.filter(pk=notice.pk).update(leased_until=NOON + policy.NOTICE_LEASE)

    assert not notices.deliver(notice.pk)
    with clock.at(NOON + policy.NOTICE_LEASE):
        assert notices.deliver(notice.pk)


def test_mail_inside_a_transaction_is_an_error(notice):
    with pytest.raises(RuntimeError, match="inside a transaction"), transaction.atomic():
        notices.deliver(notice.pk)

    assert not mail.outbox


def test_whoever_left_the_party_gets_no_email(notice, owner):
    owner.left_at = NOON
    owner.save()

    assert not notices.deliver(notice.pk)

    notice.refresh_from_db()
    assert notice.email_due_at is None
    assert notice.email_sent_at is None
    assert not mail.outbox


def test_task_sends_what_is_left_to_send(owner):
    first, second = told(owner), told(owner)
    notices.deliver(first.pk)

    assert tasks.send_notices(first.pk, second.pk) == 1
    assert len(mail.outbox) == 2
