"""The support desk's window on money: books, what moved, and what waits."""

from payments.admin import ledger, payments, waiting

__all__ = ["ledger", "payments", "waiting"]
