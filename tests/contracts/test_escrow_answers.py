"""The escrow refund request after a client's end: answered, disputed, mediated, or silence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contracts import escrow_answers, messages
from contracts.closing import Choice
from contracts.models import Contract
from contracts.states import Side
from marketplace import clock, once, sweeping
from marketplace.actors import Actor
from marketplace.models import Notice
from marketplace.refusals import InvalidInput, KeyReused, NotYours, Overtaken
from marketplace.states import Role
from payments.models import EscrowRefundRequest, Payment, SplitProposal
from payments.states import OnSilence, RequestState, SplitState
from tests.factories import (
    NOON,
    StaffFactory,
    active,
    ended,
    funded,
    leftover,
    member_of,
    money_of,
    owner_of,
    submitted,
    usd,
)
from tests.support.asserting import assert_audit_clean, refused

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
"""The talent's time; from a working day also the client's five business days."""
TICK = timedelta(microseconds=1)

HELD = ("$400.00", "$0.00", "$0.00", "$0.00")
RETURNED = ("$0.00", "$400.00", "$0.00", "$0.00")
PAID = ("$0.00", "$0.00", "$360.00", "$0.00")


def asked(milestone=None, **values) -> Contract:
    """The client ended with $400 in escrow; nothing was submitted."""
    return ended((milestone or funded(usd(400), **values)).contract)


def asked_after_work() -> Contract:
    return asked(submitted(usd(400)))


def disputed() -> Contract:
    contract = asked()
    escrow_answers.dispute(contract, text="I delivered.", by=talent(contract))
    return contract


def mediating() -> Contract:
    contract = disputed()
    escrow_answers.reject(contract, text="Not what we agreed.", by=client(contract))
    return contract


def escalated() -> Contract:
    contract = asked_after_work()
    sweeping.run(as_of=NOON + WEEK)
    return contract


def taken_up() -> Contract:
    """Silence brought it to support, which mediates."""
    contract = escalated()
    with clock.at(NOON + WEEK):
        escrow_answers.mediate(contract, note="We are looking at it.", by=support())
    return contract


def split_by_talent() -> Contract:
    """A day after the end: $150 for the talent, $250 back."""
    contract = asked()
    with clock.at(NOON + DAY):
        propose(contract)
    return contract


def split_by_support() -> Contract:
    contract = mediating()
    escrow_answers.propose_in_mediation(
        contract, to_talent=usd(200), message="Half each.", by=support()
    )
    return contract


OPEN = [asked, split_by_talent, disputed, escalated, mediating, taken_up, split_by_support]


def propose(contract, to_talent=None, *, key="", by=None) -> SplitProposal:
    return escrow_answers.propose_split(
        contract,
        to_talent=usd(150) if to_talent is None else to_talent,
        message="A third was done.",
        key=key,
        by=by or talent(contract),
    )


def client(contract) -> Actor:
    return owner_of(contract.client)


def talent(contract) -> Actor:
    return owner_of(contract.talent)


def support() -> Actor:
    return Actor.support(StaffFactory())


def read(contract: Contract) -> EscrowRefundRequest:
    return EscrowRefundRequest.objects.get(book=contract.book_id)


def split_of(contract: Contract) -> SplitProposal:
    return SplitProposal.objects.select_related("request").get(request__book=contract.book_id)


def told(contract: Contract, name: str) -> set[int]:
    return {one.party_id for one in Notice.objects.filter(kind=f"contracts.{name}")}


def both(contract: Contract) -> set[int]:
    return {contract.client_id, contract.talent_id}


# Letting go, paying instead: possible until it is settled ----------------------------------------


@pytest.mark.parametrize("make", OPEN)
def test_letting_go_returns_the_escrow_at_once(make):
    contract = make()

    request = escrow_answers.let_go(contract, by=talent(contract))

    assert (request.state, request.to_talent) == (RequestState.ACCEPTED, usd(0))
    assert money_of(contract) == RETURNED
    assert told(contract, "escrow_refund_settled") == both(contract)
    assert not SplitProposal.objects.filter(state=SplitState.OPEN).exists()
    assert_audit_clean()


@pytest.mark.parametrize("make", OPEN)
def test_paying_instead_gives_the_whole_to_the_talent(make):
    contract = make()
    was_disputed = make in (disputed, mediating, taken_up, split_by_support)

    request = escrow_answers.pay_instead(contract, by=client(contract))

    assert request.state == (RequestState.CONCEDED if was_disputed else RequestState.WITHDRAWN)
    assert request.to_talent == usd(400)
    payment = Payment.objects.get()
    assert (payment.gross, payment.fee, payment.net) == (usd(400), usd(40), usd(360))
    assert money_of(contract) == PAID
    assert told(contract, "escrow_refund_settled") == both(contract)
    assert_audit_clean()


@pytest.mark.parametrize("answer", ["let_go", "pay_instead"])
def test_answer_by_the_second_person_of_a_side_is_told_that_it_is_settled(answer):
    contract = asked()
    party = contract.talent if answer == "let_go" else contract.client
    getattr(escrow_answers, answer)(contract, by=owner_of(party))

    with refused(contract, Overtaken, "settled already"):
        getattr(escrow_answers, answer)(contract, by=member_of(party, Role.MANAGER))


def test_request_is_settled_once():
    contract = asked()
    escrow_answers.let_go(contract, by=talent(contract))

    with refused(contract, Overtaken, "settled already"):
        escrow_answers.pay_instead(contract, by=client(contract))


def test_contract_without_a_request_has_nothing_to_answer():
    contract = ended(active(), Side.TALENT)

    with refused(contract, Overtaken, "settled already"):
        escrow_answers.let_go(contract, by=talent(contract))


def test_request_after_a_part_was_paid_is_about_the_rest():
    contract = ended(submitted().contract, choice=Choice.part(usd(200)))

    escrow_answers.let_go(contract, by=talent(contract))

    assert money_of(contract) == ("$0.00", "$300.00", "$180.00", "$0.00")


def test_request_for_less_than_the_minimum_is_answered_like_any_other():
    contract = ended(leftover(usd(3)))

    escrow_answers.pay_instead(contract, by=client(contract))

    assert money_of(contract) == ("$0.00", "$0.00", "$7.20", "$0.00")


def test_request_that_support_made_for_the_client_is_answered_like_any_other():
    contract = ended(funded(usd(400)).contract, by=support())

    escrow_answers.dispute(contract, text="I delivered.", by=talent(contract))
    escrow_answers.pay_instead(contract, by=client(contract))

    assert money_of(contract) == PAID
    assert_audit_clean()


# A split by the talent ---------------------------------------------------------------------------


def test_split_stops_the_talents_time_and_waits_for_the_client():
    contract = asked()

    with clock.at(NOON + 6 * DAY):
        split = propose(contract)

    assert (read(contract).answer_by, read(contract).time_left) == (None, DAY)
    # Wednesday: five business days later it is Wednesday again.
    assert split.answer_by == NOON + 13 * DAY
    assert told(contract, "split_proposed") == both(contract)
    sweeping.run(as_of=NOON + 13 * DAY - TICK)
    assert money_of(contract) == HELD
    assert_audit_clean()


def test_client_who_agrees_settles_it_so():
    contract = split_by_talent()

    split = escrow_answers.agree_to_split(split_of(contract), by=client(contract))

    assert split.state == SplitState.ACCEPTED
    assert (read(contract).state, read(contract).to_talent) == (RequestState.AGREED, usd(150))
    assert money_of(contract) == ("$0.00", "$250.00", "$135.00", "$0.00")
    assert told(contract, "escrow_refund_settled") == both(contract)
    assert_audit_clean()


@pytest.mark.parametrize(
    ("proposed", "rest"), [(DAY, 6 * DAY), (6 * DAY, timedelta(hours=48)), (WEEK - TICK, 2 * DAY)]
)
def test_clock_goes_on_after_a_no(proposed, rest):
    contract = asked()
    with clock.at(NOON + proposed):
        propose(contract)
    said_no = NOON + proposed + timedelta(hours=5)

    with clock.at(said_no):
        split = escrow_answers.decline_split(split_of(contract), by=client(contract))

    assert split.state == SplitState.DECLINED
    assert (read(contract).answer_by, read(contract).time_left) == (said_no + rest, None)
    assert told(contract, "split_off") == both(contract)
    sweeping.run(as_of=said_no + rest - TICK)
    assert money_of(contract) == HELD
    sweeping.run(as_of=said_no + rest)
    assert (read(contract).state, money_of(contract)) == (RequestState.LAPSED, RETURNED)
    assert_audit_clean()


def test_clock_goes_on_after_silence_from_when_that_was_over():
    contract = split_by_talent()
    # From Friday noon: the Friday after.
    silent = NOON + DAY + WEEK

    sweeping.run(as_of=silent)

    assert split_of(contract).state == SplitState.LAPSED
    assert read(contract).answer_by == silent + 6 * DAY
    assert told(contract, "split_off") == both(contract)
    assert_audit_clean()


def test_clock_goes_on_after_taking_the_split_back():
    contract = split_by_talent()

    with clock.at(NOON + 2 * DAY):
        split = escrow_answers.take_back_split(split_of(contract), by=talent(contract))

    assert split.state == SplitState.TAKEN_BACK
    assert read(contract).answer_by == NOON + 8 * DAY
    assert_audit_clean()


def test_request_that_escalates_still_does_after_a_split():
    contract = asked_after_work()
    with clock.at(NOON + DAY):
        propose(contract)
    with clock.at(NOON + 2 * DAY):
        escrow_answers.decline_split(split_of(contract), by=client(contract))

    sweeping.run(as_of=NOON + 8 * DAY)

    assert (read(contract).state, money_of(contract)) == (RequestState.ESCALATED, HELD)


def test_sweep_a_month_late_carries_out_both_silences_as_of_their_time():
    contract = split_by_talent()
    lapsed = NOON + DAY + WEEK + 6 * DAY

    sweeping.run(as_of=NOON + 40 * DAY)

    request = read(contract)
    assert (request.state, request.resolved_at) == (RequestState.LAPSED, lapsed)
    assert split_of(contract).closed_at == NOON + DAY + WEEK
    assert money_of(contract) == RETURNED
    # Nobody is told of a deadline that has passed as well.
    assert told(contract, "split_off") == set()
    assert told(contract, "escrow_refund_settled") == both(contract)
    assert_audit_clean()


def test_agreeing_on_the_instant_the_split_is_off_comes_too_late():
    contract = split_by_talent()
    split = split_of(contract)

    with clock.at(split.answer_by), refused(contract, Overtaken, "off the table"):
        escrow_answers.agree_to_split(split, by=client(contract))
    with clock.at(split.answer_by - TICK):
        escrow_answers.agree_to_split(split, by=client(contract))

    assert read(contract).state == RequestState.AGREED


@pytest.mark.parametrize("to_talent", [usd(0), usd(400), usd("400.01"), -usd(1)])
def test_split_is_more_than_nothing_and_less_than_all(to_talent):
    contract = asked()

    with refused(contract, InvalidInput, "above zero and below $400.00") as refusal:
        propose(contract, to_talent)

    assert refusal.value.field == "to_talent"


@pytest.mark.parametrize("to_talent", [usd("0.01"), usd("399.99")])
def test_split_of_a_single_cent_adds_up(to_talent):
    contract = asked()

    split = propose(contract, to_talent)
    escrow_answers.agree_to_split(split, by=client(contract))

    assert split.to_talent + split.to_client == usd(400)
    assert money_of(contract)[0] == "$0.00"
    assert_audit_clean()


def test_second_split_beside_an_open_one_is_refused():
    contract = split_by_talent()

    with clock.at(NOON + DAY), refused(contract, Overtaken, "still open"):
        propose(contract, usd(100))


def test_third_split_is_refused():
    contract = asked()
    for _ in range(2):
        escrow_answers.take_back_split(propose(contract), by=talent(contract))

    with refused(contract, Overtaken, "You proposed 2 splits already"):
        propose(contract)


def test_second_split_that_leaves_support_no_time_is_refused():
    contract = asked()
    with clock.at(NOON + 6 * DAY):
        propose(contract)
    later = NOON + 14 * DAY
    sweeping.run(as_of=later)

    with clock.at(later), refused(contract, Overtaken, "decided by 19 December 2026"):
        propose(contract)


def test_split_sent_twice_is_one():
    contract, key = asked(), once.new_key()

    first, second = propose(contract, key=key), propose(contract, key=key)

    assert first == second
    assert SplitProposal.objects.count() == 1
    with pytest.raises(KeyReused):
        propose(contract, usd(1), key=key)


# A dispute ---------------------------------------------------------------------------------------


def test_disputing_keeps_the_reason_and_the_links_and_turns_silence_round():
    contract = asked_after_work()

    request = escrow_answers.dispute(
        contract, text="  I delivered. ", links=["https://example.com/a"], by=talent(contract)
    )

    said = request.statements.get()
    assert (said.text, said.links) == ("I delivered.", ["https://example.com/a"])
    assert (request.state, request.on_silence) == (RequestState.DISPUTED, OnSilence.CONCEDE)
    assert request.answer_by == NOON + WEEK
    assert told(contract, "escrow_refund_disputed") == both(contract)
    assert money_of(contract) == HELD
    assert_audit_clean()


def test_disputing_takes_ones_open_split_back():
    contract = split_by_talent()

    with clock.at(NOON + 4 * DAY):
        escrow_answers.dispute(contract, text="No answer.", by=talent(contract))

    assert split_of(contract).state == SplitState.TAKEN_BACK
    assert read(contract).answer_by == NOON + 4 * DAY + WEEK
    assert_audit_clean()


def test_client_who_is_silent_pays():
    contract = disputed()

    sweeping.run(as_of=NOON + WEEK - TICK)
    assert money_of(contract) == HELD
    sweeping.run(as_of=NOON + WEEK + 3 * DAY, only="contracts.escrow_requests_pass")

    request, payment = read(contract), Payment.objects.get()
    assert (request.state, request.resolved_at) == (
        RequestState.CONCEDED_BY_SILENCE,
        NOON + WEEK,
    )
    assert (payment.paid_at, payment.available_at) == (NOON + WEEK, NOON + WEEK + 5 * DAY)
    assert money_of(contract) == PAID
    assert told(contract, "escrow_refund_settled") == both(contract)
    assert_audit_clean()


def test_weekend_is_not_counted_for_the_client():
    contract = asked()
    saturday = NOON + 2 * DAY

    with clock.at(saturday):
        request = escrow_answers.dispute(contract, text="No.", by=talent(contract))

    assert request.answer_by == datetime(2026, 11, 30, tzinfo=UTC)


def test_client_is_reminded_three_days_and_one_day_before():
    contract = disputed()
    days = []

    for hours in range(0, 7 * 24, 6):
        sweeping.run(as_of=NOON + timedelta(hours=hours))
        if Notice.objects.filter(kind="contracts.escrow_refund_reminder").count() > len(days):
            days.append(hours / 24)

    assert days == [4, 6]
    assert told(contract, "escrow_refund_reminder") == {contract.client_id}


def test_rejecting_brings_it_to_support_and_nobodys_silence_decides():
    contract = disputed()

    request = escrow_answers.reject(
        contract, text="It never came.", links=["https://example.com/b"], by=client(contract)
    )

    assert (request.state, request.answer_by) == (RequestState.MEDIATING, None)
    assert [(one.kind, one.text) for one in request.statements.all()] == [
        ("dispute", "I delivered."),
        ("rejection", "It never came."),
    ]
    assert told(contract, "escrow_refund_rejected") == both(contract)
    sweeping.run(as_of=NOON + 365 * DAY)
    assert money_of(contract) == HELD
    assert_audit_clean()


def test_rejecting_on_the_instant_comes_too_late():
    contract = disputed()

    with clock.at(NOON + WEEK), refused(contract, Overtaken, "settled already"):
        escrow_answers.reject(contract, text="No.", by=client(contract))


@pytest.mark.parametrize(
    ("make", "name"), [(asked, "dispute"), (disputed, "reject"), (disputed, "add_statement")]
)
@pytest.mark.parametrize("words", ["", " \n"])
def test_saying_nothing_is_refused_at_the_field(make, name, words):
    contract = make()
    by = client(contract) if name == "reject" else talent(contract)

    with refused(contract, InvalidInput, "Say why.") as refusal:
        getattr(escrow_answers, name)(contract, text=words, by=by)

    assert refusal.value.field == "text"


@pytest.mark.parametrize("make", [disputed, escalated, mediating])
def test_disputing_twice_is_told_where_it_stands(make):
    contract = make()

    with refused(contract, Overtaken, "no longer possible"):
        escrow_answers.dispute(contract, text="Again.", by=talent(contract))


def test_both_sides_add_to_what_was_said():
    contract = disputed()

    escrow_answers.add_statement(contract, text="Look.", by=talent(contract))
    said = escrow_answers.add_statement(
        contract, text="Seen.", links=["https://example.com/c"], by=client(contract)
    )

    assert said.actor == client(contract)
    assert [one.text for one in read(contract).statements.all()] == [
        "I delivered.",
        "Look.",
        "Seen.",
    ]
    assert told(contract, "escrow_refund_statement") == both(contract)
    # It is no answer: the client's clock runs on.
    assert read(contract).answer_by == NOON + WEEK


def test_statement_sent_twice_is_one():
    contract, key = mediating(), once.new_key()

    first, second = (
        escrow_answers.add_statement(contract, text="Look.", key=key, by=talent(contract))
        for _ in range(2)
    )

    assert first == second
    assert read(contract).statements.filter(kind="addition").count() == 1


def test_adding_before_anything_is_disputed_is_refused():
    contract = asked()

    with refused(contract, Overtaken, "Nothing is disputed"):
        escrow_answers.add_statement(contract, text="Look.", by=talent(contract))


# Mediation ---------------------------------------------------------------------------------------


def test_support_takes_up_what_silence_brought_to_it():
    contract = escalated()
    by = support()

    request = escrow_answers.mediate(contract, note="We look at it.", by=by)

    assert request.state == RequestState.MEDIATING
    said = request.statements.get()
    assert (said.kind, said.text, said.actor) == ("note", "We look at it.", by)
    assert told(contract, "escrow_refund_mediation") == both(contract)
    assert_audit_clean()


def test_note_of_support_is_read_by_both_and_written_once():
    contract, key, by = escalated(), once.new_key(), support()

    first, second = (
        escrow_answers.write_note(contract, note="Please send the files.", key=key, by=by)
        for _ in range(2)
    )

    assert first == second
    assert told(contract, "escrow_refund_statement") == both(contract)
    assert read(contract).statements.count() == 1


@pytest.mark.parametrize("make", [asked, disputed])
def test_support_does_not_act_on_what_it_does_not_have(make):
    contract, by = make(), support()

    for name, given in {
        "mediate": {"note": "So."},
        "write_note": {"note": "So."},
        "propose_in_mediation": {"to_talent": usd(1), "message": "So."},
        "decide": {"to_talent": usd(1), "because": "So."},
    }.items():
        with refused(contract, Overtaken, ""):
            getattr(escrow_answers, name)(contract, **given, by=by)


@pytest.mark.parametrize(("first", "second"), [(client, talent), (talent, client)])
def test_split_of_support_holds_once_both_sides_agreed(first, second):
    contract = split_by_support()
    split = split_of(contract)

    escrow_answers.agree_to_split(split, by=first(contract))
    assert money_of(contract) == HELD
    assert told(contract, "split_agreed") == both(contract)
    escrow_answers.agree_to_split(split, by=second(contract))

    assert read(contract).state == RequestState.AGREED
    assert money_of(contract) == ("$0.00", "$200.00", "$180.00", "$0.00")
    assert_audit_clean()


@pytest.mark.parametrize("to_talent", [usd(0), usd(400)])
def test_split_of_support_may_give_all_to_one_side(to_talent):
    contract = mediating()
    split = escrow_answers.propose_in_mediation(
        contract, to_talent=to_talent, message="All.", by=support()
    )

    for side in (client, talent):
        escrow_answers.agree_to_split(split, by=side(contract))

    assert money_of(contract) == (PAID if to_talent else RETURNED)
    assert_audit_clean()


def test_agreeing_twice_by_one_side_is_refused():
    contract = split_by_support()
    split = split_of(contract)
    escrow_answers.agree_to_split(split, by=client(contract))

    with refused(contract, Overtaken, "Your side agreed to this split before."):
        escrow_answers.agree_to_split(split, by=member_of(contract.client, Role.MANAGER))


@pytest.mark.parametrize("says_no", [client, talent])
def test_no_of_one_side_ends_supports_split_even_after_it_agreed(says_no):
    contract = split_by_support()
    escrow_answers.agree_to_split(split_of(contract), by=client(contract))

    escrow_answers.decline_split(split_of(contract), by=says_no(contract))

    assert split_of(contract).state == SplitState.DECLINED
    assert (read(contract).state, read(contract).answer_by) == (RequestState.MEDIATING, None)
    assert told(contract, "split_off") == both(contract)
    assert_audit_clean()


def test_supports_split_is_open_for_two_days():
    contract = split_by_support()
    escrow_answers.agree_to_split(split_of(contract), by=client(contract))

    sweeping.run(as_of=NOON + 2 * DAY - TICK)
    assert split_of(contract).is_open
    sweeping.run(as_of=NOON + 2 * DAY)

    assert split_of(contract).state == SplitState.LAPSED
    assert (read(contract).state, money_of(contract)) == (RequestState.MEDIATING, HELD)
    assert_audit_clean()


def test_support_takes_its_split_back_and_proposes_another():
    contract = split_by_support()

    escrow_answers.take_back_split(split_of(contract), by=support())
    escrow_answers.propose_in_mediation(contract, to_talent=usd(100), message="Less.", by=support())

    assert SplitProposal.objects.filter(state=SplitState.OPEN).get().to_talent == usd(100)
    assert_audit_clean()


def test_second_split_of_support_beside_an_open_one_is_refused():
    contract = split_by_support()

    with refused(contract, Overtaken, "open already"):
        escrow_answers.propose_in_mediation(contract, to_talent=usd(1), message="x", by=support())


def test_split_that_would_be_open_after_the_last_day_is_refused():
    contract = mediating()
    last = read(contract).decide_by - 2 * DAY

    with clock.at(last + TICK), refused(contract, Overtaken, "too soon for a split"):
        escrow_answers.propose_in_mediation(contract, to_talent=usd(1), message="x", by=support())
    with clock.at(last):
        escrow_answers.propose_in_mediation(contract, to_talent=usd(1), message="x", by=support())


def test_deciding_waits_for_an_open_split():
    contract = split_by_support()

    with refused(contract, Overtaken, "Take it back first"):
        escrow_answers.decide(contract, to_talent=usd(1), because="So.", by=support())
    with clock.at(NOON + 2 * DAY):
        escrow_answers.decide(contract, to_talent=usd(1), because="So.", by=support())

    assert read(contract).state == RequestState.DECIDED
    assert_audit_clean()


@pytest.mark.parametrize("make", [mediating, taken_up])
@pytest.mark.parametrize(
    ("to_talent", "money"),
    [
        (usd(0), RETURNED),
        (usd("0.01"), ("$0.00", "$399.99", "$0.01", "$0.00")),
        (usd("133.35"), ("$0.00", "$266.65", "$120.01", "$0.00")),
        (usd(400), PAID),
    ],
)
def test_support_decides_with_a_reason_both_read(make, to_talent, money):
    contract = make()
    by = support()

    request = escrow_answers.decide(
        contract, to_talent=to_talent, because="Half of it was done.", by=by
    )

    assert (request.state, request.to_talent) == (RequestState.DECIDED, to_talent)
    assert request.decided_because == "Half of it was done."
    assert money_of(contract) == money
    assert contract.book.history.latest("sequence").actor == by
    assert {
        one.facts["because"]
        for one in Notice.objects.filter(kind="contracts.escrow_refund_settled")
    } == {"Half of it was done."}
    assert_audit_clean()


@pytest.mark.parametrize("to_talent", [usd("400.01"), -usd("0.01")])
def test_decision_that_does_not_add_up_is_refused(to_talent):
    contract = mediating()

    with refused(contract, InvalidInput, "from $0.00 to $400.00") as refusal:
        escrow_answers.decide(contract, to_talent=to_talent, because="So.", by=support())

    assert refusal.value.field == "to_talent"


@pytest.mark.parametrize(
    ("name", "given", "field"),
    [
        ("decide", {"to_talent": usd(1), "because": " "}, "because"),
        ("write_note", {"note": ""}, "note"),
        ("propose_in_mediation", {"to_talent": usd(1), "message": "\n"}, "message"),
    ],
)
def test_support_without_words_is_refused_at_the_field(name, given, field):
    contract = mediating()

    with refused(contract, InvalidInput, "Say why.") as refusal:
        getattr(escrow_answers, name)(contract, **given, by=support())

    assert refusal.value.field == field


def test_taking_up_without_a_note_is_refused():
    contract = escalated()

    with refused(contract, InvalidInput, "Say why."):
        escrow_answers.mediate(contract, note=" ", by=support())


# Silence -----------------------------------------------------------------------------------------


def test_silence_for_a_week_returns_the_escrow():
    contract = asked()

    sweeping.run(as_of=NOON + WEEK - TICK)
    assert money_of(contract) == HELD
    sweeping.run(as_of=NOON + WEEK + 2 * DAY)

    assert (read(contract).state, read(contract).resolved_at) == (RequestState.LAPSED, NOON + WEEK)
    assert money_of(contract) == RETURNED
    assert_audit_clean()


def test_silence_after_submitted_work_leaves_it_to_support():
    contract = escalated()

    assert read(contract).state == RequestState.ESCALATED
    assert money_of(contract) == HELD
    assert told(contract, "escrow_refund_escalated") == both(contract)
    assert_audit_clean()


def test_answer_just_in_time_counts():
    contract = asked()

    with clock.at(NOON + WEEK - TICK):
        escrow_answers.dispute(contract, text="No.", by=talent(contract))

    assert read(contract).state == RequestState.DISPUTED


@pytest.mark.parametrize(
    "answer",
    [
        lambda one: escrow_answers.dispute(one, text="No.", by=talent(one)),
        propose,
        lambda one: escrow_answers.pay_instead(one, by=client(one)),
        lambda one: escrow_answers.let_go(one, by=talent(one)),
    ],
    ids=["dispute", "split", "pay instead", "let go"],
)
def test_answer_on_the_instant_of_the_lapse_comes_too_late(answer):
    contract = asked()

    with clock.at(NOON + WEEK), refused(contract, Overtaken, "settled already"):
        answer(contract)


@pytest.mark.parametrize(
    ("make", "at", "state"),
    [
        (asked, NOON + WEEK, RequestState.LAPSED),
        (disputed, NOON + WEEK, RequestState.CONCEDED_BY_SILENCE),
        (split_by_talent, NOON + 14 * DAY, RequestState.LAPSED),
    ],
)
def test_silence_is_carried_out_by_whatever_comes_first(make, at, state):
    contract = make()

    with clock.at(at):
        messages.write(contract, text="Hello?", key="", by=client(contract))

    assert read(contract).state == state
    assert_audit_clean()


def test_talent_is_reminded_on_days_3_5_and_6():
    contract = asked()
    days = []

    for hours in range(0, 7 * 24, 6):
        sweeping.run(as_of=NOON + timedelta(hours=hours))
        if Notice.objects.filter(kind="contracts.escrow_refund_reminder").count() > len(days):
            days.append(hours / 24)

    assert days == [3, 5, 6]
    assert told(contract, "escrow_refund_reminder") == {contract.talent_id}


def test_nobody_is_reminded_while_the_talents_time_stands_still():
    contract = asked()
    with clock.at(NOON + DAY):
        propose(contract)

    sweeping.run(as_of=NOON + DAY + WEEK - TICK)

    assert told(contract, "escrow_refund_reminder") == set()


# Who ---------------------------------------------------------------------------------------------

OF_TALENT = ("client owner", "client member", "talent member", "stranger", "support")
OF_CLIENT = ("talent owner", "talent member", "client member", "stranger", "support")
OF_BOTH = ("talent member", "client member", "stranger", "support")
OF_SUPPORT = ("talent owner", "client owner", "client manager", "stranger")
WRONG = {
    "let_go": (asked, OF_TALENT, {}),
    "propose_split": (asked, OF_TALENT, {"to_talent": usd(999), "message": ""}),
    "dispute": (asked, OF_TALENT, {"text": ""}),
    "pay_instead": (asked, OF_CLIENT, {}),
    "reject": (disputed, OF_CLIENT, {"text": ""}),
    "add_statement": (disputed, OF_BOTH, {"text": ""}),
    "mediate": (escalated, OF_SUPPORT, {"note": ""}),
    "write_note": (escalated, OF_SUPPORT, {"note": ""}),
    "propose_in_mediation": (mediating, OF_SUPPORT, {"to_talent": usd(999), "message": ""}),
    "decide": (mediating, OF_SUPPORT, {"to_talent": usd(999), "because": ""}),
}


def person(who: str, contract: Contract) -> Actor:
    return {
        "client owner": lambda: owner_of(contract.client),
        "client manager": lambda: member_of(contract.client, Role.MANAGER),
        "client member": lambda: member_of(contract.client),
        "talent owner": lambda: owner_of(contract.talent),
        "talent member": lambda: member_of(contract.talent),
        "stranger": lambda: owner_of(active().client),
        "support": support,
    }[who]()


@pytest.mark.parametrize(("name", "who"), [(one, who) for one in WRONG for who in WRONG[one][1]])
def test_answer_of_somebody_else_changes_nothing(name, who):
    make, _, given = WRONG[name]
    contract = make()
    by = person(who, contract)

    with refused(contract, NotYours, "nly"):
        getattr(escrow_answers, name)(contract, **given, by=by)


@pytest.mark.parametrize(
    ("make", "name", "who"),
    [
        *((split_by_talent, "agree_to_split", who) for who in OF_CLIENT),
        *((split_by_talent, "decline_split", who) for who in OF_CLIENT),
        *((split_by_talent, "take_back_split", who) for who in OF_TALENT),
        *((split_by_support, "agree_to_split", who) for who in OF_BOTH),
        *((split_by_support, "decline_split", who) for who in OF_BOTH),
        *((split_by_support, "take_back_split", who) for who in OF_SUPPORT),
    ],
)
def test_split_answered_by_somebody_else_stays_open(make, name, who):
    contract = make()
    by = person(who, contract)

    with clock.at(NOON + DAY), refused(contract, NotYours, "nly"):
        getattr(escrow_answers, name)(split_of(contract), by=by)


def test_split_of_a_request_that_was_settled_otherwise_is_off_the_table():
    contract = split_by_talent()
    split = split_of(contract)
    escrow_answers.let_go(contract, by=talent(contract))

    for name, by in {
        "agree_to_split": client(contract),
        "decline_split": client(contract),
        "take_back_split": talent(contract),
    }.items():
        with refused(contract, Overtaken, "off the table"):
            getattr(escrow_answers, name)(split, by=by)
