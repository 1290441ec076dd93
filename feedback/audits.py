"""What must be true of feedback."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from contracts.models import ChecklistItem, Contract
from contracts.states import ChecklistCode, ContractState, ItemState
from feedback.models import Feedback
from marketplace import clock
from marketplace.auditing import check

_other = Feedback.objects.filter(contract=OuterRef("contract")).exclude(side=OuterRef("side"))


@check("Feedback is given on ended contracts, by their parties, within the window.")
def given_in_time() -> Iterable[str]:
    in_time = Q(
        contract__state=ContractState.ENDED,
        given_at__gte=F("contract__ended_at"),
        given_at__lt=F("contract__feedback_until"),
    )
    by_party = Q(side="client", author__party=F("contract__client")) | Q(
        side="talent", author__party=F("contract__talent")
    )
    return _named(Feedback.objects.exclude(in_time & by_party))


@check("Feedback that stands alone is visible from the close of its window, not before.")
def alone_waits_for_the_close() -> Iterable[str]:
    alone = Feedback.objects.filter(~Exists(_other))
    return _named(alone.exclude(visible_from=F("contract__feedback_until")))


@check("Feedback of both sides is visible from when the second was given.")
def pairs_are_revealed_together() -> Iterable[str]:
    pairs = Feedback.objects.annotate(
        other_given=Subquery(_other.values("given_at")[:1]),
        other_visible=Subquery(_other.values("visible_from")[:1]),
    ).filter(other_given__isnull=False)
    together = Q(visible_from=F("other_visible"))
    later = Q(given_at__gte=F("other_given"), visible_from=F("given_at")) | Q(
        given_at__lt=F("other_given"), visible_from=F("other_given")
    )
    return _named(pairs.exclude(together & later))


@check("Feedback is never changed once it is visible.")
def unchanged_once_visible() -> Iterable[str]:
    edited = Feedback.objects.filter(edited_at__isnull=False)
    return _named(edited.exclude(edited_at__lte=F("visible_from"), edited_at__gte=F("given_at")))


@check("A side's feedback is ticked on its checklist exactly when it was given.")
def ticked_when_given() -> Iterable[str]:
    given = Exists(Feedback.objects.filter(contract=OuterRef("contract"), side=OuterRef("side")))
    items = ChecklistItem.objects.filter(code=ChecklistCode.FEEDBACK)
    wrong = items.filter(Q(given, ~Q(state=ItemState.TICKED)) | Q(~given, state=ItemState.TICKED))
    rows = wrong.values_list("contract__reference", "side").order_by("contract_id", "side")
    return (f"{reference}, {side}: ticked and given differ." for reference, side in rows)


@check("A closed feedback window of both sides has nothing left to tell.")
def told_of_what_was_revealed() -> Iterable[str]:
    both = Exists(
        Feedback.objects.filter(contract=OuterRef("pk"), side="client").revealed(clock.now())
    ) & Exists(
        Feedback.objects.filter(contract=OuterRef("pk"), side="talent").revealed(clock.now())
    )
    untold = Contract.objects.filter(both, feedback_due_at__isnull=False).order_by("pk")
    return (f"{contract}: both gave feedback, and a notice still waits." for contract in untold)


def _named(rows: QuerySet[Feedback]) -> Iterable[str]:
    found = rows.order_by("pk").values_list("contract__reference", "side")
    return (f"{reference}, {side}: it is not so." for reference, side in found)
