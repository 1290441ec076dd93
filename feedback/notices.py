"""What people are told of feedback.

Before the reveal both sides read the same words at the same time, and no notice is written because
somebody gave feedback: not even its number may be missing in the other side's inbox. The receipt is
the page itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.urls import reverse

from contracts.models import Assignment, Contract
from contracts.states import Side
from feedback.models import Feedback
from marketplace import notices

REVEALED = notices.kind("feedback.revealed")
CLOSES_SOON = notices.kind("feedback.closes_soon")
EXTENDED = notices.kind("feedback.extended")


def revealed(contract: Contract, feedback: Sequence[Feedback]) -> None:
    """Feedback can be read now: told to both sides, each in its own words."""
    stars = {one.side: one.stars for one in feedback}
    people = _people(contract)
    batch = notices.Batch()
    for side in Side:
        batch.add(
            REVEALED,
            to=notices.of_party(people, contract.party(side)),
            facts={
                "title": contract.title,
                "other": contract.party(side.other).name,
                "got": stars.get(side.other),
                "gave": stars.get(side),
            },
            path=_path(contract),
        )
    batch.write()


def closes_soon(contract: Contract) -> None:
    """To both sides alike, whether or not anybody gave feedback."""
    _tell_both(contract, CLOSES_SOON, {"until": contract.feedback_until})


def window_extended(contract: Contract, *, because: str) -> None:
    """To both sides alike, whether or not anybody gave feedback."""
    _tell_both(contract, EXTENDED, {"until": contract.feedback_until, "because": because})


def _tell_both(contract: Contract, kind: notices.Kind, facts: dict[str, object]) -> None:
    people = _people(contract)
    batch = notices.Batch()
    for side in Side:
        batch.add(
            kind,
            to=notices.of_party(people, contract.party(side)),
            facts={
                "title": contract.title,
                "other": contract.party(side.other).name,
                **facts,
            },
            path=_path(contract),
        )
    batch.write()


def _people(contract: Contract) -> list[notices.Recipient]:
    assigned = Assignment.objects.filter(contract=contract, until=None).values("membership")
    return notices.people_of(contract.client, contract.talent, members=assigned)


def _path(contract: Contract) -> str:
    return reverse("feedback", args=[contract.reference])
