"""Money's tables."""

from payments.models.book import Account, AccountHistory, Book, BookHistory
from payments.models.chargeback import Chargeback
from payments.models.correction import Correction
from payments.models.entry import Entry, Transfer
from payments.models.gateway import GatewayDay, GatewayEvent, Reconciliation
from payments.models.operation import GatewayOperation
from payments.models.payment import Payment, Refund
from payments.models.refund_request import RefundRequest
from payments.models.request import EscrowRefundRequest, RequestStatement, SplitProposal
from payments.models.sandbox import SandboxCall, SandboxDispute, SandboxMovement
from payments.models.wallet import GatewayIdentity, PaymentMethod

__all__ = [
    "Account",
    "AccountHistory",
    "Book",
    "BookHistory",
    "Chargeback",
    "Correction",
    "Entry",
    "EscrowRefundRequest",
    "GatewayDay",
    "GatewayEvent",
    "GatewayIdentity",
    "GatewayOperation",
    "Payment",
    "PaymentMethod",
    "Reconciliation",
    "Refund",
    "RefundRequest",
    "RequestStatement",
    "SandboxCall",
    "SandboxDispute",
    "SandboxMovement",
    "SplitProposal",
    "Transfer",
]
