"""What happens to milestones: added, proposed, planned, submitted, reviewed, released."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction

from contracts import funding, notices, paying, positions, rules
from contracts.funding import active_of, leftover, still_open
from contracts.models import Contract, Milestone, Submission
from contracts.paying import Paying, next_number
from contracts.states import MilestoneState
from marketplace import clock, once, policy, transitions
from marketplace.actors import PLATFORM, Actor
from marketplace.money import Money
from marketplace.refusals import InvalidInput, Overtaken
from payments import ledger
from payments.models import Book, Payment


@transaction.atomic
def add(
    contract: Contract, *, title: str, amount: Money, due_on: date | None, key: str, by: Actor
) -> Milestone:
    """The client adds a milestone (S). Leftover escrow that covers it activates it at once.

    Args:
        amount: at least the minimum, or the whole leftover escrow when that is smaller (D).
        due_on: today or later, or none.
        key: the form's key.

    Raises:
        NotYours, Overtaken, InvalidInput: nothing was added.
    """
    contract = transitions.enter(contract)
    again = once.claim(key, contract=contract.pk, title=title, amount=amount, due_on=due_on)
    if again is not None:
        return Milestone.objects.get(pk=again.result)
    rules.refuse(rules.may_add_milestone(contract, by))
    book = ledger.lock(contract.book_id)
    _check(contract, book, amount=amount, due_on=due_on)
    milestone = _create(
        contract, title=title, amount=amount, due_on=due_on, state=MilestoneState.PLANNED, by=by
    )
    if activates(contract, book, amount):
        funding.fund_now(milestone, book, by=by)
    else:
        positions.touch(contract, now=clock.now())
    notices.milestone_added(milestone, by=by)
    once.keep(key, milestone.pk)
    return milestone


@transaction.atomic
def propose(
    contract: Contract, *, title: str, amount: Money, due_on: date | None, key: str, by: Actor
) -> Milestone:
    """The talent proposes a milestone; the client agrees or declines."""
    contract = transitions.enter(contract)
    again = once.claim(key, contract=contract.pk, title=title, amount=amount, due_on=due_on)
    if again is not None:
        return Milestone.objects.get(pk=again.result)
    rules.refuse(rules.may_propose(contract, by))
    _check(contract, None, amount=amount, due_on=due_on)
    milestone = _create(
        contract, title=title, amount=amount, due_on=due_on, state=MilestoneState.PROPOSED, by=by
    )
    positions.touch(contract, now=clock.now())
    notices.milestone_proposed(milestone, by=by)
    once.keep(key, milestone.pk)
    return milestone


@transaction.atomic
def agree(milestone: Milestone, *, by: Actor) -> Milestone:
    """The client takes a proposal into the plan; leftover escrow that covers it activates it."""
    milestone = _move(milestone, "agree", by=by)
    contract = milestone.contract
    book = ledger.lock(contract.book_id)
    if activates(contract, book, milestone.amount):
        funding.fund_now(milestone, book, by=by)
    notices.proposal_answered(milestone, by=by)
    return milestone


@transaction.atomic
def decline_proposal(milestone: Milestone, *, by: Actor) -> Milestone:
    """The client declines a proposal."""
    milestone = _move(milestone, "decline", by=by, at=clock.now())
    notices.proposal_answered(milestone, by=by)
    return milestone


@transaction.atomic
def take_back_proposal(milestone: Milestone, *, by: Actor) -> Milestone:
    """The talent takes its own proposal back."""
    return _move(milestone, "take_back_proposal", by=by, at=clock.now())


@transaction.atomic
def revise(
    milestone: Milestone, *, title: str, amount: Money, due_on: date | None, by: Actor
) -> Milestone:
    """The client edits a milestone that is not funded yet."""
    contract, milestone = _enter(milestone)
    transitions.refuse_unless_possible(milestone, "revise", by=by)
    _refuse_while_charged(contract, milestone)
    book = ledger.lock(contract.book_id)
    keeps_date = due_on == milestone.due_on
    _check(contract, book, amount=amount, due_on=None if keeps_date else due_on)
    transitions.move(milestone, "revise", by=by, title=title, amount=amount, due_on=due_on)
    positions.touch(contract, now=clock.now())
    return milestone


@transaction.atomic
def delete(milestone: Milestone, *, by: Actor) -> Milestone:
    """The client deletes a milestone that is not funded yet; the row stays, as cancelled."""
    contract, milestone = _enter(milestone)
    transitions.refuse_unless_possible(milestone, "delete_planned", by=by)
    _refuse_while_charged(contract, milestone)
    transitions.move(milestone, "delete_planned", by=by, at=clock.now())
    positions.touch(contract, now=clock.now())
    return milestone


@transaction.atomic
def move_up(milestone: Milestone, *, by: Actor) -> Milestone:
    """The client puts a planned milestone before the planned one above it."""
    contract, milestone = _enter(milestone)
    rules.refuse(rules.client_plans(milestone, by))
    above = [
        one
        for one in contract.open_milestones
        if one.state == MilestoneState.PLANNED and one.number < milestone.number
    ]
    if milestone.state != MilestoneState.PLANNED or not above:
        raise Overtaken("This milestone cannot move further up.")
    _refuse_while_charged(contract, milestone)
    _swap_numbers(milestone, max(above, key=lambda one: one.number))
    positions.touch(contract, now=clock.now())
    return milestone


@transaction.atomic
def submit(milestone: Milestone, *, message: str, links: list[str], by: Actor) -> Milestone:
    """The talent hands in work for the active milestone; a new review of 14 days starts.

    Args:
        message: what was done.
        links: http(s) addresses, at most ``policy.LINKS``.
    """
    milestone = _move(milestone, "submit", by=by, at=clock.now())
    Submission.objects.create(
        milestone=milestone,
        membership=by.as_member,
        message=message,
        links=links,
        at=clock.now(),
    )
    notices.work_submitted(milestone, message=message, by=by)
    return milestone


@transaction.atomic
def take_back(milestone: Milestone, *, by: Actor) -> Milestone:
    """The talent takes a submission back; the milestone is funded, nothing is submitted (D)."""
    milestone = _move(milestone, "take_back", by=by)
    milestone.submissions.filter(taken_back_at=None).update(taken_back_at=clock.now())
    notices.submission_taken_back(milestone, by=by)
    return milestone


@transaction.atomic
def ask_for_changes(milestone: Milestone, *, wanted: str, by: Actor) -> Milestone:
    """The client asks for changes; the review clock stops."""
    wanted = _worded(wanted, "Say what should change.", field="wanted")
    milestone = _move(milestone, "ask_for_changes", by=by, wanted=wanted)
    notices.changes_requested(milestone, by=by)
    return milestone


@transaction.atomic
def extend(milestone: Milestone, *, because: str, by: Actor) -> Milestone:
    """The client takes 7 more days to review, once per milestone, with a reason (D)."""
    because = _worded(because, "Say why you need more time.", field="because")
    milestone = _move(milestone, "extend", by=by, because=because)
    notices.review_extended(milestone, by=by)
    return milestone


@transaction.atomic
def approve(milestone: Milestone, *, amount: Money, key: str, by: Actor) -> Payment:
    """The client approves and releases the active milestone, in full or in part (*Pay now*).

    Works without a submission too. What is not paid stays in escrow. Afterwards the client is
    asked whether to end the contract or keep it open (S).

    Args:
        amount: from the minimum (or the whole milestone when that is smaller) to the milestone.

    Raises:
        NotYours, Overtaken, InvalidInput: nothing was paid.
    """
    contract = transitions.enter(milestone.contract)
    again = once.claim(key, milestone=milestone.pk, amount=amount)
    if again is not None:
        return Payment.objects.get(pk=again.result)
    milestone = still_open(contract, milestone)
    transitions.refuse_unless_possible(milestone, "pay", by=by)
    _check_part(milestone, amount)
    book = ledger.lock(contract.book_id)
    payment = release(milestone, book, amount, by=by)
    contract.asks_to_end_since = clock.now()
    contract.save(update_fields=["asks_to_end_since"])
    notices.payment_released(milestone, payment, by=by)
    once.keep(key, payment.pk)
    return payment


@transaction.atomic
def keep_open(contract: Contract, *, by: Actor) -> Contract:
    """The client answers *Keep it open* after *Pay now*."""
    contract = transitions.enter(contract)
    rules.refuse(rules.client_manages(contract, by))
    contract.asks_to_end_since = None
    contract.save(update_fields=["asks_to_end_since"])
    positions.touch(contract, now=clock.now())
    return contract


def releases_due(open_milestones: Sequence[Milestone], now: datetime) -> list[Milestone]:
    """Submitted milestones whose review is over."""
    return [one for one in open_milestones if one.review_until and one.review_until <= now]


def release_unanswered(milestone: Milestone) -> Payment:
    """The review is over without an answer: the full amount is released, as of when it was due.

    Called while the contract is entered.
    """
    contract = milestone.contract
    assert milestone.review_until is not None
    book = ledger.lock(contract.book_id)
    payment = release(
        milestone, book, milestone.amount, by=PLATFORM, paid_at=milestone.review_until
    )
    notices.payment_released_automatically(milestone, payment)
    return payment


def release(
    milestone: Milestone, book: Book, amount: Money, *, by: Actor, paid_at: Any = None
) -> Payment:
    """Pay an active milestone from escrow. The contract is entered, the book locked."""
    contract, now = milestone.contract, clock.now()
    release_of = Paying(contract, book, at=now, paid_at=paid_at or now, by=by)
    payment = paying.pay_milestone(release_of, milestone, amount)
    contract.open_milestones = [one for one in contract.open_milestones if one.is_open]
    if by.is_platform:
        positions.touch_again(contract)
    else:
        positions.touch(contract, now=now)
    return payment


def remind(milestone: Milestone) -> None:
    """Tell the client that an automatic release comes nearer, and set the next reminder.

    Called while the contract is entered; does nothing when no reminder is due. Those that were
    missed meanwhile are made up for by one.
    """
    now = clock.now()
    if milestone.reminder_due_at is None or milestone.reminder_due_at > now:
        return
    coming = [one for one in milestone.review_reminders if one > now]
    milestone.reminders_sent += 1
    milestone.reminder_due_at = min(coming, default=None)
    milestone.save(update_fields=["reminders_sent", "reminder_due_at"])
    notices.review_reminder(milestone)


def activates(contract: Contract, book: Book, amount: Money) -> bool:
    """Leftover escrow covers a milestone of this amount and none is active: Save activates it."""
    return active_of(contract) is None and bool(book.escrow) and leftover(book, None) >= amount


def _enter(milestone: Milestone) -> tuple[Contract, Milestone]:
    contract = transitions.enter(milestone.contract)
    return contract, still_open(contract, milestone)


def _move(milestone: Milestone, name: str, *, by: Actor, **arguments: Any) -> Milestone:
    """Enter the contract, move one of its open milestones, and note the activity."""
    contract, milestone = _enter(milestone)
    transitions.move(milestone, name, by=by, **arguments)
    positions.touch(contract, now=clock.now())
    return milestone


def _create(
    contract: Contract,
    *,
    title: str,
    amount: Money,
    due_on: date | None,
    state: MilestoneState,
    by: Actor,
) -> Milestone:
    number = next_number(contract)
    if number > policy.MILESTONES:
        raise InvalidInput(f"A contract has at most {policy.MILESTONES} milestones.")
    milestone = Milestone(
        contract=contract,
        number=number,
        title=title,
        currency=contract.currency,
        amount_minor=amount.minor,
        due_on=due_on,
        state=state,
        created_at=clock.now(),
    )
    milestone.save(force_insert=True)
    contract.open_milestones.append(milestone)
    transitions.created(milestone, by=by)
    return milestone


def _check(contract: Contract, book: Book | None, *, amount: Money, due_on: date | None) -> None:
    """The amount is within the limits, the date not in the past.

    Raises:
        InvalidInput: naming the field.
    """
    spare = leftover(book, active_of(contract)) if book else None
    check_amount(amount, contract.currency, spare)
    if due_on is not None and due_on < clock.now().date():
        raise InvalidInput("Choose today or a later date.", field="due_on")


def check_amount(amount: Money, currency: str, spare: Money | None = None) -> None:
    """A milestone's amount: the minimum (S: $5), or exactly a smaller leftover (D), to the maximum.

    Args:
        currency: the contract's; amounts of others never mix with it.
        spare: what is in escrow beyond the active milestone.

    Raises:
        InvalidInput: on the field ``amount``.
    """
    if amount.currency != currency:
        raise InvalidInput(f"Amounts of this contract are in {currency}.", field="amount")
    minimum, maximum = policy.minimum_milestone(currency), policy.maximum_amount(currency)
    if amount < minimum and not (spare and amount == spare):
        small = f", or the {spare} that is left in escrow" if spare and spare < minimum else ""
        raise InvalidInput(f"A milestone is at least {minimum}{small}.", field="amount")
    if amount > maximum:
        raise InvalidInput(f"An amount is at most {maximum}.", field="amount")


def _check_part(milestone: Milestone, amount: Money) -> None:
    """Part of a milestone: at least the minimum, or the whole of a smaller milestone."""
    if amount > milestone.amount:
        raise InvalidInput(
            f"At most {milestone.amount}, the amount of this milestone, can be released.",
            field="amount",
        )
    minimum = min(policy.minimum_milestone(amount.currency), milestone.amount)
    if amount < minimum:
        raise InvalidInput(f"Release at least {minimum}.", field="amount")


def _refuse_while_charged(contract: Contract, milestone: Milestone) -> None:
    charged = (funding.PURPOSE, milestone.pk)
    if any((one.purpose, one.purpose_id) == charged for one in contract.open_operations):
        raise Overtaken("A charge for this milestone is still open.")


def _worded(text: str, sentence: str, *, field: str) -> str:
    """The text without spaces around it.

    Raises:
        InvalidInput: with the sentence, when nothing is left.
    """
    if not text.strip():
        raise InvalidInput(sentence, field=field)
    return text.strip()


def _swap_numbers(lower: Milestone, upper: Milestone) -> None:
    first, second = upper.number, lower.number
    for milestone, number in (
        (lower, next_number(lower.contract)),
        (upper, second),
        (lower, first),
    ):
        milestone.number = number
        milestone.save(update_fields=["number"])
