"""The weekly run: locked weeks are invoiced, charged through the gateway door, and paid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from contracts.models import Contract


def invoice_due(contracts: Sequence[Contract], *, at: datetime) -> None:
    """Invoice the weeks of entered contracts that are due."""
