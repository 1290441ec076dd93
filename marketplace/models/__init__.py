"""The ground's tables."""

from marketplace.models.case import Case, CaseMessage
from marketplace.models.clock import DemoClock
from marketplace.models.help import ArticleVote
from marketplace.models.history import ActedOn, History, Stateful
from marketplace.models.key import FormKey
from marketplace.models.notice import Notice
from marketplace.models.party import Membership, Party
from marketplace.models.run import SweepRun
from marketplace.models.user import User

__all__ = [
    "ActedOn",
    "ArticleVote",
    "Case",
    "CaseMessage",
    "DemoClock",
    "FormKey",
    "History",
    "Membership",
    "Notice",
    "Party",
    "Stateful",
    "SweepRun",
    "User",
]
