"""Money's tables."""

from payments.models.book import Account, Book, BookHistory
from payments.models.correction import Correction
from payments.models.entry import Entry, Transfer
from payments.models.operation import GatewayOperation, SandboxCharge
from payments.models.payment import Payment, Refund
from payments.models.refund_request import RefundRequest
from payments.models.request import EscrowRefundRequest, RequestStatement, SplitProposal

__all__ = [
    "Account",
    "Book",
    "BookHistory",
    "Correction",
    "Entry",
    "EscrowRefundRequest",
    "GatewayOperation",
    "Payment",
    "Refund",
    "RefundRequest",
    "RequestStatement",
    "SandboxCharge",
    "SplitProposal",
    "Transfer",
]
