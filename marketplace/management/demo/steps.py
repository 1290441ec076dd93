"""What stories of both kinds do alike."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from contracts import closing
from contracts.closing import Choice
from contracts.models import Contract
from marketplace.actors import Actor

Story = Iterator[datetime]
"""Yields when it goes on, then does the next thing."""


def end(contract: Contract, choice: Choice | None = None, *, by: Actor, note: str = "") -> Contract:
    """End a contract with the figures that its page shows now."""
    shown = Contract.objects.select_related("book__escrow_account").get(pk=contract.pk)
    seen = closing.seen_token(shown, closing.facts_of(shown))
    return closing.end(shown, choice=choice or Choice.nothing(), seen=seen, note=note, by=by)
