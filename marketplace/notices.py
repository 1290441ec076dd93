"""The notices door: what people are told, in the app and by e-mail.

A notice is written in the transaction of the event, as frozen facts; its text is rendered when it
is read or sent, from the template of its kind. Sending takes a lease, talks to the mail server
outside any transaction, and marks the row: at least once, with a Message-ID that stays the same.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import F, Q, QuerySet
from django.template import Context
from django.template.loader import get_template, render_to_string
from django.utils import timezone

from marketplace import clock, locks, policy, queue, zones
from marketplace.facts import freeze, thaw
from marketplace.models import Membership, Notice, Party
from marketplace.states import MANAGING_ROLES

logger = logging.getLogger(__name__)

KINDS: Final[dict[str, Kind]] = {}
_PARAGRAPHS: Final = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of notice: ``contracts.contract_ended`` is told by the template of that name.

    Attributes:
        money: only owners and managers are told (rule book: money notices).
    """

    code: str
    money: bool = False

    @property
    def template(self) -> str:
        app, name = self.code.split(".")
        return f"{app}/notices/{name}.txt"


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person told as somebody who acts for a party, or an address that was invited."""

    user_id: int | None
    party_id: int
    manages: bool = True
    address: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A notice in words: its title, which is the e-mail's subject, and its paragraphs."""

    title: str
    paragraphs: Sequence[str]


def kind(code: str, *, money: bool = False) -> Kind:
    """Declare a kind of notice; an app's ``notices.py`` does it once for each of its kinds.

    Args:
        code: ``app.name``; the text is ``templates/<app>/notices/<name>.txt``, its first line the
            title, the rest paragraphs apart by empty lines.
        money: told to owners and managers only.
    """
    declared = Kind(code, money)
    if KINDS.setdefault(code, declared) != declared:
        raise ValueError(f"two kinds of notice are called {code}")
    return declared


# Who is told -----------------------------------------------------------------------------------


def people_of(
    *parties: Party, members: Collection[int] | QuerySet[Any, Any] = ()
) -> list[Recipient]:
    """Owners and managers of the parties, and named members of theirs, in one query.

    A party that was only invited is told at the address of its invitation.

    Args:
        members: ids of memberships (a list, or a query that selects them) that are told as well,
            such as those assigned to a contract.
    """
    chosen = Q(role__in=MANAGING_ROLES) | Q(pk__in=members)
    found = Membership.objects.current().filter(chosen, party__in=parties).order_by("id")
    people = [
        Recipient(user_id, party_id, role in MANAGING_ROLES)
        for user_id, party_id, role in found.values_list("user_id", "party_id", "role")
    ]
    invited = [party for party in parties if party.invited_email]
    return people + [Recipient(None, party.pk, address=party.invited_email) for party in invited]


def managers_of(*parties: Party) -> list[Recipient]:
    """Owners and managers of the parties, in one query."""
    return people_of(*parties)


def one_person(membership: Membership) -> list[Recipient]:
    """A person told for themselves, as somebody who acts for their party."""
    return [Recipient(membership.user_id, membership.party_id, membership.manages)]


def of_party(recipients: Iterable[Recipient], party: Party) -> list[Recipient]:
    """Those of the recipients who act for a party."""
    return [recipient for recipient in recipients if recipient.party_id == party.pk]


# Telling ---------------------------------------------------------------------------------------


class Batch:
    """The notices of one transaction, written together by one insert."""

    def __init__(self) -> None:
        self._notices: list[Notice] = []

    def add(self, kind: Kind, *, to: Iterable[Recipient], facts: dict[str, Any], path: str) -> None:
        """Collect a notice for each recipient the kind is meant for.

        Args:
            facts: amounts, moments and plain values the text names; ``own`` says whether the
                recipient's party did it.
            path: the page on this site where the reader goes on.

        Raises:
            TypeError: a fact cannot be frozen.
        """
        now, frozen = clock.now(), freeze(facts)
        self._notices += [
            Notice(
                kind=kind.code,
                recipient_id=recipient.user_id,
                address=recipient.address,
                party_id=recipient.party_id,
                facts=frozen,
                path=path,
                created_at=now,
                email_due_at=now,
            )
            for recipient in to
            if recipient.manages or not kind.money
        ]

    def write(self) -> None:
        """Insert what was collected and have the e-mails sent soon after the commit."""
        if not self._notices:
            return
        written, self._notices = Notice.objects.bulk_create(self._notices), []
        queue.soon("marketplace.tasks.send_notices", *(notice.pk for notice in written))


def write_to(address: str, kind: Kind, *, facts: dict[str, Any], path: str) -> None:
    """Tell somebody who may have no account, by e-mail alone, inside the caller's transaction."""
    now = clock.now()
    notice = Notice.objects.create(
        kind=kind.code,
        address=address,
        facts=freeze(facts),
        path=path,
        created_at=now,
        email_due_at=now,
    )
    queue.soon("marketplace.tasks.send_notices", notice.pk)


def tell(kind: Kind, *, to: Iterable[Recipient], facts: dict[str, Any], path: str) -> None:
    """Write one notice for each recipient, inside the caller's transaction; see :class:`Batch`."""
    batch = Batch()
    batch.add(kind, to=to, facts=facts, path=path)
    batch.write()


# Words -----------------------------------------------------------------------------------------


def text_of(notice: Notice) -> Text:
    """A notice's text in the current time zone; its party must have been read along."""
    context = {"own": False, **thaw(notice.facts), "party": notice.party}
    template = get_template(Kind(notice.kind).template).template  # type: ignore[attr-defined]
    title, _, body = template.render(Context(context, autoescape=False)).strip().partition("\n")
    paragraphs = (" ".join(paragraph.split()) for paragraph in _PARAGRAPHS.split(body))
    return Text(" ".join(title.split()), [paragraph for paragraph in paragraphs if paragraph])


# E-mail ----------------------------------------------------------------------------------------


def due() -> QuerySet[Notice]:
    """Those whose e-mail still has to be sent, now or later."""
    return Notice.objects.filter(email_due_at__isnull=False)


def deliver(notice_id: int) -> bool:
    """Send one notice's e-mail if it is due and nobody else is sending it.

    Must not run inside a transaction: the mail server may take its time.

    Returns:
        Whether it was sent; after a failure it is due again later (policy.NOTICE_RETRY).
    """
    if locks.in_transaction():
        raise RuntimeError("a mail server is not talked to inside a transaction")
    if not _lease(notice_id):
        return False
    notice = Notice.objects.select_related("recipient", "party").get(pk=notice_id)
    if not _still_acts(notice):
        _finish(notice, email_sent_at=None, email_due_at=None)
        return False
    try:
        _message(notice).send()
    except Exception:
        logger.exception("the e-mail of notice %s failed", notice_id)
        wait = policy.step(policy.NOTICE_RETRY, notice.email_attempts)
        _finish(notice, email_sent_at=None, email_due_at=clock.now() + wait)
        return False
    _finish(notice, email_sent_at=clock.now(), email_due_at=None)
    return True


def _lease(notice_id: int) -> bool:
    now = clock.now()
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    claimed = Notice.objects.filter(free, pk=notice_id, email_due_at__lte=now).update(
        leased_until=now + policy.NOTICE_LEASE, email_attempts=F("email_attempts") + 1
    )
    return bool(claimed)


def _still_acts(notice: Notice) -> bool:
    """Whoever left a party since is told nothing more of it; nor is a claimed invitation."""
    if notice.recipient is None:
        return notice.party is None or notice.party.invited_email == notice.address
    acting = Membership.objects.current().filter(
        user=notice.recipient, party=notice.party, user__is_active=True
    )
    return acting.exists()


def _finish(
    notice: Notice, *, email_sent_at: datetime | None, email_due_at: datetime | None
) -> None:
    Notice.objects.filter(pk=notice.pk).update(
        email_sent_at=email_sent_at, email_due_at=email_due_at, leased_until=None
    )


def _message(notice: Notice) -> EmailMultiAlternatives:
    reader = notice.recipient
    with timezone.override(zones.named(reader.time_zone if reader else "")):
        text = text_of(notice)
    shown = {
        "text": text,
        "url": settings.SITE_URL.rstrip("/") + notice.path,
        "party": notice.party,
        "site_name": settings.SITE_NAME,
    }
    plain = render_to_string("marketplace/email.txt", shown)
    message = EmailMultiAlternatives(
        subject=text.title,
        body=plain,
        to=[reader.email if reader else notice.address],
        headers={"Message-ID": _message_id(notice), "Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(render_to_string("marketplace/email.html", shown), "text/html")
    return message


def _message_id(notice: Notice) -> str:
    """The same for every attempt, so that a mailbox can tell a repetition."""
    host = urlsplit(settings.SITE_URL).hostname
    return f"<notice-{notice.pk}-{notice.created_at:%Y%m%d%H%M%S%f}@{host}>"
