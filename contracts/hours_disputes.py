"""Disputes of hours: filed by the client in a week's review, answered, decided per segment."""

from __future__ import annotations

from datetime import datetime

from contracts.models import Contract


def escalate_unanswered(contract: Contract, now: datetime) -> None:
    """Hand disputes that the talent did not answer in time to support."""
