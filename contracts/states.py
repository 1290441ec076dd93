"""The words of agreements: kinds, states of the machines, reasons, checklist items."""

from django.db.models import TextChoices

from marketplace.states import Side

__all__ = [
    "ACTIVE_MILESTONES",
    "OPEN_MILESTONES",
    "ChecklistCode",
    "ContractKind",
    "ContractState",
    "EndReason",
    "ItemState",
    "MilestoneState",
    "Side",
]


class ContractKind(TextChoices):
    FIXED = "fixed", "Fixed price"


class ContractState(TextChoices):
    OFFERED = "offered", "Offered"
    ACTIVE = "active", "Active"
    ENDED = "ended", "Ended"
    DECLINED = "declined", "Declined"
    WITHDRAWN = "withdrawn", "Withdrawn"
    EXPIRED = "expired", "Expired"


NEVER_STARTED = (ContractState.DECLINED, ContractState.WITHDRAWN, ContractState.EXPIRED)
OPEN_CONTRACTS = (ContractState.OFFERED, ContractState.ACTIVE)
AGREED_CONTRACTS = (ContractState.ACTIVE, ContractState.ENDED)


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
