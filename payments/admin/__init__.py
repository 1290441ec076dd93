"""The support desk's window on money: books, what moved, what is asked, and what waits."""

from payments.admin import (
    chargebacks,
    corrections,
    gateway,
    ledger,
    operations,
    payments,
    requests,
)

__all__ = [
    "chargebacks",
    "corrections",
    "gateway",
    "ledger",
    "operations",
    "payments",
    "requests",
]
