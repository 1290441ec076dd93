"""What must be true of agreements and of what they copy to and from the books."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from contracts import funding, hours_disputes, weeks
from contracts.models import ChecklistItem, Contract, HoursDispute, Milestone, Week
from contracts.models.contract import NOBODY_WAITS
from contracts.states import (
    ACTIVE_MILESTONES,
    OPEN_DISPUTES,
    OPEN_MILESTONES,
    ContractState,
    DisputeState,
    MilestoneState,
)
from marketplace.auditing import check
from marketplace.money import Money, total
from payments.models import GatewayOperation, Payment, Refund
from payments.states import OPEN_OPERATIONS, OPEN_REQUESTS


@check("A contract and its book name the same parties, title and currency.")
def books_agree() -> Iterable[str]:
    same = Q(
        book__reference=F("reference"),
        book__title=F("title"),
        book__currency=F("currency"),
        book__client=F("client"),
        book__talent=F("talent"),
    )
    return _references(Contract.objects.exclude(same))


@check("A milestone has the currency of its contract.")
def milestone_currency() -> Iterable[str]:
    return _milestones(Milestone.objects.exclude(currency=F("contract__currency")))


@check("An active milestone is covered by what is in escrow.")
def active_is_covered() -> Iterable[str]:
    return _milestones(
        Milestone.objects.filter(
            state__in=ACTIVE_MILESTONES,
            amount_minor__gt=F("contract__book__escrow_account__balance_minor"),
        )
    )


@check("A contract that never started, or ended without an open request, holds no escrow.")
def closed_holds_nothing() -> Iterable[str]:
    closed = Contract.objects.exclude(state__in=(ContractState.OFFERED, ContractState.ACTIVE))
    held = closed.filter(book__escrow_account__balance_minor__gt=0)
    return _references(
        held.exclude(
            state=ContractState.ENDED, book__escrow_refund_request__state__in=OPEN_REQUESTS
        )
    )


@check("An open escrow refund request asks for exactly what is in escrow, on an ended contract.")
def request_asks_for_escrow() -> Iterable[str]:
    asked = Contract.objects.filter(book__escrow_refund_request__state__in=OPEN_REQUESTS)
    right = Q(
        state=ContractState.ENDED,
        book__escrow_account__balance_minor=F("book__escrow_refund_request__amount_minor"),
    )
    return _references(asked.exclude(right))


@check("Open milestones stand only on offers and active contracts.")
def no_open_milestone_after_the_end() -> Iterable[str]:
    open_ones = Milestone.objects.filter(state__in=OPEN_MILESTONES)
    return _milestones(
        open_ones.exclude(contract__state__in=(ContractState.OFFERED, ContractState.ACTIVE))
    )


@check("A paid milestone was paid what its payment says, in its contract's book.")
def milestone_payment_agrees() -> Iterable[str]:
    paid = Milestone.objects.filter(state=MilestoneState.PAID)
    same = Q(
        payment__gross_minor=F("paid_minor"),
        payment__paid_at=F("paid_at"),
        payment__book=F("contract__book"),
    )
    return _milestones(paid.exclude(same))


@check("A contract's version is the number of its history rows.")
def version_counts_history() -> Iterable[str]:
    return _references(
        Contract.objects.raw(
            "SELECT c.id, c.reference FROM contracts_contract c LEFT JOIN"
            " (SELECT contract_id, COUNT(*) AS number, MAX(sequence) AS last"
            " FROM contracts_contracthistory GROUP BY contract_id) h ON h.contract_id = c.id"
            " WHERE c.version <> COALESCE(h.number, 0) OR c.version <> COALESCE(h.last, 0)"
        )
    )


@check("An ended contract has a checklist of four items for each side, any other none.")
def checklists_are_whole() -> Iterable[str]:
    return _references(
        Contract.objects.raw(
            "SELECT c.id, c.reference FROM contracts_contract c LEFT JOIN"
            " (SELECT contract_id, COUNT(*) AS number FROM contracts_checklistitem"
            " GROUP BY contract_id) i ON i.contract_id = c.id"
            " WHERE COALESCE(i.number, 0) <> CASE WHEN c.state = 'ended' THEN 8 ELSE 0 END"
        )
    )


@check("A reminder that was sent stands on the other side's item.")
def reminders_meet() -> Iterable[str]:
    sent = ChecklistItem.objects.exclude(reminder_sent_at=None).select_related("contract")
    for item in sent.iterator():
        meets = ChecklistItem.objects.filter(
            contract=item.contract_id, code=item.code, reminded_at=item.reminder_sent_at
        )
        if not meets.exclude(side=item.side).exists():
            yield item.contract.reference


@check("My Jobs sorts a contract by its side's next deadline.")
def positions_agree() -> Iterable[str]:
    """A side that the clock waits for has a deadline's position; no other side has one."""
    client_waits = Q(milestones__review_until__isnull=False) | Q(weeks__review_until__isnull=False)
    talent_waits = (
        Q(state=ContractState.OFFERED)
        | Q(book__escrow_refund_request__state="pending")
        | Q(hours_disputes__state=DisputeState.PENDING)
    )
    wrong_client = Contract.objects.filter(client_waits, client_position__gt=NOBODY_WAITS // 2)
    idle_client = Contract.objects.exclude(client_waits).filter(
        client_position__lt=NOBODY_WAITS // 2
    )
    wrong_talent = Contract.objects.filter(talent_waits, talent_position__gt=NOBODY_WAITS // 2)
    idle_talent = Contract.objects.exclude(talent_waits).filter(
        talent_position__lt=NOBODY_WAITS // 2
    )
    for wrong in (wrong_client, idle_client, wrong_talent, idle_talent):
        yield from _references(wrong)


@check("A charge that is still open is for a milestone of the same contract.")
def charges_name_their_milestone() -> Iterable[str]:
    same = Milestone.objects.filter(pk=OuterRef("purpose_id"), contract__book=OuterRef("book"))
    charges = GatewayOperation.objects.filter(state__in=OPEN_OPERATIONS, purpose=funding.PURPOSE)
    return charges.filter(~Exists(same)).order_by("pk").values_list("book__reference", flat=True)


@check("An open dispute of hours holds the payment of its week; nothing else is held.")
def open_disputes_hold() -> Iterable[str]:
    disputed = HoursDispute.objects.filter(state__in=OPEN_DISPUTES)
    released = disputed.filter(week__payment__held=False)
    yield from (f"dispute {pk}" for pk in released.order_by("pk").values_list("pk", flat=True))
    held = Payment.objects.filter(held=True).exclude(
        Exists(disputed.filter(week__payment=OuterRef("pk")))
    )
    yield from (f"payment {pk}" for pk in held.order_by("pk").values_list("pk", flat=True))


@check("Disputed segments were billed in the week of their dispute, and make its minutes.")
def disputed_segments_were_billed() -> Iterable[str]:
    for dispute in HoursDispute.objects.select_related("week").order_by("pk").iterator():
        disputed = set(dispute.segments.values_list("stretch", "starts_at"))
        billed = {(one.pk, start) for one, start in hours_disputes.billed_segments(dispute.week)}
        if not disputed <= billed or weeks.minutes_in(len(disputed)) != dispute.minutes:
            yield f"dispute {dispute.pk}"


@check("What a dispute took back is the same on its segments, its week and its reversal.")
def disputes_took_back_the_same() -> Iterable[str]:
    found = HoursDispute.objects.select_related("week__contract", "reversal__payment")
    for dispute in found.order_by("pk").iterator():
        reversed_ones = dispute.segments.filter(is_reversed=True).count()
        minutes = dispute.reversed_minutes or 0
        same = weeks.minutes_in(reversed_ones) == minutes == dispute.week.reversed_minutes
        if not (same and _reversal_agrees(dispute)):
            yield f"dispute {dispute.pk}"


@check("Minutes of a week were reversed only in a dispute.")
def reversed_in_a_dispute() -> Iterable[str]:
    found = Week.objects.filter(reversed_minutes__gt=0, dispute=None).order_by("pk")
    named = found.values_list("contract__reference", "starts_on")
    return (f"{reference}, week of {starts_on}" for reference, starts_on in named)


def _reversal_agrees(dispute: HoursDispute) -> bool:
    """A reversal is the difference of two amounts, or less where that is all that was left."""
    reversal = dispute.reversal
    if reversal is None:
        return True
    whole = hours_disputes.worth(dispute.week, dispute.reversed_minutes or 0, None)
    before = Refund.objects.filter(payment=reversal.payment_id, pk__lt=reversal.pk)
    refunded = total([one.amount for one in before.order_by("pk")], reversal.currency)
    left: Money = reversal.payment.gross - refunded
    agrees: bool = reversal.amount == min(whole, left)
    return agrees


def _references(contracts: Iterable[Contract]) -> Iterable[str]:
    found = contracts.only("reference", "state") if isinstance(contracts, QuerySet) else contracts
    return (contract.reference for contract in found)


def _milestones(found: QuerySet[Milestone]) -> Iterable[str]:
    named = found.values_list("contract__reference", "number")
    return (f"{reference}, milestone {number}" for reference, number in named)
