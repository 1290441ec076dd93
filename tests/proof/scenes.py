"""Hourly contracts in their states, as the proofs need them on the Thursday noon of ``NOON``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from contracts import hours_disputes, timers
from contracts.models import Contract, HoursDispute, Week
from marketplace import clock, sweeping
from payments.gateways import sandbox
from tests.factories import hourly, owner_of, recorded

MORNING = datetime(2026, 11, 19, 8, tzinfo=UTC)
"""Of the Thursday of which NOON is the noon."""
HOUR = timedelta(hours=1)

LAST_WEEK = datetime(2026, 11, 9, tzinfo=UTC)
"""The Monday of a week that is in review at NOON."""
BILLED = LAST_WEEK + timedelta(days=7, hours=12)
"""Monday 12:00, when it is invoiced and charged."""


def working(**values: Any) -> Contract:
    """A contract that began this morning; no time is recorded."""
    with clock.at(MORNING):
        return hourly(**values)


def running(**values: Any) -> Contract:
    """A timer runs on it since an hour before NOON."""
    contract = working(**values)
    with clock.at(MORNING + 3 * HOUR):
        timers.start(contract, memo="Drafts", by=owner_of(contract.talent))
    return contract


def timed_hour(**values: Any) -> Contract:
    """A timer recorded an hour on it."""
    contract = running(**values)
    timers.stop(contract, by=owner_of(contract.talent))
    return contract


def unbilled(**values: Any) -> Contract:
    """Two hours of last week are recorded: $120.00, to be billed on Monday at noon."""
    with clock.at(LAST_WEEK + 8 * HOUR):
        contract = hourly(**values)
    tuesday = LAST_WEEK + timedelta(days=1, hours=9)
    with clock.at(tuesday + 3 * HOUR):
        recorded(contract, tuesday, 120, memo="Drafts")
    return contract


def in_review(**values: Any) -> Contract:
    """The two hours of last week were billed and, with a card that pays, charged."""
    contract = unbilled(**values)
    bill()
    return Contract.objects.get(pk=contract.pk)


def unpaid(**values: Any) -> Contract:
    """The charge for the two hours was declined: on hold."""
    return in_review(method=sandbox.DECLINES, **values)


def disputed(**values: Any) -> HoursDispute:
    """The client disputes the first three of the twelve segments, $30.00."""
    contract = in_review(**values)
    week = week_of(contract)
    segments = [(stretch.pk, at) for stretch, at in hours_disputes.billed_segments(week)[:3]]
    return hours_disputes.file(
        week,
        segments=segments,
        reason="We were in a meeting then.",
        key="",
        by=owner_of(contract.client),
    )


def declined(**values: Any) -> HoursDispute:
    """The talent stands by the hours; support has to decide."""
    dispute = disputed(**values)
    by = owner_of(dispute.contract.talent)
    return hours_disputes.decline(dispute, because="I took notes there.", by=by)


def bill() -> None:
    """The weekly run of Monday noon."""
    with clock.at(BILLED):
        sweep("contracts.hours_billed")


def week_of(contract: Contract) -> Week:
    """Last week, as it is now."""
    return contract.weeks.select_related("contract", "payment").get(starts_on=LAST_WEEK.date())


def dispute_of(contract: Contract) -> HoursDispute:
    return contract.hours_disputes.select_related("contract", "week").get()


def sweep(name: str) -> int:
    """Run one sweep now; nothing may fail."""
    (outcome,) = sweeping.run(only=name)
    assert not outcome.failed
    return outcome.done
