"""The words of the money floor: kinds of accounts and entries, states of its machines."""

from django.db.models import TextChoices


class AccountKind(TextChoices):
    ESCROW = "escrow", "Escrow"
    CREDIT = "credit", "Client credit"
    PENDING = "pending", "Pending"
    AVAILABLE = "available", "Available"
    FEES = "fees", "Fees"
    OUTSIDE = "outside", "Outside world"


KEPT = (AccountKind.ESCROW, AccountKind.CREDIT, AccountKind.PENDING, AccountKind.AVAILABLE)
SITE_WIDE = (AccountKind.FEES, AccountKind.OUTSIDE)


class EntryKind(TextChoices):
    CHARGE = "charge", "Charge"
    FUND = "fund", "Escrow funded"
    RELEASE = "release", "Payment released"
    RETURN = "return", "Escrow returned"
    REFUND = "refund", "Refund"
    HOURS = "hours", "Hours paid"
    HOURS_REVERSAL = "hours_reversal", "Hours reversed"
    MATURE = "mature", "Payment available"
    CORRECTION = "correction", "Correction"


CLIENT_ENTRIES = (
    EntryKind.CHARGE,
    EntryKind.FUND,
    EntryKind.RELEASE,
    EntryKind.RETURN,
    EntryKind.REFUND,
    EntryKind.HOURS,
    EntryKind.HOURS_REVERSAL,
    EntryKind.CORRECTION,
)
"""What moves a client's escrow or credit."""

TALENT_ENTRIES = (
    EntryKind.RELEASE,
    EntryKind.HOURS,
    EntryKind.HOURS_REVERSAL,
    EntryKind.MATURE,
    EntryKind.REFUND,
    EntryKind.CORRECTION,
)
"""What moves a talent's pending or available money."""


class PaymentKind(TextChoices):
    RELEASE = "release", "Escrow release"
    HOURS = "hours", "Hours"


PAYING_ENTRIES = (EntryKind.RELEASE, EntryKind.HOURS)
"""Entries that make a payment."""

GIVING_BACK_ENTRIES = (EntryKind.REFUND, EntryKind.HOURS_REVERSAL)
"""Entries that give back part of a payment."""


class RefundKind(TextChoices):
    REFUND = "refund", "Refund"
    REVERSAL = "reversal", "Reversal of disputed hours"


class RequestState(TextChoices):
    """An escrow refund request: the client ended, escrow was left."""

    PENDING = "pending", "Waiting for an answer"
    ACCEPTED = "accepted", "Returned, agreed"
    LAPSED = "lapsed", "Returned, not answered"
    WITHDRAWN = "withdrawn", "Paid instead"
    DISPUTED = "disputed", "Declined, with support"
    CONCEDED = "conceded", "Paid after it was declined"
    ESCALATED = "escalated", "With support"
    DECIDED = "decided", "Decided by support"


OPEN_REQUESTS = (RequestState.PENDING, RequestState.DISPUTED, RequestState.ESCALATED)
HELD_REQUESTS = (RequestState.DISPUTED, RequestState.ESCALATED)
CLOSED_REQUESTS = tuple(state for state in RequestState if state not in OPEN_REQUESTS)


class OnSilence(TextChoices):
    """What an unanswered request does when its time is over."""

    LAPSE = "lapse", "The money goes back to the client"
    ESCALATE = "escalate", "Support decides"


class OperationKind(TextChoices):
    CHARGE = "charge", "Charge"


class OperationState(TextChoices):
    STARTED = "started", "Started"
    UNKNOWN = "unknown", "Waiting for the gateway"
    SUCCEEDED = "succeeded", "Succeeded"
    DECLINED = "declined", "Declined"


OPEN_OPERATIONS = (OperationState.STARTED, OperationState.UNKNOWN)
