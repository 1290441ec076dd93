"""The set forms of the transition door: rows of several aggregates, written together."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from contracts.models import Contract, Week
from contracts.states import ContractState, WeekState
from marketplace import bulk, clock, transitions
from marketplace.actors import PLATFORM
from marketplace.refusals import NotYours, Overtaken
from tests.factories import NOON, hourly, offered, owner_of, recorded, usd

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon():
    with clock.at(NOON):
        yield


def worked() -> Contract:
    contract = hourly()
    with clock.at(NOON + timedelta(hours=1)):
        recorded(contract, NOON, 60)
    return contract


def invoice(changes: transitions.Changes, week: Week) -> None:
    changes.move(
        week, "invoice", minutes=60, amount=usd(60), review_until=week.bills_at, at=week.bills_at
    )


def history(contract: Contract) -> list[tuple[int, str, str]]:
    rows = contract.history.order_by("sequence")
    return list(rows.values_list("sequence", "transition", "target"))


def test_changes_of_several_aggregates_are_written_together():
    before = {one.pk: one.version for one in (worked(), worked())}
    with transaction.atomic():
        entered = transitions.enter_all(Contract, before)
        changes = transitions.Changes(by=PLATFORM)
        for contract in entered:
            changes.move(contract.open_weeks[0], "close_empty", reason="Nothing.")
        entered[0].charge_method = "other"
        changes.also(entered[0], "charge_method")
        assert set(Week.objects.values_list("state", flat=True)) == {WeekState.OPEN}
        changes.write()

    assert set(Week.objects.values_list("state", flat=True)) == {WeekState.NOTHING}
    for contract in Contract.objects.order_by("pk"):
        assert contract.version == len(history(contract))
        assert history(contract)[-1] == (contract.version, "close_empty", "nothing")
        assert contract.history.latest("sequence").reason == "Nothing."
    methods = Contract.objects.order_by("pk").values_list("charge_method", flat=True)
    assert list(methods) == ["other", "accepts"]


def test_several_moves_of_one_row_count_on():
    contract = worked()
    with transaction.atomic():
        (contract,) = transitions.enter_all(Contract, [contract.pk])
        changes = transitions.Changes(by=PLATFORM)
        (week,) = contract.open_weeks
        invoice(changes, week)
        changes.move(week, "fail", at=NOON)
        changes.write()

    assert [name for _, name, _ in history(contract)[-2:]] == ["invoice", "fail"]
    assert Week.objects.get().state == WeekState.UNPAID


def test_written_row_can_be_saved_afterwards():
    contract = worked()
    with transaction.atomic():
        (contract,) = transitions.enter_all(Contract, [contract.pk])
        changes = transitions.Changes(by=PLATFORM)
        (week,) = contract.open_weeks
        invoice(changes, week)
        changes.write()
        week.reversed_minutes = 10
        week.save(update_fields=["reversed_minutes"])

    assert Week.objects.get().reversed_minutes == 10


def test_changes_refuse_as_a_single_move_does():
    contract = worked()
    with transaction.atomic():
        (contract,) = transitions.enter_all(Contract, [contract.pk])
        (week,) = contract.open_weeks
        with pytest.raises(NotYours):
            transitions.Changes(by=owner_of(contract.talent)).move(week, "close_empty")
        with pytest.raises(Overtaken):
            transitions.Changes(by=PLATFORM).move(week, "fail", at=NOON)

    assert Week.objects.get().state == WeekState.OPEN


def test_nothing_collected_writes_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        transitions.Changes(by=PLATFORM).write()


def test_entering_many_locks_them_in_order_and_carries_out_what_is_due():
    ids = [worked().pk for _ in range(3)]
    with clock.at(NOON + timedelta(days=4)), transaction.atomic():
        entered = transitions.enter_all(Contract, reversed(ids))

    assert [one.pk for one in entered] == ids
    assert {week.state for one in entered for week in one.open_weeks} == {WeekState.INVOICED}


def test_entering_nothing_is_quiet():
    with transaction.atomic():
        assert transitions.enter_all(Contract, []) == []


def test_entering_one_offer_of_a_set_expires_it():
    contract = offered()
    with clock.at(NOON + timedelta(days=7)), transaction.atomic():
        (contract,) = transitions.enter_all(Contract, [contract.pk], free=True)

    assert contract.state == ContractState.EXPIRED


def test_bulk_update_saves_each_rows_own_values_and_no_other_field():
    first, second = worked(), worked()
    first.title, first.hold_since = "One", NOON
    second.title, second.hold_since = "It's 50 %", None
    first.description = "not saved"

    bulk.update([first, second], ["title", "hold_since", "title"])

    found = Contract.objects.order_by("pk").values_list("title", "hold_since", "description")
    assert list(found) == [("One", NOON, ""), ("It's 50 %", None, "")]


def test_bulk_update_takes_a_keys_attribute_name():
    contract, other = worked(), worked()
    contract.talent_id = other.talent_id

    bulk.update([contract], ["talent_id"])

    assert Contract.objects.get(pk=contract.pk).talent == other.talent


def test_bulk_update_of_no_rows_asks_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        bulk.update([], ["title"])
