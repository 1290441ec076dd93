"""Ending a contract on its page: nothing is chosen for anybody, nothing ends before it was read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from contracts import funding, milestones
from contracts.models import Assignment, Contract
from contracts.states import ContractState, EndReason, MilestoneState, Side
from marketplace import clock, policy
from marketplace.models import Notice
from marketplace.states import Role
from payments import refunds
from payments.gateways import sandbox
from payments.models import EscrowRefundRequest, Payment
from tests.factories import (
    NOON,
    active,
    add_milestone,
    approve,
    ended,
    fund,
    funded,
    leftover,
    member_of,
    milestone_of,
    money_of,
    owner_of,
    planned,
    submitted,
    usd,
)
from tests.pages import Browser, Page
from tests.support.asserting import assert_audit_clean, everything_of

pytestmark = pytest.mark.django_db

WILL = "What will happen"
CHANGED = "What has changed since you looked"


def url_of(contract: Contract) -> str:
    return f"/contracts/{contract.reference}/end/"


def end_page(contract: Contract, side: Side = Side.CLIENT) -> Page:
    return Browser.of(owner_of(contract.party(side))).open(url_of(contract))


def is_active(contract: Contract) -> bool:
    return Contract.objects.get(pk=contract.pk).state == ContractState.ACTIVE


def shown_for(contract: Contract, **typed: str) -> Page:
    """The client's page with the figures for a choice."""
    return end_page(contract).press("Update figures", **typed)


# Before anything is chosen ----------------------------------------------------------------------


def test_client_with_escrow_finds_nothing_chosen():
    page = end_page(leftover())

    assert "What should happen to the $300.00 in escrow?" in page.text
    assert page.filled_in("End Contract") | {"seen": ""} == {
        "amount": "",
        "seen": "",
        "shown": "",
        "reason": "",
        "note": "",
    }
    assert not page.dom.query("input[checked]")
    assert page.part("#end-sum") == "Choose first what should happen to the $300.00 in escrow."


def test_before_a_choice_only_what_does_not_depend_on_it_is_said():
    milestone = submitted()
    add_milestone(milestone.contract, usd(150), "Second draft")

    page = end_page(milestone.contract)

    assert page.effects(WILL) == {
        "Open milestone cancelled": "1",
        "Feedback opens for both": "until Friday 4 December 2026, 00:00 (UTC)",
        "The contract ends for both": "now",
    }
    assert "Second draft" in page.details(WILL)
    assert "Draft" not in page.details(WILL).replace("Second draft", "")


def test_talent_with_escrow_reads_three_ways_and_an_empty_tick():
    page = end_page(submitted().contract, Side.TALENT)

    assert "Three ways to end, and what you receive" in page.html
    ways = page.part(".ways")
    assert "to end $450.00" in ways
    assert "Wait $450.00 by 3 December 2026" in ways
    assert "End now $0.00" in ways
    assert "I give up the $500.00 that is in escrow." in page.text
    assert not page.dom.query("input[checked]")
    assert page.effects(WILL)["Returned from escrow to " + _client_of(page)] == "$500.00"


def _client_of(page: Page) -> str:
    return Contract.objects.get(reference=page.url.split("/")[2]).client.name


def test_talent_with_funded_work_is_told_to_submit_it_first():
    ways = end_page(funded().contract, Side.TALENT).part(".ways")

    assert "Submit it first $450.00 14 days after you submit milestone 1" in ways


def test_talent_with_leftover_alone_can_propose_a_milestone():
    assert "Propose a milestone $270.00" in end_page(leftover(), Side.TALENT).part(".ways")


@pytest.mark.parametrize("side", Side)
def test_without_escrow_nothing_is_asked_and_nothing_is_charged(side):
    page = end_page(active(), side)

    assert "Nothing is in escrow. Nothing is charged." in page.part("#end-sum")
    assert not page.dom.query("input[name=choice], input[name=gives_up]")


@pytest.mark.parametrize("side", Side)
def test_both_sides_read_how_long_payments_can_be_refunded(side):
    assert "payments of the past 180 days, also after the end" in end_page(active(), side).text


def test_first_button_of_the_form_updates_figures():
    page = end_page(leftover())
    labels = [one.to_text() for one in page.form("End Contract").query("button")]

    assert labels[0] == "Update figures"


def test_sentence_stands_above_the_buttons_and_describes_the_one_that_ends():
    page = end_page(leftover())
    (button,) = [one for one in page.dom.query("button") if one.to_text() == "End Contract"]

    assert button.attrs["aria-describedby"] == "end-sum"
    assert page.html.index('id="end-sum"') < page.html.index(">End Contract</button>")


# Figures first ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "figures", "sentence"),
    [
        (
            {"choice": "all"},
            {"Paid to {talent}": "$300.00"},
            "End Contract pays {talent} $300.00 now.",
        ),
        (
            {"choice": "part", "amount": "100"},
            {"Paid to {talent}": "$100.00", "Requested back from escrow": "$200.00"},
            "End Contract pays {talent} $100.00 now and requests $200.00 back.",
        ),
        (
            {"choice": "nothing"},
            {"Requested back from escrow": "$300.00"},
            "End Contract requests $300.00 back from escrow and pays nothing.",
        ),
    ],
)
def test_figures_follow_the_choice_and_change_nothing(typed, figures, sentence):
    contract = leftover()
    before = everything_of(contract)

    page = shown_for(contract, **typed)

    rows = page.effects(WILL)
    for term, value in figures.items():
        assert rows.pop(term.format(talent=contract.talent.name)) == value
    assert set(rows) == {"Feedback opens for both", "The contract ends for both"}
    assert page.part("#end-sum") == sentence.format(talent=contract.talent.name)
    assert everything_of(contract) == before


def test_enter_in_a_field_updates_figures_and_never_ends():
    contract = leftover()
    page = shown_for(contract, choice="part", amount="100")

    again = page.press_enter("End Contract", amount="120")

    assert again.effects(WILL)["Requested back from escrow"] == "$180.00"
    assert is_active(contract)


def test_post_without_confirm_ends_nothing():
    contract = active()
    page = end_page(contract)

    page.browser.send(url_of(contract), page.filled_in("End Contract"))

    assert is_active(contract)


def test_figures_that_were_not_shown_are_shown_first_and_asked_once_more():
    contract = leftover()

    asked = end_page(contract).press("End Contract", choice="all")
    assert is_active(contract)
    assert asked.alerts == ["Here is what your choice does. Confirm it with End Contract."]
    assert asked.effects(WILL)[f"Paid to {contract.talent.name}"] == "$300.00"
    assert asked.filled_in("End Contract")["choice"] == "all"

    done = asked.press("End Contract")
    assert done.url == f"/contracts/{contract.reference}/"
    assert not is_active(contract)


def test_choice_changed_after_its_figures_were_shown_is_asked_once_more():
    contract = leftover()
    page = shown_for(contract, choice="part", amount="100")

    asked = page.press("End Contract", amount="200")

    assert is_active(contract)
    assert asked.effects(WILL)["Requested back from escrow"] == "$100.00"


@pytest.mark.parametrize("seen", ["", "made-up", "a:b:c", "x" * 3_000])
def test_figures_that_are_not_ours_count_as_never_seen(seen):
    contract = active()

    asked = end_page(contract).press("End Contract", seen=seen)

    assert asked.alerts == ["Please read what will happen, then confirm with End Contract."]
    assert is_active(contract)


def test_figures_of_another_contract_count_as_never_seen():
    one, other = active(), active()
    seen = end_page(other).filled_in("End Contract")["seen"]

    end_page(one).press("End Contract", seen=seen)

    assert is_active(one)


# The end ----------------------------------------------------------------------------------------


def test_client_pays_part_and_requests_the_rest():
    contract = leftover()

    done = shown_for(contract, choice="part", amount="100").press("End Contract")

    assert "You ended" in done.flash
    assert "Where the money is now" in done.text
    assert money_of(contract)[:2] == ("$200.00", "$0.00")
    assert EscrowRefundRequest.objects.get(book=contract.book).amount == usd(200)
    assert_audit_clean()


def test_talent_gives_up_escrow_with_its_own_tick():
    contract = submitted().contract

    end_page(contract, Side.TALENT).press("End Contract", gives_up="on")

    assert money_of(contract) == ("$0.00", "$500.00", "$0.00", "$0.00")
    assert_audit_clean()


def test_reason_and_note_are_kept_with_the_end():
    contract = active()

    end_page(contract).press("End Contract", reason=EndReason.NOT_NEEDED, note="Thank you.")

    contract = Contract.objects.get(pk=contract.pk)
    assert (contract.end_reason, contract.end_note) == (EndReason.NOT_NEEDED, "Thank you.")


def test_talent_never_sees_the_clients_reason():
    contract = active()
    end_page(contract).press("End Contract", reason=EndReason.UNRESPONSIVE)

    room = Browser.of(owner_of(contract.talent)).open(f"/contracts/{contract.reference}/")

    assert "unresponsive" not in room.html.lower()


def test_same_form_posted_twice_ends_once():
    contract = leftover()
    page = shown_for(contract, choice="all")

    page.press("End Contract")
    second = page.press("End Contract")

    assert "You ended this contract just now. Here is what happened." in second.flash
    assert Payment.objects.filter(book=contract.book).count() == 2
    assert contract.history.filter(transition="end").count() == 1
    assert_audit_clean()


@pytest.mark.parametrize("opened_before", [True, False])
def test_other_side_was_faster(opened_before):
    contract = active()
    page = end_page(contract) if opened_before else None
    ended(contract, Side.TALENT)
    with clock.at(NOON + timedelta(minutes=2)):
        answer = page.press("End Contract") if page else end_page(contract)

        assert answer.url == f"/contracts/{contract.reference}/"
        name = contract.talent.name
        assert f"{name} ended this contract 2 minutes ago. Here is what happened." in answer.flash
    assert contract.history.filter(transition="end").count() == 1


# What was typed wrong ---------------------------------------------------------------------------

WRONG = [
    ("400", "At most $300.00 is in escrow; to pay more, give a bonus."),
    ("300.01", "At most $300.00 is in escrow; to pay more, give a bonus."),
    ("0", "Type an amount above zero."),
    ("-5", "Type an amount above zero."),
    ("4.99", "Pay at least $5.00, or choose to pay nothing."),
    ("10.005", "Use at most 2 decimals."),
    ("ten", "Type an amount in figures, such as 25.00."),
    ("9" * 40, "This amount is too large."),
    ("\u0661\u0660", "Type an amount in figures, such as 25.00."),
    ("", "Type the amount."),
]


@pytest.mark.parametrize("button", ["Update figures", "End Contract"])
@pytest.mark.parametrize(("amount", "sentence"), WRONG)
def test_wrong_amount_is_refused_at_its_field_and_kept(amount, sentence, button):
    contract = leftover()
    before = everything_of(contract)

    page = end_page(contract).press(button, choice="part", amount=amount, note="Bye")

    assert page.alerts == [sentence]
    assert page.part("#end-sum") == sentence
    kept = page.filled_in("End Contract")
    assert (kept["choice"], kept["amount"], kept["note"]) == ("part", amount, "Bye")
    assert kept["shown"] == ""
    assert "Requested back from escrow" not in page.effects(WILL)
    assert everything_of(contract) == before


@pytest.mark.parametrize("choice", ["all", "nothing"])
def test_amount_typed_beside_another_choice_is_refused_at_the_field(choice):
    contract = leftover()

    page = shown_for(contract, choice=choice, amount="100")

    assert page.alerts == ["Leave this empty, or choose to pay another amount."]
    kept = page.filled_in("End Contract")
    assert (kept["choice"], kept["amount"]) == (choice, "100")
    page.press("End Contract")
    assert is_active(contract)


def test_no_choice_is_refused_at_the_choices():
    contract = leftover()

    page = end_page(contract).press("End Contract", note="Bye")

    assert page.alerts == ["Choose what should happen to the money in escrow."]
    assert page.filled_in("End Contract")["note"] == "Bye"
    assert is_active(contract)


def test_less_than_the_minimum_in_escrow_can_be_paid_whole():
    contract = leftover(usd(3))

    shown_for(contract, choice="part", amount="3").press("End Contract")

    assert money_of(contract)[0] == "$0.00"
    assert not EscrowRefundRequest.objects.exists()


def test_missing_tick_is_asked_for_and_never_set_by_us():
    contract = submitted().contract
    page = end_page(contract, Side.TALENT)

    without = page.press("End Contract")
    assert without.alerts == ["Tick that you give up the $500.00, or keep the contract."]
    with_error = page.press("End Contract", gives_up="on", reason="made-up")

    assert not with_error.dom.query("input[checked]")
    assert is_active(contract)


def test_note_that_is_too_long_is_kept_and_refused():
    contract = active()

    page = end_page(contract).press("End Contract", note="x" * 2_001)

    assert "at most 2000 characters" in page.alerts[0]
    assert page.filled_in("End Contract")["note"] == "x" * 2_001
    assert is_active(contract)


# What changed meanwhile -------------------------------------------------------------------------


def test_stale_figures_end_nothing_and_say_what_they_were():
    contract = leftover()
    page = shown_for(contract, choice="all").press("Update figures", note="Thank you")
    add_milestone(contract, usd(100), "Poster")
    approve(milestone_of(contract, 2))

    stale = page.press("End Contract")

    assert is_active(contract)
    assert "The figures have changed since you saw them. Nothing was ended." in stale.alerts
    paid = f"Paid to {contract.talent.name}"
    assert stale.effects(WILL)[paid] == "$200.00 was $300.00"
    assert stale.effects(CHANGED)["In escrow"] == "$200.00 was $300.00"
    kept = stale.filled_in("End Contract")
    assert (kept["choice"], kept["note"]) == ("all", "Thank you")

    stale.press("End Contract")
    assert money_of(contract)[0] == "$0.00"
    assert_audit_clean()


def test_stale_part_says_what_is_requested_now():
    contract = leftover()
    page = shown_for(contract, choice="part", amount="100")
    add_milestone(contract, usd(150), "Poster")
    approve(milestone_of(contract, 2))

    stale = page.press("End Contract")

    rows = stale.effects(WILL)
    assert rows[f"Paid to {contract.talent.name}"] == "$100.00"
    assert rows["Requested back from escrow"] == "$50.00 was $200.00"
    assert stale.filled_in("End Contract")["amount"] == "100"


def test_stale_part_above_what_is_left_is_refused_at_its_field():
    contract = leftover()
    page = shown_for(contract, choice="part", amount="250")
    add_milestone(contract, usd(100), "Poster")
    approve(milestone_of(contract, 2))

    stale = page.press("End Contract")

    assert "At most $200.00 is in escrow; to pay more, give a bonus." in stale.alerts
    assert stale.effects(CHANGED)["In escrow"] == "$200.00 was $300.00"
    assert stale.filled_in("End Contract")["amount"] == "250"
    assert is_active(contract)


@pytest.mark.parametrize(
    ("typed", "row"),
    [
        ({"choice": "all"}, "Paid to {talent}"),
        ({"choice": "nothing"}, "Requested back from escrow"),
    ],
)
def test_escrow_that_was_released_meanwhile_leaves_nothing_to_choose(typed, row):
    contract = submitted().contract
    page = shown_for(contract, **typed)
    approve(milestone_of(contract))

    stale = page.press("End Contract")

    assert is_active(contract)
    rows = stale.effects(WILL)
    assert rows[row.format(talent=contract.talent.name)] == "$0.00 was $500.00"
    assert "Nothing is in escrow. Nothing is charged." in stale.part("#end-sum")
    assert not stale.dom.query("input[name=choice]")

    stale.press("End Contract")
    assert not is_active(contract)
    assert Payment.objects.filter(book=contract.book).count() == 1


def test_part_typed_before_everything_was_released_is_not_an_invisible_error():
    contract = submitted().contract
    page = shown_for(contract, choice="part", amount="100")
    approve(milestone_of(contract))

    stale = page.press("End Contract")

    assert stale.effects(CHANGED)["In escrow"] == "$0.00 was $500.00"
    assert "The figures have changed since you saw them. Nothing was ended." in stale.alerts
    stale.press("End Contract")
    assert not is_active(contract)


def test_talent_reads_what_was_when_the_client_funds_meanwhile():
    milestone = planned()
    contract = milestone.contract
    page = end_page(contract, Side.TALENT)
    fund(milestone)

    stale = page.press("End Contract")

    assert is_active(contract)
    returned = f"Returned from escrow to {contract.client.name}"
    assert stale.effects(WILL)[returned] == "$500.00 was $0.00"
    changed = stale.effects(CHANGED)
    assert changed["Milestone 1, Draft"] == "$500.00, funded was $500.00, not funded"
    assert not stale.dom.query("input[checked]")


def test_talent_reads_what_stayed_theirs_before_a_refund():
    contract = leftover()
    page = end_page(contract, Side.TALENT)
    payment = Payment.objects.get(book=contract.book)
    refunds.give(payment, amount=usd(2), reason="", key="", by=owner_of(contract.talent))

    stale = page.press("End Contract", gives_up="on")

    assert is_active(contract)
    assert stale.effects(WILL)["Stays yours"] == "$2.70 was $4.50"


def test_milestone_added_meanwhile_counts_among_those_cancelled():
    contract = active()
    page = end_page(contract)
    add_milestone(contract, usd(80), "Poster")

    stale = page.press("End Contract")

    assert stale.effects(WILL)["Open milestones cancelled"] == "2 was 1"
    assert is_active(contract)


def test_open_charge_is_named_and_a_new_one_makes_figures_stale():
    milestone = planned()
    page = end_page(milestone.contract)
    funding.fund(
        milestone,
        method=sandbox.NEVER_ANSWERS,
        key="",
        by=owner_of(milestone.contract.client),
    )

    stale = page.press("End Contract")

    assert stale.effects(WILL)["A charge is still open"] == "$500.00 was $0.00"
    assert is_active(milestone.contract)


def test_update_says_what_was_too():
    contract = leftover()
    page = shown_for(contract, choice="nothing")
    add_milestone(contract, usd(100), "Poster")
    approve(milestone_of(contract, 2))

    updated = page.press("Update figures")

    assert updated.effects(WILL)["Requested back from escrow"] == "$200.00 was $300.00"
    assert updated.press("Update figures").effects(CHANGED) == {}


def test_release_that_fell_due_meanwhile_has_happened():
    contract = submitted().contract
    page = shown_for(contract, choice="nothing")
    with clock.at(NOON + timedelta(days=14, minutes=1)):
        stale = page.press("End Contract")

        assert stale.effects(WILL)["Requested back from escrow"] == "$0.00 was $500.00"
        stale.press("End Contract")
    assert milestone_of(contract).state == MilestoneState.PAID
    assert_audit_clean()


def test_milestone_taken_back_meanwhile_is_named():
    milestone = submitted()
    page = shown_for(milestone.contract, choice="nothing")
    milestones.take_back(milestone, by=owner_of(milestone.contract.talent))

    stale = page.press("End Contract")

    changed = stale.effects(CHANGED)
    assert changed["Milestone 1, Draft"] == "$500.00, funded was $500.00, submitted"
    assert is_active(milestone.contract)


# Who --------------------------------------------------------------------------------------------


def plain_member(contract: Contract, side: Side = Side.TALENT) -> Browser:
    member = member_of(contract.party(side), Role.MEMBER)
    Assignment.objects.create(contract=contract, membership=member.as_member, since=NOON)
    return Browser.of(member)


@pytest.mark.parametrize("side", Side)
def test_plain_member_reads_why_not_and_who_can(side):
    contract = active()
    browser = plain_member(contract, side)
    sentence = f"Only an owner or manager of {contract.party(side).name} can end."

    assert sentence in browser.open(url_of(contract), status=403).text
    assert sentence in browser.send(url_of(contract), {"confirm": "1"}, status=403).text
    assert sentence in browser.send(f"{url_of(contract)}figures/", status=403).text
    assert is_active(contract)


@pytest.mark.parametrize("side", Side)
def test_plain_member_asks_who_may_end(side):
    contract = active()
    browser, name = plain_member(contract, side), contract.party(side).name

    page = browser.open(url_of(contract), status=403)
    assert contract.party(side.other).name + " is told nothing." in page.text
    done = page.press("Ask them", text="All is delivered.")

    assert done.url == f"/contracts/{contract.reference}/"
    assert done.flash == f"You asked the owners and managers of {name} to end this contract."
    told = Notice.objects.get(kind="contracts.asked_to_end")
    assert told.recipient == owner_of(contract.party(side)).user
    assert told.path == url_of(contract)
    again = browser.open(f"{url_of(contract)}ask/").press("Ask them")
    assert "today already. You can ask again tomorrow." in again.flash
    assert Notice.objects.filter(kind="contracts.asked_to_end").count() == 1
    assert is_active(contract)


def test_too_long_a_line_is_refused_beside_its_field():
    page = plain_member(contract := active()).open(f"{url_of(contract)}ask/")

    page = page.press("Ask them", text="x" * (policy.MEMO_LENGTH + 1))

    assert len(page.alerts) == 1
    assert page.filled_in("Ask them")["text"] == "x" * (policy.MEMO_LENGTH + 1)
    assert not Notice.objects.filter(kind="contracts.asked_to_end").exists()


@pytest.mark.parametrize("send", [False, True])
def test_asking_for_an_end_that_came_says_so(send):
    contract = active()
    browser = plain_member(contract)
    page = browser.open(f"{url_of(contract)}ask/")
    ended(contract, Side.CLIENT)

    late = page.press("Ask them") if send else browser.open(f"{url_of(contract)}ask/")

    assert f"{contract.client.name} ended this contract" in late.flash
    assert not Notice.objects.filter(kind="contracts.asked_to_end").exists()


def test_plain_member_finds_the_reason_in_the_menu_and_no_dialog():
    contract = active()
    browser = plain_member(contract)
    sentence = f"Only an owner or manager of {contract.talent.name} can end."

    for url in (f"/contracts/{contract.reference}/", "/jobs/"):
        page = browser.open(url)
        assert sentence in page.text
        assert not page.dom.query("dialog")


def test_manager_ends():
    contract = active()
    manager = member_of(contract.client, Role.MANAGER)

    Browser.of(manager).open(url_of(contract)).press("End Contract")

    assert not is_active(contract)


# The dialog in the room -------------------------------------------------------------------------


def test_dialog_in_the_room_is_the_same_form():
    contract = leftover()
    browser = Browser.of(owner_of(contract.client))
    closed = browser.open(f"/contracts/{contract.reference}/")
    opened = browser.open(f"/contracts/{contract.reference}/?end=1")

    assert [one.attrs.get("open") for one in closed.dom.query("dialog")] == [None]
    assert "open" in opened.dom.query("dialog")[0].attrs
    asked = opened.press("End Contract", choice="all")
    assert asked.url == url_of(contract)
    assert is_active(contract)
    asked.press("End Contract")
    assert not is_active(contract)


def test_enter_in_the_dialog_updates_figures():
    contract = active()
    opened = Browser.of(owner_of(contract.client)).open(f"/contracts/{contract.reference}/?end=1")

    opened.press_enter("End Contract", note="Thank you")

    assert is_active(contract)


# Figures alone, for scripts ---------------------------------------------------------------------


def preview(contract: Contract, **typed: str) -> Any:
    page = end_page(contract)
    return page.browser.client.post(
        f"{url_of(contract)}figures/",
        page.filled_in("End Contract") | typed,
        headers={"hx-request": "true"},
    )


def test_preview_gives_the_figures_of_the_choice_and_nothing_else():
    contract = leftover()
    before = everything_of(contract)

    html = preview(contract, choice="all").content.decode()

    assert f"Paid to {contract.talent.name}" in html
    assert "Before you end" not in html
    assert everything_of(contract) == before


def test_preview_of_a_wrong_amount_says_so_in_the_sentence():
    html = preview(leftover(), choice="part", amount="400").content.decode()

    assert "At most $300.00 is in escrow; to pay more, give a bonus." in html
    assert "End Contract requests" not in html


def test_preview_after_the_end_leads_to_the_room():
    contract = active()
    page = end_page(contract)
    ended(contract, Side.TALENT)

    answer = page.browser.client.post(f"{url_of(contract)}figures/", headers={"hx-request": "true"})

    assert answer.headers["HX-Redirect"] == f"/contracts/{contract.reference}/"


# Cost -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "queries"), [(Side.CLIENT, 7), (Side.TALENT, 8)])
@pytest.mark.parametrize("more", [0, 2])
def test_end_page_takes_as_many_queries_for_one_milestone_as_for_three(side, queries, more):
    contract = submitted().contract
    for number in range(more):
        add_milestone(contract, usd(10 + number), f"More {number}")

    assert Browser.of(owner_of(contract.party(side))).count(url_of(contract)) == queries
