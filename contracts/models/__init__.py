"""The agreement's tables."""

from contracts.models.bonus import Bonus, BonusRequest
from contracts.models.checklist import ChecklistItem
from contracts.models.contract import Assignment, Contract, ContractHistory
from contracts.models.diary import Stretch, Timer
from contracts.models.dispute import DisputedSegment, HoursDispute
from contracts.models.dormancy import Dormancy
from contracts.models.message import Message
from contracts.models.milestone import Milestone, Submission
from contracts.models.week import Week, WeekLimit

__all__ = [
    "Assignment",
    "Bonus",
    "BonusRequest",
    "ChecklistItem",
    "Contract",
    "ContractHistory",
    "DisputedSegment",
    "Dormancy",
    "HoursDispute",
    "Message",
    "Milestone",
    "Stretch",
    "Submission",
    "Timer",
    "Week",
    "WeekLimit",
]
