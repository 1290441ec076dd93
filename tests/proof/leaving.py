"""Money on its way out, and banks that take it, in every state, as the proofs need it at NOON."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from contracts.models import Contract
from contracts.states import Side
from marketplace import clock, once
from marketplace.refusals import Refused
from payments import chargebacks, credits, gateways, operations, payouts
from payments.gateways import sandbox
from payments.gateways.base import declined
from payments.models import Chargeback, GatewayOperation, SandboxDispute
from payments.states import ChargebackState, OperationKind
from tests.factories import NOON, approve, ended, fund, funded, owner_of, planned, usd
from tests.proof.outside import decide
from tests.proof.returning import later, support

BEFORE = NOON - timedelta(days=6)
"""What is paid then is available at NOON."""


def earned(**values: Any) -> Contract:
    """$450.00 of it are available to the talent at NOON, though nothing has matured yet."""
    with clock.at(BEFORE):
        payment = approve(funded(**values))
    return Contract.objects.get(pk=payment.book.contract.pk)


def credited(**values: Any) -> Contract:
    """$500.00 of credit, from one charge."""
    return ended(funded(**values).contract, Side.TALENT)


def confirming(**values: Any) -> Contract:
    """A charge is open, and the client was asked to confirm it at its bank."""
    milestone = planned(**values)
    fund(milestone, sandbox.NEVER_ANSWERS)
    milestone.contract.book.operations.update(confirm_since=NOON)
    return milestone.contract


# Withdrawals of $450.00 ------------------------------------------------------------------------


def withdrawn(destination: str = sandbox.RECEIVES, **values: Any) -> Contract:
    """All that is available was withdrawn to there."""
    contract = earned(**values)
    with suppress(Refused):
        withdraw(contract, destination)
    return contract


def begun(**values: Any) -> Contract:
    """The intent is committed and the money posted out, the call not made."""
    contract = earned(**values)
    given = {"amount": usd(450), "destination": sandbox.RECEIVES, "key": f"payout:{once.new_key()}"}
    payouts._begin(contract.talent, **given, by=owner_of(contract.talent))
    return contract


def withdrawn_and_returned(**values: Any) -> Contract:
    contract = withdrawn(sandbox.SENDS_BACK, **values)
    later(sandbox.COMES_BACK_AFTER)
    return contract


def withdraw(
    contract: Contract, destination: str = sandbox.RECEIVES, key: str = ""
) -> GatewayOperation:
    by, amount = owner_of(contract.talent), usd(450)
    given = {"amount": amount, "destination": destination, "key": key or once.new_key()}
    return payouts.withdraw(contract.talent, **given, by=by)


def withdrawal_of(contract: Contract) -> GatewayOperation:
    rows = GatewayOperation.objects.filter(kind=OperationKind.PAYOUT)
    return rows.select_related("account__party").get(account__party=contract.talent)


# Credit of $500.00 -----------------------------------------------------------------------------


def sent_back(**values: Any) -> Contract:
    contract = credited(**values)
    send_back(contract)
    return contract


def sent_back_and_returned(**values: Any) -> Contract:
    """The card took it at first, and the gateway says later that it did not."""
    contract = sent_back(**values)
    operation = contract.book.operations.get(kind=OperationKind.CREDIT_BACK)
    operations.settle(operation.pk, declined(sandbox.SENT_BACK))
    return contract


def send_back(contract: Contract, key: str = "") -> list[GatewayOperation]:
    account = contract.book.credit_account
    account.refresh_from_db()
    by = owner_of(contract.client)
    return credits.send_back(account, amount=usd(500), key=key or once.new_key(), by=by)


# Disputes at the bank ----------------------------------------------------------------------------


def charged_back(**values: Any) -> Contract:
    """The client's bank took $500.00 back; they are in escrow, so the operator lost them."""
    contract = funded(method=sandbox.DISPUTED, **values).contract
    later(sandbox.DISPUTED_AFTER)
    return contract


def charged_back_and(decided: ChargebackState, **values: Any) -> Contract:
    contract = charged_back(**values)
    charge = contract.book.operations.get(kind=OperationKind.CHARGE)
    dispute = SandboxDispute.objects.select_related("call").get(call__key=charge.key)
    decide(dispute, decided)
    told = gateways.gateway().dispute(dispute.reference)
    assert told is not None
    chargebacks.take(told, gateway=sandbox.Sandbox.name)
    return contract


def written_off(**values: Any) -> Contract:
    contract = charged_back_and(ChargebackState.LOST, **values)
    chargebacks.write_off(chargeback_of(contract), because="It is over.", by=support())
    return contract


def chargeback_of(contract: Contract) -> Chargeback:
    return Chargeback.objects.select_related("book__client").get(book=contract.book_id)
