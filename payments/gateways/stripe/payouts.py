"""Money paid out: a transfer to the talent's account at Stripe, a payout from there to its bank.

The two belong together: when the bank does not take the money, the transfer is reversed before we
say so. The transfer is found again by its group, which is our key, the payout by its metadata.
"""

from __future__ import annotations

import logging
from typing import Any, Final

import stripe

from payments.gateways.base import UNKNOWN, Answer, Call, Outcome
from payments.gateways.stripe import amounts, words
from payments.gateways.stripe.client import (
    OUR_KEY,
    api,
    described,
    is_young,
    made_for,
    moment,
    since,
)

logger = logging.getLogger(__name__)

OUR_TRANSFER: Final = "transfer"
"""The name in a payout's metadata under which it carries the transfer it passes on."""
FAILED: Final = ("failed", "canceled")


def make(call: Call) -> Outcome:
    """See :meth:`payments.gateways.base.Gateway.call`; goes on where an earlier try stopped."""
    transfer = _transfer_of(call)
    if transfer is None:
        refusal = _refusal(call)
        if refusal:
            return words.no(refusal)
        try:
            transfer = _transfer(call)
        except amounts.NotPossible as refused:
            return words.no(str(refused))
        except stripe.InvalidRequestError as refused:
            return words.no(words.payout_not_possible(refused))
    return _pay_out(call, transfer)


def ask(call: Call) -> Outcome:
    """See :meth:`payments.gateways.base.Gateway.ask`; what stopped half way goes on."""
    payout = _payout_of(call)
    if payout is not None:
        return _state(call, payout)
    return make(call) if is_young(call) else UNKNOWN


def cancel(call: Call) -> Outcome:
    """Money that is on its way cannot be called off; what got no further than Stripe comes back."""
    payout = _payout_of(call)
    if payout is not None:
        return _state(call, payout)
    transfer = _transfer_of(call)
    if transfer is None:
        return words.no(words.PAYOUT_CALLED_OFF)
    return _take_back(call, transfer.id, words.no(words.PAYOUT_CALLED_OFF))


def _refusal(call: Call) -> str:
    """Why the account cannot be paid now; in another currency money would be lost on the way."""
    account = api().accounts.retrieve(call.method)
    if not account.payouts_enabled:
        return words.NOT_READY
    code = call.amount.currency
    banks = getattr(account, "external_accounts", None)
    if banks is not None and code.lower() not in {one.currency for one in banks.data}:
        return words.NOT_THIS_CURRENCY.format(currency=code)
    return ""


def _transfer(call: Call) -> Any:
    asked = {
        "amount": amounts.to_pay_out(call.amount),
        "currency": call.amount.currency.lower(),
        "destination": call.method,
        "transfer_group": call.key,
        "metadata": {OUR_KEY: call.key},
    }
    return api().transfers.create(asked, {"idempotency_key": f"{call.key}:transfer"})


def _transfer_of(call: Call) -> Any:
    return made_for(call, api().transfers.list({"transfer_group": call.key}))


def _payout_of(call: Call) -> Any:
    account = {"stripe_account": call.method}
    if call.reference:
        return api().payouts.retrieve(call.reference, None, account)
    asked = {"created": since(call), "limit": 100}
    return made_for(call, api().payouts.list(asked, account))


def _pay_out(call: Call, transfer: Any) -> Outcome:
    if transfer.reversed:
        return words.no(words.PAYOUT_REFUSED)
    asked = {
        "amount": transfer.amount,
        "currency": transfer.currency,
        "metadata": {OUR_KEY: call.key, OUR_TRANSFER: transfer.id},
    }
    options = {"stripe_account": call.method, "idempotency_key": f"{call.key}:payout"}
    try:
        payout = api().payouts.create(asked, options)
    except stripe.InvalidRequestError as refused:
        return _take_back(call, transfer.id, words.no(words.payout_not_possible(refused)))
    return _state(call, payout)


def _state(call: Call, payout: Any) -> Outcome:
    if payout.status not in FAILED:
        arrives_on = moment(payout.arrival_date).date()
        return Outcome(Answer.SUCCEEDED, reference=payout.id, arrives_on=arrives_on)
    canceled = payout.status == "canceled"
    because = words.PAYOUT_STOPPED if canceled else words.payout_failed(payout.failure_code)
    return _take_back(call, payout.metadata[OUR_TRANSFER], words.no(because, payout.id))


def _take_back(call: Call, transfer_id: str, refusal: Outcome) -> Outcome:
    """Reverse a transfer, once, and refuse; as long as it cannot be reversed nothing is said."""
    options = {"idempotency_key": f"{call.key}:reversal"}
    try:
        api().transfers.reversals.create(transfer_id, {"metadata": {OUR_KEY: call.key}}, options)
    except stripe.InvalidRequestError as refused:
        if not api().transfers.retrieve(transfer_id).reversed:
            said = described(refused)
            logger.error("transfer %s stays: %s", transfer_id, said)  # noqa: TRY400
            return UNKNOWN
    return refusal
