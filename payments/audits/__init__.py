"""What must be true of the books, each sentence proved from the raw transfers (promise 1).

Every check is one statement that the database answers with what breaks it, so memory stays flat.
"""

from payments.audits import books, outside, paybacks
from payments.audits.base import MOVED
from payments.audits.books import balances, fees, overdrafts, payments, pending
from payments.audits.outside import charges

__all__ = [
    "MOVED",
    "balances",
    "books",
    "charges",
    "fees",
    "outside",
    "overdrafts",
    "paybacks",
    "payments",
    "pending",
]
