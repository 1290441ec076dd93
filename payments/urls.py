"""Addresses of the money floor."""

from django.urls import path

from payments import views

urlpatterns = [
    path("payments/", views.PaymentsView.as_view(), name="payments"),
    path(
        "payments/charges/<int:pk>/confirm/",
        views.ConfirmChargeView.as_view(),
        name="confirm_charge",
    ),
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
