"""Withdrawals: the talent has what is available paid out, per currency, whole or in part.

What is due matures first. The money leaves the balance in the transaction that begins the
withdrawal; what becomes of it then is :mod:`payments.outgoing`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from marketplace import clock, once
from marketplace.actors import Actor
from marketplace.models import Party
from marketplace.money import Money, zero
from marketplace.refusals import InvalidInput, Refused
from payments import gateways, ledger, maturing, operations, outgoing, rules
from payments.gateways.base import Method
from payments.models import Account, GatewayOperation
from payments.outgoing import Outgoing
from payments.states import AccountKind, OperationKind

NOWHERE = "Choose where the money goes."


@dataclass(frozen=True, slots=True)
class Plan:
    """What a withdrawal does: ``amount`` leaves, ``after`` stays available."""

    amount: Money
    after: Money


def available(party: Party, currency: str, now: datetime) -> Money:
    """What the talent can withdraw now; what is due counts, whether or not a sweep came by.

    Reads without a lock, for pages; two queries.
    """
    account = _accounts(party, currency).filter(kind=AccountKind.AVAILABLE).first()
    balance: Money = account.balance if account else zero(currency)
    return balance + maturing.due_of(party, now).get(currency, zero(currency))


def plan(amount: Money, available: Money) -> Plan:
    """What withdrawing ``amount`` does; pure, used by the page and by :func:`withdraw`.

    Raises:
        InvalidInput: on ``amount``: not above zero, or more than there is; says what is possible.
    """
    if amount.minor <= 0:
        raise InvalidInput("Type an amount above zero.", field="amount")
    if amount.minor > available.minor:
        raise InvalidInput(too_much(available), field="amount")
    return Plan(amount, available - amount)


def too_much(available: Money) -> str:
    """What is possible instead of more than there is."""
    if not available:
        return "Nothing is available now, so nothing can be withdrawn."
    return f"You can withdraw {available} now, all that is available."


def withdraw(
    party: Party, *, amount: Money, destination: str, key: str, by: Actor
) -> GatewayOperation:
    """Have available money paid out.

    Runs in transactions of its own, with the gateway called between them. Whoever calls this has
    made sure that the person is who they say (see :mod:`marketplace.views.sure`).

    Args:
        amount: in one of the talent's currencies, at most what is available in it.
        destination: token of one of the gateway's destinations of this talent.
        key: the form's key; the same form again reports the first outcome and sends nothing.

    Returns:
        The withdrawal as it is now: taken by the gateway, or still without an answer.

    Raises:
        NotYours: not an owner or manager of the talent.
        InvalidInput: on ``amount`` or ``destination``; nothing moved.
        Refused: the gateway declined; the money is available again. A new try needs a new key.
        KeyReused: the form was sent before with other values.
    """
    rules.refuse(rules.withdraws(party, by))
    named = _name(key or once.new_key())
    operation = _begin(party, amount=amount, destination=destination, key=named, by=by)
    return follow(operation)


def begun_with(key: str, party: Party) -> GatewayOperation | None:
    """The withdrawal of this party that a form with this key began, if it did."""
    return withdrawals(party).filter(key=_name(key)).first() if key else None


def follow(operation: GatewayOperation) -> GatewayOperation:
    """Have a begun withdrawal carried out, if it is not yet, and see what became of it.

    Raises:
        Refused: the gateway declined, in its own words; the money is available again.
    """
    try:
        return operations.carry_out_now(operation.pk)
    except Refused as declined:
        again = f"{declined.sentence} {operation.amount} is available again."
        raise Refused(again.strip()) from declined


def withdrawals(party: Party) -> QuerySet[GatewayOperation]:
    """The withdrawals of a talent."""
    return GatewayOperation.objects.filter(kind=OperationKind.PAYOUT, account__party=party)


@transaction.atomic
def _begin(
    party: Party, *, amount: Money, destination: str, key: str, by: Actor
) -> GatewayOperation:
    """Post the money out and commit the intent to send it."""
    earlier = once.claim(key, party=party.pk, amount=amount, destination=destination)
    if earlier is not None:
        return GatewayOperation.objects.get(pk=earlier.result)
    place = _place(party, destination)
    kept = ledger.lock_accounts(_accounts(party, amount.currency).values_list("pk", flat=True))
    by_kind = {one.kind: one for one in kept.values()}
    account = by_kind.get(AccountKind.AVAILABLE)
    if AccountKind.PENDING in by_kind:
        maturing.mature_pending(by_kind[AccountKind.PENDING], kept, clock.now())
    plan(amount, account.balance if account else zero(amount.currency))
    assert account is not None
    leaving = Outgoing(account, amount, method=place.token, label=place.label, key=key)
    (operation,) = outgoing.begin([leaving], kept, by=by)
    once.keep(key, operation.pk)
    return operation


def _place(party: Party, destination: str) -> Method:
    """Where it goes, if that is one of the talent's.

    Raises:
        InvalidInput: on ``destination``.
    """
    for one in gateways.gateway().destinations(party):
        if one.token == destination:
            return one
    raise InvalidInput(NOWHERE, field="destination")


def _accounts(party: Party, currency: str) -> QuerySet[Account]:
    kinds = (AccountKind.PENDING, AccountKind.AVAILABLE)
    return Account.objects.filter(party=party, currency=currency, kind__in=kinds)


def _name(key: str) -> str:
    return f"payout:{key}"
