"""What the queue's workers call: each finds its row by id and may be called twice."""

from __future__ import annotations

from marketplace import notices, sweeping


def send_notices(*notice_ids: int) -> int:
    """Send the e-mails of notices that were just written; returns how many went out."""
    return sum(notices.deliver(notice_id) for notice_id in notice_ids)


def sweep(name: str) -> int:
    """Run one sweep; returns how many rows it dealt with."""
    return sum(outcome.done for outcome in sweeping.run(only=name))
