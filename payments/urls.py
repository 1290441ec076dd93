"""Addresses of the money floor."""

from django.urls import path

from payments import views

urlpatterns = [
    path("payments/", views.PaymentsView.as_view(), name="payments"),
    path("payments/<int:pk>/refund/", views.GiveRefundView.as_view(), name="give_refund"),
]
