"""Who works on a contract: assignments of the talent's people, by its owners and managers."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet

from contracts import notices, positions, rules, timers
from contracts.models import Assignment, Contract
from marketplace import clock, transitions
from marketplace.actors import Actor
from marketplace.models import Membership
from marketplace.refusals import InvalidInput, Overtaken


def current(contract: Contract) -> list[Assignment]:
    """Who works on it now, in the order of joining; one query."""
    return list(
        contract.assignments.filter(until=None)
        .select_related("membership__user")
        .order_by("since", "id")
    )


def team_of(contract: Contract) -> QuerySet[Membership]:
    """The talent's people, any of whom can work on the contract."""
    return (
        Membership.objects.current()
        .filter(party=contract.talent_id)
        .select_related("user", "party")
        .order_by("joined_at", "id")
    )


def assigned_to(contract: Contract) -> QuerySet[Membership]:
    """Who works on the contract now, also when they have left the talent meanwhile."""
    return Membership.objects.filter(
        assignments__contract=contract, assignments__until=None
    ).select_related("user", "party")


def begin(contract: Contract, works: Sequence[Membership], *, by: Actor) -> None:
    """Say who works on an entered contract that begins; without a choice who accepted it.

    Raises:
        InvalidInput: on ``works``: somebody does not belong to the talent (any more).
    """
    chosen = {one.pk: one for one in works or [by.as_member]}
    if team_of(contract).filter(pk__in=chosen).count() != len(chosen):
        raise InvalidInput("Choose people of your team.", field="works")
    now = clock.now()
    for membership in chosen.values():
        Assignment.objects.create(contract=contract, membership=membership, since=now)
        notices.person_assigned(contract, membership, by=by)


@transaction.atomic
def assign(contract: Contract, membership: Membership, *, by: Actor) -> Assignment:
    """Let one of the talent's people work on the contract; one who does already stays.

    Raises:
        NotYours: not an owner or manager of the talent.
        Overtaken: the contract does not go on.
        InvalidInput: the person does not belong to the talent (any more).
    """
    contract = transitions.enter(contract)
    rules.refuse(rules.talent_assigns(contract, by))
    if not team_of(contract).filter(pk=membership.pk).exists():
        raise InvalidInput("Choose one of your team.", field="membership")
    found = Assignment.objects.filter(contract=contract, membership=membership, until=None).first()
    if found is not None:
        return found
    assignment = Assignment.objects.create(
        contract=contract, membership=membership, since=clock.now()
    )
    positions.touch(contract, now=clock.now())
    notices.person_assigned(contract, membership, by=by)
    return assignment


@transaction.atomic
def release(contract: Contract, membership: Membership, *, by: Actor) -> None:
    """Take a person off the contract; a running timer of theirs is stopped and counts.

    Raises:
        NotYours: not an owner or manager of the talent.
        Overtaken: the contract does not go on, or the person is not assigned any more.
    """
    contract = transitions.enter(contract)
    rules.refuse(rules.talent_assigns(contract, by))
    now = clock.now()
    gone = Assignment.objects.filter(contract=contract, membership=membership, until=None)
    if not gone.update(until=now):
        raise Overtaken("This person is not assigned to the contract any more.")
    if contract.is_hourly:
        timers.stop_those_of(contract, membership, at=now, by=by)
    positions.touch(contract, now=now)
