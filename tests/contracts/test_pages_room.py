"""The contract room: where it stands, where the money is, what waits, and what has happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contracts import hours_disputes, messages, terms, timers
from contracts.models import Assignment, Contract, Message, Week
from contracts.states import ChecklistCode, EndReason, ItemState, Side
from feedback import giving
from marketplace import clock, sweeping
from marketplace.actors import Actor
from marketplace.states import Role
from payments import refunds
from payments.gateways import sandbox
from payments.models import Payment
from tests.factories import (
    NOON,
    MembershipFactory,
    StaffFactory,
    active,
    add_milestone,
    approve,
    ended,
    fund,
    funded,
    hourly,
    in_review,
    leftover,
    member_of,
    milestone_of,
    offered,
    owner_of,
    planned,
    propose,
    recorded,
    submitted,
    usd,
)
from tests.pages import Browser, Page

pytestmark = pytest.mark.django_db


def room_of(contract: Contract, side: Side = Side.CLIENT, path: str = "") -> Page:
    browser = Browser.of(owner_of(contract.party(side)))
    return browser.open(f"/contracts/{contract.reference}/{path}")


def bar(page: Page) -> str:
    return page.part(".legend")


# Overview ---------------------------------------------------------------------------------------


def test_header_says_state_other_party_and_reference():
    contract = active(title="Poster")

    for side in Side:
        text = room_of(contract, side).text
        assert "Poster Active" in text
        assert f"with {contract.party(side.other).name} · fixed price" in text
        assert contract.reference in text


def test_money_bar_leaves_out_what_is_zero():
    milestone = funded(usd(500))
    add_milestone(milestone.contract, usd(150))
    assert bar(room_of(milestone.contract)) == "In escrow $500.00 Planned, not funded $150.00"

    payment = approve(milestone, usd(200))
    refunds.give(payment, amount=usd(50), reason="", key="", by=owner_of(milestone.contract.talent))

    legend = bar(room_of(milestone.contract))
    assert "Paid $150.00" in legend
    assert "In escrow $300.00" in legend
    assert "Refunded $50.00" in legend
    assert "Returned" not in legend


def test_only_the_client_has_the_button_and_both_have_the_menu():
    contract = active()

    assert "End contract" in _end_buttons(room_of(contract))
    talent = room_of(contract, Side.TALENT)
    assert len(_end_buttons(talent)) == 1
    assert len(_end_buttons(room_of(contract))) == 2
    assert talent.dom.query('button[aria-label="More options"]')


def _end_buttons(page: Page) -> list[str]:
    opening = page.dom.query("button[command=show-modal]")
    return [" ".join(one.to_text().split()) for one in opening]


def test_offer_and_what_never_became_a_contract_lead_to_the_offer():
    contract = offered()

    for path in ("", "payments/", "end/", "feedback/", "milestones/new/"):
        page = room_of(contract, Side.CLIENT, path)
        assert page.url == f"/contracts/{contract.reference}/offer/"


def test_message_is_written_and_read_by_the_other_side():
    contract = active()
    page = room_of(contract)

    done = page.press("Send", text="See you\non Monday & <b>bring</b> tea")

    assert "Your message was sent." in done.flash
    other = room_of(contract, Side.TALENT)
    assert "bring</b>" in other.text
    assert "<b>bring" not in other.html
    assert contract.client.name in other.part("#messages")


@pytest.mark.parametrize(("text", "sentence"), [("", "required"), ("x" * 5_001, "at most 5000")])
def test_wrong_message_is_refused_and_kept(text, sentence):
    contract = active()

    page = room_of(contract).press("Send", text=text)

    assert sentence in " ".join(page.alerts)
    assert page.filled_in("Send")["text"] == text
    assert not Message.objects.exists()


def test_message_sent_twice_is_one():
    contract = active()
    page = room_of(contract)

    for _ in range(2):
        page.press("Send", text="Hello")

    assert Message.objects.count() == 1


def test_timeline_tells_both_sides_the_same_newest_first():
    contract = offered(fund_first=True)
    for minute, does in enumerate(
        (
            lambda: room_of(contract, Side.TALENT).press("Accept"),
            lambda: room_of(contract, Side.TALENT, "milestones/1/submit/").press(
                "Submit work", message="Here it is."
            ),
            lambda: messages.write(contract, text="Nice!", key="", by=owner_of(contract.client)),
            lambda: approve(milestone_of(contract)),
            lambda: ended(contract, Side.TALENT),
        ),
        start=1,
    ):
        with clock.at(NOON + timedelta(minutes=minute)):
            does()

    with clock.at(NOON + timedelta(hours=1)):
        for side in Side:
            client = "You" if side is Side.CLIENT else contract.client.name
            talent = "You" if side is Side.TALENT else contract.talent.name
            told = room_of(contract, side).part("#messages")
            order = [
                f"{talent} ended the contract",
                f"{client} released $500.00",
                "Nice!",
                f"{talent} submitted milestone 1",
                f"{talent} accepted the offer",
                f"{client} put into escrow $500.00",
                f"{client} sent the offer",
            ]
            assert [told.index(one) for one in order] == sorted(told.index(one) for one in order)


def test_automatic_release_is_named_as_such():
    contract = submitted().contract
    with clock.at(NOON + timedelta(days=15)):
        ended(contract)

        assert "Released automatically $500.00" in room_of(contract).part("#messages")


def test_timeline_never_tells_of_sealed_feedback():
    contract = ended(active())
    before = room_of(contract, Side.TALENT).part("#messages")
    giving.give(contract, stars=5, text="Well done.", by=owner_of(contract.client))

    assert room_of(contract, Side.TALENT).part("#messages") == before


def test_other_party_of_the_same_person_is_asked_about():
    contract = active(title="Secret poster")
    person = MembershipFactory(user=owner_of(contract.talent).user)
    browser = Browser.of(owner_of(person.party))
    browser.send("/account/switch/", {"party": person.party_id})

    page = browser.open(f"/contracts/{contract.reference}/", status=409)
    assert f"This belongs to {contract.talent.name}. Switch?" in page.text
    assert "Secret poster" not in page.text
    assert "Secret poster" in page.press(f"Switch to {contract.talent.name}").text


# The strip --------------------------------------------------------------------------------------

STRIP = {
    "submitted": (
        lambda: submitted().contract,
        ("{talent} submitted milestone 1.", "$500.00 is released automatically"),
        (),
    ),
    "planned": (active, ("Milestone 1 is not funded.",), ()),
    "funded": (
        lambda: funded().contract,
        (),
        ("Milestone 1 is funded: you can work on it.",),
    ),
    "leftover after Pay now": (leftover, ("You have paid a milestone. Is the work done?",), ()),
    "request": (
        lambda: ended(funded().contract),
        (),
        ("{client} asks you to let $500.00 go back from escrow.",),
    ),
}


@pytest.mark.parametrize("name", STRIP)
def test_strip_shows_the_one_thing_that_waits_to_whom_it_waits_for(name):
    make, client_reads, talent_reads = STRIP[name]
    contract = make()
    names = {"client": contract.client.name, "talent": contract.talent.name}
    rooms = {side: room_of(contract, side).part(".next") for side in Side}

    for side, reads in ((Side.CLIENT, client_reads), (Side.TALENT, talent_reads)):
        assert bool(rooms[side]) == bool(reads)
        for words in reads:
            assert words.format(**names) in rooms[side]


def test_open_charge_is_shown_to_both():
    milestone = planned()
    fund(milestone, method=sandbox.NEVER_ANSWERS)

    for side in Side:
        assert "A charge is still open" in room_of(milestone.contract, side).text


def test_no_answer_is_offered_that_the_clock_has_given():
    contract = submitted().contract

    with clock.at(NOON + timedelta(days=14)):
        page = room_of(contract)

    assert "Approve and release" not in page.text
    assert "Extend the review" not in page.text


def test_proposal_stands_in_the_strip_of_the_client_alone():
    contract = active()
    propose(contract, usd(80))

    assert "Agree" in room_of(contract).buttons()
    assert "Agree" not in room_of(contract, Side.TALENT).buttons()


# After the end ----------------------------------------------------------------------------------


def test_after_the_end_everything_stays_with_the_checklist_and_the_money_on_top():
    contract = ended(submitted().contract)

    for side in Side:
        page = room_of(contract, side)
        text = page.text
        assert text.index("Where the money is now") < text.index("Post-close checklist")
        assert "What the end did Requested back from escrow $500.00" in text
        assert "Milestones" in text
        assert not page.dom.query("dialog")


def test_each_side_reads_its_own_checklist_alone():
    contract = ended(active())

    client, talent = room_of(contract).text, room_of(contract, Side.TALENT).text
    assert "Change or revoke any passwords or special access you gave" in client
    assert f"Remind {contract.client.name} to change or revoke any passwords" in talent
    assert f"Remind {contract.client.name}" not in client
    assert "0 of 4 done" in client


def test_item_is_ticked_undone_and_skipped_with_one_click():
    contract = ended(active())
    item = contract.checklist.get(side=Side.CLIENT, code=ChecklistCode.ACCESS)
    tick = "Done: Change or revoke any passwords or special access you gave during the contract"

    page = room_of(contract).press(tick)
    assert "1 of 4 done" in page.text
    page = page.press(tick)
    assert "0 of 4 done" in page.text
    page = page.press("Skip")
    assert "Skipped just now" in page.text
    page.press("Undo")

    item.refresh_from_db()
    assert item.state == ItemState.OPEN


def test_reminder_is_read_before_it_is_sent_and_ticks_its_item():
    contract = ended(active(title="Poster"))

    page = room_of(contract, Side.TALENT)
    assert "Please change or revoke the passwords and special access that you gave for Poster." in (
        page.text
    )
    done = page.press("Send reminder")

    assert "Your reminder was sent." in done.flash
    assert "Sent just now" in done.text
    assert "Send reminder" not in done.buttons()
    assert f"{contract.talent.name} reminded you" in room_of(contract).text


@pytest.mark.parametrize("path", ["nothing/tick/", "access/eat/", "feedback/tick/"])
def test_item_or_verb_that_is_not_there_changes_nothing(path):
    contract = ended(active())
    browser = Browser.of(owner_of(contract.client))

    answer = browser.client.post(f"/contracts/{contract.reference}/checklist/{path}")

    assert answer.status_code in (302, 404)
    assert not contract.checklist.exclude(state=ItemState.OPEN).exists()


def test_starting_again_is_offered_to_the_client():
    contract = ended(active())
    link = f"/jobs/new/?again={contract.reference}"

    assert "Ended by mistake?" in room_of(contract).text
    assert link in room_of(contract).links()
    assert link not in room_of(contract, Side.TALENT).links()
    with clock.at(NOON + timedelta(days=7, seconds=1)):
        later = room_of(contract)
    assert "Ended by mistake?" not in later.text
    assert link in later.links()


def test_reason_is_told_to_nobody_and_the_note_to_the_other_side():
    contract = ended(active(), Side.CLIENT, reason=EndReason.UNRESPONSIVE, note="Thank you!")

    assert "unresponsive" not in room_of(contract, Side.TALENT).html.lower()


def test_note_of_the_end_is_read_in_the_room():
    contract = ended(active(), Side.CLIENT, note="Thank you for everything!")

    for side in Side:
        assert "Thank you for everything!" in room_of(contract, side).text


@pytest.mark.parametrize("side", Side)
def test_end_by_support_is_put_into_nobodys_mouth(side):
    contract = ended(active(), Side.TALENT, by=Actor.support(StaffFactory()))
    whom = "you" if side is Side.TALENT else contract.talent.name

    page = room_of(contract, side)
    late = room_of(contract, side, "end/")

    assert f"by support for {whom}, just now" in page.text
    assert f"Support ended the contract for {whom}" in page.text
    assert late.flash == (
        f"Support ended this contract for {whom} just now. Here is what happened."
    )
    assert "You ended" not in page.text + late.text


# Payments tab -----------------------------------------------------------------------------------


def test_payments_tab_shows_each_payment_and_until_when_it_can_be_refunded():
    payment = approve(funded(usd(500)))
    contract = milestone_contract(payment)

    client = room_of(contract, Side.CLIENT, "payments/")
    talent = room_of(contract, Side.TALENT, "payments/")

    assert f"$500.00 {contract.talent.name} receives $450.00" in client.text
    assert "you receive $450.00" in talent.text
    assert "Refundable until Tuesday 18 May 2027, 12:00 (UTC)" in talent.text
    assert f"/payments/{payment.pk}/refund/" in talent.links()
    assert f"/payments/{payment.pk}/refund/" not in client.links()


def milestone_contract(payment: Payment) -> Contract:
    return Contract.objects.select_related("client", "talent").get(book=payment.book_id)


def test_payments_tab_without_payments_says_how_long_they_can_be_refunded():
    assert "can be refunded for 180 days" in room_of(active(), path="payments/").text


def test_payment_that_is_too_old_says_so_instead_of_offering_a_refund():
    payment = approve(funded(usd(500)))
    contract = milestone_contract(payment)

    with clock.at(NOON + timedelta(days=180, seconds=1)):
        page = room_of(contract, Side.TALENT, "payments/")

    assert "Give a refund" not in page.text


# Hourly -----------------------------------------------------------------------------------------


def test_hourly_room_shows_the_timesheet_instead_of_milestones():
    contract = this_week_too(in_review())

    for side in Side:
        page = room_of(contract, side)
        sheet = page.part("#timesheet")
        assert "hourly, $60.00 · since 9 November 2026" in page.text
        assert "This week 2 h 10 min of 20 h Amount so far $130.00" in sheet
        assert "This week is billed on Monday 23 November 2026, 12:00 (UTC)." in sheet
        assert "9 – 15 November 2026 Paid, in review until Saturday 21 November 2026" in sheet
        assert "$120.00 2 h" in sheet
        assert not page.dom.query("#milestones")
        assert bar(page) == "In review $120.00 Recorded, not billed yet $130.00"
    assert "you receive $117.00" in room_of(contract, Side.TALENT).part("#timesheet")
    assert "you receive" not in room_of(contract).part("#timesheet")


def this_week_too(week: Week) -> Contract:
    recorded(week.contract, NOON - timedelta(hours=3), 130)
    return week.contract


def test_time_beyond_the_limit_is_said_not_to_be_billed():
    with clock.at(NOON - timedelta(hours=3)):
        contract = hourly(hours=1)
    recorded(contract, NOON - timedelta(hours=3), 100)

    sheet = room_of(contract).part("#timesheet")

    assert "1 h 40 min of 1 h Amount so far $60.00" in sheet
    assert "40 min beyond the limit is not billed." in sheet


def test_running_timer_is_named_with_what_counts_so_far():
    contract = hourly()
    with clock.at(NOON - timedelta(minutes=25)):
        timers.start(contract, by=owner_of(contract.talent))
    name = owner_of(contract.talent).as_member.user.name

    assert f"A timer runs: {name}, 20 min so far." in room_of(contract).part("#timesheet")


def test_week_in_review_is_the_clients_to_review():
    contract = in_review().contract

    strip = room_of(contract).part(".next")

    assert "Review the hours of the week of 9 November 2026." in strip
    assert "$120.00 is paid for good on Saturday 21 November 2026, 00:00 (UTC)" in strip
    assert f"/contracts/{contract.reference}/diary/?week=2026-11-09" in room_of(contract).links()
    assert not room_of(contract, Side.TALENT).part(".next")
    with clock.at(datetime(2026, 11, 21, tzinfo=UTC)):
        assert not room_of(contract).part(".next")


def test_declined_charge_tells_the_client_to_pay_and_the_talent_what_stays_owed():
    contract = in_review(method=sandbox.DECLINES).contract

    client, talent = room_of(contract), room_of(contract, Side.TALENT)

    assert "Active On hold" in client.text
    assert "$120.00 for the week of 9 November 2026 is not paid." in client.part(".next")
    assert f"/contracts/{contract.reference}/weeks/2026-11-09/pay/" in client.links()
    assert "A charge for hours was declined" in talent.text
    assert "it stays owed to you" in talent.text
    assert "/pay/" not in " ".join(talent.links())
    assert bar(client) == "Invoiced, not paid yet $120.00"


def test_disputed_hours_lead_both_to_the_dispute():
    week = in_review()
    dispute = hours_disputes.file(
        week,
        segments=[(one.pk, start) for one, start in hours_disputes.billed_segments(week)[:3]],
        reason="Not then.",
        key="",
        by=owner_of(week.contract.client),
    )

    client, talent = room_of(week.contract), room_of(week.contract, Side.TALENT)

    assert "Hours are disputed 30 min of the week of 9 November 2026" in client.text
    assert f"{week.contract.client.name} disputes 30 min" in talent.part(".next")
    for page in (client, talent):
        assert dispute.get_absolute_url() in page.links()
        assert "Disputed, held until it is settled" in page.part("#timesheet")


def test_timeline_tells_of_weeks_pauses_and_their_reasons():
    contract = in_review().contract
    terms.pause(contract, reason="Holidays.", by=owner_of(contract.client))

    client = room_of(contract).part("#messages")
    talent = room_of(contract, Side.TALENT).part("#messages")

    for told in (client, talent):
        assert "Invoiced: the hours of the week of 9 November 2026 $120.00" in told
        assert "paused the contract" in told
        assert "Holidays." in told
    assert "You paid the hours $120.00" in client


def test_ended_hourly_contract_follows_each_week_until_it_is_paid():
    contract = ended(this_week_too(in_review()))

    tracks = room_of(contract).part(".tracks")
    assert "$130.00 Hours, week of 16 November 2026" in tracks
    assert "locked, billed on 23 November 2026 invoiced in review available" in tracks
    assert "in review until 21 November 2026" in tracks
    assert "$117.00 Hours, week of 16 November 2026, to you" in (
        room_of(contract, Side.TALENT).part(".tracks")
    )
    assert "Locked since the end" in room_of(contract).part("#timesheet")

    sweeping.run(as_of=datetime(2026, 11, 23, 13, tzinfo=UTC))
    with clock.at(datetime(2026, 12, 3, tzinfo=UTC)):
        after = room_of(contract)
        assert "locked" not in after.part(".tracks").lower()
        assert bar(after) == "Paid $250.00"


def test_many_paid_weeks_are_one_row_of_where_the_money_is():
    contract = worked_weeks(5)
    with clock.at(NOON + timedelta(days=60)):
        ended(contract)
        tracks = room_of(contract).part(".tracks")

    assert "$150.00 5 earlier payments" in tracks
    assert "Hours, week of" not in tracks


def worked_weeks(number: int) -> Contract:
    with clock.at(NOON):
        contract = hourly()
    for week in range(number):
        start = NOON + timedelta(days=7 * week)
        with clock.at(start + timedelta(hours=1)):
            recorded(contract, start, 30)
        sweeping.run(as_of=start + timedelta(days=6))
    return contract


@pytest.mark.parametrize("side", Side)
def test_hourly_room_takes_as_many_queries_for_one_week_as_for_three(side):
    one, three = worked_weeks(1), worked_weeks(3)
    at = NOON + timedelta(days=15)

    with clock.at(at):
        for contract in (one, three):
            browser = Browser.of(owner_of(contract.party(side)))
            assert browser.count(f"/contracts/{contract.reference}/") == 11
            ended(contract)
            assert browser.count(f"/contracts/{contract.reference}/") <= 12


# Members ----------------------------------------------------------------------------------------


def test_plain_member_submits_but_sees_no_buttons_for_owners():
    contract = funded().contract
    member = member_of(contract.talent, Role.MEMBER)
    Assignment.objects.create(contract=contract, membership=member.as_member, since=NOON)

    page = Browser.of(member).open(f"/contracts/{contract.reference}/")

    assert f"/contracts/{contract.reference}/milestones/1/submit/" in page.links()
    assert not page.dom.query("dialog")


# Cost -------------------------------------------------------------------------------------------

STATES = {
    "active": (lambda: submitted().contract, 10, 11),
    "ended with a request": (lambda: ended(submitted().contract), 12, 12),
}


@pytest.mark.parametrize("name", STATES)
@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("more", [0, 2])
def test_room_takes_as_many_queries_for_one_of_each_as_for_three(name, side, more):
    make, client, talent = STATES[name]
    contract = make()
    for number in range(more):
        messages.write(contract, text=f"Hello {number}", key="", by=owner_of(contract.talent))
        messages.write(contract, text=f"Hi {number}", key="", by=owner_of(contract.client))
        if contract.is_active:
            add_milestone(contract, usd(10 + number), f"More {number}")

    queries = client if side is Side.CLIENT else talent
    url = f"/contracts/{contract.reference}/"
    assert Browser.of(owner_of(contract.party(side))).count(url) == queries


@pytest.mark.parametrize("payments", [1, 3])
def test_payments_tab_takes_as_many_queries_for_one_payment_as_for_three(payments):
    contract = leftover(usd(300))
    for number in range(2, payments + 1):
        add_milestone(contract, usd(50))
        approve(milestone_of(contract, number))

    url = f"/contracts/{contract.reference}/payments/"
    assert Browser.of(owner_of(contract.talent)).count(url) == 7
