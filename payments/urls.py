"""Addresses of the money floor."""

from django.urls import path

from payments import views

urlpatterns = [
    path("payments/", views.PaymentsView.as_view(), name="payments"),
    path("payments/export.csv", views.PaymentsFileView.as_view(), name="payments_csv"),
    path(
        "payments/charges/<int:pk>/confirm/",
        views.ConfirmChargeView.as_view(),
        name="confirm_charge",
    ),
    path("payments/webhooks/stripe/", views.StripeWebhookView.as_view(), name="stripe_webhook"),
    path("payments/withdraw/", views.WithdrawView.as_view(), name="withdraw"),
    path("payments/methods/", views.PaymentMethodsView.as_view(), name="payment_methods"),
    path("payments/methods/add/", views.AddPaymentMethodView.as_view(), name="add_payment_method"),
    path(
        "payments/methods/added/",
        views.PaymentMethodAddedView.as_view(),
        name="payment_method_added",
    ),
    path(
        "payments/methods/prefer/",
        views.PreferPaymentMethodView.as_view(),
        name="prefer_payment_method",
    ),
    path(
        "payments/methods/<int:pk>/remove/",
        views.RemovePaymentMethodView.as_view(),
        name="remove_payment_method",
    ),
    path(
        "payments/methods/account/add/", views.AddDestinationView.as_view(), name="add_destination"
    ),
    path(
        "payments/methods/account/added/",
        views.DestinationAddedView.as_view(),
        name="destination_added",
    ),
    path("payments/credit/back/", views.SendCreditBackView.as_view(), name="send_credit_back"),
    path("payments/credit/choice/", views.ChooseCreditView.as_view(), name="choose_credit"),
    path("payments/<int:pk>/refund/", views.GiveRefundView.as_view(), name="give_refund"),
    path("payments/<int:pk>/refund/ask/", views.AskRefundView.as_view(), name="ask_refund"),
    path(
        "payments/<int:pk>/refund/decline/",
        views.DeclineRefundRequestView.as_view(),
        name="decline_refund_request",
    ),
    path(
        "payments/<int:pk>/refund/take-back/",
        views.WithdrawRefundRequestView.as_view(),
        name="withdraw_refund_request",
    ),
]
