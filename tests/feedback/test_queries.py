from datetime import timedelta

import pytest

from contracts import bonuses
from contracts.states import Side
from feedback import queries
from feedback.queries import Reputation, Stage
from marketplace import clock, once
from marketplace.money import Money
from payments import refunds
from payments.models import Payment
from tests.factories import (
    NOON,
    FreelancerFactory,
    PartyFactory,
    charge,
    member_of,
    owner_of,
    usd,
)
from tests.feedback.ended import (
    CLOSES,
    JUST_BEFORE,
    active_contract,
    ended_contract,
    give,
    unpaid_ended_contract,
)

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def standing(contract, side, at=NOON, by=None):
    with clock.at(at):
        return queries.standing(contract, by or owner_of(contract.party(side)))


def history(party, at=CLOSES, **position):
    with clock.at(at):
        return queries.work_history(party, **position)


def refund(contract, left):
    """Give back the contract's payment, less what is left."""
    payment = Payment.objects.get(book=contract.book_id)
    with clock.at(NOON):
        refunds.give(
            payment,
            amount=payment.gross - left,
            reason="",
            key=once.new_key(),
            by=owner_of(contract.talent),
        )


def test_standing_before_the_end():
    with clock.at(NOON):
        contract = active_contract()
    assert standing(contract, Side.CLIENT).stage == Stage.NOT_ENDED


def test_standing_open():
    contract = ended_contract()
    now = standing(contract, Side.CLIENT)
    assert now.stage == Stage.OPEN
    assert now.writes
    assert (now.own, now.other) == (contract.client, contract.talent)


def test_standing_sealed_for_the_side_that_gave_and_open_for_the_other():
    contract = ended_contract()
    given = give(contract, Side.CLIENT)
    last = CLOSES - JUST_BEFORE
    assert standing(contract, Side.CLIENT, last).stage == Stage.SEALED
    assert standing(contract, Side.CLIENT, last).mine == given
    assert standing(contract, Side.TALENT, last).stage == Stage.OPEN
    assert standing(contract, Side.TALENT, last).theirs is None


def test_standing_of_a_member_tells_nothing_while_sealed():
    contract = ended_contract()
    give(contract, Side.CLIENT)
    now = standing(contract, Side.CLIENT, by=member_of(contract.client))
    assert now.stage == Stage.OPEN
    assert now.mine is None
    assert not now.writes


def test_standing_revealed_once_both_gave():
    contract = ended_contract()
    mine, theirs = give(contract, Side.CLIENT), give(contract, Side.TALENT)
    now = standing(contract, Side.CLIENT)
    assert (now.stage, now.mine, now.theirs) == (Stage.REVEALED, mine, theirs)
    member = standing(contract, Side.CLIENT, by=member_of(contract.client))
    assert (member.mine, member.theirs) == (mine, theirs)


def test_standing_revealed_at_the_close_for_a_lone_one():
    contract = ended_contract()
    given = give(contract, Side.CLIENT)
    now = standing(contract, Side.TALENT, CLOSES)
    assert (now.stage, now.mine, now.theirs) == (Stage.REVEALED, None, given)


def test_standing_closed_with_nothing():
    assert standing(ended_contract(), Side.CLIENT, CLOSES).stage == Stage.NOTHING


def test_standing_takes_one_query(django_assert_num_queries):
    contract = ended_contract()
    by = owner_of(contract.talent)
    with clock.at(NOON):
        with django_assert_num_queries(1):
            queries.standing(contract, by)
        give(contract, Side.CLIENT)
        with django_assert_num_queries(1):
            queries.standing(contract, by)
        give(contract, Side.TALENT)
        with django_assert_num_queries(1):
            queries.standing(contract, by)


def test_work_history_shows_what_was_revealed_and_no_more():
    contract = ended_contract()
    given = give(contract, Side.CLIENT, stars=4)
    assert history(contract.talent, CLOSES - JUST_BEFORE).entries == []
    assert history(contract.talent, CLOSES - JUST_BEFORE).reputation == Reputation(0, None)
    assert history(contract.talent, CLOSES).entries == [given]
    assert history(contract.talent, CLOSES).reputation == Reputation(1, 40)


def test_work_history_of_each_side_holds_what_the_other_gave():
    contract = ended_contract()
    by_client, by_talent = give(contract, Side.CLIENT), give(contract, Side.TALENT)
    assert history(contract.client, NOON).entries == [by_talent]
    assert history(contract.talent, NOON).entries == [by_client]


def test_work_history_averages_half_up_to_a_tenth():
    talent = FreelancerFactory()
    for stars in (5, 5, 4, 4):
        give(ended_contract(talent=talent), Side.CLIENT, stars=stars)
    give(ended_contract(talent=talent), Side.CLIENT, stars=3)
    reputation = history(talent).reputation
    assert reputation == Reputation(5, 42)
    assert reputation.mean == "4.2"


def test_work_history_leaves_out_what_was_not_paid():
    contract = unpaid_ended_contract()
    give(contract, Side.CLIENT)
    assert history(contract.talent).entries == []
    with clock.at(NOON):
        assert queries.hidden_because(contract) == "less than $1.00 was paid on this contract"


def test_work_history_leaves_out_what_was_refunded_in_full():
    contract = ended_contract()
    give(contract, Side.CLIENT)
    assert len(history(contract.talent).entries) == 1
    refund(contract, usd(0))
    assert history(contract.talent).entries == []
    assert history(contract.talent).reputation == Reputation(0, None)
    assert contract.feedback.count() == 1
    because = "everything that was paid on this contract was refunded"
    assert queries.hidden_because(contract) == because


@pytest.mark.parametrize(("left", "public"), [("1", True), ("0.99", False)])
def test_work_history_needs_one_dollar_paid_and_kept(left, public):
    contract = ended_contract()
    give(contract, Side.CLIENT)
    refund(contract, usd(left))
    assert bool(history(contract.talent).entries) is public
    assert (queries.hidden_because(contract) == "") is public


def give_bonus(contract, amount):
    charge(contract.book, amount)
    with clock.at(NOON):
        by = owner_of(contract.client)
        bonuses.give(contract, amount=amount, note="", method="", key=once.new_key(), by=by)


def refund_all(contract):
    for payment in Payment.objects.filter(book=contract.book_id):
        with clock.at(NOON):
            by = owner_of(contract.talent)
            refunds.give(payment, amount=payment.gross, reason="", key=once.new_key(), by=by)


def test_work_history_counts_a_bonus_as_paid():
    contract = unpaid_ended_contract()
    give(contract, Side.CLIENT)

    give_bonus(contract, usd(1))

    assert len(history(contract.talent).entries) == 1
    assert queries.hidden_because(contract) == ""


def test_work_history_keeps_what_a_bonus_paid_beside_a_refund_in_full():
    contract = ended_contract()
    give(contract, Side.CLIENT)
    give_bonus(contract, usd(1))
    milestone = Payment.objects.get(book=contract.book_id, kind="release")

    with clock.at(NOON):
        by = owner_of(contract.talent)
        refunds.give(milestone, amount=milestone.gross, reason="", key="", by=by)

    assert len(history(contract.talent).entries) == 1
    assert queries.hidden_because(contract) == ""


def test_work_history_leaves_out_what_was_refunded_with_its_bonus():
    contract = ended_contract()
    give(contract, Side.CLIENT)
    give_bonus(contract, usd(5))

    refund_all(contract)

    assert history(contract.talent).entries == []
    assert contract.feedback.count() == 1
    because = "everything that was paid on this contract was refunded"
    assert queries.hidden_because(contract) == because


def test_work_history_leaves_out_a_bonus_refunded_to_less_than_one_dollar():
    contract = unpaid_ended_contract()
    give(contract, Side.CLIENT)
    give_bonus(contract, usd(2))

    refund(contract, usd("0.99"))

    assert history(contract.talent).entries == []
    assert queries.hidden_because(contract) == "less than $1.00 was paid on this contract"


def test_work_history_pages_both_ways(monkeypatch):
    monkeypatch.setattr(queries, "PAGE", 2)
    talent = FreelancerFactory()
    given = [give(ended_contract(talent=talent), Side.CLIENT) for _ in range(5)][::-1]
    first = history(talent)
    assert (first.entries, first.newer) == (given[:2], "")
    second = history(talent, before=first.older)
    assert second.entries == given[2:4]
    last = history(talent, before=second.older)
    assert (last.entries, last.older) == (given[4:], "")
    assert history(talent, after=last.newer).entries == given[2:4]
    assert history(talent, after=second.newer).entries == given[:2]
    assert history(talent, after=second.newer).newer == ""


@pytest.mark.parametrize(
    "position", ["", "x", "2026-11-19_1", "_", "2026-12-04T00:00:00+00:00_x", "9" * 99]
)
def test_work_history_from_a_position_that_is_none_starts_at_the_top(position):
    contract = ended_contract()
    given = give(contract, Side.CLIENT)
    assert history(contract.talent, before=position).entries == [given]


def test_work_history_from_a_row_no_database_holds():
    contract = ended_contract()
    given = give(contract, Side.CLIENT)
    position = f"{CLOSES.isoformat()}_{'9' * 30}"
    assert history(contract.talent, before=position).entries == [given]


def test_work_history_takes_two_queries_for_one_and_three_rows(django_assert_num_queries):
    talent = FreelancerFactory()
    give(ended_contract(talent=talent), Side.CLIENT)
    with django_assert_num_queries(2):
        assert len(history(talent).entries) == 1
    for _ in range(2):
        give(ended_contract(talent=talent), Side.CLIENT)
    with django_assert_num_queries(2):
        assert [one.contract.title for one in history(talent).entries] == ["Annual report"] * 3


def test_work_history_of_somebody_else_is_not_touched():
    give(ended_contract(), Side.CLIENT)
    assert history(FreelancerFactory()).entries == []
    assert history(PartyFactory()).entries == []


def test_hidden_because_is_empty_when_enough_was_paid():
    contract = ended_contract(amount=Money(500))
    assert queries.hidden_because(contract) == ""
