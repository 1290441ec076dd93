"""The support desk's window on agreements: one page shows everything of a contract."""

from contracts.admin import actions, contract, disputes, weeks

__all__ = ["actions", "contract", "disputes", "weeks"]
