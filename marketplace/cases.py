"""Support cases: people ask, support answers."""

from __future__ import annotations

from django.db import transaction
from django.urls import reverse

from marketplace import clock, locks, notices, once
from marketplace.actors import PLATFORM, Actor
from marketplace.models import Case, CaseMessage, Party, User
from marketplace.models.history import Rank
from marketplace.parties import code
from marketplace.refusals import InvalidInput, NotYours, Overtaken
from marketplace.states import CaseState

OPENED = notices.kind("marketplace.case_opened")
ANSWERED = notices.kind("marketplace.case_answered")


@transaction.atomic
def open_case(
    *,
    subject: str,
    text: str,
    email: str,
    contract: str = "",
    key: str = "",
    person: User | None = None,
    by: Actor,
) -> Case:
    """Write to support; the opener gets a receipt with the case's reference.

    Args:
        email: where the answer goes when the opener acts for nobody.
        contract: the reference of the contract it is about, if any, as the page named it.
        key: the form's key; the same form sent twice opens one case.
        person: who has signed in.
        by: the member, or the platform for a message that came in through the open form.
    """
    earlier = once.claim(key, subject=subject, text=text, email=email, contract=contract)
    if earlier is not None:
        return Case.objects.get(reference=earlier.result)
    now = clock.now()
    case = Case.objects.create(
        reference=f"S-{code(8)}",
        subject=subject,
        email=email,
        party=by.party,
        opened_by=person,
        contract_reference=contract,
        opened_at=now,
    )
    CaseMessage.objects.create(case=case, text=text, at=now, **by.columns())
    once.keep(key, case.reference)
    _tell_opener(case, OPENED, facts={"own": True})
    return case


@transaction.atomic
def open_for_support(*, subject: str, text: str, party: Party, contract: str) -> Case:
    """The platform hands something to support; nobody is told of it here.

    Args:
        party: whom it is about; support's answers go to its first owner.
        contract: the reference of the contract it is about.
    """
    now = clock.now()
    managing = party.memberships.managing().select_related("user").order_by("id").first()
    case = Case.objects.create(
        reference=f"S-{code(8)}",
        subject=subject,
        email=managing.user.email if managing else party.invited_email,
        party=party,
        opened_by=managing.user if managing else None,
        contract_reference=contract,
        opened_at=now,
    )
    CaseMessage.objects.create(case=case, text=text, at=now, **PLATFORM.columns())
    return case


@transaction.atomic
def answer(case: Case, *, text: str, by: Actor) -> Case:
    """Support answers; the opener reads it in the inbox and by e-mail.

    Raises:
        NotYours: by somebody who is not support.
        Overtaken: the case is closed.
        InvalidInput: no text.
    """
    case = _enter(case, by)
    if not text.strip():
        raise InvalidInput("Write an answer.", field="text")
    CaseMessage.objects.create(case=case, text=text.strip(), at=clock.now(), **by.columns())
    case.state = CaseState.ANSWERED
    case.save(update_fields=["state"])
    _tell_opener(case, ANSWERED, facts={"own": False, "text": text.strip()})
    return case


@transaction.atomic
def assign(case: Case, *, to: User | None, by: Actor) -> Case:
    """Say who of support looks after a case; None for nobody.

    Raises:
        NotYours: by, or to, somebody who is not support.
        Overtaken: the case is closed.
    """
    case = _enter(case, by)
    if to is not None and not to.is_staff:
        raise NotYours("Only support staff look after cases.")
    case.assigned_to = to
    case.save(update_fields=["assigned_to"])
    return case


@transaction.atomic
def close(case: Case, *, by: Actor) -> Case:
    """Close a case for good.

    Raises:
        NotYours: by somebody who is not support.
        Overtaken: it was closed before.
    """
    case = _enter(case, by)
    case.state, case.closed_at = CaseState.CLOSED, clock.now()
    case.save(update_fields=["state", "closed_at"])
    return case


def _enter(case: Case, by: Actor) -> Case:
    if not by.is_staff:
        raise NotYours("Only support can do this.")
    waiting = Case.objects.filter(pk=case.pk).select_related("party", "opened_by")
    locked = locks.row(waiting, Rank.PARTY)
    if locked.state == CaseState.CLOSED:
        raise Overtaken("This case was closed.")
    return locked


def _tell_opener(case: Case, kind: notices.Kind, *, facts: dict[str, object]) -> None:
    facts |= {"reference": case.reference, "subject": case.subject}
    path = reverse("contact_support")
    if case.opened_by is not None and case.party is not None:
        opener = notices.Recipient(case.opened_by.pk, case.party.pk)
        notices.tell(kind, to=[opener], facts=facts, path=path)
    else:
        notices.write_to(case.email, kind, facts=facts, path=path)
