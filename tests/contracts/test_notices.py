"""What both sides are told: who, of what, in words that fit the side that reads them."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest

from contracts import (
    asking,
    assignments,
    billing,
    bonuses,
    checklists,
    dormancy,
    escrow_answers,
    hours_disputes,
    messages,
    milestones,
    offers,
    owed,
    terms,
    timers,
)
from contracts.closing import Choice
from contracts.models import Contract, HoursDispute
from contracts.states import Side
from marketplace import clock, sweeping
from marketplace.actors import Actor
from marketplace.models import Notice
from marketplace.notices import KINDS, text_of
from marketplace.refusals import Refused
from payments import corrections, refunds
from payments.gateways import sandbox
from payments.models import SplitProposal
from tests.contracts.dormant import release_asked, slept
from tests.factories import (
    NOON,
    AgencyFactory,
    StaffFactory,
    active,
    add_milestone,
    approve,
    bonus,
    bonus_asked,
    changes_requested,
    charge,
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
    recorded,
    submitted,
    usd,
    week_of,
)

pytestmark = pytest.mark.django_db


def later(days: float) -> None:
    sweeping.run(as_of=NOON + timedelta(days=days))


def declined_charge() -> None:
    with pytest.raises(Refused):
        fund(planned(), sandbox.DECLINES)


def kept_charge() -> None:
    fund(planned(), sandbox.TIMES_OUT)
    ended(Contract.objects.get())
    later(1)


def declined_offer() -> None:
    contract = offered(fund_first=True)
    offers.decline(contract, reason="No time.", by=owner_of(contract.talent))


def proposed(answer=None) -> None:
    contract = active()
    milestone = milestones.propose(
        contract, title="Idea", amount=usd(50), due_on=None, key="", by=owner_of(contract.talent)
    )
    if answer:
        answer(milestone, by=owner_of(contract.client))


def taken_back() -> None:
    milestone = submitted()
    milestones.take_back(milestone, by=owner_of(milestone.contract.talent))


def extended() -> None:
    milestone = submitted()
    milestones.extend(milestone, because="Holidays.", by=owner_of(milestone.contract.client))


def asked() -> Contract:
    return ended(funded().contract)


LINKS = ["https://example.com/one", "https://example.com/two"]


def disputed_return(links=()) -> Contract:
    contract = asked()
    by = owner_of(contract.talent)
    escrow_answers.dispute(contract, text="I delivered.", links=links, by=by)
    return contract


def mediating(links=()) -> Contract:
    contract = disputed_return()
    by = owner_of(contract.client)
    escrow_answers.reject(contract, text="It never came.", links=links, by=by)
    return contract


def decided(amount) -> None:
    by = Actor.support(StaffFactory())
    escrow_answers.decide(mediating(), to_talent=amount, because="Fair.", by=by)


def escalated() -> Contract:
    contract = ended(submitted().contract)
    later(7)
    return contract


def taken_up() -> None:
    by = Actor.support(StaffFactory())
    escrow_answers.mediate(escalated(), note="We look at it.", by=by)


def added(side: Side | None, links=()) -> None:
    contract = mediating()
    if side is None:
        by = Actor.support(StaffFactory())
        escrow_answers.write_note(contract, note="Send the files.", by=by)
    else:
        by = owner_of(contract.party(side))
        escrow_answers.add_statement(contract, text="Look.", links=links, by=by)


def split(message: str = "", make=asked) -> SplitProposal:
    contract = make()
    return escrow_answers.propose_split(
        contract, to_talent=usd(200), message=message, by=owner_of(contract.talent)
    )


def split_by_support(make=mediating) -> SplitProposal:
    return escrow_answers.propose_in_mediation(
        make(), to_talent=usd(200), message="Half each.", by=Actor.support(StaffFactory())
    )


def agreed(proposed: SplitProposal, *sides: Side) -> None:
    contract = Contract.objects.get(book=proposed.request.book)
    for side in sides:
        escrow_answers.agree_to_split(proposed, by=owner_of(contract.party(side)))


def said_no(proposed: SplitProposal, side: Side) -> None:
    contract = Contract.objects.get(book=proposed.request.book)
    escrow_answers.decline_split(proposed, by=owner_of(contract.party(side)))


def split_taken_back(proposed: SplitProposal) -> None:
    contract = Contract.objects.get(book=proposed.request.book)
    support = Actor.support(StaffFactory())
    by = support if proposed.is_by_support else owner_of(contract.talent)
    escrow_answers.take_back_split(proposed, by=by)


def ended_by_support() -> None:
    by = Actor.support(StaffFactory())
    ended(funded().contract, by=by, note="Both were told.")


def asked_to_end(text: str = "") -> None:
    contract = active()
    asking.ask_to_end(contract, text=text, by=member_of(contract.client))


def assigned() -> None:
    contract = hourly(talent=AgencyFactory())
    member = member_of(contract.talent)
    assignments.assign(contract, member.as_member, by=owner_of(contract.talent))


def limited(hours: int) -> None:
    contract = hourly(hours=20)
    terms.set_limit(contract, hours=hours, by=owner_of(contract.client))


def paused(*, by: Actor | None = None, reason: str = "") -> Contract:
    contract = hourly()
    return terms.pause(contract, reason=reason, by=by or owner_of(contract.client))


def restarted(*, by: Actor | None = None, reason: str = "") -> None:
    contract = paused()
    terms.restart(contract, reason=reason, by=by or owner_of(contract.client))


def written() -> None:
    contract = active()
    messages.write(contract, text="Hello.", key="", by=owner_of(contract.client))


def reminded() -> None:
    contract = ended(active())
    item = checklists.items_of(contract, Side.TALENT)[0]
    checklists.send_reminder(item, by=owner_of(contract.talent))


def still_working(days: int) -> None:
    contract = slept(days)
    dormancy.still_working(contract, by=owner_of(contract.talent))


def ran_out() -> None:
    contract = hourly()
    timers.start(contract, by=owner_of(contract.talent))
    later(0.5)


def disputed(places: int = 3, **values) -> HoursDispute:
    week = in_review(**values)
    billed = hours_disputes.billed_segments(week)[:places]
    return hours_disputes.file(
        week,
        segments=[(stretch.pk, start) for stretch, start in billed],
        reason="Nobody worked then.",
        key="",
        by=owner_of(week.contract.client),
    )


def stood_by(**values) -> HoursDispute:
    dispute = disputed(**values)
    by = owner_of(dispute.contract.talent)
    return hours_disputes.decline(dispute, because="I was at it.", by=by)


def accepted(dispute: HoursDispute) -> None:
    hours_disputes.accept(dispute, by=owner_of(dispute.contract.talent))


def decided_hours(number: int) -> None:
    dispute = stood_by()
    chosen = list(dispute.segments.values_list("pk", flat=True)[:number])
    by = Actor.support(StaffFactory())
    hours_disputes.decide(dispute, reversed_segments=chosen, because="Fair.", by=by)


def disputed_after_a_refund() -> HoursDispute:
    week = in_review()
    by = owner_of(week.contract.talent)
    refunds.give(week.payment, amount=usd(120), reason="", key="", by=by)
    (stretch, start), *_ = hours_disputes.billed_segments(week)
    return hours_disputes.file(
        week_of(week.contract),
        segments=[(stretch.pk, start)],
        reason="Nobody worked then.",
        key="",
        by=owner_of(week.contract.client),
    )


def declined_bonus() -> None:
    with pytest.raises(Refused):
        bonus(active(), method=sandbox.DECLINES)


def bonus_declined(because: str) -> None:
    request = bonus_asked(ended(hourly()))
    by = owner_of(request.contract.client)
    bonuses.decline_request(request, because=because, by=by)


def bonus_withdrawn() -> None:
    request = bonus_asked(ended(hourly()))
    bonuses.withdraw_request(request, by=owner_of(request.contract.talent))


def ended_with_hours() -> Contract:
    with clock.at(NOON - timedelta(days=1)):
        contract = hourly()
    recorded(contract, NOON - timedelta(hours=6), 90)
    return ended(contract, Side.TALENT)


def worked(**values: str) -> Contract:
    """Two hours of this Thursday."""
    contract = hourly(**values)
    with clock.at(NOON + timedelta(hours=2)):
        recorded(contract, NOON, 120)
    return contract


def in_review_with_credit(amount) -> None:
    contract = worked()
    charge(contract.book, amount)
    later(4)


def paid_from_credit() -> None:
    """What is owed is paid by credit that came meanwhile; some of it is left."""
    contract = Contract.objects.get()
    charge(contract.book, usd(130))
    with clock.at(NOON + timedelta(days=4)):
        billing.pay_now(contract.weeks.get(), method="", key="", by=owner_of(contract.client))


def paid_while_disputed() -> None:
    disputed(method=sandbox.DECLINES)
    paid_from_credit()


def with_support() -> None:
    """Thirty days after the end; then the client tries once more."""
    contract = ended(worked(method=sandbox.DECLINES))
    later(4)
    later(35)
    by = owner_of(contract.client)
    with clock.at(NOON + timedelta(days=36)), suppress(Refused):
        billing.pay_now(contract.weeks.get(), method=sandbox.DECLINES, key="", by=by)


def written_off() -> None:
    week = in_review(method=sandbox.DECLINES)
    owed.write_off(week, because="They are bankrupt.", by=Actor.support(StaffFactory()))


def settled() -> None:
    """The operator paid, once the client could no longer dispute."""
    week = in_review(method=sandbox.DECLINES)
    one, other = (Actor.support(StaffFactory()) for _ in range(2))
    with clock.at(NOON + timedelta(days=2)):
        proposed = owed.propose_settlement(week, because="They are bankrupt.", by=one)
        corrections.approve(proposed, by=other)


SCENES = {
    "offer_made": [offered, lambda: offered(fund_first=True)],
    "offer_accepted": [active, lambda: active(fund_first=True), hourly],
    "offer_closed": [
        declined_offer,
        lambda: offers.withdraw(contract := offered(), by=owner_of(contract.client)),
        lambda: (offered(), later(7)),
    ],
    "milestone_added": [
        lambda: add_milestone(active(), usd(50)),
        lambda: add_milestone(leftover(), usd(50)),
    ],
    "milestone_proposed": [proposed],
    "proposal_answered": [
        lambda: proposed(milestones.agree),
        lambda: proposed(milestones.decline_proposal),
    ],
    "milestone_funded": [funded, lambda: (fund(planned(), sandbox.TIMES_OUT), later(1))],
    "charge_declined": [declined_charge],
    "charge_kept_as_credit": [kept_charge],
    "work_submitted": [submitted],
    "submission_taken_back": [taken_back],
    "changes_requested": [changes_requested],
    "review_extended": [extended],
    "review_reminder": [lambda: (submitted(), later(7))],
    "payment_released": [
        lambda: approve(submitted()),
        lambda: approve(submitted(), usd(100)),
        lambda: (submitted(), later(14)),
    ],
    "contract_ended": [
        lambda: ended(active()),
        lambda: ended(funded().contract, Side.TALENT, note="Thank you."),
        lambda: ended(funded().contract, choice=Choice.part(usd(200)), note="Thank you."),
        ended_by_support,
        lambda: slept(104),
        lambda: ended(hourly()),
        ended_with_hours,
    ],
    "asked_to_end": [asked_to_end, lambda: asked_to_end("All is delivered.")],
    "escrow_refund_requested": [asked, lambda: ended(submitted().contract)],
    "escrow_refund_reminder": [
        lambda: (asked(), later(3)),
        lambda: (ended(submitted().contract), later(3)),
        lambda: (disputed_return(), later(4)),
    ],
    "escrow_refund_disputed": [disputed_return, lambda: disputed_return(LINKS)],
    "escrow_refund_rejected": [mediating, lambda: mediating(LINKS)],
    "escrow_refund_escalated": [escalated],
    "escrow_refund_mediation": [taken_up],
    "escrow_refund_statement": [
        lambda: added(None),
        lambda: added(Side.CLIENT),
        lambda: added(Side.TALENT, LINKS),
    ],
    "split_proposed": [split, lambda: split("A part was done."), split_by_support],
    "split_agreed": [
        lambda: agreed(split_by_support(), Side.CLIENT),
        lambda: agreed(split_by_support(), Side.TALENT),
    ],
    "split_off": [
        lambda: said_no(split(), Side.CLIENT),
        lambda: said_no(split(make=lambda: ended(submitted().contract)), Side.CLIENT),
        lambda: (split(), later(7)),
        lambda: split_taken_back(split()),
        lambda: said_no(split_by_support(), Side.TALENT),
        lambda: (split_by_support(), later(2)),
        lambda: split_taken_back(split_by_support()),
    ],
    "escrow_refund_settled": [
        lambda: escrow_answers.let_go(contract := asked(), by=owner_of(contract.talent)),
        lambda: escrow_answers.pay_instead(contract := asked(), by=owner_of(contract.client)),
        lambda: escrow_answers.pay_instead(
            contract := disputed_return(), by=owner_of(contract.client)
        ),
        lambda: (asked(), later(7)),
        lambda: (disputed_return(), later(7)),
        lambda: agreed(split(), Side.CLIENT),
        lambda: agreed(split_by_support(), Side.CLIENT, Side.TALENT),
        lambda: decided(usd(0)),
        lambda: decided(usd(200)),
        lambda: decided(usd(500)),
    ],
    "hours_disputed": [disputed, lambda: disputed(method=sandbox.DECLINES)],
    "hours_dispute_declined": [stood_by],
    "hours_dispute_escalated": [lambda: (disputed(), later(3))],
    "hours_dispute_settled": [
        lambda: accepted(disputed()),
        lambda: accepted(disputed(method=sandbox.DECLINES)),
        lambda: accepted(disputed(12, method=sandbox.DECLINES)),
        lambda: accepted(disputed_after_a_refund()),
        lambda: hours_disputes.withdraw(
            dispute := disputed(), by=owner_of(dispute.contract.client)
        ),
        lambda: decided_hours(0),
        lambda: decided_hours(2),
    ],
    "person_assigned": [assigned],
    "limit_changed": [lambda: limited(30), lambda: limited(1)],
    "contract_paused": [
        lambda: paused(reason="Holidays."),
        paused,
        lambda: paused(by=Actor.support(StaffFactory()), reason="They asked."),
    ],
    "contract_restarted": [
        lambda: restarted(reason="Back again."),
        lambda: restarted(by=Actor.support(StaffFactory()), reason="They asked."),
    ],
    "hours_invoiced": [
        in_review,
        lambda: in_review(hours=1),
        lambda: in_review_with_credit(usd(50)),
        lambda: in_review_with_credit(usd(500)),
        lambda: (worked(), later(20)),
    ],
    "hours_paid": [
        in_review,
        lambda: (worked(method=sandbox.DECLINES), later(4), paid_from_credit()),
        paid_while_disputed,
    ],
    "hours_declined": [
        lambda: in_review(method=sandbox.DECLINES),
        lambda: (ended(worked(method=sandbox.DECLINES)), later(4)),
        with_support,
    ],
    "contract_on_hold": [
        lambda: in_review(method=sandbox.DECLINES),
        lambda: (ended(worked(method=sandbox.DECLINES)), later(4)),
    ],
    "hold_lifted": [
        lambda: (in_review(method=sandbox.DECLINES), paid_from_credit()),
        lambda: (ended(worked(method=sandbox.DECLINES)), later(4), paid_from_credit()),
    ],
    "hours_with_support": [with_support],
    "hours_written_off": [written_off],
    "hours_settled": [settled],
    "message_received": [written],
    "contract_quiet": [
        lambda: slept(60),
        lambda: (paused(), later(30)),
        lambda: (in_review(method=sandbox.DECLINES), later(30)),
    ],
    "dormancy_comes": [lambda: slept(83)],
    "contract_dormant": [lambda: slept(90)],
    "dormant_talent_asked": [lambda: slept(97)],
    "dormant_release_asked": [release_asked],
    "contract_goes_on": [
        lambda: still_working(60),
        lambda: still_working(90),
        lambda: messages.write(
            contract := release_asked(), text="Yes?", key="", by=owner_of(contract.client)
        ),
    ],
    "dormant_paid": [lambda: (release_asked(98), later(112))],
    "timer_ran_out": [ran_out],
    "bonus_given": [
        lambda: bonus(active()),
        lambda: bonus(funded().contract, note=""),
        lambda: (bonus(active(), method=sandbox.TIMES_OUT), later(1)),
        lambda: bonus((request := bonus_asked(ended(hourly()))).contract, request=request),
    ],
    "bonus_declined": [declined_bonus],
    "bonus_asked": [lambda: bonus_asked(ended(hourly()))],
    "bonus_request_closed": [
        lambda: bonus_declined(""),
        lambda: bonus_declined("It was agreed so."),
        bonus_withdrawn,
        lambda: (bonus_asked(ended(hourly())), later(366)),
    ],
    "checklist_reminder": [reminded],
}


def test_every_kind_of_notice_has_its_scene():
    declared = {code.partition(".")[2] for code in KINDS if code.startswith("contracts.")}

    assert declared == set(SCENES)


@pytest.mark.parametrize(
    ("name", "number"), [(name, number) for name in SCENES for number in range(len(SCENES[name]))]
)
def test_notice_reads_well_to_everybody_who_is_told(name, number):
    SCENES[name][number]()

    told = Notice.objects.filter(kind=f"contracts.{name}").select_related("party")
    assert told
    for notice in told:
        text = text_of(notice)
        words = " ".join([text.title, *text.paragraphs])
        assert text.title
        assert text.paragraphs
        for mistake in ("None", "{{", "{%", " ,", " .", "..", "()"):
            assert mistake not in words, words
        assert notice.path.startswith("/")


def test_talent_is_mailed_about_the_request_in_exact_words():
    contract = asked()

    told = Notice.objects.select_related("party").get(kind="contracts.escrow_refund_requested")
    assert told.party == contract.talent
    assert told.email_due_at == NOON
    words = " ".join(text_of(told).paragraphs)
    assert "$500.00" in words
    assert contract.client.name in text_of(told).title + words


def texts_of(contract: Contract, name: str) -> tuple[str, str]:
    """What the client and the talent read, title and paragraphs."""
    found = Notice.objects.filter(kind=f"contracts.{name}").select_related("party")
    texts = {one.party_id: text_of(one) for one in found}
    client, talent = texts[contract.client_id], texts[contract.talent_id]
    return "\n".join([client.title, *client.paragraphs]), "\n".join(
        [talent.title, *talent.paragraphs]
    )


def test_each_side_reads_of_a_dispute_whose_silence_gives_the_money_to_whom():
    contract = disputed_return(LINKS)

    client, talent = texts_of(contract, "escrow_refund_disputed")
    until = "Thursday 26 November 2026, 12:00 (UTC)"
    assert (
        f"Without your answer by {until}, $500.00 of your money in escrow is paid to"
        f" {contract.talent.name}." in client
    )
    assert (
        f"Without an answer by {until}, $500.00 is paid to you from escrow; you receive $450.00"
        " after the fee." in talent
    )
    for text in (client, talent):
        assert "The reason given: I delivered." in text
        assert "Links: https://example.com/one https://example.com/two" in text


def test_each_side_reads_of_a_split_what_it_would_have():
    contract = Contract.objects.get(book=split().request.book)

    client, talent = texts_of(contract, "split_proposed")
    name = contract.talent.name
    assert (
        f"$200.00 of your money in escrow would be paid to {name}, and $300.00 would come back to"
        " you as credit." in client
    )
    assert "Without your answer nothing moves" in client
    assert (
        "$200.00 would be paid to you, $180.00 after the fee, and $300.00 would go back to"
        f" {contract.client.name}." in talent
    )
    assert "your own time to answer stands still" in talent


def test_each_side_reads_whose_money_silence_gave_back():
    contract = asked()
    later(7)

    client, talent = texts_of(contract, "escrow_refund_settled")
    assert f"{contract.talent.name} did not answer the request in time." in client
    assert "$500.00 is your credit and pays your next charge first." in client
    assert "You did not answer the request in time." in talent
    assert (
        f"$500.00 is with {contract.client.name} again; nothing was taken from your balance."
        in talent
    )


def test_notice_of_a_request_that_was_declined_before_still_reads():
    contract = asked()
    notice = Notice.objects.get(kind="contracts.escrow_refund_requested")
    facts = {**notice.facts, "declined_because": "I delivered."}
    Notice.objects.filter(pk=notice.pk).update(kind="contracts.escrow_refund_declined", facts=facts)

    text = text_of(Notice.objects.select_related("party").get(pk=notice.pk))

    assert text.title == f"{contract.client.name} declined the return of $500.00: {contract.title}"
    assert text.paragraphs[-1] == "The reason given: I delivered."


def test_each_side_reads_what_the_end_of_hours_means_for_it():
    contract = ended_with_hours()

    told = Notice.objects.filter(kind="contracts.contract_ended").select_related("party")
    texts = {one.party_id: " ".join(text_of(one).paragraphs) for one in told}
    billed = (
        "The Work Diary is locked: nothing can be added, changed or deleted. 1 h 30 min of the week"
        " of 16 November 2026, $90.00, is billed on Monday 23 November 2026, 12:00 (UTC);"
    )
    mine, theirs = texts[contract.talent_id], texts[contract.client_id]
    assert f"{billed} you receive $81.00 after the fee." in mine
    assert f"{billed} you can dispute hours until Saturday 28 November 2026, 00:00 (UTC)." in theirs
    assert "escrow" not in mine + theirs


def test_note_of_support_is_not_put_into_the_other_sides_mouth():
    ended_by_support()

    for told in Notice.objects.filter(kind="contracts.contract_ended").select_related("party"):
        text, is_client = text_of(told), told.facts["side"] == "client"
        whom = "you" if is_client else told.facts["other"]
        assert "Support writes: Both were told." in text.paragraphs
        assert text.title == f"Support ended {told.facts['title']}"
        assert text.paragraphs[0].startswith(f"Support ended it for {whom}. ")


def test_assigned_member_is_told_of_work_but_not_of_money():
    contract = offered(fund_first=True)
    member = member_of(contract.talent)
    offers.accept(contract, by=owner_of(contract.talent))
    contract.assignments.create(membership=member.membership, since=NOON)
    Notice.objects.all().delete()

    ended(contract)

    kinds = Notice.objects.filter(recipient=member.user).values_list("kind", flat=True)
    assert list(kinds) == ["contracts.contract_ended"]


def test_unassigned_member_is_told_nothing():
    contract = funded().contract
    member = member_of(contract.talent)

    ended(contract)

    assert not Notice.objects.filter(recipient=member.user).exists()


def test_who_acted_gets_a_receipt_as_its_own():
    contract = ended(active(), Side.TALENT)

    own = dict(
        Notice.objects.filter(kind="contracts.contract_ended").values_list("party", "facts__own")
    )

    assert own == {contract.talent_id: True, contract.client_id: False}


def test_notice_leads_to_the_page_it_is_about():
    contract = asked()

    paths = dict(Notice.objects.values_list("kind", "path"))
    request = contract.book.escrow_refund_request
    assert paths["contracts.offer_made"] == f"/contracts/{contract.reference}/offer/"
    assert paths["contracts.contract_ended"] == f"/contracts/{contract.reference}/"
    assert paths["contracts.escrow_refund_requested"] == f"/escrow-refunds/{request.pk}/"
    assert milestone_of(contract).state == "cancelled"
