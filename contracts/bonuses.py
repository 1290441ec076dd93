"""Bonuses: what the client pays beside escrow and hours; and the talent's request for one.

A bonus comes from the client's credit, the rest from a charge of its own, never from escrow. What
credit covers is paid at once; otherwise the bonus waits for its charge. Everything here happens
under the contract's lock.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from contracts import notices, owing, positions, quotes, rules
from contracts.funding import refuse_unknown_method
from contracts.models import Bonus, BonusRequest, Contract
from contracts.quotes import Quote
from contracts.states import BonusRequestState
from marketplace import clock, once, policy, transitions
from marketplace.actors import PLATFORM, Actor
from marketplace.money import Money
from marketplace.refusals import InvalidInput, Overtaken, Refused
from payments import bonuses, ledger, operations
from payments.gateways.base import Outcome
from payments.models import Book, GatewayOperation
from payments.states import OPEN_OPERATIONS

PURPOSE: Final = "bonus"
TITLE: Final = "Bonus"
"""What both sides read on the payment."""

CHARGE_IS_OPEN: Final = (
    "A charge for this contract is still open. As soon as it is settled, you can give a bonus."
)
ONE_WAITS: Final = "You have asked for a bonus already, and the client has not answered yet."
CALLED_OFF: Final = (BonusRequestState.DECLINED, BonusRequestState.WITHDRAWN)
"""A bonus that was given for a request falls with it, as long as its charge is open."""


def quote(contract: Contract, amount: Money) -> Quote:
    """Where a bonus would come from now, from an unlocked reading of the book, for pages."""
    return quotes.quote(amount, credit=contract.book.credit)


def refuse_while_charged(contract: Contract) -> None:
    """Whether a bonus can be given beside the charges of a contract, unlocked, for pages.

    Raises:
        Overtaken: one is still open.
    """
    if contract.book.operations.filter(state__in=OPEN_OPERATIONS).exists():
        raise Overtaken(CHARGE_IS_OPEN)


def give(
    contract: Contract,
    *,
    amount: Money,
    note: str,
    method: str,
    key: str,
    seen: str | None = None,
    request: BonusRequest | None = None,
    by: Actor,
) -> Bonus:
    """The client gives a bonus, charging what credit does not cover.

    Runs in transactions of its own, with the gateway called between them.

    Args:
        amount: gross, at least ``policy.minimum_bonus``.
        note: what the talent reads; may be empty.
        method: token of one of the gateway's methods; ignored when nothing is charged.
        key: the form's key; the same form again reports the first outcome.
        seen: the mark of the quote that was confirmed, see :func:`contracts.quotes.mark`; None
            from callers that are no forms.
        request: the waiting request that it grants once it is paid.

    Returns:
        The bonus as it is now: paid, or waiting for its charge.

    Raises:
        NotYours: not an owner or manager of the client.
        Overtaken: no bonus is possible (any more), the request was answered, or a charge of the
            contract is still open.
        InvalidInput: on ``amount`` or ``method``.
        FiguresChanged: the quote is another one now; nothing was charged.
        Refused: the gateway declined, nothing was charged; or the client owes hours.
        KeyReused: the form was sent before with other values.
    """
    named = f"bonus:{key or once.new_key()}"
    bonus_id, operation = _begin(
        contract,
        amount=amount,
        note=note.strip(),
        method=method,
        key=named,
        seen=seen,
        request=request,
        by=by,
    )
    if operation is not None:
        operations.carry_out_now(operation.pk)
    return Bonus.objects.select_related("contract__talent", "payment").get(pk=bonus_id)


@transaction.atomic
def settle(operation_id: int, outcome: Outcome) -> None:
    """A charge for a bonus is answered, perhaps late, perhaps twice.

    Confirmed money is posted to the client's credit and pays the bonus if that still stands;
    otherwise it stays credit and the client is told.
    """
    begun = GatewayOperation.objects.select_related("book__contract").get(pk=operation_id)
    contract = transitions.enter(begun.book.contract)
    operation = next((one for one in contract.open_operations if one.pk == operation_id), None)
    if operation is None:
        return
    bonus = Bonus.objects.select_related("request").get(pk=operation.purpose_id)
    bonus.contract = contract
    book = ledger.lock(contract.book_id)
    came = operations.record(operation, book, outcome)
    if came and _stands(bonus, book):
        _pay(bonus, book, by=PLATFORM, given_by=operation.actor)
        return
    transitions.move(bonus, "fail", at=clock.now(), by=PLATFORM)
    if came:
        notices.charge_kept_as_credit(contract, operation)
    else:
        notices.bonus_declined(contract, bonus, operation)


# The talent asks ---------------------------------------------------------------------------------


def may_ask_again(contract: Contract) -> str:
    """Why no further request can be made, as a sentence; empty when one can be. One query.

    Who may ask, and until when, is asked by :func:`contracts.rules.may_ask_for_bonus`.
    """
    states = list(contract.bonus_requests.values_list("state", flat=True))
    if BonusRequestState.WAITING in states:
        return ONE_WAITS
    if len(states) >= policy.BONUS_REQUESTS:
        return (
            f"You have asked {policy.BONUS_REQUESTS} times on this contract, which is as often as"
            " it is possible. You can still write a message."
        )
    return ""


@transaction.atomic
def ask(
    contract: Contract, *, minutes: int, amount: Money, reason: str, key: str, by: Actor
) -> BonusRequest:
    """The talent asks for a bonus for time that the locked diary does not have (D).

    Args:
        minutes: whole segments.
        amount: gross; usually the rate × the time.
        reason: what the client reads.
        key: the form's key; the same form again gives the first request.

    Raises:
        NotYours: not an owner or manager of the talent.
        Overtaken: the contract takes no requests (any more), or one waits already.
        Refused: they asked ``policy.BONUS_REQUESTS`` times before.
        InvalidInput: on ``minutes``, ``amount`` or ``reason``.
    """
    contract = transitions.enter(contract)
    given = {"minutes": minutes, "amount": amount, "reason": reason}
    earlier = once.claim(key, bonus_asked_on=contract.pk, **given)
    if earlier is not None:
        return BonusRequest.objects.get(pk=earlier.result)
    now = clock.now()
    rules.refuse(rules.may_ask_for_bonus(contract, by, now=now))
    _refuse_another_request(contract)
    _check_time(minutes)
    _check_amount(contract, amount)
    if not reason.strip():
        raise InvalidInput(f"Say why. {contract.client.name} reads it.", field="reason")
    request = _create(contract, minutes, amount, reason.strip(), now, by=by)
    positions.touch(contract, now=now)
    notices.bonus_asked(contract, request, by=by)
    once.keep(key, request.pk)
    return request


@transaction.atomic
def decline_request(request: BonusRequest, *, because: str, by: Actor) -> BonusRequest:
    """The client says no; a charge for it that is still open then stays credit.

    Args:
        because: what the talent reads; may be empty.

    Raises:
        NotYours: not an owner or manager of the client.
        Overtaken: it was answered, taken back, or is over.
    """
    request = _enter(request)
    words = because.strip()
    transitions.move(request, "decline", because=words, at=clock.now(), by=by)
    positions.touch(request.contract, now=clock.now())
    notices.bonus_request_declined(request.contract, request, by=by)
    return request


@transaction.atomic
def withdraw_request(request: BonusRequest, *, by: Actor) -> BonusRequest:
    """The talent takes its request back; a charge for it that is still open then stays credit.

    Raises:
        NotYours: not an owner or manager of the talent.
        Overtaken: it was answered, or is over.
    """
    request = _enter(request)
    transitions.move(request, "withdraw", at=clock.now(), by=by)
    positions.touch(request.contract, now=clock.now())
    notices.bonus_request_withdrawn(request.contract, request, by=by)
    return request


def expire_request(contract: Contract, now: datetime) -> None:
    """Close a request that waits when no bonus can be given any more.

    Called while the contract is entered; a query only once that time has come.
    """
    until = rules.bonus_until(contract)
    if until is None or now <= until:
        return
    for request in contract.bonus_requests.filter(state=BonusRequestState.WAITING):
        request.contract = contract
        transitions.move(request, "expire", at=now, by=PLATFORM)
        notices.bonus_request_expired(contract, request)


@transaction.atomic
def _begin(
    contract: Contract,
    *,
    amount: Money,
    note: str,
    method: str,
    key: str,
    seen: str | None,
    request: BonusRequest | None,
    by: Actor,
) -> tuple[int, GatewayOperation | None]:
    """Pay at once when no charge is needed; otherwise commit the intent to charge."""
    contract = transitions.enter(contract)
    given = {"amount": amount, "note": note, "method": method}
    asked = request.pk if request else None
    earlier = once.claim(key, bonus_on=contract.pk, request=asked, **given)
    if earlier is not None:
        return int(earlier.result), GatewayOperation.objects.filter(key=key).first()
    now = clock.now()
    _refuse_to_give(contract, by, now)
    _check_amount(contract, amount)
    request = _waiting(contract, request) if request else None
    book = ledger.lock(contract.book_id)
    quoted = quotes.quote(amount, credit=book.credit)
    quotes.refuse_changed(quoted, seen)
    bonus = _record(contract, amount, note, request, now, by=by)
    operation = None
    if quoted.charge:
        refuse_unknown_method(contract.client, method)
        operation = operations.start(
            book=book,
            purpose=PURPOSE,
            purpose_id=bonus.pk,
            amount=quoted.charge,
            method=method,
            key=key,
            by=by,
        )
        positions.touch(contract, now=now)
    else:
        _pay(bonus, book, by=by, given_by=by)
    once.keep(key, bonus.pk)
    return bonus.pk, operation


def _refuse_to_give(contract: Contract, by: Actor, now: datetime) -> None:
    rules.refuse(rules.may_give_bonus(contract, by, now=now))
    owing.refuse_who_owes(contract.client)
    if contract.open_operations:
        raise Overtaken(CHARGE_IS_OPEN)


def _check_amount(contract: Contract, amount: Money) -> None:
    minimum = policy.minimum_bonus(contract.currency)
    maximum = policy.maximum_amount(contract.currency)
    if amount < minimum:
        raise InvalidInput(f"A bonus is at least {minimum}.", field="amount")
    if amount > maximum:
        raise InvalidInput(f"A bonus is at most {maximum}.", field="amount")


def _check_time(minutes: int) -> None:
    segment = policy.SEGMENT // timedelta(minutes=1)
    if minutes <= 0:
        raise InvalidInput("Type how much time it was.", field="minutes")
    if minutes % segment:
        raise InvalidInput(f"Time counts in whole segments of {segment} minutes.", field="minutes")
    if minutes > policy.WEEKLY_HOURS * 60:
        raise InvalidInput(f"Ask for at most {policy.WEEKLY_HOURS} hours at once.", field="minutes")


def _refuse_another_request(contract: Contract) -> None:
    refusal = may_ask_again(contract)
    if refusal == ONE_WAITS:
        raise Overtaken(refusal)
    if refusal:
        raise Refused(refusal)


def _record(
    contract: Contract,
    amount: Money,
    note: str,
    request: BonusRequest | None,
    now: datetime,
    *,
    by: Actor,
) -> Bonus:
    bonus: Bonus = Bonus.objects.create(
        contract=contract,
        request=request,
        currency=amount.currency,
        amount_minor=amount.minor,
        note=note,
        given_at=now,
    )
    transitions.created(bonus, by=by)
    return bonus


def _create(
    contract: Contract, minutes: int, amount: Money, reason: str, now: datetime, *, by: Actor
) -> BonusRequest:
    until = rules.bonus_until(contract)
    assert until is not None, "only ended contracts take requests"
    request: BonusRequest = BonusRequest.objects.create(
        contract=contract,
        currency=amount.currency,
        amount_minor=amount.minor,
        minutes=minutes,
        reason=reason,
        asked_at=now,
        # The first instant at which no bonus can be given: the last one is still in time.
        until=until + timedelta.resolution,
    )
    transitions.created(request, by=by)
    return request


def _stands(bonus: Bonus, book: Book) -> bool:
    """Its request was not called off meanwhile, and what is there now suffices."""
    called_off = bonus.request is not None and bonus.request.state in CALLED_OFF
    return not called_off and book.credit >= bonus.amount


def _pay(bonus: Bonus, book: Book, *, by: Actor, given_by: Actor) -> None:
    """The client's credit covers it: pay the talent, and grant what was asked for."""
    contract, now = bonus.contract, clock.now()
    payment = bonuses.pay(
        book, bonus.amount, key=f"bonus:{bonus.pk}", title=TITLE, paid_at=now, at=now, by=by
    )
    transitions.move(bonus, "pay", payment=payment, by=by)
    request = bonus.request
    if request is not None and request.is_waiting:
        request.contract = contract
        transitions.move(request, "grant", at=now, by=by)
    if not by.is_platform:
        positions.touch(contract, now=now)
    notices.bonus_given(contract, bonus, payment, by=given_by)


def _enter(request: BonusRequest) -> BonusRequest:
    """Lock the contract, and read the request as it is now."""
    contract = transitions.enter(request.contract)
    found: BonusRequest = BonusRequest.objects.get(pk=request.pk)
    found.contract = contract
    return found


def _waiting(contract: Contract, request: BonusRequest) -> BonusRequest:
    """The request as it is now, of a contract that was entered.

    Raises:
        Overtaken: it was answered, taken back, or is over.
    """
    found = contract.bonus_requests.filter(pk=request.pk).first()
    if found is None or not found.is_waiting:
        raise Overtaken(answered(found or request, contract))
    found.contract = contract
    return found


def answered(request: BonusRequest, contract: Contract) -> str:
    """What became of a request that does not wait any more, as a sentence."""
    return {
        BonusRequestState.GRANTED: "This request was granted already. Here is what happened.",
        BonusRequestState.DECLINED: "This request was declined already.",
        BonusRequestState.WITHDRAWN: f"{contract.talent.name} took this request back.",
    }.get(BonusRequestState(request.state), "This request is over.")
