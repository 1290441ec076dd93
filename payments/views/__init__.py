"""Pages of the money floor."""

from payments.views.payments import PaymentsView
from payments.views.refund import GiveRefundView

__all__ = ["GiveRefundView", "PaymentsView"]
