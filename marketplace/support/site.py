"""The admin site of the support desk."""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path

from marketplace.support import clocks, dashboard, tools


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
        person = tools.person(request)
        shown = {
            "panels": dashboard.panels_for(person),
            "clocks": clocks.page(clocks.sources_for(person, of_support=True), size=clocks.FIRST),
        }
        return super().index(request, {**shown, **(extra_context or {})})

    def get_urls(self) -> list[URLPattern | URLResolver]:
        page = path("clocks/", self.admin_view(self.clocks), name="clocks")
        return [page, *super().get_urls()]

    def clocks(self, request: HttpRequest) -> HttpResponse:
        """Everything that somebody must answer, soonest first; for who sees any of it."""
        chosen = clocks.Whose.read(request.GET.get("whose", ""))
        sources = clocks.sources_for(tools.person(request), of_support=chosen.of_support)
        if not sources:
            raise PermissionDenied
        context = {
            **self.each_context(request),
            "title": "Clocks",
            "clocks": clocks.page(sources, after=request.GET.get("after", "")),
            "chosen": chosen,
            "all_of_them": list(clocks.Whose),
        }
        return TemplateResponse(request, "admin/support/clocks.html", context)
