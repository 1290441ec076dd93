"""Making an offer, its page for both sides, and starting again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts import assignments
from contracts.models import Contract
from contracts.states import ContractState, MilestoneState, Side
from marketplace import clock, sweeping
from marketplace.models import Notice, Party
from marketplace.states import Role
from payments.gateways import sandbox
from payments.models import GatewayOperation
from tests.factories import (
    NOON,
    AgencyFactory,
    FreelancerFactory,
    MembershipFactory,
    PartyFactory,
    active,
    add_milestone,
    ended,
    funded,
    hourly,
    hourly_offer,
    member_of,
    money_of,
    offered,
    owner_of,
    usd,
)
from tests.pages import Browser, Page
from tests.support.asserting import assert_audit_clean

pytestmark = pytest.mark.django_db

TERMS = {
    "email": "ada@example.com",
    "title": "Poster",
    "description": "For spring.",
    "milestone": "Draft",
    "amount": "80",
    "fund": "later",
}


def new_page(client: Party, asked: str = "") -> Page:
    return Browser.of(owner_of(client)).open(f"/jobs/new/{asked}")


def offer_page(contract: Contract, side: Side) -> Page:
    browser = Browser.of(owner_of(contract.party(side)))
    return browser.open(f"/contracts/{contract.reference}/")


def state_of(contract: Contract) -> str:
    return str(Contract.objects.get(pk=contract.pk).state)


# Making one -------------------------------------------------------------------------------------


def test_offer_by_email_waits_for_whoever_owns_the_address():
    page = new_page(PartyFactory())
    assert "waits 7 days for an answer" in page.text

    done = page.press("Send offer", **TERMS)

    contract = Contract.objects.get()
    assert done.url == f"/contracts/{contract.reference}/offer/"
    assert "The offer is on its way to ada@example.com." in done.flash
    assert contract.talent.invited_email == "ada@example.com"
    assert contract.milestones.get().amount == usd(80)


def test_offer_funded_at_once_is_in_escrow():
    page = new_page(PartyFactory())

    done = page.press("Send offer", **TERMS | {"fund": "now", "method": sandbox.ACCEPTS})

    assert "Its first milestone is in escrow." in done.flash
    assert "The first milestone is funded: its money is in escrow." in done.text
    assert_audit_clean()


@pytest.mark.parametrize(
    ("method", "words"),
    [
        (sandbox.DECLINES, "Nothing is in escrow yet."),
        (sandbox.NEVER_ANSWERS, "A charge of $80.00 is still being confirmed"),
    ],
)
def test_offer_whose_charge_does_not_succeed_says_where_it_stands(method, words):
    done = new_page(PartyFactory()).press("Send offer", **TERMS | {"fund": "now", "method": method})

    assert "is in escrow." not in done.flash
    assert words in done.text
    assert state_of(Contract.objects.get()) == ContractState.OFFERED


def test_earlier_partner_is_chosen_by_name():
    contract = active()
    page = new_page(contract.client)
    assert contract.talent.name in page.text

    page.press("Send offer", **TERMS | {"email": "", "talent": str(contract.talent_id)})

    assert Contract.objects.latest("pk").talent == contract.talent


def test_partner_and_address_together_are_asked_about_at_the_address():
    contract = active()

    page = new_page(contract.client).press(
        "Send offer", **TERMS | {"talent": str(contract.talent_id)}
    )

    assert page.alerts == ["Leave this empty, or choose somebody else, by e-mail."]
    assert Contract.objects.count() == 1


def test_nobody_chosen_is_refused_at_the_choice():
    page = new_page(active().client).press("Send offer", **TERMS | {"email": ""})

    assert len(page.alerts) == 1
    assert Contract.objects.count() == 1


def test_link_of_a_talent_addresses_the_offer():
    talent = FreelancerFactory()
    owner_of(talent)

    page = new_page(PartyFactory(), f"?to={talent.slug}")
    assert page.filled_in("Send offer")["talent"] == str(talent.pk)
    page.press("Send offer", **TERMS | {"email": ""})

    assert Contract.objects.get().talent == talent


@pytest.mark.parametrize("asked", ["?to=nobody", "?to=%00", "?to=a b", "?to={client}"])
def test_link_that_leads_to_no_talent_is_an_empty_form(asked):
    client = PartyFactory()

    page = new_page(client, asked.format(client=PartyFactory().slug))

    assert "talent" not in page.filled_in("Send offer")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"email": ""}, "Type the e-mail address of who gets the offer."),
        ({"email": "ada"}, "Enter a valid email address."),
        ({"email": f"{'a' * 250}@example.com"}, "at most 254 characters"),
        ({"title": ""}, "This field is required."),
        ({"title": "x" * 121}, "at most 120 characters"),
        ({"description": "x" * 5_001}, "at most 5000 characters"),
        ({"milestone": ""}, "This field is required."),
        ({"amount": "4.99"}, "at least $5.00"),
        ({"amount": "1,00"}, "Type an amount in figures"),
        ({"due_on": "2026-11-18"}, "Choose today or a later date."),
        ({"fund": ""}, "Choose when the milestone is funded."),
        ({"fund": "now"}, "Choose how to pay."),
        ({"fund": "now", "method": "gold"}, "Select a valid choice"),
        ({"currency": "XTS"}, "Select a valid choice"),
        ({"currency": "EUR", "amount": "4.99"}, "at least €5.00"),
    ],
)
def test_wrong_offer_is_refused_beside_the_field_and_kept(typed, sentence):
    page = new_page(PartyFactory()).press("Send offer", **TERMS | typed)

    assert len(page.alerts) == 1
    assert sentence in page.alerts[0]
    kept = page.filled_in("Send offer")
    assert {name: kept[name] for name in ("title", "description", "amount", "milestone")} == {
        name: (TERMS | typed)[name] for name in ("title", "description", "amount", "milestone")
    }
    assert not Contract.objects.exists()


def test_offer_to_oneself_is_refused_beside_the_address():
    client = PartyFactory()
    MembershipFactory(user=owner_of(client).user, party=FreelancerFactory(name="My own"))
    mine = owner_of(client).user.email

    page = new_page(client).press("Send offer", **TERMS | {"email": mine})

    assert page.alerts == ["You cannot make an offer to My own: one person belongs to both sides."]
    assert not Contract.objects.exists()


def test_same_form_sent_twice_makes_one_offer_and_charges_once():
    page = new_page(PartyFactory())
    typed = TERMS | {"fund": "now", "method": sandbox.ACCEPTS}

    first, second = page.press("Send offer", **typed), page.press("Send offer", **typed)

    assert first.url == second.url
    assert Contract.objects.count() == 1
    assert GatewayOperation.objects.count() == 1


def test_plain_member_reads_why_they_make_no_offers():
    client = PartyFactory(name="North Studio")
    browser = Browser.of(member_of(client, Role.MEMBER))

    page = browser.open("/jobs/new/").press("Send offer", status=403, **TERMS)

    assert "Only an owner or manager of North Studio can make an offer." in page.text
    assert not Contract.objects.exists()


def test_talent_reads_that_clients_make_offers():
    browser = Browser.of(owner_of(FreelancerFactory()))

    assert "Clients make offers" in browser.open("/jobs/new/", status=403).text
    assert (
        "Only a client can make an offer."
        in browser.send("/jobs/new/", TERMS | {"key": "k", "currency": "USD"}, status=403).text
    )


# Answering one ----------------------------------------------------------------------------------


def test_both_sides_read_the_same_terms():
    contract = offered(usd(80), fund_first=True, title="Poster", description="For spring.")

    for side in Side:
        page = offer_page(contract, side)
        assert page.url == f"/contracts/{contract.reference}/offer/"
        assert "Poster" in page.text
        assert "For spring." in page.text
        assert "$80.00" in page.text
        assert "Thursday 26 November 2026, 12:00 (UTC), in 7 days" in page.text
    assert (
        "You receive each payment less the fee of 10 %." in offer_page(contract, Side.TALENT).text
    )


def test_talent_accepts_with_one_click():
    contract = offered(title="Poster")

    room = offer_page(contract, Side.TALENT).press("Accept")

    assert room.url == f"/contracts/{contract.reference}/"
    assert "You accepted. Poster is active now." in room.flash


def test_talent_declines_and_funded_money_is_credit_again():
    contract = offered(usd(80), fund_first=True)

    page = offer_page(contract, Side.TALENT).press("Decline")

    assert f"{contract.client.name} was told." in page.flash
    assert state_of(contract) == ContractState.DECLINED
    assert money_of(contract)[:2] == ("$0.00", "$80.00")


def test_client_withdraws():
    contract = offered()

    offer_page(contract, Side.CLIENT).press("Withdraw")

    assert state_of(contract) == ContractState.WITHDRAWN


@pytest.mark.parametrize(
    ("side", "late", "fast", "state"),
    [
        (Side.TALENT, "Accept", "Withdraw", ContractState.WITHDRAWN),
        (Side.TALENT, "Decline", "Withdraw", ContractState.WITHDRAWN),
        (Side.CLIENT, "Withdraw", "Accept", ContractState.ACTIVE),
        (Side.CLIENT, "Withdraw", "Decline", ContractState.DECLINED),
    ],
)
def test_answer_that_comes_second_is_told_quietly_and_changes_nothing(side, late, fast, state):
    contract = offered()
    page = offer_page(contract, side)
    offer_page(contract, side.other).press(fast)

    answer = page.press(late)

    assert "You " not in answer.flash
    assert state.label.lower() in answer.flash.lower()
    assert state_of(contract) == state


def test_expired_offer_takes_no_answer_whether_or_not_a_sweep_came_by():
    contract = offered(usd(80), fund_first=True)
    page = offer_page(contract, Side.TALENT)

    with clock.at(NOON + timedelta(days=7)):
        shown = offer_page(contract, Side.TALENT)
        assert "This offer expired" in shown.text
        assert "Accept" not in shown.buttons()
        assert page.press("Accept").flash
        sweeping.run()

    assert state_of(contract) == ContractState.EXPIRED
    assert money_of(contract)[:2] == ("$0.00", "$80.00")


def test_manager_withdraws_as_an_owner_does():
    contract = offered()
    manager = Browser.of(member_of(contract.client, Role.MANAGER))

    manager.open(f"/contracts/{contract.reference}/offer/").press("Withdraw")

    assert state_of(contract) == ContractState.WITHDRAWN


# Starting again ---------------------------------------------------------------------------------


def test_starting_again_fills_in_the_terms_and_the_open_milestones():
    milestone = funded(usd(300), title="Poster", description="For spring.")
    contract = milestone.contract
    add_milestone(contract, usd(80), "Print")
    ended(contract, Side.TALENT)

    page = new_page(contract.client, f"?again={contract.reference}")
    kept = page.filled_in("Send offer")
    assert (kept["title"], kept["description"]) == ("Poster", "For spring.")
    assert (kept["milestone"], kept["amount"]) == ("Draft", "300.00")
    assert kept["talent"] == str(contract.talent_id)
    assert "Print ($80.00)" in page.text
    page.press("Send offer", fund="now", method=sandbox.ACCEPTS)

    again = Contract.objects.latest("pk")
    assert again.follows == contract
    assert [one.amount for one in again.milestones.order_by("number")] == [usd(300), usd(80)]
    assert again.milestones.get(number=1).state == MilestoneState.FUNDED
    assert GatewayOperation.objects.count() == 1, "returned credit pays first"
    assert_audit_clean()


def test_starting_again_is_the_clients():
    contract = ended(active())
    talent = Browser.of(owner_of(contract.talent))

    talent.open(f"/jobs/new/?again={contract.reference}", status=403)


@pytest.mark.parametrize("reference", ["C-23456789", "a b", "../x"])
def test_starting_again_of_what_is_not_there_is_not_found(reference):
    Browser.of(owner_of(PartyFactory())).open(f"/jobs/new/?again={reference}", status=404)


def test_starting_again_of_an_active_contract_says_so():
    contract = active()

    page = Browser.of(owner_of(contract.client)).open(
        f"/jobs/new/?again={contract.reference}", status=403
    )

    assert "Starting again is for contracts that have ended." in page.text


# Hourly -----------------------------------------------------------------------------------------

HOURLY = {
    "title": "Pipeline",
    "rate": "60",
    "hours": "20",
    "manual_time": "on",
    "method": sandbox.ACCEPTS,
}


def test_client_chooses_the_kind_and_a_link_keeps_whom_it_named():
    talent = FreelancerFactory()

    fixed = new_page(PartyFactory(), f"?to={talent.slug}")
    assert "First milestone" in fixed.text
    (link,) = [one for one in fixed.links() if "kind=hourly" in one]
    page = fixed.browser.open(f"/jobs/new/{link}")

    assert page.filled_in("Send offer")["talent"] == str(talent.pk)
    assert "First milestone" not in page.text
    assert "Every Monday at 12:00 UTC the hours of the week before are charged" in page.text


def test_hourly_offer_goes_out_and_charges_nothing():
    client, talent = PartyFactory(), FreelancerFactory()

    page = new_page(client, f"?kind=hourly&to={talent.slug}").press("Send offer", **HOURLY)

    contract = Contract.objects.get()
    assert page.url == f"/contracts/{contract.reference}/offer/"
    assert "Nothing is charged before a week with hours is over." in page.flash
    assert (contract.is_hourly, contract.rate, contract.manual_time) == (True, usd(60), True)
    assert (contract.charge_method, contract.talent) == (sandbox.ACCEPTS, talent)
    assert contract.week_limits.get().minutes == 20 * 60
    assert not GatewayOperation.objects.exists()


def test_hourly_offer_by_email_invites():
    page = new_page(PartyFactory(), "?kind=hourly")

    page.press("Send offer", email="new@example.com", **HOURLY)

    assert Contract.objects.get().talent.invited_email == "new@example.com"


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("rate", "", "Type an amount."),
        ("rate", "0.99", "Type at least $1.00."),
        ("rate", "1000.01", "Type at most $1,000.00."),
        ("hours", "0", "Type whole hours from 1 to 168."),
        ("hours", "169", "Type whole hours from 1 to 168."),
        ("hours", "two", "Type whole hours from 1 to 168."),
        ("method", "", "Choose how to pay."),
        ("title", "", "This field is required."),
    ],
)
def test_wrong_hourly_term_is_refused_at_its_field_and_kept(field, typed, sentence):
    page = new_page(PartyFactory(), "?kind=hourly")

    again = page.press("Send offer", email="new@example.com", **(HOURLY | {field: typed}))

    assert again.alerts == [sentence]
    kept = again.filled_in("Send offer")
    assert (kept[field], kept["email"]) == (typed, "new@example.com")
    assert not Contract.objects.exists()


def test_both_sides_read_the_hourly_terms_and_the_talent_what_it_receives():
    contract = hourly_offer(title="Pipeline", manual_time=False)

    client, talent = (offer_page(contract, side).text for side in Side)

    for text in (client, talent):
        assert "hourly" in text
        assert "$60.00 an hour" in text
        assert "20 h" in text
        assert "$1,200.00 at most" in text
        assert "not allowed, the timer only" in text
        assert "escrow" not in text.replace("nothing is held in escrow", "")
    assert "you receive $54.00" in talent
    assert "you receive $1,080.00" in talent
    assert "you receive" not in client


def test_agency_chooses_who_works_when_it_accepts():
    contract = hourly_offer(talent=AgencyFactory())
    member = member_of(contract.talent)
    page = offer_page(contract, Side.TALENT)
    assert [one.attrs["value"] for one in page.dom.query("input[name=works][checked]")] == [
        str(owner_of(contract.talent).membership_id)
    ]

    page.browser.send(
        f"/contracts/{contract.reference}/offer/accept/", {"works": [member.membership_id]}
    )

    assert [one.membership for one in assignments.current(contract)] == [member.membership]
    assert Notice.objects.get(kind="contracts.person_assigned").recipient == member.user


def test_agency_that_chooses_somebody_elses_people_is_told_and_accepts_nothing():
    contract = hourly_offer(talent=AgencyFactory())
    stranger = member_of(AgencyFactory())

    page = offer_page(contract, Side.TALENT).browser.send(
        f"/contracts/{contract.reference}/offer/accept/", {"works": [stranger.membership_id]}
    )

    assert page.alerts == ["Choose people of your team."]
    assert state_of(contract) == ContractState.OFFERED


def test_starting_an_hourly_contract_again_fills_in_its_terms():
    contract = ended(hourly(hours=15, title="Pipeline", manual_time=False))

    page = new_page(contract.client, f"?again={contract.reference}")
    kept = page.filled_in("Send offer")
    assert (kept["title"], kept["rate"], kept["hours"]) == ("Pipeline", "60.00", "15")
    assert "manual_time" not in kept
    assert kept["method"] == sandbox.ACCEPTS
    page.press("Send offer")

    again = Contract.objects.latest("pk")
    assert (again.follows, again.is_hourly, again.rate) == (contract, True, usd(60))
    assert again.week_limits.get().minutes == 15 * 60


# Cost -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [1, 3])
def test_pages_take_as_many_queries_for_one_partner_as_for_three(more):
    client = PartyFactory()
    contracts = [active(client=client) for _ in range(more)]
    waiting = offered(client=client)
    browser = Browser.of(owner_of(client))

    by_hour = hourly_offer(client=client)

    assert browser.count("/jobs/new/") == 5
    assert browser.count("/jobs/new/?kind=hourly") == 5
    assert browser.count(f"/contracts/{by_hour.reference}/offer/") == 5
    assert browser.count(f"/contracts/{waiting.reference}/offer/") == 6
    assert browser.count(f"/jobs/new/?again={ended(contracts[0]).reference}") == 8
