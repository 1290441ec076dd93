"""The weekly run: weeks that are due are invoiced, charged through the gateway door, and paid.

Everything works on many entered contracts at once and on one alike. Credit pays first; the rest is
an intent to charge, committed with the invoice. The gateway is called outside transactions, and
its answers are posted in one: money to the client's credit, from there to the talent. A run that
dies anywhere leaves rows that the next one, or the sweep of charges, finishes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Count

from contracts import funding, notices, positions, quotes, rules, timers, weeks
from contracts.models import Contract, Week, WeekLimit
from contracts.owing import client_owes
from contracts.quotes import Quote
from marketplace import cases, clock, once, policy, transitions
from marketplace.actors import PLATFORM, Actor
from marketplace.money import Money, zero
from marketplace.refusals import Overtaken
from payments import hours, ledger, operations
from payments.gateways.base import Outcome
from payments.hours import HoursToPay
from payments.models import Book, GatewayOperation, Payment
from payments.operations import Intent
from payments.states import OperationState

__all__ = [
    "PURPOSE",
    "bill",
    "charge_of",
    "client_owes",
    "end_reviews",
    "invoice_due",
    "lift_hold",
    "owed",
    "pay_from_credit",
    "pay_now",
    "quote",
    "settle",
    "settle_all",
    "try_again",
]

PURPOSE: Final = "hours"
CHARGE_IS_OPEN: Final = (
    "A charge for these hours is still open. As soon as it is settled, you can pay again."
)


def owed(week: Week) -> Money:
    """What is owed for an invoiced week now, less what disputes took back; zero once it is paid."""
    if not week.is_owed:
        return zero(week.currency)
    return weeks.cost(week.contract.hourly_rate, week)


def quote(week: Week) -> Quote:
    """What paying a week takes now, from an unlocked reading of the book, for pages."""
    return quotes.quote(owed(week), credit=week.contract.book.credit)


# What falls due ---------------------------------------------------------------------------------


def invoice_due(contracts: Sequence[Contract], *, at: datetime) -> None:
    """Invoice the weeks of entered contracts whose Monday 12:00 has come, and collect for them.

    What the client's credit covers is paid at once. For the rest the intent to charge is written
    down; who has committed this transaction makes the calls, or the sweep of charges does.

    Args:
        contracts: entered, with their open weeks attached.
        at: now.
    """
    due = [week for one in contracts for week in _in_order(one) if _is_due(week, at)]
    if not due:
        return
    limits = _limits_of(due)
    billable = {
        week.pk: weeks.billable(
            week.minutes, weeks.limit_in(limits[week.contract_id], week.starts_on)
        )
        for week in due
    }
    run = _Run([week.contract for week in due if billable[week.pk]], at=at)
    for week in due:
        run.invoice(week, billable[week.pk])
    run.write()


def end_reviews(contracts: Sequence[Contract], *, at: datetime) -> None:
    """Note on entered contracts that the review of a week has passed; no activity of anybody."""
    changes = transitions.Changes(by=PLATFORM)
    for contract in contracts:
        passed = [one for one in contract.open_weeks if one.review_until and one.review_until <= at]
        for week in passed:
            week.review_until = None
            changes.also(week, "review_until")
        if passed:
            positions.place_again(contract)
            changes.also(contract, *positions.PLACES)
    changes.write()


def bill(contract_ids: Collection[int]) -> bool:
    """Bill what is due on contracts that nobody else holds, many at once, and charge for it.

    Runs in transactions of its own, with the gateway called between them; may run twice, and on
    several machines.

    Returns:
        Whether there was a contract to look at.
    """
    with transaction.atomic():
        entered = transitions.enter_all(Contract, contract_ids, free=True)
    _charge(entered)
    return bool(entered)


def try_again(contract_ids: Collection[int]) -> bool:
    """Try declined charges once more that are due for it, as :func:`bill`.

    After ``policy.OWED_RETRIED_AFTER_END`` support takes over instead.
    """
    with transaction.atomic():
        entered = transitions.enter_all(Contract, contract_ids, free=True)
        now = clock.now()
        due = [week for one in entered for week in _in_order(one) if _is_retried(week, now)]
        run = _Run([week.contract for week in due], at=now)
        for week in due:
            run.try_again(week)
        run.write()
    _charge(entered)
    return bool(entered)


# The client's way out ---------------------------------------------------------------------------


def pay_now(week: Week, *, method: str, key: str, seen: str | None = None, by: Actor) -> Week:
    """The client pays owed hours, charging what credit does not cover; later weeks use the method.

    Runs in transactions of its own, with the gateway called between them.

    Args:
        method: token of one of the gateway's methods; ignored when nothing is charged.
        key: the form's key; the same form again reports the first outcome.
        seen: the mark of the quote that was confirmed, see :func:`contracts.quotes.mark`; None
            from callers that are no forms.

    Returns:
        The week as it is now: paid, or still owed with an open charge.

    Raises:
        NotYours: not an owner or manager of the client.
        Overtaken: nothing is owed any more, or a charge is still open.
        InvalidInput: the method is none of the gateway's.
        FiguresChanged: the quote is another one now; nothing was charged.
        Refused: the gateway declined; nothing was charged.
        KeyReused: the form was sent before with other values.
    """
    named = f"pay-hours:{key or once.new_key()}"
    operation = _begin(week, method=method, key=named, seen=seen, by=by)
    if operation is not None:
        operations.carry_out_now(operation.pk)
    return Week.objects.select_related("contract").get(pk=week.pk)


@transaction.atomic
def _begin(
    week: Week, *, method: str, key: str, seen: str | None, by: Actor
) -> GatewayOperation | None:
    """Pay at once when no charge is needed; otherwise commit the intent to charge."""
    contract = transitions.enter(week.contract)
    if once.claim(key, week=week.pk, method=method) is not None:
        return GatewayOperation.objects.filter(key=key).first()
    week = _still_owed(contract, week, by)
    run = _Run([contract], at=clock.now(), by=by)
    quotes.refuse_changed(run.quote(week), seen)
    if run.covers(week):
        run.pay(week, paid_at=run.at)
    else:
        funding.refuse_unknown_method(contract.client, method)
        run.use_method(contract, method)
        run.charge(week, key=key)
    run.write()
    return next((one for one in contract.open_operations if one.key == key), None)


def _still_owed(contract: Contract, week: Week, by: Actor) -> Week:
    """The locked copy of a week that can be paid now.

    Raises:
        NotYours, Overtaken: see :func:`pay_now`.
    """
    found = next((one for one in contract.open_weeks if one.pk == week.pk), None)
    week.contract = contract
    rules.refuse(rules.client_pays_week(week, by))
    if found is None or not found.is_owed:
        raise Overtaken("Nothing is owed for these hours any more.")
    if charge_of(found) is not None:
        raise Overtaken(CHARGE_IS_OPEN)
    return found


# Answers of the gateway -------------------------------------------------------------------------


def settle(operation_id: int, outcome: Outcome) -> None:
    """A charge for hours is answered, perhaps late, perhaps twice."""
    settle_all({operation_id: outcome})


@transaction.atomic
def settle_all(answers: Mapping[int, Outcome]) -> None:
    """Charges for hours are answered, many at once.

    Confirmed money is posted to the client's credit and pays the hours, if they are still owed and
    credit suffices; otherwise it stays credit and the client is told. A declined charge puts the
    contract on hold.

    Args:
        answers: known outcomes by operation.
    """
    chosen = Contract.objects.filter(book__operations__in=list(answers))
    contracts = transitions.enter_all(Contract, chosen.values_list("pk", flat=True).distinct())
    answered = [
        one for contract in contracts for one in contract.open_operations if one.pk in answers
    ]
    if not answered:
        return
    run = _Run(contracts, at=clock.now())
    told = [(operation, answers[operation.pk]) for operation in answered]
    confirmed = {one.pk for one in operations.record_all(told, run.books)}
    still_owed = {week.pk: week for one in contracts for week in one.open_weeks if week.is_owed}
    of_book = {contract.book_id: contract for contract in contracts}
    for operation in answered:
        week = still_owed.pop(operation.purpose_id, None)
        if operation.pk in confirmed:
            run.take(of_book[operation.book_id], week, operation)
        elif week is not None:
            run.fail(week, operation)
    run.write()


def lift_hold(contract: Contract, *, at: datetime) -> None:
    """Let an entered contract go on, if no charge for its hours is declined any more."""
    run = _Run([], at=at)
    run.let_go_on(contract)
    run.write()


def _charge(contracts: Iterable[Contract]) -> None:
    """Call the gateway for what was begun on contracts, and settle what it answers, together."""
    started = [
        operation.pk
        for contract in contracts
        for operation in contract.open_operations
        if operation.purpose == PURPOSE and operation.state == OperationState.STARTED
    ]
    if not started:
        return
    answers = operations.call_all(started)
    settle_all({pk: outcome for pk, outcome in answers.items() if outcome.is_known})
    for pk, outcome in answers.items():
        if not outcome.is_known:
            operations.settle(pk, outcome)


def pay_from_credit(week: Week, *, at: datetime) -> Payment:
    """Pay an owed week of an entered contract from credit that was posted for it just now.

    Who calls tells both sides why.
    """
    run = _Run([week.contract], at=at)
    run.pay(week, paid_at=at, is_news=False)
    run.write()
    assert week.payment is not None
    return week.payment


class _Run:
    """What is done about hours of entered contracts in one transaction, and written together."""

    def __init__(self, contracts: Iterable[Contract], *, at: datetime, by: Actor = PLATFORM):
        self.at = at
        self.by = by
        self.books: Mapping[int, Book] = ledger.lock_all({one.book_id for one in contracts})
        self._changes = transitions.Changes(by=by)
        self._letters = notices.Letters()
        self._credit: dict[int, Money] = {}
        self._paid: list[tuple[Week, HoursToPay, bool]] = []
        self._charges: list[tuple[Week, Money, str]] = []

    def invoice(self, week: Week, minutes: int) -> None:
        """Close the week with nothing to bill, or invoice it and collect."""
        if not minutes:
            self._changes.move(week, "close_empty")
            return
        self._changes.move(
            week,
            "invoice",
            minutes=minutes,
            amount=weeks.amount(week.contract.hourly_rate, minutes),
            review_until=weeks.review_until(week.starts_on),
            at=week.bills_at,
        )
        self._touch(week.contract)
        quoted = self.quote(week)
        net = self._book(week.contract).net_of(owed(week))
        notices.hours_invoiced(self._letters, week, quoted, net=net)
        self._collect(week, paid_at=week.bills_at, is_news=False)

    def try_again(self, week: Week) -> None:
        """Charge a declined week once more, or hand it to support."""
        if _is_given_up(week.contract, self.at):
            self._hand_over(week)
            return
        retry_at = self.at + policy.OWED_RETRY
        if charge_of(week) is not None:
            week.retry_at = retry_at
            self._changes.also(week, "retry_at")
            return
        self._changes.move(week, "charge_again", retry_at=retry_at)
        self._collect(week, paid_at=self.at, is_news=True)

    def take(self, contract: Contract, week: Week | None, operation: GatewayOperation) -> None:
        """Money came: it pays the hours, or stays credit. What is then still owed is charged."""
        self._touch(contract)
        if week is not None and self.covers(week):
            self.pay(week, paid_at=self.at)
            return
        notices.charge_kept_as_credit(contract, operation)
        if week is not None:
            self.charge(week)

    def fail(self, week: Week, operation: GatewayOperation) -> None:
        """A charge was declined: the hours stay owed, and the contract is on hold."""
        contract = week.contract
        self._changes.move(week, "fail", at=self.at)
        self._touch(contract)
        notices.hours_declined(self._letters, week, operation, owed=owed(week))
        if contract.hold_since is None:
            contract.hold_since = self.at
            self._changes.also(contract, "hold_since")
            timers.stop_all(contract, at=self.at, by=PLATFORM)
            notices.contract_on_hold(contract, week)

    def quote(self, week: Week) -> Quote:
        return quotes.quote(owed(week), credit=self._credit_left(week.contract))

    def covers(self, week: Week) -> bool:
        """Whether credit covers the week, beside all that it pays in this run."""
        return self._credit_left(week.contract) >= owed(week)

    def pay(self, week: Week, *, paid_at: datetime, is_news: bool = True) -> None:
        """Pay an owed week from credit.

        Args:
            is_news: both sides are told; an invoice that is paid at once says so itself.
        """
        contract = week.contract
        self._use_credit(contract, owed(week))
        planned = HoursToPay(
            book=self._book(contract),
            gross=owed(week),
            key=f"hours:{week.pk}",
            title=f"Hours, {week}",
            paid_at=paid_at,
            available_at=weeks.available_at(week.starts_on, paid_at),
            held=any(one.week_id == week.pk for one in contract.open_disputes),
        )
        self._paid.append((week, planned, is_news))
        self._touch(contract)

    def charge(self, week: Week, *, key: str = "") -> None:
        """Write down the intent to charge what credit does not cover of an owed week.

        Args:
            key: idempotency key of the call; one of the week's own when none is given.
        """
        quoted = self.quote(week)
        self._use_credit(week.contract, quoted.from_credit)
        self._charges.append((week, quoted.charge, key))
        self._touch(week.contract)
        if key and week.is_unpaid:
            self._changes.move(week, "charge_again", retry_at=week.retry_at)

    def use_method(self, contract: Contract, method: str) -> None:
        """Keep what the hours are charged to from now on."""
        contract.charge_method = method
        self._changes.also(contract, "charge_method")

    def let_go_on(self, contract: Contract) -> None:
        """Lift the hold of a contract none of whose weeks is declined any more."""
        if contract.hold_since is None or any(one.is_unpaid for one in contract.open_weeks):
            return
        contract.hold_since = None
        self._changes.also(contract, "hold_since")
        notices.hold_lifted(contract)

    def write(self) -> None:
        """Pay, begin charges, save every row that changed, and tell both sides."""
        payments = hours.pay_all([planned for _, planned, _ in self._paid], at=self.at, by=self.by)
        for (week, _, is_news), payment in zip(self._paid, payments, strict=True):
            self._changes.move(week, "pay", payment=payment)
            if is_news:
                credit = self._book(week.contract).credit
                notices.hours_paid(self._letters, week, payment, credit=credit)
            self.let_go_on(week.contract)
        self._begin_charges()
        self._changes.write()
        self._letters.write()

    def _collect(self, week: Week, *, paid_at: datetime, is_news: bool) -> None:
        if self.covers(week):
            self.pay(week, paid_at=paid_at, is_news=is_news)
        else:
            self.charge(week)

    def _begin_charges(self) -> None:
        if not self._charges:
            return
        numbers = _attempts([week for week, _, _ in self._charges])
        intents = [
            Intent(
                book=self._book(week.contract),
                purpose=PURPOSE,
                purpose_id=week.pk,
                amount=amount,
                method=week.contract.charge_method,
                key=key or f"hours:{week.pk}:{numbers.get(week.pk, 0) + 1}",
            )
            for week, amount, key in self._charges
        ]
        begun = operations.start_all(intents, by=self.by)
        for (week, _, _), operation in zip(self._charges, begun, strict=True):
            week.contract.open_operations.append(operation)

    def _hand_over(self, week: Week) -> None:
        contract = week.contract
        self._changes.move(week, "hand_over")
        cases.open_for_support(
            subject=f"Hours not paid: {week}",
            text=(
                f"{owed(week)} is owed for {contract.title}. The contract ended, and every charge"
                f" since was declined."
            ),
            party=contract.client,
            contract=contract.reference,
        )
        notices.hours_with_support(self._letters, week, owed=owed(week))

    def _touch(self, contract: Contract) -> None:
        """What Closeout bills and charges by itself is no activity of anybody."""
        if self.by.is_platform:
            positions.place_again(contract)
            self._changes.also(contract, *positions.PLACES)
        else:
            positions.place(contract, now=self.at)
            self._changes.also(contract, *positions.FIELDS)

    def _book(self, contract: Contract) -> Book:
        return self.books[contract.book_id]

    def _credit_left(self, contract: Contract) -> Money:
        book = self._book(contract)
        return self._credit.setdefault(book.credit_account_id, book.credit)

    def _use_credit(self, contract: Contract, amount: Money) -> None:
        left = self._credit_left(contract) - amount
        self._credit[self._book(contract).credit_account_id] = left


def _in_order(contract: Contract) -> list[Week]:
    return sorted(contract.open_weeks, key=lambda week: week.starts_on)


def _is_due(week: Week, at: datetime) -> bool:
    return week.is_unbilled and week.bills_at <= at


def _is_retried(week: Week, at: datetime) -> bool:
    return week.is_unpaid and week.retry_at is not None and week.retry_at <= at


def _is_given_up(contract: Contract, at: datetime) -> bool:
    ended_at = contract.ended_at
    return ended_at is not None and at >= ended_at + policy.OWED_RETRIED_AFTER_END


def charge_of(week: Week) -> GatewayOperation | None:
    """The open charge for a week of an entered contract."""
    for one in week.contract.open_operations:
        if one.is_open and one.purpose == PURPOSE and one.purpose_id == week.pk:
            return one
    return None


def _limits_of(due: Iterable[Week]) -> dict[int, list[WeekLimit]]:
    """The limits of the weeks' contracts, each by ``from_week``; one query."""
    limits: dict[int, list[WeekLimit]] = {week.contract_id: [] for week in due}
    for one in WeekLimit.objects.filter(contract__in=limits).order_by("from_week"):
        limits[one.contract_id].append(one)
    return limits


def _attempts(owed_weeks: Iterable[Week]) -> dict[int, int]:
    """How many charges were begun for each week before; one query."""
    of_book = {week.pk: week.contract.book_id for week in owed_weeks}
    begun = GatewayOperation.objects.filter(
        book__in=of_book.values(), purpose=PURPOSE, purpose_id__in=of_book
    )
    counted = begun.order_by().values_list("purpose_id").annotate(number=Count("pk"))
    return {week: number for week, number in counted if week in of_book}
