"""Addresses of the feedback app."""

from django.urls import path

from feedback.views import contract, people

urlpatterns = [
    path("contracts/<slug:reference>/feedback/", contract.Page.as_view(), name="feedback"),
    path(
        "contracts/<slug:reference>/feedback/edit/", contract.Edit.as_view(), name="feedback_edit"
    ),
    path("people/<slug:slug>/", people.WorkHistory.as_view(), name="work_history"),
]
