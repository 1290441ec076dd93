"""What people read when Stripe, a bank or a card says no. Its own codes never reach a page."""

from __future__ import annotations

import logging
from typing import Any, Final

import stripe

from payments.gateways.base import Answer, Outcome
from payments.gateways.stripe.client import described

logger = logging.getLogger(__name__)

NOTHING_CHARGED: Final = "Nothing was charged"
NO_METHOD: Final = f"This payment method is no longer there. {NOTHING_CHARGED}; choose another one."
NO_MONEY: Final = f"The bank says that the card does not cover it. {NOTHING_CHARGED}."
EXPIRED: Final = f"The card has expired. {NOTHING_CHARGED}; use another payment method."
WRONG_DETAILS: Final = (
    f"The bank does not accept the card's details. {NOTHING_CHARGED}; save the card again, or use"
    " another one."
)
NOT_CONFIRMED: Final = f"It was not confirmed at the bank. {NOTHING_CHARGED}; try again."
NOT_FOR_THIS: Final = (
    f"The card cannot pay this kind of charge. {NOTHING_CHARGED}; use another payment method."
)
TRY_LATER: Final = (
    f"The bank could not check the card just now. {NOTHING_CHARGED}; try again later."
)
REFUSED: Final = f"The bank refused the charge. {NOTHING_CHARGED}; try another payment method."
TOO_MUCH: Final = f"The amount is more than can be charged at once. {NOTHING_CHARGED}."
TOO_LITTLE: Final = f"The amount is less than can be charged. {NOTHING_CHARGED}."
NOT_POSSIBLE: Final = f"The charge is not possible. {NOTHING_CHARGED}; support can find out why."
CALLED_OFF: Final = f"The charge was called off because it got no answer. {NOTHING_CHARGED}."

BACK_REFUSED: Final = "The card's bank did not take the money back."
BACK_DISPUTED: Final = "The charge is disputed at the bank, so nothing can go back to it now."
BACK_GONE: Final = "All of this charge went back already."
BACK_CALLED_OFF: Final = "It was called off because it got no answer."

NOT_READY: Final = (
    "The bank account cannot be paid to yet: the payment provider needs more details."
)
NOT_THIS_CURRENCY: Final = "The payment provider has no bank account in {currency} to pay to."
NOT_NOW: Final = "The payment provider cannot send the money today. Try again tomorrow."
PAYOUT_REFUSED: Final = "The bank refused it."
PAYOUT_CLOSED: Final = "The bank account is closed or cannot be paid to."
PAYOUT_WRONG: Final = "The bank knows no such account: check its details."
PAYOUT_WRONG_CURRENCY: Final = "The bank account does not take this currency."
PAYOUT_STOPPED: Final = "It was stopped before it was sent."
PAYOUT_CALLED_OFF: Final = "It was called off because the payment provider gave no answer."

_CHARGES: Final = {
    "insufficient_funds": NO_MONEY,
    "card_velocity_exceeded": NO_MONEY,
    "withdrawal_count_limit_exceeded": NO_MONEY,
    "expired_card": EXPIRED,
    "incorrect_number": WRONG_DETAILS,
    "incorrect_cvc": WRONG_DETAILS,
    "invalid_cvc": WRONG_DETAILS,
    "invalid_number": WRONG_DETAILS,
    "invalid_account": WRONG_DETAILS,
    "invalid_expiry_month": WRONG_DETAILS,
    "invalid_expiry_year": WRONG_DETAILS,
    "incorrect_zip": WRONG_DETAILS,
    "new_account_information_available": WRONG_DETAILS,
    "authentication_required": NOT_CONFIRMED,
    "payment_intent_authentication_failure": NOT_CONFIRMED,
    "authentication_not_handled": NOT_CONFIRMED,
    "card_not_supported": NOT_FOR_THIS,
    "currency_not_supported": NOT_FOR_THIS,
    "transaction_not_allowed": NOT_FOR_THIS,
    "processing_error": TRY_LATER,
    "issuer_not_available": TRY_LATER,
    "reenter_transaction": TRY_LATER,
    "try_again_later": TRY_LATER,
    "amount_too_large": TOO_MUCH,
    "amount_too_small": TOO_LITTLE,
    "resource_missing": NO_METHOD,
    "payment_method_unactivated": NO_METHOD,
    "payment_method_invalid_parameter": NO_METHOD,
}
_BACKS: Final = {
    "charge_disputed": BACK_DISPUTED,
    "charge_already_refunded": BACK_GONE,
}
_PAYOUTS: Final = {
    "balance_insufficient": NOT_NOW,
    "insufficient_funds": NOT_NOW,
    "account_closed": PAYOUT_CLOSED,
    "account_frozen": PAYOUT_CLOSED,
    "bank_account_restricted": PAYOUT_CLOSED,
    "debit_not_authorized": PAYOUT_CLOSED,
    "no_account": PAYOUT_WRONG,
    "incorrect_account_holder_name": PAYOUT_WRONG,
    "incorrect_account_holder_address": PAYOUT_WRONG,
    "incorrect_account_holder_tax_id": PAYOUT_WRONG,
    "incorrect_account_type": PAYOUT_WRONG,
    "invalid_account_number": PAYOUT_WRONG,
    "invalid_account_number_length": PAYOUT_WRONG,
    "invalid_currency": PAYOUT_WRONG_CURRENCY,
}


def charge_refused(error: Any) -> str:
    """What to say of a card error, or of the last error of a payment intent; None says it all."""
    codes = (getattr(error, "decline_code", None), getattr(error, "code", None))
    return next((_CHARGES[code] for code in codes if code in _CHARGES), REFUSED)


def charge_not_possible(error: stripe.InvalidRequestError) -> str:
    return _not_possible(error, _CHARGES, NOT_POSSIBLE)


def back_refused(error: stripe.InvalidRequestError) -> str:
    return _not_possible(error, _BACKS, BACK_REFUSED)


def payout_not_possible(error: stripe.InvalidRequestError) -> str:
    return _not_possible(error, _PAYOUTS, PAYOUT_REFUSED)


def payout_failed(code: str | None) -> str:
    """What to say of a payout that failed."""
    return _PAYOUTS.get(code or "", PAYOUT_REFUSED)


def no(sentence: str, reference: str = "") -> Outcome:
    """A refusal, with what Stripe calls the call."""
    return Outcome(Answer.DECLINED, sentence, reference)


def _not_possible(error: stripe.InvalidRequestError, known: dict[str, str], otherwise: str) -> str:
    """Of a request that cannot be carried out as it is; one that nobody foresaw is looked at."""
    sentence = known.get(error.code or "")
    if sentence is None or sentence == NOT_NOW:
        logger.error("refused: %s, parameter %s", described(error), error.param)
    return sentence or otherwise
