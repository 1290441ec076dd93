"""Pages of the money floor."""

from payments.views.asking import (
    AskRefundView,
    DeclineRefundRequestView,
    WithdrawRefundRequestView,
)
from payments.views.charges import ConfirmChargeView
from payments.views.credit import ChooseCreditView, SendCreditBackView
from payments.views.payments import PaymentsFileView, PaymentsView
from payments.views.payout import WithdrawView
from payments.views.refund import GiveRefundView
from payments.views.wallet import (
    AddDestinationView,
    AddPaymentMethodView,
    DestinationAddedView,
    PaymentMethodAddedView,
    PaymentMethodsView,
    PreferPaymentMethodView,
    RemovePaymentMethodView,
)
from payments.views.webhooks import StripeWebhookView

__all__ = [
    "AddDestinationView",
    "AddPaymentMethodView",
    "AskRefundView",
    "ChooseCreditView",
    "ConfirmChargeView",
    "DeclineRefundRequestView",
    "DestinationAddedView",
    "GiveRefundView",
    "PaymentMethodAddedView",
    "PaymentMethodsView",
    "PaymentsFileView",
    "PaymentsView",
    "PreferPaymentMethodView",
    "RemovePaymentMethodView",
    "SendCreditBackView",
    "StripeWebhookView",
    "WithdrawRefundRequestView",
    "WithdrawView",
]
