"""The support desk's window on agreements: one page shows everything of a contract."""

from contracts.admin import actions, bonuses, contract, disputes, owed, quiet, requests, weeks

__all__ = [
    "actions",
    "bonuses",
    "contract",
    "disputes",
    "owed",
    "quiet",
    "requests",
    "weeks",
]
