"""Give a bonus, ask for one, and what the room and My Jobs say of it, as people use the pages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts import bonuses
from contracts.models import Bonus, BonusRequest, Contract
from contracts.states import BonusRequestState, BonusState, Side
from marketplace import clock
from marketplace.money import Money
from marketplace.states import Role
from payments.gateways import sandbox
from payments.models import GatewayOperation
from tests.factories import (
    NOON,
    PartyFactory,
    active,
    bonus,
    bonus_asked,
    charge,
    ended,
    funded,
    hourly,
    in_review,
    leftover,
    member_of,
    money_of,
    offered,
    owner_of,
    submitted,
    usd,
)
from tests.pages import Browser, Page
from tests.support.asserting import assert_audit_clean, everything_of

pytestmark = pytest.mark.django_db

YEAR = timedelta(days=365)
SECOND = timedelta(seconds=1)


def path_of(contract: Contract, rest: str = "") -> str:
    return f"/contracts/{contract.reference}/bonus/{rest}"


def give_page(contract: Contract, side: Side = Side.CLIENT, *, status: int = 200) -> Page:
    return Browser.of(owner_of(contract.party(side))).open(path_of(contract), status=status)


def ask_page(contract: Contract, side: Side = Side.TALENT, *, status: int = 200) -> Page:
    browser = Browser.of(owner_of(contract.party(side)))
    return browser.open(path_of(contract, "ask/"), status=status)


def room(contract: Contract, side: Side) -> Page:
    return Browser.of(owner_of(contract.party(side))).open(f"/contracts/{contract.reference}/")


def jobs(contract: Contract, side: Side) -> Page:
    return Browser.of(owner_of(contract.party(side))).open("/jobs/?tab=all")


def shown_for(contract: Contract, amount: str) -> Page:
    return give_page(contract).press("Update figures", amount=amount)


def asked(**values) -> BonusRequest:
    return bonus_asked(ended(hourly()), **values)


# Giving ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "held", "link", "leads_to"),
    [
        (leftover, "$300.00", "Add new milestone", "/milestones/new/"),
        (lambda: submitted().contract, "$500.00", "Approve milestone 1", "/1/approve/"),
        (lambda: ended(funded().contract), "$500.00", "Pay from escrow instead", "/escrow-refunds"),
    ],
)
def test_page_says_first_what_is_in_escrow_and_what_else_can_be_done(make, held, link, leads_to):
    page = give_page(make())

    assert f"{held} is in escrow. A bonus is charged separately and does not use it." in page.text
    assert page.text.index("in escrow") < page.text.index("Amount")
    assert link in page.text
    assert any(leads_to in one for one in page.links())


def test_page_without_escrow_does_not_speak_of_it():
    assert "escrow" not in give_page(active()).text


def test_figures_follow_the_amount_and_the_amount_stands_above_the_button():
    contract = active()
    charge(contract.book, usd(20))

    page = shown_for(contract, "50")

    assert page.effects("What will happen") == {
        "From your credit": "$20.00",
        "Charged now": "$30.00",
        f"{contract.talent.name} receives": "$45.00",
    }
    assert "$5.00 fee; available from 24 November 2026" in page.text
    assert page.part("#bonus-sum") == "You give $50.00"
    assert page.buttons()[0] == "Update figures"
    assert not Bonus.objects.exists()


def test_page_without_an_amount_asks_for_one():
    contract = active()

    page = give_page(contract)

    assert page.part("#bonus-sum").startswith("Type an amount to see what is charged")
    assert page.press("Give bonus").alerts == ["Type an amount."]


def test_bonus_is_given_once_its_figures_were_read():
    contract = active()

    unread = give_page(contract).press("Give bonus", amount="50", method=sandbox.ACCEPTS)
    assert unread.alerts == ["Here is what this bonus takes. Confirm it with Give bonus."]
    assert not Bonus.objects.exists()
    done = unread.press("Give bonus", note="Thank you!")

    name = contract.talent.name
    assert done.flash == (
        f"You gave {name} a bonus of $50.00. {name} receives $45.00 after the fee, available from"
        " 24 November 2026."
    )
    assert done.url == f"/contracts/{contract.reference}/"
    given = Bonus.objects.get()
    assert (given.state, given.amount, given.note) == (BonusState.PAID, usd(50), "Thank you!")
    assert_audit_clean()


def test_other_amount_than_the_one_that_was_read_is_shown_first():
    contract = active()
    page = shown_for(contract, "50")

    other = page.press("Give bonus", amount="60", method=sandbox.ACCEPTS)

    assert other.part("#bonus-sum") == "You give $60.00"
    assert not Bonus.objects.exists()


def test_figures_that_changed_meanwhile_say_what_they_were():
    contract = active()
    page = shown_for(contract, "50")
    charge(contract.book, usd(20))

    changed = page.press("Give bonus", method=sandbox.ACCEPTS)

    assert changed.alerts == ["The figures have changed since you saw them. Nothing was charged."]
    assert "was $50.00" in changed.details("What will happen")
    assert money_of(contract)[1:3] == ("$20.00", "$0.00")
    changed.press("Give bonus")
    assert money_of(contract)[1:3] == ("$0.00", "$45.00")


def test_declined_charge_stands_at_the_method_and_another_method_pays():
    contract = active()

    declined = shown_for(contract, "50").press("Give bonus", method=sandbox.DECLINES)

    assert declined.alerts == [sandbox.REFUSED]
    assert money_of(contract) == ("$0.00", "$0.00", "$0.00", "$0.00")
    declined.press("Give bonus", method=sandbox.ACCEPTS)
    assert money_of(contract) == ("$0.00", "$0.00", "$45.00", "$0.00")
    assert_audit_clean()


@pytest.mark.parametrize(
    ("typed", "alert"),
    [
        ({"amount": "0.50"}, "Type at least $1.00."),
        ({"amount": "fifty"}, "Type an amount in figures, such as 25.00."),
        ({"method": ""}, "Choose how to pay."),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_gives_nothing(typed, alert):
    contract = active()
    before = everything_of(contract)
    values = {"method": sandbox.ACCEPTS, **typed}

    page = shown_for(contract, "50").press("Give bonus", **values)

    assert page.alerts == [alert]
    assert everything_of(contract) == before


def test_credit_that_suffices_needs_no_method():
    contract = active()
    charge(contract.book, usd(80))

    page = shown_for(contract, "50")

    assert "You have $80.00 credit, which pays first." in page.text
    assert "when something is charged" in page.text
    assert "You gave" in page.press("Give bonus").flash
    assert not GatewayOperation.objects.exists()


def test_charge_without_an_answer_is_told_and_refuses_a_second():
    contract = active()

    page = shown_for(contract, "50").press("Give bonus", method=sandbox.TIMES_OUT)

    assert page.flash == "Your charge was sent, and the answer is not in yet. You will be told."
    assert "A charge for this contract is still open." in give_page(contract).flash


def test_page_closes_365_days_after_the_end_to_the_second():
    contract = ended(active())

    with clock.at(NOON + YEAR):
        assert "until Friday 19 November 2027, 12:00 (UTC)" in give_page(contract).text
    with clock.at(NOON + YEAR + SECOND):
        late = give_page(contract)
    assert late.flash == "A bonus is possible until 365 days after the end. That is over."
    assert late.url == f"/contracts/{contract.reference}/"


def test_others_do_not_give_a_bonus():
    contract = active()

    assert "can do this" in give_page(contract, Side.TALENT, status=403).text
    member = Browser.of(member_of(contract.client, Role.MEMBER))
    member.open(path_of(contract), status=404)
    Browser.of(owner_of(PartyFactory())).open(path_of(contract), status=404)
    assert give_page(offered()).url.endswith("/offer/")


def test_page_takes_few_queries():
    contract = leftover()

    assert Browser.of(owner_of(contract.client)).count(path_of(contract)) <= 12


# Answering ---------------------------------------------------------------------------------------


def test_page_of_a_request_names_time_reason_and_amount():
    request = asked()
    contract = request.contract

    page = give_page(contract)

    name = contract.talent.name
    assert f"{name} asks for $60.00: 1 h that was not recorded." in page.text
    assert "The call on Friday." in page.text
    assert page.filled_in("Give bonus")["amount"] == "60.00"
    assert page.part("#bonus-sum") == "You give $60.00"


def test_client_gives_what_was_asked_for_or_another_amount():
    request = asked()

    page = give_page(request.contract).press("Update figures", amount="45")
    page.press("Give bonus", method=sandbox.ACCEPTS)

    given = Bonus.objects.get()
    assert (given.request, given.amount) == (request, usd(45))
    request.refresh_from_db()
    assert request.state == BonusRequestState.GRANTED


def test_request_that_was_taken_back_meanwhile_is_a_quiet_answer():
    request = asked()
    contract = request.contract
    page = give_page(contract)
    bonuses.withdraw_request(request, by=owner_of(contract.talent))

    late = page.press("Give bonus", method=sandbox.ACCEPTS)

    assert late.flash == f"{contract.talent.name} took this request back."
    assert not Bonus.objects.exists()


@pytest.mark.parametrize("because", ["", "It was agreed so."])
def test_client_declines_on_the_same_page(because):
    request = asked()
    contract = request.contract

    done = give_page(contract).press("Decline the request", because=because)

    name = contract.talent.name
    assert done.flash == f"You declined the bonus. {name} is told; nothing is charged."
    request.refresh_from_db()
    assert (request.state, request.declined_because) == (BonusRequestState.DECLINED, because)


def test_decline_that_is_too_long_changes_nothing():
    request = asked()

    done = give_page(request.contract).press("Decline the request", because="x" * 2_001)

    request.refresh_from_db()
    assert request.is_waiting
    assert "at most" in done.flash


def test_talent_takes_its_request_back_in_the_room():
    request = asked()
    contract = request.contract

    page = room(contract, Side.TALENT)
    assert "You asked for a bonus of $60.00 for time that was not recorded." in page.text
    done = page.press("Take the request back")

    assert done.flash == f"You took your request back. {contract.client.name} is told."
    request.refresh_from_db()
    assert request.state == BonusRequestState.WITHDRAWN
    assert "Ask for a bonus for unrecorded time" in done.part("#still-possible")


def test_requests_of_others_are_not_found():
    request = asked()
    contract = request.contract
    stranger = Browser.of(owner_of(PartyFactory()))

    for verb in ("decline", "withdraw"):
        stranger.send(path_of(contract, f"requests/{request.pk}/{verb}/"), status=404)
    request.refresh_from_db()
    assert request.is_waiting


# Asking ------------------------------------------------------------------------------------------


def test_amount_follows_rate_and_time_and_may_be_changed():
    contract = ended(hourly())

    page = ask_page(contract).press("Update figures", hours="1", minutes="30")
    assert page.part("#ask-sum") == "You ask for $90.00"
    assert "1 h 30 min at $60.00 an hour" in page.text
    other = page.press("Update figures", amount="80")

    assert other.part("#ask-sum") == "You ask for $80.00"
    assert "$72.00" in other.text
    assert not BonusRequest.objects.exists()


def test_request_is_sent_once_its_amount_was_read():
    contract = ended(hourly())
    name = contract.client.name

    page = ask_page(contract)
    assert f"{name} decides, and may leave it." in page.text
    unread = page.press("Ask for a bonus", minutes="30", reason="A call.")
    assert unread.alerts == ["Here is what you ask for. Send it with Ask for a bonus."]
    done = unread.press("Ask for a bonus")

    assert done.flash == (
        f"You asked for a bonus of $30.00. {name} decides, and may leave it. You will be told."
    )
    request = BonusRequest.objects.get()
    assert (request.minutes, request.amount, request.reason) == (30, usd(30), "A call.")


@pytest.mark.parametrize(
    ("typed", "alert"),
    [
        ({"hours": "", "minutes": "0"}, "Type how much time it was."),
        ({"hours": "1.5"}, "Type whole hours, at most 168."),
        ({"hours": "168", "minutes": "10"}, "Ask for at most 168 hours at once."),
        ({"amount": "0.10"}, "Type at least $1.00."),
        ({"reason": ""}, "Say why this time is not in the Work Diary."),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_asks_nothing(typed, alert):
    contract = ended(hourly())
    values = {"hours": "1", "minutes": "0", "reason": "A call.", **typed}

    page = ask_page(contract).press("Ask for a bonus", **values)
    if alert.startswith("Ask for"):
        page = page.press("Ask for a bonus")

    assert page.alerts == [alert]
    assert not BonusRequest.objects.exists()


def test_second_request_waits_for_the_first():
    contract = asked().contract

    assert "You have asked for a bonus already" in ask_page(contract).flash


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (hourly, "The Work Diary is open: add the missing time there."),
        (active, "Only hourly contracts have a Work Diary."),
    ],
)
def test_contract_that_takes_no_request_says_so_in_the_room(make, sentence):
    assert sentence in ask_page(make()).flash


def test_client_does_not_ask():
    assert "can do this" in ask_page(ended(hourly()), Side.CLIENT, status=403).text


# Elsewhere ---------------------------------------------------------------------------------------


def test_request_waits_for_the_client_in_my_jobs_and_in_the_room():
    contract = asked().contract
    name = contract.talent.name

    assert "Answer about a bonus of $60.00" in jobs(contract, Side.CLIENT).text
    assert f"{name} asks for a bonus of $60.00." in room(contract, Side.CLIENT).text
    assert "bonus of $60.00." not in jobs(contract, Side.TALENT).text


def test_what_can_still_be_disputed_comes_before_a_request():
    contract = ended(in_review().contract, Side.TALENT)
    bonus_asked(contract)

    assert "Answer about a bonus" not in jobs(contract, Side.CLIENT).text


def test_room_tells_of_bonuses_in_the_bar_the_timeline_and_where_money_is():
    contract = ended(hourly())
    bonus(contract)

    client, talent = (room(contract, side) for side in Side)

    assert "Paid $50.00" in client.text
    assert "You gave a bonus $50.00" in client.text
    assert f"{contract.client.name} gave a bonus $50.00" in talent.text
    assert "$45.00 Bonus, to you" in talent.text
    assert f"$50.00 Bonus, to {contract.talent.name}" in client.text
    assert "added" not in client.part(".timeline")


def test_timeline_tells_of_requests():
    request = asked()
    contract = request.contract
    bonuses.decline_request(request, because="", by=owner_of(contract.client))

    page = room(contract, Side.TALENT)

    assert "You asked for a bonus for unrecorded time" in page.text
    assert f"{contract.client.name} declined the bonus that was asked for" in page.text


def test_payments_pages_tell_of_bonuses():
    contract = active()
    bonus(contract)

    client = Browser.of(owner_of(contract.client))
    talent = Browser.of(owner_of(contract.talent))
    assert f"Bonus to {contract.talent.name}" in client.open("/payments/").text
    assert f"Bonus from {contract.client.name}" in talent.open("/payments/").text
    assert "$50.00 less $5.00 fee" in talent.open("/payments/").text
    tab = talent.open(f"/contracts/{contract.reference}/payments/")
    assert "Bonus" in tab.text


def test_end_page_leads_to_a_bonus_for_more_than_escrow():
    contract = leftover()

    page = Browser.of(owner_of(contract.client)).open(f"/contracts/{contract.reference}/end/")

    assert "At most $300.00 is in escrow; to pay more, give a bonus." in page.text
    assert path_of(contract) in page.links()


def test_amount_in_another_currency_is_that_of_the_contract():
    contract = active(Money(50_000, "EUR"))

    page = shown_for(contract, "50")

    assert page.part("#bonus-sum") == "You give €50.00"
