"""Support cases: opened once, answered by support alone."""

from __future__ import annotations

import pytest
from django.core import mail

from marketplace import cases, clock, notices
from marketplace.actors import PLATFORM, Actor
from marketplace.models import Case, CaseMessage, Notice
from marketplace.refusals import InvalidInput, KeyReused, NotYours, Overtaken
from marketplace.states import ActorKind, CaseState
from tests.factories import NOON, MembershipFactory, StaffFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_noon():
    with clock.at(NOON):
        yield


@pytest.fixture
def support():
    return Actor.support(StaffFactory())


def opened(**given):
    values = {"subject": "Where?", "text": "Where is it?", "email": "visitor@example.com"}
    return cases.open_case(**{**values, "by": PLATFORM, **given})


def opened_by(membership):
    person = membership.user
    return opened(email=person.email, person=person, by=Actor.member(membership))


def unchanged(case):
    before = (case.state, case.closed_at, case.assigned_to_id, 1)
    case.refresh_from_db()
    return before == (case.state, case.closed_at, case.assigned_to_id, case.messages.count())


def test_case_of_a_member_keeps_who_asks_for_whom_about_what():
    membership = MembershipFactory()

    case = cases.open_case(
        subject="Where?",
        text="Where is it?",
        email=membership.user.email,
        contract="C-123456",
        person=membership.user,
        by=Actor.member(membership),
    )

    assert (case.state, case.opened_at, case.contract_reference) == ("open", NOON, "C-123456")
    assert (case.party, case.opened_by) == (membership.party, membership.user)
    message = case.messages.get()
    assert (message.text, message.actor_membership) == ("Where is it?", membership)
    notice = Notice.objects.get()
    assert (notice.recipient, notice.kind) == (membership.user, "marketplace.case_opened")


def test_case_of_a_visitor_is_confirmed_to_the_address_without_their_words():
    case = opened(text="Buy this at evil.example")

    assert case.messages.get().actor_kind == ActorKind.PLATFORM
    notices.deliver(Notice.objects.get().pk)
    (message,) = mail.outbox
    assert message.to == ["visitor@example.com"]
    assert case.reference in message.subject
    assert "evil.example" not in message.body


def test_form_sent_twice_opens_one_case():
    first, second = opened(key="k"), opened(key="k")

    assert first == second
    assert (Case.objects.count(), CaseMessage.objects.count(), Notice.objects.count()) == (1, 1, 1)


def test_form_sent_again_with_other_words_is_refused():
    opened(key="k")

    with pytest.raises(KeyReused):
        opened(key="k", text="Something else")

    assert Case.objects.count() == 1


def test_answer_reaches_the_opener(support):
    membership = MembershipFactory()
    case = opened_by(membership)

    case = cases.answer(case, text=" Here. ", by=support)

    assert case.state == CaseState.ANSWERED
    assert case.messages.latest("pk").text == "Here."
    assert case.messages.latest("pk").actor_staff == support.staff
    notice = Notice.objects.latest("pk")
    assert (notice.recipient, notice.party) == (membership.user, membership.party)
    assert "Here." in notices.text_of(notice).paragraphs


def test_answer_without_text_is_refused_at_its_field(support):
    case = opened()

    with pytest.raises(InvalidInput) as refused:
        cases.answer(case, text="  ", by=support)

    assert refused.value.field == "text"
    assert unchanged(case)


@pytest.mark.parametrize(
    "act",
    [
        lambda case, by: cases.answer(case, text="Mine", by=by),
        lambda case, by: cases.close(case, by=by),
        lambda case, by: cases.assign(case, to=None, by=by),
    ],
)
def test_only_support_works_on_cases(act):
    membership = MembershipFactory()
    case = opened_by(membership)

    with pytest.raises(NotYours):
        act(case, Actor.member(membership))

    assert unchanged(case)


def test_case_is_assigned_to_support_staff_only(support):
    case = opened()

    assert cases.assign(case, to=support.staff, by=support).assigned_to == support.staff
    with pytest.raises(NotYours):
        cases.assign(case, to=MembershipFactory().user, by=support)
    assert cases.assign(case, to=None, by=support).assigned_to is None


def test_closed_case_stays_closed(support):
    case = cases.close(opened(), by=support)

    assert (case.state, case.closed_at) == (CaseState.CLOSED, NOON)
    with pytest.raises(Overtaken, match="was closed"):
        cases.answer(case, text="Late", by=support)
    assert unchanged(case)
