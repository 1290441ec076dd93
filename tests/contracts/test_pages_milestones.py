"""Pages of milestones: adding, proposing, editing, funding, submitting, reviewing, paying."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts import funding, milestones
from contracts.models import Contract, Milestone, Submission
from contracts.states import MilestoneState, Side
from marketplace import clock, sweeping
from payments.gateways import sandbox
from payments.models import GatewayOperation, Payment
from tests.factories import (
    NOON,
    PartyFactory,
    active,
    add_milestone,
    approve,
    charge,
    ended,
    fund,
    funded,
    leftover,
    milestone_of,
    money_of,
    owner_of,
    planned,
    propose,
    submitted,
    usd,
)
from tests.pages import Browser, Page
from tests.support.asserting import assert_audit_clean, everything_of

pytestmark = pytest.mark.django_db

AMOUNTS = [
    ("", "Type an amount."),
    ("0", "Type an amount above zero."),
    ("-25", "Type an amount above zero."),
    ("4.99", "at least $5.00"),
    ("25.005", "Use at most 2 decimals."),
    ("twenty", "Type an amount in figures, such as 25.00."),
    ("1000000.01", "Type at most $1,000,000.00."),
    ("9" * 30, "This amount is too large."),
]


def page_of(contract: Contract, path: str, side: Side = Side.CLIENT) -> Page:
    browser = Browser.of(owner_of(contract.party(side)))
    return browser.open(f"/contracts/{contract.reference}/milestones/{path}")


def state_of(contract: Contract, number: int = 1) -> str:
    return str(milestone_of(contract, number).state)


# Adding and proposing ---------------------------------------------------------------------------


def test_added_milestone_is_planned():
    contract = active()
    page = page_of(contract, "new/")
    assert "At least $5.00." in page.text
    assert f"we automatically ask {contract.talent.name} to return it" in page.text

    done = page.press("Save", title="Poster", amount="80", due_on="2026-12-24")

    assert "Milestone 2 is planned. Fund it when the work is to start." in done.flash
    milestone = milestone_of(contract, 2)
    assert (milestone.title, milestone.amount, milestone.state) == ("Poster", usd(80), "planned")
    assert f"{milestone.due_on:%d %m %Y}" == "24 12 2026"


def test_leftover_escrow_is_shown_used_whole_and_activates_on_save():
    contract = leftover(usd(300))
    page = page_of(contract, "new/")
    assert "$300.00 is left in escrow." in page.text

    whole = page.browser.open(page.url + "?amount=300.00")
    assert whole.filled_in("Save")["amount"] == "300.00"
    done = whole.press("Save", title="Poster")

    assert "is active" in done.flash
    assert "nothing was charged" in done.flash
    assert f"/contracts/{contract.reference}/milestones/2/approve/" in done.links()
    assert state_of(contract, 2) == MilestoneState.FUNDED
    assert GatewayOperation.objects.count() == 1
    assert_audit_clean()


@pytest.mark.parametrize("amount", ["1000", "250.00", "x", "\x00"])
def test_only_the_leftover_itself_is_filled_in_from_the_address(amount):
    page = page_of(leftover(usd(300)), f"new/?amount={amount}")

    assert page.filled_in("Save")["amount"] == ""


def test_whole_leftover_below_the_minimum_can_be_a_milestone():
    contract = leftover(usd(3))
    page = page_of(contract, "new/")
    assert "At least $3.00." in page.text

    page.press("Save", title="Rest", amount="3")

    assert state_of(contract, 2) == MilestoneState.FUNDED


@pytest.mark.parametrize(("amount", "sentence"), AMOUNTS)
@pytest.mark.parametrize(
    ("path", "side", "button"),
    [("new/", Side.CLIENT, "Save"), ("propose/", Side.TALENT, "Propose")],
)
def test_wrong_amount_is_refused_beside_it(path, side, button, amount, sentence):
    contract = active()
    before = everything_of(contract)

    page = page_of(contract, path, side).press(button, title="Poster", amount=amount)

    assert len(page.alerts) == 1
    assert sentence in page.alerts[0]
    assert page.filled_in(button)["amount"] == amount
    assert page.filled_in(button)["title"] == "Poster"
    assert everything_of(contract) == before


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"title": ""}, "This field is required."),
        ({"title": "x" * 121}, "at most 120 characters"),
        ({"due_on": "2026-11-18"}, "Choose today or a later date."),
        ({"due_on": "soon"}, "Type a date, such as 2026-12-24."),
        ({"due_on": "2026-02-30"}, "Type a date, such as 2026-12-24."),
    ],
)
def test_wrong_title_or_date_is_refused_beside_it(typed, sentence):
    contract = active()
    before = everything_of(contract)

    page = page_of(contract, "new/").press("Save", **{"title": "Poster", "amount": "80"} | typed)

    assert len(page.alerts) == 1
    assert sentence in page.alerts[0]
    assert everything_of(contract) == before


def test_same_form_sent_twice_adds_one():
    contract = active()
    page = page_of(contract, "new/")

    for _ in range(2):
        done = page.press("Save", title="Poster", amount="80")

    assert "Milestone 2 is planned." in done.flash
    assert contract.milestones.count() == 2


def test_same_form_sent_again_with_another_amount_says_so():
    contract = active()
    page = page_of(contract, "new/")
    page.press("Save", title="Poster", amount="80")

    answer = page.press("Save", title="Poster", amount="90", status=409)

    assert "This form was sent before with other values. Open it again." in answer.text
    assert contract.milestones.count() == 2


def test_talent_proposes_and_the_client_answers_from_the_strip():
    contract = active()
    page_of(contract, "propose/", Side.TALENT).press("Propose", title="Poster", amount="80")
    assert state_of(contract, 2) == MilestoneState.PROPOSED

    room = Browser.of(owner_of(contract.client)).open(f"/contracts/{contract.reference}/")
    assert f"{contract.talent.name} proposes milestone 2." in room.text
    done = room.press("Agree")

    assert "You agreed. The milestone is part of the plan." in done.flash
    assert state_of(contract, 2) == MilestoneState.PLANNED


def test_proposal_is_declined_or_taken_back():
    contract = active()
    propose(contract, usd(80))
    Browser.of(owner_of(contract.client)).open(f"/contracts/{contract.reference}/").press("Decline")
    assert state_of(contract, 2) == MilestoneState.DECLINED

    propose(contract, usd(90))
    room = Browser.of(owner_of(contract.talent)).open(f"/contracts/{contract.reference}/")
    room.press("Take the proposal back")
    assert state_of(contract, 3) == MilestoneState.CANCELLED


@pytest.mark.parametrize(("path", "side"), [("new/", Side.CLIENT), ("propose/", Side.TALENT)])
def test_after_the_end_the_form_leads_to_what_happened(path, side):
    contract = active()
    page = page_of(contract, path, side)
    ended(contract, side.other)

    for late in (
        page.browser.open(page.url),
        page.press(page.buttons()[0], title="Poster", amount="80"),
        page.press(page.buttons()[0], title="", amount="x"),
    ):
        assert late.url == f"/contracts/{contract.reference}/"
        assert "ended" in late.flash
    assert contract.milestones.count() == 1


# Plans ------------------------------------------------------------------------------------------


def test_planned_milestone_is_edited():
    contract = active()
    page = page_of(contract, "1/edit/")
    assert page.filled_in("Save")["title"] == "Draft"
    assert page.filled_in("Save")["amount"] == "500.00"

    page.press("Save", title="Sketch", amount="400")

    assert (milestone_of(contract).title, milestone_of(contract).amount) == ("Sketch", usd(400))


def test_active_milestone_is_not_edited():
    contract = funded().contract

    page = page_of(contract, "1/edit/")

    assert page.url == f"/contracts/{contract.reference}/"
    assert page.flash


def test_planned_milestones_are_deleted_and_moved_up():
    contract = active()
    add_milestone(contract, usd(80), "Poster")
    room = Browser.of(owner_of(contract.client)).open(f"/contracts/{contract.reference}/")

    room = room.press("Move up")
    assert [one.title for one in contract.milestones.order_by("number")] == ["Poster", "Draft"]
    room.press("Delete")

    assert contract.milestones.filter(state=MilestoneState.CANCELLED).count() == 1


# Funding ----------------------------------------------------------------------------------------


def test_funding_says_where_the_money_comes_from_and_charges_the_rest():
    client = PartyFactory()
    contract = active(client=client)
    charge(contract.book, usd(120))

    page = page_of(contract, "1/fund/")
    assert page.effects("Where it comes from") == {
        "From your credit": "$120.00",
        "Charged now": "$380.00",
    }
    done = page.press("Fund $500.00", method=sandbox.ACCEPTS)

    assert f"$500.00 is in escrow. {contract.talent.name} can start." in done.flash
    assert money_of(contract)[:2] == ("$500.00", "$0.00")
    assert_audit_clean()


def test_funding_from_credit_alone_asks_for_no_method():
    contract = active()
    charge(contract.book, usd(500))

    page = page_of(contract, "1/fund/")
    assert "Nothing is charged." in page.text
    page.press("Fund $500.00")

    assert state_of(contract) == MilestoneState.FUNDED


def test_quote_that_changed_is_shown_again_before_anything_is_charged():
    contract = active()
    charge(contract.book, usd(500))
    page = page_of(contract, "1/fund/")
    other = planned(usd(400), client=contract.client)
    fund(other)

    asked = page.press("Fund $500.00")

    assert asked.alerts == [
        "The figures have changed since you saw them. Nothing was charged.",
    ]
    assert asked.effects("Where it comes from") == {
        "From your credit": "$100.00 was $500.00",
        "Charged now": "$400.00 was $0.00",
    }
    assert state_of(contract) == MilestoneState.PLANNED
    asked.press("Fund $500.00", method=sandbox.ACCEPTS)
    assert state_of(contract) == MilestoneState.FUNDED


def test_amount_that_a_colleague_changed_is_shown_before_it_is_charged():
    contract = active()
    page = page_of(contract, "1/fund/")
    milestones.revise(
        milestone_of(contract),
        title="Draft",
        amount=usd(600),
        due_on=None,
        by=owner_of(contract.client),
    )

    asked = page.press("Fund $500.00", method=sandbox.ACCEPTS)

    assert asked.effects("Where it comes from") == {"Charged now": "$600.00 was $500.00"}
    assert asked.filled_in("Fund $600.00")["method"] == sandbox.ACCEPTS
    assert not GatewayOperation.objects.exists()
    asked.press("Fund $600.00")
    assert money_of(contract)[0] == "$600.00"


@pytest.mark.parametrize("shown", ["", "0:0:50000", "0:0:50000:x", "0:0:²:0", "nonsense"])
def test_form_without_figures_of_ours_charges_nothing(shown):
    contract = active()

    asked = page_of(contract, "1/fund/").press("Fund $500.00", method=sandbox.ACCEPTS, shown=shown)

    assert asked.effects("Where it comes from") == {"Charged now": "$500.00"}
    assert not GatewayOperation.objects.exists()


def test_declined_charge_is_told_beside_the_method():
    contract = active()

    page = page_of(contract, "1/fund/").press("Fund $500.00", method=sandbox.DECLINES)

    assert len(page.alerts) == 1
    assert page.filled_in("Fund $500.00")["method"] == sandbox.DECLINES
    assert state_of(contract) == MilestoneState.PLANNED
    assert money_of(contract)[0] == "$0.00"


def test_another_method_can_be_tried_at_once_after_a_decline():
    contract = active()
    declined = page_of(contract, "1/fund/").press("Fund $500.00", method=sandbox.DECLINES)

    declined.press("Fund $500.00", method=sandbox.ACCEPTS)

    assert money_of(contract)[0] == "$500.00"
    assert state_of(contract) == MilestoneState.FUNDED


def test_funding_without_a_method_is_refused_beside_it():
    contract = active()

    page = page_of(contract, "1/fund/").press("Fund $500.00")

    assert page.alerts == ["Choose how to pay."]
    assert not GatewayOperation.objects.exists()


def test_charge_without_an_answer_stays_open_and_refuses_a_second():
    contract = active()
    page = page_of(contract, "1/fund/")

    sent = page.press("Fund $500.00", method=sandbox.NEVER_ANSWERS)
    assert "the answer is not in yet" in sent.flash
    assert "A charge is still open" in sent.text
    again = page.press("Fund $500.00", method=sandbox.NEVER_ANSWERS)
    fresh = page_of(contract, "1/fund/")

    assert "the answer is not in yet" in again.flash
    assert funding.CHARGE_IS_OPEN in fresh.flash
    assert GatewayOperation.objects.count() == 1


def test_fund_pressed_twice_charges_once():
    contract = active()
    page = page_of(contract, "1/fund/")

    for _ in range(2):
        done = page.press("Fund $500.00", method=sandbox.ACCEPTS)

    assert "$500.00 is in escrow." in done.flash
    assert GatewayOperation.objects.count() == 1
    assert money_of(contract)[:2] == ("$500.00", "$0.00")


# Submitting and reviewing -----------------------------------------------------------------------


def test_submission_says_when_it_is_released_and_what_is_received():
    contract = funded().contract
    page = page_of(contract, "1/submit/", Side.TALENT)
    assert "within 14 days, $500.00 is released by itself; you receive $450.00" in page.text

    page.press("Submit work", message="Done.", links="https://example.com/a\n\nhttp://b.example")

    submission = Submission.objects.get(milestone__contract=contract)
    assert submission.links == ["https://example.com/a", "http://b.example"]
    assert state_of(contract) == MilestoneState.SUBMITTED


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"message": ""}, "This field is required."),
        ({"message": "x" * 5_001}, "at most 5000 characters"),
        ({"links": "javascript:alert(1)"}, "is no web address"),
        ({"links": "ftp://example.com"}, "is no web address"),
        ({"links": "\n".join(["https://example.com"] * 11)}, "Give at most 10 links."),
    ],
)
def test_wrong_submission_is_refused_and_kept(typed, sentence):
    contract = funded().contract
    given = {"message": "Done.", "links": ""} | typed

    page = page_of(contract, "1/submit/", Side.TALENT).press("Submit work", **given)

    assert sentence in page.alerts[0]
    assert page.filled_in("Submit work")["message"] == given["message"]
    assert not Submission.objects.exists()


def test_unfunded_milestone_has_no_submit():
    contract = active()

    room = Browser.of(owner_of(contract.talent)).open(f"/contracts/{contract.reference}/")
    page = page_of(contract, "1/submit/", Side.TALENT)

    assert "Submit work" not in room.text
    assert page.url == f"/contracts/{contract.reference}/"
    assert page.flash


def test_changes_are_asked_for_with_words():
    contract = submitted().contract
    page = page_of(contract, "1/changes/")

    empty = page.press("Ask for changes", wanted="")
    assert len(empty.alerts) == 1
    assert state_of(contract) == MilestoneState.SUBMITTED
    done = empty.press("Ask for changes", wanted="Larger letters.")

    assert "The automatic release has stopped." in done.flash
    talent = Browser.of(owner_of(contract.talent)).open(f"/contracts/{contract.reference}/")
    assert "Larger letters." in talent.text


def test_review_is_extended_once():
    contract = submitted().contract
    page = page_of(contract, "1/extend/")
    assert "by 7 days" in page.text
    assert "Thursday 10 December 2026, 12:00" in page.text

    page.press("Extend the review", because="Holidays.")
    again = page.browser.open(page.url, status=403)

    assert "extended before" in again.text
    assert milestone_of(contract).review_until == NOON + timedelta(days=21)


def test_submission_is_taken_back():
    contract = submitted().contract
    room = Browser.of(owner_of(contract.talent)).open(f"/contracts/{contract.reference}/")

    room.press("Take back")

    assert state_of(contract) == MilestoneState.FUNDED


# Approve and release ----------------------------------------------------------------------------


def test_whole_milestone_is_released_with_the_figures_shown_at_first():
    contract = submitted().contract
    page = page_of(contract, "1/approve/")
    assert "$500.00" in page.part("#approve-sum")
    assert f"{contract.talent.name} receives, after the fee" in page.text

    done = page.press("Pay now")

    assert f"You released $500.00; {contract.talent.name} receives $450.00" in done.flash
    assert "You have paid a milestone. Is the work done?" in done.text
    assert_audit_clean()


def test_part_is_shown_first_and_then_released():
    contract = submitted().contract

    asked = page_of(contract, "1/approve/").press("Pay now", choice="part", amount="200")
    assert asked.alerts == ["Here is what you release. Confirm it with Pay now."]
    assert "$200.00" in asked.part("#approve-sum")
    assert not Payment.objects.exists()
    asked.press("Pay now")

    assert Payment.objects.get().gross == usd(200)
    assert money_of(contract)[0] == "$300.00"


def test_enter_in_the_amount_updates_figures_and_pays_nothing():
    contract = submitted().contract
    page = page_of(contract, "1/approve/")

    updated = page.press_enter("Pay now", choice="part", amount="200")

    assert "$200.00" in updated.part("#approve-sum")
    assert "$180.00" in updated.part("#approve-figures")
    assert not Payment.objects.exists()


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"choice": "part", "amount": ""}, "Type the amount."),
        ({"choice": "part", "amount": "0"}, "Type an amount above zero."),
        ({"choice": "part", "amount": "500.01"}, "At most $500.00, the amount of this milestone"),
        ({"choice": "part", "amount": "1.005"}, "Use at most 2 decimals."),
        ({"choice": "whole", "amount": "200"}, "Leave this empty"),
        ({"choice": "", "amount": ""}, "Choose how much to release."),
        ({"choice": "most", "amount": ""}, "Select a valid choice"),
    ],
)
def test_wrong_release_is_refused_and_pays_nothing(typed, sentence):
    contract = submitted().contract
    before = everything_of(contract)

    page = page_of(contract, "1/approve/").press("Pay now", **typed)

    assert sentence in page.alerts[0]
    assert page.filled_in("Pay now")["amount"] == typed["amount"]
    assert everything_of(contract) == before


def test_part_below_the_minimum_is_refused_beside_it():
    contract = submitted().contract

    page = page_of(contract, "1/approve/").press(
        "Pay now", choice="part", amount="4.99", shown="4.99"
    )

    assert "$5.00" in page.alerts[0]
    assert not Payment.objects.exists()


def test_pay_now_pressed_twice_pays_once():
    contract = submitted().contract
    page = page_of(contract, "1/approve/")

    for _ in range(2):
        done = page.press("Pay now")

    assert "You released $500.00" in done.flash
    assert Payment.objects.count() == 1
    assert_audit_clean()


def test_release_that_came_first_is_told():
    contract = submitted().contract
    page = page_of(contract, "1/approve/")
    approve(milestone_of(contract))

    late = page.press("Pay now")

    assert late.url == f"/contracts/{contract.reference}/"
    assert "no longer open" in late.flash
    assert Payment.objects.count() == 1


def test_automatic_release_that_fell_due_comes_first():
    contract = submitted().contract
    page = page_of(contract, "1/approve/")

    with clock.at(NOON + timedelta(days=14, seconds=1)):
        late = page.press("Pay now", choice="part", amount="5", shown="5.00")

        assert "no longer open" in late.flash
        sweeping.run()
    assert Payment.objects.get().gross == usd(500)


@pytest.mark.parametrize(
    ("answer", "state"), [("Keep it open", "active"), ("End this contract", "active")]
)
def test_question_after_pay_now_stays_until_answered(answer, state):
    contract = submitted().contract
    room = page_of(contract, "1/approve/").press("Pay now")
    assert "End this contract" in room.text

    again = room.browser.open(room.url)
    assert "You have paid a milestone." in again.text
    if answer == "Keep it open":
        kept = again.press(answer)
        assert "The contract stays open." in kept.flash
        assert "You have paid a milestone." not in kept.browser.open(room.url).text
    else:
        assert f"/contracts/{contract.reference}/?end=1" in again.links()
    assert Contract.objects.get(pk=contract.pk).state == state


# Cost -------------------------------------------------------------------------------------------

PAGES = {
    "new/": (active, Side.CLIENT, 6),
    "propose/": (active, Side.TALENT, 5),
    "1/edit/": (active, Side.CLIENT, 5),
    "1/fund/": (active, Side.CLIENT, 10),
    "1/submit/": (funded, Side.TALENT, 5),
    "1/changes/": (submitted, Side.CLIENT, 5),
    "1/extend/": (submitted, Side.CLIENT, 5),
    "1/approve/": (submitted, Side.CLIENT, 5),
}


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("more", [0, 2])
def test_forms_take_as_many_queries_for_one_milestone_as_for_three(path, more):
    make, side, queries = PAGES[path]
    made = make()
    contract = made.contract if isinstance(made, Milestone) else made
    for number in range(more):
        add_milestone(contract, usd(10 + number), f"More {number}")

    url = f"/contracts/{contract.reference}/milestones/{path}"
    assert Browser.of(owner_of(contract.party(side))).count(url) == queries
