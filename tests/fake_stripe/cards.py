"""The cards and bank accounts a person can choose on the hosted pages, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Card:
    """A test card, named as Stripe's are.

    Attributes:
        token: as Stripe's ready-made payment methods are called.
        code: of the error when it is charged; empty: it pays.
        asks: its owner has to confirm each charge at the bank.
        disputed: its owner disputes a charge some time after.
        saves: can be saved at all.
    """

    token: str
    label: str
    last4: str
    brand: str = "visa"
    code: str = ""
    decline_code: str = ""
    message: str = ""
    asks: bool = False
    disputed: bool = False
    saves: bool = True


CARDS = (
    Card("pm_card_visa", "Visa that pays", "4242"),
    Card("pm_card_mastercard", "Mastercard that pays", "4444", brand="mastercard"),
    Card(
        "pm_card_chargeCustomerFail",
        "Card that can be saved, and is declined when charged",
        "0341",
        code="card_declined",
        decline_code="generic_decline",
        message="Your card was declined.",
    ),
    Card(
        "pm_card_visa_chargeDeclinedInsufficientFunds",
        "Card without enough money",
        "9995",
        code="card_declined",
        decline_code="insufficient_funds",
        message="Your card has insufficient funds.",
    ),
    Card(
        "pm_card_authenticationRequired",
        "Card whose bank asks its owner each time",
        "3184",
        asks=True,
    ),
    Card(
        "pm_card_chargeDeclinedExpiredCard",
        "Card that has expired",
        "0069",
        code="expired_card",
        message="Your card has expired.",
    ),
    Card(
        "pm_card_createDispute",
        "Card whose owner disputes the charge later",
        "0259",
        disputed=True,
    ),
    Card(
        "pm_card_visa_chargeDeclined",
        "Card that cannot be saved",
        "0002",
        code="card_declined",
        decline_code="generic_decline",
        message="Your card was declined.",
        saves=False,
    ),
)
BY_TOKEN = {card.token: card for card in CARDS}


@dataclass(frozen=True, slots=True)
class Bank:
    """A bank account to be paid out to: ``steps`` are the states a payout goes through."""

    name: str
    label: str
    last4: str
    steps: tuple[str, ...]
    failure_code: str = ""
    failure_message: str = ""


BANKS = (
    Bank("receives", "Bank account that receives", "6789", ("in_transit", "paid")),
    Bank(
        "refuses",
        "Bank account that refuses",
        "1113",
        ("failed",),
        "account_closed",
        "The bank account has been closed.",
    ),
    Bank(
        "sends_back",
        "Bank account that receives and sends back",
        "1116",
        ("in_transit", "paid", "failed"),
        "no_account",
        "The bank account details on file are probably incorrect. No bank account could be "
        "located with those details.",
    ),
)
BY_NAME = {bank.name: bank for bank in BANKS}
