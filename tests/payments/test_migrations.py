"""What stood in the tables before is brought forward: what was said is kept, clocks are right."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from marketplace import clock
from payments.models import EscrowRefundRequest
from tests.factories import NOON, funded_book, owner_of, usd

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = ("payments", "0002_money_that_comes_back")
WEEK = timedelta(days=7)
DAY = timedelta(days=1)


@pytest.fixture
def tables():
    """Takes the tables back to before the requests had their clocks, and forward again."""
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    yield lambda *to: migrate(list(to) or latest)
    migrate(latest)


def migrate(to):
    executor = MigrationExecutor(connection)
    executor.migrate(to)
    return executor.loader.project_state(to).apps


class Before:
    """Requests of $500.00 as they were kept then, each of a book of its own."""

    def __init__(self, apps, books):
        self.requests = apps.get_model("payments", "EscrowRefundRequest").objects
        self.history = apps.get_model("payments", "BookHistory").objects
        self.books = iter(books)

    def request(self, state, *, declined_by=None, **values):
        request = self.requests.create(
            book_id=next(self.books).pk,
            currency="USD",
            amount_minor=50_000,
            state=state,
            filed_at=NOON,
            answer_by=NOON + WEEK,
            on_silence="lapse",
            policy_version=1,
            **values,
        )
        self.note(request, 11, "create", actor_kind="platform")
        if declined_by is not None:
            member = {"actor_kind": "member", "actor_membership_id": declined_by.membership_id}
            self.note(request, 12, "decline", **member)
        return request.pk

    def note(self, request, sequence, transition, **actor):
        self.history.create(
            book_id=request.book_id,
            sequence=sequence,
            row_label="escrowrefundrequest",
            row_id=request.pk,
            transition=transition,
            at=NOON + (sequence - 10) * DAY,
            **actor,
        )


def test_requests_of_before_are_brought_forward(tables):
    with clock.at(NOON):
        books = [funded_book(usd(500)) for _ in range(5)]
    talent = owner_of(books[0].talent)
    before = Before(tables(BEFORE), books)
    reminder = NOON + 3 * DAY
    declined = before.request("disputed", declined_by=talent, declined_because="I delivered.")
    forgotten = before.request("disputed", declined_because="So did I.")
    waits = before.request("pending", reminder_due_at=reminder)
    escalated = before.request("escalated")
    decided = before.request(
        "decided",
        declined_by=talent,
        declined_because="No.",
        decided_because="Fair.",
        to_talent_minor=20_000,
        resolved_at=NOON + 9 * DAY,
    )
    tables()

    found = EscrowRefundRequest.objects.in_bulk()
    assert {one.decide_by for one in found.values()} == {NOON + timedelta(days=30)}
    # What was declined is a dispute, with support, in the words of who said so, when they did.
    assert found[declined].state == "mediating"
    said = found[declined].statements.get()
    assert (said.kind, said.text, said.links) == ("dispute", "I delivered.", [])
    assert (said.actor, said.at) == (talent, NOON + 2 * DAY)
    # A reason without its history is kept as of the filing.
    said = found[forgotten].statements.get()
    assert (said.text, said.at, said.actor.is_platform) == ("So did I.", NOON, True)
    # What waits for the talent keeps its clock; nobody's silence decides about anything else.
    assert (found[waits].state, found[waits].answer_by) == ("pending", NOON + WEEK)
    assert (found[waits].reminder_due_at, found[waits].time_left) == (reminder, None)
    for pk in (declined, forgotten, escalated, decided):
        assert (found[pk].answer_by, found[pk].reminder_due_at) == (None, None)
    assert found[escalated].state == "escalated"
    assert (found[decided].state, found[decided].decided_because) == ("decided", "Fair.")
    assert found[decided].statements.get().text == "No."
