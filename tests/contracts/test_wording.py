"""What ending does, in words and figures."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from contracts import closing, hours_disputes, terms, wording
from contracts.closing import Choice
from contracts.models import Contract
from contracts.plans import Facts, plan
from contracts.states import Side
from marketplace import clock, sweeping
from marketplace.components import Effect
from payments import refunds
from payments.gateways import sandbox
from payments.models import Payment
from tests.factories import (
    NOON,
    active,
    add_milestone,
    approve,
    fund,
    funded,
    hourly,
    leftover,
    milestone_of,
    owner_of,
    planned,
    recorded,
    submitted,
    usd,
)

pytestmark = pytest.mark.django_db

ALL, NOTHING = Choice.all(), Choice.nothing()
BILLED = datetime(2026, 11, 23, 12, tzinfo=UTC)


def read(contract: Contract) -> Contract:
    return Contract.objects.select_related("book__escrow_account", "client", "talent").get(
        pk=contract.pk
    )


def facts_of(contract: Contract) -> Facts:
    return closing.facts_of(read(contract))


def rows(contract: Contract, side: Side, choice: Choice) -> dict[str, Effect]:
    decided = plan(facts_of(contract), side, choice)
    return {one.term: one for one in wording.effects_of(decided, contract, NOON)}


def sentence(contract: Contract, side: Side, choice: Choice) -> str:
    return wording.sentence_of(plan(facts_of(contract), side, choice), contract)


def test_paying_a_milestone_names_it_and_what_is_received_when():
    contract = submitted().contract

    row = rows(contract, Side.CLIENT, ALL)[f"Paid to {contract.talent.name}"]

    assert row.value == usd(500)
    assert row.detail == (
        "for milestone 1, Draft; they receive $450.00 after the fee, available on 24 November 2026"
    )


def test_paying_more_than_the_milestone_says_that_it_is_raised():
    contract = leftover(usd(300))
    add_milestone(contract, usd(100), "Poster")

    row = rows(contract, Side.CLIENT, ALL)[f"Paid to {contract.talent.name}"]

    assert row.value == usd(300)
    assert "for milestone 2, Poster, raised to $300.00" in row.detail


def test_paying_leftover_makes_a_final_payment():
    contract = leftover(usd(300))

    row = rows(contract, Side.CLIENT, Choice.part(usd(100)))[f"Paid to {contract.talent.name}"]

    assert (row.value, row.detail[:28]) == (usd(100), "as milestone Final payment; ")


@pytest.mark.parametrize(
    ("make", "silence"),
    [
        (lambda: funded().contract, "without an answer it returns on 26 November 2026"),
        (
            lambda: submitted().contract,
            "without an answer by 26 November 2026 support decides, because work was submitted",
        ),
    ],
)
def test_request_says_what_silence_does(make, silence):
    contract = make()

    row = rows(contract, Side.CLIENT, NOTHING)["Requested back from escrow"]

    assert row.value == usd(500)
    assert row.detail == f"e-mail to {contract.talent.name} now; {silence}"


def test_talent_reads_what_goes_back_and_what_stays():
    contract = leftover(usd(300))

    found = rows(contract, Side.TALENT, NOTHING)

    assert list(found)[:2] == [f"Returned from escrow to {contract.client.name}", "Stays yours"]
    assert found["Stays yours"].value == usd("4.50")


def test_open_charge_is_named_for_the_side_that_reads():
    milestone = planned()
    fund(milestone, method=sandbox.NEVER_ANSWERS)
    contract = milestone.contract

    yours = rows(contract, Side.CLIENT, NOTHING)["A charge is still open"]
    theirs = rows(contract, Side.TALENT, NOTHING)["A charge is still open"]

    assert yours.detail == "if it succeeds later, the money is your credit"
    assert theirs.detail == f"if it succeeds later, the money is {contract.client.name}'s credit"


@pytest.mark.parametrize(
    ("make", "side", "choice", "words"),
    [
        (active, Side.CLIENT, NOTHING, "Nothing is in escrow. Nothing is charged."),
        (active, Side.TALENT, NOTHING, "Nothing is in escrow. Nothing is charged."),
        (
            leftover,
            Side.TALENT,
            NOTHING,
            "End Contract returns $300.00 to {client}. You receive nothing of it.",
        ),
        (leftover, Side.CLIENT, ALL, "End Contract pays {talent} $300.00 now."),
        (
            leftover,
            Side.CLIENT,
            Choice.part(usd(100)),
            "End Contract pays {talent} $100.00 now and requests $200.00 back.",
        ),
        (
            leftover,
            Side.CLIENT,
            NOTHING,
            "End Contract requests $300.00 back from escrow and pays nothing.",
        ),
    ],
)
def test_one_sentence_says_what_the_button_does(make, side, choice, words):
    contract = make()
    names = {"client": contract.client.name, "talent": contract.talent.name}

    assert sentence(contract, side, choice) == words.format(**names)


# What has changed -------------------------------------------------------------------------------


def seen(contract: Contract) -> dict:
    figures = closing.seen_figures(contract, closing.seen_token(contract, facts_of(contract)))
    assert figures is not None
    return figures


def compared(contract: Contract, figures: dict, side: Side, choice: Choice) -> dict[str, Effect]:
    now = facts_of(contract)
    before = plan(closing.facts_seen(read(contract), figures, now), side, choice)
    found = wording.effects_of(plan(now, side, choice), contract, NOON, before=before)
    return {one.term: one for one in found}


def test_same_figures_say_nothing_of_before():
    contract = submitted().contract
    figures = seen(contract)

    assert all(one.was is None for one in compared(contract, figures, Side.CLIENT, ALL).values())
    assert wording.changed(figures, facts_of(contract)) == []


@pytest.mark.parametrize("choice", [ALL, NOTHING])
def test_facts_behind_figures_that_did_not_change_are_the_facts(choice):
    contract = submitted().contract
    add_milestone(contract, usd(80))
    now = facts_of(contract)

    behind = closing.facts_seen(read(contract), seen(contract), now)

    assert behind == now
    assert plan(behind, Side.CLIENT, choice) == plan(now, Side.CLIENT, choice)


def test_row_that_went_says_none_and_what_it_was():
    contract = submitted().contract
    figures = seen(contract)
    approve(milestone_of(contract))

    found = compared(contract, figures, Side.CLIENT, NOTHING)

    requested = found["Requested back from escrow"]
    assert (requested.value, requested.was, requested.detail) == (usd(0), usd(500), "")
    cancelled = found["Open milestone cancelled"]
    assert (cancelled.value, cancelled.was) == ("none", "1")


def test_row_that_came_says_it_was_nothing():
    milestone = planned()
    figures = seen(milestone.contract)
    fund(milestone)

    paid = compared(milestone.contract, figures, Side.CLIENT, ALL)[
        f"Paid to {milestone.contract.talent.name}"
    ]

    assert (paid.value, paid.was) == (usd(500), usd(0))


def test_payment_of_another_kind_is_compared_by_its_amount():
    contract = leftover(usd(300))
    figures = seen(contract)
    add_milestone(contract, usd(100), "Poster")

    paid = compared(contract, figures, Side.CLIENT, ALL)[f"Paid to {contract.talent.name}"]

    assert (paid.value, paid.was) == (usd(300), None)


def test_each_changed_fact_is_named_with_what_was():
    contract = leftover(usd(300))
    milestone = add_milestone(contract, usd(100), "Poster")
    figures = seen(contract)
    approve(milestone)
    payment = Payment.objects.get(title__contains="Draft")
    refunds.give(payment, amount=usd(5), reason="", key="", by=owner_of(contract.talent))
    add_milestone(contract, usd(250), "Print")

    found = {one.term: (one.value, one.was) for one in wording.changed(figures, facts_of(contract))}

    assert found == {
        "In escrow": (usd(200), usd(300)),
        "Paid before, less fees and refunds": (usd(90), usd("4.50")),
        "Milestone 3, Print": ("$250.00, not funded", "not there"),
        "A milestone": ("no longer open", "$100.00, funded"),
    }


def test_charge_that_opened_is_named():
    milestone = planned()
    figures = seen(milestone.contract)
    fund(milestone, method=sandbox.NEVER_ANSWERS)

    (row,) = wording.changed(figures, facts_of(milestone.contract))

    assert (row.term, row.value, row.was) == ("A charge that is still open", usd(500), usd(0))


# Hours ------------------------------------------------------------------------------------------


def worked(minutes: int = 370, **values) -> Contract:
    with clock.at(NOON - timedelta(days=3)):
        contract = hourly(**values)
    recorded(contract, NOON - timedelta(days=2), minutes)
    return contract


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (worked, "6 h 10 min, $370.00, is billed on Monday 23 November."),
        (lambda: worked(140, hours=2), "2 h, $120.00, is billed on Monday 23 November."),
        (hourly, "No hours are left to bill."),
    ],
    ids=["hours", "beyond the limit", "none"],
)
def test_one_sentence_says_what_the_button_does_to_hours(make, words, side):
    contract = make()

    assert sentence(contract, side, NOTHING) == f"End Contract locks the Work Diary now. {words}"


def test_hours_say_when_they_are_billed_reviewed_and_received():
    contract = worked()

    mine = rows(contract, Side.TALENT, NOTHING)["Billed for this week"]
    theirs = rows(contract, Side.CLIENT, NOTHING)["Billed for this week"]

    assert mine.detail == (
        "on Monday 23 November 2026, 12:00 (UTC); you receive $333.00 after the fee, available on"
        f" 2 December 2026; {contract.client.name} can dispute hours until Saturday 28 November"
        " 2026, 00:00 (UTC)"
    )
    assert theirs.detail == (
        "on Monday 23 November 2026, 12:00 (UTC); you can dispute hours until Saturday"
        " 28 November 2026, 00:00 (UTC)"
    )


def test_dates_of_hours_are_the_readers():
    contract = worked()

    with timezone.override("Pacific/Auckland"):
        row = rows(contract, Side.CLIENT, NOTHING)["Billed for this week"]
        words = sentence(contract, Side.CLIENT, NOTHING)

    assert row.detail.startswith("on Tuesday 24 November 2026, 01:00 (Auckland)")
    assert words.endswith("is billed on Tuesday 24 November.")


def test_open_dispute_is_named_and_goes_on():
    contract = worked()
    sweeping.run(as_of=BILLED)
    week = contract.weeks.get()
    with clock.at(BILLED):
        ((stretch, start), *_) = hours_disputes.billed_segments(week)
        hours_disputes.file(
            week,
            segments=[(stretch.pk, start)],
            reason="Nobody worked then.",
            key="",
            by=owner_of(contract.client),
        )
        decided = plan(facts_of(contract), Side.CLIENT, NOTHING)
        found = {one.term: one for one in wording.effects_of(decided, contract, BILLED)}

    assert found["Last week, in dispute"].value == "10 min"
    assert found["Last week, paid"].value == usd(370)


def test_what_the_end_locked_reads_for_each_side():
    billed = [
        {
            "week": date(2026, 11, 16),
            "minutes": 120,
            "beyond": 20,
            "amount": usd(120),
            "receives": usd(108),
            "bills_at": BILLED,
        }
    ]

    week, locked = wording.ended_rows(billed, Side.TALENT)
    (none,) = wording.ended_rows([], Side.CLIENT)

    assert (week.term, week.value) == ("Week of 16 November 2026", "2 h, $120.00")
    assert week.detail == (
        "billed on Monday 23 November 2026, 12:00 (UTC); you receive $108.00 after the fee;"
        " 20 min beyond the limit is not billed"
    )
    assert "receive" not in wording.ended_rows(billed, Side.CLIENT)[0].detail
    assert locked.value == "for good"
    assert none.value == "no hours were left to bill"


def test_limit_that_was_raised_says_what_was_within_it():
    contract = worked(140, hours=2)
    figures = seen(contract)
    terms.set_limit(contract, hours=20, by=owner_of(contract.client))

    (row,) = wording.changed(figures, facts_of(contract))

    assert (row.term, row.value, row.was) == (
        "Within the limit in the week of 16 November 2026",
        "2 h 20 min",
        "2 h",
    )
