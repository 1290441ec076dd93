"""What must be true of agreements and of what they copy to and from the books."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, timedelta
from typing import Any

from django.db.models import (
    BigIntegerField,
    DateField,
    DateTimeField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    IntegerField,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
)
from django.db.models.functions import Cast, Coalesce, ExtractMinute, Least, TruncDate, TruncMinute

from contracts import billing, bonuses, funding, hours_disputes, owed, quiet, weeks
from contracts.models import (
    Bonus,
    BonusRequest,
    ChecklistItem,
    Contract,
    Dormancy,
    HoursDispute,
    Milestone,
    Stretch,
    Timer,
    Week,
    WeekLimit,
)
from contracts.models.contract import NOBODY_WAITS
from contracts.states import (
    ACTIVE_MILESTONES,
    OPEN_DISPUTES,
    OPEN_DORMANCIES,
    OPEN_MILESTONES,
    RUNNING_CONTRACTS,
    BonusRequestState,
    BonusState,
    ContractKind,
    ContractState,
    DisputeState,
    DormancyState,
    MilestoneState,
    WeekState,
)
from marketplace import policy
from marketplace.auditing import check
from marketplace.money import Money, total
from payments.models import Correction, GatewayOperation, Payment, Refund, SplitProposal
from payments.states import (
    OPEN_OPERATIONS,
    OPEN_REQUESTS,
    CorrectionState,
    PaymentKind,
    RequestState,
    SplitState,
)


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
    answers = SplitProposal.objects.filter(request__book=OuterRef("book"), state=SplitState.OPEN)
    asked = _open_dormancies()
    client_waits = (
        Q(milestones__review_until__isnull=False)
        | Q(weeks__review_until__isnull=False, weeks__dispute=None)
        | Q(book__escrow_refund_request__state=RequestState.DISPUTED)
        | Q(Exists(answers.filter(client_agreed_at=None)))
        | Q(Exists(asked.exclude(state=DormancyState.TALENT_ASKED)))
    )
    talent_waits = (
        Q(state=ContractState.OFFERED)
        | Q(
            book__escrow_refund_request__state=RequestState.PENDING,
            book__escrow_refund_request__time_left=None,
        )
        | Q(Exists(answers.filter(talent_agreed_at=None)))
        | Q(Exists(asked.filter(state=DormancyState.TALENT_ASKED)))
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


@check("A contract is dormant exactly while it asks what becomes of the money in its escrow.")
def dormant_while_it_asks() -> Iterable[str]:
    same = Exists(_open_dormancies().filter(since=OuterRef("dormant_since")))
    holds = Q(book__escrow_account__balance_minor__gt=0)
    asleep = Contract.objects.exclude(dormant_since=None)
    yield from _references(asleep.exclude(Q(same) & holds))
    awake = Contract.objects.filter(dormant_since=None)
    yield from _references(awake.filter(Exists(_open_dormancies())))


@check("Who does nothing on a contract is reminded when it is due.")
def quiet_is_told() -> Iterable[str]:
    """Friendly reminders count from the last activity; what follows also from due dates."""
    running = Contract.objects.filter(state__in=RUNNING_CONTRACTS, dormant_since=None)
    friendly = running.filter(quiet_told__lt=quiet.FRIENDLY)
    due = Q()
    for told in range(quiet.FRIENDLY):
        at = F("last_activity_at") + quiet.STEPS[told]
        due |= Q(quiet_told=told, quiet_due_at=at)
    yield from _references(friendly.exclude(due))
    open_ones = Milestone.objects.filter(state__in=OPEN_MILESTONES)
    later = running.filter(quiet_told__gte=quiet.FRIENDLY).select_related("book__escrow_account")
    for one in later.prefetch_related(Prefetch("milestones", open_ones, to_attr="open_milestones")):
        if one.quiet_due_at != quiet.due_at(one, one.quiet_told, holds=bool(one.book.escrow)):
            yield one.reference


@check("A charge that is still open is for a milestone of the same contract.")
def charges_name_their_milestone() -> Iterable[str]:
    same = Milestone.objects.filter(pk=OuterRef("purpose_id"), contract__book=OuterRef("book"))
    charges = GatewayOperation.objects.filter(state__in=OPEN_OPERATIONS, purpose=funding.PURPOSE)
    return charges.filter(~Exists(same)).order_by("pk").values_list("book__reference", flat=True)


@check("An open dispute of hours holds the payment of its week; nothing else is held.")
def open_disputes_hold() -> Iterable[str]:
    disputed = HoursDispute.objects.filter(state__in=OPEN_DISPUTES)
    released = disputed.filter(week__payment__held=False)
    yield from released.order_by("pk").values_list("contract__reference", flat=True)
    held = Payment.objects.filter(held=True).exclude(
        Exists(disputed.filter(week__payment=OuterRef("pk")))
    )
    yield from held.order_by("pk").values_list("book__reference", flat=True)


@check("Disputed segments were billed in the week of their dispute, and make its minutes.")
def disputed_segments_were_billed() -> Iterable[str]:
    found = HoursDispute.objects.select_related("week", "contract")
    for dispute in found.order_by("pk").iterator():
        disputed = set(dispute.segments.values_list("stretch", "starts_at"))
        billed = {(one.pk, start) for one, start in hours_disputes.billed_segments(dispute.week)}
        if not disputed <= billed or weeks.minutes_in(len(disputed)) != dispute.minutes:
            yield f"{dispute.contract.reference}, {dispute}"


@check("What a dispute took back is the same on its segments, its week and its reversal.")
def disputes_took_back_the_same() -> Iterable[str]:
    found = HoursDispute.objects.select_related("contract", "week__contract", "reversal__payment")
    for dispute in found.order_by("pk").iterator():
        reversed_ones = dispute.segments.filter(is_reversed=True).count()
        minutes = dispute.reversed_minutes or 0
        same = weeks.minutes_in(reversed_ones) == minutes == dispute.week.reversed_minutes
        if not (same and _reversal_agrees(dispute)):
            yield f"{dispute.contract.reference}, {dispute}"


@check("Minutes of a week were reversed only in a dispute.")
def reversed_in_a_dispute() -> Iterable[str]:
    found = Week.objects.filter(reversed_minutes__gt=0, dispute=None).order_by("pk")
    return _weeks(found)


@check("A week's minutes are the sum of its stretches.")
def week_counts_its_stretches() -> Iterable[str]:
    length = F("stretches__ends_at") - F("stretches__starts_at")
    counted = Coalesce(Sum(length, output_field=DurationField()), timedelta(0))
    minute = Value(timedelta(minutes=1))
    kept = ExpressionWrapper(Cast("minutes", IntegerField()) * minute, DurationField())
    return _weeks(Week.objects.annotate(counted=counted).exclude(counted=kept))


@check("A stretch is whole segments of one UTC day in its week, of its contract and its person.")
def stretches_lie_in_their_week() -> Iterable[str]:
    found = Stretch.objects.annotate(
        day=TruncDate("starts_at", tzinfo=UTC),
        last_day=TruncDate(F("ends_at") - timedelta(seconds=1), tzinfo=UTC),
        first_minute=ExtractMinute("starts_at", tzinfo=UTC) % weeks.minutes_in(1),
        last_minute=ExtractMinute("ends_at", tzinfo=UTC) % weeks.minutes_in(1),
        next_week=ExpressionWrapper(F("week__starts_on") + weeks.WEEK, DateField()),
    )
    right = Q(
        day=F("last_day"),
        day__gte=F("week__starts_on"),
        day__lt=F("next_week"),
        first_minute=0,
        last_minute=0,
        starts_at=TruncMinute("starts_at", tzinfo=UTC),
        ends_at=TruncMinute("ends_at", tzinfo=UTC),
        contract=F("week__contract"),
        person=F("membership__user"),
    )
    return _stretches(found.exclude(right))


@check("Time of one person never overlaps, on whatever contract.")
def stretches_never_overlap() -> Iterable[str]:
    later = Stretch.objects.filter(
        person=OuterRef("person"),
        starts_at__gt=OuterRef("starts_at"),
        starts_at__lt=OuterRef("ends_at"),
    )
    return _stretches(Stretch.objects.filter(Exists(later)))


@check("An invoice is the rate times the minutes within the week's limit, half up to the cent.")
def invoices_add_up() -> Iterable[str]:
    limits = WeekLimit.objects.filter(contract=OuterRef("contract"))
    so_far = limits.filter(from_week__lte=OuterRef("starts_on")).order_by("-from_week")
    limit = Coalesce(
        Subquery(so_far.values("minutes")[:1]),
        Subquery(limits.order_by("from_week").values("minutes")[:1]),
    )
    right = Q(
        billable_minutes=Least("minutes", limit),
        amount_minor=_amount(F("billable_minutes")),
        currency=F("contract__currency"),
    )
    return _weeks(Week.objects.exclude(invoiced_at=None).exclude(right))


@check("A week was paid what was owed for it, in its contract's book.")
def week_payment_agrees() -> Iterable[str]:
    right = Q(
        payment__kind=PaymentKind.HOURS,
        payment__book=F("contract__book"),
        payment__paid_at=F("paid_at"),
    )
    left = _amount(F("billable_minutes") - F("reversed_minutes"))
    whole = Q(payment__gross_minor=F("amount_minor"))
    reversed_before = Q(payment__gross_minor=left, dispute__reversal=None)
    paid = Week.objects.filter(state=WeekState.PAID)
    return _weeks(paid.exclude(right & (whole | reversed_before)))


@check("A payment of hours is for one week.")
def hours_payments_have_their_week() -> Iterable[str]:
    lost = Payment.objects.filter(kind=PaymentKind.HOURS, week=None).order_by("pk")
    return lost.values_list("book__reference", flat=True)


@check("A week is open only while its contract goes on; a timer runs only where time is taken.")
def ended_takes_no_time() -> Iterable[str]:
    open_ones = Week.objects.filter(state=WeekState.OPEN)
    yield from _weeks(open_ones.exclude(contract__state__in=RUNNING_CONTRACTS))
    running = Timer.objects.filter(stopped_at=None)
    taken = Q(contract__state=ContractState.ACTIVE, contract__hold_since=None)
    lost = running.exclude(taken).order_by("pk")
    yield from lost.values_list("contract__reference", flat=True)


@check("A contract is on hold exactly while a week of it is not paid.")
def hold_means_unpaid() -> Iterable[str]:
    unpaid = Exists(Week.objects.filter(contract=OuterRef("pk"), state=WeekState.UNPAID))
    yield from _references(Contract.objects.exclude(hold_since=None).exclude(unpaid))
    yield from _references(Contract.objects.filter(unpaid, hold_since=None))


@check("A charge for hours that is still open is for an invoiced week of the same contract.")
def charges_name_their_week() -> Iterable[str]:
    same = Week.objects.exclude(invoiced_at=None).filter(
        pk=OuterRef("purpose_id"), contract__book=OuterRef("book")
    )
    charges = GatewayOperation.objects.filter(state__in=OPEN_OPERATIONS, purpose=billing.PURPOSE)
    return charges.filter(~Exists(same)).order_by("pk").values_list("book__reference", flat=True)


@check("Hours that are owed are charged, or tried again, or with support.")
def owed_is_followed() -> Iterable[str]:
    """An invoiced week has its open charge; a declined one is tried again, or was handed over."""
    charged = Exists(
        GatewayOperation.objects.filter(
            book=OuterRef("contract__book"),
            state__in=OPEN_OPERATIONS,
            purpose=billing.PURPOSE,
            purpose_id=OuterRef("pk"),
        )
    )
    yield from _weeks(Week.objects.filter(~charged, state=WeekState.INVOICED))
    forgotten = Week.objects.filter(state=WeekState.UNPAID, retry_at=None)
    yield from _weeks(forgotten.filter(contract__ended_at=None))


@check("A paid bonus was paid what it says, in its contract's book; no such payment is without.")
def bonus_payment_agrees() -> Iterable[str]:
    same = Q(
        payment__kind=PaymentKind.BONUS,
        payment__gross_minor=F("amount_minor"),
        payment__currency=F("currency"),
        payment__book=F("contract__book"),
    )
    wrong = Bonus.objects.filter(state=BonusState.PAID).exclude(same).order_by("pk")
    yield from wrong.values_list("contract__reference", flat=True)
    lost = Payment.objects.filter(kind=PaymentKind.BONUS, bonus=None).order_by("pk")
    yield from lost.values_list("book__reference", flat=True)


@check("A bonus waits exactly as long as its charge is open.")
def bonuses_have_their_charge() -> Iterable[str]:
    charges = GatewayOperation.objects.filter(state__in=OPEN_OPERATIONS, purpose=bonuses.PURPOSE)
    charged = charges.filter(purpose_id=OuterRef("pk"), book=OuterRef("contract__book"))
    waiting = Bonus.objects.filter(state=BonusState.CHARGING)
    forgotten = waiting.filter(~Exists(charged)).order_by("pk")
    yield from forgotten.values_list("contract__reference", flat=True)
    same = waiting.filter(pk=OuterRef("purpose_id"), contract__book=OuterRef("book"))
    lost = charges.filter(~Exists(same)).order_by("pk")
    yield from lost.values_list("book__reference", flat=True)


@check("A bonus is asked for on an ended hourly contract, within its time; a granted one was paid.")
def bonus_requests_fit() -> Iterable[str]:
    first_too_late = F("contract__ended_at") + (policy.BONUS_WINDOW + timedelta.resolution)
    found = BonusRequest.objects.annotate(
        closes=ExpressionWrapper(first_too_late, DateTimeField()),
        paid=Exists(Bonus.objects.filter(request=OuterRef("pk"), state=BonusState.PAID)),
    )
    right = Q(
        contract__state=ContractState.ENDED, contract__kind=ContractKind.HOURLY, until=F("closes")
    )
    granted = Q(state=BonusRequestState.GRANTED)
    wrong = found.filter(~right | granted & Q(paid=False)).order_by("pk")
    return wrong.values_list("contract__reference", flat=True)


def _open_dormancies() -> QuerySet[Dormancy]:
    """Of the contract that a query is about."""
    return Dormancy.objects.filter(contract=OuterRef("pk"), state__in=OPEN_DORMANCIES)


@check("Hours that were written off are not charged any more.")
def written_off_is_over() -> Iterable[str]:
    charged = GatewayOperation.objects.filter(
        book=OuterRef("contract__book"),
        state__in=OPEN_OPERATIONS,
        purpose=billing.PURPOSE,
        purpose_id=OuterRef("pk"),
    )
    over = Week.objects.filter(state=WeekState.WRITTEN_OFF)
    return _weeks(over.filter(Exists(charged) | Q(review_until__isnull=False)))


@check("Hours that the operator paid were paid what the correction moved, once.")
def settled_in_the_clients_place() -> Iterable[str]:
    """One posted correction a week, and with it a payment of its amount."""
    posted = Correction.objects.filter(state=CorrectionState.POSTED, purpose=owed.PURPOSE)
    paid = Week.objects.filter(
        pk=OuterRef("purpose_id"),
        state=WeekState.PAID,
        payment__book=OuterRef("book"),
        payment__gross_minor=OuterRef("amount_minor"),
        paid_at__gte=OuterRef("decided_at"),
    )
    another = posted.filter(purpose_id=OuterRef("purpose_id")).exclude(pk=OuterRef("pk"))
    wrong = posted.filter(~Exists(paid) | Exists(another)).order_by("pk")
    return wrong.values_list("book__reference", flat=True)


def _amount(minutes: Any) -> Any:
    """What so many minutes cost: rate × minutes ÷ 60, half up, in whole numbers."""
    doubled = 2 * F("contract__rate_minor") * minutes + 60
    return ExpressionWrapper(doubled / 120, BigIntegerField())


def _weeks(found: QuerySet[Week]) -> Iterable[str]:
    named = found.order_by("pk").values_list("contract__reference", "starts_on")
    return (f"{reference}, week of {starts_on}" for reference, starts_on in named)


def _stretches(found: QuerySet[Stretch]) -> Iterable[str]:
    named = found.order_by("pk").values_list("contract__reference", "starts_at")
    return (f"{reference}, {starts_at:%Y-%m-%d %H:%M}" for reference, starts_at in named)


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
