"""Money's tables."""

from payments.models.book import Account, Book, BookHistory
from payments.models.entry import Entry, Transfer
from payments.models.operation import GatewayOperation, SandboxCharge
from payments.models.payment import Payment, Refund
from payments.models.request import EscrowRefundRequest

__all__ = [
    "Account",
    "Book",
    "BookHistory",
    "Entry",
    "EscrowRefundRequest",
    "GatewayOperation",
    "Payment",
    "Refund",
    "SandboxCharge",
    "Transfer",
]
