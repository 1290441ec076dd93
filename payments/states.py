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
    BONUS = "bonus", "Bonus"
    MATURE = "mature", "Payment available"
    CREDIT_BACK = "credit_back", "Credit sent back"
    PAYOUT = "payout", "Withdrawn"
    PAYOUT_FAILED = "payout_failed", "Came back"
    CHARGEBACK = "chargeback", "Charge disputed at the bank"
    CORRECTION = "correction", "Correction"


BOOKLESS_ENTRIES = (EntryKind.PAYOUT, EntryKind.PAYOUT_FAILED)
"""What may belong to no contract: a talent withdraws from all of its contracts together."""


class PaymentKind(TextChoices):
    RELEASE = "release", "Escrow release"
    HOURS = "hours", "Hours"
    BONUS = "bonus", "Bonus"


PAYING_ENTRIES = (EntryKind.RELEASE, EntryKind.HOURS, EntryKind.BONUS)
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
    DISPUTED = "disputed", "Disputed"
    CONCEDED = "conceded", "Paid after a dispute"
    CONCEDED_BY_SILENCE = "conceded_by_silence", "Paid, dispute not answered"
    ESCALATED = "escalated", "With support"
    MEDIATING = "mediating", "In mediation"
    AGREED = "agreed", "Split as agreed"
    DECIDED = "decided", "Decided by support"


HELD_REQUESTS = (RequestState.ESCALATED, RequestState.MEDIATING)
"""With support: nobody's silence decides any more."""

ANSWERABLE_REQUESTS = (RequestState.PENDING, RequestState.DISPUTED)
"""A side's silence decides."""

DISCUSSED_REQUESTS = (RequestState.DISPUTED, *HELD_REQUESTS)
"""The sides disagree, or support has it: both may add to what they said."""

OPEN_REQUESTS = (*ANSWERABLE_REQUESTS, *HELD_REQUESTS)
CLOSED_REQUESTS = tuple(state for state in RequestState if state not in OPEN_REQUESTS)


class OnSilence(TextChoices):
    """What an unanswered request does when its time is over."""

    LAPSE = "lapse", "The money goes back to the client"
    ESCALATE = "escalate", "Support decides"
    CONCEDE = "concede", "The money goes to the talent"


class SplitState(TextChoices):
    """A proposed split of what is asked back."""

    OPEN = "open", "Waiting for an answer"
    ACCEPTED = "accepted", "Accepted"
    DECLINED = "declined", "Declined"
    LAPSED = "lapsed", "Not answered"
    TAKEN_BACK = "taken_back", "Taken back"


class Proposer(TextChoices):
    """Who proposes a split: the talent instead of an answer, support in mediation."""

    TALENT = "talent", "Talent"
    SUPPORT = "support", "Support"


class StatementKind(TextChoices):
    """What is said about an escrow refund request, for both sides and support to read."""

    DISPUTE = "dispute", "Why it is disputed"
    REJECTION = "rejection", "Why the dispute is rejected"
    ADDITION = "addition", "Added"
    NOTE = "note", "Support's note"


class RefundRequestState(TextChoices):
    """The client asks for a payment, or part of it, back; the talent may answer, or not."""

    WAITING = "waiting", "Waiting for an answer"
    GRANTED = "granted", "Refunded"
    DECLINED = "declined", "Declined"
    WITHDRAWN = "withdrawn", "Taken back"
    EXPIRED = "expired", "Not answered"


class CorrectionState(TextChoices):
    """A correcting entry: one of support proposes it, another one approves."""

    PROPOSED = "proposed", "Waiting for a second person"
    POSTED = "posted", "Posted"
    REJECTED = "rejected", "Rejected"


class OperationKind(TextChoices):
    CHARGE = "charge", "Charge"
    CREDIT_BACK = "credit_back", "Credit sent back"
    PAYOUT = "payout", "Withdrawal"


OUTGOING = (OperationKind.CREDIT_BACK, OperationKind.PAYOUT)
"""Money that leaves the platform: posted when it is begun, and back again if it does not arrive."""


class OperationState(TextChoices):
    STARTED = "started", "Started"
    UNKNOWN = "unknown", "Waiting for the gateway"
    SUCCEEDED = "succeeded", "Succeeded"
    DECLINED = "declined", "Declined"
    RETURNED = "returned", "Came back"


OPEN_OPERATIONS = (OperationState.STARTED, OperationState.UNKNOWN)
NOT_ARRIVED = (OperationState.DECLINED, OperationState.RETURNED)
"""Outgoing money that is here again."""


class ChargebackState(TextChoices):
    """A client disputes a charge at its bank, which takes the money back until it has decided."""

    OPEN = "open", "The bank has not decided"
    WON = "won", "Decided for the platform"
    LOST = "lost", "Decided for the client"
    WRITTEN_OFF = "written_off", "Written off"


STANDING_CHARGEBACKS = (ChargebackState.OPEN, ChargebackState.LOST)
"""The bank has the money, and nobody has settled what that leaves open."""
