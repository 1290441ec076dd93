"""A contract's money at a glance."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from contracts import escrow_answers, hours_disputes
from marketplace import clock, sweeping
from marketplace.actors import PLATFORM
from marketplace.states import Side
from payments import escrow, ledger, queries, refunds, requests
from payments.models import SplitProposal
from payments.states import OnSilence
from tests.factories import (
    NOON,
    ended,
    funded,
    funded_book,
    in_review,
    owner_of,
    paid,
    reread,
    submitted,
    usd,
    week_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


@pytest.fixture
def book():
    """$1,000 funded: 400 paid, 100 of it refunded, 250 returned, 350 in escrow."""
    book = funded_book(usd(1000))
    payment = paid(book, usd(400))
    refunds.give(payment, amount=usd(100), reason="", key="", by=owner_of(book.talent))
    with transaction.atomic():
        locked = ledger.lock(book.pk)
        escrow.give_back(locked, usd(250), key="back", memo="", at=NOON, by=PLATFORM)
    return reread(book)


def rows(book, side, now=NOON):
    return [
        (str(track.amount), track.what, [(one.word, one.state) for one in track.stages])
        for track in queries.where_is_money(book, side=side, now=now)
    ]


def test_money_bar_adds_up_to_what_was_funded(book, django_assert_num_queries):
    with django_assert_num_queries(1):
        parts = queries.money_bar(book, in_review=usd(50))

    assert parts == queries.MoneyParts(
        paid=usd(300),
        in_review=usd(50),
        escrow=usd(300),
        returned=usd(250),
        refunded=usd(100),
        reversed=usd(0),
    )


def test_money_bar_of_an_unfunded_book_is_all_zero():
    parts = queries.money_bar(funded_book(usd(5)))

    assert (parts.paid, parts.returned, parts.refunded) == (usd(0), usd(0), usd(0))
    assert parts.escrow == usd(5)


def test_where_is_money_for_the_talent_says_what_it_receives(book):
    client = book.client.name

    assert rows(book, Side.TALENT) == [
        (
            "$270.00",
            "Milestone 1, Draft, to you",
            [
                ("released", "past"),
                ("pending until 24 November 2026", "here"),
                ("available", "future"),
            ],
        ),
        (
            "$100.00",
            f"Milestone 1, Draft, to {client}",
            [("refunded", "past"), ("in credit", "here")],
        ),
        (
            "$250.00",
            f"from escrow, back to {client}",
            [("returned", "past"), ("in credit", "here")],
        ),
    ]


def test_where_is_money_shows_what_is_due_as_available(book):
    stages = rows(book, Side.CLIENT, NOON + timedelta(days=5))[0][2]

    assert stages == [("released", "past"), ("pending", "past"), ("available", "here")]


def test_where_is_money_follows_a_request(django_assert_num_queries):
    book = funded_book(usd(200))
    with transaction.atomic():
        requests.file(
            ledger.lock(book.pk),
            amount=usd(200),
            answer_by=NOON + timedelta(days=7),
            on_silence=OnSilence.LAPSE,
            at=NOON,
            by=owner_of(book.client),
        )

    with django_assert_num_queries(3):
        found = rows(book, Side.CLIENT)

    assert found == [
        (
            "$200.00",
            "from escrow, back to you",
            [
                ("requested", "past"),
                (f"{book.talent.name}'s answer by 26 November 2026, in 7 days", "here"),
                ("returned", "future"),
            ],
        )
    ]


def asked():
    return ended(funded(usd(200)).contract)


def split_by_talent():
    contract = asked()
    escrow_answers.propose_split(
        contract, to_talent=usd(50), message="", by=owner_of(contract.talent)
    )
    return contract


def disputed_return():
    contract = asked()
    escrow_answers.dispute(contract, text="Delivered.", by=owner_of(contract.talent))
    return contract


def mediating():
    contract = disputed_return()
    escrow_answers.reject(contract, text="Not so.", by=owner_of(contract.client))
    return contract


def escalated():
    contract = ended(submitted(usd(200)).contract)
    sweeping.run(as_of=NOON + timedelta(days=7))
    return contract


def agreed():
    contract = split_by_talent()
    split = SplitProposal.objects.get(request__book=contract.book_id)
    escrow_answers.agree_to_split(split, by=owner_of(contract.client))
    return contract


@pytest.mark.parametrize(
    ("make", "amount", "what", "here", "last"),
    [
        (
            asked,
            "$200.00",
            "from escrow, back to CLIENT",
            "your answer by 26 November 2026, in 7 days",
            ("returned", "future"),
        ),
        (
            split_by_talent,
            "$200.00",
            "from escrow, back to CLIENT",
            "a split is proposed",
            ("settled", "future"),
        ),
        (
            disputed_return,
            "$200.00",
            "in escrow, not decided yet",
            "CLIENT's answer by 26 November 2026, in 7 days",
            ("paid to you", "future"),
        ),
        (
            mediating,
            "$200.00",
            "in escrow, not decided yet",
            "with support until 19 December 2026",
            ("settled", "future"),
        ),
        (
            escalated,
            "$200.00",
            "in escrow, not decided yet",
            "with support until 19 December 2026",
            ("settled", "future"),
        ),
        (
            agreed,
            "$150.00",
            "from escrow, back to CLIENT",
            "split as agreed",
            ("returned", "here"),
        ),
    ],
)
def test_where_is_money_says_whose_answer_a_request_waits_for(make, amount, what, here, last):
    contract = make()

    found = rows(reread(contract.book), Side.TALENT)[-1]

    stages = [("requested", "past"), (here, "past" if last[1] == "here" else "here"), last]
    name = contract.client.name
    assert found == (
        amount,
        what.replace("CLIENT", name),
        [(word.replace("CLIENT", name), state) for word, state in stages],
    )


# Hours ------------------------------------------------------------------------------------------


@pytest.fixture
def week():
    """Two hours at $60.00, paid on Monday and in review."""
    return in_review()


def disputed(week, number=3):
    """A dispute of the week's first segments."""
    segments = [(one.pk, start) for one, start in hours_disputes.billed_segments(week)]
    return hours_disputes.file(
        week,
        segments=segments[:number],
        reason="Not for us.",
        key="",
        by=owner_of(week.contract.client),
    )


def reversed_by_half_an_hour(week):
    hours_disputes.accept(disputed(week), by=owner_of(week.contract.talent))
    return week_of(week.contract)


def test_money_bar_of_hours_tells_what_can_still_be_disputed(week):
    parts = queries.money_bar(week.contract.book, hours_in_review=usd(120))

    assert (parts.paid, parts.in_review, parts.escrow) == (usd(0), usd(120), usd(0))


def test_money_bar_of_hours_tells_reversed_and_refunded_apart(week):
    week = reversed_by_half_an_hour(week)
    refunds.give(week.payment, amount=usd(10), reason="", key="", by=owner_of(week.contract.talent))

    assert queries.money_bar(week.contract.book) == queries.MoneyParts(
        paid=usd(80),
        in_review=usd(0),
        escrow=usd(0),
        returned=usd(0),
        refunded=usd(10),
        reversed=usd(30),
    )


def stages_of(week, now=NOON, **given):
    (track, *_) = queries.where_is_money(week.contract.book, side=Side.CLIENT, now=now, **given)
    return [(one.word, one.state) for one in track.stages]


def test_where_is_money_follows_hours_from_their_review_to_available(week):
    until = {week.payment_id: week.review_until}

    assert stages_of(week, reviewed_until=until) == [
        ("paid", "past"),
        ("in review until 21 November 2026", "here"),
        ("available", "future"),
    ]
    assert stages_of(week, week.review_until, reviewed_until=until)[1] == (
        "pending until 25 November 2026",
        "here",
    )
    assert stages_of(week, week.payment.available_at)[1:] == [
        ("pending", "past"),
        ("available", "here"),
    ]


def test_where_is_money_says_that_disputed_hours_are_held(week):
    disputed(week)

    assert stages_of(week, week.payment.available_at)[1:] == [
        ("disputed, held until it is settled", "here"),
        ("available", "future"),
    ]


def test_where_is_money_tells_reversed_and_refunded_apart(week, django_assert_num_queries):
    week = reversed_by_half_an_hour(week)
    refunds.give(week.payment, amount=usd(10), reason="", key="", by=owner_of(week.contract.talent))
    book = reread(week.contract.book)
    moved = queries.movements(book)

    with django_assert_num_queries(3):
        found = [
            (str(track.amount), [one.word for one in track.stages])
            for track in queries.where_is_money(book, side=Side.TALENT, now=NOON, moved=moved)
        ]

    assert found == [
        ("$72.00", ["paid", "pending until 25 November 2026", "available"]),
        ("$10.00", ["refunded", "in credit"]),
        ("$30.00", ["reversed", "in credit"]),
    ]
