"""Locks are taken in one order, inside a transaction."""

from __future__ import annotations

import pytest
from django.db import transaction

from marketplace import locks
from marketplace.models import Party
from marketplace.models.history import Rank
from tests.factories import PartyFactory


def only(party):
    return Party.objects.filter(pk=party.pk)


@pytest.mark.django_db
def test_lock_of_lower_rank_after_a_higher_one_raises():
    first, second = PartyFactory(), PartyFactory()
    with transaction.atomic():
        locks.row(only(first), Rank.BOOK)
        with pytest.raises(locks.LockOrderBroken, match="CONTRACT after BOOK"):
            locks.row(only(second), Rank.CONTRACT)


@pytest.mark.django_db
def test_locks_in_order_and_of_one_rank_are_fine():
    parties = [PartyFactory() for _ in range(4)]
    with transaction.atomic():
        for party, rank in zip(
            parties, (Rank.PARTY, Rank.CONTRACT, Rank.CONTRACT, Rank.ACCOUNT), strict=True
        ):
            assert locks.rows(only(party), rank) == [party]


@pytest.mark.django_db
def test_row_that_is_held_may_be_locked_again():
    first, second = PartyFactory(), PartyFactory()
    with transaction.atomic():
        locks.row(only(first), Rank.CONTRACT)
        locks.row(only(second), Rank.BOOK)

        assert locks.row(only(first), Rank.CONTRACT) == first


@pytest.mark.django_db
def test_next_transaction_starts_over():
    first, second = PartyFactory(), PartyFactory()
    with transaction.atomic():
        locks.row(only(first), Rank.ACCOUNT)
    with transaction.atomic():
        assert locks.row(only(second), Rank.PARTY) == second


@pytest.mark.django_db(transaction=True)
def test_next_real_transaction_starts_over_after_a_rollback():
    first, second = PartyFactory(), PartyFactory()
    with transaction.atomic():
        locks.row(only(first), Rank.ACCOUNT)
        transaction.set_rollback(True)
    with transaction.atomic():
        assert locks.free_rows(only(second), Rank.PARTY) == [second]


@pytest.mark.django_db
def test_savepoint_inside_a_transaction_keeps_the_order():
    first, second = PartyFactory(), PartyFactory()
    with transaction.atomic():
        with transaction.atomic():
            locks.row(only(first), Rank.BOOK)
        with pytest.raises(locks.LockOrderBroken):
            locks.row(only(second), Rank.PARTY)


@pytest.mark.django_db
def test_lock_outside_a_transaction_raises():
    with pytest.raises(locks.LockOrderBroken, match="without a transaction"):
        locks.rows(Party.objects.all(), Rank.PARTY)
