"""What both sides see of a quiet or dormant contract, and what they can say about it."""

from __future__ import annotations

import pytest

from contracts import dormancy
from contracts.closing import Choice
from contracts.models import Contract
from contracts.states import DormancyState, Side
from marketplace import clock
from marketplace.actors import Actor
from tests.contracts.dormant import day, dormancy_of, release_asked, slept, with_leftover
from tests.factories import (
    active,
    ended,
    funded,
    hourly,
    member_of,
    owner_of,
    seen,
)
from tests.pages import Browser, Page
from tests.support.asserting import everything_of

pytestmark = pytest.mark.django_db

SIDES = pytest.mark.parametrize("side", Side)


def by_of(contract: Contract, side: Side) -> Actor:
    return owner_of(contract.party(side))


def room(contract: Contract, side: Side, at: float, *, by: Actor | None = None) -> Page:
    with clock.at(day(at)):
        return Browser.of(by or by_of(contract, side)).open(f"/contracts/{contract.reference}/")


def send(contract: Contract, side: Side, at: float, path: str, data=None, **values) -> Page:
    with clock.at(day(at)):
        browser = Browser.of(values.pop("by", None) or by_of(contract, side))
        return browser.send(f"/contracts/{contract.reference}/{path}", data, **values)


# Quiet -------------------------------------------------------------------------------------------


@SIDES
def test_room_says_that_nothing_happens_and_since_when(side):
    page = room(slept(60), side, 62)

    assert "Nothing has happened for a while" in page.text
    assert "on 19 November 2026, 62 days ago" in page.text
    assert "becomes dormant" in page.text
    assert "Wednesday 17 February 2027, 12:00 (UTC)" in page.text
    assert "Still working" in page.text


def test_room_of_a_contract_without_escrow_promises_no_sleep():
    page = room(slept(60, contract=hourly()), Side.TALENT, 62)

    assert "62 days ago" in page.text
    assert "dormant" not in page.text


def test_room_of_a_contract_on_which_something_happens_says_nothing_of_it():
    assert "Nothing has happened" not in room(active(), Side.CLIENT, 5).text


@SIDES
def test_still_working_is_one_click(side):
    contract = slept(60)

    page = send(contract, side, 61, "still-working/")

    assert "Noted: the contract goes on." in page.text
    assert "Nothing has happened" not in page.text
    assert Contract.objects.get(pk=contract.pk).quiet_due_at == day(91)


# Dormant -----------------------------------------------------------------------------------------


def test_client_who_is_asked_reads_what_sleeps_and_what_its_silence_does():
    contract = slept(90)
    talent = contract.talent.name

    page = room(contract, Side.CLIENT, 91)

    assert "What should become of the $500.00 in escrow?" in page.text
    assert "Wednesday 24 February 2027, 12:00 (UTC), in 6 days" in page.text
    assert f"{talent} is asked." in page.text
    assert "goes back to you and the contract ends" in page.text
    for label in ("Still working", "End contract", "Approve and release"):
        assert label in page.text
    assert "Ask for its release" not in page.text


def test_client_without_an_active_milestone_is_offered_a_new_one():
    page = room(slept(90, contract=with_leftover()), Side.CLIENT, 91)

    assert "Add new milestone" in page.text
    assert "No milestone is active." not in page.text


def test_talent_reads_that_the_client_is_asked_first_and_what_it_can_do():
    contract = slept(90)
    client = contract.client.name

    page = room(contract, Side.TALENT, 91)

    assert f"This contract is dormant; {client} is asked" in page.text
    assert f"the $500.00 goes back to {client} and the contract ends" in page.text
    assert "you receive $450.00 after the fee" in page.text
    for label in ("Still working", "Ask for its release"):
        assert label in page.text


def test_talent_who_is_asked_reads_that_its_silence_gives_it_back():
    contract = slept(97)
    client = contract.client.name

    page = room(contract, Side.TALENT, 98)

    assert f"$500.00 goes back to {client} unless you answer" in page.text
    assert "Wednesday 3 March 2027, 12:00 (UTC), in 6 days" in page.text
    assert "You would receive nothing of it." in page.text


def test_client_reads_that_the_talent_is_asked_now():
    contract = slept(97)

    page = room(contract, Side.CLIENT, 98)

    assert f"This contract is dormant; {contract.talent.name} is asked" in page.text
    assert "You did not say what should become of the $500.00" in page.text
    assert "Approve and release" in page.text


@pytest.mark.parametrize(
    ("at", "side", "words", "note"),
    [
        (90, Side.CLIENT, "Say what becomes of $500.00", "is asked in 6 days"),
        (97, Side.TALENT, "Answer about $500.00 in escrow", "it goes back to"),
    ],
)
def test_my_jobs_asks_the_side_whose_silence_decides(at, side, words, note):
    contract = slept(at)

    with clock.at(day(at + 1)):
        asked = Browser.of(by_of(contract, side)).open("/jobs/").text
        other = Browser.of(by_of(contract, side.other)).open("/jobs/").text

    assert words in asked
    assert note in asked
    assert "Dormant" in asked
    assert "Dormant" in other
    assert words not in other


def test_plain_member_can_say_that_it_goes_on_and_nothing_more():
    contract = slept(90)
    by = member_of(contract.talent)
    contract.assignments.create(membership=by.as_member, since=day(0))

    page = room(contract, Side.TALENT, 91, by=by)
    assert "Ask for its release" not in [one.text for one in page.dom.query("a")]
    send(contract, Side.TALENT, 91, "ask-release/", by=by, status=403)
    send(contract, Side.TALENT, 91, "still-working/", by=by)

    assert dormancy_of(contract).state == DormancyState.WOKEN


# Its release -------------------------------------------------------------------------------------


def test_talent_asks_for_its_release_with_a_note():
    contract = slept(97)
    client = contract.client.name
    with clock.at(day(98)):
        browser = Browser.of(by_of(contract, Side.TALENT))
        asks = browser.open(f"/contracts/{contract.reference}/ask-release/")

    assert "$500.00 is in escrow" in asks.text
    assert "you receive $450.00 after the fee" in asks.text
    assert f"{client} has 14 days to answer" in asks.text
    page = send(contract, Side.TALENT, 98, "ask-release/", {"note": "Done in May."})

    assert f"{client} was asked, and has until Thursday 11 March 2027, 12:00 (UTC)" in page.text
    assert "You asked for the release of $500.00" in page.text
    assert "Done in May." in page.text
    assert "Still working takes your question back" in page.text


def test_client_reads_that_its_silence_pays():
    contract = release_asked(98)
    talent = contract.talent.name

    page = room(contract, Side.CLIENT, 99)

    assert f"{talent} asks you to release $500.00" in page.text
    assert f"the $500.00 in escrow is paid to {talent}" in page.text
    assert "Thursday 11 March 2027, 12:00 (UTC), in 13 days" in page.text
    assert f"{talent} writes: It was done in May." in page.text


def test_note_that_is_too_long_is_refused_at_its_field_and_kept():
    contract = slept(97)
    before = everything_of(contract)

    page = send(contract, Side.TALENT, 98, "ask-release/", {"note": "x" * 2001})

    assert "x" * 2001 in page.html
    assert "2,000" in page.text or "2000" in page.text
    assert everything_of(contract) == before


def test_late_answers_are_told_what_happened():
    contract = slept(104)

    page = send(contract, Side.TALENT, 105, "still-working/")
    assert "Closeout ended this contract, because nobody acted" in page.text
    with clock.at(day(105)):
        browser = Browser.of(by_of(contract, Side.TALENT))
        page = browser.open(f"/contracts/{contract.reference}/ask-release/")
    assert "Closeout ended this contract" in page.text


def test_asking_where_nothing_sleeps_leads_back_with_a_sentence():
    contract = slept(60)

    page = send(contract, Side.TALENT, 61, "ask-release/", {"note": ""})

    assert "This contract is not dormant any more." in page.text


def test_client_cannot_ask_for_its_release():
    contract = slept(97)
    before = everything_of(contract)

    send(contract, Side.CLIENT, 98, "ask-release/", {"note": ""}, status=403)

    assert everything_of(contract) == before


@pytest.mark.parametrize("path", ["still-working/", "ask-release/"])
def test_stranger_finds_nothing(path):
    contract, stranger = slept(97), owner_of(active().client)
    before = everything_of(contract)

    send(contract, Side.CLIENT, 98, path, by=stranger, status=404)

    assert everything_of(contract) == before


# Who ended it ------------------------------------------------------------------------------------


@SIDES
def test_everything_says_that_closeout_ended_it(side):
    contract = slept(104)
    name = "you" if side is Side.CLIENT else contract.client.name

    page = room(contract, side, 105)

    assert "by Closeout" in page.text
    assert "Closeout ended it. The contract was dormant" in page.text
    assert "Closeout ended the contract" in page.text
    assert "Nobody acted while it was dormant." in page.text
    assert f"Returned from escrow to {name}" in page.text
    assert "You ended" not in page.text
    assert f"{contract.talent.name} ended" not in page.text


@SIDES
def test_timeline_tells_of_the_sleep(side):
    contract = release_asked(98)
    mine = side is Side.TALENT
    who = "You" if mine else contract.talent.name
    client = contract.client.name if mine else "you"

    page = room(contract, side, 99)

    assert f"The contract is dormant; {client} {'is' if mine else 'are'} asked" in page.text
    assert f"{'You are' if mine else who + ' is'} asked what becomes of the escrow" in page.text
    assert f"{who} asked for the release of what is in escrow" in page.text


def test_timeline_tells_that_it_goes_on_but_not_beside_an_end():
    contract = slept(90)
    with clock.at(day(91)):
        dormancy.still_working(contract, by=by_of(contract, Side.CLIENT))
    assert (
        "The contract goes on; it is not dormant any more" in room(contract, Side.CLIENT, 92).text
    )

    other = slept(90, contract=funded().contract)
    with clock.at(day(91)):
        ended(other, Side.CLIENT, Choice.all(), seen=seen(other))
    assert "The contract goes on" not in room(other, Side.CLIENT, 92).text


# Budgets -----------------------------------------------------------------------------------------


@SIDES
def test_dormant_room_takes_one_query_more(side):
    awake, asleep = funded().contract, slept(90)
    with clock.at(day(91)):
        counted = [
            Browser.of(by_of(one, side)).count(f"/contracts/{one.reference}/")
            for one in (awake, asleep)
        ]

    assert counted[1] <= counted[0] + 1


@SIDES
def test_my_jobs_takes_as_many_queries_for_one_as_for_three(side):
    contract = funded().contract
    parties = {"client": contract.client, "talent": contract.talent}
    slept(97, contract=contract)
    with clock.at(day(98)):
        browser = Browser.of(by_of(contract, side))
        browser.count("/jobs/")
        one = browser.count("/jobs/")
    for _ in range(2):
        slept(97, contract=funded(**parties).contract)
    with clock.at(day(98)):
        three = browser.count("/jobs/")

    assert three == one
    assert Contract.objects.exclude(dormant_since=None).count() == 3


@SIDES
def test_room_opened_before_the_sweep_comes_promises_nothing_that_is_over(side):
    page = room(slept(97), side, 104)

    assert "The time to answer is over" in page.text
    assert "Ask for its release" not in page.text
