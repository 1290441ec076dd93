"""The words of agreements: kinds, states of the machines, reasons, checklist items."""

from django.db.models import TextChoices

from marketplace.states import Side

__all__ = [
    "ACTIVE_MILESTONES",
    "OPEN_MILESTONES",
    "ChecklistCode",
    "ContractKind",
    "ContractState",
    "DisputeState",
    "EndReason",
    "ItemState",
    "MilestoneState",
    "Side",
    "StretchKind",
    "WeekState",
]


class ContractKind(TextChoices):
    FIXED = "fixed", "Fixed price"
    HOURLY = "hourly", "Hourly"


class ContractState(TextChoices):
    OFFERED = "offered", "Offered"
    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"
    ENDED = "ended", "Ended"
    DECLINED = "declined", "Declined"
    WITHDRAWN = "withdrawn", "Withdrawn"
    EXPIRED = "expired", "Expired"


NEVER_STARTED = (ContractState.DECLINED, ContractState.WITHDRAWN, ContractState.EXPIRED)
RUNNING_CONTRACTS = (ContractState.ACTIVE, ContractState.PAUSED)
"""Begun and not ended; either side may end them."""

OPEN_CONTRACTS = (ContractState.OFFERED, *RUNNING_CONTRACTS)
AGREED_CONTRACTS = (*RUNNING_CONTRACTS, ContractState.ENDED)


class MilestoneState(TextChoices):
    PROPOSED = "proposed", "Proposed"
    PLANNED = "planned", "Not funded"
    FUNDED = "funded", "Funded"
    SUBMITTED = "submitted", "Submitted"
    CHANGES_REQUESTED = "changes_requested", "Changes requested"
    PAID = "paid", "Paid"
    DECLINED = "declined", "Declined"
    CANCELLED = "cancelled", "Cancelled"


ACTIVE_MILESTONES = (
    MilestoneState.FUNDED,
    MilestoneState.SUBMITTED,
    MilestoneState.CHANGES_REQUESTED,
)
"""Active: the money is in escrow. At most one per contract."""

OPEN_MILESTONES = (MilestoneState.PROPOSED, MilestoneState.PLANNED, *ACTIVE_MILESTONES)
"""Unpaid, and cancelled when the contract ends."""


class WeekState(TextChoices):
    """A week of the Work Diary, from recording to payment."""

    OPEN = "open", "Open"
    LOCKED = "locked", "Locked"
    NOTHING = "nothing", "Nothing to bill"
    INVOICED = "invoiced", "Invoiced"
    UNPAID = "unpaid", "Not paid"
    PAID = "paid", "Paid"
    REVERSED = "reversed", "Nothing owed"
    WRITTEN_OFF = "written_off", "Written off"


UNBILLED_WEEKS = (WeekState.OPEN, WeekState.LOCKED)
INVOICED_WEEKS = (
    WeekState.INVOICED,
    WeekState.UNPAID,
    WeekState.PAID,
    WeekState.REVERSED,
    WeekState.WRITTEN_OFF,
)
OWED_WEEKS = (WeekState.INVOICED, WeekState.UNPAID)
UNSETTLED_WEEKS = (*UNBILLED_WEEKS, *OWED_WEEKS)
"""Weeks whose money has not moved yet."""


class StretchKind(TextChoices):
    TIMER = "timer", "Recorded"
    MANUAL = "manual", "Manual"


class DisputeState(TextChoices):
    """A dispute of hours by the client, within a week's review."""

    PENDING = "pending", "Waiting for an answer"
    DECLINED = "declined", "Declined, with support"
    ESCALATED = "escalated", "Not answered, with support"
    ACCEPTED = "accepted", "Accepted"
    WITHDRAWN = "withdrawn", "Withdrawn"
    DECIDED = "decided", "Decided by support"


HELD_DISPUTES = (DisputeState.DECLINED, DisputeState.ESCALATED)
OPEN_DISPUTES = (DisputeState.PENDING, *HELD_DISPUTES)
CLOSED_DISPUTES = tuple(state for state in DisputeState if state not in OPEN_DISPUTES)


class BonusState(TextChoices):
    """A bonus: paid at once from credit, or once its charge is confirmed."""

    CHARGING = "charging", "Waiting for the charge"
    PAID = "paid", "Paid"
    FAILED = "failed", "Not charged"


class BonusRequestState(TextChoices):
    """The talent asks for a bonus for time that was not recorded; the client may answer, or not."""

    WAITING = "waiting", "Waiting for an answer"
    GRANTED = "granted", "Paid"
    DECLINED = "declined", "Declined"
    WITHDRAWN = "withdrawn", "Taken back"
    EXPIRED = "expired", "Not answered"


class DormancyState(TextChoices):
    """Money in escrow and nothing happens: who is asked, and what became of it."""

    CLIENT_ASKED = "client_asked", "The client is asked"
    TALENT_ASKED = "talent_asked", "The talent is asked"
    RELEASE_ASKED = "release_asked", "The talent asks for its release"
    WOKEN = "woken", "It goes on"
    PAID = "paid", "Paid to the talent"
    RETURNED = "returned", "Returned, and ended"


OPEN_DORMANCIES = (
    DormancyState.CLIENT_ASKED,
    DormancyState.TALENT_ASKED,
    DormancyState.RELEASE_ASKED,
)
CLOSED_DORMANCIES = tuple(state for state in DormancyState if state not in OPEN_DORMANCIES)


class EndReason(TextChoices):
    """Why somebody ended: optional, neutral, private to the ender and support (D)."""

    COMPLETED = "completed", "Work completed"
    NOT_NEEDED = "not_needed", "No longer needed"
    UNRESPONSIVE = "unresponsive", "Other side unresponsive"
    NO_AGREEMENT = "no_agreement", "Could not agree"
    ELSEWHERE = "elsewhere", "Hired someone else, or took other work"
    OTHER = "other", "Other"


class ChecklistCode(TextChoices):
    """What is left to do after the end. Which side has which item: see checklists."""

    ACCESS = "access", "Passwords and access"
    DELIVERABLES = "deliverables", "Work, materials and equipment"
    PROPERTY = "property", "Client property"
    FEEDBACK = "feedback", "Feedback"


class ItemState(TextChoices):
    OPEN = "open", "Open"
    TICKED = "ticked", "Done"
    SKIPPED = "skipped", "Skipped"
