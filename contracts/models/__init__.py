"""The agreement's tables."""

from contracts.models.checklist import ChecklistItem
from contracts.models.contract import Assignment, Contract, ContractHistory
from contracts.models.message import Message
from contracts.models.milestone import Milestone, Submission

__all__ = [
    "Assignment",
    "ChecklistItem",
    "Contract",
    "ContractHistory",
    "Message",
    "Milestone",
    "Submission",
]
