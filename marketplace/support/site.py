"""The admin site of the support desk."""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from marketplace.support import dashboard, tools


class SupportSite(AdminSite):
    """Signed in to like every other page; its first page is the dashboard."""

    site_header = "Closeout support"
    site_title = "Closeout support"
    index_title = "What waits for support"
    index_template = "admin/support/index.html"

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return secure_admin_login(super().login)(request, extra_context)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return redirect("account_change_password")

    def index(self, request: HttpRequest, extra_context: Any = None) -> TemplateResponse:
        panels = dashboard.panels_for(tools.person(request))
        return super().index(request, {"panels": panels, **(extra_context or {})})
