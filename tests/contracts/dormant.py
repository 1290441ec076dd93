"""Quiet and dormant contracts, as the clock makes them; a day is counted from :data:`NOON`."""

from __future__ import annotations

from datetime import datetime, timedelta

from contracts import dormancy
from contracts.models import Contract, Dormancy
from marketplace import clock, sweeping
from tests.factories import NOON, funded, leftover, owner_of

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)


def day(number: float) -> datetime:
    return NOON + number * DAY


def look(moment: datetime) -> None:
    """The two sweeps about quiet contracts come by."""
    for name in ("contracts.quiet_reminders", "contracts.dormancies_pass"):
        sweeping.run(only=name, as_of=moment)


def slept(until: float, *, contract: Contract | None = None) -> Contract:
    """A contract with $500.00 in escrow on which nobody did anything; the clock came by in time."""
    found = contract or funded().contract
    for number in (30, 60, 76, 83, 90, 97, 104):
        if number <= until:
            look(day(number))
    return Contract.objects.get(pk=found.pk)


def with_leftover() -> Contract:
    """Money in escrow, and no active milestone."""
    return leftover()


def release_asked(at: float = 98, *, contract: Contract | None = None) -> Contract:
    found = slept(at, contract=contract)
    with clock.at(day(at)):
        dormancy.ask_for_release(found, note="It was done in May.", by=owner_of(found.talent))
    return Contract.objects.get(pk=found.pk)


def dormancy_of(contract: Contract) -> Dormancy:
    return Dormancy.objects.get(contract=contract)
