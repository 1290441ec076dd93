"""Chargebacks: what the bank took, from where it was taken here, and what it decided."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from contracts import owing
from marketplace import auditing, clock, sweeping
from marketplace.actors import Actor
from marketplace.models import Notice
from marketplace.notices import KINDS, text_of
from marketplace.refusals import InvalidInput, NotYours, Overtaken, Refused
from payments import chargebacks, refunds
from payments.gateways import sandbox
from payments.gateways.base import Dispute
from payments.models import Chargeback, Entry, GatewayOperation
from payments.states import ChargebackState, EntryKind, OperationState
from tests.factories import (
    NOON,
    StaffFactory,
    active,
    add_milestone,
    approve,
    fund,
    milestone_of,
    owner_of,
    reread,
    usd,
)
from tests.factories import charge as charge_book

pytestmark = pytest.mark.django_db

EVIDENCE = NOON + timedelta(days=7)


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


@pytest.fixture
def contract():
    """$500.00 were charged for its milestone, and are in escrow."""
    contract = active(usd(500))
    fund(milestone_of(contract))
    return contract


@pytest.fixture
def charge(contract) -> GatewayOperation:
    return GatewayOperation.objects.get(book=contract.book_id)


def told(charge, state=ChargebackState.OPEN, reference="dp_1", **values) -> Dispute:
    given = {"amount": charge.amount, "because": "Fraudulent", "evidence_due_at": EVIDENCE}
    return Dispute(
        reference=reference, key=charge.key, state=state, opened_at=NOON, **{**given, **values}
    )


def take(charge, state=ChargebackState.OPEN, **values) -> Chargeback:
    taken = chargebacks.take(told(charge, state, **values), gateway="sandbox")
    assert taken is not None
    return Chargeback.objects.get(pk=taken.pk)


def into_credit(contract) -> None:
    """The talent refunds $100.00 of the $500.00 that were paid."""
    payment = approve(milestone_of(contract))
    talent = owner_of(contract.talent)
    refunds.give(payment, amount=usd(100), reason="", key="", by=talent)


def notices_of(party) -> list[str]:
    rows = Notice.objects.filter(party=party, kind__startswith="payments.chargeback")
    return list(rows.order_by("pk").values_list("kind", flat=True))


def moves(entry: Entry) -> list[tuple[str, str, str]]:
    transfers = entry.transfers.select_related("debit", "credit").order_by("pk")
    return [(one.debit.kind, one.credit.kind, str(one.amount)) for one in transfers]


def assert_clean() -> None:
    report = auditing.run()
    assert report.clean, str(report)


def support() -> Actor:
    return Actor.support(StaffFactory())


def test_taken_comes_out_of_credit_first_and_never_out_of_escrow(contract, charge):
    into_credit(contract)

    chargeback = take(charge)

    assert chargeback.state == ChargebackState.OPEN
    assert (chargeback.from_credit, chargeback.from_operator) == (usd(100), usd(400))
    assert chargeback.entry.kind == EntryKind.CHARGEBACK
    assert moves(chargeback.entry) == [
        ("credit", "outside", "$100.00"),
        ("fees", "outside", "$400.00"),
    ]
    assert chargeback.evidence_due_at == EVIDENCE
    assert reread(contract.book).credit == usd(0)
    assert_clean()


def test_taken_leaves_escrow_and_the_talent_alone(contract, charge):
    chargeback = take(charge)

    book = reread(contract.book)
    assert book.escrow == usd(500)
    assert (chargeback.from_credit, chargeback.from_operator) == (usd(0), usd(500))
    assert chargeback.entry.client is None
    assert notices_of(contract.client) == ["payments.chargeback_opened"]
    assert notices_of(contract.talent) == []
    assert_clean()


def test_taken_twice_is_taken_once(contract, charge):
    first, second = take(charge), take(charge)

    assert first == second
    assert Chargeback.objects.count() == 1
    assert Entry.objects.filter(kind=EntryKind.CHARGEBACK).count() == 1
    assert notices_of(contract.client) == ["payments.chargeback_opened"]


def test_taken_again_keeps_the_newest_day_of_evidence(charge):
    take(charge)

    later = take(charge, evidence_due_at=EVIDENCE + timedelta(days=2))

    assert later.evidence_due_at == EVIDENCE + timedelta(days=2)


def test_won_brings_back_each_part_to_where_it_was(contract, charge):
    into_credit(contract)
    take(charge)

    chargeback = take(charge, ChargebackState.WON)

    assert chargeback.state == ChargebackState.WON
    assert chargeback.decided_at == NOON
    assert moves(chargeback.back_entry) == [
        ("outside", "credit", "$100.00"),
        ("outside", "fees", "$400.00"),
    ]
    assert reread(contract.book).credit == usd(100)
    assert notices_of(contract.client) == ["payments.chargeback_opened", "payments.chargeback_won"]
    assert not chargebacks.blocks(contract.client)
    assert_clean()


def test_won_told_before_it_was_opened_is_one_chargeback(contract, charge):
    won = take(charge, ChargebackState.WON)
    again = take(charge, ChargebackState.OPEN)

    assert won == again
    assert again.state == ChargebackState.WON
    assert Entry.objects.filter(kind=EntryKind.CHARGEBACK).count() == 2
    assert [row.transition for row in contract.book.history.filter(row_label="chargeback")] == [
        "create",
        "win",
    ]
    assert notices_of(contract.client) == ["payments.chargeback_won"]
    assert_clean()


def test_lost_stays_taken(contract, charge):
    take(charge)

    chargeback = take(charge, ChargebackState.LOST)
    take(charge, ChargebackState.LOST)

    assert chargeback.state == ChargebackState.LOST
    assert chargeback.back_entry is None
    assert notices_of(contract.client) == [
        "payments.chargeback_opened",
        "payments.chargeback_lost",
    ]
    assert_clean()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (ChargebackState.WON, ChargebackState.LOST),
        (ChargebackState.LOST, ChargebackState.WON),
    ],
)
def test_decided_the_other_way_later_changes_nothing_and_is_logged(charge, caplog, first, second):
    take(charge, first)
    entries = Entry.objects.count()

    with caplog.at_level(logging.ERROR):
        chargeback = take(charge, second)

    assert chargeback.state == first
    assert Entry.objects.count() == entries
    assert "is now contradicted" in caplog.text


def test_lost_after_it_was_written_off_is_quiet(charge, caplog):
    chargebacks.write_off(take(charge, ChargebackState.LOST), because="Settled.", by=support())

    with caplog.at_level(logging.ERROR):
        chargeback = take(charge, ChargebackState.LOST)

    assert chargeback.state == ChargebackState.WRITTEN_OFF
    assert not caplog.text


def test_dispute_of_a_charge_that_is_none_of_ours_is_left_alone(charge, caplog):
    dispute = told(charge)
    stranger = Dispute("dp_2", "another", usd(5), dispute.state, "", NOON)

    assert chargebacks.take(stranger, gateway="sandbox") is None
    assert chargebacks.take(dispute, gateway="stripe") is None

    assert not Chargeback.objects.exists()
    assert "is of no charge of ours" in caplog.text


def test_dispute_of_a_charge_that_we_did_not_hear_of_settles_it_first():
    contract = active(usd(500))
    fund(milestone_of(contract), sandbox.TIMES_OUT)
    charge = GatewayOperation.objects.get()
    assert charge.is_open

    take(charge)

    charge.refresh_from_db(fields=["settled_at"])
    assert charge.settled_at == NOON
    assert reread(contract.book).escrow == usd(500)


def test_dispute_of_a_charge_without_an_answer_is_told_again():
    contract = active(usd(500))
    fund(milestone_of(contract), sandbox.NEVER_ANSWERS)
    charge = GatewayOperation.objects.get()

    with pytest.raises(chargebacks.TooEarly):
        take(charge)

    assert not Chargeback.objects.exists()


def test_dispute_of_a_declined_charge_is_logged(caplog):
    contract = active(usd(500))
    with pytest.raises(Refused):
        fund(milestone_of(contract), sandbox.DECLINES)
    charge = GatewayOperation.objects.get()

    assert chargebacks.take(told(charge), gateway="sandbox") is None

    assert charge.state == OperationState.DECLINED
    assert "is of a charge that was declined" in caplog.text


def test_two_disputes_of_one_charge_are_two_chargebacks(contract, charge):
    take(charge, amount=usd(200))
    take(charge, amount=usd(300), reference="dp_2")

    amounts = Chargeback.objects.order_by("pk").values_list("amount_minor", flat=True)
    assert list(amounts) == [20_000, 30_000]
    assert_clean()


# What follows for the client ---------------------------------------------------------------------


SENTENCE = (
    "Your bank took back a charge for {title}, and $500.00 of it is not covered. Ask your bank to"
    " take the dispute back, or write to support; then you can make offers and fund milestones"
    " again."
)


@pytest.mark.parametrize("state", [ChargebackState.OPEN, ChargebackState.LOST])
def test_client_cannot_fund_while_a_part_is_not_covered(contract, charge, state):
    approve(milestone_of(contract))
    more = add_milestone(contract, usd(50))
    take(charge, state)

    with pytest.raises(Refused) as refused:
        fund(more)

    assert refused.value.sentence == SENTENCE.format(title=contract.title)
    assert owing.client_owes(contract.client)
    assert not owing.client_owes(contract.talent)
    assert GatewayOperation.objects.count() == 1


def test_client_can_fund_when_credit_covered_it(contract, charge):
    into_credit(contract)

    take(charge, amount=usd(100))

    assert not chargebacks.blocks(contract.client)
    assert not owing.client_owes(contract.client)


# Writing off --------------------------------------------------------------------------------------


def test_written_off_frees_the_client_and_tells_why(contract, charge):
    lost = take(charge, ChargebackState.LOST)
    entries = Entry.objects.count()

    written = chargebacks.write_off(lost, because=" They paid by transfer. ", by=support())

    assert written.state == ChargebackState.WRITTEN_OFF
    assert not chargebacks.blocks(contract.client)
    assert Entry.objects.count() == entries
    assert notices_of(contract.client)[-1] == "payments.chargeback_written_off"
    last = contract.book.history.latest("sequence")
    assert (last.transition, last.reason) == ("write_off", "They paid by transfer.")
    assert_clean()


def test_write_off_refuses_a_client(contract, charge):
    lost = take(charge, ChargebackState.LOST)

    with pytest.raises(NotYours):
        chargebacks.write_off(lost, because="Please.", by=owner_of(contract.client))

    assert Chargeback.objects.get().state == ChargebackState.LOST


def test_write_off_refuses_without_a_reason(charge):
    lost = take(charge, ChargebackState.LOST)

    with pytest.raises(InvalidInput) as refused:
        chargebacks.write_off(lost, because="  ", by=support())

    assert refused.value.field == "because"
    assert Chargeback.objects.get().state == ChargebackState.LOST


def test_write_off_waits_for_the_bank(charge):
    with pytest.raises(Overtaken):
        chargebacks.write_off(take(charge), because="Enough.", by=support())

    assert Chargeback.objects.get().state == ChargebackState.OPEN


# The sandbox --------------------------------------------------------------------------------------


def test_sandbox_card_is_disputed_a_day_later_and_lost_a_week_after_that():
    contract = active(usd(500))
    fund(milestone_of(contract), sandbox.DISPUTED)
    opened = NOON + sandbox.DISPUTED_AFTER
    decided = opened + sandbox.DECIDED_AFTER

    def state_at(moment) -> str | None:
        sweeping.run(as_of=moment, only="payments.sandbox_reports")
        return Chargeback.objects.values_list("state", flat=True).first()

    assert state_at(opened - timedelta(seconds=1)) is None
    assert state_at(opened) == ChargebackState.OPEN
    assert state_at(decided - timedelta(seconds=1)) == ChargebackState.OPEN
    assert state_at(decided) == ChargebackState.LOST
    assert state_at(decided + timedelta(days=30)) == ChargebackState.LOST
    chargeback = Chargeback.objects.get()
    assert chargeback.because == sandbox.BANKS_REASON
    assert sandbox.came_in("USD") == usd(0)
    assert_clean()


# What the client reads ----------------------------------------------------------------------------


def _scene(state=ChargebackState.OPEN, *, covered: str = "", written_off: bool = False) -> None:
    contract = active(usd(500))
    fund(milestone_of(contract))
    charge = GatewayOperation.objects.get(book=contract.book_id)
    if covered:
        charge_book(contract.book, usd(covered))
    chargeback = take(charge, state)
    if written_off:
        chargebacks.write_off(chargeback, because="They paid by transfer.", by=support())


SCENES = {
    "chargeback_opened": [_scene, lambda: _scene(covered="20"), lambda: _scene(covered="500")],
    "chargeback_won": [
        lambda: _scene(ChargebackState.WON),
        lambda: _scene(ChargebackState.WON, covered="20"),
        lambda: _scene(ChargebackState.WON, covered="500"),
    ],
    "chargeback_lost": [
        lambda: _scene(ChargebackState.LOST),
        lambda: _scene(ChargebackState.LOST, covered="20"),
        lambda: _scene(ChargebackState.LOST, covered="500"),
    ],
    "chargeback_written_off": [
        lambda: _scene(ChargebackState.LOST, written_off=True),
        lambda: _scene(ChargebackState.LOST, covered="500", written_off=True),
    ],
}


def test_every_kind_of_notice_has_its_scene():
    declared = {code.partition(".")[2] for code in KINDS if code.startswith("payments.chargeback")}

    assert declared == set(SCENES)


@pytest.mark.parametrize(
    ("name", "number"), [(name, number) for name in SCENES for number in range(len(SCENES[name]))]
)
def test_notice_reads_well(name, number):
    SCENES[name][number]()

    for notice in Notice.objects.filter(kind=f"payments.{name}").select_related("party"):
        text = text_of(notice)
        words = " ".join([text.title, *text.paragraphs])
        assert text.title
        for mistake in ("None", "{{", "{%", " ,", " .", "..", "()", "$0.00"):
            assert mistake not in words, words
    assert Notice.objects.filter(kind=f"payments.{name}").exists()


def test_opened_says_what_happened_and_what_follows():
    _scene(covered="20")

    told = Notice.objects.select_related("party").get(kind="payments.chargeback_opened")
    text = text_of(told)
    assert text.title.startswith("Your bank took $500.00 back: ")
    assert "$20.00 came out of your credit. $480.00 is not covered" in text.paragraphs[1]
    assert "you can make no offers and fund nothing" in text.paragraphs[1]
    assert "What is in escrow, and what was paid, stays as it is." in text.paragraphs[1]
