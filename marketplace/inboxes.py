"""Reading notices."""

from __future__ import annotations

from marketplace import clock
from marketplace.models import Notice, Party, User


def read(notice: Notice, *, by: User) -> Notice:
    """Mark a notice of one's own as read; the first time counts."""
    now = clock.now()
    if Notice.objects.filter(pk=notice.pk, recipient=by, read_at=None).update(read_at=now):
        notice.read_at = now
    return notice


def read_all(party: Party, *, by: User) -> int:
    """Mark all of a person's notices for one party as read; returns how many were not."""
    unread = Notice.objects.filter(recipient=by, party=party, read_at=None)
    return unread.update(read_at=clock.now())
