"""What the ground floor's pages read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Q

from marketplace import notices
from marketplace.models import ArticleVote, Notice, Party, User

PAGE: Final = 20


@dataclass(frozen=True, slots=True)
class InboxRow:
    notice: Notice
    text: notices.Text


@dataclass(frozen=True, slots=True)
class InboxPage:
    """One page of the inbox, newest first; ``newer`` and ``older`` are ids to go on from."""

    rows: Sequence[InboxRow]
    newer: int | None
    older: int | None
    unread: int


@dataclass(frozen=True, slots=True)
class Votes:
    """How readers answered *Was this article helpful?*; ``mine`` is this reader's answer."""

    helpful: int
    total: int
    mine: bool | None

    @property
    def words(self) -> str:
        """1,027 out of 2,329 found this helpful."""
        return f"{self.helpful:,} out of {self.total:,} found this helpful"


def inbox(
    user: User, party: Party, *, before: int | None = None, after: int | None = None
) -> InboxPage:
    """A person's notices for one party: two queries, and as many on every page.

    Args:
        before: only notices older than this one.
        after: only notices newer than this one, the nearest ones.
    """
    mine = Notice.objects.filter(recipient=user, party=party)
    if after is not None:
        nearest = list(mine.filter(pk__gt=after).order_by("pk")[: PAGE + 1])
        found, more_newer, more_older = nearest[PAGE - 1 :: -1], len(nearest) > PAGE, True
    else:
        older = mine if before is None else mine.filter(pk__lt=before)
        nearest = list(older.order_by("-pk")[: PAGE + 1])
        found, more_newer, more_older = nearest[:PAGE], before is not None, len(nearest) > PAGE
    for notice in found:
        notice.party = party
    return InboxPage(
        rows=[InboxRow(notice, notices.text_of(notice)) for notice in found],
        newer=found[0].pk if found and more_newer else None,
        older=found[-1].pk if found and more_older else None,
        unread=mine.filter(read_at=None).count(),
    )


def votes(article: str, reader: str) -> Votes:
    """The answers about one article, in one query."""
    yes, mine = Q(helpful=True), Q(reader=reader)
    counted = ArticleVote.objects.filter(article=article).aggregate(
        answers=Count("pk"),
        yes=Count("pk", filter=yes),
        my_yes=Count("pk", filter=mine & yes),
        my_no=Count("pk", filter=mine & ~yes),
    )
    answered = counted["my_yes"] + counted["my_no"]
    return Votes(counted["yes"], counted["answers"], bool(counted["my_yes"]) if answered else None)
