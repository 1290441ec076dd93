"""The support desk's window on money: books, what moved, what is asked, and what waits."""

from payments.admin import corrections, ledger, operations, payments, requests

__all__ = ["corrections", "ledger", "operations", "payments", "requests"]
