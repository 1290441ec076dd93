"""Pages of the money floor."""

from payments.views.asking import (
    AskRefundView,
    DeclineRefundRequestView,
    WithdrawRefundRequestView,
)
from payments.views.charges import ConfirmChargeView
from payments.views.payments import PaymentsView
from payments.views.refund import GiveRefundView

__all__ = [
    "AskRefundView",
    "ConfirmChargeView",
    "DeclineRefundRequestView",
    "GiveRefundView",
    "PaymentsView",
    "WithdrawRefundRequestView",
]
