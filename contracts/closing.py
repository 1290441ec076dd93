"""Ending a contract: the preview and the deed, from the same facts by the same plan.

Either side may end an active contract at any time, without the other's consent (S). All of it
happens in one transaction or not at all, and never waits for a gateway.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import singledispatch
from typing import Any, Final

from django.core import signing
from django.db import transaction
from django.db.models import F, Sum

from contracts import (
    checklists,
    funding,
    hours_facts,
    notices,
    paying,
    positions,
    quiet,
    timers,
    weeks,
)
from contracts.milestones import releases_due
from contracts.models import Contract, Milestone, Timer
from contracts.paying import Paying
from contracts.plans import (
    BillWeek,
    CancelMilestones,
    ChargeStaysCredit,
    Choice,
    EndPlan,
    Facts,
    HoursFacts,
    LockDiary,
    MilestoneFacts,
    OpenFeedback,
    PayFinal,
    PayMilestone,
    RequestEscrowRefund,
    ReturnEscrow,
    StaysDisputed,
    StaysOwed,
    StopTimers,
    after_due_releases,
    plan,
)
from contracts.states import OPEN_MILESTONES, EndReason, MilestoneState, Side
from marketplace import clock, policy, transitions
from marketplace.actors import PLATFORM, Actor
from marketplace.facts import freeze
from marketplace.money import Money, total, zero
from marketplace.refusals import FiguresChanged, InvalidInput, Overtaken
from payments import escrow, ledger, requests
from payments.models import Book, GatewayOperation
from payments.states import OPEN_OPERATIONS

__all__ = [
    "Choice",
    "EndPlan",
    "Facts",
    "confirmed_figures",
    "end",
    "facts_of",
    "facts_seen",
    "feedback_closes",
    "open_charges_of",
    "plan",
    "seen_figures",
    "seen_token",
]

KEPT: Final = F("net_minor") - F("refunded_minor") + F("fee_returned_minor")
"""What the talent keeps of a payment."""

_SALT: Final = "contracts.closing.seen"
_SUBMITTED: Final = (MilestoneState.SUBMITTED, MilestoneState.CHANGES_REQUESTED)


def facts_of(
    contract: Contract,
    *,
    milestones: Sequence[Milestone] | None = None,
    charges: Sequence[GatewayOperation] | None = None,
    hours: hours_facts.Rows | None = None,
    kept: Money | None = None,
) -> Facts:
    """The facts for a page, unlocked, with what is due already applied in memory.

    At most three queries beyond the contract (read with its book and the book's escrow account);
    four of an hourly one.

    Args:
        milestones: the contract's, if they were read already.
        charges: the open ones, if they were read already.
        hours: the rows of an hourly contract, if they were read already.
        kept: what the talent received on the contract, if it is known already.
    """
    if contract.is_hourly:
        rows = hours_facts.read(contract) if hours is None else hours
        read = hours_facts.facts(contract, rows, clock.now())
        return _facts(contract, contract.book, hours=read, kept=kept)
    if milestones is None:
        milestones = list(contract.milestones.filter(state__in=OPEN_MILESTONES))
    if charges is None:
        charges = open_charges_of(contract)
    open_ones = [one for one in milestones if one.is_open]
    facts = _facts(contract, contract.book, open_ones, charges)
    due = releases_due(open_ones, clock.now())
    return after_due_releases(facts, {one.pk for one in due})


def open_charges_of(contract: Contract) -> list[GatewayOperation]:
    """Funding charges that the gateway has not answered, unlocked; one query."""
    return list(GatewayOperation.objects.filter(book=contract.book_id, state__in=OPEN_OPERATIONS))


def seen_token(contract: Contract, facts: Facts) -> str:
    """A signed record of the facts that a page showed; it holds no instants and no choice."""
    return signing.dumps(_figures(facts), salt=f"{_SALT}:{contract.reference}")


def seen_figures(contract: Contract, seen: str) -> dict[str, Any] | None:
    """The figures of a token, to tell what was; None when it is not ours."""
    try:
        figures: dict[str, Any] = signing.loads(seen, salt=f"{_SALT}:{contract.reference}")
    except signing.BadSignature:
        return None
    return figures


def comparable(contract: Contract, figures: dict[str, Any], facts: Facts) -> Facts:
    """The facts of now, as far as a person who saw figures has to be told that they changed.

    What timers counted that were running then changes nothing: "at least 6 h 10 min" was said.
    One query, when such a timer has stopped.

    Args:
        figures: of a token, see :func:`seen_figures`.
    """
    hours = facts.hours
    stopped = set(figures.get("timers", ())) - set(hours.timers) if hours else set()
    if hours is None or not stopped:
        return facts
    rows = Timer.objects.filter(contract=contract, pk__in=stopped)
    return replace(facts, hours=hours_facts.without_segments_of(hours, rows))


def facts_seen(contract: Contract, figures: dict[str, Any], facts: Facts) -> Facts:
    """The facts behind a token's figures, to plan the same choice on what a person saw.

    One query, for what the milestones of then are called.

    Args:
        facts: those of now, for what never changes.
    """
    if facts.hours is not None:
        return replace(facts, hours=hours_facts.behind(figures, facts.hours))
    currency = facts.escrow.currency
    rows = contract.milestones.in_bulk([pk for pk, _, _ in figures["milestones"]])
    return Facts(
        version=figures["version"],
        escrow=Money(figures["escrow"], currency),
        milestones=tuple(
            MilestoneFacts(
                pk=pk,
                number=rows[pk].number,
                title=rows[pk].title,
                state=state,
                amount=Money(minor, currency),
                was_submitted=state in _SUBMITTED,
            )
            for pk, state, minor in figures["milestones"]
        ),
        open_charge=Money(figures["charge"], currency) if figures["charge"] else None,
        talent_fee=facts.talent_fee,
        kept=Money(figures["kept"], currency),
    )


def refuse_changed(contract: Contract, seen: str, facts: Facts) -> None:
    """What was seen is still so.

    Raises:
        FiguresChanged: it is not.
    """
    figures = seen_figures(contract, seen)
    if figures is None or figures != _figures(comparable(contract, figures, facts)):
        raise FiguresChanged("The figures have changed since you saw them. Nothing was ended.")


@transaction.atomic
def end(
    contract: Contract,
    *,
    choice: Choice,
    seen: str,
    reason: str = "",
    note: str = "",
    gives_up: bool = False,
    side: Side | None = None,
    by: Actor,
) -> Contract:
    """End a contract and carry out what the plan says, exactly once.

    Args:
        choice: the client's, for what is in escrow; ``Choice.nothing()`` otherwise.
        seen: the token of the figures that were confirmed.
        reason: an :class:`EndReason`, optional, read by the ender and support alone.
        note: what the other side will read, optional.
        gives_up: the talent's own tick for giving up what is in escrow.
        side: whose end it is, when support ends for a side; members end for their own.

    Raises:
        NotYours: not an owner or manager of either side.
        Overtaken: it has ended already, or never began.
        FiguresChanged: what was seen is no longer so.
        InvalidInput: choice or tick do not fit. Nothing was done in any of these cases.
    """
    contract = transitions.enter(contract)
    if contract.is_ended:
        raise Overtaken(ended_sentence(contract, by))
    transitions.refuse_unless_possible(contract, "end", by=by)
    book = ledger.lock(contract.book_id)
    now = clock.now()
    facts = _locked_facts(contract, book, now)
    refuse_changed(contract, seen, facts)
    because = _reason(reason)
    decided = plan(facts, _side(contract, side, by), choice)
    if by.is_staff and decided.paid:
        raise InvalidInput("Support ends without paying; choose to pay nothing.", field="choice")
    if decided.gives_up and not (gives_up or by.is_staff):
        raise InvalidInput(
            f"Tick that you give up the {decided.escrow}, or keep the contract.",
            field="gives_up",
        )
    _carry_out(_End(contract, book, decided, now, by), reason=because, note=note)
    return contract


def end_in_silence(contract: Contract) -> None:
    """Nobody acted on a dormant contract: Closeout gives escrow back to the client and ends it.

    As an end by the talent does (S), from the same plan. Called while the contract is entered.
    """
    book = ledger.lock(contract.book_id)
    now = clock.now()
    decided = plan(_locked_facts(contract, book, now), Side.TALENT, Choice.nothing())
    _carry_out(_End(contract, book, decided, now, PLATFORM), reason="", note="")


def feedback_closes(ended_at: datetime) -> datetime:
    """The end of the 14th day after the end, UTC."""
    after = ended_at.astimezone(UTC).date() + timedelta(days=policy.FEEDBACK_DAYS + 1)
    return datetime.combine(after, time.min, tzinfo=UTC)


def confirmed_figures(
    decided: EndPlan, *, by_support: bool = False, by_silence: bool = False
) -> Any:
    """The figures of a plan that is carried out, kept with the contract for good.

    Args:
        by_support: support confirmed them, for the plan's side.
        by_silence: nobody did; the contract was dormant.
    """
    return freeze(
        {
            "side": decided.side.value,
            "choice": decided.choice.kind.value,
            "escrow": decided.escrow,
            "paid": decided.paid,
            "received": decided.received,
            "returned": decided.returned,
            "requested": decided.requested,
            "cancelled": [
                one.title
                for effect in decided.effects
                if isinstance(effect, CancelMilestones)
                for one in effect.milestones
            ],
        }
        | ({"weeks": billed_figures(decided)} if decided.is_hourly else {})
        | ({"support": True} if by_support else {})
        | ({"silence": True} if by_silence else {})
    )


def billed_figures(decided: EndPlan) -> list[dict[str, Any]]:
    """The weeks that a plan bills, as the room and notices tell of them."""
    return [
        {
            "week": one.starts_on,
            "minutes": one.billable,
            "beyond": one.beyond,
            "amount": one.amount,
            "receives": one.receives,
            "bills_at": one.bills_at,
        }
        for one in decided.billed
        if one.minutes
    ]


def ended_sentence(contract: Contract, by: Actor | None = None) -> str:
    """Who ended a contract, for those who come second."""
    if contract.ended_by_silence:
        return (
            "Closeout ended this contract, because nobody acted while it was dormant. Here is what"
            " happened."
        )
    side = Side(contract.ended_side)
    is_own = by is not None and contract.side_of(by.party_id) is side
    name = contract.party(side).name
    if contract.ended_by_support:
        who = "you" if is_own else name
        return f"Support ended this contract for {who}. Here is what happened."
    if is_own:
        return "You ended this contract before. Here is what happened."
    return f"{name} ended this contract. Here is what happened."


@dataclass(frozen=True, slots=True)
class _End:
    """One end being carried out: everything is locked."""

    contract: Contract
    book: Book
    plan: EndPlan
    at: datetime
    by: Actor

    @property
    def paying(self) -> Paying:
        return Paying(self.contract, self.book, at=self.at, paid_at=self.at, by=self.by)

    def milestone(self, facts: MilestoneFacts) -> Milestone:
        return next(one for one in self.contract.open_milestones if one.pk == facts.pk)


def _carry_out(ending: _End, *, reason: str, note: str) -> None:
    contract = ending.contract
    with transitions.journal(contract):
        for effect in ending.plan.effects:
            _do(effect, ending)
        contract.open_milestones = []
        _close_dormancy(ending)
        positions.place(contract, now=ending.at)
        transitions.move(
            contract,
            "end",
            by=ending.by,
            side=ending.plan.side,
            at=ending.at,
            because=reason,
            note=note,
            figures=confirmed_figures(
                ending.plan, by_support=ending.by.is_staff, by_silence=ending.by.is_platform
            ),
            feedback_until=feedback_closes(ending.at),
        )
    checklists.open_for(contract)
    notices.contract_ended(contract, ending.plan, by=ending.by)


def _close_dormancy(ending: _End) -> None:
    """A dormant contract is not dormant any more: somebody ended it, or nobody acted at all."""
    dormancy = ending.contract.open_dormancy
    if dormancy is not None and ending.by.is_platform:
        transitions.move(dormancy, "give_back", by=ending.by, at=ending.at)
        ending.contract.open_dormancy = None
    quiet.wake(ending.contract, at=ending.at, by=ending.by, told=False)


@singledispatch
def _do(effect: Any, ending: _End) -> None:
    """Carry out one effect of the plan, under the locks of ``ending``."""
    raise TypeError(f"no way to carry out {type(effect).__name__} of {ending.contract}")


@_do.register
def _pay_milestone(effect: PayMilestone, ending: _End) -> None:
    milestone = ending.milestone(effect.milestone)
    paying.pay_milestone(ending.paying, milestone, effect.pays, raised_to=effect.raised_to)


@_do.register
def _pay_final(effect: PayFinal, ending: _End) -> None:
    paying.pay_final(ending.paying, effect.pays)


@_do.register
def _return_escrow(effect: ReturnEscrow, ending: _End) -> None:
    name = ending.contract.party(ending.plan.side).name
    memo = f"{name} ended the contract"
    if ending.by.is_staff:
        memo = f"Support ended the contract for {name}"
    elif ending.by.is_platform:
        memo = "Nobody acted while the contract was dormant, and it ended"
    escrow.give_back(
        ending.book,
        effect.amount,
        key=f"end:{ending.contract.pk}:return",
        memo=memo,
        at=ending.at,
        by=ending.by,
    )


@_do.register
def _request_escrow_refund(effect: RequestEscrowRefund, ending: _End) -> None:
    ending.contract.open_request = requests.file(
        ending.book,
        amount=effect.amount,
        answer_by=ending.at + policy.ESCROW_ANSWER_WINDOW,
        on_silence=effect.on_silence,
        at=ending.at,
        by=ending.by,
    )


@_do.register
def _cancel_milestones(effect: CancelMilestones, ending: _End) -> None:
    rows = [ending.milestone(one) for one in effect.milestones]
    transitions.move_all(rows, "cancel", by=ending.by, at=ending.at)


@_do.register
def _charge_stays_credit(effect: ChargeStaysCredit, ending: _End) -> None:
    """Nothing now: settling the charge finds the contract ended (see funding)."""


@_do.register
def _stop_timers(_effect: StopTimers, ending: _End) -> None:
    timers.stop_all(ending.contract, at=ending.at, by=ending.by)


@_do.register
def _lock_diary(_effect: LockDiary, ending: _End) -> None:
    """Every open week, also one without time: the weekly run closes that as nothing to bill."""
    open_weeks = [one for one in ending.contract.open_weeks if one.is_open]
    billed = weeks.billed_next(ending.at)
    transitions.move_all(open_weeks, "lock", by=ending.by, at=ending.at, billed=billed)


@_do.register
def _bill_week(effect: BillWeek, ending: _End) -> None:
    """Nothing now: the weekly run bills what is locked (see billing)."""


@_do.register
def _stays_owed(effect: StaysOwed, ending: _End) -> None:
    """Nothing: an invoice is charged, reviewed and paid as if the contract went on."""


@_do.register
def _stays_disputed(effect: StaysDisputed, ending: _End) -> None:
    """Nothing: a dispute is answered and decided after the end too."""


@_do.register
def _open_feedback(effect: OpenFeedback, ending: _End) -> None:
    """Stored by the contract's own transition, as ``feedback_until``."""


def _side(contract: Contract, side: Side | None, by: Actor) -> Side:
    own = contract.side_of(by.party_id)
    decided = side if by.is_staff else own
    if decided is None:
        raise InvalidInput("Choose whose end this is.", field="side")
    return decided


def _reason(reason: str) -> str:
    if reason and reason not in EndReason.values:
        raise InvalidInput("Choose one of the reasons, or none.", field="reason")
    return reason


def _locked_facts(contract: Contract, book: Book, now: datetime) -> Facts:
    """Of an entered contract: what is due has been carried out."""
    if contract.is_hourly:
        hours = hours_facts.facts(contract, hours_facts.locked(contract), now)
        return _facts(contract, book, hours=hours)
    return _facts(contract, book, contract.open_milestones, contract.open_operations)


def _facts(
    contract: Contract,
    book: Book,
    open_milestones: Sequence[Milestone] = (),
    open_charges: Sequence[GatewayOperation] = (),
    *,
    hours: HoursFacts | None = None,
    kept: Money | None = None,
) -> Facts:
    charges = [one.amount for one in open_charges if one.purpose == funding.PURPOSE]
    charged = total(charges, contract.currency)
    return Facts(
        version=contract.version,
        escrow=book.escrow,
        milestones=tuple(
            MilestoneFacts(
                pk=one.pk,
                number=one.number,
                title=one.title,
                state=str(one.state),
                amount=one.amount,
                was_submitted=one.was_submitted,
            )
            for one in sorted(open_milestones, key=lambda one: one.number)
        ),
        open_charge=charged or None,
        talent_fee=book.talent_fee,
        kept=_kept(book) if kept is None else kept,
        hours=hours,
    )


def _kept(book: Book) -> Money:
    """What the talent received on this contract, after fees and refunds."""
    kept = book.payments.aggregate(minor=Sum(KEPT))["minor"]
    return Money(kept or 0, book.currency) if kept else zero(book.currency)


def _figures(facts: Facts) -> dict[str, Any]:
    """What the confirmation is compared by: never instants, never what was chosen."""
    if facts.hours is not None:
        return hours_facts.figures(facts.hours)
    charge = facts.open_charge
    return {
        "version": facts.version,
        "escrow": facts.escrow.minor,
        "charge": charge.minor if charge else 0,
        "kept": facts.kept.minor,
        "milestones": [[one.pk, one.state, one.amount.minor] for one in facts.milestones],
    }
