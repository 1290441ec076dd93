"""What a movement of money is called, in words of the side that reads."""

from __future__ import annotations

from typing import Final

from payments.states import EntryKind

_CLIENT: Final = {
    EntryKind.CHARGE: ("Charged to {method}", "Charged to {method}"),
    EntryKind.FUND: ("Escrow funded", "Into escrow"),
    EntryKind.RELEASE: ("Paid to {other}", "From escrow to {other}"),
    EntryKind.RETURN: ("Returned from escrow", "From escrow to your credit"),
    EntryKind.REFUND: ("Refund from {other}", "Refund from {other}"),
    EntryKind.HOURS: ("Hours paid to {other}", "Hours, to {other}"),
    EntryKind.HOURS_REVERSAL: ("Hours of {other} reversed", "Reversed, back to your credit"),
    EntryKind.BONUS: ("Bonus to {other}", "Bonus, to {other}"),
    EntryKind.CREDIT_BACK: ("Credit sent back", "Sent back to {method}"),
    EntryKind.PAYOUT_FAILED: ("Credit came back", "Came back from {method}"),
    EntryKind.CHARGEBACK: ("Charge disputed at your bank", "Taken back by your bank"),
    EntryKind.CORRECTION: ("Correction", "Correction"),
}
_TALENT: Final = {
    EntryKind.RELEASE: ("Payment from {other}", "From {other}"),
    EntryKind.HOURS: ("Hours paid by {other}", "Hours, from {other}"),
    EntryKind.BONUS: ("Bonus from {other}", "Bonus, from {other}"),
    EntryKind.REFUND: ("Refund to {other}", "Refund to {other}"),
    EntryKind.HOURS_REVERSAL: ("Hours reversed, back to {other}", "Reversed, back to {other}"),
    EntryKind.MATURE: ("Became available", "Became available"),
    EntryKind.PAYOUT: ("Withdrawal to {method}", "Withdrawn to {method}"),
    EntryKind.PAYOUT_FAILED: ("Withdrawal came back", "Came back from {method}"),
    EntryKind.CORRECTION: ("Correction", "Correction"),
}
_WON: Final = ("Your bank gave the charge back", "Given back by your bank")
_SEVERAL: Final = {
    EntryKind.HOURS: "Hours of {number} contracts",
    EntryKind.MATURE: "{number} payments became available",
}
_NAMING: Final = (
    EntryKind.PAYOUT,
    EntryKind.PAYOUT_FAILED,
    EntryKind.CREDIT_BACK,
    EntryKind.CHARGEBACK,
    EntryKind.HOURS,
    EntryKind.BONUS,
    EntryKind.RELEASE,
    EntryKind.REFUND,
    EntryKind.HOURS_REVERSAL,
    EntryKind.RETURN,
    EntryKind.FUND,
    EntryKind.CHARGE,
    EntryKind.CORRECTION,
    EntryKind.MATURE,
)

CLIENT_KINDS: Final = {
    "charges": ("Charges", (EntryKind.CHARGE,)),
    "escrow": ("Into escrow", (EntryKind.FUND,)),
    "payments": ("Payments", (EntryKind.RELEASE, EntryKind.HOURS, EntryKind.BONUS)),
    "returns": ("Returned from escrow", (EntryKind.RETURN,)),
    "refunds": ("Refunds and reversals", (EntryKind.REFUND, EntryKind.HOURS_REVERSAL)),
    "sent": ("Credit sent back", (EntryKind.CREDIT_BACK, EntryKind.PAYOUT_FAILED)),
    "bank": ("Disputes at the bank", (EntryKind.CHARGEBACK,)),
    "corrections": ("Corrections", (EntryKind.CORRECTION,)),
}
TALENT_KINDS: Final = {
    "payments": ("Payments", (EntryKind.RELEASE, EntryKind.HOURS, EntryKind.BONUS)),
    "refunds": ("Refunds and reversals", (EntryKind.REFUND, EntryKind.HOURS_REVERSAL)),
    "matured": ("Became available", (EntryKind.MATURE,)),
    "withdrawals": ("Withdrawals", (EntryKind.PAYOUT, EntryKind.PAYOUT_FAILED)),
    "corrections": ("Corrections", (EntryKind.CORRECTION,)),
}
"""By what stands in an address: the choice in people's words, and the kinds it means."""


def of(
    kind: EntryKind, *, for_client: bool, gained: bool, method: str, other: str
) -> tuple[str, str]:
    """What a movement is called alone, and as one line of several.

    Args:
        gained: whether the party has more by it; tells the two ways of a chargeback apart.
        method: the name of a card or bank account; empty where it is not known.
        other: the other side's name; empty where there is none.
    """
    words = (_CLIENT if for_client else _TALENT)[kind]
    if kind == EntryKind.CHARGEBACK and gained:
        words = _WON
    nameless = "your payment method" if for_client else "your bank account"
    alone, beside = (text.format(method=method or nameless, other=other) for text in words)
    return alone, beside


def several(kind: EntryKind, number: int) -> str:
    """What an event with so many lines of a kind is called; empty: as one of them."""
    return _SEVERAL.get(kind, "").format(number=number) if number > 1 else ""


def rank(kind: EntryKind) -> int:
    """An event of several lines is called after the one with the lowest rank."""
    return _NAMING.index(kind)
