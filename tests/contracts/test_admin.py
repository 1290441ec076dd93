"""Support ends and pauses contracts for a side as that side would, and sees all of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry

from contracts import hours_disputes, messages, milestones, timers
from contracts.models import Contract, Week
from contracts.states import ContractState, Side, WeekState
from marketplace import clock, policy, sweeping
from marketplace.models import Notice
from payments import payouts
from payments.gateways import sandbox
from payments.models import Entry, EscrowRefundRequest
from payments.states import EntryKind, RequestState
from tests import desk
from tests.factories import (
    NOON,
    FreelancerFactory,
    PartyFactory,
    active,
    add_milestone,
    approve,
    ended,
    fund,
    funded,
    hourly,
    in_review,
    money_of,
    offered,
    owner_of,
    planned,
    recorded,
    submitted,
    usd,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser():
    return desk.signed_in(desk.support(name="Sam Cole"))


def now(contract: Contract) -> Contract:
    return Contract.objects.get(pk=contract.pk)


def terms(answer) -> list[tuple[str, str]]:
    return [(one.term, str(one.value)) for one in answer.context["effects"]]


# Ending for a side -------------------------------------------------------------------------------


def test_end_for_the_talent_shows_what_will_happen_and_ends_nothing_yet(browser):
    contract = funded(usd(500)).contract

    shown = browser.post(desk.action(contract, "end-talent"), {"reason": "They are ill."})

    assert terms(shown) == [
        ("The contract ends", f"for {contract.talent.name}, for good"),
        (f"Goes back from escrow to {contract.client.name}, at once", "$500.00"),
        ("Cancelled", "1. Draft"),
        ("Feedback", "opens for both for 14 days"),
        ("Both sides read", "They are ill."),
    ]
    assert now(contract).is_active
    assert money_of(contract) == ("$500.00", "$0.00", "$0.00", "$0.00")


def test_end_for_the_talent_returns_escrow_at_once(browser):
    contract = funded(usd(500)).contract

    answer = desk.confirm(browser, desk.action(contract, "end-talent"))

    assert answer.url == desk.page(contract)
    after = now(contract)
    assert (after.state, after.ended_side, after.end_note) == ("ended", "talent", desk.REASON)
    assert money_of(contract) == ("$0.00", "$500.00", "$0.00", "$0.00")
    assert not EscrowRefundRequest.objects.exists()
    assert after.history.get(transition="end").actor_staff.name == "Sam Cole"
    assert desk.logged(contract) == (
        f"End for the talent. Reason: {desk.REASON}"
        " Before: active, $500.00 in escrow. After: ended, $0.00 in escrow."
    )


def test_both_sides_are_told_the_reason(browser):
    contract = funded(usd(500)).contract

    desk.confirm(browser, desk.action(contract, "end-talent"), reason="They are ill.")

    told = Notice.objects.filter(kind="contracts.contract_ended").order_by("pk")
    assert {one.party for one in told} == {contract.client, contract.talent}
    assert {one.facts["note"] for one in told} == {"They are ill."}


def test_end_for_the_client_pays_nothing_and_files_the_request(browser):
    contract = funded(usd(500)).contract

    shown = browser.post(desk.action(contract, "end-client"), {"reason": desk.REASON})
    desk.confirm(browser, desk.action(contract, "end-client"))

    asked = f"{contract.talent.name} is asked to let it go back from escrow"
    assert terms(shown)[1] == (asked, "$500.00")
    request = EscrowRefundRequest.objects.get(book=contract.book_id)
    assert (request.amount, request.state) == (usd(500), RequestState.PENDING)
    assert money_of(contract) == ("$500.00", "$0.00", "$0.00", "$0.00")
    assert now(contract).ended_side == Side.CLIENT
    assert not Entry.objects.filter(book=contract.book_id, kind=EntryKind.RELEASE).exists()


def test_end_names_an_open_charge(browser):
    milestone = fund(planned(usd(500)), sandbox.NEVER_ANSWERS)
    contract = milestone.contract

    shown = browser.post(desk.action(contract, "end-client"), {"reason": desk.REASON})

    assert ("A charge is still open", "$500.00") in terms(shown)


@pytest.mark.parametrize("side", ["client", "talent"])
def test_end_of_an_hourly_contract_locks_the_diary_and_bills_as_usual(browser, side):
    with clock.at(NOON - timedelta(hours=4)):
        contract = hourly()
    recorded(contract, NOON - timedelta(hours=3), 90)

    shown = browser.post(desk.action(contract, f"end-{side}"), {"reason": desk.REASON})
    desk.confirm(browser, desk.action(contract, f"end-{side}"))

    assert terms(shown)[1:3] == [
        ("The Work Diary", "locks at once, for good"),
        (
            f"Billed to {contract.client.name} for the week of 16 November 2026",
            "1 h 30 min, $90.00",
        ),
    ]
    assert now(contract).ended_side == side
    assert contract.weeks.get().state == WeekState.LOCKED
    assert "Before: active, 1 h 30 min not billed yet." in desk.logged(contract)


def test_end_of_an_hourly_contract_names_timers_invoices_and_disputes(browser):
    with clock.at(NOON - timedelta(days=7)):
        contract = hourly()
    with clock.at(NOON - timedelta(days=6)):
        recorded(contract, NOON - timedelta(days=7), 90)
    sweeping.run(as_of=NOON - timedelta(days=3))
    (segment, *_) = hours_disputes.billed_segments(contract.weeks.get())
    hours_disputes.file(
        contract.weeks.get(),
        segments=[(segment[0].pk, segment[1])],
        reason="Nobody worked then.",
        key="",
        by=owner_of(contract.client),
    )
    timers.start(contract, by=owner_of(contract.talent))

    shown = browser.post(desk.action(contract, "end-client"), {"reason": desk.REASON})

    rows = dict(terms(shown))
    assert rows["Running timers stop"] == "1"
    assert rows["Invoice of the week of 9 November 2026"] == "$90.00"
    assert rows["Dispute of the week of 9 November 2026"] == "10 min, goes on"


def test_end_refuses_figures_that_have_changed(browser):
    contract = funded(usd(500)).contract
    url = desk.action(contract, "end-talent")
    seen = browser.post(url, {"reason": desk.REASON}).context["seen"]
    add_milestone(contract, usd(50))

    answer = browser.post(url, {"reason": desk.REASON, "seen": seen, "confirm": "1"})

    assert answer.status_code == 409
    assert "The figures have changed since you saw them." in answer.content.decode()
    assert desk.REASON in answer.content.decode()
    assert now(contract).is_active
    assert not LogEntry.objects.exists()


def test_end_without_figures_seen_ends_nothing(browser):
    contract = funded(usd(500)).contract

    answer = browser.post(desk.action(contract, "end-talent"), {"reason": "x", "confirm": "1"})

    assert answer.status_code == 409
    assert now(contract).is_active


@pytest.mark.parametrize("side", ["end-client", "end-talent"])
def test_end_without_a_reason_ends_nothing(browser, side):
    contract = funded(usd(500)).contract

    answer = desk_post(browser, contract, side, reason=" ")

    assert "Give the reason." in answer.content.decode()
    assert now(contract).is_active
    assert money_of(contract) == ("$500.00", "$0.00", "$0.00", "$0.00")
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("side", ["end-client", "end-talent"])
def test_end_without_its_permission_is_forbidden(side):
    contract = funded(usd(500)).contract
    others = ("contracts.view_contract", "feedback.extend_window", "marketplace.run_audit")

    answer = desk_post(desk.signed_in(desk.staff_with(*others)), contract, side)

    assert answer.status_code == 403
    assert now(contract).is_active
    assert money_of(contract) == ("$500.00", "$0.00", "$0.00", "$0.00")


def desk_post(browser, contract, name, **given):
    return browser.post(desk.action(contract, name), {"reason": "x", "confirm": "1", **given})


def test_ended_contract_says_so_and_ends_once(browser):
    contract = ended(funded(usd(500)).contract, Side.TALENT)

    page = browser.get(desk.action(contract, "end-client"))
    again = desk_post(browser, contract, "end-client")

    assert "no longer possible" in page.content.decode()
    assert again.status_code == 409
    assert now(contract).ended_side == Side.TALENT
    assert money_of(contract) == ("$0.00", "$500.00", "$0.00", "$0.00")


def test_offer_is_not_ended(browser):
    contract = offered()

    assert desk_post(browser, contract, "end-client").status_code == 409
    assert now(contract).state == ContractState.OFFERED


# Pausing for the client --------------------------------------------------------------------------


def test_pause_and_restart_for_the_client_are_told_to_both_with_the_reason(browser):
    contract = hourly()

    shown = browser.post(desk.action(contract, "pause"), {"reason": "They are ill."})
    assert terms(shown) == [
        ("The contract pauses", f"for {contract.client.name}"),
        ("Both sides read", "They are ill."),
    ]
    assert now(contract).is_active
    desk.confirm(browser, desk.action(contract, "pause"), reason="They are ill.")

    assert now(contract).is_paused
    told = Notice.objects.filter(kind="contracts.contract_paused")
    assert {one.party for one in told} == {contract.client, contract.talent}
    assert {one.facts["reason"] for one in told} == {"They are ill."}
    assert desk.logged(contract) == (
        "Pause for the client. Reason: They are ill. Before: active. After: paused."
    )
    desk.confirm(browser, desk.action(contract, "restart"))
    assert now(contract).is_active


@pytest.mark.parametrize("name", ["pause", "restart"])
def test_pause_without_its_permission_is_forbidden(name):
    contract = hourly()
    others = ("contracts.view_contract", "contracts.end_contract")

    answer = desk_post(desk.signed_in(desk.staff_with(*others)), contract, name)

    assert answer.status_code == 403
    assert now(contract).is_active


@pytest.mark.parametrize(
    ("make", "name", "status"),
    [
        (active, "pause", 403),
        (hourly, "restart", 409),
        (lambda: ended(hourly()), "pause", 409),
    ],
)
def test_pause_and_restart_out_of_turn_change_nothing(browser, make, name, status):
    contract = make()
    before = now(contract).state

    assert desk_post(browser, contract, name).status_code == status
    assert now(contract).state == before
    assert not LogEntry.objects.exists()


def test_page_of_an_hourly_contract_shows_terms_weeks_and_people(browser):
    week = in_review()
    contract = week.contract

    page = browser.get(desk.page(contract)).content.decode()

    assert "$60.00 an hour, manual time allowed" in page
    assert desk.page(week) in page
    for words in ("9 November 2026", "$120.00", "20 h", owner_of(contract.talent).user.name):
        assert words in page, words
    assert "Design" in browser.get(desk.page(week)).content.decode()


def test_contracts_on_hold_and_weeks_in_review_have_their_lists(browser):
    unpaid = in_review(method=sandbox.DECLINES)
    paid = in_review()

    reviewed = browser.get(desk.rows(Week), {"queue": "review"}).context["cl"].result_list
    held = browser.get(desk.rows(Contract), {"queue": "hold"}).context["cl"].result_list

    assert set(reviewed) == {unpaid, paid}
    assert list(held) == [unpaid.contract]


# The contract's page and list --------------------------------------------------------------------


def test_page_shows_everything_of_a_contract(browser):
    milestone = submitted(usd(500), description="Two pages and a logo.")
    contract = milestone.contract
    messages.write(contract, text="When?", key="", by=owner_of(contract.client))
    milestones.ask_for_changes(milestone, wanted="Larger.", by=owner_of(contract.client))

    page = browser.get(desk.page(contract)).content.decode()

    for words in (
        contract.reference,
        contract.title,
        "Two pages and a logo.",
        contract.client.name,
        contract.talent.name,
        "1. Draft",
        "Changes requested",
        "Here it is.",
        "When?",
        "$500.00",
        "ask_for_changes",
        "End for the client",
        "End for the talent",
    ):
        assert words in page, words


def test_page_shows_what_the_bank_took_back(browser):
    milestone = planned(usd(500))
    fund(milestone, sandbox.DISPUTED)
    sweeping.run(as_of=clock.now() + sandbox.DISPUTED_AFTER)

    page = browser.get(desk.page(milestone.contract)).content.decode()

    assert "Chargebacks" in page
    assert "The bank has not decided" in page


def test_page_of_a_withdrawal_leads_to_no_contract(browser):
    earned = approve(submitted(usd(500)))
    sweeping.run(as_of=clock.now() + policy.SECURITY_PERIOD + timedelta(minutes=1))
    talent = earned.book.talent
    withdrawal = payouts.withdraw(
        talent, amount=usd(100), destination=sandbox.RECEIVES, key="", by=owner_of(talent)
    )

    page = browser.get(desk.page(withdrawal)).content.decode()

    assert "A withdrawal is of no contract." in page
    assert "$100.00" in page


def test_page_takes_as_many_queries_for_three_milestones(browser, django_assert_num_queries):
    contract = funded(usd(500)).contract
    browser.get(desk.page(contract))

    with django_assert_num_queries(PAGE_QUERIES):
        browser.get(desk.page(contract))
    for title in ("Second", "Third"):
        add_milestone(contract, usd(50), title)
        messages.write(contract, text=title, key="", by=owner_of(contract.client))
    with django_assert_num_queries(PAGE_QUERIES):
        browser.get(desk.page(contract))


PAGE_QUERIES = 23


def test_payment_leads_back_to_the_contract(browser):
    payment = approve(funded(usd(500)))
    contract = payment.milestone.contract

    page = browser.get(desk.page(payment)).content.decode()

    assert f'<a href="{desk.page(contract)}">The contract</a>' in page


def test_contracts_are_found_by_what_support_is_told(browser):
    client, talent = PartyFactory(name="Ölwerk North"), FreelancerFactory(name="Bell & Sons")
    contract = active(client=client, talent=talent, title="Landing page redesign")
    active(title="Page landing")
    address = talent.memberships.get().user.email

    for term in (
        contract.reference.lower(),
        "landing PAGE",
        "bell & s",
        address,
        "Ölwerk",
    ):
        found = browser.get(desk.rows(Contract), {"q": term}).context["cl"].result_list
        assert list(found) == [contract], term


def test_contracts_are_listed_by_state(browser):
    offer = offered()
    active()

    found = browser.get(desk.rows(Contract), {"queue": "offered"}).context["cl"].result_list

    assert list(found) == [offer]
